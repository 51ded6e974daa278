"""Drawing values in the kernel: `sampling.sampler.choose`, which says what is drawn."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from ..base import Floats
from .library import address, library


def choose(
    logits: Floats, temperature: float, top_p: float, min_p: float, top_k: int, chance: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """One value of each row of `logits` (B, V) by `chance` (B,)."""
    rows, values = logits.shape
    call = _kept.calls.get(logits.shape) or _kept.new(rows, values)
    call.logits[:], call.chance[:] = logits, chance
    library().musegen_choose(
        call.logits_at, rows, values, temperature, top_p, min_p, top_k, call.chance_at, call.out_at
    )
    return call.out.copy()


class _Call:
    """The arrays of a call, and where they lie."""

    def __init__(self, rows: int, values: int) -> None:
        self.logits, self.chance = np.zeros((rows, values), np.float32), np.zeros(rows)
        self.out = np.zeros(rows, np.int64)
        self.logits_at, self.chance_at, self.out_at = (address(a) for a in (self.logits, self.chance, self.out))


class _Kept(threading.local):
    """The calls of each thread."""

    def __init__(self) -> None:
        self.calls = dict[tuple[int, ...], _Call]()

    def new(self, rows: int, values: int) -> _Call:
        if len(self.calls) >= 32:  # sizes of batches come and go
            self.calls.clear()
        self.calls[rows, values] = _Call(rows, values)
        return self.calls[rows, values]


_kept = _Kept()

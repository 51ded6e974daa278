"""The floor: an n-gram over events, interpolated by Witten and Bell's rule (see `counts`).

The chain rule inside the note is the networks' own: shift → instrument → pitch → velocity → duration. A relative chain
gives a little of its mass to pitches outside 0-127, so `nats` is an upper bound, while `probabilities` are made to sum
to one. Nothing is learnt from the piece itself: what repeats in it is not copied. Knows of events only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...errors import CheckpointError
from ...events import attributes as at
from ...events.derived import ModelRows
from ..config import BaselineConfig
from .base import Pieces, training_rows
from .contexts import Walk, features, places
from .counts import RELATIVE, Chain, Counted, Floats, Ints, drawn

CHAINS: dict[str, tuple[tuple[str, ...], ...]] = {
    "shift": (
        ("expected gap", "bar", "step1 d1", "step2", "step3 i1"),
        ("bar expected", "step1", "step2", "step3", "struck"),
        ("d1", "step1 expected", "bar", "step2", "i1 struck"),
    ),
    "instrument": (
        ("fresh free1", "i1", "free2", "i2", "i3 left"),
        ("i1 fresh", "i2 struck", "i3", "phase"),
    ),
    "pitch": (
        (RELATIVE, "instrument", "~n1", "~n2", "harmony", "~p2"),
        (RELATIVE, "key", "instrument", "~n1", "harmony", "~p2"),
        (RELATIVE, "instrument", "~p2", "~n1", "harmony", "~p3"),
        (RELATIVE, "instrument", "~chord1", "key", "~chord2", "~p2"),
        (RELATIVE, "~p2", "~p3", "~p4", "~p5", "phase"),
        (RELATIVE, "key", "~p2", "phase", "~p3", "~p4"),
        ("instrument", "p1", "n1", "n2", "harmony", "p2"),
        ("instrument", "chord1", "phase", "chord2", "p1"),
        ("p1", "p2", "p3", "p4", "p5"),
    ),
    "velocity": (
        ("own_v1", "row_v", "instrument fresh", "phase", "step1"),
        ("instrument", "own_v1", "phase", "row_v", "pitch"),
    ),
    "duration": (
        ("row_d", "phase", "own_d1", "left", "own_d2 instrument"),
        ("phase", "row_d", "~pitch", "harmony"),
        ("phase", "row_d left", "~n1 ~pitch", "~n2", "key"),
        ("phase", "own_d1", "own_d2", "~pitch", "instrument"),
        ("row_d left", "free1", "phase", "~pitch", "own_d1"),
        ("instrument", "own_d1", "own_d2", "phase", "pitch", "since"),
        ("phase left", "row_d", "~pitch", "harmony", "key", "own_d1"),
    ),
}

_ASIDE = 10  # every tenth training piece is kept apart, to find the chains' shares


class NGram:
    """A Witten–Bell n-gram, or part of one: `chains` says what is counted for each attribute."""

    def __init__(self, config: BaselineConfig | None = None, chains: Mapping[str, Sequence[Chain]] = CHAINS) -> None:
        self.config, self.chains = config or BaselineConfig("ngram"), chains
        self.counted = {
            column: Counted(column, chains[a.name]) for column, a in enumerate(at.ATTRIBUTES) if a.name in chains
        }

    def fit(self, corpus: Pieces) -> NGram:
        """Count the training split: nine tenths, to find the mixing weights on the rest, then all of it."""
        seen, rows = [], []
        for piece in training_rows(corpus):
            seen.append(features(piece))
            rows.append(piece[:, :5].astype(np.int64))
        aside = [n % _ASIDE == _ASIDE - 1 for n in range(len(rows))]
        if any(aside):
            self._count(_where(seen, aside, False), _where(rows, aside, False))
            for counted in self.counted.values():
                counted.weigh(np.concatenate(_where(seen, aside, True)), np.concatenate(_where(rows, aside, True)))
        self._count(seen, rows)
        return self

    def _count(self, seen: list[Ints], rows: list[Ints]) -> None:
        for counted in self.counted.values():
            counted.count(np.concatenate(seen), np.concatenate(rows))

    def nats(self, rows: ModelRows) -> Floats:
        """−log P of every attribute of a piece's rows (N, WIDTH): (N, 5) in nats, 0 for what is not predicted."""
        seen, whole, out = features(rows), rows[:, :5].astype(np.int64), np.zeros((len(rows), len(at.ATTRIBUTES)))
        for column, counted in self.counted.items():
            keep = drawn(rows, column)
            if keep.any():
                out[keep, column] = -np.log(counted.probability(seen[keep], whole[keep], whole[keep][:, column]))
        return out

    def probabilities(self, column: int, past: Sequence[Walk], target: ModelRows) -> Floats:
        """P of every value of attribute `column` of the next rows (B, WIDTH), given those drawn before it: (B, V)."""
        # Where the shift is to be drawn nothing is known of the target, and of the features only some are asked for.
        seen = [walk.features(*place) for walk, place in zip(past, places(target), strict=True)]
        rows = target[:, :5].astype(np.int64)
        values = np.broadcast_to(np.arange(at.ATTRIBUTES[column].outputs), (len(rows), at.ATTRIBUTES[column].outputs))
        found = self.counted[column].probability(np.array(seen, np.int64), rows, values)
        result: Floats = found / found.sum(1, keepdims=True)
        return result

    def arrays(self) -> dict[str, np.ndarray]:
        """All counts, as a checkpoint keeps them."""
        arrays: dict[str, np.ndarray] = {"chains": self._fingerprint()}
        for counted in self.counted.values():
            arrays |= counted.arrays()
        return arrays

    @classmethod
    def from_arrays(
        cls,
        config: BaselineConfig,
        arrays: Mapping[str, np.ndarray],
        chains: Mapping[str, Sequence[Chain]] = CHAINS,
    ) -> NGram:
        """What `arrays` wrote. Raises CheckpointError for counts of other contexts, KeyError for a missing array."""
        model = cls(config, chains)
        if not np.array_equal(arrays["chains"], model._fingerprint()):
            raise CheckpointError("The checkpoint counts other contexts than this musegen's: train it again.")
        for column, counted in model.counted.items():
            model.counted[column] = Counted.from_arrays(column, counted.chains, arrays)
        return model

    def _fingerprint(self) -> np.ndarray:
        """Changes when what is counted changes."""
        text = json.dumps({name: list(chains) for name, chains in self.chains.items()})
        return np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], np.uint8)


def _where(arrays: list[Ints], flags: Iterable[bool], wanted: bool) -> list[Ints]:
    return [a for a, flag in zip(arrays, flags, strict=True) if flag is wanted]

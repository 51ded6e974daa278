"""Benchmark of record P2: nats per frame of polyphony (Boulanger-Lewandowski, Bengio & Vincent 2012, "Modeling temporal
dependencies in high-dimensional sequences").

A frame is which of the 88 keys sound (A0 first), one a quarter in JSB_Chorales and one an eighth in Nottingham. The
figure is −log P of a frame given those before it, summed over the keys, averaged over all frames but each piece's
first. Published figures are of the test split, which these files need not hold. Knows nothing of models.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import CorpusError

KEYS = 88
SETS = {"jsb": "JSB_Chorales", "nottingham": "Nottingham"}
"""Short name → file name without its ending."""

OUTPUTS = ("bernoulli", "chain")
"""The classes of outputs that may be compared: 88 independent keys, or a chain rule inside the frame."""

PUBLISHED: dict[tuple[str, str], tuple[tuple[str, float], ...]] = {
    ("jsb", "bernoulli"): (("LSTM", 8.45), ("TCN", 8.10)),
    ("nottingham", "bernoulli"): (("LSTM", 3.29), ("TCN", 3.07)),
    ("jsb", "chain"): (("n-gram, 12 transpositions", 5.59),),
    ("nottingham", "chain"): (("n-gram", 2.77), ("RNN-NADE", 2.31)),
}
"""Figures to compare with (test split), by set and class of outputs."""

Frames = npt.NDArray[np.uint8]
"""One piece: (T, 88) of 0 and 1."""


class PerFrame(NamedTuple):
    """Nats a frame: over all frames (`frame_mean`, the figure of record), and the mean of the pieces' own figures."""

    frame_mean: float
    piece_mean: float


def load_sets(folder: str | Path, name: str) -> dict[str, list[Frames]]:
    """The pieces of a set by split ("train", "valid", and "test" where the file has it). Raises CorpusError."""
    path = Path(folder) / f"{SETS[name]}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise CorpusError(f"{folder} does not hold {path.name}: give the folder of the per-frame sets.") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or 'it is not an npz file'}.") from None
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise CorpusError(f"{path} is not an npz file of arrays.") from None
    return {s: _split(path, arrays, s) for s in ("train", "valid", "test") if s in arrays or s != "test"}


def per_frame(nats: Sequence[npt.NDArray[Any]]) -> PerFrame:
    """Figures of record from the nats of each piece's frames t ≥ 1."""
    scored = [np.asarray(n, np.float64) for n in nats if len(n)]
    return PerFrame(float(np.concatenate(scored).mean()), float(np.mean([n.mean() for n in scored])))


def _split(path: Path, arrays: dict[str, npt.NDArray[Any]], split: str) -> list[Frames]:
    rows, lengths = (arrays.get(key, np.zeros(0)) for key in (split, f"{split}_len"))
    packed = rows.dtype == np.uint8 and rows.ndim == 2 and rows.shape[1] == KEYS // 8
    if not packed or lengths.ndim != 1 or not len(lengths) or lengths.min() < 2 or lengths.sum() != len(rows):
        raise CorpusError(
            f"{path} is not a per-frame set: expected {split} (frames, 11) of packed bits and {split}_len, the frames "
            "of each piece."
        )
    return np.split(np.unpackbits(rows, axis=1), np.cumsum(lengths.astype(np.int64))[:-1])

"""How alike phrases are: whether generated ones are copies of the training music, and whether all are the same one.

The likeness of two phrases is the Jaccard index of the notes that begin in them, |A ∩ B| / |A ∪ B|, on 16ths, so that a
copy played a little late is still a copy. Knows nothing of models or files. numpy only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..events.phrases import GRID, STEPS
from ..events.roll import HOLD, ONSET, SILENT, Cells
from ..events.tracks import TRACKS

_SIXTEENTH = STEPS // 16
_LANES = len(TRACKS) * 128  # room for transposition between one track's pitches and the next's

Codes = npt.NDArray[np.int64]


def _strokes(cells: Cells) -> tuple[Codes, Codes, Codes, Codes]:
    """(phrase, 16th, track, pitch) of the notes that begin in phrases (n, K, bars, 96, 84), each once."""
    n, tracks, bars = cells.shape[:3]
    rows = cells.reshape(n, tracks, bars * STEPS, GRID.pitches)
    begins = rows == ONSET
    begins[:, :, 0] |= rows[:, :, 0] == HOLD
    begins[:, :, 1:] |= (rows[:, :, 1:] == HOLD) & (rows[:, :, :-1] == SILENT)
    phrase, track, step, pitch = np.unravel_index(np.flatnonzero(begins), begins.shape)  # far faster than nonzero
    time = np.minimum((step + _SIXTEENTH // 2) // _SIXTEENTH, bars * 16 - 1)
    code = np.unique(((phrase * bars * 16 + time) * len(TRACKS) + track) * 128 + pitch + GRID.low)
    return code // (bars * 16 * _LANES), code // _LANES % (bars * 16), code // 128 % len(TRACKS), code % 128


def likeness(cells: Cells) -> npt.NDArray[np.float64]:
    """(n, n): the likeness of each two of phrases (n, K, bars, 96, 84). Two silent ones are alike."""
    n = len(cells)
    phrase, time, track, pitch = _strokes(cells)
    codes, column = np.unique(time * _LANES + track * 128 + pitch, return_inverse=True)
    table = np.zeros((n, len(codes)), np.float32)
    table[phrase, column] = 1
    both = (table @ table.T).astype(np.float64)
    size = table.sum(1)
    either = size[:, None] + size - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def different(cells: Cells) -> float:
    """How many different phrases `cells` (n, K, bars, 96, 84) amount to: n if no two share a note, 1 if all are one.

    The Vendi score (Friedman & Dieng 2023): the exponential of the entropy of the eigenvalues of likeness / n.
    """
    share = np.linalg.eigvalsh(likeness(cells) / len(cells))
    share = share[share > 1e-12]
    return float(np.exp(-(share * np.log(share)).sum()))


def diversity(generated: Cells, data: Cells) -> float:
    """`different(generated)` over that of as many phrases of `data`: about 1 is healthy, near 1 / n is a collapse."""
    n = min(len(generated), len(data))
    return different(generated[:n]) / different(data[:n])


class Neighbours:
    """Training phrases, to look up the nearest of them: for each note, the phrases in which it begins."""

    def __init__(self, chunks: Iterable[Cells]) -> None:
        """`chunks` are phrases (n, K, bars, 96, 84), one array after another, numbered from 0 on."""
        codes, owners, self._count = [], [], 0
        for cells in chunks:
            phrase, time, track, pitch = _strokes(cells)
            codes.append(time * _LANES + track * 128 + pitch)
            owners.append((phrase + self._count).astype(np.int32))
            self._count += len(cells)
        code, owner = np.concatenate(codes), np.concatenate(owners)
        order = np.argsort(code, kind="stable")
        self._owner = owner[order]
        self._size = np.bincount(owner, minlength=self._count)
        self._begin = np.searchsorted(code[order], np.arange(int(code.max(initial=0)) + 2))

    def __len__(self) -> int:
        return self._count

    def nearest(self, cells: Cells, semitones: int = 6) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """(distance, number) of the training phrase most like each of phrases (n, K, bars, 96, 84).

        Distance is 1 − likeness, the least over all transpositions by up to `semitones`; drums are not transposed.
        """
        phrase, time, track, pitch = _strokes(cells)
        drums = (track == 0) & (cells.shape[1] == len(TRACKS))
        ends = np.searchsorted(phrase, np.arange(len(cells) + 1))
        best, which = np.ones(len(cells)), np.zeros(len(cells), np.int64)
        for i in range(len(cells)):
            mine = slice(ends[i], ends[i + 1])
            code, fixed = time[mine] * _LANES + track[mine] * 128 + pitch[mine], drums[mine]
            likest = self._likest(code[fixed], code[~fixed], semitones)
            which[i] = int(np.argmax(likest))
            best[i] = 1 - likest[which[i]]
        return best, which

    def _likest(self, drums: Codes, tuned: Codes, semitones: int) -> npt.NDArray[np.float64]:
        """The likeness (P,) of one phrase to each of the training phrases, in the best transposition."""
        in_drums, size = self._shared(drums), len(drums) + len(tuned)
        moved = [self._shared(tuned + s) for s in range(-semitones, semitones + 1)]
        both = in_drums + np.maximum.reduce(moved)
        likest: npt.NDArray[np.float64] = both / np.maximum(self._size + size - both, 1)
        return likest

    def _shared(self, codes: Codes) -> npt.NDArray[np.int64]:
        """How many of the notes `codes` each training phrase (P,) has."""
        codes = codes[codes < len(self._begin) - 1]
        begin = self._begin[codes]
        length = self._begin[codes + 1] - begin
        ends = np.cumsum(length)
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(begin - (ends - length), length)
        shared: npt.NDArray[np.int64] = np.bincount(self._owner[places], minlength=self._count)
        return shared


@dataclass(frozen=True)
class CopyCheck:
    """Distances of generated phrases to their nearest training phrase, beside those of held-out real phrases."""

    generated: npt.NDArray[np.float64]
    held_out: npt.NDArray[np.float64]

    @property
    def suspicious(self) -> float:
        """The share of generated phrases nearer to a training phrase than 95 % of the held-out ones are to theirs.

        About .05 for an honest player of the same music; a copier has 1.
        """
        return float((self.generated < np.quantile(self.held_out, 0.05)).mean())

    @property
    def copies(self) -> float:
        """The share of generated phrases with every note of some training phrase and no other, in some key."""
        return float((self.generated == 0).mean())

    def __str__(self) -> str:
        return (
            f"distance to the nearest training phrase: median {np.median(self.generated):.2f} (held-out music: "
            f"{np.median(self.held_out):.2f}), least {self.generated.min():.2f} ({self.held_out.min():.2f}); "
            f"{self.suspicious:.0%} nearer than 95 % of the held-out phrases are, {self.copies:.0%} exact copies"
        )

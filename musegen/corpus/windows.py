"""Training windows: which slices of which pieces make up each batch, as a pure function of a seed.

Nothing is random here but through `(seed, epoch)`, so that a run killed at any batch goes on with exactly
the batches it would have seen. Imports numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..events import attributes as at
from ..events import derived
from ..events.codec import shift_ticks
from .augment import Augmentation, augment
from .store import Corpus

LEAD = 512  # rows before a window from which its derived columns are taken: enough, and cheap in endless pieces


class Window(NamedTuple):
    """Rows `start` to `end` of a piece."""

    piece: int
    start: int
    end: int


@dataclass(frozen=True)
class Windows:
    """The windows of one split. `length` is the longest, counted in predicted rows."""

    corpus: Corpus
    split: str = "train"
    length: int = 512
    batch_rows: int = 4096
    seed: int = 0
    augmentation: Augmentation | None = None
    tag_rate: float = 0.5  # how often a piece is given its style tag

    def epoch(self, epoch: int) -> list[list[Window]]:
        """Every batch of an epoch: windows of like length, at most `batch_rows` rows with their padding."""
        rng = np.random.default_rng([self.seed, epoch])
        windows = [w for i in self.corpus.pieces(self.split) for w in self._cut(i, rng)]
        order = np.argsort([(w.end - w.start) * rng.uniform(0.9, 1.1) for w in windows], kind="stable")
        batches: list[list[Window]] = []
        longest = 0
        for w in (windows[i] for i in order):
            longest = max(longest, w.end - w.start)
            if not batches or (len(batches[-1]) + 1) * longest > self.batch_rows:
                batches.append([])
                longest = w.end - w.start
            batches[-1].append(w)
        return [batches[i] for i in rng.permutation(len(batches))]

    def rows(self, window: Window, epoch: int) -> derived.ModelRows:
        """The model rows (T, WIDTH) of a window, augmented and tagged as this epoch has it."""
        rng = np.random.default_rng([self.seed, epoch, window.piece])
        rows = self.corpus.rows(window.piece)
        if self.augmentation is not None:
            rows = augment(rows, rng, self.augmentation)
        lead = max(0, window.start - LEAD)
        since = int(shift_ticks(rows[:lead, at.SHIFT]).sum())
        model_rows = derived.derive(rows[lead : window.end], self.corpus.meters(window.piece), since)
        model_rows = model_rows[window.start - lead :]
        if window.start == 0 and self.corpus.styles and rng.random() < self.tag_rate:
            model_rows = with_tag(model_rows, self.corpus.style(window.piece))
        return model_rows

    def _cut(self, piece: int, rng: np.random.Generator) -> list[Window]:
        n = self.corpus.entries[piece].length
        if n - 1 <= self.length:
            return [Window(piece, 0, n)] if n > 1 else []
        first = int(rng.integers(-self.length + 1, 1))
        starts = range(first, n - 1, self.length)
        return [Window(piece, max(0, s), min(n, s + self.length + 1)) for s in starts]


def with_tag(rows: derived.ModelRows, tag: int) -> derived.ModelRows:
    """`rows` with style tag `tag` after START."""
    row = rows[:1].copy()
    row[0, :5] = at.tag_row(tag)
    return np.concatenate([rows[:1], row, rows[1:]])

"""Training windows: which slices of which pieces make up each batch, as a pure function of a seed.

Nothing is random here but through `(seed, epoch)`, so that a run killed at any batch goes on with exactly
the batches it would have seen. Imports numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events import derived
from ..events.codec import Rows, onsets, shift_ticks
from ..events.holes import Hole, permute
from ..piece import Meter
from .augment import Augmentation, augment
from .gaps import draw_hole
from .store import Corpus

LEAD = 512  # rows before a window from which its derived columns are taken: enough, and cheap in endless pieces


class Window(NamedTuple):
    """Rows `start` to `end` of a piece."""

    piece: int
    start: int
    end: int


class Lesson(NamedTuple):
    """What a network learns from at once: the model rows (T, WIDTH) as they are, as they are heard, and which
    attributes (T, 5) are known rather than predicted (see `SequenceModel.nats`)."""

    rows: derived.ModelRows
    heard: derived.ModelRows
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Batches(Sequence[list[Window]]):
    """The batches of an epoch, each made when it is asked for: all windows of a large corpus as objects would weigh as
    much as the corpus. `table` (N, 3) holds the windows, `bounds` (B + 1) where a batch begins and ends in it, `order`
    (B) which comes when."""

    table: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, number: int) -> list[Window]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[Window]]: ...
    def __getitem__(self, number: int | slice) -> list[Window] | list[list[Window]]:
        if isinstance(number, slice):
            return [self[i] for i in range(len(self))[number]]
        first, last = self.bounds[self.order[number] :][:2]
        return [Window(*row) for row in self.table[first:last].tolist()]


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
    hold: float = 0.0  # how often a window is heard as if some of its notes were still held
    infill: float = 0.0  # how often a window has a hole, whose notes come last (`events.holes`)

    def epoch(self, epoch: int) -> Batches:
        """Every batch of an epoch: windows of like length, at most `batch_rows` rows with their padding."""
        rng = np.random.default_rng([self.seed, epoch])
        table = np.concatenate(
            [np.zeros((0, 3), np.int32), *(self._cut(i, rng) for i in self.corpus.pieces(self.split))]
        )
        lengths = table[:, 2] - table[:, 1]
        order = np.argsort(lengths * rng.uniform(0.9, 1.1, len(table)), kind="stable")
        starts, longest = list[int](), 0
        for place, length in enumerate(map(int, lengths[order])):
            longest = max(longest, length)
            if not starts or (place - starts[-1] + 1) * longest > self.batch_rows:
                starts.append(place)
                longest = length
        bounds = np.array([*starts, len(table)])
        return Batches(table[order], bounds, rng.permutation(len(starts)))

    def lesson(self, window: Window, epoch: int) -> Lesson:
        """A window, augmented, tagged, held or with a hole as this epoch has it."""
        rng = np.random.default_rng([self.seed, epoch, window.piece])
        rows = self.corpus.rows(window.piece)
        if self.augmentation is not None:
            rows = augment(rows, rng, self.augmentation)
        lead = max(0, window.start - LEAD)
        since = int(shift_ticks(rows[:lead, at.SHIFT]).sum())
        rows, meters = rows[lead : window.end], self.corpus.meters(window.piece)
        lesson = self._with_hole(rows, meters, window, epoch, since) or self._in_order(
            rows, meters, window, epoch, since
        )
        if self.corpus.styles and rng.random() < self.tag_rate:
            return with_tag(lesson, self.corpus.style(window.piece), window.start == 0)
        return lesson

    def _in_order(self, rows: Rows, meters: tuple[Meter, ...], window: Window, epoch: int, since: int) -> Lesson:
        lead = len(rows) - (window.end - window.start)
        true = derived.derive(rows, meters, since)[lead:]
        heard, by_chance = true, np.random.default_rng([self.seed, epoch, *window])
        if by_chance.random() < self.hold:
            heard = derived.derive(rows, meters, since, held_notes(rows, by_chance))[lead:]
        return Lesson(true, heard, np.zeros((len(true), len(at.ATTRIBUTES)), np.bool_))

    def _with_hole(
        self, rows: Rows, meters: tuple[Meter, ...], window: Window, epoch: int, since: int
    ) -> Lesson | None:
        by_chance = np.random.default_rng([self.seed, epoch, *window, 1])
        if by_chance.random() >= self.infill:
            return None
        lead = len(rows) - (window.end - window.start)
        rows = rows[: lead + room_beside_a_hole(self.length)]
        now = onsets(rows) + since
        hole = draw_hole(rows[lead:], now[lead:], meters, by_chance)
        return None if hole is None else lesson_of(rows, meters, hole, since, lead, self.length)

    def _cut(self, piece: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """The windows of a piece: (N, 3) as in `Window`."""
        n = self.corpus.entries[piece].length
        if n - 1 <= self.length:
            return np.array([[piece, 0, n]] if n > 1 else [], np.int32).reshape(-1, 3)
        starts = np.arange(int(rng.integers(-self.length + 1, 1)), n - 1, self.length)
        ends = np.minimum(n, starts + self.length + 1)
        return np.stack([np.full_like(starts, piece), np.maximum(0, starts), ends], axis=1).astype(np.int32)


def held_notes(rows: Rows, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which of `rows` (N, 5) to show as held, by chance: (N,).

    A live player's held notes are those that sound at one moment, so moments are drawn, each just after an onset,
    and of the notes that sound there a share. Moments are mostly few: before the latest, all has been corrected.
    """
    rate, share = rng.random() ** 3, rng.uniform(0.5, 1.0)
    note, now = at.is_note(rows), onsets(rows)
    moments = np.where(rng.random(len(rows)) < rate, now, np.iinfo(np.int64).max)
    after = np.minimum.accumulate(moments[::-1])[::-1]  # the first moment at or after each row
    end = now + at.DURATIONS[np.where(note, rows[:, at.DURATION], 0)]
    held: npt.NDArray[np.bool_] = note & (after < end) & (rng.random(len(rows)) < share)
    return held


def room_beside_a_hole(length: int) -> int:
    """How many rows of a window of `length` predicted rows to make a sequence with a hole of: markers, skips, and the
    notes that keep some attributes and so stand in it twice, need the others."""
    return max(2, length * 7 // 8)


def lesson_of(
    rows: Rows, meters: tuple[Meter, ...], hole: Hole, since: int = 0, lead: int = 0, length: int | None = None
) -> Lesson:
    """Event `rows` (N, 5) with a hole, as `events.holes.permute` has them, cut to `length` predicted rows."""
    shown, known, _ = permute(rows, meters, hole, since, lead)
    end = None if length is None else length + 1
    return Lesson(shown[:end], shown[:end], known[:end])


def with_tag(lesson: Lesson, tag: int, begins: bool) -> Lesson:
    """`lesson` in the style `tag`, which is given after START where the window `begins` its piece."""
    rows, heard, known = lesson
    if begins:
        row = heard[:1].copy()
        row[0, :5] = at.tag_row(tag)
        rows, heard = (np.concatenate([side[:1], row, side[1:]]) for side in (rows, heard))
        known = np.concatenate([known[:1], known[:1], known[1:]])
    for side in (rows, heard):
        side[2 * begins :, derived.STYLE] = tag
    return Lesson(rows, heard, known)

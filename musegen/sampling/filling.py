"""Fill one hole with new rows: the network hears what is kept on both sides, then draws what is between.

A hole that is too long for the network's memory is filled some bars at a time; what is filled in is kept from then
on. Knows rows and an engine, not pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..engine.base import Engine
from ..errors import SettingsError
from ..events import attributes as at
from ..events import derived
from ..events.codec import Rows, shift_ticks, with_skips
from ..events.holes import Hole, Permuted, permute
from ..piece import Meter
from .beside import HoleTracker, Notes, Within
from .constraints import Constraint, Only
from .ostinato import WayOut
from .sampler import Sampler, SamplerSettings

FEWEST = 48  # rows for new notes where there were none


@dataclass(frozen=True)
class Around:
    """What stays the same while a hole is filled."""

    engine: Engine
    head: Rows  # START, and a style tag
    meters: tuple[Meter, ...]
    bars: tuple[int, ...]  # the tick of every bar line of the piece
    settings: SamplerSettings
    constraints: tuple[Constraint, ...]  # the firmest first
    rest: int | None  # ticks of the longest silence in a hole of all voices

    @property
    def room(self) -> int:
        """How many rows a sequence may have."""
        config = self.engine.config
        return int(getattr(config, "context", 512))


def fill(
    around: Around,
    kept: Notes,
    lost: Notes,
    hole: Hole,
    generator: np.random.Generator,
    progress: Callable[[int], None] = lambda tick: None,
) -> Notes:
    """New notes for `hole`; those that were there (`lost`) are read only as far as the hole keeps attributes of them.

    With `hole.keep` there are as many as before, in their order. `progress` is told the tick that is reached.
    """
    new = Notes(lost.rows[:0], lost.now[:0])
    for start, stop in _sections(around, kept, lost, hole):
        mine = lost.where((lost.now >= start) & (lost.now < stop))
        while start < stop:
            beside = kept.joined(new)
            found, start = _section(around, beside, mine, hole, start, stop, generator)
            new = Notes(np.concatenate([new.rows, found.rows]), np.concatenate([new.now, found.now]))
            progress(start)
    return new


def _sections(around: Around, kept: Notes, lost: Notes, hole: Hole) -> Iterator[tuple[int, int]]:
    """Parts of the hole, in whole bars, that leave half of the network's room for what is around them."""
    lines = [hole.start, *(b for b in around.bars if hole.start < b < hole.end), hole.end]
    start, rows = hole.start, 0.0
    usual = len(kept.now) / max(1, len(around.bars) - 1)  # notes a bar, where it is not known how many there will be
    for begin, end in pairwise(lines):
        there = [int(((n.now >= begin) & (n.now < end)).sum()) for n in (kept, lost)]
        more = there[0] + (2 * there[1] if hole.keep else max(there[1], 0 if hole.instruments else usual))
        if rows and rows + more > around.room / 2:
            yield start, begin
            start, rows = begin, 0
        rows += more
    yield start, hole.end


def _section(
    around: Around, kept: Notes, lost: Notes, hole: Hole, start: int, stop: int, generator: np.random.Generator
) -> tuple[Notes, int]:
    """The notes from `start` until `stop` or until the network's memory is full, and the tick that is reached."""
    rows, lead, end = _shown(around, kept, lost, hole, start, stop)
    here = replace(hole, start=start, end=end)
    sequence = permute(rows, around.meters, here, lead=lead)
    draw = _Draw(around, sequence, kept, here, generator)
    taken, full = [], False
    for row in draw.rows():
        if row[0, derived.TIME] >= stop:
            break
        taken.append(row[0])
        full = draw.used >= around.room
    found = np.array([r for r in taken if r[at.SHIFT] < at.LONGEST_SHIFT], np.int32).reshape(-1, derived.WIDTH)
    # The next section begins after this one's last onset, which is whole then: it is more than one note.
    reached = min(stop, int(taken[-1][derived.TIME]) + 1) if full else stop
    return Notes(found[:, :5].astype(np.int16), found[:, derived.TIME].astype(np.int64)), reached


def _shown(around: Around, kept: Notes, lost: Notes, hole: Hole, start: int, stop: int) -> tuple[Rows, int, int]:
    """The event rows that are read for a section, how many of them are lead, and where the hole ends in them."""
    both = kept.joined(lost) if hole.keep else kept
    rows = with_skips(both.now, both.rows.copy(), len(around.head))
    rows[: len(around.head)] = around.head
    now = np.cumsum(shift_ticks(rows[:, at.SHIFT]))
    first, last = (int(np.searchsorted(now, tick)) for tick in (start, stop))
    last = min(last, len(rows) - 1)
    own = 2 * len(lost.now) if hole.keep else max(FEWEST, 2 * len(lost.now))
    left = around.room - 6 - (last - first) - own
    before = min(first, max(left // 2, left - (len(rows) - last), 1))  # what one side does not need the other has
    after = min(len(rows) - last, max(1, left - before))
    end = stop if hole.keep else hole.end
    if last + after < len(rows):
        rows = rows[: last + after]
        end = max(stop, min(end, int(now[last + after - 1])))
    lead = max(0, first - before)
    return rows, lead if lead >= len(around.head) else 0, end


class _Draw:
    """Draws the rows of one section, one after another."""

    def __init__(
        self, around: Around, sequence: Permuted, kept: Notes, hole: Hole, generator: np.random.Generator
    ) -> None:
        self.around, self.hole, self.generator = around, hole, generator
        prompt = sequence.rows[: sequence.begin + 1]
        self.given, self.known = sequence.rows[sequence.begin + 1 :], sequence.known[sequence.begin + 1 :]
        self.tracker = HoleTracker(around.meters, kept, hole.start, int(prompt[-1, derived.STYLE]))
        self.origin = int(prompt[0, derived.TIME])
        self.used = len(prompt)
        prompt[:, derived.TIME] -= self.origin
        if self.used >= around.room:
            raise SettingsError("There are too many notes at once here for the network's memory: fill fewer bars.")
        self.context, self.state = around.engine.start(prompt[None])

    def rows(self) -> Iterator[derived.ModelRows]:
        """The rows (1, WIDTH) of the hole, END left out."""
        if not self.hole.keep:
            yield from self._freely()
        elif at.SHIFT in self.hole.kept:
            yield from self._one_by_one(self.given[:-1], self.known[:-1])
        else:
            yield from self._in_time()

    def _freely(self) -> Iterator[derived.ModelRows]:
        rest = None if self.hole.instruments else self.around.rest
        within, way_out = Within(self.hole.start, self.hole.end, rest), WayOut(1)
        while self.used < self.around.room:
            row = self._next((within, way_out))
            if row[0, at.SHIFT] == at.END:
                return
            way_out.hear(row)
            yield row

    def _one_by_one(self, given: derived.ModelRows, known: np.ndarray) -> Iterator[derived.ModelRows]:
        for row, is_known in zip(given, known, strict=True):
            yield self._next(_only(row, is_known))

    def _in_time(self) -> Iterator[derived.ModelRows]:
        """The notes in their order, each early enough for those after it."""
        note = at.is_note(self.given)
        given, known = self.given[note], self.known[note]
        key = [(int(r[at.INSTRUMENT]), int(r[at.PITCH]) if is_known[at.PITCH] else 0)
               for r, is_known in zip(given, known, strict=True)]  # fmt: skip
        apart = [False, *(b < a or (b == a and bool(known[0][at.PITCH])) for a, b in pairwise(key))]
        for i, (row, is_known) in enumerate(zip(given, known, strict=True)):
            end = self.hole.end - sum(apart[i + 1 :])
            while True:
                within = Within(self.hole.start, end, may_end=False, apart=apart[i])
                drawn = self._next((within, *_only(row, is_known)))
                yield drawn
                if at.is_note(drawn)[0]:
                    break

    def _next(self, first: Sequence[Constraint]) -> derived.ModelRows:
        """Draw and take in one more row, under constraints firmer than the others."""
        constraints = (*first, *self.around.constraints)
        sampler = Sampler(self.around.engine, self.around.settings, constraints, [self.generator])
        row, situation = sampler.draw(self.context, self.tracker)
        if row[0, at.SHIFT] != at.END:
            self.tracker.accept(row)
            near = row.copy()
            near[:, derived.TIME] -= self.origin
            self.context, self.state = self.around.engine.advance(near, self.state, situation)
            self.used += 1
        return row


def _only(row: np.ndarray, known: np.ndarray) -> tuple[Only, ...]:
    return tuple(Only(int(i), int(row[i])) for i in np.flatnonzero(known))

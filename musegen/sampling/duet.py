"""A duet: the model's memory of what two players have played so far, kept current note by note.

The player's notes and the model's stand in one sequence by onset, as in training. A note that arrives between
others, or whose duration becomes known only later, is put in its place: the network goes back to before it and
takes in again what follows, which costs those few notes. Where no note is pending, drawing one costs one step.

Ticks count from the bar line where the live music begins; a seed phrase lies before it. Knows nothing of clocks.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine.base import Engine, Floats
from ..events import attributes as at
from ..events import derived
from ..events.codec import Rows, skip_rows
from ..events.derived import ModelRows, Tracker
from ..piece import Meter
from .constraints import Constraint
from .sampler import Sampler, SamplerSettings

LONGEST_PROMPT = 384  # rows of a seed that are read, as in `continuation`
MARKED = 96  # notes back to which a correction is cheap
KEPT = 1024  # notes; older ones are forgotten, which no family's memory reaches back to
REPLAYED = 24  # notes that are fed one by one after a fresh start, so that they can be corrected


class Played(NamedTuple):
    """A note of either player. `number` is its identity; `duration` None while it is still held (and not planned)."""

    onset: int
    duration: int | None
    pitch: int
    velocity: int
    instrument: int
    number: int
    own: bool  # the model's

    @property
    def program(self) -> int:
        """0-127, or 128 for drums."""
        return self.instrument // at.COPIES

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands in the sequence: the codec's order."""
        return self.onset, self.instrument, self.pitch


class _Mark(NamedTuple):
    """Everything as it was before a note was taken in."""

    tracker: Tracker
    context: Floats
    state: Any
    rows: int  # how many rows the network's state held


class Duet:
    """One `engine`'s view of a performance that begins after `prompt` (N, 5), `origin` ticks from its start."""

    def __init__(
        self, engine: Engine, prompt: Rows, origin: int, meters: tuple[Meter, ...], settings: SamplerSettings
    ) -> None:
        self.settings = settings
        self.notes: list[Played] = []
        """What both have played, in order; the model's planned notes among it."""
        self._engine, self._origin, self._number = engine, origin, 0
        self._state: Any = None
        self._held = 0  # rows in it
        self._tracker = Tracker(1, meters)
        self._prompt: list[ModelRows] = [r[None] for r in self._tracker.feed(prompt)[-self._room() :]]
        self._first = self._tracker.copy()  # as it is before self.notes[0]
        self._rows: list[list[ModelRows]] = []  # of each note that was taken in
        self._marks: list[_Mark | None] = []  # before each of them; None: only a fresh start leads there
        self._begin(0)

    # --- what has been played ---------------------------------------------------------------------------------------

    def hear(self, note: Played) -> None:
        """Put `note` in its place."""
        place = bisect_left(self.notes, note.place, key=lambda n: n.place)
        self.notes.insert(place, note)
        self._go_back(place)

    def end(self, number: int, duration: int) -> None:
        """The held note `number` lasted `duration` ticks; an unknown one is ignored."""
        for place in range(len(self.notes) - 1, -1, -1):
            if self.notes[place].number == number:
                self.notes[place] = self.notes[place]._replace(duration=max(1, duration))
                self._go_back(place)
                return

    def forget_plan(self, start: int) -> None:
        """Forget the model's own notes from tick `start` on."""
        for place in range(len(self.notes) - 1, -1, -1):
            note = self.notes[place]
            if note.onset < start:
                return
            if note.own:
                del self.notes[place]
                self._go_back(place)

    def reset(self, notes: Sequence[Played]) -> None:
        """Replace all that was played by `notes`."""
        new = sorted(notes, key=lambda n: n.place)[-KEPT:]
        same = next((i for i, (a, b) in enumerate(zip(new, self.notes, strict=False)) if a != b), None)
        same = min(len(new), len(self.notes)) if same is None else same
        self.notes = new
        # The model's numbers are negative and fall; those of another brain before this one stay taken.
        self._number = min([self._number, *(n.number for n in new)])
        self._go_back(same)

    def catch_up(self) -> None:
        """Take in whatever has not been taken in, so that the next note costs one step."""
        while len(self._rows) < len(self.notes):
            self._take_in(self.notes[len(self._rows)])

    # --- drawing ----------------------------------------------------------------------------------------------------

    def draw(
        self,
        constraints: tuple[Constraint, ...],
        settings: SamplerSettings,
        chance: tuple[int, ...],
        before: float = float("inf"),
        held: bool = False,
    ) -> Played | None:
        """The model's next note after all that was played; None if it would begin at tick `before` or later.

        Equal `chance` in an equal situation draws an equal note. `held`: its duration is not drawn but unknown.
        """
        self.catch_up()
        mark = self._mark()
        sampler = Sampler(self._engine, settings, constraints, [np.random.default_rng(chance)])
        taken: list[ModelRows] = []
        while True:
            row, situation = sampler.draw(self._context, self._tracker)
            if int(row[0, derived.TIME]) - self._origin >= before:
                self._restore(mark)
                return None
            note = bool(at.is_note(row)[0])
            if held and note:
                row[0, at.DURATION] = at.ATTRIBUTES[at.DURATION].none
            taken.append(row)
            self._advance(row, situation)
            if note:
                break
        self._number -= 1  # the model's numbers are negative, so that they never meet the player's
        played = self._played(row[0], self._number)
        # The drawn note need not come last: a note of the player's may begin with it.
        self.notes.append(played)
        self._rows.append(taken)
        self._marks.append(mark)
        self._tidy()
        return played

    def ending(self) -> float:
        """How likely, as a log-probability, the model thinks it that the music ends with what was played last."""
        self.catch_up()
        blank = np.zeros((1, derived.WIDTH), np.int32)  # nothing is known of the next row
        logits = self._engine.logits(at.SHIFT, self._context, blank, None)[0].astype(np.float64)
        return float(logits[at.END] - np.logaddexp.reduce(logits))

    def play(self, onset: int, duration: int, pitch: int, velocity: int, instrument: int) -> Played:
        """Append a note that needs no drawing as the model's own."""
        self._number -= 1
        played = Played(onset, duration, pitch, velocity, instrument, self._number, True)
        self.hear(played)
        return played

    def _played(self, row: ModelRows, number: int) -> Played:
        onset = int(row[derived.TIME]) - self._origin
        bin_ = int(row[at.DURATION])
        duration = int(at.DURATIONS[bin_]) if bin_ < len(at.DURATIONS) else None
        loudness = int(row[at.VELOCITY]) * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
        return Played(onset, duration, int(row[at.PITCH]), loudness, int(row[at.INSTRUMENT]), number, True)

    # --- the network's state ----------------------------------------------------------------------------------------

    def _take_in(self, note: Played) -> None:
        mark, taken = self._mark(), []
        now = int(self._tracker.now[0])
        gap = max(0, note.onset + self._origin - now)  # a double of the last note, or one older than the memory
        units, rest = divmod(gap, at.LONGEST_SHIFT)
        rows = [*skip_rows(units), _row(note, rest)]
        for row in rows:
            whole = self._tracker.peek(row[None, at.SHIFT])
            whole[:, :5] = row
            self._tracker.recall(whole)
            taken.append(whole)
            self._advance(whole, None)
        self._rows.append(taken)
        self._marks.append(mark)
        self._tidy()

    def _advance(self, row: ModelRows, situation: Floats | None) -> None:
        self._tracker.accept(row)
        near = row.copy()
        near[:, derived.TIME] -= self._zero
        self._context, self._state = self._engine.advance(near, self._state, situation)
        self._held += 1

    def _mark(self) -> _Mark:
        return _Mark(self._tracker.copy(), self._context, copy.copy(self._state), self._held)

    def _restore(self, mark: _Mark) -> None:
        self._tracker, self._context = mark.tracker.copy(), mark.context
        self._state, self._held = copy.copy(mark.state), mark.rows

    def _go_back(self, place: int) -> None:
        """Be as before note `place` was taken in."""
        if place >= len(self._rows):
            return
        mark = self._marks[place]
        del self._rows[place:], self._marks[place:]
        if mark is not None:
            self._restore(mark)
        else:
            self._begin(place)

    def _tidy(self) -> None:
        """Keep within the memory: of the network, by a fresh start from the latest half; and of this machine."""
        if self._engine.memory is not None and self._held > self._engine.memory - 8:
            self._begin(len(self._rows))
        if len(self._marks) > MARKED:
            self._marks[-MARKED - 1] = None
        if len(self._rows) > 2 * KEPT:
            self._forget_oldest(len(self._rows) - KEPT)

    def _forget_oldest(self, count: int) -> None:
        past = [*self._prompt, *(r for rows in self._rows[:count] for r in rows)]
        self._prompt = past[-LONGEST_PROMPT:]
        self._first = self._tracker_before(count)
        del self.notes[:count], self._rows[:count], self._marks[:count]

    def _begin(self, place: int) -> None:
        """Start the network afresh, as before note `place`; the latest notes before it one by one, with marks."""
        first = max(0, place - REPLAYED)
        tracker = self._tracker_before(first)
        again, self._rows = self._rows[first:place], self._rows[:first]
        self._marks = [None] * first
        past = [*self._prompt, *(r for rows in self._rows for r in rows)][-self._room() :]
        self._zero = int(past[0][0, derived.TIME])
        block = np.stack(past, axis=1)
        block[..., derived.TIME] -= self._zero  # as in training, where ticks count from the window's first row
        self._context, self._state = self._engine.start(block)
        self._held = len(past)
        self._tracker = tracker
        for rows in again:
            self._marks.append(self._mark())
            for row in rows:
                self._advance(row, None)
            self._rows.append(rows)

    def _tracker_before(self, place: int) -> Tracker:
        mark = self._marks[place] if place < len(self._marks) else None
        if mark is not None:
            return mark.tracker.copy()
        tracker = self._first.copy()
        for rows in self._rows[:place]:
            for row in rows:
                tracker.accept(row)
        return tracker

    def _room(self) -> int:
        """How many rows of the past a fresh start reads."""
        memory = self._engine.memory
        return LONGEST_PROMPT if memory is None else min(LONGEST_PROMPT, memory // 2)


def _row(note: Played, shift: int) -> np.ndarray:
    none = at.ATTRIBUTES[at.DURATION].none
    duration = none if note.duration is None else int(at.duration_bins(np.array([note.duration]))[0])
    row = (shift, note.instrument, note.pitch, note.velocity // at.VELOCITY_STEP, duration)
    return np.array(row, np.int16)

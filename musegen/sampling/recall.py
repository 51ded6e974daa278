"""What two players have played, for a model that hears whole bars: notes as they come, bars as a piece when asked.

Ticks count from the bar line where the live music begins; a seed phrase lies before it. Knows nothing of models.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ..piece import DRUMS, Meter, Note, Piece
from .bars import heard_in
from .cast import Heard
from .duet import Played
from .plan import Plan

KEPT = 1024  # notes; older ones are forgotten
LATELY = 32  # the player's latest notes, by which loudness, range and key are judged


class Recall:
    """The notes of a performance that begins after `plan`'s seed."""

    def __init__(self, plan: Plan) -> None:
        self.notes: list[Played] = []
        """What both have played, in order; the model's planned notes among it."""
        self._seed = [n._replace(onset=n.onset - plan.origin) for n in plan.seed]
        self._heard = heard_in(plan.seed)
        meter = plan.seed.meters[-1]
        self._meter, self._bar = Meter(0, meter.numerator, meter.denominator), plan.bar
        self._earliest = meter.tick - plan.origin if self._seed else -(10**9)  # bars before are of another meter

    def hear(self, note: Played) -> None:
        """Put `note` in its place."""
        self.notes.insert(bisect_left(self.notes, note.place, key=lambda n: n.place), note)
        if len(self.notes) > 2 * KEPT:
            del self.notes[:KEPT]

    def end(self, number: int, duration: int) -> None:
        """The held note `number` lasted `duration` ticks; an unknown one is ignored."""
        for place in range(len(self.notes) - 1, -1, -1):
            if self.notes[place].number == number:
                self.notes[place] = self.notes[place]._replace(duration=max(1, duration))
                return

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""
        self.notes = sorted(notes, key=lambda n: n.place)[-KEPT:]

    def forget_plan(self, start: int) -> None:
        """Forget the model's own notes from tick `start` on."""
        self.notes = [n for n in self.notes if n.onset < start or not n.own]

    def bars(self, end: int, count: int, until: int) -> tuple[Piece, int]:
        """The last `count` bars before the bar line `end`, as far as there were any, from tick 0; and their ticks.

        They begin earlier where a note sounds on into them. Of the player's and the model's notes those are heard that
        begin before tick `until`; a key that is still down sounds to the end.
        """
        first = min([n.onset for n in self._seed[:1]] + [n.onset for n in self.notes[:1]], default=end)
        start = max(end - count * self._bar, self._earliest, first // self._bar * self._bar)
        played = (
            Note(n.onset, end - n.onset if n.duration is None else n.duration, n.pitch, n.velocity, n.program)
            for n in self.notes
            if n.onset < until
        )
        heard = [n for n in (*self._seed, *played) if n.onset < end and n.onset + n.duration > start]
        start = max(self._earliest, min([start, *(n.onset // self._bar * self._bar for n in heard)]))
        cut = []
        for note in heard:
            onset = max(start, note.onset)
            cut.append(note._replace(onset=onset - start, duration=note.onset + note.duration - onset))
        return Piece.from_notes(cut, meters=(self._meter,)), end - start

    def player(self) -> list[Heard]:
        """The seed's notes and the player's latest ones, to play like them."""
        own = [n for n in self.notes if not n.own][-LATELY:]
        return self._heard + [Heard(n.instrument, n.pitch, n.velocity) for n in own]

    def tuned(self) -> list[int]:
        """The pitches of the player's latest notes, drums left out."""
        return [n.pitch for n in self.notes if not n.own and n.program != DRUMS][-LATELY:]

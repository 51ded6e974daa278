"""Loop: the last bars go round, and each time some of their notes are drawn anew: as many as the knob `vary` says.

The rhythm and the instruments stay; a note that is varied gets another pitch, loudness and length from the model,
which knows what stands before it. Always the loop as it was caught is varied, so that it never wanders off.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ...sampling.request import Step
from .base import Mode

if TYPE_CHECKING:
    from ..performer import Performer


class Loop(Mode):
    """Catches what was played in the last `loop_bars` bars when it is entered, or else the end of the seed phrase."""

    state = "looping"

    def __init__(self) -> None:
        self._caught: list[Step] = []  # onsets from 0
        self._length = 0
        self._pass_start = 0

    def enter(self, p: Performer, start: int) -> None:
        """Begin a round at `start`; catch the loop if there is none yet."""
        if not self._caught:
            self._length = p.loop_bars * p.bar
            for end in (start, p.bar_before(start - 1), 0):  # the bar that is being played may be hardly begun
                notes = p.history.between(end - self._length, end)
                if notes:
                    break
            self._caught = [
                Step(n.onset - end + self._length, n.instrument, n.pitch, n.velocity, n.duration or p.beat)
                for n in notes
            ]
        self._ask(p, start)

    def step(self, p: Performer, now: float) -> None:
        """Ask for the next round in good time."""
        if p.request is not None and p.done and now >= self._pass_start + self._length - 2 * p.bar:
            self._ask(p, self._pass_start + self._length)

    def turned(self, p: Performer) -> None:
        """Draw the rest of this round anew."""
        if p.request is not None and self._caught:
            self._ask(p, self._pass_start, p.frontier)

    def phrase_start(self, p: Performer) -> int:
        """Where this round began."""
        return self._pass_start

    def _ask(self, p: Performer, start: int, since: int = 0) -> None:
        if not self._caught:
            self.state = "nothing to loop yet: play a few bars and choose it again"
            p.drop()
            return
        self._pass_start = start
        chance = random.Random(f"{p.seed_number} {start}")
        vary = p.desk.controls.vary
        steps = []
        for step in self._caught:
            free = chance.random() < vary and step.instrument < 512
            moved = step._replace(onset=start + step.onset, pitch=None if free else step.pitch)
            if moved.onset >= since:
                steps.append(moved)
        if steps:
            p.ask(max(start, since), start + self._length, template=tuple(steps), chance_from=start)

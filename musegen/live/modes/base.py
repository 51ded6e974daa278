"""What every mode does unless it says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...sampling.duet import Played
    from ..performer import Performer

PHRASE_BARS = 4
"""What "the last phrase" is where a mode has no phrases of its own."""


class Mode:
    """A way of playing along. Every method is told the performer `p`, whose `ask`, `join` and `drop` it may use."""

    state = ""
    """What it is doing, in a word or two, for the person."""
    alone = False
    """Whether the model plays without waiting for the player: where it has no more to play, all is over."""

    def enter(self, p: Performer, start: int) -> None:
        """Begin at the bar line `start`; also after a stop, a jump, a rest or an undo."""

    def step(self, p: Performer, now: float) -> None:
        """Time has passed."""

    def struck(self, p: Performer, note: Played) -> None:
        """The player struck a key."""

    def released(self, p: Performer, note: Played) -> None:
        """The player released it."""

    def turned(self, p: Performer) -> None:
        """A knob was turned: what is not handed out is drawn anew."""
        p.ask_again()

    def phrase_start(self, p: Performer) -> int:
        """Where the last phrase began."""
        return max(0, p.bar_before(max(0, p.frontier - 1)) - (PHRASE_BARS - 1) * p.bar)

    def retake(self, p: Performer, start: int) -> None:
        """Play the model's last phrase again at `start`."""
        p.forget_own(self.phrase_start(p), start)
        self.enter(p, start)

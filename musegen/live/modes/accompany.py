"""Accompany: the model plays its own voices under the player's, both in one stream.

Whatever the player plays becomes part of what the model goes on from: what it had planned and not handed out yet is
drawn anew with the same random numbers, so that only what the player changed changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Mode

if TYPE_CHECKING:
    from ...sampling.duet import Played
    from ..performer import Performer


class Accompany(Mode):
    """Endless, and listening."""

    state = "playing along"
    alone = True

    def __init__(self) -> None:
        self._heard = False

    def enter(self, p: Performer, start: int) -> None:
        """Play on from `start`."""
        p.ask(start)

    def struck(self, p: Performer, note: Played) -> None:
        """Remember to plan anew; notes of a chord are dealt with at once."""
        self._heard = True

    def step(self, p: Performer, now: float) -> None:
        """Plan anew after the player's notes."""
        if self._heard:
            self._heard = False
            p.ask_again()

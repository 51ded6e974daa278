"""Harmonise: each note of the player's gets companions below it at once, and they end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Mode

if TYPE_CHECKING:
    from ...sampling.duet import Played
    from ..performer import Performer


class Harmonise(Mode):
    """As many companions as the knob says."""

    state = "harmonising"

    def struck(self, p: Performer, note: Played) -> None:
        """Ask for its companions; drums have none."""
        if note.program < 128 and p.desk.controls.companions:
            p.join(note)

    def turned(self, p: Performer) -> None:
        """The next note is played by the new values."""

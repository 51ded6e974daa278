"""Solo: the model plays on by itself, without end. What the player plays meanwhile it hears at its next change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Mode

if TYPE_CHECKING:
    from ..performer import Performer


class Solo(Mode):
    """Endless."""

    state = "playing"
    alone = True

    def enter(self, p: Performer, start: int) -> None:
        """Play on from `start`."""
        p.ask(start)

"""How a performer plays along: five modes behind one contract.

A mode decides when its performer asks the model for what; it never sees seconds, ports or networks.
"""

from __future__ import annotations

from .accompany import Accompany
from .answer import Answer
from .base import Mode
from .harmonise import Harmonise
from .loop import Loop
from .solo import Solo

MODES: dict[str, type[Mode]] = {
    "answer": Answer,
    "accompany": Accompany,
    "solo": Solo,
    "loop": Loop,
    "harmonise": Harmonise,
}
"""Every mode by the name that people call it by."""

__all__ = ["MODES", "Accompany", "Answer", "Harmonise", "Loop", "Mode", "Solo"]

"""What a player can turn while it plays. A frozen record of numbers, so it can be sent to another process.

Knows nothing of knobs, controllers or clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError
from .keys import AUTO, pitch_classes

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.1, 2.0),
    "density": (-1.0, 1.0),
    "register": (-24.0, 24.0),
    "velocity": (-1.0, 1.0),
    "duck": (0.0, 1.0),
    "vary": (0.0, 1.0),
    "companions": (0, 4),
}
"""The lowest and highest value of each number in `Controls`."""


@dataclass(frozen=True)
class Controls:
    """The values of all knobs. Raises SettingsError for one outside RANGES, or a key that is none."""

    temperature: float = 0.9  # 1: as learnt, lower: safer, higher: wilder
    density: float = 0.0  # -1: few notes, 1: many
    register: float = 0.0  # semitones up or down
    velocity: float = 0.0  # -1: soft, 1: loud
    duck: float = 0.0  # how much less it plays as the player plays more
    vary: float = 0.3  # loop mode: how much of the loop is played anew
    key: str = ""  # empty: any, AUTO: the player's, or one such as "D dorian"
    harmony: frozenset[int] = frozenset()  # pitch classes held by the left hand; empty: none
    companions: int = 2  # harmonise mode: how many notes join each played one

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:  # not a number is outside as well
                raise SettingsError(f"{name} is {value:g}; it must lie in {low:g} … {high:g}.")
        if self.key not in ("", AUTO):
            pitch_classes(self.key)
        if not self.harmony <= set(range(12)):
            raise SettingsError("The harmony must be pitch classes, 0 (C) … 11 (B).")

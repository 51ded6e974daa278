"""What a player can turn while it plays, and the constraints that this means.

`Controls` is a frozen record of numbers, so that it can be sent to another process. Knows nothing of knobs,
controllers or clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError
from .biases import Density, Homes, Loudness, Register
from .constraints import Constraint, PitchSet
from .keys import AUTO, pitch_classes, scale_around

RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.1, 2.0),
    "density": (-1.0, 1.0),
    "register": (-24.0, 24.0),
    "velocity": (-1.0, 1.0),
    "duck": (0.0, 1.0),
    "vary": (0.0, 1.0),
    "companions": (0, 4),
    "transpose": (-24, 24),
    "humanise": (0.0, 1.0),
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
    transpose: int = 0  # semitones, of everything it sends: for the instrument, not for the model
    humanise: float = 0.0  # how much its drums are played as drummers play; of what it sends, as well

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:  # not a number is outside as well
                raise SettingsError(f"{name} is {value:g}; it must lie in {low:g} … {high:g}.")
        if self.key not in ("", AUTO):
            pitch_classes(self.key)
        if not self.harmony <= set(range(12)):
            raise SettingsError("The harmony must be pitch classes, 0 (C) … 11 (B).")


BUSY = 2.0  # the player's notes per beat at which `duck` takes all it can


def steering(controls: Controls, busy: float = 0.0, player_key: str = "", homes: Homes = ()) -> tuple[Constraint, ...]:
    """The masks and biases that `controls` ask for, the firmest first; none where all knobs are in the middle.

    `busy` is how many notes per beat the player plays lately, `player_key` what AUTO stands for (by `keys.estimate`;
    empty: not known yet), `homes` where each instrument's notes lie (`biases.homes`), from which register and velocity
    count. A held chord stands above the key: what the left hand holds may be played even if it is not in the key.
    """
    out: list[Constraint] = []
    classes = pitch_classes_of(controls, player_key)
    if len(classes) < 12:
        out.append(PitchSet(frozenset(p for p in range(128) if p % 12 in classes)))
    if controls.register:
        out.append(Register(controls.register, homes))
    if controls.velocity:
        out.append(Loudness(controls.velocity, homes))
    density = controls.density - 2 * controls.duck * min(1.0, busy / BUSY)
    if density:
        out.append(Density(max(-2.0, density)))
    return tuple(out)


def pitch_classes_of(controls: Controls, player_key: str = "") -> frozenset[int]:
    """The pitch classes that the held chord allows, or else the key (`player_key`: what AUTO stands for)."""
    return controls.harmony or _scale(controls.key, player_key)


def _scale(key: str, player_key: str) -> frozenset[int]:
    """The pitch classes that a key allows; all where there is no key, or it cannot be told yet."""
    found = player_key if key == AUTO else key
    if not found:
        return frozenset(range(12))
    return scale_around(found) if key == AUTO else pitch_classes(found)

"""Keys and scales by name, as a musician says them: "D dorian", "F# minor", "Bb"."""

from __future__ import annotations

from ..errors import SettingsError

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}
AUTO = "auto"
"""In place of a key: the key that the player plays in."""

_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def pitch_classes(name: str) -> frozenset[int]:
    """The pitch classes (0 = C) of a key such as "D dorian"; the scale defaults to major.

    Raises SettingsError with the scales there are.
    """
    tonic, _, scale = " ".join(name.strip().lower().replace("♯", "#").replace("♭", "b").split()).partition(" ")
    letter, accidentals = tonic[:1], tonic[1:]
    if letter not in _LETTERS or (accidentals.strip("#") and accidentals.strip("b")):
        raise SettingsError(f"{name!r} is not a key: begin with a note name, as in 'D dorian', 'F# minor' or 'Bb'.")
    if (scale or "major") not in SCALES:
        raise SettingsError(f"{name!r}: the scale {scale!r} is unknown; the known ones are {', '.join(SCALES)}.")
    root = _LETTERS[letter] + accidentals.count("#") - accidentals.count("b")
    return frozenset((root + step) % 12 for step in SCALES[scale or "major"])

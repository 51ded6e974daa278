"""The table of knobs, and what else can be asked for: flags, controllers, OSC, keys and the view all read it.

Ranges and defaults are those of `sampling.controls`. Knows nothing of who turns a knob.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..sampling.controls import RANGES, Controls
from ..sampling.keys import AUTO

MODES = ("answer", "accompany", "solo", "loop", "harmonise")

KEYS = (
    "",
    AUTO,
    *(f"{tonic} major" for tonic in ("C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F")),
    *(f"{tonic} minor" for tonic in ("A", "E", "B", "F#", "C#", "G#", "Eb", "Bb", "F", "C", "G", "D")),
)
"""What a knob or a key press can choose from, by fifths; `--key` and OSC take any key by name."""

ACTIONS = {
    "mode": "play in another mode: " + ", ".join(MODES),
    "enter": "come in on the next bar",
    "rest": "stop playing, go on listening",
    "panic": "silence at once",
    "keep": "write the last 8 bars to a file",
    "undo": "take back the last phrase",
    "retake": "play the last phrase again, the same",
    "again": "play the last phrase again, another way",
    "free": "let go of the chord that the left hand held",
    "tap": "tap the tempo",
    "program": "give a voice another sound: VOICE PROGRAM, such as 1 33",
    "channel": "send a voice on another channel: VOICE CHANNEL, such as 1 5",
    "checkpoint": "play with another checkpoint (without a name: the next)",
    "learn": "bind the next controller that moves to the selected knob, or to the action named",
    "quit": "end",
}
"""What a player can ask for, and what it does."""


@dataclass(frozen=True)
class Knob:
    """One control that can be turned. `step` is one press of an arrow key; `cc` the controller it starts with.

    Controllers 20-31 are undefined in MIDI 1.0 (Table III), so that nothing else hears them.
    """

    name: str
    step: float
    cc: int
    help: str
    choices: tuple[str, ...] = ()  # for a knob of names; its value then counts them

    @property
    def low(self) -> float:
        """The least value."""
        return 0.0 if self.choices else RANGES[self.name][0]

    @property
    def high(self) -> float:
        """The greatest value."""
        return len(self.choices) - 1.0 if self.choices else RANGES[self.name][1]

    @property
    def default(self) -> float | str:
        """The value that it starts with."""
        value: float | str = getattr(Controls(), self.name)
        return value

    def text(self, value: float | str) -> str:
        """The value as the view shows it."""
        if isinstance(value, str):
            return value or "any"
        sign, digits = "+" if self.low < 0 else "", 0 if self.step == 1 else 2
        return f"{value:{sign}.{digits}f}"


KNOBS = {
    knob.name: knob
    for knob in (
        Knob("temperature", 0.05, 20, "how boldly: lower is safer, higher wilder"),
        Knob("density", 0.1, 21, "how many notes: -1 few, 1 many"),
        Knob("register", 1, 22, "semitones higher or lower"),
        Knob("velocity", 0.1, 23, "how loud: -1 soft, 1 loud"),
        Knob("duck", 0.1, 24, "how much less it plays while you play more"),
        Knob("vary", 0.1, 25, "loop: how much of the loop is played anew"),
        Knob("companions", 1, 26, "harmonise: how many notes join each of yours"),
        Knob("key", 1, 27, "the key to keep to; auto is yours", KEYS),
        Knob("transpose", 1, 28, "semitones, of everything it sends"),
        Knob("humanise", 0.1, 29, "how much its drums are played as drummers play: 0 as written, 1 fully"),
    )
}

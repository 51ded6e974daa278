"""What there is to know about a performance at one moment: what every view shows, and all that it knows.

A `Status` is made when a view asks for one (15 times a second), so it must be cheap to make: notes from the last bars
only. Frozen, so any thread may keep it. Knows nothing of terminals, clocks or ports but their names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..events import attributes as at
from .timeline import Position, Timeline

if TYPE_CHECKING:
    from .desk import KnobRow

Who = Literal["player", "model"]
State = Literal["planned", "committed"]

SHOWN_BARS = 4
"""How many bars back and ahead a view may want notes from."""


class ShownNote(NamedTuple):
    """A note of either hand: `onset` and `duration` in ticks (None: still held), `instrument` as in `events`.

    `planned` notes may still change; `committed` ones have sounded, or will.
    """

    onset: float
    duration: float | None
    pitch: int
    velocity: int
    instrument: int
    who: Who
    state: State = "committed"
    number: int = 0
    """Its identity, among the committed or the planned ones."""

    @property
    def program(self) -> int:
        """0-127, or 128 for drums."""
        return self.instrument // at.COPIES

    def end(self, now: float) -> float:
        """The tick at which it ends, as far as is known at tick `now`."""
        return max(self.onset, now) if self.duration is None else self.onset + self.duration


class Lateness(NamedTuple):
    """How late messages were handed to the port lately, in milliseconds, and how many notes were dropped for it."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0
    dropped: int = 0


@dataclass(frozen=True)
class Status:
    """Everything a view shows. `tick` is what sounds now, `now` on the clock; negative: the music has not begun.

    `speed` is the model's notes a second and `lookahead` how far ahead notes are committed, in milliseconds; 0:
    unknown. `position` is as the clock's master counts it, so it may be off `timeline` by whole bars.
    """

    timeline: Timeline = field(default_factory=Timeline)
    now: float = 0.0
    tick: float = -1.0
    position: Position = Position(1, 1, 0.0)  # noqa: RUF009 (a tuple)
    qpm: float = 120.0
    source: str = "own tempo"
    rolling: bool = True
    output: str = ""
    output_up: bool = True
    input: str = ""
    input_up: bool = True
    mode: str = ""
    state: str = ""
    knobs: tuple[KnobRow, ...] = ()
    lateness: Lateness = Lateness()  # noqa: RUF009
    speed: float = 0.0
    lookahead: float = 0.0
    notes: tuple[ShownNote, ...] = ()
    """In any order; those from tick `since` on, `SHOWN_BARS` bars ago, and what is planned."""
    since: int = 0
    count: int = 0
    """Notes sounded since the beginning, both hands."""
    recording: str = ""
    """Where it is recorded; empty: nowhere."""
    checkpoint: str = ""
    learning: str = ""
    """What the next controller that moves will turn; empty: nothing."""

"""What a performer asks of a model: play on from here, in this way. Data that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .controls import Controls


class Step(NamedTuple):
    """One note of a template: where and by whom; `pitch` None: the model chooses pitch, velocity and duration."""

    onset: int
    instrument: int
    pitch: int | None = None
    velocity: int = 80
    duration: int = 24


@dataclass(frozen=True)
class Request:
    """Play on from tick `start`: the model's own notes from there on are forgotten and drawn anew.

    With a `template` its notes are what is played, some of them drawn; otherwise notes are drawn until `end`
    (None: no end). `exact`: the first one begins exactly at `start`. `seed_number` and the ticks since
    `chance_from` say which random numbers are used: an equal situation gives equal notes.
    """

    number: int
    start: int
    end: int | None = None
    voices: tuple[int, ...] = (0,)  # instruments, as in `events.attributes`
    controls: Controls = field(default_factory=Controls)
    seed_number: int = 0
    chance_from: int = 0
    exact: bool = False
    template: tuple[Step, ...] = ()
    busy: float = 0.0  # the player's notes a beat, lately

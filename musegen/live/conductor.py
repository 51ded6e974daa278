"""Who owns musical time: what performer, scheduler, recorder and view may ask of it.

Implemented by `OwnTime` (musegen's own tempo), `FollowedClock` (MIDI clock), `LinkTime` (Ableton Link) and
`HostTime` (a program that musegen runs inside of). Knows nothing of notes, ports or models.
"""

from __future__ import annotations

from math import inf
from typing import Protocol

from .timeline import Position, Timeline


class Conductor(Protocol):
    """Musical time in ticks (24 a quarter) against clock time in seconds (`Clock.now()`).

    Ticks never run backwards: where a master jumps, they go on from a place with the same position in the bar.
    """

    @property
    def source(self) -> str:
        """Who conducts, for people: "own tempo", "MIDI clock", "Ableton Link", "host"."""
        ...

    @property
    def rolling(self) -> bool:
        """False: stopped or not begun; then `time` is infinite for ticks that have not been reached."""
        ...

    @property
    def epoch(self) -> int:
        """Grows by one at every start, stop, continue or jump: what was planned in seconds is void then."""
        ...

    @property
    def resume_tick(self) -> int:
        """After the latest change of epoch: the first bar line from which to play (again)."""
        ...

    @property
    def timeline(self) -> Timeline:
        """Meters and keys in ticks; the tempo in it is only the first."""
        ...

    @property
    def qpm(self) -> float:
        """Quarter notes a minute, now."""
        ...

    def tick(self, time: float) -> float:
        """The musical position at any clock time; it stands still while stopped, and is negative before the beginning.

        Of times up to the latest `update` or `hear` the answer never changes again once the music has begun.
        """
        ...

    def time(self, tick: float) -> float:
        """The clock time at which `tick` sounded or will sound."""
        ...

    def position(self, tick: float) -> Position:
        """Bar and beat of `tick` as the master counts them."""
        ...

    def hear(self, time: float, message: bytes) -> None:
        """A message that came in at clock `time`: F8, FA, FB, FC, F2; others are ignored."""
        ...

    def update(self, now: float) -> list[str]:
        """To be called every few milliseconds; returns sentences for the person."""
        ...

    def tap(self, time: float) -> None:
        """The person tapped a quarter note at clock `time`; only an own tempo listens, others say so in `update`."""
        ...

    def tempo_map(self, since: float = -inf) -> list[tuple[float, float]]:
        """What was played so far, for a recording: (tick, seconds a tick from there on), ticks ascending.

        The first is the one that holds at tick `since`, so that asking for the latest costs the same at hour ten.
        """
        ...

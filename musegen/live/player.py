"""The player's keys: which are down, since when, and how busy the hands have been. Knows nothing of ports."""

from __future__ import annotations

from collections import deque

from ..events import attributes as at
from ..sampling.duet import Played
from .messages import DRUM_CHANNEL

LONGEST = 16 * 96  # ticks; a key that lies for ever counts as this long
BUSY_BEATS = 8  # activity is counted over so many beats


class Player:
    """Turns what the keys do into notes of `instrument` (`events.attributes`); channel 10 is drums."""

    def __init__(self, instrument: int = 0) -> None:
        self.instrument = instrument
        self._numbers = 0
        self._held: dict[tuple[int, int], Played] = {}
        self._onsets: deque[int] = deque(maxlen=64)

    @property
    def held(self) -> list[Played]:
        """The notes whose keys are down."""
        return list(self._held.values())

    @property
    def keys(self) -> list[tuple[int, int]]:
        """The (channel, pitch) of the keys that are down."""
        return list(self._held)

    def strike(self, tick: float, channel: int, pitch: int, velocity: int) -> Played:
        """A key goes down."""
        self._numbers += 1
        instrument = at.DRUM_INSTRUMENT if channel == DRUM_CHANNEL else self.instrument
        note = Played(round(tick), None, pitch, velocity, instrument, self._numbers, False)
        self._held[channel, pitch] = note
        self._onsets.append(note.onset)
        return note

    def release(self, tick: float, channel: int, pitch: int) -> tuple[Played, int] | None:
        """A key goes up: its note and how long that lasted; None if it was not down."""
        note = self._held.pop((channel, pitch), None)
        return None if note is None else (note, min(max(1, round(tick) - note.onset), LONGEST))

    def busy(self, tick: float, beat: int) -> float:
        """Notes a beat of `beat` ticks, lately."""
        return sum(onset >= tick - BUSY_BEATS * beat for onset in self._onsets) / BUSY_BEATS

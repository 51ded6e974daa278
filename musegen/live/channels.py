"""Which MIDI channel each instrument plays on, and the program changes that say so.

Drums are on channel 10; every other instrument gets one of the other 15 while there are any left, then shares.
Source: General MIDI System Level 1, "MIDI Channel 10 is reserved for percussion".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..piece import DRUMS
from .messages import CHANNELS, DRUM_CHANNEL, program_change

_MELODIC = [c for c in range(CHANNELS) if c != DRUM_CHANNEL]


class Channels:
    """Gives instruments (as numbered by `events.attributes`) their channels, in order of appearance.

    The first take those of `wanted`, the others what is free; channels in `avoid` only if wanted.
    """

    def __init__(self, wanted: Sequence[int] = (), avoid: Collection[int] = ()) -> None:
        rest = [c for c in _MELODIC if c not in wanted and c not in avoid]
        self._order = [*wanted, *(rest or _MELODIC)]
        self._of: dict[int, int] = {}
        self._programs: dict[int, int] = {}  # channel: program

    def sound(self, instrument: int, program: int) -> list[bytes]:
        """Give `instrument` the sound `program` from now on; what must be sent for it."""
        channel, _ = self.of(instrument, program)
        if channel == DRUM_CHANNEL:
            return []
        self._programs[channel] = program
        return [program_change(channel, program)]

    def move(self, instrument: int, channel: int, program: int) -> list[bytes]:
        """Send `instrument` on `channel` from now on; what must be sent for it. What sounds ends where it began."""
        old = self._of.get(instrument)
        sound = program if old is None else self._programs.get(old, program)
        self._of[instrument] = channel
        if old is not None and old not in self._of.values():
            self._programs.pop(old, None)
        if channel == DRUM_CHANNEL:
            return []
        self._programs[channel] = min(sound, 127)
        return [program_change(channel, min(sound, 127))]

    def of(self, instrument: int, program: int) -> tuple[int, list[bytes]]:
        """The channel of `instrument`, and what must be sent before its first note.

        The sixteenth and later melodic instruments share: with the same program if it plays, else with the
        nearest one by General MIDI number (families are eight neighbours), and change nothing.
        """
        if instrument in self._of:
            return self._of[instrument], []
        if program == DRUMS:
            self._of[instrument] = DRUM_CHANNEL
            return DRUM_CHANNEL, []
        free = [c for c in self._order if c not in self._programs]
        if free:
            self._of[instrument] = free[0]
            self._programs[free[0]] = program
            return free[0], [program_change(free[0], program)]
        nearest = min(self._programs, key=lambda c: (abs(self._programs[c] - program), c))
        self._of[instrument] = nearest
        return nearest, []

"""What to send when a port returns, so that nothing sounds on that was begun before it vanished.

Kept in the music process, which outlives the processes that hold ports. Nobody can know which of the latest messages
arrived, so the keys of all of them are released. Knows nothing of any MIDI system.
"""

from __future__ import annotations

from .ledger import Ledger
from .messages import Key, is_off, is_on, silence

LOOK_BACK = 2.0
"""Seconds. A port may have been gone this long when it is noticed; what ended since may not have ended there."""


class Recovery:
    """Is told of every message that is handed to the port."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._moved: dict[Key, float] = {}  # when each key was last moved, or will be
        self._owed: set[Key] = set()  # what may sound somewhere that cannot be reached

    def sent(self, message: bytes, time: float) -> None:
        """`message` was handed over for `time`."""
        self._ledger.take(message)
        if is_on(message) or is_off(message):
            key = (message[0] & 0x0F, message[1])
            self._moved[key] = max(time, self._moved.get(key, time))

    def vanished(self, now: float) -> None:
        """All that listens to the port has gone at `now`, or part of it."""
        self._owed.update(self._ledger.held)
        self._owed.update(key for key, time in self._moved.items() if time >= now - LOOK_BACK)

    def returned(self) -> list[bytes]:
        """What to send first: the end of every sound, then the programs, which a synthesiser may have forgotten."""
        messages = silence(self._owed.union(self._ledger.held), self._ledger.channels) + self.programs()
        self._ledger.clear()
        self._moved.clear()
        self._owed.clear()
        return messages

    def programs(self) -> list[bytes]:
        """What somebody who listens from now on has missed."""
        return [self._ledger.programs[channel] for channel in sorted(self._ledger.programs)]

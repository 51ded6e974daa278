"""What to send when a port returns, so that nothing sounds on that was begun before it vanished.

Kept in the music process, which outlives the processes that hold ports. Nobody can know which of the latest messages
arrived, so the keys of all of them are released. Knows nothing of any MIDI system.
"""

from __future__ import annotations

from .ledger import Ledger
from .messages import Key, is_channel, is_off, is_on, silence

LOOK_BACK = 2.0
"""Seconds. A port may have been gone this long when it is noticed; what ended since may not have ended there."""


class Recovery:
    """Is told of every message that is handed to the port."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._moved: dict[Key, float] = {}  # when each key was last moved, or will be

    def sent(self, message: bytes, time: float) -> None:
        """`message` was handed over for `time`."""
        self._ledger.take(message)
        if is_channel(message) and (is_on(message) or is_off(message)):
            key = (message[0] & 0x0F, message[1])
            self._moved[key] = max(time, self._moved.get(key, time))

    def vanished(self, now: float) -> None:
        """The port has gone at `now`. Asked again before it returns, it knows of more keys, not of fewer."""
        for key, time in self._moved.items():
            if time >= now - LOOK_BACK:
                self._ledger.held.setdefault(key, 0)

    def returned(self) -> list[bytes]:
        """What to send first: the end of every sound, then the programs, which a synthesiser may have forgotten."""
        ledger = self._ledger
        messages = silence(ledger.held, ledger.channels)
        messages += [ledger.programs[channel] for channel in sorted(ledger.programs)]
        ledger.clear()
        self._moved.clear()
        return messages

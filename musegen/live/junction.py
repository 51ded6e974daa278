"""What happens inside a port between its input and its output: the feedback guard, thru, and one ledger for both.

Pure, so that the processes that hold real ports and the loop-back port of the tests share it. Knows nothing of any MIDI
system.
"""

from __future__ import annotations

from .guard import SAY_AFTER, Guard
from .ledger import Outbox, Waiting
from .messages import TIMING, is_channel, is_off, is_pedal_up, is_whole

THRU = 1
"""The identity, in the ledger, of notes that are passed on; our own have 0."""
HEARS_ITSELF = "What musegen plays comes back to its input: that is left out."


class Junction(Outbox):
    """An outbox that also hears what comes in. Nothing goes out while it is not `open`: the other side has vanished."""

    def __init__(self, tolerance: float = float("inf")) -> None:
        super().__init__(tolerance)
        self.open = True
        self.thru = False
        self._guard = Guard()
        self._said = False

    def push(self, message: bytes, time: float) -> None:
        """Keep `message` until `time`; forget it at once if there is nobody to send it to."""
        if self.open:
            super().push(message, time)

    def hear(self, message: bytes, time: float) -> bool:
        """`message` came in at `time`: whether the player played it. It is passed on if it is to be."""
        if not _is_let_in(message) or self._guard.own(message, time):
            return False
        if self.open and is_channel(message) and (self.thru or self._ends_passed_on(message)):
            # In the order it was played, even if a note begins and ends in one moment.
            self._push(time, 1, message, THRU)
        return True

    def let_go(self, time: float) -> list[bytes]:
        """The player has vanished: what would have been played to release every key and pedal. It is passed on."""
        return [message for message in self._guard.heard.release() if self.hear(message, time)]

    def shut(self) -> None:
        """The other side has vanished."""
        self.lost()
        self.open = False

    def news(self) -> list[str]:
        """Says once that there is a loop."""
        if self._said or self._guard.echoes < SAY_AFTER:
            return []
        self._said = True
        return [HEARS_ITSELF]

    def _ends_passed_on(self, message: bytes) -> bool:
        if is_off(message):
            return self.ledger.held.get((message[0] & 0x0F, message[1])) == THRU
        return is_pedal_up(message) and message[0] & 0x0F in self.ledger.pedals

    def _went_out(self, message: bytes, due: Waiting) -> None:
        self._guard.sent(message, due.time, due.identity == THRU)


def _is_let_in(message: bytes) -> bool:
    if message and message[0] in TIMING:
        return len(message) == (3 if message[0] == 0xF2 else 1)
    return is_whole(message)

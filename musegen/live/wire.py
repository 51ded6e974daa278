"""What travels from the music process to a sender: records of a time, a length and a message.

Eight bytes of time (a little-endian double, seconds of `time.perf_counter`), one byte of length, the bytes. A
message is a MIDI channel message, or one of the words below, which no MIDI message can be mistaken for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

CANCEL = b"\x01"
"""Forget what has not gone out; note-offs at once."""
CLOSE = b"\x02"
"""End what sounds, then end. The pipe's end means the same."""

_HEAD = struct.Struct("<dB")


def pack(time: float, message: bytes) -> bytes:
    """One record. A record is far shorter than a pipe's atomic write, so it arrives whole or not at all."""
    return _HEAD.pack(time, len(message)) + message


class Unpacker:
    """Cuts a stream of bytes back into records."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[float, bytes]]:
        """The records that `data` completes, as (time, message)."""
        self._rest += data
        while len(self._rest) >= _HEAD.size:
            time, size = _HEAD.unpack_from(self._rest)
            end = _HEAD.size + size
            if len(self._rest) < end:
                return
            yield time, self._rest[_HEAD.size : end]
            self._rest = self._rest[end:]

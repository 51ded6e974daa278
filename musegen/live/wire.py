"""What travels between the music process and a port process: records of a time, a length and a message.

Eight bytes of time (a little-endian double, seconds of `time.perf_counter`), two of length, the bytes. A message is a
MIDI message, or one of the words below, which no MIDI message can be mistaken for.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

CANCEL = b"\x01"
"""To the port: forget what has not gone out; note-offs at once."""
CLOSE = b"\x02"
"""To the port: end what sounds, then end. The pipe's end means the same."""
RESUME = b"\x03"
"""To the port: from here on everything counts; what came before, or after the port vanished, is forgotten."""
THRU, NO_THRU = b"\x04", b"\x05"
"""To the port: pass on what comes in, or no longer."""
SHUT, LET_GO = b"\x06", b"\x07"
"""Inside the port process: whom it sends to has vanished; whom it listens to has."""
REPORT = b"\x08"
"""From the port: JSON follows."""
OPEN = b"\x09"
"""To the port, first of all: JSON of an `Opening` follows."""

_HEAD = struct.Struct("<dH")


@dataclass(frozen=True)
class Opening:
    """What a port process is to open.

    `system` as in `ports.System.key`; `name` of the client; `to`, the port to send to at once; `source`, part of
    the name of the one port to listen to (empty: whatever is plugged in). `outputs` and `inputs` are old connections,
    to be made again as soon as they can be. With `again`, it waits for the MIDI system if that is not there.
    """

    system: str
    name: str
    to: str = ""
    source: str = ""
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    again: bool = False

    def message(self) -> bytes:
        """The message that says so."""
        return OPEN + json.dumps(asdict(self)).encode()

    @staticmethod
    def of(message: bytes) -> Opening:
        """The opposite of `message`."""
        fields: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(message[1:]).items()}
        return Opening(**fields)


def pack(time: float, message: bytes) -> bytes:
    """One record. Up to here a record is shorter than a pipe's atomic write, so it arrives whole or not at all."""
    return _HEAD.pack(time, len(message)) + message


def pack_report(report: dict[str, Any]) -> bytes:
    """One record that is a report."""
    return pack(0.0, REPORT + json.dumps(report).encode())


def report_in(message: bytes) -> dict[str, Any] | None:
    """The report in a record's message; None if it is a MIDI message."""
    if message[:1] != REPORT:
        return None
    report: dict[str, Any] = json.loads(message[1:])
    return report


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

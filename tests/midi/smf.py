"""Builds Standard MIDI Files byte by byte, so that a test shows what is in the file."""

from __future__ import annotations

from collections.abc import Iterable

Event = tuple[int, Iterable[int]]
"""Delta time and the bytes of the event."""


def header(tracks: int = 1, *, layout: int = 1, division: int = 480, length: int = 6, more: bytes = b"") -> bytes:
    """MThd: its length, the format, the number of tracks, the division; `more` is what a longer one holds."""
    words = (layout, tracks, division)
    return b"MThd" + length.to_bytes(4, "big") + b"".join(w.to_bytes(2, "big") for w in words) + more


def number(value: int) -> bytes:
    """A variable-length quantity: seven bits a byte, the high bit set on all but the last."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


END: Event = (0, [0xFF, 0x2F, 0x00])


def body(*events: Event) -> bytes:
    """Events with their delta times, no end of track."""
    return b"".join(number(delta) + bytes(data) for delta, data in events)


def chunk(data: bytes, length: int | None = None, tag: bytes = b"MTrk") -> bytes:
    """A chunk that says it is `length` bytes long (None: the truth)."""
    return tag + (len(data) if length is None else length).to_bytes(4, "big") + data


def track(*events: Event, end: bool = True) -> bytes:
    """A track chunk, with its end of track unless told otherwise."""
    return chunk(body(*events, *([END] if end else [])))


def on(pitch: int, velocity: int = 80, channel: int = 0) -> list[int]:
    """Note on."""
    return [0x90 | channel, pitch, velocity]


def off(pitch: int, channel: int = 0) -> list[int]:
    """Note off."""
    return [0x80 | channel, pitch, 64]


def program(number_: int, channel: int = 0) -> list[int]:
    """Program change."""
    return [0xC0 | channel, number_]


def meta(kind: int, *data: int) -> list[int]:
    """A meta event of fewer than 128 bytes."""
    return [0xFF, kind, len(data), *data]


def tempo(microseconds: int) -> list[int]:
    """Set tempo."""
    return meta(0x51, *microseconds.to_bytes(3, "big"))


def name(text: bytes) -> list[int]:
    """Sequence or track name."""
    return meta(0x03, *text)


C4: tuple[Event, Event] = ((0, on(60)), (480, off(60)))
"""A quarter note, middle C."""

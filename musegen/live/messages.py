"""MIDI messages as bytes.

Shared by everything live, port processes included. Knows nothing of ports or of musical time.
Source: MIDI 1.0 Detailed Specification 4.2.1, Table I (channel voice) and Table III (controllers, mode messages).
"""

from __future__ import annotations

from collections.abc import Iterable

CHANNELS = 16
DRUM_CHANNEL = 9  # channel 10, counted from 1 (General MIDI 1)
SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
PEDAL_DOWN = 64  # the least value of a controller that is a switch and on
SONG_POSITION, CLOCK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
TIMING = frozenset((SONG_POSITION, CLOCK, START, CONTINUE, STOP))
"""The system messages that say where the music is; no others are let in or out."""
BURST = 100  # more messages at once are lost or corrupted by ALSA and by rtmidi's ring

_LENGTHS = {0x8: 3, 0x9: 3, 0xA: 3, 0xB: 3, 0xC: 2, 0xD: 2, 0xE: 3}  # bytes, by kind

Key = tuple[int, int]
"""What a note-off can address: (channel, pitch)."""


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """A note-on; `velocity` is 1-127 (0 would be a note-off)."""
    return bytes((0x90 | channel, pitch, max(1, velocity)))


def note_off(channel: int, pitch: int) -> bytes:
    """A note-off with the customary release velocity of 64."""
    return bytes((0x80 | channel, pitch, 64))


def control(channel: int, number: int, value: int) -> bytes:
    """A control change."""
    return bytes((0xB0 | channel, number, value))


def program_change(channel: int, program: int) -> bytes:
    """A program change; `program` is 0-127."""
    return bytes((0xC0 | channel, program))


def is_on(message: bytes) -> bool:
    """Whether `message` strikes a note."""
    return message[0] & 0xF0 == 0x90 and message[2] > 0


def is_off(message: bytes) -> bool:
    """Whether `message` ends a note."""
    kind = message[0] & 0xF0
    return kind == 0x80 or (kind == 0x90 and message[2] == 0)


def is_pedal_up(message: bytes) -> bool:
    """Whether `message` lets a sustain pedal up."""
    return message[0] & 0xF0 == 0xB0 and message[1] == SUSTAIN and message[2] < PEDAL_DOWN


def rank(message: bytes) -> int:
    """Order among messages of one moment: note-offs, then everything else, then note-ons."""
    return 0 if is_off(message) else 2 if is_on(message) else 1


def is_whole(message: bytes) -> bool:
    """Whether `message` is one channel message, with all its data."""
    length = _LENGTHS.get(message[0] >> 4) if message else None
    return len(message) == length and all(byte < 0x80 for byte in message[1:])


def is_channel(message: bytes) -> bool:
    """Whether `message` is for a channel, and no system message."""
    return message[0] < 0xF0


def silence(sounding: Iterable[Key], channels: Iterable[int]) -> list[bytes]:
    """What ends every sound: an off for each of `sounding`, then CC 123, CC 120 and pedal up on `channels`.

    Offs come first because not every synthesiser obeys the mode messages.
    """
    offs = [note_off(*key) for key in sorted(sounding)]
    ends = ((ALL_NOTES_OFF, 0), (ALL_SOUND_OFF, 0), (SUSTAIN, 0))
    return offs + [control(channel, *end) for channel in sorted(channels) for end in ends]

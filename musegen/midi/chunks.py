"""The outer layer of a Standard MIDI File: header and track chunks, checked and repaired (SMF 1.0, "Chunks").

Knows nothing of what is inside a track. Repairs: a RIFF (.rmi) wrapper or bytes before the header are
passed over; a header longer than 6 bytes is read by its length, as the specification asks; chunks of
other types and bytes between chunks are skipped; a track whose length is wrong goes on to the next track;
a wrong number of tracks is recounted. Everything else is a `MidiError`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..errors import MidiError

LARGEST_FILE = 5 * 2**20
"""Bytes. Half a day of dense piano; what is larger is not meant to be played, and could take a minute to read."""

MOST_TRACKS = 2**15 - 1

HEADER = struct.Struct(">4sIHHH")
_CHUNK = struct.Struct(">4sI")
END_OF_TRACK = b"\xff\x2f\x00"
_FRAME_RATES = {24: 24, 25: 25, 29: 30, 30: 30}


class Chunks(NamedTuple):
    """A file taken apart: its clock and the bytes of each track.

    `microseconds` is the fixed length of a quarter note where the file counts SMPTE frames, else 0.
    `whole` is false where a track was cut or its length was wrong.
    """

    ticks_per_quarter: int
    microseconds: int
    tracks: list[bytes]
    whole: bool


def take_apart(data: bytes, name: str) -> Chunks:
    """The chunks of the file `data`; `name` is for messages. Raises MidiError."""
    if len(data) > LARGEST_FILE:
        limit = f"{LARGEST_FILE >> 20} MB"
        raise MidiError(f"{name}: {len(data) / 2**20:.1f} MB is too large for music (the limit is {limit}).")
    start = 0 if data.startswith(b"MThd") else _find_header(data, name)
    if len(data) < start + HEADER.size:
        raise MidiError(f"{name}: the file stops inside its header: it was not copied or downloaded whole.")
    _, length, layout, _, division = HEADER.unpack_from(data, start)
    if length < 6:
        raise MidiError(f"{name}: the header is {length} bytes long where at least 6 are needed: it is damaged.")
    if layout == 2:
        raise MidiError(f"{name}: format 2 holds separate patterns, not one piece: save it as format 0 or 1.")
    if layout > 2:
        raise MidiError(f"{name}: format {layout} does not exist (0 and 1 can be read): the header is damaged.")
    ticks_per_quarter, microseconds = _clock(division, name)
    tracks, whole = _tracks(data, start + 8 + length)
    if not tracks:
        raise MidiError(f"{name}: there is no track in the file.")
    if len(tracks) > MOST_TRACKS:
        raise MidiError(f"{name}: {len(tracks)} tracks are more than music can use ({MOST_TRACKS}).")
    return Chunks(ticks_per_quarter, microseconds, tracks, whole)


def _find_header(data: bytes, name: str) -> int:
    if not data:
        raise MidiError(f"{name}: the file is empty.")
    start = data.find(b"MThd", 0, 4096)
    if start < 0:
        raise MidiError(f"{name}: this is not a MIDI file (it has no MThd header).")
    return start


def _clock(division: int, name: str) -> tuple[int, int]:
    """(ticks per quarter, fixed microseconds per quarter or 0) of the header's division word.

    SMPTE ticks are kept, and a tempo is chosen that makes them last as long as the file says: 120 to the
    minute, or 60 where that would take half a tick. 29 frames mean 30/1.001 a second.
    """
    if division == 0:
        raise MidiError(f"{name}: the header says 0 ticks per quarter note, so nothing in it has a time.")
    if division < 0x8000:
        return division, 0
    rate, subframes = 256 - (division >> 8), division & 0xFF
    if rate not in _FRAME_RATES or subframes == 0:
        raise MidiError(
            f"{name}: {rate} frames of {subframes} ticks is no SMPTE time (24, 25, 29 or 30 frames): "
            "the header is damaged."
        )
    ticks, stretch = _FRAME_RATES[rate] * subframes, 1001 if rate == 29 else 1000
    return (ticks // 2, 500 * stretch) if ticks % 2 == 0 else (ticks, 1000 * stretch)


def _tracks(data: bytes, at: int) -> tuple[list[bytes], bool]:
    """The bytes of every track from position `at` on, and whether all of their lengths were right."""
    tracks, whole, size = [], True, len(data)
    while at + 8 <= size:
        tag, length = _CHUNK.unpack_from(data, at)
        end = at + 8 + length
        if tag == b"MTrk":
            if not _chunk_or_end(data, end) and not (end <= size and data.endswith(END_OF_TRACK, at, end)):
                end = data.find(b"MTrk", at + 8)
                end = size if end < 0 else end
                whole = False
            tracks.append(data[at + 8 : end])
        elif not (tag.isalnum() and _chunk_or_end(data, end)):
            end = data.find(b"MTrk", at + 1)
            if end < 0:
                break
        at = end
    return tracks, whole


def _chunk_or_end(data: bytes, at: int) -> bool:
    """Whether the file ends at `at`, or something that can be a chunk begins there (types are four letters)."""
    return at == len(data) or (at + 8 <= len(data) and data[at : at + 4].isalnum())

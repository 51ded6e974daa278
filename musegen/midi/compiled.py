"""The fast reader: symusic (compiled) parses the tracks, a few numpy calls make the note array.

Gives up (None) on files that symusic refuses or misreads, which `tolerant` then reads: `plain` knows what it
misreads, and notes without a note-off, which it drops without a word, are found by a trick (`_with_offs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS, NOTE, Notes, Piece
from .assemble import MOST_PARTS, assemble, in_order
from .chunks import END_OF_TRACK, HEADER, Chunks
from .parser import core

# What goes before an end of track: a marker, which shows that the track was read in step up to there, then
# after the longest delta time note-offs for every pitch in running status. A note that they end had no end.
_MARK = "\x01\x02"
_FAR = b"\xff\x06\x02" + _MARK.encode() + b"\xff\xff\xff\x7f"
_OFFS = [(0x90 | c, bytes([0x80 | c]) + b"".join(bytes([pitch, 64, 0]) for pitch in range(128))) for c in range(16)]
_OPEN = 2**27
"""Ticks. A note that lasts longer was ended by `_OFFS`."""

_STATUS_NEXT = re.compile(rb"[\x80-\xff]{0,3}[\x00-\x7f][\x80-\xff]")
_ODD_META = re.compile(rb"\xff(?:\x51[^\x03]|\x58(?:[^\x04]|\x04.[\x08-\xff])|\x59[^\x02])", re.DOTALL)

# How symusic lays out a note in the bytes that it pickles, after a count of four bytes.
# These are also the first ten bytes of a `NOTE`, so that rows are copied as they are.
_PICKLED = np.dtype([("time", "i4"), ("duration", "i4"), ("pitch", "u1"), ("velocity", "u1"), ("padding", "V2")])
_WORDS = _PICKLED.itemsize // 4


def plain(data: bytes, chunks: Chunks) -> bool:
    """Whether symusic reads these tracks right: no meta event or running status that it gets wrong."""
    return (
        chunks.whole
        and all([track.endswith(END_OF_TRACK) for track in chunks.tracks])  # noqa: C419 (quicker than a generator)
        and not _ODD_META.search(data)
        and ((b"\xf0" not in data and b"\xf7" not in data) or all(map(_sysex_in_order, chunks.tracks)))
    )


def _sysex_in_order(data: bytes) -> bool:
    """Whether every F0 and F7 of a track begins or ends a short system exclusive message, a status byte after it.

    symusic misreads F7 as an event, and running status behind system exclusive. A delta time that holds one of
    these bytes may be a false alarm, which only costs time.
    """
    ends = set()
    for at in _statuses(data, b"\xf0"):
        if 0x80 <= data[at + 2] < 0xF0:
            continue  # a delta time and a status byte: no system exclusive begins with one
        end = at + 1 + data[at + 1]
        if data[at + 1] > 127 or data[end : end + 1] != b"\xf7" or not _STATUS_NEXT.match(data, end + 1):
            return False
        ends.add(end)
    long = [data[at + 1] > 15 and 0x80 <= data[at + 2] < 0xF0 for at in _statuses(data, b"\xf7") if at not in ends]
    return all(long)  # delta times again: escapes that begin with a status byte are short


def _statuses(data: bytes, what: bytes) -> Iterator[int]:
    """Where `what` may be a status byte: behind a byte that can end a delta time, and not at the very end."""
    return (at for at in _places(data, what) if data[at - 1] < 0x80 and at + 2 < len(data))


def _places(data: bytes, what: bytes) -> Iterator[int]:
    at = data.find(what)
    while at >= 0:
        yield at
        at = data.find(what, at + 1)


def read_compiled(chunks: Chunks, name: str) -> Piece | None:
    """The piece, or None where symusic gives up. Raises MidiError as `assemble` does."""
    try:
        score: Any = core.ScoreTick.from_midi(_with_offs(chunks))
    except RuntimeError:
        return None
    if [m.text for m in _each(score.markers)].count(_MARK) != len(chunks.tracks):
        return None
    tracks = [t for t in _each(score.tracks) if t.notes]
    names = tuple([t.name for t in tracks])
    if "\ufffd" in "".join(names) or len(tracks) > MOST_PARTS:
        return None
    notes = _note_array(tracks)
    if score.end() >= _OPEN and notes["duration"].max(initial=0) >= _OPEN:
        return None
    return assemble(
        chunks,
        notes,
        names,
        [(t.time, t.mspq) for t in _each(score.tempos)],
        [(m.time, m.numerator, m.denominator) for m in _each(score.time_signatures)],
        [(k.time, k.key, k.tonality) for k in _each(score.key_signatures)],
        name,
    )


def _each(vector: Any) -> list[Any]:
    """What is in a vector of symusic's; by index, because the end of its iterators is a C++ exception: 5 µs."""
    return [vector[i] for i in range(len(vector))]


def _with_offs(chunks: Chunks) -> bytes:
    """The file with a mark at the end of each track, and far behind it note-offs for every pitch.

    The note-offs are for the channels whose note-on byte occurs somewhere in the track; needless ones change nothing.
    """
    parts = [HEADER.pack(b"MThd", 6, 1, len(chunks.tracks), chunks.ticks_per_quarter)]
    for track in chunks.tracks:
        offs = b"".join([off for on, off in _OFFS if on in track]) or b"\xb0\0\0\0"
        length = len(track) + len(_FAR) + len(offs)
        parts += b"MTrk", length.to_bytes(4, "big"), track[:-3], _FAR, offs, END_OF_TRACK
    return b"".join(parts)


def _note_array(tracks: list[Any]) -> Notes:
    """The notes of symusic's tracks in the order of `Piece`, one part a track."""
    rows = [_pickled(t.notes) for t in tracks]
    raw = np.frombuffer(b"".join(rows), np.int32).reshape(-1, _WORDS)
    counts = [len(r) // _PICKLED.itemsize for r in rows]
    part = np.arange(len(tracks), dtype=np.int16).repeat(counts)
    program = np.array([DRUMS if t.is_drum else t.program for t in tracks], np.uint8)
    notes = np.empty(len(raw), NOTE)
    notes.view(np.int32).reshape(-1, NOTE.itemsize // 4)[:, :_WORDS] = raw
    notes["program"] = program[part]
    notes["part"] = part
    return in_order(notes)


def _pickled(notes: Any) -> bytes:
    """The notes as `_PICKLED` rows: eight times quicker than symusic's own `numpy()` on short tracks."""
    state: bytes = notes.__getstate__()
    return state[4:]


def _rows(notes: Any) -> bytes:
    """The same by the documented way, for a symusic that pickles otherwise."""
    columns = notes.numpy()
    rows: npt.NDArray[np.void] = np.zeros(len(notes), _PICKLED)
    for column in ("time", "duration", "pitch", "velocity"):
        rows[column] = columns[column]
    return rows.tobytes()


def _pickles_as_expected() -> bool:
    probe: Any = core.ScoreTick.from_midi(
        HEADER.pack(b"MThd", 6, 1, 1, 480)
        + b"MTrk\0\0\0\x15\0\x90\x3c\x50\x01\x90\x3d\x51\x82\x2c\x80\x3c\x40\x01\x80\x3d\x40\0\xff\x2f\0"
    )
    lists = [t.notes for t in probe.tracks]
    return len(lists) == 1 and _pickled(lists[0]) == _rows(lists[0])


if not _pickles_as_expected():
    _pickled = _rows

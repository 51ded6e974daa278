"""Standard MIDI Files (SMF 1.0, formats 0 and 1) → `Piece`.

`chunks` takes the file apart, symusic (compiled) reads the tracks, numpy makes the note array; a file that
symusic refuses or would misread goes through `tolerant` instead. Every repair and refusal is listed in
docs/files.md. Knows nothing of writing (`write`) or of notation files (`scores`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import symusic

from ..errors import FileError, MidiError
from ..piece import DRUMS, NOTE, Key, Metadata, Meter, Notes, Piece, Tempo
from .chunks import END_OF_TRACK, HEADER, LARGEST_FILE, Chunks, take_apart
from .tolerant import Track, read_track

LONGEST = 2**18
"""Quarter notes: a day of music at 182 to the minute. A longer file has a damaged delta time."""

MOST_PARTS = 2**15 - 1
MOST_MISREAD = 128
_DRUM_CHANNEL = 9

# Every pitch once, as note-offs in running status at delta 0; the first one's delta is the end-of-track's.
_OFFS = [
    bytes([0x80 | channel]) + b"\0".join(bytes([pitch, 64]) for pitch in range(128)) + b"\0" for channel in range(16)
]
_RUNNING_AFTER_SYSEX = re.compile(rb"\xf7[\x80-\xff]{0,3}[\x00-\x7f][\x00-\x7f]")
_ODD_METER = re.compile(rb"\xff\x58\x04.[\x08-\xff]", re.DOTALL)


def read_midi(path: str | os.PathLike[str]) -> Piece:
    """The piece in the Standard MIDI File at `path`. Raises FileError or MidiError, one sentence each."""
    return read_midi_bytes(read_bytes(path), os.fspath(path))


def read_bytes(path: str | os.PathLike[str], limit: int = LARGEST_FILE) -> bytes:
    """The file's bytes, at most `limit` + 1 of them. Raises FileError."""
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise FileError(f"{os.fspath(path)}: there is no such file.") from None
    except IsADirectoryError:
        raise FileError(f"{os.fspath(path)}: this is a folder, not a file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{os.fspath(path)!r}: the file cannot be read ({reason}).") from None


def read_midi_bytes(data: bytes, name: str = "MIDI data") -> Piece:
    """The piece in the bytes of a Standard MIDI File; `name` is used in messages. Raises MidiError."""
    chunks = take_apart(data, name)
    piece = _fast(chunks) if chunks.whole and _plain(data, chunks) else None
    if piece is None:
        piece = _slow(chunks, name)
    return _check(piece, name)


def _plain(data: bytes, chunks: Chunks) -> bool:
    """Whether symusic reads these tracks right: no meta event or running status that it gets wrong."""
    count = data.count
    return (
        all(track.endswith(END_OF_TRACK) for track in chunks.tracks)
        and count(b"\xff\x51") == count(b"\xff\x51\x03")
        and count(b"\xff\x58") == count(b"\xff\x58\x04")
        and count(b"\xff\x59") == count(b"\xff\x59\x02")
        and not _ODD_METER.search(data)
        and not _RUNNING_AFTER_SYSEX.search(data)
    )


def _fast(chunks: Chunks) -> Piece | None:
    """The piece through symusic, or None where it gives up.

    Note-offs for every pitch are put before each end of track, so that a note without one lasts until there;
    symusic drops such notes otherwise.
    """
    parts = [HEADER.pack(b"MThd", 6, 1, len(chunks.tracks), chunks.ticks_per_quarter)]
    for track in chunks.tracks:
        offs = b"".join([_OFFS[c] for c in range(16) if 0x90 | c in track])
        body = track[:-3] + offs + END_OF_TRACK
        parts += b"MTrk", len(body).to_bytes(4, "big"), body
    try:
        score: Any = symusic.Score.from_midi(b"".join(parts))
    except RuntimeError:
        return None
    tracks = [t for t in score.tracks if len(t.notes)]
    names = tuple([t.name for t in tracks])
    if any("\ufffd" in name for name in names) or len(tracks) > MOST_PARTS:
        return None
    return _piece(
        chunks,
        _note_array(tracks),
        names,
        [(t.time, t.mspq) for t in score.tempos],
        [(m.time, m.numerator, m.denominator) for m in score.time_signatures],
        [(k.time, k.key, k.tonality) for k in score.key_signatures],
    )


def _note_array(tracks: list[Any]) -> Notes:
    """The notes of symusic's tracks, in the order of `Piece`."""
    if not tracks:
        return np.empty(0, NOTE)
    columns = [t.notes.numpy() for t in tracks]
    counts = [len(c["time"]) for c in columns]
    onset = np.concatenate([c["time"] for c in columns])
    pitch = np.concatenate([c["pitch"] for c in columns])
    part = np.repeat(np.arange(len(tracks), dtype=np.int16), counts)
    program = np.array([DRUMS if t.is_drum else t.program for t in tracks], np.uint8)
    notes = np.empty(len(onset), NOTE)
    notes["onset"] = onset
    notes["duration"] = np.concatenate([c["duration"] for c in columns])
    notes["pitch"] = pitch
    notes["velocity"] = np.concatenate([c["velocity"] for c in columns])
    notes["program"] = program[part]
    notes["part"] = part
    return _in_order(notes)


def _in_order(notes: Notes) -> Notes:
    key = notes["onset"].astype(np.int64) << 23
    key += notes["part"].astype(np.int32) * np.int32(128) + notes["pitch"]
    np.maximum(notes["duration"], 1, out=notes["duration"])
    return notes[key.argsort(kind="stable")]


def _slow(chunks: Chunks, name: str) -> Piece:
    """The piece through the tolerant reader."""
    tracks = [read_track(track, f"{name}, track {i}") for i, track in enumerate(chunks.tracks, 1)]
    rows = sorted((i, *note) for i, track in enumerate(tracks) for note in track.notes)
    voices = sorted({row[:3] for row in rows})
    if len(voices) > MOST_PARTS:
        raise MidiError(f"{name}: {len(voices)} parts are more than musegen can hold ({MOST_PARTS}).")
    number = {voice: i for i, voice in enumerate(voices)}
    notes = np.array(
        [
            (onset, end - onset, pitch, velocity, DRUMS if channel == _DRUM_CHANNEL else program, number[i, channel, program])
            for i, channel, program, _, onset, end, pitch, velocity in rows
        ],
        NOTE,
    )
    return _piece(
        chunks,
        _in_order(notes),
        tuple(decode_text(tracks[i].name) for i, _, _ in voices),
        _merged(tracks, lambda t: t.tempos),
        _merged(tracks, lambda t: t.meters),
        _merged(tracks, lambda t: t.keys),
    )


_Row = TypeVar("_Row", tuple[int, int], tuple[int, int, int])


def _merged(tracks: list[Track], rows: Callable[[Track], list[_Row]]) -> list[_Row]:
    return sorted((row for track in tracks for row in rows(track)), key=lambda row: row[0])


def _piece(
    chunks: Chunks,
    notes: Notes,
    names: tuple[str, ...],
    tempos: Iterable[tuple[int, int]],
    meters: Iterable[tuple[int, int, int]],
    keys: Iterable[tuple[int, int, int]],
) -> Piece:
    """The piece, its maps made clean: the last row of a tick counts, impossible rows are left out."""
    if chunks.microseconds:
        tempos = [(0, chunks.microseconds)]
    tempo = {tick: Tempo(tick, mspq) for tick, mspq in tempos if mspq > 0}
    meter = {tick: Meter(tick, top, bottom) for tick, top, bottom in meters if top and bottom}
    key = {tick: Key(tick, fifths, bool(minor)) for tick, fifths, minor in keys if abs(fifths) <= 7 and minor in (0, 1)}
    title = _title(chunks.tracks)
    return Piece(
        notes,
        chunks.ticks_per_quarter,
        tuple(tempo.values()) if 0 in tempo else (Tempo(0), *tempo.values()),
        tuple(meter.values()) if 0 in meter else (Meter(0), *meter.values()),
        tuple(key.values()),
        names,
        Metadata(title) if title and title not in names else Metadata(),
    )


def _title(tracks: list[bytes]) -> str:
    """The sequence name: the first track's name in a file of several (SMF 1.0, "Sequence/Track Name")."""
    first, at = tracks[0], 0
    while len(tracks) > 1 and first.startswith(b"\0\xff", at) and at + 3 < len(first):
        kind, length = first[at + 2], first[at + 3]
        if length > 127:
            break
        if kind == 0x03:
            return decode_text(first[at + 4 : at + 4 + length])
        at += 4 + length
    return ""


def _check(piece: Piece, name: str) -> Piece:
    limit = LONGEST * piece.ticks_per_quarter
    last = max([piece.end, piece.tempos[-1].tick, piece.meters[-1].tick] + [k.tick for k in piece.keys[-1:]])
    if last > limit or (len(piece) and piece.notes["onset"][0] < 0):
        raise MidiError(f"{name}: it is more than {LONGEST} quarter notes long: a delta time in it is damaged.")
    return piece


def decode_text(text: bytes) -> str:
    """A track name: UTF-8, or Shift-JIS where C1 bytes show that it is not Latin-1, or Windows Latin-1."""
    for encoding in ("utf-8", "cp932", "cp1252") if any(0x80 <= b < 0xA0 for b in text) else ("utf-8",):
        try:
            return text.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text.decode("latin-1")

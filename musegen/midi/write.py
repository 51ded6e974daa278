"""`Piece` → Standard MIDI File, format 1 (SMF 1.0).

Track 1 holds title, tempos, meters and keys; each part has a track of its own after it. Knows nothing of
reading, except that what `files` read comes back the same.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..atomic import write_atomically
from ..errors import MidiError
from ..piece import DRUMS, Notes, Piece
from .chunks import END_OF_TRACK, HEADER

_MELODIC = [c for c in range(16) if c != 9]
_OFF, _PROGRAM, _CONTROL, _ON = 0, 1, 2, 3
_LONGEST_DELTA = 0x0FFFFFFF


class Voice(NamedTuple):
    """The notes of one part on one program: one track of the file."""

    part: int
    program: int
    notes: Notes


class Control(NamedTuple):
    """A control change at `tick`: controller 0-127, value 0-127. A `Piece` has none; they come beside it."""

    tick: int
    number: int
    value: int


def write_midi(piece: Piece, path: str | os.PathLike[str]) -> None:
    """Write `piece` to `path`, all or nothing. Raises MidiError (the piece) or FileError (the disk)."""
    write_atomically(path, midi_bytes(piece))


def midi_bytes(piece: Piece, controls: Mapping[int, Sequence[Control]] = {}, texts: Sequence[str] = ()) -> bytes:
    """`piece` as the bytes of a Standard MIDI File, with the `controls` of each part, if any.

    `texts` are text events (FF 01) at the beginning of the first track; `files.read_texts` gives them back. Raises
    MidiError for what the format cannot say.
    """
    if not 0 < piece.ticks_per_quarter < 0x8000:
        raise MidiError(f"{piece.ticks_per_quarter} ticks per quarter cannot be written: MIDI allows 1 to 32767.")
    voices = voices_of(piece)
    channels = allocate_channels(voices)
    tracks = [_conductor(piece, texts)]
    for voice, channel, switch in zip(voices, channels, _program_ticks(voices, channels), strict=True):
        name = piece.part_names[voice.part] if voice.part < len(piece.part_names) else ""
        moves = controls.get(voice.part, ())
        tracks.append((_meta(0, 0x03, name.encode()) if name else b"") + _note_bytes(voice, channel, switch, moves))
    chunks = [HEADER.pack(b"MThd", 6, 1, len(tracks), piece.ticks_per_quarter)]
    for track in tracks:
        body = track + b"\0" + END_OF_TRACK
        chunks += [b"MTrk", struct.pack(">I", len(body)), body]
    return b"".join(chunks)


def voices_of(piece: Piece) -> list[Voice]:
    """The notes of each part and program, in order of part, then program."""
    notes = piece.notes
    both = notes["part"].astype(np.int64) * 256 + notes["program"]
    return [Voice(int(b) >> 8, int(b) & 255, notes[both == b]) for b in np.unique(both)]


def allocate_channels(voices: list[Voice]) -> list[int]:
    """A channel (0-15) for each voice: drums on 9; one each while 15 suffice; then by program, then in turn."""
    melodic = [v for v in voices if v.program != DRUMS]
    of_program: dict[int, int] = {}
    channels, turn = [], 0
    for voice in voices:
        if voice.program == DRUMS:
            channels.append(9)
            continue
        channel = of_program.get(voice.program, -1) if len(melodic) > len(_MELODIC) else -1
        if channel < 0:
            channel = of_program[voice.program] = _MELODIC[turn % len(_MELODIC)]
            turn += 1
        channels.append(channel)
    return channels


def _program_ticks(voices: list[Voice], channels: list[int]) -> list[list[int]]:
    """For each voice, the ticks at which it must set its channel's program again.

    Once at the start; where programs share a channel, also before each note that another program preceded.
    """
    switches: list[list[int]] = [[0] for _ in voices]
    for channel in set(channels):
        sharing = [i for i, c in enumerate(channels) if c == channel]
        if len({voices[i].program for i in sharing}) < 2:
            continue
        starts = sorted((int(t), i) for i in sharing for t in np.unique(voices[i].notes["onset"]))
        now = -1
        for i in sharing:
            switches[i] = [int(voices[i].notes["onset"][0])]
        for tick, i in starts:
            if voices[i].program != now and tick not in switches[i]:
                switches[i].append(tick)
            now = voices[i].program
    return switches


def _note_bytes(voice: Voice, channel: int, switches: list[int], moves: Sequence[Control]) -> bytes:
    """The track's notes, program and control changes; at one tick note-offs come first and note-ons last."""
    notes, n = voice.notes, len(voice.notes)
    programs = [] if voice.program == DRUMS else switches
    m = 2 * n + len(programs)
    rows = np.zeros((m + len(moves), 5), np.int64)  # tick, kind, status, two data bytes
    rows[:n, 0] = notes["onset"]
    rows[:n, 1:3] = _ON, 0x90 | channel
    rows[:n, 3] = notes["pitch"]
    rows[:n, 4] = np.maximum(notes["velocity"], 1)
    rows[n : 2 * n, 0] = notes["onset"].astype(np.int64) + np.maximum(notes["duration"], 1)
    rows[n : 2 * n, 1:3] = _OFF, 0x80 | channel
    rows[n : 2 * n, 3] = notes["pitch"]
    rows[n : 2 * n, 4] = 64
    rows[2 * n : m, 0] = programs
    rows[2 * n : m, 1:4] = _PROGRAM, 0xC0 | channel, voice.program
    rows[m:, (0, 3, 4)] = np.array(moves, np.int64).reshape(-1, 3)
    rows[m:, 1:3] = _CONTROL, 0xB0 | channel
    rows = rows[np.argsort(rows[:, 0] * 4 + rows[:, 1], kind="stable")]
    return _encode(np.diff(rows[:, 0], prepend=0), rows[:, 2:], rows[:, 1] != _PROGRAM)


def _encode(delta: npt.NDArray[np.int64], messages: npt.NDArray[np.int64], both: npt.NDArray[np.bool_]) -> bytes:
    """Variable-length deltas and messages (N, 3) as bytes; the third byte only where `both`."""
    if delta.min(initial=0) < 0 or delta.max(initial=0) > _LONGEST_DELTA:
        raise MidiError("The piece cannot be written: it starts before tick 0 or has a gap that MIDI cannot count.")
    out = np.empty((len(delta), 7), np.uint8)
    keep = np.ones(out.shape, np.bool_)
    for column, bits in enumerate((21, 14, 7)):
        out[:, column] = delta >> bits & 0x7F | 0x80
        keep[:, column] = delta >> bits > 0
    out[:, 3] = delta & 0x7F
    out[:, 4:] = messages
    keep[:, 6] = both
    return out[keep].tobytes()


def _conductor(piece: Piece, texts: Sequence[str]) -> bytes:
    """Title, texts, tempos, meters and keys as meta events in order of time."""
    rows: list[tuple[int, int, bytes]] = []
    if piece.metadata.title:
        rows.append((0, 0x03, piece.metadata.title.encode()))
    rows += [(0, 0x01, text.encode()) for text in texts]
    for tempo in piece.tempos:
        if not 0 < tempo.microseconds < 2**24:
            raise MidiError(f"A tempo of {tempo.microseconds} µs a quarter cannot be written: MIDI allows 3.6 bpm up.")
        rows.append((tempo.tick, 0x51, tempo.microseconds.to_bytes(3, "big")))
    for meter in piece.meters:
        power = meter.denominator.bit_length() - 1
        if not (0 < meter.numerator < 256 and 0 <= power < 8 and meter.denominator == 1 << power):
            raise MidiError(f"The meter {meter.numerator}/{meter.denominator} cannot be written to a MIDI file.")
        rows.append((meter.tick, 0x58, bytes([meter.numerator, power, 24, 8])))
    for key in piece.keys:
        if not -7 <= key.fifths <= 7:
            raise MidiError(f"A key signature of {key.fifths} sharps cannot be written: MIDI allows 7 either way.")
        rows.append((key.tick, 0x59, bytes([key.fifths % 256, key.minor])))
    rows.sort(key=lambda row: row[0])
    track, now = b"", 0
    for tick, kind, data in rows:
        track += _meta(tick - now, kind, data)
        now = tick
    return track


def _meta(delta: int, kind: int, data: bytes) -> bytes:
    return _number(delta) + bytes([0xFF, kind]) + _number(len(data)) + data


def _number(value: int) -> bytes:
    """A variable-length quantity (SMF 1.0)."""
    if not 0 <= value <= _LONGEST_DELTA:
        raise MidiError("The piece cannot be written: it starts before tick 0 or has a gap that MIDI cannot count.")
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))

"""Reads the events of one track, one at a time, and says exactly where a track is damaged (SMF 1.0, "MTrk").

The slow and patient path: `files` comes here for files that the compiled reader refuses or would misread.
Both paths pair notes alike: the first note-on of a pitch gets the first note-off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from ..errors import MidiError
from ..piece import DRUMS, NOTE, Piece
from .assemble import MOST_PARTS, assemble, decode_text, in_order, most_ticks, too_long
from .chunks import Chunks

_DRUM_CHANNEL = 9

OpenNote = tuple[int, int, int, int]
"""Onset, velocity, program, and the order in which it began."""


@dataclass
class Track:
    """What a track says. `notes` rows: channel, program, order, onset, end, pitch, velocity."""

    notes: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, int]] = field(default_factory=list)
    name: bytes = b""
    texts: list[bytes] = field(default_factory=list)
    end: int = 0


class _Cut(Exception):
    """The track stops in the middle of an event."""


def read_tolerantly(chunks: Chunks, name: str) -> Piece:
    """The piece in `chunks`; `name` is for messages. Raises MidiError."""
    tracks = [read_track(track, f"{name}, track {i}") for i, track in enumerate(chunks.tracks, 1)]
    if max(track.end for track in tracks) > most_ticks(chunks.ticks_per_quarter):
        raise too_long(chunks.ticks_per_quarter, name)
    rows = sorted((i, *note) for i, track in enumerate(tracks) for note in track.notes)
    voices = sorted({row[:3] for row in rows})
    if len(voices) > MOST_PARTS:
        raise MidiError(f"{name}: {len(voices)} parts are more than musegen can hold ({MOST_PARTS}).")
    part = {voice: i for i, voice in enumerate(voices)}
    notes = np.array(
        [
            (onset, end - onset, pitch, velocity, DRUMS if c == _DRUM_CHANNEL else program, part[i, c, program])
            for i, c, program, _, onset, end, pitch, velocity in rows
        ],
        NOTE,
    )
    return assemble(
        chunks,
        in_order(notes),
        tuple(decode_text(tracks[i].name) for i, _, _ in voices),
        _merged(tracks, lambda t: t.tempos),
        _merged(tracks, lambda t: t.meters),
        _merged(tracks, lambda t: t.keys),
        name,
    )


_Row = TypeVar("_Row", tuple[int, int], tuple[int, int, int])


def _merged(tracks: list[Track], rows: Callable[[Track], list[_Row]]) -> list[_Row]:
    return sorted((row for track in tracks for row in rows(track)), key=lambda row: row[0])


def read_track(data: bytes, where: str) -> Track:
    """The events of the track bytes `data`. `where` names file and track; raises MidiError."""
    reader = _Reader(data, where)
    with suppress(_Cut, IndexError):  # the stated repair: what came before the cut is kept
        reader.run()
    reader.close()
    return reader.track


class _Reader:
    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where = data, where
        self.at = self.tick = 0
        self.track = Track()
        self.programs = [0] * 16
        self.open: dict[tuple[int, int], deque[OpenNote]] = {}
        self.begun = 0

    def run(self) -> None:
        data, status = self.data, 0
        while self.at < len(data):
            self.tick += self.number()
            first = data[self.at]
            if first < 0x80:
                if not status:
                    raise self.damage("a message without a status byte")
                self.message(status)
            elif first < 0xF0:
                status = first
                self.at += 1
                self.message(status)
            elif first == 0xFF:
                kind = data[self.at + 1]
                self.at += 2
                text = self.block()
                if kind == 0x2F:
                    return
                self.meta(kind, text)
            else:
                self.system(first)

    def number(self) -> int:
        """A variable-length quantity, at most four bytes."""
        value = 0
        for i in range(self.at, self.at + 4):
            byte = self.data[i]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                self.at = i + 1
                return value
        raise self.damage("a number longer than four bytes")

    def block(self) -> bytes:
        length = self.number()
        start, self.at = self.at, self.at + length
        if self.at > len(self.data):
            raise _Cut
        return self.data[start : self.at]

    def message(self, status: int) -> None:
        """A channel message, its status byte already passed."""
        kind, channel = status & 0xF0, status & 0x0F
        start, self.at = self.at, self.at + (1 if kind in (0xC0, 0xD0) else 2)
        if self.at > len(self.data):
            raise _Cut
        if kind > 0x90 and kind != 0xC0:
            return  # pressure, controllers and bend: not kept, so their values are not looked at either
        values = self.data[start : self.at]
        if max(values) > 127:
            raise self.damage(f"a data byte of {max(values)}")
        if kind == 0xC0:
            self.programs[channel] = values[0]
        elif kind == 0x90 and values[1]:
            row = (self.tick, values[1], self.programs[channel], self.begun)
            self.begun += 1
            self.open.setdefault((channel, values[0]), deque()).append(row)
        else:
            waiting = self.open.get((channel, values[0]))
            if waiting:
                self.finish(channel, values[0], waiting.popleft())

    def finish(self, channel: int, pitch: int, note: OpenNote) -> None:
        onset, velocity, program, order = note
        self.track.notes.append((channel, program, order, onset, self.tick, pitch, velocity))

    def meta(self, kind: int, text: bytes) -> None:
        """The meta events that musegen has a use for; one of the wrong length says nothing and is left out."""
        if kind == 0x01:
            self.track.texts.append(text)
        elif kind == 0x03:
            self.track.name = text
        elif kind == 0x51 and len(text) == 3:
            self.track.tempos.append((self.tick, int.from_bytes(text, "big")))
        elif kind == 0x58 and len(text) == 4:
            self.track.meters.append((self.tick, text[0], 1 << text[1] if text[1] < 8 else 0))
        elif kind == 0x59 and len(text) == 2:
            fifths = text[0] - 256 if text[0] > 127 else text[0]
            self.track.keys.append((self.tick, fifths, text[1]))

    def system(self, status: int) -> None:
        """System exclusive is passed over by its length; common and real-time bytes have no place in a file."""
        self.at += 1
        if status in (0xF0, 0xF7):
            self.block()
        else:
            self.at += {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0)

    def close(self) -> None:
        """A note without an end lasts until the track ends."""
        for (channel, pitch), waiting in self.open.items():
            for note in waiting:
                self.finish(channel, pitch, note)
        self.track.end = self.tick

    def damage(self, what: str) -> MidiError:
        return MidiError(f"{self.where}: {what} at byte {self.at} of the track: the file is damaged there.")

"""What both readers do with the rows they found: put notes in order, make the maps clean, build the `Piece`.

Knows nothing of bytes, except how names in a MIDI file are encoded.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..errors import MidiError
from ..piece import Key, Metadata, Meter, Notes, Piece, Tempo
from .chunks import Chunks

LONGEST = 2**18
"""Quarter notes: a day of music at 182 to the minute. A longer file has a damaged delta time."""

MOST_PARTS = 2**15 - 1


def in_order(notes: Notes) -> Notes:
    """`notes` sorted by onset, part, pitch (stable); those without a length last one tick."""
    key = notes["onset"] * np.int64(1 << 23)
    key += np.left_shift(notes["part"], 7, dtype=np.int32)
    key += notes["pitch"]
    duration = notes["duration"]
    np.maximum(duration, 1, out=duration)
    ordered: Notes = notes.take(key.argsort(kind="stable"))
    return ordered


def assemble(
    chunks: Chunks,
    notes: Notes,
    names: tuple[str, ...],
    tempos: Iterable[tuple[int, int]],
    meters: Iterable[tuple[int, int, int]],
    keys: Iterable[tuple[int, int, int]],
    name: str,
) -> Piece:
    """The piece, its maps made clean: the last row of a tick counts, impossible rows are left out.

    Tempo rows are (tick, microseconds), meters (tick, numerator, denominator), keys (tick, fifths, minor), each
    in order of tick. Raises MidiError for a file of impossible length.
    """
    if chunks.microseconds:
        tempos = [(0, chunks.microseconds)]
    tempo = {tick: Tempo(tick, mspq) for tick, mspq in tempos if mspq > 0}
    meter = {tick: Meter(tick, top, bottom) for tick, top, bottom in meters if top and bottom}
    key = {tick: Key(tick, fifths, bool(minor)) for tick, fifths, minor in keys if abs(fifths) <= 7 and minor in (0, 1)}
    title = sequence_name(chunks.tracks)
    piece = Piece(
        notes,
        chunks.ticks_per_quarter,
        tuple(tempo.values()) if 0 in tempo else (Tempo(0), *tempo.values()),
        tuple(meter.values()) if 0 in meter else (Meter(0), *meter.values()),
        tuple(key.values()),
        names,
        Metadata(title) if title and title not in names else Metadata(),
    )
    _check_length(piece, name)
    return piece


def _check_length(piece: Piece, name: str) -> None:
    notes = piece.notes
    last = max(piece.tempos[-1].tick, piece.meters[-1].tick, piece.keys[-1].tick if piece.keys else 0)
    if len(notes):
        # int32 may have wrapped round in either reader's favour: both ends are looked at
        onset = notes["onset"]
        last = max(last, int(onset[-1]), int(np.maximum.reduce(onset + notes["duration"])))
    if last > most_ticks(piece.ticks_per_quarter) or (len(notes) and onset[0] < 0):
        raise too_long(piece.ticks_per_quarter, name)


def most_ticks(ticks_per_quarter: int) -> int:
    """How long a file may be; half of what an int32 can count, so that sums of two ticks stay in it."""
    return min(LONGEST * ticks_per_quarter, 2**30)


def too_long(ticks_per_quarter: int, name: str) -> MidiError:
    """The error of a file that is longer than that."""
    quarters = most_ticks(ticks_per_quarter) // ticks_per_quarter
    return MidiError(f"{name}: it is more than {quarters} quarter notes long: a delta time in it is damaged.")


def sequence_name(tracks: list[bytes]) -> str:
    """The first track's name, or "" (SMF 1.0, "Sequence/Track Name")."""
    first, at = tracks[0], 0
    while first.startswith(b"\0\xff", at) and at + 3 < len(first):
        kind, length, at = first[at + 2], first[at + 3], at + 4
        if length > 127 and at < len(first):  # a second byte of the length; longer names are not names
            length, at = (length & 0x7F) << 7 | first[at], at + 1
        if kind == 0x03:
            return decode_text(first[at : at + length])
        at += length
    return ""


def decode_text(text: bytes) -> str:
    """A name: UTF-8, or Shift-JIS where C1 bytes show that it is not Latin-1, or Windows Latin-1, or Latin-1."""
    for encoding in ("utf-8", "cp932", "cp1252") if any(0x80 <= b < 0xA0 for b in text) else ("utf-8",):
        try:
            return text.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text.decode("latin-1")

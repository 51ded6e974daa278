"""`Piece` ↔ pretty_midi and mido objects, for people's own scripts.

Notes cross by tick, so nothing is rounded beyond what the other library holds: pretty_midi keeps seconds and
converts them back to the tick they came from. Knows nothing of files.
"""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import mido
import numpy as np

from ..piece import DRUMS, NOTE, Key, Meter, Piece, Tempo, sort_notes
from .files import read_midi_bytes
from .write import midi_bytes, voices_of

if TYPE_CHECKING:
    import pretty_midi


def piece_to_mido(piece: Piece) -> mido.MidiFile:
    """`piece` as a mido file: a conductor track, then one track a part. Raises MidiError as writing does."""
    return mido.MidiFile(file=io.BytesIO(midi_bytes(piece)), charset="utf-8")


def piece_from_mido(file: mido.MidiFile) -> Piece:
    """The piece in a mido file, read as if it had been saved. Raises MidiError."""
    data = io.BytesIO()
    file.save(file=data)
    return read_midi_bytes(data.getvalue(), "the mido file")


def piece_to_pretty_midi(piece: Piece) -> pretty_midi.PrettyMIDI:
    """`piece` as a PrettyMIDI: one Instrument for each part and program, times in seconds."""
    import pretty_midi

    silent = dataclasses.replace(piece, notes=piece.notes[:0])
    result = pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(silent)))  # the maps, through pretty_midi's own reader
    for voice in voices_of(piece):
        drums = voice.program == DRUMS
        name = piece.part_names[voice.part] if voice.part < len(piece.part_names) else ""
        instrument = pretty_midi.Instrument(0 if drums else voice.program, drums, name)
        starts = piece.seconds(voice.notes["onset"]).tolist()
        ends = piece.seconds(voice.notes["onset"].astype(np.int64) + voice.notes["duration"]).tolist()
        rows = zip(voice.notes["velocity"].tolist(), voice.notes["pitch"].tolist(), starts, ends, strict=True)
        instrument.notes = [pretty_midi.Note(*row) for row in rows]
        result.instruments.append(instrument)
    return result


def piece_from_pretty_midi(midi: pretty_midi.PrettyMIDI) -> Piece:
    """The piece in a PrettyMIDI: its instruments become parts in their order. Zero lengths become one tick."""
    tick = midi.time_to_tick
    rows = []
    instruments = [i for i in midi.instruments if i.notes]
    for part, instrument in enumerate(instruments):
        program = DRUMS if instrument.is_drum else instrument.program
        for note in instrument.notes:
            onset = tick(note.start)
            length = max(1, tick(note.end) - onset)
            rows.append((onset, length, note.pitch, min(max(note.velocity, 1), 127), program, part))
    times, qpms = midi.get_tempo_changes()
    tempos = [Tempo(tick(time), round(60e6 / qpm)) for time, qpm in zip(times, qpms, strict=True)]
    meters = [Meter(tick(m.time), m.numerator, m.denominator) for m in midi.time_signature_changes]
    return Piece(
        sort_notes(np.array(rows, NOTE)),
        midi.resolution,
        tuple(tempos) if tempos and tempos[0].tick == 0 else (Tempo(0), *tempos),
        tuple(meters) if meters and meters[0].tick == 0 else (Meter(0), *meters),
        tuple(_key(tick(k.time), k.key_number) for k in midi.key_signature_changes),
        tuple(i.name for i in instruments),
    )


def _key(tick: int, number: int) -> Key:
    """The key signature of pretty_midi's `number`: 0-11 major by tonic, 12-23 minor."""
    minor = number >= 12
    fifths = (7 * (number % 12 + (3 if minor else 0))) % 12
    return Key(tick, fifths if fifths <= 6 else fifths - 12, minor)

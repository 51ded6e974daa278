"""Piece → MusicXML, through music21 (the extra `scores`). Knows nothing of reading, events or corpora.

Notes of one part that begin and end together become a chord; overlapping ones become voices. Times are
kept as exact fractions of a quarter, so tuplets survive.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import MissingPackageError, ScoreError
from ..piece import DRUMS, Note, Piece


def write_score(piece: Piece, path: str | Path) -> None:
    """Write `piece` as MusicXML, atomically. Raises FileError, or MissingPackageError without music21."""
    path = Path(path)
    if path.suffix.lower() not in (".musicxml", ".xml"):
        raise ScoreError(f"{path} cannot be written: notation is written as .musicxml.")
    if not len(piece):
        raise ScoreError(f"{path} cannot be written: the piece holds no notes.")
    score = _stream(piece)
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    write_atomically(path, GeneralObjectExporter(score).parse())


def _stream(piece: Piece) -> Any:
    """`piece` as a music21 score."""
    try:
        from music21 import metadata, stream
    except ImportError:
        raise MissingPackageError("music21", "Writing notation", "scores") from None
    score = stream.Score()
    score.metadata = metadata.Metadata()
    score.metadata.title = piece.metadata.title or "Untitled"
    if piece.metadata.composer:
        score.metadata.composer = piece.metadata.composer
    for index in sorted(set(piece.notes["part"].tolist())):
        score.insert(0, _part(piece, index, first=not len(score.parts)))
    return score


def _part(piece: Piece, index: int, first: bool) -> Any:
    from music21 import key, meter, stream, tempo

    notes = [n for n in piece if n.part == index]
    part = stream.Part(id=f"P{index + 1}")
    part.insert(0, _instrument(notes[0].program, piece.part_names[index] if index < len(piece.part_names) else ""))
    ppq = piece.ticks_per_quarter
    for m in piece.meters:
        part.insert(Fraction(m.tick, ppq), meter.TimeSignature(f"{m.numerator}/{m.denominator}"))
    for k in piece.keys:
        part.insert(Fraction(k.tick, ppq), key.KeySignature(k.fifths).asKey("minor" if k.minor else "major"))
    for t in piece.tempos if first else ():
        part.insert(Fraction(t.tick, ppq), tempo.MetronomeMark(number=round(t.qpm, 2)))
    for (onset, duration), together in groupby(sorted(notes), key=lambda n: (n.onset, n.duration)):
        part.insert(Fraction(onset, ppq), _note(list(together), Fraction(duration, ppq)))
    return part


def _instrument(program: int, name: str) -> Any:
    from music21 import instrument

    found: Any = instrument.Instrument()
    found.midiProgram = 0 if program == DRUMS else program  # music21 reads no channel where there is no program
    found.midiChannel = 9 if program == DRUMS else None
    found.partName = found.instrumentName = name or None
    return found


def _note(together: list[Note], quarters: Fraction) -> Any:
    from music21 import chord, note

    pitches = sorted({n.pitch for n in together})
    element: Any = note.Note(pitches[0]) if len(pitches) == 1 else chord.Chord(pitches)
    element.duration.quarterLength = quarters
    element.volume.velocity = together[0].velocity
    return element

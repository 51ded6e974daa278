"""JSB-16: the chorales on the 16th grid as event pieces (Boulanger-Lewandowski et al. 2012, "Modeling temporal
dependencies in high-dimensional sequences"; the 16th grid is Huang et al. 2017, "Counterpoint by convolution").

The data are lists of frames `[S, A, T, B]`, one a 16th, MIDI pitch or -1 for a rest. A repeat of a pitch in a
voice is one longer note, so frames ↔ events is one to one. Knows nothing of models or figures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import CorpusError
from ..piece import TICKS_PER_QUARTER, Metadata, Note, Piece, Tempo

SIXTEENTH = TICKS_PER_QUARTER // 4
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
REST = -1
PROGRAM = 52  # choir, as the chorales of the default corpus
VELOCITY = 80
_TEMPO = 750_000  # 80 quarters a minute
_LONGEST = 32  # 16ths in one note

Frames = Sequence[Sequence[int]]


def load_frames(path: str | Path) -> list[Frames]:
    """The pieces of a JSB-16 file. Raises CorpusError."""
    try:
        pieces = json.loads(Path(path).read_text(encoding="utf-8"))
        frames = [f for piece in pieces for f in piece]
        good = all(len(f) == 4 and all(isinstance(p, int) and -1 <= p <= 127 for p in f) for f in frames)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        good = False
    if not good:
        raise CorpusError(f"{path} is not JSB-16: expected a list of pieces, each a list of frames [S, A, T, B].")
    return list(pieces)


def read_frames(path: str | Path) -> list[tuple[str, Piece]]:
    """(name, piece) of every piece of a JSB-16 file; names are file:number from 0."""
    path = Path(path)
    return [(f"{path.stem}:{i}", frames_to_piece(frames)) for i, frames in enumerate(load_frames(path))]


def frames_to_piece(frames: Frames) -> Piece:
    """Frames (16ths, 4 voices) as a piece at 24 ticks a quarter; part and voice are the same number."""
    grid = np.asarray(frames, dtype=np.int64).reshape(-1, 4)
    notes = []
    for voice, cells in enumerate(grid.T):
        edges = np.flatnonzero(np.diff(cells)) + 1
        for start, end in zip([0, *edges], [*edges, len(cells)], strict=True):
            if start < end and cells[start] != REST:
                pitch = int(cells[start])
                # The codec rounds durations above two bars: such a note becomes two, which paint the same cells.
                while end - start > _LONGEST:
                    notes.append(Note(start * SIXTEENTH, _LONGEST * SIXTEENTH, pitch, VELOCITY, PROGRAM, voice))
                    start += _LONGEST
                notes.append(Note(start * SIXTEENTH, (end - start) * SIXTEENTH, pitch, VELOCITY, PROGRAM, voice))
    return Piece.from_notes(
        notes, tempos=(Tempo(0, _TEMPO),), part_names=VOICES, metadata=Metadata(composer="J. S. Bach", style="chorale")
    )


def piece_to_frames(piece: Piece, length: int = 0) -> list[list[int]]:
    """The frames of a piece made by `frames_to_piece`, at least `length` of them (rests at the end are not notes)."""
    count = max(length, -(-piece.end // SIXTEENTH))
    grid = np.full((count, 4), REST)
    for note in piece:
        grid[note.onset // SIXTEENTH : (note.onset + note.duration) // SIXTEENTH, note.part] = note.pitch
    return [[int(p) for p in frame] for frame in grid]

"""Drum notes as a drummer reads them: what is struck, on which 16th of the bar, at what tempo.

`DrumRows` is what the humaniser sees of a piece: everything that is written down of a drum part but not how it is
played (no velocities, no moments off the grid). Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS, Notes, Piece, Tempo, rescale

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CLASSES = {
    "kick": (36,),
    "snare": (38, 37, 40),
    "closed hi-hat": (42, 22, 44),
    "open hi-hat": (46, 26),
    "low tom": (43, 58),
    "mid tom": (47, 45),
    "high tom": (50, 48),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
"""The nine classes of the Groove MIDI Dataset and the pitches of its drum kit in each (Gillick et al. 2019, "Learning
to Groove with Inverse Sequence Transformations", table of the drum mapping)."""

STROKES = tuple(pitch for pitches in CLASSES.values() for pitch in pitches)
"""The 22 ways to strike that the dataset's kit tells apart, such as a snare's head, its rim, and across both."""

ANY = len(STROKES)
"""The stroke of a note of which only the class is known."""

_OTHERS = {
    "kick": (35,),
    "snare": (39,),
    "low tom": (41, 64, 66, 84, 86, 87),
    "mid tom": (61, 62, 63),
    "high tom": (60, 65),
    "ride": (56, 67, 68),
}
"""Pitches of General MIDI that the kit lacks, with what is played most like them; all the rest as a closed hi-hat."""

BAR = 16  # steps of a bar of 4/4
PARTS = 12  # of a quarter: the places that both 16ths and triplets stand on


def _tables() -> tuple[Ints, Ints]:
    names = list(CLASSES)
    drum, stroke = np.full(128, names.index("closed hi-hat")), np.full(128, ANY)
    for known in (CLASSES, _OTHERS):
        for name, pitches in known.items():
            drum[list(pitches)] = names.index(name)
    stroke[list(STROKES)] = np.arange(len(STROKES))
    return drum, stroke


DRUM_OF_PITCH, STROKE_OF_PITCH = _tables()
"""For each MIDI pitch, its class (an index of `CLASSES`) and its stroke (of `STROKES`, or `ANY`)."""


@dataclass(frozen=True, eq=False)
class DrumRows:
    """A drum part as written; every field has one row a note, (N,), in the order of the piece.

    step: the nearest 16th, counted from the beginning of the piece. lean: −1 or 1 where the note is written a twelfth
    of a quarter before or after it, as triplets are; else 0. place: which 16th of its bar that is, 0–15. drum and
    stroke: indices of `CLASSES` and `STROKES`. tempo: quarter notes a minute.
    """

    step: Ints
    lean: Ints
    place: Ints
    drum: Ints
    stroke: Ints
    tempo: Floats

    def __len__(self) -> int:
        return len(self.step)

    def __getitem__(self, which: slice | Ints | npt.NDArray[np.bool_]) -> DrumRows:
        """The rows of `which` notes."""
        return DrumRows(*(getattr(self, f.name)[which] for f in fields(self)))

    @property
    def half_step(self) -> Floats:
        """How many milliseconds half a 16th lasts where each note is (N,)."""
        return 7500 / self.tempo

    @classmethod
    def of_piece(cls, piece: Piece) -> DrumRows:
        """The drum notes of a piece; where they are off the grid, the nearest place on it counts."""
        notes = piece.notes[piece.notes["program"] == DRUMS]
        return cls.of_notes(notes, piece.ticks_per_quarter, piece.bar_starts(), piece.tempos)

    @classmethod
    def of_notes(
        cls, notes: Notes, ticks_per_quarter: int, bars: npt.NDArray[np.int64], tempos: Sequence[Tempo]
    ) -> DrumRows:
        """Drum `notes` in any order; `bars` are the ticks of two or more bar lines, from 0 past the last note."""
        onset = notes["onset"].astype(np.int64)
        bar = np.clip(np.searchsorted(bars, onset, side="right") - 1, 0, len(bars) - 2)
        of_bar = np.maximum(1, np.diff(bars) * 4 // ticks_per_quarter)[bar]
        at = rescale(onset, ticks_per_quarter, PARTS)
        in_bar = at - rescale(bars, ticks_per_quarter, PARTS)[bar]
        step = (at + 1) // 3
        ticks = np.array([t.tick for t in tempos])
        qpm = np.array([t.qpm for t in tempos])
        return cls(
            step,
            at - 3 * step,
            (in_bar + 1) // 3 % of_bar % BAR,
            DRUM_OF_PITCH[notes["pitch"]],
            STROKE_OF_PITCH[notes["pitch"]],
            qpm[np.maximum(np.searchsorted(ticks, onset, side="right") - 1, 0)],
        )

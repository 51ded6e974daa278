"""The five tracks of a band, by General MIDI program, as in the MuseGAN line (Dong et al. 2018).

Every program belongs to one of them; what is neither drums, keys, guitar nor bass is strings. Knows rolls, not models.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS
from .roll import Roll, Track, together

TRACKS = ("drums", "piano", "guitar", "bass", "strings")
PROGRAMS = (DRUMS, 0, 25, 33, 48)
"""The program that plays a track where nobody names another."""

_KINDS = np.full(DRUMS + 1, TRACKS.index("strings"))
_KINDS[:24] = TRACKS.index("piano")
_KINDS[24:32] = TRACKS.index("guitar")
_KINDS[32:40] = TRACKS.index("bass")
_KINDS[DRUMS] = TRACKS.index("drums")


def track_of(programs: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The place in TRACKS of each program (0-127, 128: drums)."""
    found: npt.NDArray[np.int64] = _KINDS[np.asarray(programs, np.int64)]
    return found


def by_track(roll: Roll, tracks: int) -> Roll:
    """The layers of `roll` as `tracks` of them: the five of TRACKS, or with 1 all tuned parts as one (no drums).

    Layers that share a track are laid on each other (`roll.together`).
    """
    if tracks == 1:
        return roll.merged()
    kinds = track_of([t.program for t in roll.tracks])
    cells = np.stack([together(roll.cells[kinds == kind]) for kind in range(len(TRACKS))])
    return replace(roll, cells=cells, tracks=tuple(Track(p, i) for i, p in enumerate(PROGRAMS)))

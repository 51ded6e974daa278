"""A piece and the way it is played: drum strokes moved off their places and given velocities, all else untouched.

    performance = Performance.of(piece)            # as written, on finer ticks
    played = performance.played(offsets, velocities)
    played.piece                                   # what sounds

Whatever is asked for, the music keeps its structure: the same notes in the same order, none as far from its place as
half a step of the grid, none that ends before it begins, no key struck while it sounds that was not before. Knows
nothing of networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import MusegenError, SettingsError
from ..piece import DRUMS, Notes, Piece, sort_notes
from .steps import Ticks, room, steps_of

FINE = 480
"""Ticks a quarter: a millisecond at 125 quarters a minute. A performance has the least multiple of the piece's own that
is not below it, so that every place of the piece is a tick."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Performance:
    """`written`: the piece as it was. `fine`: its drum notes at `ticks_per_quarter`; `drums` (N,): the same, played.

    `steps` is the grid that the drums stand on, in steps a quarter.
    """

    written: Piece
    ticks_per_quarter: int
    steps: int
    fine: Notes
    drums: Notes

    @classmethod
    def of(cls, piece: Piece) -> Performance:
        """`piece` played as it is written. Raises MusegenError without drums, SettingsError if they are on no grid."""
        drums = piece.notes[piece.notes["program"] == DRUMS]
        if not len(drums):
            raise MusegenError(
                "There are no drums in it, and only drums can be humanised: a drum part is on MIDI channel 10."
            )
        steps = steps_of(drums["onset"].astype(np.int64), piece.ticks_per_quarter)
        if not steps:
            raise SettingsError(
                "Its drums are played freely, on no grid, so they are human already: undoing that puts them on one."
            )
        ticks_per_quarter = piece.ticks_per_quarter * -(-FINE // piece.ticks_per_quarter)
        fine = piece.at_resolution(ticks_per_quarter).notes
        fine = fine[fine["program"] == DRUMS]
        return cls(piece, ticks_per_quarter, steps, fine, fine)

    @property
    def piece(self) -> Piece:
        """What sounds."""
        whole = self.written.at_resolution(self.ticks_per_quarter)
        others = whole.notes[whole.notes["program"] != DRUMS]
        return replace(whole, notes=sort_notes(np.concatenate([others, self.drums])))

    @property
    def offsets(self) -> Ticks:
        """How much later (negative: earlier) than written each drum note is played, in ticks (N,)."""
        late: Ticks = self.drums["onset"].astype(np.int64) - self.fine["onset"]
        return late

    def played(self, offsets: Floats, velocities: Floats) -> Performance:
        """The drums played `offsets` (N,) ticks later than written and with `velocities` (N,), within the limits.

        Notes of one pitch that begin together stay together, as the first of them is played.
        """
        written = self.fine["onset"].astype(np.int64)
        early, late = room(written, self.ticks_per_quarter / self.steps)
        moved = np.clip(np.rint(offsets).astype(np.int64), -early, late)
        drums = self.fine.copy()
        drums["onset"] = written + moved[_first_of_key(self.fine)]
        drums["duration"] = _durations(self.fine, drums["onset"].astype(np.int64))
        drums["velocity"] = np.clip(np.rint(velocities), 1, 127).astype(np.uint8)
        return replace(self, drums=drums)


def _first_of_key(notes: Notes) -> npt.NDArray[np.intp]:
    """For each note, the place (N,) of the first that begins with it on its key."""
    key = notes["onset"].astype(np.int64) * 128 + notes["pitch"]
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    result: npt.NDArray[np.intp] = first[which]
    return result


def _durations(written: Notes, onsets: Ticks) -> Ticks:
    """The durations (N,) of `written` notes that begin at `onsets`: as written, but for what would ring into others.

    A key that was let go before its next stroke still is. Where strokes of one part overlap on a key, the one that
    ended first still does, so that a reader of the file finds for each note the end that it had.
    """
    began = written["onset"].astype(np.int64)
    ended = began + np.maximum(written["duration"], 1)
    ends = onsets + np.maximum(written["duration"], 1)
    for pitch in np.unique(written["pitch"]):
        here = np.flatnonzero(written["pitch"] == pitch)
        here = here[np.argsort(began[here], kind="stable")]
        after = np.searchsorted(began[here], ended[here])
        some = after < len(here)
        ends[here[some]] = np.minimum(ends[here[some]], onsets[here[after[some]]])
        for part in np.unique(written["part"][here]):
            mine = here[written["part"][here] == part]
            for note, following in zip(mine[-2::-1], mine[:0:-1], strict=True):
                if ended[note] <= ended[following]:
                    ends[note] = min(ends[note], ends[following])
    result: Ticks = ends - onsets
    return result

"""Brings bars that were drawn all at once within limits afterwards, where a network's own choices cannot be masked.

A note that may not begin where it stands is moved: in time to the nearest step where its track may begin one, in pitch
by octaves into the range and then to the nearest pitch that may begin there; of a track that may begin none nothing is
left. One too many at once is left out, inner voices first; one that is too long is cut. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..events.roll import HOLD, ONSET, SILENT, Cells, Grid, Roll, Track
from .bars import BarLimits


class _Drawn(NamedTuple):
    """A note of a roll: its first step and the one after its last, its pitch from the roll's lowest, its track."""

    start: int
    end: int
    pitch: int
    track: int


def within(cells: Cells, limits: BarLimits) -> Cells:
    """Rows (T, P, K) as near to `cells` as `limits` permit. A cell that holds on what never began begins a note."""
    some = np.asarray(limits.may_begin.any(1))
    steps = [np.flatnonzero(some[:, track]) for track in range(some.shape[1])]  # where each may begin a note
    moved = [_moved(note, steps[note.track], limits) for note in _outer_first(cells) if len(steps[note.track])]
    sounding: list[int] = []  # the ends of what sounds
    begun: set[tuple[int, int, int]] = set()
    result = np.full_like(cells, SILENT)
    for note in sorted(moved, key=lambda n: n.start):  # those that begin together stay in order
        sounding = [end for end in sounding if end > note.start]
        where = note.start, note.pitch, note.track
        if where in begun or (limits.voices and len(sounding) >= limits.voices):
            continue
        begun.add(where)
        sounding.append(note.end)
        lane = result[:, note.pitch, note.track]
        lane[note.start :] = SILENT  # what is struck again has ended
        lane[note.start : note.end], lane[note.start] = HOLD, ONSET
    return result


def _outer_first(cells: Cells) -> Iterator[_Drawn]:
    """The notes by onset; of a chord the highest, the lowest, the second highest …"""
    ticks = Grid(24, 0, cells.shape[1])  # a step counts as a tick
    roll = Roll(cells.transpose(2, 0, 1), ticks, tuple(Track(part=k) for k in range(cells.shape[2])))
    chords: dict[int, list[_Drawn]] = {}
    for n in roll.to_piece():
        chords.setdefault(n.onset, []).append(_Drawn(n.onset, n.onset + n.duration, n.pitch, n.part))
    for _, chord in sorted(chords.items()):
        chord.sort(key=lambda n: n.pitch)
        while chord:
            yield chord.pop()
            chord.reverse()


def _moved(note: _Drawn, steps: npt.NDArray[np.intp], limits: BarLimits) -> _Drawn:
    """`note` where it may begin, at one of `steps`."""
    start = int(steps[np.abs(steps - note.start).argmin()])
    end = max(note.end, start + 1)
    if limits.longest:
        end = min(end, start + limits.longest)
    return _Drawn(start, end, _nearest(note.pitch, limits.may_begin[start, :, note.track]), note.track)


def _nearest(pitch: int, allowed: npt.NDArray[np.bool_]) -> int:
    """The nearest of the pitches that are `allowed`, after octaves have brought it among them."""
    pitches = np.flatnonzero(allowed)
    low, high = int(pitches[0]), int(pitches[-1])
    if pitch < low:
        pitch += 12 * -((pitch - low) // 12)
    elif pitch > high:
        pitch -= 12 * -((high - pitch) // 12)
    return int(pitches[np.abs(pitches - pitch).argmin()])

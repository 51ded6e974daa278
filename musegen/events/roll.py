"""Piece ↔ piano roll: a grid of cells, each silent, an onset or a hold, so that repeated notes survive.

A roll keeps the tempo, meter and key maps beside the cells, and one loudness a track in place of velocities;
`rounding` says what a roll of a piece loses. Knows nothing of models or files. numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import SettingsError
from ..piece import (
    DRUMS,
    NOTE,
    TICKS_PER_QUARTER,
    Key,
    Metadata,
    Meter,
    Notes,
    Piece,
    Tempo,
    rescale,
    rescale_rows,
    sort_notes,
)

SILENT, ONSET, HOLD = 0, 1, 2
STATES = 3

Cells = npt.NDArray[np.uint8]
Steps = npt.NDArray[np.int64]


class Track(NamedTuple):
    """Who plays a layer of a roll: program (128: drums), part number, and the velocity of all its notes."""

    program: int = 0
    part: int = 0
    velocity: int = 80


@dataclass(frozen=True)
class Grid:
    """The shape of a roll: `steps` a quarter (a divisor of 24), and `pitches` rows of keys from MIDI pitch `low` up."""

    steps: int = 4
    low: int = 0
    pitches: int = 128

    def __post_init__(self) -> None:
        if self.steps < 1 or TICKS_PER_QUARTER % self.steps:
            raise SettingsError(f"{self.steps} steps a quarter do not divide {TICKS_PER_QUARTER} ticks.")
        if self.pitches < 1 or not 0 <= self.low <= 128 - self.pitches:
            raise SettingsError(f"{self.pitches} pitches from {self.low} up do not lie in 0-127.")

    @property
    def ticks(self) -> int:
        """Ticks (24 a quarter) of one step."""
        return TICKS_PER_QUARTER // self.steps


@dataclass(frozen=True, eq=False)
class Roll:
    """`cells` (tracks, steps, pitches) of SILENT, ONSET and HOLD, and the timeline at 24 ticks a quarter."""

    cells: Cells
    grid: Grid = Grid()
    tracks: tuple[Track, ...] = (Track(),)
    tempos: tuple[Tempo, ...] = (Tempo(0),)
    meters: tuple[Meter, ...] = (Meter(0),)
    keys: tuple[Key, ...] = ()
    part_names: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def sounding(self) -> npt.NDArray[np.bool_]:
        """Which cells sound, (tracks, steps, pitches): the binary roll, in which repeated notes are one."""
        result: npt.NDArray[np.bool_] = self.cells != SILENT
        return result

    def merged(self) -> Roll:
        """All tuned tracks as one (drums are left out); where one track begins a note that another holds, it begins."""
        tuned = [i for i, t in enumerate(self.tracks) if t.program != DRUMS]
        first = self.tracks[tuned[0]] if tuned else Track()
        return replace(self, cells=together(self.cells[tuned])[None], tracks=(first,))

    def bar_place(self) -> npt.NDArray[np.int64]:
        """(steps, 2): the steps since the last bar line, and those until the next (at least 1)."""
        return bar_place(self.meters, self.grid, 0, self.cells.shape[1])

    def to_piece(self) -> Piece:
        """The notes of the roll at 24 ticks a quarter. A hold that nothing precedes is an onset."""
        track, start, pitch, length = runs(self.cells)
        notes = np.zeros(len(track), NOTE)
        notes["onset"], notes["duration"] = start * self.grid.ticks, length * self.grid.ticks
        notes["pitch"] = pitch + self.grid.low
        table = np.array(self.tracks, np.int64).reshape(-1, 3)
        for column, name in enumerate(Track._fields):
            notes[name] = table[track, column]
        timeline = (self.tempos, self.meters, self.keys, self.part_names, self.metadata)
        return Piece(sort_notes(notes), TICKS_PER_QUARTER, *timeline)


@dataclass(frozen=True)
class RollRounding:
    """What a roll of a piece loses: counts of notes, and the worst errors in ticks of 1/24 quarter."""

    notes: int
    onsets_moved: int
    worst_onset: float
    ends_moved: int
    worst_end: float
    velocities_changed: int
    out_of_range: int  # left out: no such pitch in the roll
    doubled_dropped: int  # another note of the track begins in the same cell
    cut_short: int  # the track plays the pitch again before the note has ended

    def __str__(self) -> str:
        return (
            f"{self.notes} notes: {self.onsets_moved} onsets moved (≤{self.worst_onset:.2f} ticks), "
            f"{self.ends_moved} ends moved (≤{self.worst_end:.2f} ticks), {self.velocities_changed} velocities "
            f"evened, {self.out_of_range} out of range, {self.doubled_dropped} doubled notes dropped, "
            f"{self.cut_short} cut short by a repeat"
        )


def from_piece(piece: Piece, grid: Grid, steps: int = 0) -> Roll:
    """`piece` as a roll with one track for each part and program, at least `steps` long.

    Onsets and ends go to the nearest step (a note lasts at least one); see `rounding` for what that changes.
    """
    placed = _place(piece, grid)
    cells = np.zeros((len(placed.tracks), max(steps, int(placed.end.max(initial=0))), grid.pitches), np.uint8)
    for track, start, end, pitch in zip(placed.track, placed.start, placed.end, placed.pitch, strict=True):
        cells[track, start:end, pitch] = HOLD
    cells[placed.track, placed.start, placed.pitch] = ONSET
    old = piece.ticks_per_quarter
    tempos = rescale_rows(piece.tempos, old, TICKS_PER_QUARTER)
    meters = rescale_rows(piece.meters, old, TICKS_PER_QUARTER)
    keys = rescale_rows(piece.keys, old, TICKS_PER_QUARTER)
    return Roll(cells, grid, placed.tracks, tempos, meters, keys, piece.part_names, piece.metadata)


def rounding(piece: Piece, grid: Grid) -> RollRounding:
    """What `from_piece(piece, grid)` changes."""
    placed = _place(piece, grid)
    source, scale = piece.notes[placed.source], TICKS_PER_QUARTER / piece.ticks_per_quarter
    onset = np.abs(placed.start * grid.ticks - source["onset"] * scale)
    ends = (source["onset"].astype(np.int64) + source["duration"]) * scale
    end = np.abs(placed.end * grid.ticks - ends)
    velocity = np.array([t.velocity for t in placed.tracks], np.int64)[placed.track]
    return RollRounding(
        len(piece),
        int((onset > 1e-6).sum()),
        float(onset.max(initial=0)),
        int((end > 1e-6).sum()),
        float(end.max(initial=0)),
        int((velocity != source["velocity"]).sum()),
        placed.out_of_range,
        placed.doubled,
        placed.cut,
    )


def of_sounding(sounding: npt.NDArray[np.bool_]) -> Cells:
    """The cells of a binary roll (tracks, steps, pitches): a note begins where the cell before was silent."""
    before = np.zeros_like(sounding)
    before[:, 1:] = sounding[:, :-1]
    cells: Cells = np.where(sounding, np.where(before, HOLD, ONSET), SILENT).astype(np.uint8)
    return cells


def together(layers: Cells) -> Cells:
    """Layers (n, steps, pitches) laid on each other: where one begins a note that another holds, it begins."""
    holds = np.where((layers == HOLD).any(0), HOLD, SILENT)
    cells: Cells = np.where((layers == ONSET).any(0), ONSET, holds).astype(np.uint8)
    return cells


def bar_place(meters: Sequence[Meter], grid: Grid, start: int, steps: int) -> npt.NDArray[np.int64]:
    """(steps, 2) from step `start` on: steps since the last bar line, and until the next. Meters at 24 a quarter."""
    tick = (start + np.arange(steps)) * grid.ticks
    which = np.searchsorted([m.tick for m in meters], tick, side="right") - 1
    begins = np.array([m.tick for m in meters])[which]
    bar = np.array([m.bar_ticks() for m in meters])[which]
    since = (tick - begins) % bar
    return np.stack([since // grid.ticks, -((since - bar) // grid.ticks)], 1)


class _Placed(NamedTuple):
    """The notes that a roll holds, on its grid: one entry each in the five arrays."""

    track: Steps
    start: Steps
    end: Steps
    pitch: Steps
    source: Steps  # their places in piece.notes
    tracks: tuple[Track, ...]
    out_of_range: int
    doubled: int
    cut: int


def _place(piece: Piece, grid: Grid) -> _Placed:
    notes, old = piece.notes, piece.ticks_per_quarter
    onset = notes["onset"].astype(np.int64)
    start = rescale(onset, old, grid.steps)
    end = np.maximum(start + 1, rescale(onset + notes["duration"], old, grid.steps))
    pitch = notes["pitch"].astype(np.int64) - grid.low
    tracks, track = _tracks(notes)
    inside = (pitch >= 0) & (pitch < grid.pitches)
    order = np.lexsort((-end, start, pitch, track))  # of two notes in one cell, the longer comes first
    order = order[inside[order]]
    lane = track[order] * grid.pitches + pitch[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (lane[1:] != lane[:-1]) | (start[order][1:] != start[order][:-1])
    kept, lane = order[first], lane[first]
    limit = np.full(len(kept), np.iinfo(np.int64).max)
    limit[:-1] = np.where(lane[1:] == lane[:-1], start[kept][1:], limit[:-1])
    cut = end[kept] > limit
    end = np.minimum(end[kept], limit)
    missing, doubled = int((~inside).sum()), len(order) - len(kept)
    return _Placed(track[kept], start[kept], end, pitch[kept], kept, tracks, missing, doubled, int(cut.sum()))


def _tracks(notes: Notes) -> tuple[tuple[Track, ...], Steps]:
    """One track for each (part, program), with its median velocity; and the track of each note."""
    key = notes["part"].astype(np.int64) * (DRUMS + 1) + notes["program"]
    keys, track = np.unique(key, return_inverse=True)
    loudness = [int(np.median(notes["velocity"][track == i])) for i in range(len(keys))]
    each = (Track(int(k) % (DRUMS + 1), int(k) // (DRUMS + 1), v) for k, v in zip(keys, loudness, strict=True))
    return tuple(each), track.astype(np.int64)


def runs(cells: Cells) -> tuple[Steps, Steps, Steps, Steps]:
    """(track, start, pitch, length in steps) of every note in `cells` (tracks, steps, pitches), sorted by the first.

    A hold that nothing precedes begins a note.
    """
    lanes = cells.transpose(0, 2, 1)  # each pitch's steps one after another
    wide = np.zeros((*lanes.shape[:2], lanes.shape[2] + 1), np.uint8)
    wide[..., :-1] = lanes
    before = np.zeros_like(wide)
    before[..., 1:] = wide[..., :-1]
    begins = (wide == ONSET) | ((wide == HOLD) & (before == SILENT))
    stops = (before != SILENT) & (wide != HOLD)
    track, pitch, start = np.unravel_index(np.flatnonzero(begins), begins.shape)  # far faster than nonzero
    end = np.flatnonzero(stops) % stops.shape[2]
    return track, start, pitch, end - start

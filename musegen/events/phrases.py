"""Phrases: four bars of 4/4 as the bar GAN hears and plays them, cut from a piece and made into one again.

A phrase is uint8 (K, 4, 96, 84): tracks (see `tracks`: five, or one), bars, steps (24 a quarter, so a step is a tick of
the codec) and pitches from MIDI 24 up, each cell SILENT, ONSET or HOLD. A bar of 4/4 is one of 96 ticks, so 2/2 is one
too. Knows nothing of corpora or models. numpy only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS, TICKS_PER_QUARTER, Meter, Piece, Tempo
from .roll import ONSET, SILENT, Cells, Grid, Roll, Track, from_piece
from .tracks import PROGRAMS, TRACKS, by_track

BARS, STEPS = 4, 4 * TICKS_PER_QUARTER
GRID = Grid(TICKS_PER_QUARTER, 24, 84)

FEWEST_NOTES = 8  # that begin in a phrase worth learning from
VELOCITIES = dict(zip(TRACKS, (92, 76, 72, 84, 68), strict=True))
"""How loud each track plays, so that a melody stands above pads and the beat carries."""


class Bars(NamedTuple):
    """The bars of 4/4 of a piece."""

    cells: Cells  # (n, K, 96, 84)
    numbers: npt.NDArray[np.int64]  # (n,): which bars of the piece they are, from 0; neighbours follow each other
    other: int  # bars of other lengths, left out


def bars_of(piece: Piece, tracks: int) -> Bars:
    """The bars of 96 ticks of `piece` on `tracks` tracks (1 or 5). A note held over a bar line goes on as a hold."""
    piece = piece.at_resolution(TICKS_PER_QUARTER)
    lines = piece.bar_starts()
    whole = np.flatnonzero(np.diff(lines) == STEPS)
    roll = by_track(from_piece(piece, GRID, int(lines[-1])), tracks)
    cells = roll.cells[:, lines[whole, None] + np.arange(STEPS)].transpose(1, 0, 2, 3)
    return Bars(np.ascontiguousarray(cells), whole, len(lines) - 1 - len(whole))


class Worth(NamedTuple):
    """Which phrases begin where, and which of them were too empty."""

    starts: npt.NDArray[np.int64]  # indices into the bars
    sparse: int  # fewer than FEWEST_NOTES begin, or a bar is silent
    alone: int  # of five tracks only one plays


def worth_learning(
    begins: npt.NDArray[np.int64], sounds: npt.NDArray[np.bool_], numbers: npt.NDArray[np.int64], stride: int
) -> Worth:
    """The phrases, one every `stride` bars, of bars `numbers` (n,) in which `begins` (n, K) notes of each track begin
    and something `sounds` (n,).

    A phrase must have no silent bar, FEWEST_NOTES notes and, on five tracks, two that play: from the others a GAN would
    learn to be silent first.
    """
    n = len(numbers) - BARS + 1
    if n < 1:
        return Worth(np.zeros(0, np.int64), 0, 0)
    run = np.concatenate([[0], np.cumsum(np.diff(numbers) != 1)])  # stretches of bars that follow each other
    place = np.arange(len(numbers)) - np.searchsorted(run, run)
    starts = np.flatnonzero((run[BARS - 1 :] == run[:n]) & (place[:n] % stride == 0))
    window = starts[:, None] + np.arange(BARS)
    each = begins[window].sum(1)
    full = (each.sum(1) >= FEWEST_NOTES) & sounds[window].all(1)
    together = (each > 0).sum(1) > 1 if begins.shape[1] > 1 else np.ones(len(starts), np.bool_)
    return Worth(starts[full & together], int((~full).sum()), int((full & ~together).sum()))


def phrases_of(piece: Piece, tracks: int, stride: int = 1) -> Cells:
    """The phrases (n, K, 4, 96, 84) of `piece` that are worth learning from, one every `stride` bars."""
    bars = bars_of(piece, tracks)
    begins = (bars.cells == ONSET).sum((2, 3))
    starts = worth_learning(begins, (bars.cells != SILENT).any((1, 2, 3)), bars.numbers, stride).starts
    cells: Cells = bars.cells[starts[:, None] + np.arange(BARS)].transpose(0, 2, 1, 3, 4)
    return cells


def piece_of(phrase: Cells, qpm: float = 120.0, program: int = 0) -> Piece:
    """The piece that `phrase` (K, bars, 96, 84) plays, each track by its own program; a single one by `program`.

    Bars may be more than four: phrases put one after another along that axis are one piece.
    """
    tracks, bars = phrase.shape[:2]
    programs, names = ((program,), ("",)) if tracks == 1 else (PROGRAMS, TRACKS)
    players = tuple(Track(p, i, VELOCITIES.get(n, 80)) for i, (p, n) in enumerate(zip(programs, names, strict=True)))
    cells = phrase.reshape(tracks, bars * STEPS, GRID.pitches)
    return Roll(cells, GRID, players, (Tempo(0, round(60e6 / qpm)),), (Meter(0),), (), names).to_piece()


def out_of_range(piece: Piece, tracks: int) -> tuple[int, int]:
    """How many notes of `piece` lie outside the phrases' pitches: drums (where there are any), and others."""
    out = (piece.notes["pitch"] < GRID.low) | (piece.notes["pitch"] >= GRID.low + GRID.pitches)
    drums = piece.notes["program"] == DRUMS
    return (int((out & drums).sum()) if tracks > 1 else 0), int((out & ~drums).sum())

"""`musegen.humanise`: drums that are written exactly are played, by a network that has heard drummers.

The network is shown sixteen 16ths at a time with REACH of them on both sides, so that a piece costs what its bars cost,
and a jam, which knows little of what is to come, plays as a file does. Knows nothing of the way back (`undo`).
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..engine.humaniser import NAME, REACH, Floats, Humaniser, load_humaniser
from ..errors import SettingsError
from ..events.drums import BAR, STROKES, DrumRows
from ..midi.music import read_music
from ..piece import Piece
from .performing import Performance

_BOW, _EDGE = STROKES.index(49), STROKES.index(55)
"""Where written music means its crash cymbal (General MIDI: 49), the dataset's kit has 55, the edge of one; its 49 is
the bow, which is hardly ever struck, and that softly (median velocity 17, against 95)."""


def humanise(
    piece: Piece | str | os.PathLike[str],
    amount: float = 1.0,
    feel: str | None = None,
    seed_number: int = 0,
    *,
    best_guess: bool = False,
    humaniser: Humaniser | str = NAME,
) -> Piece:
    """`piece` with its drums as a drummer plays them: off the grid by milliseconds, each stroke with its own velocity.

    `amount` 0 … 1 is how much of it, `feel` the name of a drummer or style (`load_humaniser(…).feels`). Equal
    arguments give equal pieces; another seed number is another take; `best_guess` is the one take without chance. Every
    note keeps its place in the order, and all that is not drums is as it was, on finer ticks. `humaniser`: what to play
    with, or a checkpoint's name. Raises MusegenError without drums, SettingsError, FileError, CheckpointError.
    """
    music = piece if isinstance(piece, Piece) else read_music(piece)
    network = load_humaniser(humaniser) if isinstance(humaniser, str) else humaniser
    return perform(network, music, amount, feel, None if best_guess else seed_number).piece


def perform(
    humaniser: Humaniser, piece: Piece, amount: float = 1.0, feel: str | None = None, seed_number: int | None = 0
) -> Performance:
    """As `humanise`, with what was written beside what is played; no seed number: the best guess."""
    if not 0 <= amount <= 1:
        raise SettingsError(f"The amount is {amount:g}; it must lie in 0 … 1.")
    humaniser.tags(feel)
    written = Performance.of(piece)
    rows = DrumRows.of_piece(piece)
    moments, velocities = np.zeros(len(rows)), np.zeros(len(rows))
    for bar in np.unique(rows.step // BAR):
        mine, late, loud = play_bar(humaniser, rows, int(bar), feel, seed_number)
        moments[mine], velocities[mine] = late, loud
    ticks = moments / 60_000 * rows.tempo * written.ticks_per_quarter
    flat = written.fine["velocity"].astype(np.float64)
    return written.played(amount * ticks, flat + amount * (velocities - flat))


def play_bar(
    humaniser: Humaniser, rows: DrumRows, bar: int, feel: str | None, seed_number: int | None
) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
    """How the rows of sixteen 16ths, the `bar`th, are played: places (n,), milliseconds late (n,), velocities (n,).

    Milliseconds count from where the drummer has the beat: from the mean of all that is shown to the network. Drummers
    who play to a click are 8 ms ahead of it on average, and some 20 ms all the time (Groove MIDI Dataset); that would
    part them from a band that is on it. Nobody is further off than triplets swing, a third of a 16th: a single stroke
    that chance moves there would sound misplaced.
    """
    seen = np.flatnonzero((rows.step >= bar * BAR - REACH) & (rows.step < (bar + 1) * BAR + REACH))
    mine = rows.step[seen] // BAR == bar
    shown = rows[seen]
    shown = replace(shown, stroke=np.where(shown.stroke == _BOW, _EDGE, shown.stroke))
    moments, velocities = humaniser.perform(shown, feel, seed_number)
    furthest = shown.half_step * 2 / 3
    moments = np.clip(moments - moments.mean(), -furthest, furthest)
    return seen[mine], moments[mine], velocities[mine]

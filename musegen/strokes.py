"""A picture of how drums are played, as a PNG file: how far each stroke is off its place, and how hard it is.

Needs matplotlib (the extra `plots`). Knows nothing of networks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import pictures as base
from .pictures import DRUM_NAMES, FAINT, GRID, INK, PALETTE, SHADE
from .piece import Notes, Piece

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Floats = npt.NDArray[np.float64]


def strokes(
    written: Notes, played: Notes, piece: Piece, path: str | os.PathLike[str], title: str = "", steps: int = 4
) -> None:
    """Draw drum notes as `written` and as `played` (N, the same notes in the same order) to the PNG `path`.

    `piece` is what sounds; the ticks of all three are its own. Above, milliseconds behind (up) or ahead of the place on
    the grid of `steps` a quarter, within the band that belongs to it; below, velocities; beside both, how often each
    occurs. Raises MissingPackageError without matplotlib and FileError for the disk.
    """
    bars = piece.bar_starts()
    figure = base._figure(float(np.clip(base.INCHES_PER_BAR * (len(bars) - 1) + 4.0, 9.0, base.WIDEST)), 5.2)
    axes = figure.subplots(2, 2, sharey="row", width_ratios=(6, 1), squeeze=False)
    late: _Floats = 1000 * (piece.seconds(played["onset"]) - piece.seconds(written["onset"]))
    half = 500 * float(np.median(piece.seconds(written["onset"] + piece.ticks_per_quarter / steps)
                                 - piece.seconds(written["onset"])))  # fmt: skip
    axes[0, 0].axhspan(-half, half, color=SHADE, zorder=0)
    _rows(axes[0, 0], axes[0, 1], played, late, np.zeros(len(late)), np.linspace(-half, half, 41))
    loud, flat = (notes["velocity"].astype(np.float64) for notes in (played, written))
    _rows(axes[1, 0], axes[1, 1], played, loud, flat, np.linspace(0, 128, 33))
    axes[0, 0].set_ylabel("ms behind the grid", color=FAINT, fontsize=8)
    axes[1, 0].set_ylabel("velocity", color=FAINT, fontsize=8)
    axes[1, 0].set_ylim(0, 130)
    for row in axes[:, 0]:
        base._draw_bars(row, bars)
        base._label_bars(row, bars)
    axes[0, 0].legend(
        frameon=False, ncols=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8, labelcolor=INK,
        borderaxespad=0.2, handletextpad=0.1,
    )  # fmt: skip
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    base._save(figure, path)


def _rows(axes: Axes, beside: Axes, notes: Notes, values: _Floats, before: _Floats, bins: _Floats) -> None:
    """Each note's value as a dot on a stem from what it was `before`, a colour a drum; and how often each occurs."""
    pitches, counts = np.unique(notes["pitch"], return_counts=True)
    shown = pitches[np.argsort(-counts, kind="stable")]
    axes.plot(notes["onset"], before, ".", color=GRID, markersize=3, zorder=2)
    for i, pitch in enumerate(shown):
        mine = notes["pitch"] == pitch
        colour = PALETTE[min(i, len(PALETTE) - 1)]  # the rarest drums share the last colour
        at = notes["onset"][mine].astype(np.float64)
        axes.vlines(at, before[mine], values[mine], color=colour, linewidth=0.8, alpha=0.5, zorder=3)
        name = DRUM_NAMES.get(int(pitch), f"key {pitch}") if i < len(PALETTE) else None
        axes.plot(at, values[mine], "o", color=colour, markersize=3.2, zorder=4, label=name)
    beside.hist(before, bins=list(bins), orientation="horizontal", color=GRID, label="written")
    beside.hist(values, bins=list(bins), orientation="horizontal", color=PALETTE[0], alpha=0.8, label="played")
    beside.set_xscale("symlog")
    beside.set_xticks([], minor=False)
    beside.minorticks_off()
    beside.legend(frameon=False, fontsize=7, labelcolor=FAINT, loc="lower right", borderaxespad=0)
    for side in (axes, beside):
        base._bare(side)

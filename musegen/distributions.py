"""Pictures of a humaniser, as PNG files: how often each moment and velocity occurs beside how often drummers have it,
and what the weight of the adversary changes.

Needs matplotlib (the extra `plots`). Knows nothing of networks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import pictures as base
from .errors import MusegenError
from .pictures import FAINT, GRID, INK, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Playing = tuple[Floats, Floats]
"""Milliseconds off the grid (N,) and velocities (N,)."""

SHOWN = 4  # drums, those with most notes
EDGES = (np.arange(-90.0, 91.0, 4.0), np.arange(0.0, 129.0, 4.0))
LABELS = ("milliseconds behind the grid", "velocity")


def distributions(
    drums: Sequence[str],
    real: Playing,
    made: Mapping[str, Playing],
    path: str | os.PathLike[str],
    title: str = "",
) -> None:
    """Draw to the PNG `path` how often moments (above) and velocities (below) occur, a column a drum.

    `drums` (N,) names each note's drum; `real` is filled, each of `made` (the same N notes) is a line. Raises
    MissingPackageError without matplotlib, MusegenError for no notes, and FileError for the disk.
    """
    if not len(drums):
        raise MusegenError("No notes, no distributions: give at least one.")
    names, counts = np.unique(np.array(drums), return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:SHOWN]
    figure = base._figure(2.9 * len(shown), 5.0)
    grid = figure.subplots(2, len(shown), sharex="row", squeeze=False)
    for column, name in enumerate(shown):
        here = np.array(drums) == name
        for row, axes in enumerate(grid[:, column]):
            _histograms(axes, real[row][here], {k: v[row][here] for k, v in made.items()}, EDGES[row])
            axes.set_xlabel(LABELS[row], color=FAINT, fontsize=8)
        grid[0, column].set_title(f"{name}, {here.sum()} notes", loc="left", fontsize=9, color=INK)
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), frameon=False, fontsize=8, labelcolor=INK, ncols=1 + len(made),
        loc="outside lower center",
    )  # fmt: skip
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    base._save(figure, path)


def _histograms(axes: Axes, real: Floats, made: Mapping[str, Floats], edges: Floats) -> None:
    """The share of the notes in each bin; a line that leaves the panel is cut at twice the highest real bin."""
    share = np.histogram(real, edges)[0] / len(real)
    axes.stairs(share, edges, fill=True, color=GRID, label="drummers")
    for (name, values), colour in zip(made.items(), PALETTE, strict=False):
        axes.stairs(np.histogram(values, edges)[0] / len(values), edges, color=colour, linewidth=1.3, label=name)
    axes.set_ylim(0, 2.2 * float(share.max()) or 1.0)
    axes.set_yticks([])
    base._bare(axes)


def sweep(
    etas: Sequence[float],
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    levels: Mapping[str, tuple[float, float]],
    path: str | os.PathLike[str],
    title: str = "",
) -> None:
    """Draw to the PNG `path` what the weight η of the adversary changes: moments on the left, velocities on the right.

    `lines`: a figure of the moments and one of the velocities for each of `etas`, by name; `levels`: what does not
    depend on η. Raises MissingPackageError, MusegenError for no η, and FileError.
    """
    if not len(etas):
        raise MusegenError("No weights of the adversary, no picture of them: give at least one.")
    figure = base._figure(9.6, 4.0)
    for i, (axes, unit) in enumerate(zip(figure.subplots(1, 2), ("milliseconds", "velocity"), strict=True)):
        for (name, values), colour in zip(lines.items(), PALETTE, strict=False):
            axes.plot(range(len(etas)), values[i], "o-", color=colour, markersize=4, label=name)
        for (name, level), dashes in zip(levels.items(), ("--", ":", "-."), strict=False):
            axes.axhline(level[i], color=FAINT, linestyle=dashes, linewidth=1.2, label=name)
        axes.set_xticks(range(len(etas)), [f"{eta:g}" for eta in etas])
        axes.set_xlabel("η, the weight of the adversary", color=FAINT, fontsize=9)
        axes.set_ylabel(unit, color=FAINT, fontsize=9)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color=GRID, linewidth=0.7)
        base._bare(axes)
        if i == 0:
            handles = axes.get_legend_handles_labels()
    figure.legend(*handles, frameon=False, fontsize=8, labelcolor=INK, ncols=3, loc="outside lower center")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    base._save(figure, path)

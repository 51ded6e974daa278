"""Pictures of an evaluation, as PNG files: likelihood by style, likeness to real music, copying, the long run.

Needs matplotlib (the extra `plots`). Real music is grey or black, whoever plays has a colour. Knows nothing of models.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from . import pictures as base
from .errors import MusegenError
from .evaluation.copying import SHORTEST
from .evaluation.degeneration import BLOCK, CURVES, mean_course
from .evaluation.descriptors import LENGTHS
from .evaluation.verdict import REAL, Verdict
from .pictures import FAINT, GRID, INK, PALETTE
from .piece import PITCH_CLASS_NAMES, TICKS_PER_QUARTER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Path = str | os.PathLike[str]

ATTRIBUTES = ("shift", "instrument", "pitch", "velocity", "duration")
_TITLES = {
    "silent": "bars without a note, share",
    "key": "pitch classes, overlap with the seed's",
    "scale": "notes in the best scale, share",
    "meter": "places in the bar, overlap with the seed's",
    "notes": "notes a bar, over the seed's",
}


def likelihoods(tables: Mapping[str, Mapping[str, Mapping[str, Any]]], path: Path) -> None:
    """Nats a note by style (a row each) and attribute (a colour each), a panel a checkpoint; `tables` as
    `by_style.nats_by_style` gives them. Raises MissingPackageError, MusegenError (nothing to draw) and FileError."""
    if not tables:
        raise MusegenError("There are no likelihoods to draw.")
    rows = list(next(iter(tables.values())))[::-1]
    figure = base._figure(4.3 * len(tables) + 1.2, 0.3 * len(rows) + 1.2)
    panels = figure.subplots(1, len(tables), sharey=True, sharex=True, squeeze=False)[0]
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        left = np.zeros(len(rows))
        for attribute, colour in zip(ATTRIBUTES, PALETTE, strict=False):
            width = np.array([float(table[r][attribute]) if r in table else 0.0 for r in rows])
            axes.barh(rows, width, left=left, color=colour, height=0.7, label=attribute)
            left += width
        for row, total in enumerate(left):
            axes.annotate(f" {total:.2f}", (total, row), va="center", fontsize=8, color=INK)
        axes.set_xlim(0, 1.12 * max(float(left.max()), axes.get_xlim()[1] / 1.12))
        axes.set_title(name, loc="left", fontsize=10, color=INK, fontweight="bold")
        axes.set_xlabel("nats a note, less is better", color=FAINT, fontsize=8)
        base._bare(axes)
    _legend(figure, panels[0], 5)
    base._save(figure, path)


def overlaps(verdicts: Sequence[Verdict], path: Path) -> None:
    """The overlap of each descriptor (a row) for each verdict (a colour), with its standard error; real music is black.

    Raises as `likelihoods`.
    """
    shown = [v for v in verdicts if v.likeness]
    if not shown:
        raise MusegenError("There is no likeness to draw.")
    names = list(dict.fromkeys(name for v in shown for name in v.likeness))[::-1]
    figure = base._figure(7.4, 0.36 * len(names) + 1.4)
    axes: Axes = figure.subplots()
    for number, (verdict, colour) in enumerate(_coloured(shown)):
        place = np.arange(len(names)) + 0.5 * (0.5 - (number + 0.5) / len(shown))
        there = [i for i, name in enumerate(names) if name in verdict.likeness]
        values = [verdict.likeness[names[i]] for i in there]
        axes.errorbar(
            [v.overlap for v in values], place[there], xerr=[v.error for v in values], color=colour,
            fmt="D" if colour == INK else "o", markersize=4.5, elinewidth=1, label=verdict.name,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(right=1.0)
    axes.grid(axis="both", color=GRID, linewidth=0.6)
    axes.set_xlabel("overlap of intra-set and inter-set distances (1: as real music)", color=FAINT, fontsize=8)
    base._bare(axes)
    _legend(figure, axes, 3)
    base._save(figure, path)


def means(verdicts: Sequence[Verdict], path: Path) -> None:
    """The mean histograms of pitch classes, times between onsets and durations: real music filled, others as lines.

    Raises as `likelihoods`.
    """
    if not verdicts:
        raise MusegenError("There is nothing to draw.")
    lengths = [str(Fraction(n, TICKS_PER_QUARTER)) for n in LENGTHS]
    kinds = {"pitch classes": PITCH_CLASS_NAMES, "inter-onset times": lengths, "durations": lengths}
    figure = base._figure(11.5, 3.1)
    for axes, (name, labels) in zip(figure.subplots(1, 3), kinds.items(), strict=True):
        edges = np.arange(len(labels) + 1) - 0.5
        for verdict, colour in _coloured(verdicts):
            values = verdict.mean(name)
            if np.isnan(values).any():
                continue
            real = verdict.name == REAL
            axes.stairs(values, edges, fill=real, color=GRID if real else colour, linewidth=1.4, label=verdict.name)
        axes.set_xticks(range(len(labels)), labels, fontsize=7, rotation=0 if name == "pitch classes" else 60)
        axes.set_title(name + ("" if name == "pitch classes" else ", quarters"), loc="left", fontsize=9, color=INK)
        base._bare(axes)
    _legend(figure, axes, 4)
    base._save(figure, path)


def runs(verdicts: Sequence[Verdict], path: Path) -> None:
    """What share of the pieces has a run of so many notes of training music, or of more. Raises as `likelihoods`."""
    shown = [v for v in verdicts if len(v.runs)]
    if not shown:
        raise MusegenError("There are no runs to draw.")
    figure = base._figure(7.0, 3.6)
    axes: Axes = figure.subplots()
    for verdict, colour in _coloured(shown):
        longest = np.maximum(SHORTEST, np.sort(verdict.runs))
        share = 1 - np.arange(len(longest)) / len(longest)
        axes.step(longest, share, where="pre", color=colour, linewidth=1.6, label=verdict.name)
    axes.set_xscale("log")
    axes.set_xticks([5, 7, 10, 15, 20, 30, 50, 80, 128], ["≤ 5", "7", "10", "15", "20", "30", "50", "80", "≥ 128"])
    axes.minorticks_off()
    axes.set_xlabel("notes of the longest run that training music has too", color=FAINT, fontsize=8)
    axes.set_ylabel("share of pieces", color=FAINT, fontsize=8)
    axes.grid(color=GRID, linewidth=0.6)
    base._bare(axes)
    _legend(figure, axes, 3)
    base._save(figure, path)


def courses(verdicts: Sequence[Verdict], path: Path) -> None:
    """How the long continuations go on, a panel for each of `degeneration.CURVES`. Raises as `likelihoods`."""
    shown = [v for v in verdicts if v.courses]
    if not shown:
        raise MusegenError("There are no long continuations to draw.")
    figure = base._figure(13.0, 3.0)
    for axes, curve in zip(figure.subplots(1, len(CURVES)), CURVES, strict=True):
        for verdict, colour in _coloured(shown):
            values = mean_course(verdict.courses, curve)
            bars = BLOCK * (np.arange(len(values)) + 1)
            dashes = "--" if colour == INK else "-"
            axes.plot(bars, values, dashes, color=colour, linewidth=1.5, label=verdict.name)
        axes.set_title(_TITLES[curve], loc="left", fontsize=8, color=INK)
        axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
        axes.set_xlabel("bar", color=FAINT, fontsize=8)
        axes.grid(color=GRID, linewidth=0.6)
        base._bare(axes)
    _legend(figure, axes, 5)
    base._save(figure, path)


def _coloured(verdicts: Sequence[Verdict]) -> list[tuple[Verdict, str]]:
    """Each verdict with its colour: real music is ink."""
    others = [v for v in verdicts if v.name != REAL]
    colours = {v.name: PALETTE[i % len(PALETTE)] for i, v in enumerate(others)}
    return [(v, colours.get(v.name, INK)) for v in verdicts]


def _legend(figure: Any, axes: Axes, columns: int) -> None:
    figure.legend(
        *axes.get_legend_handles_labels(), frameon=False, fontsize=8, labelcolor=INK, ncols=columns,
        loc="outside lower center",
    )  # fmt: skip

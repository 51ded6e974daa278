"""Pictures of a bar GAN, as PNG files: a wall of the phrases that it plays, and the course of its training.

Needs matplotlib (the extra `plots`). Knows nothing of networks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import pictures as base
from .errors import MusegenError
from .evaluation.bar_metrics import GOALS
from .events.phrases import STEPS, piece_of
from .events.roll import Cells
from .events.tracks import TRACKS
from .pictures import BLACK_KEYS, DRUM_COLOUR, FAINT, GRID, INK, PALETTE, SHADE
from .piece import DRUMS, Notes, pitch_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
COLOURS = (DRUM_COLOUR, *PALETTE[:4])
"""Of each track of five; a single track has that of the piano."""
WIDTH, PANEL = 10.0, 1.75  # inches: 1200 dots across


def roll_wall(phrases: Cells, path: str | os.PathLike[str], title: str = "", names: Sequence[str] = ()) -> None:
    """Draw `phrases` (n, K, bars, 96, 84), uint8 of SILENT, ONSET and HOLD, side by side to the PNG `path`.

    A colour a track, a line a bar, drums on a strip below with the wall's drums as rows; all panels have the same
    pitches. `names` stand above the panels. Raises MissingPackageError, MusegenError for none, and FileError.
    """
    if not len(phrases):
        raise MusegenError("No phrases, no wall: give at least one.")
    notes = [piece_of(phrase).notes for phrase in phrases]
    heard = np.concatenate(notes)
    rows = _Rows(heard)
    columns = min(COLUMNS, len(phrases))
    lines = math.ceil(len(phrases) / columns)
    figure = base._figure(WIDTH, PANEL * lines + 0.65)
    each = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    for number, (axes, mine) in enumerate(zip(each, notes, strict=False)):
        rows.prepare(axes, phrases.shape[2])
        _draw(axes, mine, rows, phrases.shape[1])
        if number < len(names):
            axes.set_title(names[number], loc="left", fontsize=7.5, color=FAINT, pad=2)
    for axes in each[len(phrases) :]:
        axes.set_visible(False)
    if phrases.shape[1] > 1:
        _key(figure)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    base._save(figure, path)


class _Rows:
    """Where notes go in every panel of a wall: pitches above, one row a drum below."""

    def __init__(self, heard: Notes) -> None:
        tuned = heard["pitch"][heard["program"] != DRUMS].astype(int)
        self.low, self.high = (int(tuned.min()), int(tuned.max())) if len(tuned) else (55, 65)
        self.drums = np.unique(heard["pitch"][heard["program"] == DRUMS])
        span = self.high - self.low + 4
        self.each = min(2.6, 0.35 * span / len(self.drums)) if len(self.drums) else 0.0  # pitches high is a drum's row
        self.half = max(0.62, span / 90)  # of a note's height, so that it is seen on a wall of any range
        self.floor = self.low - 2.5
        self.bottom = self.floor - self.each * (len(self.drums) + 0.6)

    def of(self, notes: Notes) -> npt.NDArray[np.float64]:
        """The height of each of `notes`."""
        drum = self.floor - self.each * (len(self.drums) - np.searchsorted(self.drums, notes["pitch"]))
        height: npt.NDArray[np.float64] = np.where(notes["program"] == DRUMS, drum, notes["pitch"].astype(float))
        return height

    def prepare(self, axes: Axes, bars: int) -> None:
        for pitch in range(self.low - 1, self.high + 2):
            if pitch % 12 in BLACK_KEYS:
                axes.axhspan(pitch - 0.5, pitch + 0.5, color=SHADE, linewidth=0, zorder=0)
        if len(self.drums):
            axes.axhspan(self.bottom, self.floor + 0.4, color=SHADE, linewidth=0, zorder=0)
        for bar in range(bars + 1):
            axes.axvline(bar * STEPS, color=FAINT if bar in (0, bars) else GRID, linewidth=0.9, zorder=1)
        octaves = [p for p in range(self.low - 1, self.high + 2) if p % 12 == 0]
        axes.set_yticks(octaves, [pitch_name(p) for p in octaves])
        axes.set_xticks([])
        axes.set_xlim(0, bars * STEPS)
        axes.set_ylim(self.bottom, self.high + 1.5)
        base._bare(axes)
        axes.tick_params(labelsize=6.5, pad=1)


def _draw(axes: Axes, notes: Notes, rows: _Rows, tracks: int) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba

    shown = notes.copy()
    drum = shown["program"] == DRUMS
    shown["duration"][drum] = 6  # a drum sound has no length: only its onset counts
    left, height = shown["onset"].astype(float), rows.of(notes)
    right = left + shown["duration"] - np.minimum(2.0, shown["duration"] / 3)  # so that a repeated note is seen twice
    half = np.where(drum, 0.45 * rows.each, rows.half)
    low, high = height - half, height + half
    corners = np.stack([np.stack(c, 1) for c in ((left, low), (left, high), (right, high), (right, low))], 1)
    palette = np.array([to_rgba(c) for c in (COLOURS if tracks > 1 else PALETTE[:1])])
    axes.add_collection(PolyCollection(list(corners), facecolors=palette[notes["part"]], linewidths=0, zorder=3))


def _key(figure: Any) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=c, label=t) for c, t in zip(COLOURS, TRACKS, strict=True)]
    figure.legend(
        handles=handles, frameon=False, ncols=len(TRACKS), loc="outside lower left", fontsize=8, labelcolor=INK,
        handlelength=1.0, handleheight=0.8,
    )  # fmt: skip


def gan_curves(records: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], title: str = "Training") -> None:
    """Draw the course of adversarial training to the PNG `path`.

    Each record has `step` and any of `V` (nats), `D(x)`, `D(G(z))` (means), `distance` (of the generator to the data),
    `gaps` ({abbreviation: |generated − training|}, drawn in units of `GOALS`) and `diversity` (of a batch, over that of
    the data). At the equilibrium V is −log 4 and D is ½. Raises MissingPackageError, MusegenError (nothing to draw) and
    FileError.
    """
    flat = [
        {**r, **{f"gap {k}": v / GOALS[k] for k, v in (r.get("gaps") or {}).items() if k in GOALS}} for r in records
    ]
    played, far = (bool(len(base._series(flat, key)[0])) for key in ("V", "distance"))
    looked = any(r.get("gaps") or r.get("diversity") is not None for r in records)
    rows = 2 * played + far + looked
    if not played and not far:
        raise MusegenError("The training log has no figures yet, so there is no curve to draw.")
    figure = base._figure(8.0, 2.4 * rows)
    panels = list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    if played:
        _curves(panels[0], flat, ("V",), -math.log(4), "V(D, G), nats")
        panels[0].set_ylim(top=0)
        _curves(panels[1], flat, ("D(x)", "D(G(z))"), 0.5, "mean of D")
        panels[1].set_ylim(0, 1)
    if far:
        _curves(panels[2 * played], flat, ("distance",), None, "distance")
    if looked:
        _curves(panels[-1], flat, (*(f"gap {k}" for k in GOALS), "diversity"), 1.0, "gap ÷ published; diversity")
        panels[-1].set_yscale("symlog", linthresh=0.1)
        panels[-1].set_ylim(bottom=0)
    panels[-1].set_xlabel("step", color=FAINT, fontsize=8)
    panels[0].set_title(title, loc="left", fontsize=12, color=INK, fontweight="bold")
    base._save(figure, path)


def _curves(
    axes: Axes, records: Sequence[Mapping[str, Any]], keys: Sequence[str], level: float | None, label: str
) -> None:
    """The series `keys`, smoothed where they have many points, and a dashed line at `level`, if there is one."""
    for colour, key in zip(PALETTE, keys, strict=False):
        step, value = base._series(records, key)
        if len(step):
            many = len(step) > 200
            axes.plot(step, value, color=colour, linewidth=0.8 if many else 1.5, alpha=0.3 if many else 1.0,
                      label=None if many else key)  # fmt: skip
            if many:
                width = len(step) // 50
                smooth = np.convolve(value, np.full(width, 1 / width), "valid")
                axes.plot(step[width - 1 :], smooth, color=colour, linewidth=1.6, label=key)
    if level is not None:
        axes.axhline(level, color=FAINT, linestyle="--", linewidth=1.0)
    axes.set_ylabel(label, color=FAINT, fontsize=8)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5))
    base._bare(axes)

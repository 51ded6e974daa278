"""Pictures of music and of training, as PNG files: piano rolls, rolls of surprise, and loss curves.

Needs matplotlib (the extra `plots`), imported when a picture is made. Knows nothing of models or of how the
notes came about.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .atomic import write_atomically
from .errors import MissingPackageError, MusegenError
from .piece import DRUMS, PITCH_CLASS_NAMES, Notes, Piece, pitch_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

PALETTE = ("#2f6db5", "#d9622b", "#2e9160", "#b0397a", "#7a57c2", "#b58a12", "#1b97a8", "#8c5a3c")
DRUM_COLOUR = "#4a4f57"
INK, FAINT, GRID, SHADE = "#22262b", "#6b7280", "#d5d9df", "#f3f4f7"
BLACK_KEYS = (1, 3, 6, 8, 10)
DRUM_NAMES = {
    **{35: "bass drum 2", 36: "bass drum", 37: "side stick", 38: "snare", 39: "clap", 40: "snare 2"},
    **{41: "low tom", 42: "closed hat", 43: "low tom 2", 44: "pedal hat", 45: "mid tom", 46: "open hat"},
    **{47: "mid tom 2", 48: "high tom", 49: "crash", 50: "high tom 2", 51: "ride", 52: "china", 53: "ride bell"},
    **{54: "tambourine", 55: "splash", 56: "cowbell", 57: "crash 2", 59: "ride 2"},
}
"""General MIDI level 1, percussion key map: the keys a drum kit has."""

INCHES_PER_BAR, NARROWEST, WIDEST = 0.62, 7.0, 24.0
DOTS_PER_INCH = 120


def piano_roll(piece: Piece, path: str | os.PathLike[str], title: str = "", seed_end: int | None = None) -> None:
    """Draw `piece` to the PNG `path`: a colour a part, velocity as opacity, drums on a strip of their own.

    `seed_end` marks the tick (of the piece's own resolution) where the seed phrase stops and the model goes on.
    Raises MissingPackageError without matplotlib, MusegenError for a piece without notes, FileError for the disk.
    """
    if not len(piece):
        raise MusegenError("A piece without notes has no piano roll.")
    drums, tuned = piece.notes[piece.notes["program"] == DRUMS], piece.notes[piece.notes["program"] != DRUMS]
    bars = piece.bar_starts()
    width = float(np.clip(INCHES_PER_BAR * (len(bars) - 1) + 1.6, NARROWEST, WIDEST))
    heights = [_tuned_height(tuned)] * bool(len(tuned)) + [_drum_height(drums)] * bool(len(drums))
    figure = _figure(width, sum(heights) + 1.1)
    strips = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    if len(tuned):
        _draw_tuned(strips[0], piece, tuned)
    if len(drums):
        _draw_drums(strips[-1], piece, drums)
    for strip in strips:
        _draw_bars(strip, bars)
        if seed_end is not None:
            strip.axvline(seed_end, color=INK, linewidth=1.6, linestyle=(0, (4, 2)), zorder=4)
    if seed_end is not None:
        at = seed_end / float(bars[-1])
        place = {"transform": strips[0].transAxes, "va": "top", "zorder": 5}
        strips[0].text(at, 0.99, " played on by the model", color=INK, fontsize=8, **place)  # above: the parts' names
    _label_bars(strips[-1], bars)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    _save(figure, path)


def loss_curve(records: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], title: str = "Training") -> None:
    """Draw a training log to the PNG `path`: training and held-out nats a note, and the learning rate.

    Each record has `step` and any of `train`, `valid` (nats a note), `rate` (of learning) and `floor` (the held-out
    figure of a baseline; the last one is drawn as a line). Raises MissingPackageError, MusegenError (nothing to
    draw) and FileError.
    """
    train, valid, rate = (_series(records, key) for key in ("train", "valid", "rate"))
    if not len(train[0]) and not len(valid[0]):
        raise MusegenError("The training log has no figures yet, so there is no curve to draw.")
    figure = _figure(8.0, 4.6)
    axes: Axes = figure.subplots()
    axes.plot(*train, color=PALETTE[0], alpha=0.35 if len(valid[0]) else 0.9, linewidth=1.2, label="training")
    if len(valid[0]):
        _draw_valid(axes, *valid)
    floors = [float(r["floor"]) for r in records if r.get("floor") is not None]
    if floors:
        axes.axhline(floors[-1], color=FAINT, linestyle="--", linewidth=1.2)
        axes.annotate(
            f"n-gram floor {floors[-1]:.3f}", (0.99, floors[-1]), xycoords=("axes fraction", "data"), ha="right",
            va="bottom", fontsize=8, color=FAINT,
        )  # fmt: skip
    if len(rate[0]):
        _draw_rate(axes, *rate)
    axes.set_ylim(*_limits(np.concatenate([train[1], valid[1], floors])))
    axes.set_xlabel("step", color=FAINT)
    axes.set_ylabel("nats a note", color=FAINT)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.legend(frameon=False, loc="upper right", labelcolor=INK, fontsize=9)
    axes.set_title(title, loc="left", fontsize=12, color=INK, fontweight="bold")
    _bare(axes)
    _save(figure, path)


def surprise_roll(
    piece: Piece,
    nats: npt.ArrayLike,
    path: str | os.PathLike[str],
    title: str = "",
    marked: Sequence[int] = (),
) -> None:
    """Draw `piece` to the PNG `path` with each note coloured by how surprising it is: `nats` (N,), −log P of each.

    `marked` are places in `piece.notes`; the first gets a ring and the number 1, and so on. Raises as `piano_roll`.
    """
    if not len(piece):
        raise MusegenError("A piece without notes has no piano roll.")
    values = np.asarray(nats, dtype=np.float64)
    drum = piece.notes["program"] == DRUMS
    kinds = [(which, draw) for which, draw in ((~drum, _place_tuned), (drum, _place_drums)) if which.any()]
    bars = piece.bar_starts()
    heights = [(_tuned_height if draw is _place_tuned else _drum_height)(piece.notes[w]) for w, draw in kinds]
    width = float(np.clip(INCHES_PER_BAR * (len(bars) - 1) + 2.2, NARROWEST + 0.6, WIDEST))
    figure = _figure(width, sum(heights) + 1.1)
    strips = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    colours = _surprise_colours(values)
    for strip, (which, place) in zip(strips, kinds, strict=True):
        shown, row = place(strip, piece, piece.notes[which])
        order = np.argsort(values[which], kind="stable")  # of notes in unison the most surprising is seen
        _boxes(strip, shown[order], row[order], colours.to_rgba(values[which][order]), piece.ticks_per_quarter / 16)
        height = dict(zip(np.flatnonzero(which).tolist(), row.tolist(), strict=True))
        for number, note in enumerate(marked, 1):
            if note in height:
                _ring(strip, float(piece.notes["onset"][note]), height[note], number)
        _draw_bars(strip, bars)
    bar = figure.colorbar(colours, ax=strips, pad=0.01, aspect=30, extend="max")
    bar.set_label("nats: −log P of the note", color=FAINT, fontsize=8)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=FAINT, labelsize=8)
    _label_bars(strips[-1], bars)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    _save(figure, path)


def topic_profiles(words: npt.ArrayLike, names: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Draw topics, each a distribution over the twelve pitch classes (K, 12), to the PNG `path`: a bar chart each.

    `names` (K,) stand above them. Raises MissingPackageError without matplotlib and FileError for the disk.
    """
    profiles = np.asarray(words, dtype=np.float64)
    columns = min(4, len(profiles))
    lines = -(-len(profiles) // columns)
    figure = _figure(3.1 * columns, 1.7 * lines + 0.3)
    each = list(figure.subplots(lines, columns, sharey=True, squeeze=False).flat)
    for number, (axes, profile, name) in enumerate(zip(each, profiles, names, strict=False), 1):
        axes.bar(range(12), profile, color=[DRUM_COLOUR if c in BLACK_KEYS else PALETTE[0] for c in range(12)])
        axes.set_xticks(range(12), PITCH_CLASS_NAMES, fontsize=7)
        axes.set_title(f"{number}: like {name}", loc="left", fontsize=9, color=INK)
        _bare(axes)
    for axes in each[len(profiles) :]:
        axes.set_visible(False)
    _save(figure, path)


def _surprise_colours(values: npt.NDArray[np.float64]) -> ScalarMappable:
    """Pale: expected; dark red: among the most surprising. The lightness falls all the way, for any eye."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    ramp = LinearSegmentedColormap.from_list("surprise", ("#cdd9e8", "#8fa9d8", "#8b6cc0", "#a8326f", "#6b0a1a"))
    return ScalarMappable(Normalize(0.0, max(2.0, float(np.quantile(values, 0.99)))), ramp)


def _ring(axes: Axes, onset: float, row: float, number: int) -> None:
    axes.plot(
        onset, row, "o", markersize=11, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.2, zorder=5
    )
    axes.annotate(
        str(number), (onset, row), xytext=(-6, 6), textcoords="offset points", ha="right", fontsize=8, color=INK,
        fontweight="bold", zorder=6,
    )  # fmt: skip


def _figure(width: float, height: float) -> Figure:
    if find_spec("matplotlib") is None:
        raise MissingPackageError("matplotlib", "Drawing a picture", "plots")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)  # no window system, no global state
    return figure


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DOTS_PER_INCH)
    write_atomically(path, data.getvalue())


def _bare(axes: Axes) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelcolor=FAINT, labelsize=8)


def _tuned_height(notes: Notes) -> float:
    if not len(notes):
        return 0.0
    span = int(notes["pitch"].max()) - int(notes["pitch"].min())
    return float(np.clip(0.085 * (span + 4), 1.6, 6.0))


def _drum_height(notes: Notes) -> float:
    return 0.35 + 0.17 * len(np.unique(notes["pitch"]))


def _draw_tuned(axes: Axes, piece: Piece, notes: Notes) -> None:
    from matplotlib.patches import Patch

    _place_tuned(axes, piece, notes)
    key = []
    parts = np.unique(notes["part"]).tolist()
    for i, part in enumerate(parts):
        colour = PALETTE[i % len(PALETTE)]
        mine = notes[notes["part"] == part]
        _boxes(axes, mine, mine["pitch"].astype(float), _by_velocity(colour, mine), piece.ticks_per_quarter / 16)
        key.append(Patch(color=colour, label=_part_name(piece, part, int(mine["program"][0]))))
    if len(key) > 1 or key[0].get_label():
        axes.legend(
            handles=key[:12], frameon=False, ncols=min(6, len(key)), loc="lower right", bbox_to_anchor=(1.0, 1.0),
            fontsize=8, labelcolor=INK, borderaxespad=0.2, handlelength=1.0, handleheight=0.8,
        )  # fmt: skip


def _place_tuned(axes: Axes, piece: Piece, notes: Notes) -> tuple[Notes, npt.NDArray[np.float64]]:
    """Make `axes` a keyboard around `notes`; returns them and the row of each."""
    low, high = int(notes["pitch"].min()) - 2, int(notes["pitch"].max()) + 2
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=SHADE, linewidth=0, zorder=0)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=GRID, linewidth=0.8, zorder=1)
    every = range(low, high + 1)
    natural = [p for p in every if p % 12 in ((0, 2, 4, 5, 7, 9, 11) if high - low <= 26 else (0, 7))]
    axes.set_yticks(natural, [pitch_name(p) for p in natural])
    axes.set_ylim(low - 0.5, high + 0.5)
    _bare(axes)
    return notes, notes["pitch"].astype(float)


def _draw_drums(axes: Axes, piece: Piece, notes: Notes) -> None:
    shown, row = _place_drums(axes, piece, notes)
    _boxes(axes, shown, row, _by_velocity(DRUM_COLOUR, notes), 0)


def _place_drums(axes: Axes, piece: Piece, notes: Notes) -> tuple[Notes, npt.NDArray[np.float64]]:
    """Make `axes` a drum kit; returns the notes as short strokes and the row of each."""
    pitches, row = np.unique(notes["pitch"], return_inverse=True)
    shown = notes.copy()
    shown["duration"] = max(1, piece.ticks_per_quarter // 5)  # a drum sound has no length: only its onset counts
    axes.set_yticks(range(len(pitches)), [DRUM_NAMES.get(int(p), f"key {p}") for p in pitches])
    axes.set_ylim(-0.7, len(pitches) - 0.3)
    axes.set_facecolor(SHADE)
    _bare(axes)
    return shown, row.astype(float)


def _boxes(axes: Axes, notes: Notes, row: npt.NDArray[np.float64], faces: npt.NDArray[np.float64], gap: float) -> None:
    """One rectangle a note at `row`, of the colours `faces` (N, 4), `gap` ticks (at most a third of it) short."""
    from matplotlib.collections import PolyCollection

    left = notes["onset"].astype(float)
    right = left + notes["duration"] - np.minimum(gap, notes["duration"] / 3)
    low, high = row - 0.42, row + 0.42
    corners = np.stack([np.stack(c, axis=1) for c in ((left, low), (left, high), (right, high), (right, low))], axis=1)
    axes.add_collection(PolyCollection(list(corners), facecolors=faces, linewidths=0, zorder=3))


def _by_velocity(colour: str, notes: Notes) -> npt.NDArray[np.float64]:
    """`colour` for each note (N, 4), more opaque the louder it is."""
    from matplotlib.colors import to_rgb

    face = np.empty((len(notes), 4))
    face[:, :3] = to_rgb(colour)
    face[:, 3] = 0.3 + 0.7 * (notes["velocity"] / 127.0)
    return face


def _draw_bars(axes: Axes, bars: npt.NDArray[np.int64]) -> None:
    for number, tick in enumerate(bars.tolist()):
        axes.axvline(tick, color=GRID, linewidth=1.3 if number % 4 == 0 else 0.6, zorder=2)
    axes.set_xlim(0, float(bars[-1]))


def _label_bars(axes: Axes, bars: npt.NDArray[np.int64]) -> None:
    count = len(bars) - 1
    step = next(s for s in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, count + 1) if count / s <= 24)
    axes.set_xticks(bars[:-1:step], [str(n) for n in range(1, count + 1, step)], ha="left")
    axes.set_xlabel("bar", color=FAINT, fontsize=8, loc="left")


def _part_name(piece: Piece, part: int, program: int) -> str:
    name = piece.part_names[part] if part < len(piece.part_names) else ""
    if name:
        return name[:24]
    from pretty_midi import program_to_instrument_name

    return str(program_to_instrument_name(program))


def _series(records: Sequence[Mapping[str, Any]], key: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(steps, values) of the records that have `key`."""
    rows = [(r["step"], r[key]) for r in records if r.get(key) is not None]
    both = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _draw_valid(axes: Axes, steps: npt.NDArray[np.float64], nats: npt.NDArray[np.float64]) -> None:
    best = int(np.argmin(nats))
    axes.plot(steps, nats, color=PALETTE[1], linewidth=1.8, marker="o", markersize=3, label="held out")
    axes.plot(steps[best], nats[best], "o", color=PALETTE[1], markersize=8, markerfacecolor="white", markeredgewidth=2)
    axes.annotate(
        f"best {nats[best]:.3f}", (steps[best], nats[best]), xytext=(0, 9), textcoords="offset points", ha="center",
        fontsize=9, color=PALETTE[1], fontweight="bold",
    )  # fmt: skip


def _draw_rate(axes: Axes, steps: npt.NDArray[np.float64], rate: npt.NDArray[np.float64]) -> None:
    twin = axes.twinx()
    twin.fill_between(steps, rate, color=FAINT, alpha=0.10, linewidth=0)
    twin.set_ylim(0, float(rate.max()) * 3 or 1)
    twin.set_yticks([float(rate.max())], [f"learning rate\n{rate.max():.0e}"])
    _bare(twin)
    axes.set_zorder(twin.get_zorder() + 1)
    axes.patch.set_visible(False)


def _limits(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The axis: everything but the first steep steps, so that what matters fills the picture."""
    low, high = float(np.min(values)), float(np.quantile(values, 0.97))
    margin = 0.08 * max(high - low, 0.05)
    return low - margin, high + 2 * margin

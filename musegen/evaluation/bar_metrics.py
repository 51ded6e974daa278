"""The metrics of record of bars on tracks, as the MuseGAN line measures them: generated music against training music.

    EB   empty bars: the share of bars without a note
    UPC  used pitch classes: in a bar, 0-12
    QN   qualified notes: the share of notes of at least two steps (others sound like splinters)
    PP   polyphonicity: the share of steps with two or more notes
    DP   drum pattern: drum notes on the sixteenths, 1 each; a step beside them 0.1; per drum note
    TD   tonal distance of two tracks: between their tonal centroids (r = 1, 1, 1/2), beat by beat

Dong, Hsiao, Yang & Yang 2018 (MuseGAN) and Dong & Yang 2018 (binary neurons); centroids: Harte, Sandler & Gasser 2006.
All but EB are means over the bars of a track that are not empty, so a rare track counts as it sounds, and then over
tracks: all for EB, the tuned ones for UPC, QN and PP. As published, a bar is looked at by itself: a note held over a
bar line is a note in each. Unlike there, a repeated note is two notes, because our cells know onsets; TD is over the
beats in which both tracks sound, where there a bar with one beat's rest is left out; DP is measured where the drums
are and not at the best of six offsets. Knows nothing of models or files. numpy only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ..events.phrases import GRID, STEPS
from ..events.roll import HOLD, ONSET, SILENT, Cells
from ..events.tracks import TRACKS

PUBLISHED_GAPS: Mapping[str, float] = {"QN": 0.10, "PP": 0.00, "TD": 0.09, "DP": 0.10, "UPC": 1.55}
"""|generated − training| of Dong & Yang 2018 with deterministic binary neurons, on their corpus."""
GOALS: Mapping[str, float] = {**PUBLISHED_GAPS, "PP": 0.02}
"""Gaps to stay under: the published ones, and a little where that is none."""

_BEATS = 4
_ON_PATTERN = np.tile([1.0, 0.1, 0.0, 0.0, 0.0, 0.1], STEPS // 6)
_PITCH_CLASSES = (np.arange(GRID.pitches) + GRID.low) % 12
_CHUNK = 4  # phrases at a time: they and what is made of them stay in the cache

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BarMetrics:
    """Each track's figures in the order of the tracks, NaN where the track never plays; and the drums' and pairs'."""

    empty_bars: tuple[float, ...]
    pitch_classes: tuple[float, ...]
    qualified: tuple[float, ...]
    polyphonicity: tuple[float, ...]
    drum_pattern: float  # NaN without drums
    tonal_distance: float  # mean over the pairs of tuned tracks that sound together; NaN where none do
    bars: int

    def summary(self) -> dict[str, float]:
        """The six figures by their abbreviations; what is not defined (a track that never plays) is left out."""
        tuned = slice(1, None) if len(self.empty_bars) > 1 else slice(None)
        figures = {
            "EB": _mean(self.empty_bars),
            "UPC": _mean(self.pitch_classes[tuned]),
            "QN": _mean(self.qualified[tuned]),
            "PP": _mean(self.polyphonicity[tuned]),
            "DP": self.drum_pattern,
            "TD": self.tonal_distance,
        }
        return {name: value for name, value in figures.items() if value == value}


def measure(chunks: Cells | Iterable[Cells]) -> BarMetrics:
    """The metrics of phrases (n, K, bars, 96, 84): an array, or several that follow each other."""
    arrays = [chunks] if isinstance(chunks, np.ndarray) else chunks
    parts = [_measure(a[i : i + _CHUNK]) for a in arrays for i in range(0, len(a), _CHUNK)]
    if not parts:
        return BarMetrics((), (), (), (), np.nan, np.nan, 0)
    bars = np.concatenate([b for b, _ in parts])  # (bars, 5, K)
    pairs = np.concatenate([p for _, p in parts])
    empty, classes, qualified, polyphonic, pattern = (_means(bars[:, i]) for i in range(5))
    drums = float(pattern[0]) if len(empty) == len(TRACKS) else np.nan
    tracks = [tuple(v.tolist()) for v in (empty, classes, qualified, polyphonic)]
    return BarMetrics(tracks[0], tracks[1], tracks[2], tracks[3], drums, _mean(_means(pairs)), len(bars))


def gaps(generated: BarMetrics, training: BarMetrics) -> dict[str, float]:
    """|generated − training| of each figure that both have."""
    mine, theirs = generated.summary(), training.summary()
    return {name: abs(mine[name] - theirs[name]) for name in theirs if name in mine}


def track_gaps(generated: BarMetrics, training: BarMetrics) -> dict[str, float]:
    """|generated − training| of EB, UPC, QN and PP track by track, then the mean over the tracks that both have.

    Stricter than `gaps`: a track that plays too much does not make up for one that plays too little.
    """
    tuned = slice(1, None) if len(training.empty_bars) > 1 else slice(None)
    each = {"EB": "empty_bars", "UPC": "pitch_classes", "QN": "qualified", "PP": "polyphonicity"}
    found = {}
    for name, figures in each.items():
        which = slice(None) if name == "EB" else tuned
        mine, theirs = (np.array(getattr(m, figures))[which] for m in (generated, training))
        found[name] = _mean(np.abs(mine - theirs))
    return {name: value for name, value in found.items() if value == value}


def tonal_distance(one: Cells, other: Cells) -> float:
    """The mean distance of the tonal centroids of two times the same bars (n, K, bars, 96, 84), all tracks of each
    together, over the beats in which both sound."""
    chroma = [_chroma((c != SILENT).any(1).reshape(-1, 1, STEPS, GRID.pitches)) for c in (one, other)]
    apart = np.linalg.norm(tonal_centroids(chroma[0]) - tonal_centroids(chroma[1]), axis=-1)
    return _mean(apart[~np.isnan(apart)])


def tonal_centroids(chroma: npt.ArrayLike) -> Values:
    """(…, 6): where chroma (…, 12), any positive weights of the pitch classes from C, lies on the circles of fifths,
    minor thirds and major thirds, of radius 1, 1 and 1/2 (Harte et al. 2006, eq. 1 and 2). NaN where all is zero."""
    weights = np.asarray(chroma, np.float64)
    turns = np.arange(12)[:, None] * np.array([7 / 6, 3 / 2, 2 / 3]) * np.pi
    circles = np.stack([np.sin(turns), np.cos(turns)], 2) * np.array([1.0, 1.0, 0.5])[:, None]
    with np.errstate(invalid="ignore"):
        result: Values = (weights @ circles.reshape(12, 6)) / weights.sum(-1, keepdims=True)
    return result


def _measure(cells: Cells) -> tuple[Values, Values]:
    """Of each bar of phrases (n, K, bars, 96, 84): (n · bars, 5, K) EB, UPC, QN, PP and DP, NaN where there is none,
    and (n · bars, pairs) TD."""
    cells = cells.transpose(0, 2, 1, 3, 4).reshape(-1, cells.shape[1], STEPS, GRID.pitches)
    sounds = cells != SILENT
    begins = cells == ONSET
    begins[:, :, 0] |= cells[:, :, 0] == HOLD
    begins[:, :, 1:] |= (cells[:, :, 1:] == HOLD) & ~sounds[:, :, :-1]
    splinters = begins.copy()
    splinters[:, :, :-1] &= cells[:, :, 1:] != HOLD
    strokes = begins.sum(3, dtype=np.uint8).astype(np.float64)  # (bars, K, 96); bytes add up ten times faster
    notes = strokes.sum(2)
    chroma = _chroma(sounds)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1 - splinters.sum((2, 3)) / notes
        pattern = strokes @ _ON_PATTERN / notes
    polyphonic = (sounds.sum(3, dtype=np.uint8) >= 2).mean(2)
    empty = notes == 0
    figures = np.stack([empty, (chroma.sum(2) > 0).sum(2), share, polyphonic, pattern], 1)
    return np.where(empty[:, None] & (np.arange(5)[:, None] > 0), np.nan, figures), _distances(chroma)


def _chroma(sounds: npt.NDArray[np.bool_]) -> Values:
    """(bars, K, beats, 12): how many steps each pitch class sounds in each beat of `sounds` (bars, K, 96, 84)."""
    bars, tracks = sounds.shape[:2]
    beats = sounds.reshape(bars, tracks, _BEATS, STEPS // _BEATS, GRID.pitches).sum(3, dtype=np.uint8)
    folded: Values = beats.astype(np.float64) @ (_PITCH_CLASSES[:, None] == np.arange(12)).astype(np.float64)
    return folded


def _distances(chroma: Values) -> Values:
    """(bars, pairs): the tonal distance of each pair of tuned tracks, a mean over the beats in which both sound."""
    centroids = tonal_centroids(chroma)
    pairs = list(combinations(range(1, chroma.shape[1]), 2))
    each = [np.linalg.norm(centroids[:, a] - centroids[:, b], axis=-1) for a, b in pairs]
    return np.stack([_means(d.T) for d in each], 1) if each else np.full((len(chroma), 1), np.nan)


def _means(values: Values) -> Values:
    """Means over the first axis, of what is not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nothing: NaN, which is what is wanted
        means: Values = np.nanmean(values, axis=0)
    return means


def _mean(values: npt.ArrayLike) -> float:
    return float(_means(np.asarray(values, np.float64)))

"""What music is like in numbers: pure functions from a piece to descriptors, each a vector of floats.

    describe(piece)["pitch classes"]      (12,) shares that add up to 1
    DESCRIPTORS["groove"].of(piece)       one number, as (1,)

They are those by which symbolic music is compared with symbolic music: the histograms and counts of Yang & Lerch 2018
("On the evaluation of generative models in music"), scale consistency (Mogren 2016, C-RNN-GAN), groove (Wu & Yang
2020, "The Jazz Transformer") and likeness of bars some way apart (Yu et al. 2022, "Museformer"). A descriptor that a
piece does not have (the pitches of a drum solo, bars sixteen apart in a piece of eight) is NaN all over, and whoever
compares leaves it out.

Drums have no pitch and no length: they count where it is about time and about how much is played, and have a
histogram of their own. Ticks are 24 a quarter. Knows nothing of models, sets of pieces or reports. numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ..events.drums import CLASSES, DRUM_OF_PITCH
from ..piece import DRUMS, TICKS_PER_QUARTER, Notes, Piece

Values = npt.NDArray[np.float64]

LENGTHS = (2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 36, 48, 72, 96, 192)
"""Ticks of the classes of the histograms of time: note values from a 48th to two whole notes, triplets and dots
among them. A time is of the class whose ratio to it is nearest to 1."""

CELL = 6
"""Ticks of the grid on which bars are compared: a sixteenth."""

LAGS = (4, 8, 16)
"""Bars between those that self-similarity compares."""

_EDGES = np.sqrt(np.array(LENGTHS[:-1]) * np.array(LENGTHS[1:]))
_SCALES = np.array([np.roll(np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11)), tonic) for tonic in range(12)])
_HARMONIC = np.array([np.roll(np.isin(np.arange(12), (0, 2, 3, 5, 7, 8, 11)), tonic) for tonic in range(12)])
_EVERY_SCALE = np.concatenate([_SCALES, _HARMONIC]).astype(float)  # natural minor is a major scale from its sixth


@dataclass(frozen=True)
class Descriptor:
    """One of them: how it is computed, and what a reader should know of it."""

    of: Callable[[Piece], Values]
    about: str


def describe(piece: Piece) -> dict[str, Values]:
    """Every descriptor of `piece` by its name."""
    at_24 = piece.at_resolution(TICKS_PER_QUARTER)
    return {name: each.of(at_24) for name, each in DESCRIPTORS.items()}


def pitch_classes(piece: Piece) -> Values:
    """How the notes share out over the twelve pitch classes, C first: (12,), sum 1."""
    return _shares(np.bincount(_tuned(piece)["pitch"] % 12, minlength=12))


def pitch_transitions(piece: Piece) -> Values:
    """How the steps from each top-line note of a part to its next share out over pairs of pitch classes.

    (144,): from C to C, from C to C♯, …; sum 1.
    """
    table = np.zeros((12, 12))
    for line in lines(piece):
        classes = line["pitch"] % 12
        np.add.at(table, (classes[:-1], classes[1:]), 1)
    return _shares(table.reshape(-1))


def pitch_range(piece: Piece) -> Values:
    """Semitones from the lowest to the highest note: (1,)."""
    pitch = _tuned(piece)["pitch"].astype(float)
    return _one(np.ptp(pitch)) if len(pitch) else _one(np.nan)


def inter_onsets(piece: Piece) -> Values:
    """How the times between successive onsets, of whatever part, share out over `LENGTHS`: (15,), sum 1."""
    onsets = np.unique(piece.at_resolution(TICKS_PER_QUARTER).notes["onset"])
    return _shares(_by_length(np.diff(onsets)))


def durations(piece: Piece) -> Values:
    """How the notes' lengths share out over `LENGTHS`: (15,), sum 1."""
    return _shares(_by_length(_tuned(piece.at_resolution(TICKS_PER_QUARTER))["duration"]))


def notes_a_bar(piece: Piece) -> Values:
    """Notes over bars: (1,)."""
    return _one(len(piece) / (len(piece.bar_starts()) - 1)) if len(piece) else _one(np.nan)


def polyphony(piece: Piece) -> Values:
    """How many tuned notes sound at once on average, over the ticks in which any sounds: (1,)."""
    notes = _tuned(piece)
    if not len(notes):
        return _one(np.nan)
    ends = notes["onset"] + notes["duration"]
    change = np.bincount(notes["onset"], minlength=int(ends.max()) + 1) - np.bincount(ends)
    sounding = np.cumsum(change)
    return _one(sounding[sounding > 0].mean())


def scale_consistency(piece: Piece) -> Values:
    """The largest share of the notes that one scale holds, of the twelve major and twelve harmonic minor: (1,)."""
    return _one((_EVERY_SCALE @ pitch_classes(piece)).max())


def groove(piece: Piece) -> Values:
    """How like each other successive bars are in where notes begin: (1,), 0-1.

    1 − |a ⊕ b| / |a ∪ b| of their sets of sixteenths with an onset, on average over bars that are not both empty. (Wu &
    Yang divide by all sixteenths, which makes everything that is sparse alike.)
    """
    return _one(_likeness([frozenset(where.tolist()) for where, _ in _bars(piece)], 1))


def self_similarity(piece: Piece, lag: int) -> Values:
    """How like each other bars `lag` bars apart are: the share of their notes (sixteenth, pitch, drum or not) that they
    have in common, on average over pairs that are not both empty: (1,), 0-1.
    """
    return _one(_likeness([frozenset((where * 256 + what).tolist()) for where, what in _bars(piece)], lag))


def drum_kit(piece: Piece) -> Values:
    """How the drum notes share out over the nine kinds of drum of `events.drums`: (9,), sum 1."""
    pitch = piece.notes["pitch"][piece.notes["program"] == DRUMS]
    return _shares(np.bincount(DRUM_OF_PITCH[pitch], minlength=len(CLASSES)))


DESCRIPTORS: Mapping[str, Descriptor] = {
    "pitch classes": Descriptor(pitch_classes, "shares of the twelve pitch classes"),
    "pitch transitions": Descriptor(pitch_transitions, "shares of steps from one pitch class to another"),
    "pitch range": Descriptor(pitch_range, "semitones from the lowest to the highest note"),
    "inter-onset times": Descriptor(inter_onsets, "shares of the times from onset to onset"),
    "durations": Descriptor(durations, "shares of the note lengths"),
    "notes a bar": Descriptor(notes_a_bar, "notes over bars"),
    "polyphony": Descriptor(polyphony, "notes that sound at once, where any sounds"),
    "scale consistency": Descriptor(scale_consistency, "the largest share of notes in one scale"),
    "groove": Descriptor(groove, "likeness of successive bars' onsets"),
    **{
        f"self-similarity at {lag}": Descriptor(
            partial(self_similarity, lag=lag), f"share of notes in common, {lag} bars apart"
        )
        for lag in LAGS
    },
    "drum kit": Descriptor(drum_kit, "shares of the nine kinds of drum"),
}
"""Every descriptor by its name, in the order of reports."""


def lines(piece: Piece) -> Iterator[Notes]:
    """The melody of each tuned part: its notes in time, the highest where several begin together."""
    notes = _tuned(piece)
    for part in np.unique(notes["part"]):
        mine = notes[notes["part"] == part]  # sorted by onset, then pitch
        yield mine[np.append(np.diff(mine["onset"]) != 0, True)]


def _bars(piece: Piece) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Of each bar, the sixteenths at which its notes begin and what they are: 0-127 pitches, from 128 on drums."""
    piece = piece.at_resolution(TICKS_PER_QUARTER)
    starts, notes = piece.bar_starts(), piece.notes
    bar = np.searchsorted(starts, notes["onset"], side="right") - 1
    where = (notes["onset"] - starts[bar]) // CELL
    what = notes["pitch"].astype(np.int64) + 128 * (notes["program"] == DRUMS)
    cuts = np.searchsorted(bar, np.arange(1, len(starts) - 1))
    return list(zip(np.split(where, cuts), np.split(what, cuts), strict=True))


def _likeness(bars: list[frozenset[int]], lag: int) -> float:
    """|a ∩ b| / |a ∪ b| of sets `lag` apart, on average over pairs that are not both empty; NaN where there is none."""
    pairs = [(a, b) for a, b in zip(bars, bars[lag:], strict=False) if a or b]
    return float(np.mean([len(a & b) / len(a | b) for a, b in pairs])) if pairs else np.nan


def _tuned(piece: Piece) -> Notes:
    tuned: Notes = piece.notes[piece.notes["program"] != DRUMS]
    return tuned


def _by_length(ticks: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """How many of `ticks` are nearest to each of `LENGTHS`."""
    return np.bincount(np.searchsorted(_EDGES, ticks), minlength=len(LENGTHS))


def _shares(counts: npt.NDArray[np.generic]) -> Values:
    whole = counts.astype(np.float64)
    return whole / whole.sum() if whole.sum() else np.full(len(whole), np.nan)


def _one(value: float) -> Values:
    return np.array([value], np.float64)

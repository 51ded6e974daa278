"""A phrase as the bar GAN sees it: a beat of a track is one row of binary numbers, at home in pitch.

n phrases, K tracks, N = 4 · bars beats. A beat holds P = 2 · (steps / grain) · pitches numbers, 0 or 1: whether each
grain (of config.grain steps) and pitch sounds, then whether a note begins there. A (K, bars) mask says what is known.

At home: tuned tracks are moved up until what is known of them lies round D on the circle of fifths, as the white keys
do, so that the networks need not learn all music in twelve keys. numpy only; knows nothing of networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...events.roll import HOLD, ONSET, SILENT, Cells
from ..config import BEATS, OCTAVE, GanConfig

Beats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]
Semitones = npt.NDArray[np.int64]

CHANNELS = 2  # sounding, begins
HOME = 2  # the pitch class round which music at home lies: D


def beats(config: GanConfig) -> int:
    """N: the beats of a phrase."""
    return BEATS * config.bars


def numbers(config: GanConfig) -> int:
    """P: the numbers in a beat of a track."""
    return CHANNELS * (config.steps // config.grain) * config.pitches


def to_beats(cells: Cells, config: GanConfig) -> Beats:
    """Phrases (n, K, bars, 4·steps, pitches) of SILENT, ONSET and HOLD as beats (n, K, N, P).

    A note begins on the grain nearest to its first step, and a grain sounds if its middle step does or a note begins.
    """
    grain, line = config.grain, cells.reshape(*cells.shape[:2], -1, config.pitches)
    onsets = np.zeros(line.shape, np.bool_)
    late = grain // 2
    onsets[:, :, late:] = line[:, :, : line.shape[2] - late] == ONSET
    begins = onsets.reshape(*line.shape[:2], -1, grain, config.pitches).any(3)
    sounding = (line[:, :, (grain - 1) // 2 :: grain] != SILENT) | begins
    channels = np.stack([sounding, begins], 2).reshape(*line.shape[:2], CHANNELS, beats(config), -1)
    result: Beats = channels.swapaxes(2, 3).astype(np.float32).reshape(*line.shape[:2], beats(config), -1)
    return result


def to_cells(rows: npt.NDArray[np.float32] | npt.NDArray[np.bool_], config: GanConfig) -> Cells:
    """The phrases (n, K, bars, 4·steps, pitches) of beats (n, K, N, P): what `to_beats` undoes if grain is 1.

    A note begins on the first step of a grain, and sounds to the end of one.
    """
    each = rows.reshape(*rows.shape[:3], CHANNELS, -1, config.pitches) > 0.5
    sounding, begins = (each[:, :, :, i].reshape(*rows.shape[:2], -1, config.pitches) for i in range(CHANNELS))
    cells = np.where(sounding, HOLD, SILENT).astype(np.uint8)[..., None, :].repeat(config.grain, -2)
    cells[..., 0, :][sounding & begins] = ONSET
    return cells.reshape(*rows.shape[:2], config.bars, config.bar, config.pitches)


def complete(
    rows: npt.NDArray[np.float32] | npt.NDArray[np.bool_],
    given: Cells,
    mask: npt.ArrayLike,
    config: GanConfig,
    home: npt.ArrayLike = 0,
) -> Cells:
    """The phrases (n, K, bars, 4·steps, pitches) that a generator made at `home` (n,), where they belong, with what was
    `given` (the same shape) exactly as it was wherever `mask` (n, K, bars) holds. Elsewhere a hold that follows silence
    begins a note."""
    known = np.asarray(mask)[..., None, None] > 0
    cells = np.where(known, given, moved(to_cells(rows, config), -np.asarray(home), config))
    line = cells.reshape(*cells.shape[:2], -1, cells.shape[-1])
    before = np.zeros_like(line)
    before[:, :, 1:] = line[:, :, :-1]
    lost = ((line == HOLD) & (before == SILENT)).reshape(cells.shape)
    result: Cells = np.where(lost & ~known, ONSET, cells).astype(np.uint8)
    return result


def semitones_home(cells: Cells, mask: npt.ArrayLike, otherwise: npt.ArrayLike, config: GanConfig) -> Semitones:
    """(n,): by how many semitones, 0-11, phrases (n, K, bars, 4·steps, pitches) must go up to be at home, by their
    tuned tracks where `mask` (n, K, bars) holds; `otherwise` (n,) where nothing tuned sounds there."""
    tuned = (
        (cells[:, config.tracks > 1 :] != SILENT)
        .sum(3)
        .sum(2, where=np.asarray(mask)[:, config.tracks > 1 :, :, None] > 0)
    )
    return home_of(tuned.sum(1).reshape(len(cells), -1, OCTAVE).sum(1), otherwise)


def home_of(chroma: npt.ArrayLike, otherwise: npt.ArrayLike) -> Semitones:
    """(n,): the semitones home of music with `chroma` (n, 12), how much each pitch class sounds from C."""
    weights = np.asarray(chroma, np.float64)
    fifths = np.angle(weights @ np.exp(2j * np.pi * 7 / OCTAVE * np.arange(OCTAVE))) * OCTAVE / (2 * np.pi)
    up = (HOME - 7 * np.rint(fifths)) % OCTAVE
    result: Semitones = np.where(weights.any(1), up, otherwise).astype(np.int64)
    return result


def turn_of(noise: npt.ArrayLike, pair: int) -> npt.NDArray[np.float32]:
    """(n,): the angle of the `pair`-th two numbers of normal `noise` (n, Z), as a share 0 … 1 of a turn."""
    first, second = np.asarray(noise)[:, 2 * pair : 2 * pair + 2].T
    turn: npt.NDArray[np.float32] = (np.arctan2(second, first) / (2 * np.pi) % 1).astype(np.float32)
    return turn


def home_from(noise: npt.ArrayLike) -> Semitones:
    """(n,): semitones, 0-11, all as likely, that normal `noise` (n, Z) chooses: keys that follow each other round the
    circle of fifths, so that on a walk from noise to noise they are neighbours."""
    result: Semitones = 7 * np.floor(turn_of(noise, 0) * OCTAVE).astype(np.int64) % OCTAVE
    return result


def moved(cells: Cells, semitones: npt.ArrayLike, config: GanConfig) -> Cells:
    """Phrases (n, K, bars, 4·steps, pitches), their tuned tracks moved up by `semitones` (n,), each less than an
    octave; what leaves the pitches comes back by an octave unless its place is taken. Drums stay."""
    result, first = cells.copy(), int(config.tracks > 1)
    for phrase, up in enumerate(np.broadcast_to(semitones, len(cells)).tolist()):
        old, new, size = cells[phrase, first:], result[phrase, first:], abs(up)
        if up > 0:
            new[..., size:], lost, room = old[..., :-size], old[..., -size:], slice(-OCTAVE, size - OCTAVE)
            new[..., :size] = SILENT
        elif up < 0:
            new[..., :-size], lost, room = old[..., size:], old[..., :size], slice(OCTAVE - size, OCTAVE)
            new[..., -size:] = SILENT
        else:
            continue
        np.copyto(new[..., room], lost, where=new[..., room] == SILENT)
    return result


def chords(given: Any, config: GanConfig) -> tuple[Any, Any, Any]:
    """What tuned tracks play in `given` beats (n, K, N, P), as shares of pitch classes less their mean: in each beat,
    in the same beat half a phrase before, each (n, N, 12), and in all beats, (n, 1, 12).

    Zeros where nothing sounds. Numpy in, numpy out; so with torch.
    """
    tuned = given[:, config.tracks > 1 :, :, : numbers(config) // CHANNELS]
    n = beats(config)
    each = tuned.reshape(*tuned.shape[:3], -1, OCTAVE).sum((1, 3))
    before = each * 0
    before[:, n // 2 :] = each[:, : n - n // 2]
    return _leaning(each), _leaning(before), _leaning(each.sum(1)[:, None])


def _leaning(counts: Any) -> Any:
    total = counts.sum(-1)[..., None]
    return (counts - total / OCTAVE) / (total + 1)


def draw_masks(n: int, config: GanConfig, generator: np.random.Generator) -> Mask:
    """What is known of n phrases in training, (n, K, bars): of a half nothing; of the others by turns one track, all
    tracks but one, the first half of the bars, and the first bars of some of the tracks. Every second time that tracks
    are known, so is the first half of the others, as when an accompaniment goes on. A lone track is never known whole:
    nothing would be left to play."""
    mask = np.zeros((n, config.tracks, config.bars), np.float32)
    for each, kind in zip(mask, generator.integers(8, size=n), strict=True):
        if kind in (4, 5) and config.tracks > 1:
            each[generator.integers(config.tracks)] = 1
            if kind == 5:
                each[:] = 1 - each
            if generator.random() < 0.5:
                each[:, : config.bars // 2] = 1
        elif kind in (4, 5, 6):
            each[:, : config.bars // 2] = 1
        elif kind == 7:
            bars = generator.integers(1, max(2, config.bars))
            each[generator.random(config.tracks) < 0.7, :bars] = 1
    return mask

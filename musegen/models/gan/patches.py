"""A phrase as the bar GAN sees it: patches of a quarter of a beat × an octave, each with two binary channels.

n phrases, K tracks, Q = 16 · bars quarters of a beat, O octaves; a patch holds P = 2 · steps/4/grain · 12 numbers, 0 or
1: whether each grain (of config.grain steps) and pitch sounds, then whether a note begins there. A (K, bars) mask says
what is known.
numpy only; knows nothing of networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...events.roll import HOLD, ONSET, SILENT, Cells
from ..config import OCTAVE, PARTS, GanConfig

Patches = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]

CHANNELS = 2  # sounding, begins


def quarters(config: GanConfig) -> int:
    """Q: the patches of a phrase in time."""
    return config.bars * 4 * PARTS


def octaves(config: GanConfig) -> int:
    """O: the patches of a phrase in pitch."""
    return config.pitches // OCTAVE


def patch(config: GanConfig) -> int:
    """P: the numbers in a patch."""
    return CHANNELS * (config.steps // PARTS // config.grain) * OCTAVE


def to_patches(cells: Cells, config: GanConfig) -> Patches:
    """Phrases (n, K, bars, 4·steps, pitches) of SILENT, ONSET and HOLD as patches (n, K, Q, O, P).

    A grain sounds if one of its steps does, and a note begins there if one begins in any.
    """
    grains = cells.reshape(*cells.shape[:2], -1, config.grain, config.pitches)
    channels = np.stack([(grains != SILENT).any(3), (grains == ONSET).any(3)], 2).astype(np.float32)
    cut = channels.reshape(*cells.shape[:2], CHANNELS, quarters(config), -1, octaves(config), OCTAVE)
    return cut.transpose(0, 1, 3, 5, 2, 4, 6).reshape(*cells.shape[:2], quarters(config), octaves(config), -1)


def to_cells(patches: npt.NDArray[np.float32] | npt.NDArray[np.bool_], config: GanConfig) -> Cells:
    """The phrases (n, K, bars, 4·steps, pitches) of patches (n, K, Q, O, P): what `to_patches` undoes if grain is 1.

    A note begins on the first step of a grain, and sounds to the end of one.
    """
    channels = patches.reshape(*patches.shape[:4], CHANNELS, -1, OCTAVE).transpose(4, 0, 1, 2, 5, 3, 6) > 0.5
    sounding, begins = channels
    cells = np.where(sounding, HOLD, SILENT).astype(np.uint8)[..., None, :, :].repeat(config.grain, -3)
    cells[..., 0, :, :][sounding & begins] = ONSET
    return cells.reshape(*patches.shape[:2], config.bars, config.bar, config.pitches)


def complete(
    patches: npt.NDArray[np.float32] | npt.NDArray[np.bool_], given: Cells, mask: npt.ArrayLike, config: GanConfig
) -> Cells:
    """The phrases (n, K, bars, 4·steps, pitches) that a generator made, with what was `given` (the same shape) exactly
    as it was wherever `mask` (n, K, bars) holds. Elsewhere a hold that follows silence begins a note."""
    known = np.asarray(mask)[..., None, None] > 0
    cells = np.where(known, given, to_cells(patches, config))
    line = cells.reshape(*cells.shape[:2], -1, cells.shape[-1])
    before = np.zeros_like(line)
    before[:, :, 1:] = line[:, :, :-1]
    lost = ((line == HOLD) & (before == SILENT)).reshape(cells.shape)
    result: Cells = np.where(lost & ~known, ONSET, cells).astype(np.uint8)
    return result


def chords(given: Any, config: GanConfig) -> tuple[Any, Any, Any]:
    """What tuned tracks play in `given` patches (n, K, Q, O, P), as shares of pitch classes less their mean: in each
    beat, in the same beat half a phrase before, each (n, beats, 12), and in all beats, (n, 1, 12).

    Zeros where nothing sounds. Numpy in, numpy out; so with torch.
    """
    tuned = given[:, config.tracks > 1 :, ..., : patch(config) // CHANNELS]
    beats = quarters(config) // PARTS
    each = tuned.reshape(*tuned.shape[:2], beats, -1, OCTAVE).sum((1, 3))
    before = each * 0
    before[:, beats // 2 :] = each[:, : beats - beats // 2]
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

"""Music as images for models of piano rolls: rows of steps, columns of pitches, a channel for each track.

Pieces, the voices of the chorales on the 16th grid and the frames of 88 keys all become images. Imports no torch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..events.roll import ONSET, SILENT, Cells, Roll, bar_place, from_piece, of_sounding
from ..events.tracks import by_track
from ..piece import Meter, Piece
from .config import GanConfig, RollConfig


class Image(NamedTuple):
    """`cells` (T, P, K) uint8, `place` (T, 2) of each row in its bar (`events.roll.bar_place`), and how many notes."""

    cells: Cells
    place: npt.NDArray[np.int64]
    notes: int


def of_piece(piece: Piece, config: RollConfig) -> Image:
    """A piece on the model's grid; what that loses, `events.roll.rounding` says. Drums are left out."""
    return of_roll(from_piece(piece, config.grid), config)


def of_roll(roll: Roll, config: RollConfig | GanConfig) -> Image:
    """A roll on the model's grid as an image. Tracks that the model does not have are left out."""
    if isinstance(config, GanConfig):
        cells = by_track(roll, config.tracks).cells
        return Image(cells.transpose(1, 2, 0), roll.bar_place(), int((cells == ONSET).sum()))
    if config.tracks == 1:
        roll = roll.merged()
    cells = np.zeros((config.tracks, *roll.cells.shape[1:]), np.uint8)
    cells[: len(roll.cells)] = roll.cells[: config.tracks]
    if config.one_note:
        cells[(cells != SILENT).cumsum(2) > 1] = SILENT
    if config.states == 2:
        cells = of_sounding(cells != SILENT)
        return Image(
            (cells != SILENT).astype(np.uint8).transpose(1, 2, 0), roll.bar_place(), int((cells == ONSET).sum())
        )
    return Image(cells.transpose(1, 2, 0), roll.bar_place(), int((cells == ONSET).sum()))


def of_keys(keys: npt.NDArray[np.uint8], config: RollConfig, lowest: int = 21) -> Image:
    """Frames of keys (T, N) of 0 and 1, the first being MIDI pitch `lowest`, as an image of one track of two states.

    Keys that the model does not have are left out: `nats_of_keys` counts them.
    """
    cells = np.zeros((1, len(keys), 128), np.bool_)
    cells[0, :, lowest : lowest + keys.shape[1]] = keys
    return _of_sounding(cells[..., config.low : config.low + config.pitches], config)


def of_voices(frames: npt.ArrayLike, config: RollConfig) -> Image:
    """Frames (T, K) of one MIDI pitch for each voice, negative for a rest, as an image of K tracks of one note."""
    grid = np.asarray(frames, np.int64)
    cells = grid.T[..., None] == np.arange(config.low, config.low + config.pitches)
    return _of_sounding(cells, config)


def _of_sounding(sounding: npt.NDArray[np.bool_], config: RollConfig) -> Image:
    place = bar_place((Meter(0),), config.grid, 0, sounding.shape[1])
    notes = int((of_sounding(sounding) == ONSET).sum())
    return Image(sounding.astype(np.uint8).transpose(1, 2, 0), place, notes)


def transpose(image: Image, semitones: int) -> Image:
    """The same music so many semitones up, or as near to that as the image has room for."""
    (used,) = (image.cells != SILENT).any((0, 2)).nonzero()
    if not len(used):
        return image
    semitones = int(np.clip(semitones, -used[0], image.cells.shape[1] - 1 - used[-1]))
    return image._replace(cells=np.roll(image.cells, semitones, 1))

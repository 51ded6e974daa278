"""Augmentation of event rows at load time: key, loudness, speed, and which programs play. numpy only.

Everything is drawn from the generator that is passed in, so a seed repeats it. Special rows, drums and the
NONE values stay what they are. The caller sees to it that only training pieces come here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events.codec import Rows, onsets, skip_rows
from ..piece import DRUMS


@dataclass(frozen=True)
class Augmentation:
    """How much to vary. All zero: nothing changes."""

    transpose: int = 6  # semitones up or down, at most; less where a pitch would leave 0-127
    velocity_scale: float = 0.1  # velocities are multiplied by 1 ± this …
    velocity_offset: float = 6.0  # … and moved by ± this (of 127)
    stretch: float = 0.0  # chance of ×2 or ×1/2; the meter map is not stretched, so use it where meter means little
    rename: float = 0.0  # chance that all programs but drums are exchanged for others


def augment(rows: Rows, rng: np.random.Generator, settings: Augmentation) -> Rows:
    """A varied copy of a piece's event rows (N, 5)."""
    # All draws are made whatever the settings, so that one setting never changes what another one draws.
    shift, scale, offset, chance, faster = rng.random(5)
    rows = transpose(rows, _semitones(rows, settings.transpose, shift))
    rows = louder(rows, 1 + settings.velocity_scale * (2 * scale - 1), settings.velocity_offset * (2 * offset - 1))
    if chance < settings.stretch:
        rows = stretch(rows, 0.5 if faster < 0.5 else 2.0)
    if rng.random() < settings.rename:
        rows = rename(rows, rng.permutation(DRUMS))
    return rows


def _tuned(rows: Rows) -> npt.NDArray[np.bool_]:
    """Which rows are notes that have a pitch: not special, not drums."""
    tuned: npt.NDArray[np.bool_] = at.is_note(rows) & (rows[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT)
    return tuned


def _semitones(rows: Rows, most: int, draw: float) -> int:
    """A whole number of semitones from the part of -most … most that keeps every pitch in 0-127; `draw` in [0, 1)."""
    pitches = rows[_tuned(rows), at.PITCH]
    low = max(-most, -int(pitches.min(initial=127)))
    high = min(most, 127 - int(pitches.max(initial=0)))
    return low + int(draw * (high - low + 1))


def transpose(rows: Rows, semitones: int) -> Rows:
    """A copy with every pitch but drums' moved. Pitches must stay in 0-127."""
    rows = rows.copy()
    rows[_tuned(rows), at.PITCH] += np.int16(semitones)
    return rows


def louder(rows: Rows, factor: float, offset: float) -> Rows:
    """A copy with velocities times `factor` plus `offset`, kept in 1-127 and rounded to the codec's steps."""
    rows = rows.copy()
    note = at.is_note(rows)
    velocity = rows[note, at.VELOCITY] * at.VELOCITY_STEP + at.VELOCITY_STEP / 2
    changed = np.clip(np.round(velocity * factor + offset), 1, 127)
    rows[note, at.VELOCITY] = (changed // at.VELOCITY_STEP).astype(np.int16)
    return rows


def rename(rows: Rows, programs: npt.NDArray[np.integer]) -> Rows:
    """A copy in which `programs[p]` plays what program p played; `programs` is a permutation of 0-127.

    Notes that begin together are put in the codec's order again.
    """
    rows = rows.copy()
    tuned = _tuned(rows)
    old = rows[tuned, at.INSTRUMENT]
    rows[tuned, at.INSTRUMENT] = programs[old // at.COPIES] * at.COPIES + old % at.COPIES
    where = np.flatnonzero(at.is_note(rows))
    notes, now = rows[where], onsets(rows)[where]
    order = np.lexsort((notes[:, at.PITCH], notes[:, at.INSTRUMENT], now))
    rows[where, 1:] = notes[order, 1:]  # shifts stay: each onset's first note has it, the others 0
    return rows


def stretch(rows: Rows, factor: float) -> Rows:
    """A copy with all times times `factor` (2 or 1/2), or `rows` itself where that would leave the grid or its bins."""
    note = at.is_note(rows)
    duration = at.DURATIONS[rows[note, at.DURATION]] * factor
    now = onsets(rows) * factor
    exact = np.isin(duration, at.DURATIONS).all() and (now == np.floor(now)).all()
    if not exact:
        return rows
    keep = rows[:, at.SHIFT] < at.SKIP_BASE
    keep |= rows[:, at.SHIFT] >= at.END  # START, tags and END stay; skips are made anew
    rows = rows.copy()
    rows[note, at.DURATION] = at.duration_bins(duration.astype(np.int64))
    rows, now, note = rows[keep], now[keep].astype(np.int64), note[keep]
    units, rest = np.divmod(np.diff(now, prepend=0), at.LONGEST_SHIFT)
    rows[note, at.SHIFT] = rest[note]
    out = [part for n, row in enumerate(rows) for part in (skip_rows(int(units[n])), row[None])]
    result: Rows = np.concatenate(out).astype(np.int16)
    return result

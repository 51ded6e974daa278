"""The vocabulary of every event attribute: the one place where bins, sizes and special values are written.

An event is one row `(shift, instrument, pitch, velocity, duration)` of an int16 array. `shift` says how
many ticks after the previous onset this note begins; a gap of a 4/4 bar or more is preceded by *skip*
rows, so onsets are always exact. A few values mark rows that are not notes:

    start of piece   (START, -, -, -, -)        never predicted
    style tag        (TAG, FIRST_TAG + i, ...)  never predicted: a condition, straight after START
    hole marker      (TAG, FIRST_TAG + i, ...)  never predicted: i is HOLE_FROM or HOLE_TO (see `holes`)
    skip             (SKIP_BASE + k, -, ...)    2**k times 96 ticks pass, no note
    end of piece     (END, -, -, -, -)

where "-" is the attribute's NONE value. Each attribute's *outputs* are 0 .. outputs-1; its *inputs* add
NONE and the values that are only ever conditions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..piece import DRUMS


class Attribute(NamedTuple):
    """One column of an event: how many values a model may predict, and how many it may be fed."""

    name: str
    outputs: int
    inputs: int

    @property
    def none(self) -> int:
        """The input value that says "this row has no such attribute"."""
        return self.outputs


LONGEST_SHIFT = 96  # shifts 0..95 stand for themselves
SKIPS = LONGEST_SHIFT * 2 ** np.arange(5)  # ticks of each skip: 96, 192, 384, 768, 1536
SKIP_BASE = LONGEST_SHIFT
END = SKIP_BASE + len(SKIPS)
START = END + 1
TAG = START + 1

COPIES = 4
"""Parts that share a program stay apart up to this many: instrument = program * COPIES + copy."""
DRUM_INSTRUMENT = DRUMS * COPIES
INSTRUMENTS = DRUM_INSTRUMENT + 1
TAGS = 64  # values that are only ever conditions
HOLE_FROM, HOLE_TO = TAGS - 2, TAGS - 1
STYLE_TAGS = HOLE_FROM  # the others are room for style tags; their names are the corpus's

VELOCITY_STEP = 4  # velocity bin b stands for 4 * b + 2

DURATIONS = np.concatenate(
    [
        np.arange(1, 97),  # exact to a 4/4 bar
        np.arange(99, 193, 3),
        np.arange(204, 385, 12),
        np.arange(432, 769, 48),
        np.arange(864, 1537, 96),  # to sixteen bars
    ]
)
"""Ticks of each duration bin; a duration becomes the nearest (the shorter of two equally near)."""

SHIFT, INSTRUMENT, PITCH, VELOCITY, DURATION = range(5)

ATTRIBUTES = (
    Attribute("shift", END + 1, TAG + 1),
    Attribute("instrument", INSTRUMENTS, INSTRUMENTS + 1 + TAGS),
    Attribute("pitch", 128, 129),
    Attribute("velocity", 128 // VELOCITY_STEP, 128 // VELOCITY_STEP + 1),
    Attribute("duration", len(DURATIONS), len(DURATIONS) + 1),
)
FIRST_TAG = ATTRIBUTES[INSTRUMENT].none + 1

# shift has no NONE: every row has one, so START takes the place after its outputs.
assert ATTRIBUTES[SHIFT].outputs == START

NO_NOTE = np.array([0] + [a.none for a in ATTRIBUTES[1:]], dtype=np.int16)
"""A row without a note; its shift is still to be filled in."""

_BIN_OF = np.searchsorted((DURATIONS[:-1] + DURATIONS[1:]) / 2, np.arange(DURATIONS[-1] + 1), side="left").astype(
    np.int16
)


def duration_bins(ticks: np.ndarray) -> np.ndarray:
    """The bin of each duration in ticks; longer than the last bin becomes the last bin."""
    bins: np.ndarray = _BIN_OF[np.minimum(ticks, DURATIONS[-1])]
    return bins


def special_row(shift: int) -> np.ndarray:
    """The row `(shift, none, none, none, none)` for START, END or a skip."""
    row = NO_NOTE.copy()
    row[SHIFT] = shift
    return row


def tag_row(index: int) -> np.ndarray:
    """The conditioning row of style tag or hole marker `index` (0 .. TAGS-1)."""
    row = special_row(TAG)
    row[INSTRUMENT] = FIRST_TAG + index
    return row


def is_note(rows: np.ndarray) -> np.ndarray:
    """Which of `rows` (..., 5) are notes."""
    result: np.ndarray = rows[..., SHIFT] < LONGEST_SHIFT
    return result

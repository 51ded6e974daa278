"""What the past implies about the next onset: bar position, meter, and the notes still sounding.

These are functions of the events and the meter map, so models are *given* them rather than made to
rediscover them. `derive` does a whole piece at once, `Tracker` one event at a time for a batch; both end
in the same `_slots`. A *row* (as models see it) is an event plus these columns:

    0-4   the event's attributes                 TIME   ticks since the start
    BAR   ticks since the bar line (≤ 191)       METER  index into METERS
    STYLE the style tag given last (STYLE_TAGS: none), however long ago
    LAST  previous pitch of the same instrument (128: none); LAST_VELOCITY and LAST_DURATION: its bins
    KEY…   twelve counts: how often each pitch class (C first) was among the last 64 rows, drums apart
    RECENT… the sixteen instruments heard last, the latest first
    SLOTS… eight times (instrument, pitch, remaining ticks ≤ 96): the latest notes that end at or after
          this onset, newest first; REMAINING_NONE marks an empty slot

A note that is *held* — a key that is still down — is a row whose DURATION is the attribute's none. It sounds
from its onset on, with REMAINING_CAP, until the row is corrected: whoever feeds rows goes back and feeds it again.

Everything but the LAST three is known once the shift is; those need the instrument too.
"""

from __future__ import annotations

import copy
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..piece import Meter
from . import attributes as at
from .codec import Rows, onsets, shift_ticks

TIME, BAR, METER, STYLE, LAST, LAST_VELOCITY, LAST_DURATION, KEY = range(5, 13)
RECENT = KEY + 12
RECENT_COUNT = 16
SLOTS = RECENT + RECENT_COUNT
KEY_ROWS = 64  # how many rows back pitch classes are counted
SLOT_COUNT = 8
LOOKBACK = 24  # how many rows back a sounding note is looked for
REMAINING_CAP = 96
REMAINING_NONE = REMAINING_CAP + 1
WIDTH = SLOTS + 3 * SLOT_COUNT
BAR_POSITIONS = 192

METERS = ((2, 4), (3, 4), (4, 4), (2, 2), (3, 2), (4, 2), (3, 8), (6, 8), (9, 8), (12, 8), (6, 4), (5, 4), (7, 8))
METER_CLASSES = len(METERS) + 1  # the last: any other

ModelRows = npt.NDArray[np.int32]
_Ints = npt.NDArray[np.int64]

_EMPTY_SLOT = (at.ATTRIBUTES[at.INSTRUMENT].none, at.ATTRIBUTES[at.PITCH].none, REMAINING_NONE)


_FOREVER = 2**40  # the tick at which a held note ends

_LASTS = ((LAST, at.PITCH), (LAST_VELOCITY, at.VELOCITY), (LAST_DURATION, at.DURATION))
_NO_INSTRUMENT = at.ATTRIBUTES[at.INSTRUMENT].none
_TICKS_OF_DURATION = np.append(at.DURATIONS, _FOREVER)  # by input value


def derive(
    rows: Rows, meters: tuple[Meter, ...], since: int = 0, held: npt.NDArray[np.bool_] | None = None
) -> ModelRows:
    """Event `rows` (N, 5), the first counted from tick `since`, with the derived columns added: (N, WIDTH) int32.

    The notes at `held` (N,) are shown as held but are over when they end: what training knows of a held note.
    """
    now = onsets(rows) + since
    end = ends(rows, now)
    if held is not None:
        rows = rows.copy()
        rows[held, at.DURATION] = at.ATTRIBUTES[at.DURATION].none
    return derive_at(rows, now, end, meters, held)


def ends(rows: Rows, now: _Ints) -> _Ints:
    """The tick (N,) at which each note that begins at `now` (N,) ends; -1 for other rows."""
    return np.where(at.is_note(rows), now + _TICKS_OF_DURATION[rows[:, at.DURATION]], -1)


def derive_at(
    rows: Rows, now: _Ints, end: _Ints, meters: tuple[Meter, ...], held: npt.NDArray[np.bool_] | None = None
) -> ModelRows:
    """As `derive`, for rows that need not follow each other by their shifts: each happens at a tick of `now` (N,).

    A note sounds until `end` (N,), -1: not at all.
    """
    n = len(rows)
    note = at.is_note(rows)
    out = np.empty((n, WIDTH), np.int32)
    out[:, :5] = rows
    out[:, TIME] = now
    out[:, BAR], out[:, METER] = bar_position(now, meters)
    out[:, STYLE] = _styles(rows)
    before = _same_instrument_before(rows, note)
    for column, attribute in _LASTS:
        out[:, column] = np.where(before >= 0, rows[before, attribute], at.ATTRIBUTES[attribute].none)
    out[:, KEY:RECENT] = _pitch_classes(rows)
    out[:, RECENT:SLOTS] = _recent_instruments(rows, note)
    past = np.arange(n)[:, None] - 1 - np.arange(LOOKBACK)
    real, past = past >= 0, np.maximum(past, 0)
    notes = np.column_stack([rows[:, [at.INSTRUMENT, at.PITCH]], end])[past]
    notes[..., 2][~real] = -1
    out[:, SLOTS:] = _slots(notes, now, None if held is None else held[past]).reshape(n, -1)
    return out


def bar_position(ticks: _Ints, meters: tuple[Meter, ...]) -> tuple[_Ints, _Ints]:
    """(ticks since the bar line, capped; meter class) at each of `ticks`."""
    starts, bars, kinds = _meter_table(meters)
    i = starts[1:].searchsorted(ticks, side="right")
    return np.minimum((ticks - starts[i]) % bars[i], BAR_POSITIONS - 1), kinds[i]


@lru_cache(64)
def _meter_table(meters: tuple[Meter, ...]) -> tuple[_Ints, _Ints, _Ints]:
    """The start, the ticks of a bar and the class of each meter."""
    kinds = [METERS.index(m[1:]) if m[1:] in METERS else len(METERS) for m in meters]
    return np.array([m.tick for m in meters]), np.array([m.bar_ticks() for m in meters]), np.array(kinds)


def _styles(rows: Rows) -> _Ints:
    """The style (N,) in force before each row."""
    out = np.full(len(rows), at.STYLE_TAGS, np.int64)
    for i in np.flatnonzero(_is_style(rows)):
        out[i + 1 :] = rows[i, at.INSTRUMENT] - at.FIRST_TAG
    return out


def style_after(rows: Rows) -> int:
    """The style in force after `rows` (N, 5)."""
    tags = rows[_is_style(rows), at.INSTRUMENT]
    return int(tags[-1]) - at.FIRST_TAG if len(tags) else at.STYLE_TAGS


def _is_style(rows: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Which rows (…, 5) are style tags."""
    named = rows[..., at.INSTRUMENT] - at.FIRST_TAG
    return (rows[..., at.SHIFT] == at.TAG) & (named >= 0) & (named < at.STYLE_TAGS)  # type: ignore[no-any-return]


def _same_instrument_before(rows: Rows, note: npt.NDArray[np.bool_]) -> _Ints:
    """The row (N,) of each note's instrument's previous note, -1 where there is none."""
    before = np.full(len(rows), -1, np.int64)
    where = np.flatnonzero(note)
    order = where[np.argsort(rows[where, at.INSTRUMENT], kind="stable")]
    same = rows[order[1:], at.INSTRUMENT] == rows[order[:-1], at.INSTRUMENT]
    before[order[1:][same]] = order[:-1][same]
    return before


def _recent_instruments(rows: Rows, note: npt.NDArray[np.bool_]) -> npt.NDArray[np.int16]:
    """The instruments (N, RECENT_COUNT) in use before each row, by their latest note."""
    out = np.full((len(rows), RECENT_COUNT), _NO_INSTRUMENT, np.int16)
    where = np.flatnonzero(note)
    kinds, which = np.unique(rows[where, at.INSTRUMENT], return_inverse=True)
    latest = np.full((len(rows) + 1, len(kinds)), -1, np.int32)
    latest[where + 1, which] = where
    latest = np.maximum.accumulate(latest, axis=0)[:-1]
    order = np.argsort(-latest, axis=1, kind="stable")[:, :RECENT_COUNT]
    used = np.take_along_axis(latest, order, 1) >= 0
    out[:, : order.shape[1]] = np.where(used, kinds[order] if len(kinds) else 0, _NO_INSTRUMENT)
    return out


def _tuned(rows: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Which rows (…, 5) are notes with a pitch."""
    tuned = at.is_note(rows) & (rows[..., at.INSTRUMENT] != at.DRUM_INSTRUMENT)
    return tuned & (rows[..., at.PITCH] < 128)  # type: ignore[no-any-return]


def _pitch_classes(rows: Rows) -> _Ints:
    tuned = np.flatnonzero(_tuned(rows))
    sums = np.zeros((len(rows) + 1, 12), np.int64)
    sums[tuned + 1, rows[tuned, at.PITCH] % 12] = 1
    np.cumsum(sums, axis=0, out=sums)
    last = np.arange(len(rows))
    counts: _Ints = sums[last] - sums[np.maximum(last - KEY_ROWS, 0)]
    return counts


def _slots(notes: _Ints, now: _Ints, held: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int32]:
    """The slots (N, SLOT_COUNT, 3) at `now` (N,), 0 or later.

    Of the candidates `notes` (N, LOOKBACK, 3), newest first: instrument, pitch and end (-1: no note).
    """
    row, candidate = (notes[..., 2] >= now[:, None]).nonzero()
    place = np.arange(len(row)) - row.searchsorted(row)  # those of a row stand together
    alive = notes[row, candidate]
    alive[:, 2] -= now[row]
    if held is not None:
        alive[held[row, candidate], 2] = REMAINING_CAP
    np.minimum(alive[:, 2], REMAINING_CAP, out=alive[:, 2])
    slots = np.empty((len(now), LOOKBACK, 3), np.int32)
    slots[:] = _EMPTY_SLOT
    slots[row, place] = alive
    return slots[:, :SLOT_COUNT]


_CLASSES = np.append(np.arange(128) % 12, 12)
"""The pitch class of each input value of pitch; 12: none."""
_ONE = np.eye(13, 12, dtype=np.int32)
"""What a note of each class adds to the twelve counts."""
_KNOWN = np.append(at.DURATIONS, 0)
"""Ticks of each input value of duration, as far as they are known."""


class Tracker:
    """The derived columns of a growing batch of event sequences that share a meter map.

    `peek(shift)` answers for a next row that has only its shift; `accept` takes it in when it is whole;
    `push(rows)` does both.
    """

    def __init__(self, batch: int, meters: tuple[Meter, ...] = (Meter(0),)) -> None:
        self.meters = meters
        self.now: _Ints = np.zeros(batch, np.int64)
        self._each = np.arange(batch)
        # The latest rows, newest first: instrument, pitch, end (-1: no note) and pitch class.
        self._past: _Ints = np.empty((batch, KEY_ROWS, 4), np.int64)
        self._past[:] = -1, -1, -1, 12
        self._begun = np.empty((batch, WIDTH), np.int32)  # the next row, as far as it does not hang on its shift
        self._begun[:, :5] = at.NO_NOTE
        self._begun[:, STYLE] = at.STYLE_TAGS
        self._begun[:, LAST:KEY] = [at.ATTRIBUTES[a].none for _, a in _LASTS]
        self._begun[:, KEY:RECENT] = 0
        self._begun[:, RECENT:SLOTS] = _NO_INSTRUMENT
        self._silent_from: _Ints = np.zeros(batch, np.int64)
        # By instrument; then for "none", which stays as it is, and a place for what is no note.
        self._last = np.empty((batch, at.INSTRUMENTS + 2, len(_LASTS)), np.int16)
        self._last[:] = self._begun[0, LAST:KEY]

    def copy(self) -> Tracker:
        """One that goes on from here by itself."""
        twin = copy.copy(self)
        twin._past, twin._begun, twin._last = self._past.copy(), self._begun.copy(), self._last.copy()
        return twin

    def peek(self, shift: npt.NDArray[np.int16]) -> ModelRows:
        """Model rows (B, WIDTH) for next events of which only `shift` (B,) is known; the LAST three are unset."""
        now = self.now + shift_ticks(shift)
        out = self._begun.copy()
        out[:, at.SHIFT], out[:, TIME] = shift, now
        out[:, BAR], out[:, METER] = bar_position(now, self.meters)
        out[:, SLOTS:] = _slots(self._past[:, :LOOKBACK, :3], now).reshape(len(now), -1)
        return out

    def recall(self, rows: ModelRows) -> None:
        """Set the LAST three of model rows (B, WIDTH) whose instrument is drawn."""
        rows[:, LAST:KEY] = self._last[self._each, np.minimum(rows[:, at.INSTRUMENT], _NO_INSTRUMENT)]

    @property
    def silent_from(self) -> _Ints:
        """The tick (B,) at which the last of each sequence's notes ends, 0 before the first; a held one counts
        to its onset, so that what waits for silence does not wait for ever."""
        return self._silent_from

    @property
    def last_note(self) -> tuple[_Ints, _Ints]:
        """Instrument and pitch (B,) of each sequence's last row, -1 where that was not a note."""
        return self._past[:, 0, 0], self._past[:, 0, 1]

    def fewer(self, voices: int, wait: _Ints) -> npt.NDArray[np.bool_]:
        """Whether fewer than `voices` of the latest notes still sound after `wait` (V,) ticks: (B, V)."""
        if voices > LOOKBACK:
            return np.ones((len(self.now), len(wait)), np.bool_)
        ends = np.sort(self._past[:, :LOOKBACK, 2], axis=1)
        return ends[:, -voices, None] - self.now[:, None] <= wait

    def push(self, rows: Rows) -> ModelRows:
        """Append events (B, 5); returns them as model rows (B, WIDTH)."""
        out = self.peek(rows[:, at.SHIFT])
        out[:, :5] = rows
        self.recall(out)
        self.accept(out)
        return out

    def accept(self, rows: ModelRows) -> None:
        """Append model rows (B, WIDTH) that `peek` began and whose attributes are now all drawn."""
        instrument, duration, note = rows[:, at.INSTRUMENT], rows[:, at.DURATION], at.is_note(rows)
        self.now = rows[:, TIME].astype(np.int64)
        past, counts = self._past, self._begun[:, KEY:RECENT]
        counts -= _ONE[past[:, -1, 3]]
        past[:, 1:] = past[:, :-1]
        past[:, 0, :2] = np.where(note[:, None], rows[:, at.INSTRUMENT : at.PITCH + 1], -1)
        past[:, 0, 2] = np.where(note, self.now + _TICKS_OF_DURATION[duration], -1)
        past[:, 0, 3] = np.where(note & (instrument != at.DRUM_INSTRUMENT), _CLASSES[rows[:, at.PITCH]], 12)
        counts += _ONE[past[:, 0, 3]]
        self._silent_from = np.maximum(self._silent_from, note * (self.now + _KNOWN[duration]))
        self._last[self._each, np.where(note, instrument, at.INSTRUMENTS + 1)] = rows[:, at.PITCH : at.DURATION + 1]
        self._to_front(instrument, note)
        if not note.all():
            self._begun[:, STYLE] = np.where(_is_style(rows), instrument - at.FIRST_TAG, self._begun[:, STYLE])

    def _to_front(self, instrument: npt.NDArray[np.integer], note: npt.NDArray[np.bool_]) -> None:
        recent = self._begun[:, RECENT:SLOTS]
        new = note & (instrument != recent[:, 0])
        if new.any():
            first = np.where(new, instrument, recent[:, 0])[:, None]
            # What stands behind the instrument's old place stays; what stood before it moves back by one.
            stays = np.logical_or.accumulate(recent[:, :-1] == first, axis=1)
            recent[:, 1:] = np.where(stays, recent[:, 1:], recent[:, :-1])
            recent[:, :1] = first

    def feed(self, rows: Rows) -> ModelRows:
        """Append one sequence of events (T, 5) to every row of the batch; returns its model rows (T, WIDTH)."""
        steps = [self.push(np.repeat(r[None], len(self.now), axis=0))[0] for r in rows]
        return np.stack(steps) if steps else np.empty((0, WIDTH), np.int32)

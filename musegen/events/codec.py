"""Piece ↔ events: the codec, vectorised, and the decoder that streams (contract 2 of the design).

`encode` rounds to 24 ticks a quarter and to the bins of `attributes`; `Rounding` says what that changed.
Knows nothing of models or files. Tempo and meter are carried beside the rows, unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS, NOTE, TICKS_PER_QUARTER, Key, Metadata, Meter, Notes, Piece, Tempo, rescale, rescale_rows
from . import attributes as at

Rows = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Events:
    """A piece in the codec's form: `rows` int16 (N, 5) from START to END, and its timeline at 24 a quarter."""

    rows: Rows
    tempos: tuple[Tempo, ...] = (Tempo(0),)
    meters: tuple[Meter, ...] = (Meter(0),)
    keys: tuple[Key, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Rounding:
    """What encoding changed: counts of notes, and the worst errors in ticks of 1/24 quarter."""

    notes: int
    onsets_moved: int
    worst_onset: float
    durations_changed: int
    worst_duration: float
    velocities_changed: int
    duplicates_dropped: int
    parts_merged: int

    def __str__(self) -> str:
        return (
            f"{self.notes} notes: {self.onsets_moved} onsets moved (≤{self.worst_onset:.2f} ticks), "
            f"{self.durations_changed} durations changed (≤{self.worst_duration:.2f} ticks), "
            f"{self.velocities_changed} velocities rounded, {self.duplicates_dropped} doubled notes dropped, "
            f"{self.parts_merged} parts merged"
        )


class TimedNote(NamedTuple):
    """A decoded note: `onset` and `duration` in ticks, `instrument` as in `attributes`."""

    onset: int
    duration: int
    pitch: int
    velocity: int
    instrument: int

    @property
    def program(self) -> int:
        """0-127, or 128 for drums."""
        return self.instrument // at.COPIES


class EventCodec:
    """Turns pieces into events and back. Stateless; one instance serves everyone."""

    def encode(self, piece: Piece, tags: tuple[int, ...] = ()) -> Events:
        """`piece` as events. `tags` are indices of style tags to put after START."""
        onset, body, _, _ = self.on_grid(piece)
        rows = with_skips(onset, body, 1 + len(tags))
        rows[0] = _START_ROW
        for i, tag in enumerate(tags, 1):
            rows[i] = at.tag_row(tag)
        old = piece.ticks_per_quarter
        tempos = rescale_rows(piece.tempos, old, TICKS_PER_QUARTER)
        meters = rescale_rows(piece.meters, old, TICKS_PER_QUARTER)
        keys = rescale_rows(piece.keys, old, TICKS_PER_QUARTER)
        return Events(rows, tempos, meters, keys, piece.metadata)

    def rounding(self, piece: Piece) -> Rounding:
        """What `encode(piece)` changes."""
        grid, body, order, merged = self.on_grid(piece)
        source = piece.notes[order]
        scale = TICKS_PER_QUARTER / piece.ticks_per_quarter
        onset = np.abs(grid - source["onset"] * scale)
        duration = np.abs(at.DURATIONS[body[:, at.DURATION]] - source["duration"] * scale)
        velocity = body[:, at.VELOCITY] * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
        return Rounding(
            len(piece),
            int((onset > 1e-6).sum()),
            float(onset.max(initial=0)),
            int((duration > 1e-6).sum()),
            float(duration.max(initial=0)),
            int((velocity != source["velocity"]).sum()),
            len(piece) - len(order),
            merged,
        )

    def decode(self, events: Events) -> Piece:
        """The piece that `events` stand for, at 24 ticks a quarter; parts are numbered by instrument."""
        rows = events.rows
        onset = onsets(rows)
        note = at.is_note(rows)
        rows, onset = rows[note], onset[note]
        instruments, part = np.unique(rows[:, at.INSTRUMENT], return_inverse=True)
        notes = np.zeros(len(rows), NOTE)
        notes["onset"] = onset
        notes["duration"] = at.DURATIONS[rows[:, at.DURATION]]
        notes["pitch"] = rows[:, at.PITCH]
        notes["velocity"] = rows[:, at.VELOCITY] * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
        notes["program"] = rows[:, at.INSTRUMENT] // at.COPIES
        notes["part"] = part
        order = np.lexsort((notes["pitch"], notes["part"], notes["onset"]))
        names = ("",) * len(instruments)
        return Piece(notes[order], TICKS_PER_QUARTER, events.tempos, events.meters, events.keys, names, events.metadata)

    def on_grid(self, piece: Piece) -> tuple[npt.NDArray[np.int64], Rows, npt.NDArray[np.int64], int]:
        """(onsets, rows with the shift unset, the surviving notes' places in piece.notes, parts merged)."""
        notes = piece.notes
        ticks = np.empty((2, len(notes)), np.int64)
        ticks[0], ticks[1] = notes["onset"], notes["duration"]
        if piece.ticks_per_quarter != TICKS_PER_QUARTER:
            ticks = rescale(ticks, piece.ticks_per_quarter, TICKS_PER_QUARTER)
        onset, duration = ticks
        instrument, merged = instruments_of(notes)
        key = onset * at.INSTRUMENTS
        key += instrument
        key *= 128
        key += notes["pitch"]
        order = key.argsort(kind="stable")
        key = key.take(order)
        fresh = key[1:] != key[:-1]
        if not fresh.all():
            order = np.concatenate([order[:1], order[1:][fresh]])
        body = np.empty((len(notes), 5), np.int16)
        body[:, at.INSTRUMENT] = instrument
        body[:, at.PITCH] = notes["pitch"]
        body[:, at.VELOCITY] = _VELOCITY_BINS.take(notes["velocity"])
        body[:, at.DURATION] = at.duration_bins(duration)  # bin 0 takes a duration rounded to 0, too
        return onset.take(order), _whole(body).take(order).view(np.int16).reshape(-1, 5), order, merged


def instruments_of(notes: Notes) -> tuple[npt.NDArray[np.int64], int]:
    """The instrument of each note, and how many parts had to share one.

    The parts that share a program are told apart by a copy number 0..3 in part order; the fifth and later
    share copy 3. Drums are one instrument.
    """
    part = notes["part"]
    parts = int(np.maximum.reduce(part, initial=0)) + 1
    pair = notes["program"] * np.int64(parts)
    pair += part
    pairs = np.bincount(pair).nonzero()[0].tolist()  # sorted, as np.unique would have them, but in linear time
    copies: dict[int, int] = {}
    table = np.empty(pairs[-1] + 1 if pairs else 0, np.int64)
    for each in pairs:
        program = each // parts
        copy = copies[program] = copies.get(program, -1) + 1
        table[each] = at.DRUM_INSTRUMENT if program == DRUMS else program * at.COPIES + min(copy, at.COPIES - 1)
    merged = sum(max(0, last - (at.COPIES - 1)) for program, last in copies.items() if program != DRUMS)
    return table.take(pair), merged


def with_skips(onset: npt.NDArray[np.int64], body: Rows, head: int) -> Rows:
    """`head` unset rows, then `body` with its shifts filled in and skips inserted, then END.

    `onset` (N,) counts from the tick of the row before. `body` (N, 5) is written to.
    """
    shift = onset.copy()
    shift[1:] -= onset[:-1]
    long = (shift >= at.LONGEST_SHIFT).nonzero()[0]
    if not len(long):
        rows = np.empty((head + len(body) + 1, 5), np.int16)
        rows[head:-1] = body
        rows[head:-1, at.SHIFT] = shift
    else:
        units = shift[long] // at.LONGEST_SHIFT
        shift[long] %= at.LONGEST_SHIFT
        counts = _skip_counts(units)
        skips = np.repeat(np.tile(_LONGEST_FIRST, len(units)), counts.ravel())
        skip_at = head + np.repeat(long, counts.sum(axis=1)) + np.arange(len(skips))
        rows = np.empty((head + len(skips) + len(body) + 1, 5), np.int16)
        note = np.ones(len(rows), np.bool_)
        note[:head] = note[-1] = note[skip_at] = False
        body[:, at.SHIFT] = shift
        _whole(rows)[note] = _whole(body)
        rows[skip_at] = at.NO_NOTE
        rows[skip_at, at.SHIFT] = skips
    rows[-1] = _END_ROW
    return rows


_VELOCITY_BINS = (np.arange(256) // at.VELOCITY_STEP).astype(np.int16)
_START_ROW, _END_ROW = at.special_row(at.START), at.special_row(at.END)
_WHOLE_ROW = np.dtype((np.void, 10))


def _whole(rows: Rows) -> npt.NDArray[np.void]:
    """`rows` (N, 5), a view with each row as one item: numpy then moves rows twenty times faster."""
    return rows.view(_WHOLE_ROW)[:, 0]


_LONGEST_FIRST = np.arange(len(at.SKIPS) - 1, -1, -1) + at.SKIP_BASE


def _skip_counts(units: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many of each skip (n, 5), longest first, pass each of `units` (n,) times 96 ticks: binary digits."""
    places = np.arange(len(at.SKIPS) - 1, -1, -1)
    counts = units[:, None] >> places & 1
    counts[:, 0] = units >> places[0]
    return counts


def skip_rows(units: int) -> Rows:
    """The skip rows, longest first, that pass `units` times 96 ticks."""
    values = np.repeat(_LONGEST_FIRST, _skip_counts(np.array([units]))[0])
    rows = np.tile(at.NO_NOTE, (len(values), 1))
    rows[:, at.SHIFT] = values
    return rows


_TICKS_OF_SHIFT = np.concatenate([np.arange(at.LONGEST_SHIFT), at.SKIPS, [0, 0, 0]])


def shift_ticks(shift: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """How many ticks pass at each shift value (0 for START, TAG and END)."""
    ticks: npt.NDArray[np.int64] = _TICKS_OF_SHIFT[shift]
    return ticks


def onsets(rows: Rows) -> npt.NDArray[np.int64]:
    """The tick at which each row happens, counting from 0 before the first row."""
    return np.cumsum(shift_ticks(rows[:, at.SHIFT]))


class Decoder:
    """Decodes one row at a time: the same notes as `EventCodec.decode`, as they come.

    `push(row)` returns the note that the row stands for, or None for rows without one. `ended` becomes
    true at END. Time never runs backwards.
    """

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self.ended = False

    def push(self, row: npt.NDArray[np.int16]) -> TimedNote | None:
        """Advance by one event row (5,)."""
        shift, instrument, pitch, velocity, duration = (int(v) for v in row)
        self.now += int(_TICKS_OF_SHIFT[shift])
        if shift == at.END:
            self.ended = True
        if shift >= at.LONGEST_SHIFT:
            return None
        loudness = velocity * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
        return TimedNote(self.now, int(at.DURATIONS[duration]), pitch, loudness, instrument)

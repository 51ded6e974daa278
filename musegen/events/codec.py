"""Piece ↔ events: the codec, vectorised, and the decoder that streams (contract 2 of the design).

`encode` rounds to 24 ticks a quarter and to the bins of `attributes`; `Rounding` says what that changed.
Knows nothing of models or files. Tempo and meter are carried beside the rows, unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..piece import DRUMS, NOTE, TICKS_PER_QUARTER, Key, Metadata, Meter, Notes, Piece, Tempo, rescale
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
        notes = self._to_grid(piece)[0]
        piece24 = replace(piece, notes=piece.notes[:0]).at_resolution(TICKS_PER_QUARTER)
        head = [at.special_row(at.START), *(at.tag_row(t) for t in tags)]
        rows = _with_skips(notes, len(head))
        rows[: len(head)] = head
        return Events(rows, piece24.tempos, piece24.meters, piece24.keys, piece.metadata)

    def rounding(self, piece: Piece) -> Rounding:
        """What `encode(piece)` changes."""
        grid, order, kept, merged = self._to_grid(piece)
        source = piece.notes[order][kept]
        scale = TICKS_PER_QUARTER / piece.ticks_per_quarter
        onset = np.abs(grid[:, 0] - source["onset"] * scale)
        duration = np.abs(at.DURATIONS[grid[:, at.DURATION + 1]] - source["duration"] * scale)
        velocity = grid[:, at.VELOCITY + 1] * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
        return Rounding(
            len(piece),
            int((onset > 1e-6).sum()),
            float(onset.max(initial=0)),
            int((duration > 1e-6).sum()),
            float(duration.max(initial=0)),
            int((velocity != source["velocity"]).sum()),
            len(piece) - len(grid),
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
        return Piece(
            notes[order], TICKS_PER_QUARTER, events.tempos, events.meters, events.keys, names, events.metadata
        )

    def _to_grid(self, piece: Piece) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_], int]:
        """(onset + five attributes with shift unset, order into piece.notes, which survived, parts merged)."""
        notes = piece.notes
        onset, duration = notes["onset"].astype(np.int64), notes["duration"].astype(np.int64)
        if piece.ticks_per_quarter != TICKS_PER_QUARTER:
            onset = rescale(onset, piece.ticks_per_quarter, TICKS_PER_QUARTER)
            duration = rescale(duration, piece.ticks_per_quarter, TICKS_PER_QUARTER)
        instrument, merged = instruments_of(notes)
        pitch = notes["pitch"].astype(np.int64)
        key = (onset * at.INSTRUMENTS + instrument) * 128 + pitch
        order = np.argsort(key, kind="stable")
        key = key[order]
        kept = np.ones(len(key), np.bool_)
        np.not_equal(key[1:], key[:-1], out=kept[1:])
        grid = np.empty((len(key), 6), np.int64)
        grid[:, 0] = onset[order]
        grid[:, at.INSTRUMENT + 1] = instrument[order]
        grid[:, at.PITCH + 1] = pitch[order]
        grid[:, at.VELOCITY + 1] = (notes["velocity"] // at.VELOCITY_STEP)[order]
        grid[:, at.DURATION + 1] = at.duration_bins(np.maximum(duration, 1))[order]
        return (grid if kept.all() else grid[kept]), order, kept, merged


def instruments_of(notes: Notes) -> tuple[npt.NDArray[np.int64], int]:
    """The instrument of each note, and how many parts had to share one.

    The parts that share a program are told apart by a copy number 0..3 in part order; the fifth and later
    share copy 3. Drums are one instrument.
    """
    program = notes["program"].astype(np.int64)
    pairs, inverse = np.unique(program * 65536 + notes["part"], return_inverse=True)
    programs = pairs // 65536
    copy = np.arange(len(pairs)) - np.searchsorted(programs, programs, side="left")
    copy[programs == DRUMS] = 0
    merged = int((copy >= at.COPIES).sum())
    table = programs * at.COPIES + np.minimum(copy, at.COPIES - 1)
    return table[inverse], merged


def _with_skips(grid: npt.NDArray[np.int64], head: int) -> Rows:
    """Rows with room for `head` rows before and END after, the shifts filled in and skips inserted."""
    onset = grid[:, 0]
    shift = np.diff(onset, prepend=0)
    units, rest = np.divmod(shift, at.LONGEST_SHIFT)
    if not units.any():
        rows = np.empty((head + len(grid) + 1, 5), np.int16)
        rows[head:-1, 0] = shift
        rows[head:-1, 1:] = grid[:, 2:]
    else:
        skips = [skip_rows(int(u)) for u in units[units > 0]]
        where = np.repeat(np.flatnonzero(units), [len(s) for s in skips])
        body = np.concatenate([rest[:, None], grid[:, 2:]], axis=1).astype(np.int16)
        body = np.insert(body, where, np.concatenate(skips), axis=0)
        rows = np.empty((head + len(body) + 1, 5), np.int16)
        rows[head:-1] = body
    rows[-1] = at.special_row(at.END)
    return rows


def skip_rows(units: int) -> Rows:
    """The skip rows, longest first, that pass `units` times 96 ticks."""
    counts = []
    for k in range(len(at.SKIPS) - 1, -1, -1):
        n, units = divmod(units, 2**k)
        counts += [at.SKIP_BASE + k] * n
    rows = np.tile(at.NO_NOTE, (len(counts), 1))
    rows[:, at.SHIFT] = counts
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

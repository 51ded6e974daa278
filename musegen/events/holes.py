"""Sequences with a hole: what is kept comes first, then what is missing, so that any order is one chain rule.

    first row [style tag]  FROM TO  kept rows [END]  FROM  the hole's rows END

    log P(x) = log P(kept | the hole's place) + log P(hole | kept)          exactly

A model attends by musical time and not only by place, so rows may stand in any order (Yang et al. 2019, XLNet; Bavarian
et al. 2022, "fill in the middle"). The markers FROM and TO are conditions that stand at the ticks where the hole begins
and ends; they come before the kept rows, because a network that did not know of the hole would have to predict a gap
that it cannot foresee. In FROM's slots stand the hole's instruments, where not all are in it.

A hole may keep attributes of its notes. The kept rows then hold those notes too, with NONE for what is missing (at the
hole's start, where the rhythm is missing); among the hole's rows what is kept is given again, and `known`: it costs
nothing there, for it was paid for before. So are the number of notes, and the hole's END. Where a hole names one
instrument, that is known of all its rows: its place says so.

The derived columns of kept rows come from rows before them in the sequence. Those of a hole's row come from the kept
notes up to its tick and the hole's rows before it, as if it had been played among them. Knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import SettingsError
from ..piece import Meter
from . import attributes as at
from . import derived
from .codec import Rows, onsets, with_skips

KEEP = {"pitch": (at.PITCH,), "rhythm": (at.SHIFT, at.DURATION), "velocity": (at.VELOCITY,)}
"""What a hole may keep of its notes, and which attributes that is; their number and instruments are kept with any."""

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_NONE = np.array([a.none for a in at.ATTRIBUTES])


@dataclass(frozen=True)
class Hole:
    """The notes that begin from tick `start` on and before `end`; only those of `instruments`, if any are named."""

    start: int
    end: int
    instruments: tuple[int, ...] = ()
    keep: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in self.keep:
            if name not in KEEP:
                raise SettingsError(f"{name!r} cannot be kept; choose among {', '.join(KEEP)}.")
        if len(self.keep) == len(KEEP):
            raise SettingsError("Pitch, rhythm and velocity are all kept: nothing is left to fill in.")

    @property
    def kept(self) -> list[int]:
        """The attributes that are kept of the hole's notes."""
        each = [attribute for name in self.keep for attribute in KEEP[name]]
        return [at.INSTRUMENT, *each] if self.keep else []

    @property
    def lost(self) -> list[int]:
        """The attributes that are to be filled in."""
        kept = self.kept
        return [i for i in range(len(at.ATTRIBUTES)) if i not in kept]

    def holds(self, rows: Rows, now: _Ints) -> _Bools:
        """Which of `rows` (N, 5), which happen at `now` (N,), are notes of the hole."""
        inside = at.is_note(rows) & (now >= self.start) & (now < self.end)
        return inside & np.isin(rows[:, at.INSTRUMENT], self.instruments) if self.instruments else inside


class Permuted(NamedTuple):
    """A sequence with a hole: the first `begin` + 1 of `rows` (T, WIDTH) are what a network fills the hole from.

    `known` (T, 5) marks what is given rather than predicted, although it stands in a row that is.
    """

    rows: derived.ModelRows
    known: _Bools
    begin: int


def permute(rows: Rows, meters: tuple[Meter, ...], hole: Hole, since: int = 0, lead: int = 0) -> Permuted:
    """Event `rows` (N, 5), counted from tick `since`, with the notes of `hole` at the end.

    Of the first `lead` rows only the derived columns know. The next one, START in a piece's first window, and a style
    tag after it stay first and are never in the hole.
    """
    now = onsets(rows) + since
    head = lead + 1
    while head < len(rows) and rows[head, at.SHIFT] == at.TAG:
        head += 1
    inside = hole.holds(rows, now)
    inside[:head] = False
    before, known_before = _kept(rows, now, meters, hole, inside, head)
    fill, known = _fill(rows, now, meters, hole, inside)
    markers = np.stack([_marker(at.HOLE_FROM, hole.start, meters, hole), _marker(at.HOLE_TO, hole.end, meters, hole)])
    shown = np.concatenate([before[lead:head], markers, before[head:]])
    nothing = np.zeros((len(shown), len(at.ATTRIBUTES)), np.bool_)
    nothing[len(shown) - len(known_before) :] = known_before
    shown[head - lead :, derived.STYLE] = fill[:, derived.STYLE] = derived.style_after(rows[:head])
    return Permuted(np.concatenate([shown, fill]), np.concatenate([nothing, known]), len(shown))


def _kept(
    rows: Rows, now: _Ints, meters: tuple[Meter, ...], hole: Hole, inside: _Bools, head: int
) -> tuple[derived.ModelRows, _Bools]:
    """The kept rows with all before `head`, and what is known in those after it."""
    shown = np.flatnonzero(at.is_note(rows) & (~inside | bool(hole.keep)))
    shown = shown[shown >= head]
    when = now.copy()
    early = inside & (at.SHIFT in hole.lost)
    when[early] = hole.start
    shown = shown[np.lexsort((~early[shown], when[shown]))]  # a stable sort
    body = rows[shown]
    partial = inside[shown]
    lost = np.array([i for i in hole.lost if i != at.SHIFT], np.int64)
    body[np.ix_(partial, lost)] = _NONE[lost]
    kept = with_skips(when[shown] - now[head - 1], body, 0)
    if rows[-1, at.SHIFT] != at.END:
        kept = kept[:-1]
    known = np.zeros((len(kept), len(at.ATTRIBUTES)), np.bool_)
    known[np.ix_(np.flatnonzero(at.is_note(kept))[partial], lost)] = True
    every = np.concatenate([rows[:head], kept])
    ticks = np.concatenate([now[:head], onsets(kept) + now[head - 1]])
    ends = derived.ends(every, ticks)
    ends[head:][known[:, at.DURATION]] = -1  # it is not known when they sound
    return derived.derive_at(every, ticks, ends, meters), known


def _fill(
    rows: Rows, now: _Ints, meters: tuple[Meter, ...], hole: Hole, inside: _Bools
) -> tuple[derived.ModelRows, _Bools]:
    """FROM, the hole's rows and END, and what is known in them."""
    fill = with_skips(now[inside] - hole.start, rows[inside], 1)
    fill[0] = at.tag_row(at.HOLE_FROM)
    whole = at.is_note(rows) & ~inside
    every = np.concatenate([rows[whole], fill])
    ticks = np.concatenate([now[whole], onsets(fill) + hole.start])
    mine = np.arange(len(every)) >= len(every) - len(fill)
    order = np.lexsort((mine, ticks))  # kept notes that begin with one of the hole's are there first
    every, ticks = every[order], ticks[order]
    filled = derived.derive_at(every, ticks, derived.ends(every, ticks), meters)[mine[order]]
    known = np.zeros((len(fill), len(at.ATTRIBUTES)), np.bool_)
    known[:, hole.kept] = at.is_note(fill)[:, None]
    if hole.keep:
        known[:, at.SHIFT] |= fill[:, at.SHIFT] == at.END
    if at.SHIFT in hole.kept:
        known[:, at.SHIFT] = True
    if len(hole.instruments) == 1:
        known[:, at.INSTRUMENT] = at.is_note(fill)
    return filled, known


def _marker(index: int, tick: int, meters: tuple[Meter, ...], hole: Hole) -> derived.ModelRows:
    """The row of a marker at `tick`, with the hole's first eight instruments in its slots."""
    tracker = derived.Tracker(1, meters)
    tracker.now[:] = tick
    row: derived.ModelRows = tracker.peek(np.zeros(1, np.int16))[0]
    row[:5] = at.tag_row(index)
    instruments = hole.instruments[: derived.SLOT_COUNT]
    row[derived.SLOTS : derived.SLOTS + 3 * len(instruments) : 3] = instruments
    return row

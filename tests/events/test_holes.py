"""Sequences with a hole: nothing is lost, nothing leaks, and each row happens when it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musegen.errors import SettingsError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec, Rows, with_skips
from musegen.events.holes import KEEP, Hole, Permuted, permute
from musegen.piece import Meter, Note, Piece

from .test_codec import exact_pieces

NONES = np.array([a.none for a in at.ATTRIBUTES])


def whole(rows: np.ndarray) -> np.ndarray:
    """Which rows are notes of which nothing is missing."""
    return at.is_note(rows) & (rows[:, 1:5] != NONES[1:]).all(1)


def restore(permuted: Permuted) -> Rows:
    """The rows of a whole piece, START to END, from what was made of them."""
    rows, begin = permuted.rows, permuted.begin
    head = rows[: int(np.flatnonzero(rows[:, at.INSTRUMENT] == at.FIRST_TAG + at.HOLE_FROM)[0])]
    notes = np.concatenate([rows[:begin][whole(rows[:begin])], rows[begin:][whole(rows[begin:])]])
    notes = notes[np.lexsort((notes[:, at.PITCH], notes[:, at.INSTRUMENT], notes[:, derived.TIME]))]
    out = with_skips(notes[:, derived.TIME].astype(np.int64), notes[:, :5].astype(np.int16), len(head))
    out[: len(head)] = head[:, :5]
    return out


@st.composite
def pieces_with_holes(draw: st.DrawFn) -> tuple[Piece, Hole]:
    piece = draw(exact_pieces())
    rows = EventCodec().encode(piece).rows
    instruments = sorted({int(i) for i in rows[at.is_note(rows), at.INSTRUMENT]})
    mine = draw(st.lists(st.sampled_from(instruments), max_size=2, unique=True)) if instruments else []
    keep = draw(st.frozensets(st.sampled_from(sorted(KEEP)), max_size=2))
    start = draw(st.integers(0, piece.end))
    return piece, Hole(start, start + draw(st.integers(1, 400)), tuple(mine), keep)


@settings(deadline=None)
@given(pieces_with_holes(), st.booleans())
def test_nothing_is_lost(case: tuple[Piece, Hole], tagged: bool) -> None:
    piece, hole = case
    rows = EventCodec().encode(piece, (3,) if tagged else ()).rows
    permuted = permute(rows, piece.meters, hole)
    np.testing.assert_array_equal(restore(permuted), rows)
    assert set(permuted.rows[1 + tagged :, derived.STYLE]) == {3 if tagged else at.STYLE_TAGS}, "markers and all"


@settings(deadline=None)
@given(pieces_with_holes())
def test_every_row_happens_where_its_shifts_lead(case: tuple[Piece, Hole]) -> None:
    piece, hole = case
    rows, _, begin = permute(EventCodec().encode(piece).rows, piece.meters, hole)
    ticks = derived.shift_ticks(rows[:, at.SHIFT])
    kept = np.delete(rows[:begin], [1, 2], axis=0)  # the markers stand beside time
    np.testing.assert_array_equal(kept[:, derived.TIME], np.cumsum(np.delete(ticks[:begin], [1, 2])))
    np.testing.assert_array_equal(rows[begin:, derived.TIME], hole.start + np.cumsum(ticks[begin:]))
    assert rows[1, derived.TIME] == rows[begin, derived.TIME] == hole.start and rows[2, derived.TIME] == hole.end
    assert (rows[begin:, derived.TIME] < hole.end).all()
    assert (rows[begin - 1, at.SHIFT], rows[-1, at.SHIFT]) == (at.END, at.END)
    bar, meter = derived.bar_position(rows[:, derived.TIME].astype(np.int64), piece.meters)
    np.testing.assert_array_equal(rows[:, [derived.BAR, derived.METER]], np.stack([bar, meter], 1))


@settings(deadline=None)
@given(pieces_with_holes())
def test_each_attribute_of_each_note_is_predicted_once(case: tuple[Piece, Hole]) -> None:
    piece, hole = case
    plain = EventCodec().encode(piece).rows
    rows, known, begin = permute(plain, piece.meters, hole)
    note = at.is_note(rows)
    predicted = note[:, None] & ~known
    assert not predicted[:, 1:][rows[:, 1:5] == NONES[1:]].any(), "NONE is no answer"
    each = predicted.sum(0)[1:]
    if len(hole.instruments) == 1 and not hole.keep:
        each[0] += at.is_note(rows[begin + 1 :]).sum()  # they need not be told who plays
    assert (each == at.is_note(plain).sum()).all(), "velocity, pitch, duration, instrument of every note"
    lost = rows[:begin][note[:begin] & ~whole(rows[:begin])] if hole.keep else rows[:0]
    times = at.is_note(plain).sum() + (len(lost) if at.SHIFT in hole.lost else 0)
    assert predicted[:, at.SHIFT].sum() == times, "a lost rhythm's shift of 0 says that one more note is in the hole"
    ends = (rows[:, at.SHIFT] == at.END) & ~known[:, at.SHIFT]
    assert ends.sum() == (1 if hole.keep else 2)


@settings(deadline=None)
@given(pieces_with_holes(), st.integers(0, 2**32 - 1))
def test_what_is_kept_knows_nothing_of_the_hole(case: tuple[Piece, Hole], seed: int) -> None:
    piece, hole = case
    rows = EventCodec().encode(piece).rows
    rows, known, begin = permute(rows, piece.meters, hole)
    rng, notes = np.random.default_rng(seed), rows[begin + 1 :][at.is_note(rows[begin + 1 :])]
    other = rows[:begin][whole(rows[:begin])]
    both = np.concatenate([other, notes])
    mine = np.arange(len(both)) >= len(other)
    for attribute in hole.lost:
        if attribute == at.SHIFT:
            both[mine, derived.TIME] = np.sort(rng.integers(hole.start, hole.end, mine.sum()))
        elif attribute != at.INSTRUMENT:
            both[mine, attribute] = rng.integers(0, at.ATTRIBUTES[attribute].outputs, mine.sum())
    order = np.lexsort((both[:, at.PITCH], both[:, at.INSTRUMENT], both[:, derived.TIME]))
    # Notes that change places are another piece where their order is kept; such cases say nothing here.
    if hole.keep and not np.array_equal(order[mine[order]], np.flatnonzero(mine)):
        return
    both = both[order]
    changed = with_skips(both[:, derived.TIME].astype(np.int64), both[:, :5].astype(np.int16), 1)
    changed[0] = at.special_row(at.START)
    again = permute(changed, piece.meters, hole)
    np.testing.assert_array_equal(again.rows[: begin + 1], rows[: begin + 1])
    np.testing.assert_array_equal(again.known[: begin + 1], known[: begin + 1])


def quartet() -> Piece:
    return Piece.from_notes(
        [Note(b * 48, 48, 60 + 5 * part + b, 82, 0, part) for b in range(8) for part in range(3)], meters=(Meter(0),)
    )


def test_a_hole_row_sees_what_sounds_beside_it_and_what_is_filled_in_before() -> None:
    rows, known, begin = permute(EventCodec().encode(quartet()).rows, (Meter(0),), Hole(96, 192, (1,)))
    first, second, end = rows[begin + 1 :]
    assert (first[derived.TIME], first[at.PITCH], second[at.PITCH]) == (96, 67, 68) and end[at.SHIFT] == at.END
    sounding = first[derived.SLOTS :].reshape(-1, 3)
    heard = {(i, p) for i, p, left in sounding.tolist() if left != derived.REMAINING_NONE}
    assert {(0, 62), (2, 72)} <= heard, "both voices that begin with it, also the one that is written after it"
    assert (1, 66) in heard and first[derived.LAST] == 66, "its own last note"
    assert second[derived.LAST] == 67, "the hole's own row before it"
    assert rows[1, derived.SLOTS] == 1 and rows[1, derived.SLOTS + 3] == derived._NO_INSTRUMENT
    assert known[begin + 1 : -1].tolist() == [[False, True, False, False, False]] * 2, "it is said who plays"
    assert not known[: begin + 1].any() and not known[-1].any()


def test_a_lost_rhythm_leaves_the_pitches_at_the_holes_start() -> None:
    hole = Hole(96, 192, (1,), frozenset({"pitch"}))
    rows, known, begin = permute(EventCodec().encode(quartet()).rows, (Meter(0),), hole)
    partial = np.flatnonzero(~whole(rows[:begin]) & at.is_note(rows[:begin]))
    assert rows[partial, derived.TIME].tolist() == [96, 96]
    assert rows[partial, at.PITCH].tolist() == [67, 68]
    assert (rows[partial][:, [at.VELOCITY, at.DURATION]] == NONES[[at.VELOCITY, at.DURATION]]).all()
    assert known[partial].tolist() == [[False, False, False, True, True]] * 2
    end = [True, False, False, False, False]
    assert known[begin + 1 :].tolist() == [[False, True, True, False, False]] * 2 + [end]


def test_a_window_from_the_middle_goes_on_from_its_lead() -> None:
    rows = EventCodec().encode(quartet()).rows
    plain = permute(rows, (Meter(0),), Hole(192, 288))
    cut = permute(rows[1:], (Meter(0),), Hole(192, 288), lead=5)
    np.testing.assert_array_equal(cut.rows[cut.begin :, :], plain.rows[plain.begin :, :])
    assert cut.rows[0, derived.TIME] == 48 and cut.rows[1, at.INSTRUMENT] == at.FIRST_TAG + at.HOLE_FROM


@pytest.mark.parametrize("keep", [{"pitch", "rhythm", "velocity"}, {"timbre"}])
def test_a_hole_that_makes_no_sense_is_one_sentence(keep: set[str]) -> None:
    with pytest.raises(SettingsError, match=r"nothing is left|cannot be kept"):
        Hole(0, 96, (), frozenset(keep))

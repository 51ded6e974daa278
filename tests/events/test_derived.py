"""The derived columns: right on a case worked by hand, and the same all at once and row by row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec
from musegen.piece import DRUMS, Meter, Note, Piece

from .test_codec import exact_pieces


def slots_of(row: np.ndarray) -> list[tuple[int, ...]]:
    slots = row[derived.SLOTS :].reshape(-1, 3)
    return [tuple(s) for s in slots.tolist() if s[2] != derived.REMAINING_NONE]


def test_a_case_by_hand() -> None:
    piece = Piece.from_notes(
        [Note(0, 48, 60), Note(0, 24, 67, part=1), Note(24, 24, 69, part=1), Note(200, 24, 40, program=DRUMS, part=2)],
        meters=(Meter(0, 3, 4), Meter(144, 6, 8)),
    )
    rows = derived.derive(EventCodec().encode(piece).rows, piece.meters)
    start, first, second, third, skip, drum, end = rows
    assert slots_of(start) == [] and slots_of(first) == []
    assert slots_of(second) == [(0, 60, 48)], "the note that began together with it"
    assert slots_of(third) == [(1, 67, 0), (0, 60, 24)], "one ends just now, one goes on; newest first"
    assert third[derived.LAST] == 67 and second[derived.LAST] == 128
    assert third[derived.LAST_VELOCITY] == 20 and third[derived.LAST_DURATION] == 23, "bins of velocity 80, 24 ticks"
    assert third[derived.RECENT : derived.RECENT + 3].tolist() == [1, 0, 513], "the latest first, then none"
    assert skip[derived.TIME] == 24 + 96 and slots_of(skip) == []
    assert drum[derived.TIME] == 200 and drum[derived.BAR] == (200 - 144) % 72
    assert derived.METERS[drum[derived.METER]] == (6, 8) and derived.METERS[third[derived.METER]] == (3, 4)
    assert slots_of(end) == [(at.DRUM_INSTRUMENT, 40, 24)]


@given(exact_pieces(), st.lists(st.integers(0, at.STYLE_TAGS - 1), max_size=2))
def test_tracker_equals_derive(piece: Piece, styles: list[int]) -> None:
    rows = EventCodec().encode(piece, tuple(styles)).rows
    tracker = derived.Tracker(3, piece.meters)
    np.testing.assert_array_equal(tracker.feed(rows), derived.derive(rows, piece.meters))


def test_a_style_is_in_force_from_its_tag_on_and_a_hole_marker_is_none() -> None:
    piece = Piece.from_notes([Note(24 * i, 24, 60) for i in range(400)])
    rows = derived.derive(EventCodec().encode(piece, (7,)).rows, piece.meters)
    assert rows[:2, derived.STYLE].tolist() == [at.STYLE_TAGS] * 2, "START and the tag itself"
    assert set(rows[2:, derived.STYLE].tolist()) == {7}, "however far back the tag is"
    marked = np.stack([at.special_row(at.START), at.tag_row(at.HOLE_FROM), at.tag_row(at.HOLE_TO), rows[5, :5]])
    assert set(derived.derive(marked.astype(np.int16), piece.meters)[:, derived.STYLE]) == {at.STYLE_TAGS}
    assert derived.style_after(rows[:2, :5].astype(np.int16)) == 7


HELD = at.ATTRIBUTES[at.DURATION].none


def with_held(rows: np.ndarray, which: np.ndarray) -> np.ndarray:
    """`rows` as they are fed while the notes at `which` are still down."""
    rows = rows.copy()
    rows[which & at.is_note(rows), at.DURATION] = HELD
    return rows


def some(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(n) < 0.4


def test_a_held_note_sounds_until_it_is_corrected() -> None:
    piece = Piece.from_notes([Note(0, 24, 60), Note(12, 6, 62), Note(192, 24, 64), Note(9600, 24, 65)])
    rows = EventCodec().encode(piece).rows
    which = np.arange(len(rows)) == 1
    _, first, second, skip, third, *_, last, _ = derived.derive(with_held(rows, which), piece.meters)
    assert first[at.DURATION] == HELD and slots_of(first) == []
    assert slots_of(second) == [(0, 60, derived.REMAINING_CAP)] == slots_of(skip) == slots_of(third)
    assert slots_of(last)[-1] == (0, 60, derived.REMAINING_CAP), "ten bars later"
    assert second[derived.LAST] == 60 and second[derived.LAST_DURATION] == HELD
    assert third[derived.LAST_DURATION] == 5, "that of the latest note, 6 ticks, is known"
    _, first, second, skip, *_ = derived.derive(rows, piece.meters, held=which)
    assert first[at.DURATION] == HELD and slots_of(second) == [(0, 60, derived.REMAINING_CAP)]
    assert slots_of(skip) == [], "in training it is over when it is over"


def test_a_held_note_is_no_endless_wait_for_silence() -> None:
    tracker = derived.Tracker(1)
    tracker.push(np.array([[48, 0, 60, 20, HELD]], np.int16))
    assert tracker.silent_from.tolist() == [48]
    assert tracker.fewer(2, np.array([0, 10**6])).all() and not tracker.fewer(1, np.array([0, 10**6])).any()


@given(exact_pieces(), st.integers(0, 99))
def test_tracker_equals_derive_with_held_notes(piece: Piece, seed: int) -> None:
    rows = EventCodec().encode(piece).rows
    rows = with_held(rows, some(len(rows), seed))
    np.testing.assert_array_equal(derived.Tracker(2, piece.meters).feed(rows), derived.derive(rows, piece.meters))


@given(exact_pieces(), st.integers(0, 99))
def test_a_corrected_note_leaves_no_trace(piece: Piece, seed: int) -> None:
    rows = EventCodec().encode(piece).rows
    held, tracker = with_held(rows, some(len(rows), seed)), derived.Tracker(1, piece.meters)
    out = []
    for i, row in enumerate(rows):
        mark = tracker.copy()
        tracker.feed(held[i : i + 3])
        tracker = mark
        out.append(tracker.push(row[None])[0])
    np.testing.assert_array_equal(np.stack(out), derived.derive(rows, piece.meters))
    assert tracker.silent_from[0] == piece.end


@given(exact_pieces(), st.integers(0, 99))
def test_in_training_a_held_note_ends_when_it_ends(piece: Piece, seed: int) -> None:
    rows = EventCodec().encode(piece).rows
    which = some(len(rows), seed) & at.is_note(rows)
    true, shown = derived.derive(rows, piece.meters), derived.derive(rows, piece.meters, held=which)
    np.testing.assert_array_equal(shown[:, :5], with_held(rows, which))
    remaining = np.arange(derived.SLOTS + 2, derived.WIDTH, 3)
    known = np.setdiff1d(np.arange(derived.WIDTH), [at.DURATION, derived.LAST_DURATION, *remaining])
    np.testing.assert_array_equal(shown[:, known], true[:, known])
    empty = derived.REMAINING_NONE
    np.testing.assert_array_equal(shown[:, remaining] == empty, true[:, remaining] == empty)
    changed = (shown != true)[:, remaining]
    assert (shown[:, remaining][changed] == derived.REMAINING_CAP).all()
    live = derived.derive(with_held(rows, which), piece.meters)
    np.testing.assert_array_equal(shown[:, derived.LAST_DURATION], live[:, derived.LAST_DURATION])


def test_peek_knows_what_push_will() -> None:
    piece = Piece.from_notes([Note(i * 20, 50, 60 + i, part=i % 2) for i in range(30)])
    rows = EventCodec().encode(piece).rows
    tracker = derived.Tracker(1, piece.meters)
    for row in rows:
        before = tracker.peek(row[:1])
        before[:, :5] = row
        tracker.recall(before)
        np.testing.assert_array_equal(before, tracker.push(row[None]))


def test_batch_rows_do_not_leak() -> None:
    tracker = derived.Tracker(2)
    other = at.special_row(at.START)
    for i in range(5):
        out = tracker.push(np.stack([[12, 0, 60 + i, 20, 95], other]).astype(np.int16))
    assert slots_of(out[1]) == [] and out[1, derived.TIME] == 0
    assert len(slots_of(out[0])) == 4

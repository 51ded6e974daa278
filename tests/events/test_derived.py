"""The derived columns: right on a case worked by hand, and the same all at once and row by row."""

from __future__ import annotations

import numpy as np
from hypothesis import given

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


@given(exact_pieces())
def test_tracker_equals_derive(piece: Piece) -> None:
    rows = EventCodec().encode(piece).rows
    tracker = derived.Tracker(3, piece.meters)
    np.testing.assert_array_equal(tracker.feed(rows), derived.derive(rows, piece.meters))


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

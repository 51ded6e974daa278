"""Contract 2: encoding loses only what `Rounding` says, decoding is its inverse, time never runs back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musegen.events import attributes as at
from musegen.events.codec import Decoder, EventCodec, onsets, skip_rows
from musegen.piece import DRUMS, Key, Meter, Note, Piece, Tempo

CODEC = EventCodec()


@st.composite
def exact_pieces(draw: st.DrawFn) -> Piece:
    """Pieces that the codec represents exactly: on its grid and bins, parts numbered by program."""
    programs = sorted(draw(st.lists(st.integers(0, 128), min_size=1, max_size=5)))
    programs = [p for i, p in enumerate(programs) if programs[:i].count(p) < (1 if p == DRUMS else at.COPIES)]
    note = st.tuples(
        st.integers(0, 5000),
        st.sampled_from(at.DURATIONS.tolist()),
        st.integers(0, 127),
        st.integers(0, 31).map(lambda b: b * at.VELOCITY_STEP + at.VELOCITY_STEP // 2),
        st.integers(0, len(programs) - 1),
    )
    rows = draw(st.lists(note, max_size=40, unique_by=lambda r: (r[0], r[2], r[4])))
    used = sorted({r[4] for r in rows})
    notes = [Note(o, d, p, v, programs[i], used.index(i)) for o, d, p, v, i in rows]
    return Piece.from_notes(
        notes,
        tempos=(Tempo(0, 400_000), Tempo(960, 600_000)),
        meters=(Meter(0, 3, 4), Meter(720, 6, 8)),
        keys=(Key(0, -2, True),),
        part_names=("",) * len(used),
    )


@given(exact_pieces())
def test_decode_undoes_encode_on_exact_pieces(piece: Piece) -> None:
    assert CODEC.decode(CODEC.encode(piece)) == piece


@given(exact_pieces())
def test_exact_pieces_lose_nothing(piece: Piece) -> None:
    r = CODEC.rounding(piece)
    assert (r.onsets_moved, r.durations_changed, r.velocities_changed, r.duplicates_dropped) == (0, 0, 0, 0)


any_note = st.tuples(
    st.integers(0, 100_000),
    st.integers(1, 20_000),
    st.integers(0, 127),
    st.integers(1, 127),
    st.integers(0, 128),
    st.integers(0, 6),
)


@given(st.lists(any_note, max_size=60), st.sampled_from([24, 96, 220, 480]))
def test_rounding_is_what_happens(notes: list[tuple[int, ...]], resolution: int) -> None:
    piece = Piece.from_notes(notes, resolution)
    events = CODEC.encode(piece)
    r = CODEC.rounding(piece)
    assert int(at.is_note(events.rows).sum()) == len(piece) - r.duplicates_dropped
    assert r.worst_onset <= 0.5
    again = CODEC.decode(events)
    assert np.array_equal(CODEC.encode(again).rows, events.rows), "decoded pieces are exact"
    # The earliest note keeps its place to within half a tick: nothing accumulates.
    if len(piece):
        scale = 24 / resolution
        want = np.unique(np.floor(piece.notes["onset"] * scale + 0.5))
        assert np.array_equal(np.unique(again.notes["onset"]), want)


@given(exact_pieces())
def test_streaming_decoder_equals_decode(piece: Piece) -> None:
    events, decoder = CODEC.encode(piece), Decoder()
    notes = [n for n in map(decoder.push, events.rows) if n]
    assert decoder.ended
    whole = CODEC.decode(events)
    assert sorted((n.onset, n.pitch, n.program, n.duration, n.velocity) for n in notes) == sorted(
        (n.onset, n.pitch, n.program, n.duration, n.velocity) for n in whole
    )
    assert [n.onset for n in notes] == sorted(n.onset for n in notes)


@pytest.mark.parametrize("units", [1, 2, 3, 16, 31, 1000])
def test_skips_add_up(units: int) -> None:
    assert onsets(skip_rows(units))[-1] == units * at.LONGEST_SHIFT


def test_rows_have_the_written_form() -> None:
    piece = Piece.from_notes([Note(0, 24, 60, 82), Note(250, 1, 62, 2, 0, 1), Note(250, 96, 35, 127, DRUMS, 2)])
    none = [a.none for a in at.ATTRIBUTES]
    assert (
        CODEC.encode(piece, tags=(3,)).rows.tolist()
        == [
            [at.START, *none[1:]],
            [at.TAG, at.FIRST_TAG + 3, *none[2:]],
            [0, 0, 60, 20, 23],
            [at.SKIP_BASE + 1, *none[1:]],  # 192 ticks
            [58, 1, 62, 0, 0],
            [0, at.DRUM_INSTRUMENT, 35, 31, 95],
            [at.END, *none[1:]],
        ]
    )


def test_parts_that_share_a_program_stay_apart_up_to_four() -> None:
    piece = Piece.from_notes([Note(24 * i, 24, 60 + i, 80, 48, i) for i in range(6)])
    rows = CODEC.encode(piece).rows
    assert rows[at.is_note(rows), at.INSTRUMENT].tolist() == [192, 193, 194, 195, 195, 195]
    assert CODEC.rounding(piece).parts_merged == 2


def test_doubled_notes_are_dropped_and_counted() -> None:
    piece = Piece.from_notes([Note(0, 24, 60), Note(0, 48, 60), Note(0, 24, 64)])
    assert len(CODEC.decode(CODEC.encode(piece))) == 2
    assert CODEC.rounding(piece).duplicates_dropped == 1


def test_an_empty_piece_is_start_and_end() -> None:
    events = CODEC.encode(Piece.from_notes([]))
    assert events.rows[:, 0].tolist() == [at.START, at.END]
    assert len(CODEC.decode(events)) == 0

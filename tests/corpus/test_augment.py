"""Augmentation keeps what it must and is repeatable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musegen.corpus.augment import Augmentation, augment, louder, rename, stretch, transpose
from musegen.events import attributes as at
from musegen.events.codec import EventCodec, Rows
from musegen.piece import DRUMS, Note, Piece


def piece(low: int = 30, high: int = 100) -> Rows:
    some = [Note(0, 24, low, 10), Note(24, 48, high, 120), Note(24, 12, 60, 80), Note(1200, 96, 64, 64)]
    drums = [Note(24 * i, 6, 36 + i, 90, DRUMS, 1) for i in range(4)]
    return EventCodec().encode(Piece.from_notes(some + drums), tags=(3,)).rows


def special(rows: Rows) -> Rows:
    return rows[~at.is_note(rows)]


@given(st.integers(0, 127), st.integers(0, 127), st.integers(0, 2**32 - 1), st.integers(0, 24))
def test_pitches_stay_in_range_and_all_move_alike(low: int, high: int, seed: int, most: int) -> None:
    rows = piece(low, high)
    out = augment(rows, np.random.default_rng(seed), Augmentation(transpose=most, velocity_scale=0, velocity_offset=0))
    moved = (out - rows)[at.is_note(rows)]
    tuned = rows[at.is_note(rows)][:, at.INSTRUMENT] != at.DRUM_INSTRUMENT
    assert len(set(moved[tuned, at.PITCH].tolist())) == 1
    assert abs(int(moved[tuned, at.PITCH][0])) <= most
    assert not moved[~tuned].any()
    pitches = out[at.is_note(out), at.PITCH]
    assert pitches.min() >= 0
    assert pitches.max() <= 127
    assert np.array_equal(special(out), special(rows))
    assert out.dtype == np.int16


def test_all_transpositions_are_drawn() -> None:
    rows = piece()
    outs = [augment(rows, np.random.default_rng(seed), Augmentation()) for seed in range(300)]
    drawn = {int(out[2, at.PITCH]) - int(rows[2, at.PITCH]) for out in outs}
    assert drawn == set(range(-6, 7))


def test_a_seed_repeats_and_the_source_is_untouched() -> None:
    rows = piece()
    rows.flags.writeable = False
    one = augment(rows, np.random.default_rng(5), Augmentation(stretch=1.0))
    other = augment(rows, np.random.default_rng(5), Augmentation(stretch=1.0))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, rows)


def test_nothing_changes_when_all_is_zero() -> None:
    rows = piece()
    for seed in range(20):
        assert np.array_equal(augment(rows, np.random.default_rng(seed), Augmentation(0, 0.0, 0.0, 0.0)), rows)


def test_one_setting_does_not_change_what_another_draws() -> None:
    rows = piece()
    for seed in range(20):
        quiet = augment(rows, np.random.default_rng(seed), Augmentation(6, 0.0, 0.0))
        loud = augment(rows, np.random.default_rng(seed), Augmentation(6, 0.3, 20.0))
        assert np.array_equal(quiet[:, at.PITCH], loud[:, at.PITCH])


def test_velocity() -> None:
    rows = piece()
    out = louder(rows, 0.5, 10)
    note = at.is_note(rows)
    before = rows[note, at.VELOCITY] * 4 + 2
    assert np.array_equal(out[note, at.VELOCITY], np.round(before * 0.5 + 10) // 4)
    assert np.array_equal(special(out), special(rows))
    assert set(louder(rows, 5, 0)[note, at.VELOCITY].tolist()) <= set(range(32))
    assert louder(rows, 0, -50)[note, at.VELOCITY].max() == 0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_stretch_is_what_the_codec_makes_of_the_stretched_piece(factor: float) -> None:
    notes = [Note(0, 24, 60), Note(48, 12, 62), Note(48, 48, 67), Note(1200, 96, 64), Note(1248, 24, 65)]
    changed = [n._replace(onset=int(n.onset * factor), duration=int(n.duration * factor)) for n in notes]
    codec = EventCodec()
    rows = stretch(codec.encode(Piece.from_notes(notes), tags=(1,)).rows, factor)
    assert np.array_equal(rows, codec.encode(Piece.from_notes(changed), tags=(1,)).rows)


@pytest.mark.parametrize("note", [Note(3, 24, 60), Note(0, 3, 60)])
def test_stretch_leaves_what_would_leave_the_grid(note: Note) -> None:
    rows = EventCodec().encode(Piece.from_notes([note])).rows
    assert stretch(rows, 0.5) is rows
    assert not np.array_equal(stretch(rows, 2.0), rows)


def test_stretch_leaves_durations_that_have_no_bin() -> None:
    rows = EventCodec().encode(Piece.from_notes([Note(0, 99, 60)])).rows
    assert stretch(rows, 2.0) is rows  # 198 lies between bins


def test_transpose_moves_notes_only() -> None:
    rows = piece()
    assert np.array_equal(transpose(transpose(rows, 3), -3), rows)
    assert np.array_equal(special(transpose(rows, 3)), special(rows))


def test_renaming_programs_keeps_the_music_and_the_codecs_order() -> None:
    band = Piece.from_notes(
        [
            Note(0, 24, 60, 82, 0, 0),
            Note(0, 24, 48, 82, 32, 1),
            Note(0, 12, 36, 82, DRUMS, 2),
            Note(200, 24, 62, 82, 0, 0),
        ]
    )
    codec = EventCodec()
    events = codec.encode(band)
    swapped = rename(events.rows, np.arange(127, -1, -1))
    again = codec.decode(replace(events, rows=swapped))
    assert sorted((n.onset, n.pitch, n.program) for n in again) == [
        (0, 36, DRUMS), (0, 48, 95), (0, 60, 127), (200, 62, 127)
    ]  # fmt: skip
    np.testing.assert_array_equal(codec.encode(again).rows, swapped)

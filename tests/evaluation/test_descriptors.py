"""The descriptors of music, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.evaluation.descriptors import (
    DESCRIPTORS,
    LENGTHS,
    describe,
    drum_kit,
    durations,
    groove,
    inter_onsets,
    lines,
    notes_a_bar,
    pitch_classes,
    pitch_range,
    pitch_transitions,
    polyphony,
    scale_consistency,
    self_similarity,
)
from musegen.piece import DRUMS, Meter, Note, Piece

C, D, E, F, G = 60, 62, 64, 65, 67


def tune(*pitches: int, length: int = 24) -> Piece:
    """One note after another."""
    return Piece.from_notes([Note(i * length, length, p) for i, p in enumerate(pitches)])


def share(values: np.ndarray, ticks: int) -> float:
    return float(values[LENGTHS.index(ticks)])


def test_pitches_by_hand() -> None:
    piece = tune(C, E, G, C + 12)
    assert pitch_classes(piece)[[0, 4, 7]].tolist() == [0.5, 0.25, 0.25]
    assert pitch_range(piece).tolist() == [12]
    moved = pitch_transitions(piece).reshape(12, 12)
    assert (moved[0, 4], moved[4, 7], moved[7, 0]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_a_step_goes_from_the_highest_note_of_a_part_to_the_next_of_that_part() -> None:
    chord = [Note(0, 24, C), Note(0, 24, G), Note(24, 24, D)]
    other = [Note(12, 12, F, part=1), Note(36, 12, E, part=1)]
    piece = Piece.from_notes([*chord, *other])
    assert [line["pitch"].tolist() for line in lines(piece)] == [[G, D], [F, E]]
    moved = pitch_transitions(piece).reshape(12, 12)
    assert moved[7, 2] == moved[5, 4] == 0.5


def test_times_by_hand() -> None:
    piece = Piece.from_notes([Note(0, 24, C), Note(24, 12, D), Note(36, 13, E), Note(96, 96, C)])
    between = inter_onsets(piece)  # 24, 12, 60: nearest by ratio of 48 (1.25) and 72 (1.2)
    assert [share(between, t) for t in (24, 12, 72)] == pytest.approx([1 / 3] * 3)
    held = durations(piece)
    assert [share(held, t) for t in (24, 12, 96)] == [0.25, 0.5, 0.25]
    assert notes_a_bar(piece).tolist() == [2]


def test_the_resolution_of_a_file_changes_nothing() -> None:
    piece = tune(C, D, E, F, G, F, E, D, length=12)
    fine = piece.at_resolution(480)
    for name, values in describe(piece).items():
        np.testing.assert_allclose(describe(fine)[name], values, err_msg=name)
        np.testing.assert_allclose(DESCRIPTORS[name].of(fine), values, err_msg=name)


def test_polyphony_counts_where_anything_sounds() -> None:
    two = Piece.from_notes([Note(0, 24, C), Note(0, 48, E), Note(480, 24, G)])
    assert polyphony(two).tolist() == [(2 * 24 + 24 + 24) / 72]


def test_scale_consistency_is_of_the_best_scale() -> None:
    d_major = (2, 4, 6, 7, 9, 11, 13)
    assert scale_consistency(tune(*(60 + p for p in d_major))).tolist() == [1]
    assert scale_consistency(tune(*(60 + p for p in d_major), 63)).tolist() == [7 / 8]
    a_harmonic_minor = (9, 11, 12, 14, 16, 17, 20)
    assert scale_consistency(tune(*(60 + p for p in a_harmonic_minor))).tolist() == [1]
    assert scale_consistency(tune(*range(60, 72))).tolist() == pytest.approx([7 / 12])


def test_groove_compares_onsets_of_successive_bars() -> None:
    same = Piece.from_notes([Note(96 * bar + 24 * beat, 12, 60 + bar) for bar in range(4) for beat in range(4)])
    assert groove(same).tolist() == [1]
    half = Piece.from_notes([Note(0, 12, C), Note(48, 12, C), Note(96, 12, C), Note(96 + 24, 12, C)])
    assert groove(half).tolist() == [pytest.approx(1 / 3)]  # one sixteenth of the three that either has


def test_self_similarity_needs_pitch_and_place_and_bars_so_far_apart() -> None:
    theme = [(0, C), (24, D), (48, E), (72, F)]
    bars = {0: theme, 4: theme, 8: theme[:2]}
    piece = Piece.from_notes([Note(96 * bar + at, 12, p) for bar, notes in bars.items() for at, p in notes])
    assert self_similarity(piece, 4).tolist() == [(1 + 0.5) / 2]  # bars 1-3 and 5-7 are silent
    assert self_similarity(piece, 8).tolist() == [0.5]
    assert np.isnan(self_similarity(piece, 16)).all()
    moved = Piece.from_notes([Note(o, d, p + 1, v) if o >= 384 else Note(o, d, p, v) for o, d, p, v, *_ in piece])
    assert self_similarity(moved, 4).tolist() == [(0 + 0.5) / 2]


def test_bars_follow_the_meter() -> None:
    jig = Piece.from_notes(
        [Note(72 * bar + at, 12, C) for bar in range(4) for at in (0, 12, 24)], meters=(Meter(0, 6, 8),)
    )
    assert groove(jig).tolist() == [1]
    assert notes_a_bar(jig).tolist() == [3]


def test_drums_have_time_and_a_kit_and_no_pitch() -> None:
    beat = [Note(24 * i, 6, (36, 42, 38, 42)[i % 4], program=DRUMS) for i in range(8)]
    solo = describe(Piece.from_notes(beat))
    assert all(np.isnan(solo[name]).all() for name in ("pitch classes", "pitch range", "durations", "polyphony"))
    assert share(solo["inter-onset times"], 24) == 1
    assert solo["groove"].tolist() == [1]
    assert drum_kit(Piece.from_notes(beat))[[0, 1, 2]].tolist() == [0.25, 0.25, 0.5]
    assert np.isnan(solo["self-similarity at 4"]).all()
    with_tune = describe(Piece.from_notes([*beat, Note(0, 24, C), Note(24, 24, G)]))
    assert with_tune["pitch range"].tolist() == [7]


def test_an_empty_piece_has_none() -> None:
    assert all(np.isnan(values).all() for values in describe(Piece.from_notes([])).values())

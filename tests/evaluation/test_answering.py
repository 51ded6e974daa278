"""The figures of answers, on phrases whose every figure can be told by ear."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.evaluation.answering import (
    Phrase,
    cadential,
    in_scale,
    longest_silence,
    mean_within_range,
    notes_a_bar,
    on_beat,
    same_places,
    struck,
    within_range,
)

BAR, BEAT = 96, 24
C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72)


def phrase(pitches: tuple[int, ...], step: int = 24, length: int = 24, start: int = 0, bars: int = 2) -> Phrase:
    """One note after another, `step` ticks apart."""
    notes = [(start + i * step, length, p) for i, p in enumerate(pitches)]
    return Phrase.of(notes, start, start + bars * BAR, BAR, BEAT)


def test_a_note_is_cut_where_the_phrase_ends_and_what_begins_outside_is_left_out() -> None:
    one = Phrase.of([(-1, 9, 60), (190, 30, 62), (0, 5, 64), (192, 5, 65)], 0, 192, BAR, BEAT)
    assert one.notes.tolist() == [[0, 5, 64], [190, 2, 62]]


def test_in_the_scale_of_the_question() -> None:
    assert in_scale(phrase(C_MAJOR), phrase(C_MAJOR)) == 1
    assert in_scale(phrase((60, 61, 62, 66)), phrase(C_MAJOR)) == 0.5
    up = phrase(tuple(p + 6 for p in C_MAJOR))
    assert in_scale(up, up) == 1, "whatever the key"


def test_what_the_question_leaves_open_is_held_against_nobody() -> None:
    """C and G are in six signatures; F sharp in one of them, F in four."""
    open_question = phrase((60, 67))
    sharp, plain = in_scale(phrase((66,)), open_question), in_scale(phrase((65,)), open_question)
    assert 0 < sharp < plain < 1


def test_density() -> None:
    question = Phrase.of([(0, 9, 60), (24, 9, 60), (96, 9, 60)], 0, 192, BAR, BEAT)
    assert notes_a_bar(question).tolist() == [2, 1]
    assert within_range(phrase((60, 60, 60, 60, 60)), question) == 0.5, "four in one bar, one in the other"
    assert mean_within_range(phrase((60, 60, 60)), question) == 1, "one and a half a bar"
    assert mean_within_range(phrase((60, 60, 60, 60, 60)), question) == 0
    assert notes_a_bar(phrase((60,) * 8, start=120)).tolist() == [4, 4], "bars are counted from where it begins"


def test_meter() -> None:
    even, odd = phrase(C_MAJOR), phrase(C_MAJOR, start=6)
    assert same_places(even, even) == 1 and same_places(even, odd) == 0
    assert same_places(phrase((60,) * 4, step=48), even) == pytest.approx(0.5)
    assert (on_beat(even), on_beat(odd)) == (1, 0)
    assert struck(phrase((60,) * 2, step=96), BAR) == 1
    assert struck(phrase((60,) * 2, step=96), BEAT) == 0.25


def test_silence() -> None:
    assert longest_silence(phrase(C_MAJOR)) == 0
    assert longest_silence(phrase((60, 60), step=96, length=12)) == 3.5
    assert longest_silence(Phrase.of([], 0, 192, BAR, BEAT)) == 8
    long_under_short = Phrase.of([(0, 192, 40), (0, 6, 60)], 0, 192, BAR, BEAT)
    assert longest_silence(long_under_short) == 0


def test_a_cadence_is_at_home_on_a_beat_and_not_short() -> None:
    home = frozenset({0, 4, 7})
    notes = [(0, 12, 62), (12, 12, 64), (24, 12, 64), (36, 12, 67), (48, 6, 60), (72, 24, 62), (96, 48, 60)]
    found = cadential(Phrase.of(notes, 0, 192, BAR, BEAT), home)
    assert found.tolist() == [False, False, True, False, False, False, True]
    assert not cadential(Phrase.of(notes, 0, 192, BAR, BEAT), frozenset({1})).any()


def test_of_a_chord_the_outer_notes_say_whether_it_is_at_home() -> None:
    home = frozenset({0, 4, 7})
    for chord, rests in (((48, 65, 69), True), ((50, 65, 72), True), ((50, 64, 69), False)):
        found = cadential(Phrase.of([(0, 24, p) for p in chord], 0, 96, BAR, BEAT), home)
        assert found.tolist() == [rests]


def test_of_nothing() -> None:
    nothing = Phrase.of([], 0, 192, BAR, BEAT)
    assert len(cadential(nothing, frozenset({0}))) == 0
    assert (in_scale(nothing, nothing), on_beat(nothing), same_places(nothing, nothing)) == (0, 0, 0)
    assert np.array_equal(notes_a_bar(nothing), [0, 0])

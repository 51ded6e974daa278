"""The left hand's chord: what it is, how long it lasts."""

from __future__ import annotations

import pytest

from musegen.live.chord import HeldChord
from musegen.live.messages import DRUM_CHANNEL, control, note_off, note_on


def strike(chord: HeldChord, *pitches: int) -> None:
    for pitch in pitches:
        chord.hear(note_on(0, pitch, 80))


def lift(chord: HeldChord, *pitches: int) -> None:
    for pitch in pitches:
        chord.hear(note_off(0, pitch))


def test_a_chord_stays_until_the_next() -> None:
    chord = HeldChord()
    strike(chord, 48, 52, 55)
    assert chord.classes == {0, 4, 7}
    lift(chord, 48, 52, 55)
    assert chord.classes == {0, 4, 7}, "lifting fingers changes nothing"
    strike(chord, 50)
    assert chord.classes == {0, 4, 7}, "one key is a bass note"
    strike(chord, 53, 57)
    assert chord.classes == {2, 5, 9}


def test_common_notes_may_stay_down() -> None:
    chord = HeldChord()
    strike(chord, 48, 52, 55)
    lift(chord, 52, 55)
    strike(chord, 53, 57)
    assert chord.classes == {0, 5, 9}


def test_octaves_are_a_bass_note_too() -> None:
    chord = HeldChord()
    strike(chord, 36, 48)
    assert chord.classes == frozenset()


def test_the_right_hand_and_drums_are_not_the_chord() -> None:
    chord = HeldChord(split=60)
    strike(chord, 60, 64, 67)
    for pitch in (36, 38, 42):
        chord.hear(note_on(DRUM_CHANNEL, pitch, 100))
    assert chord.classes == frozenset()


def test_release_lets_go_and_the_next_key_begins_anew() -> None:
    chord = HeldChord()
    strike(chord, 48, 52)
    assert chord.release() and chord.classes == frozenset()
    assert not chord.release()
    lift(chord, 48, 52)
    strike(chord, 50)
    assert chord.classes == frozenset()


def test_without_latch_it_ends_with_its_last_key() -> None:
    chord = HeldChord(latch=False)
    strike(chord, 48, 52, 55)
    lift(chord, 48, 55)
    assert chord.classes == {0, 4, 7}
    lift(chord, 52)
    assert chord.classes == frozenset()


def test_it_says_when_it_changes() -> None:
    chord = HeldChord()
    said = [chord.hear(m) for m in (note_on(0, 48, 1), note_on(0, 52, 1), note_on(0, 52, 1), note_off(0, 48))]
    assert said == [False, True, False, False]


@pytest.mark.parametrize("end", [control(0, 123, 0), bytes((0x90, 48, 0))])
def test_a_key_that_was_ended_another_way_is_not_held(end: bytes) -> None:
    chord = HeldChord()
    strike(chord, 48)
    chord.hear(end)
    strike(chord, 53, 57)
    assert chord.classes == {5, 9}


def test_other_messages_are_nothing_to_it() -> None:
    chord = HeldChord()
    for message in (bytes((0xF8,)), bytes((0xC0, 5)), bytes((0xE0, 0, 64)), control(0, 64, 127)):
        assert not chord.hear(message)

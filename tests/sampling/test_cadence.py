"""Where an answer may end, and that answers of the shipped model do end there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from musegen.engine import load
from musegen.engine.base import Engine
from musegen.piece import DRUMS, Meter, Piece
from musegen.sampling.cadence import HOME, Close
from musegen.sampling.controls import Controls
from musegen.sampling.duet import Played
from musegen.sampling.improviser import Improviser
from musegen.sampling.plan import Plan
from musegen.sampling.request import Request

FOUR = Meter(0, 4, 4)
C_MAJOR = frozenset({0, 4, 7})


def note(onset: int, pitch: int = 60, duration: int = 12, instrument: int = 0) -> Played:
    return Played(onset, duration, pitch, 80, instrument, -onset - 1, True)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load("default")


class TestClose:
    close = Close(192, FOUR, C_MAJOR)

    def test_it_ends_on_a_beat_in_the_last_half_bar(self) -> None:
        assert self.close.rest([note(144)]) == HOME
        assert self.close.rest([note(168)]) == HOME
        assert self.close.rest([note(156)]) is None, "off the beat"
        assert self.close.rest([note(120)]) is None, "too early"
        assert self.close.rest([note(96, duration=60)]) == HOME, "early, but it rings until late"
        assert self.close.rest([note(96, duration=48)]) is None

    def test_beats_are_those_of_the_meter(self) -> None:
        jig = Close(144, Meter(0, 6, 8), C_MAJOR)
        assert jig.rest([note(108)]) == HOME and jig.rest([note(120)]) is None

    def test_home_is_at_the_top_or_at_the_bottom(self) -> None:
        for pitches, home in (((62, 65, 72), True), ((60, 65, 69), True), ((62, 64, 69), False), ((61,), False)):
            assert self.close.rest([note(144, p) for p in pitches]) == (HOME if home else 0)

    def test_drums_are_nowhere_at_home(self) -> None:
        assert self.close.rest([note(144, 36, instrument=DRUMS * 4)]) == 0
        assert self.close.rest([note(144, 60), note(144, 36, instrument=DRUMS * 4)]) == HOME

    def test_an_empty_bar_is_a_poor_end(self) -> None:
        full = Close(192, FOUR, C_MAJOR, fewest=4)
        one, two, four = (full.rest([*(note(96) for _ in range(n - 1)), note(144)]) for n in (1, 2, 4))
        assert one is not None and two is not None and four == HOME
        assert one < two < four

    def test_the_last_notes_ring_for_a_beat(self) -> None:
        notes = [note(120), note(144, 60, 6), note(144, 64, 36)]
        assert [n.duration for n in self.close.ringing(notes)] == [12, 24, 36]
        assert self.close.ringing([note(180, duration=6)])[0].duration == 12, "not beyond the end"
        assert self.close.ringing([]) == []


def questions() -> Iterator[list[Played]]:
    """Two bars each, in several keys, that end in the middle of a thought."""
    for key in (0, 2, 5, 7, 10):
        steps = (0, 4, 7, 12, 11, 9, 7, 5, 4, 5, 7, 9, 7, 5, 2, 4)
        yield [Played(12 * i, 12, 60 + key + s, 80, 0, i + 1, False) for i, s in enumerate(steps)]


def answer(engine: Engine, question: list[Played], seed_number: int = 0, **request: object) -> list[Played]:
    brain = Improviser(engine, Plan(Piece.from_notes([], meters=(FOUR,))))
    brain.reset(question)
    brain.ask(Request(1, 192, 384, exact=True, seed_number=seed_number, chance_from=192, **request))  # type: ignore[arg-type]
    return [n for _ in range(300) if (n := brain.next())]


def ends_at_home(notes: list[Played], tonic: int) -> bool:
    last = [n for n in notes if n.onset == notes[-1].onset]
    outer = {(last[0].pitch - tonic) % 12, (last[-1].pitch - tonic) % 12}
    return last[0].onset % 24 == 0 and bool(outer & C_MAJOR)


def test_answers_end_on_a_beat_at_home_in_the_questions_key(engine: Engine) -> None:
    """By chance fewer than a third of the notes are such."""
    keys = (0, 2, 5, 7, 10)
    ended = [
        ends_at_home(answer(engine, question, number), key)
        for key, question in zip(keys, questions(), strict=True)
        for number in range(2)
    ]
    assert sum(ended) >= 8, ended


def test_an_answer_repeats_with_its_numbers(engine: Engine) -> None:
    question = next(questions())
    once, again, *others = ([n[:5] for n in answer(engine, question, number)] for number in (3, 3, 4, 5, 6, 7))
    assert once == again
    assert any(other != once for other in others), "two numbers may well give one answer, five hardly"


def test_what_is_handed_out_is_what_the_memory_holds(engine: Engine) -> None:
    """Endings that were drawn and not chosen leave no trace."""
    question = next(questions())
    brain = Improviser(engine, Plan(Piece.from_notes([], meters=(FOUR,))))
    brain.reset(question)
    brain.ask(Request(1, 192, 384, exact=True))
    notes = [n for _ in range(300) if (n := brain.next())]
    assert [n for n in brain._duet.notes if n.own] == notes
    assert all(a.onset <= b.onset for a, b in pairwise(notes))
    assert len({n.number for n in notes}) == len(notes)


def test_a_request_in_the_middle_of_an_ending_begins_anew(engine: Engine) -> None:
    brain = Improviser(engine, Plan(Piece.from_notes([], meters=(FOUR,))))
    brain.reset(next(questions()))
    brain.ask(Request(1, 192, 384, exact=True))
    while (first := brain.next()) is not None and first.onset < 288:
        pass
    assert first is not None, "the last bar has begun"
    brain.ask(Request(2, 480, 576, exact=True))
    notes = [n for _ in range(300) if (n := brain.next())]
    assert notes[0].onset == 480 and all(n.onset < 576 for n in notes)


def test_an_endless_request_has_no_end(engine: Engine) -> None:
    brain = Improviser(engine, Plan(Piece.from_notes([], meters=(FOUR,))))
    brain.reset(next(questions()))
    brain.ask(Request(1, 192))
    assert all(brain.next() is not None for _ in range(60))


def test_a_held_chord_is_where_it_comes_to_rest(engine: Engine) -> None:
    chord = frozenset({1, 6, 10})
    notes = answer(engine, next(questions()), controls=Controls(harmony=chord))
    assert {n.pitch % 12 for n in notes} <= chord and notes[-1].onset % 24 == 0

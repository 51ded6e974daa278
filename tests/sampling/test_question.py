"""What an answer takes from its question: its rhythm, in bars, and how sparse it may be."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.derived import Tracker
from musegen.piece import Meter
from musegen.sampling.duet import Played
from musegen.sampling.question import Question, Rhythm
from musegen.sampling.request import Request, Step

BAR = 96
FOUR = Meter(0, 4, 4)


def player(*onsets: int) -> list[Played]:
    return [Played(onset, 6, 60 + i, 80, 0, i + 1, False) for i, onset in enumerate(onsets)]


def asked(*onsets: int) -> Question:
    return Question(tuple(player(*onsets)), BAR)


def bias(rhythm: Rhythm, now: int = 0, meter: Meter = FOUR) -> np.ndarray:
    """Of one decision at tick `now`."""
    tracker = Tracker(1, (meter,))
    tracker.now[:] = now
    return rhythm.bias(np.zeros((1, derived.WIDTH), np.int32), tracker)[0]


class TestQuestion:
    def test_it_is_as_long_as_the_answer_and_the_players_alone(self) -> None:
        notes = [*player(0, 96, 180, 200, 300, 400), Played(210, 6, 60, 80, 0, -1, True)]
        request = Request(1, 384, 384 + 96, chance_from=384)
        assert [n.onset for n in Question.before(request, notes, BAR).notes] == [200, 300]

    def test_an_answer_that_is_asked_for_again_on_its_way_has_the_same_question(self) -> None:
        notes = player(0, 24, 48)
        first = Question.before(Request(1, 96, 192, chance_from=96), notes, BAR)
        assert Question.before(Request(2, 140, 192, chance_from=96), notes, BAR) == first

    @pytest.mark.parametrize("request_", [Request(1, 96), Request(1, 96, 192, template=(Step(96, 0),), chance_from=96)])
    def test_who_plays_without_end_or_in_a_loop_answers_nothing(self, request_: Request) -> None:
        question = Question.before(request_, player(0, 24), BAR)
        assert (question.notes, question.fewest, question.rhythm()) == ((), 0, ())

    def test_the_sparsest_bar(self) -> None:
        assert asked(0, 24, 48, 96, 120, 192, 216, 240, 288).fewest == 2, "the first and the last may not be whole"
        assert asked(0, 24, 96).fewest == 1
        assert asked(0, 288).fewest == 0


class TestRhythm:
    quarters = asked(*range(0, 384, 24)).rhythm()[0]

    def test_places_of_the_question_win(self) -> None:
        found = bias(self.quarters)
        assert found[24] > found[12] + 0.5 and found[24] > found[23] + 0.5

    def test_who_passes_a_place_by_loses(self) -> None:
        found = bias(self.quarters)
        assert found[24] > found[48] + 0.2 and found[48] > found[72] + 0.2
        assert found[at.SKIP_BASE] < found[72], "a whole bar without a note"

    def test_places_are_counted_in_the_bar(self) -> None:
        found = bias(self.quarters, now=96 + 6)
        assert found[18] > found[24] + 0.5 and found[42] > found[48] + 0.5
        waltz = Question(tuple(player(0, 72, 144)), 72).rhythm()[0]
        assert bias(waltz, now=144, meter=Meter(0, 3, 4))[72] > bias(waltz, now=144, meter=Meter(0, 3, 4))[48] + 0.5

    def test_chords_only_where_the_question_has_some(self) -> None:
        melody = bias(self.quarters)
        chords = bias(asked(*(t for t in range(0, 384, 24) for _ in range(4))).rhythm()[0])
        assert melody[0] < melody[24] - 0.5 and chords[0] > chords[24]

    def test_nothing_is_forbidden(self) -> None:
        assert np.isfinite(bias(self.quarters)).all()

    def test_without_notes_there_is_none(self) -> None:
        assert Question((), BAR).rhythm() == ()

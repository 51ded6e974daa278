"""A duet's memory: whatever comes late, out of order or without an end, it is as if all had been known at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musegen.engine import load
from musegen.engine.base import Engine
from musegen.piece import Meter, Note, Piece
from musegen.sampling.controls import Controls
from musegen.sampling.duet import Duet, Played
from musegen.sampling.improviser import Improvisation, Improviser
from musegen.sampling.plan import Limits, Plan
from musegen.sampling.request import Request, Step
from musegen.sampling.sampler import SamplerSettings

from ..small_corpus import tune

EMPTY = Piece.from_notes([])


@pytest.fixture(scope="module", params=["trained", "untrained"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A small transformer, whose memory is bounded, and an LSTM, whose is not."""
    return load(request.getfixturevalue(request.param))


def duet(engine: Engine, seed: Piece = EMPTY) -> Duet:
    plan = Plan(seed)
    return Duet(engine, plan.prompt(engine.styles), plan.origin, (Meter(0, 4, 4),), SamplerSettings())


def phrase(count: int, start: int = 0) -> list[Played]:
    rng = np.random.default_rng(count)
    onsets = start + np.cumsum(rng.choice([0, 6, 12, 24, 150], count))
    return [Played(int(o), int(rng.integers(1, 60)), 40 + i % 40, 80, 0, i + 1, False) for i, o in enumerate(onsets)]


def context(duet: Duet) -> np.ndarray:
    duet.catch_up()
    return duet._context


def test_notes_in_any_order_make_the_same_memory(engine: Engine) -> None:
    notes = phrase(30)
    one, two, three = duet(engine), duet(engine), duet(engine)
    for note in notes:
        one.hear(note)
        one.catch_up()
    for i in np.random.default_rng(0).permutation(len(notes)):
        two.hear(notes[i])
        two.catch_up()
    three.reset(notes)
    np.testing.assert_allclose(context(one), context(three), atol=1e-4)
    np.testing.assert_allclose(context(two), context(three), atol=1e-4)


def test_a_held_note_is_corrected_when_it_ends(engine: Engine) -> None:
    notes = phrase(20)
    known, late = duet(engine), duet(engine)
    known.reset(notes)
    for note in notes:
        late.hear(note._replace(duration=None))
        late.catch_up()
    assert np.abs(context(late) - context(known)).max() > 1e-3, "an unknown duration makes a difference"
    for note in notes:
        late.end(note.number, note.duration or 0)
    np.testing.assert_allclose(context(late), context(known), atol=1e-4)


def test_what_was_planned_and_not_played_leaves_no_trace(engine: Engine) -> None:
    plan = Plan(EMPTY, limits=Limits(programs=(0,)))
    notes = phrase(20)
    one, two = duet(engine), duet(engine)
    one.reset(notes)
    two.reset(notes)
    for i in range(15):
        two.draw(plan.constraints(), SamplerSettings(), (0, i))
    assert len(two.notes) == 35
    two.forget_plan(notes[-1].onset)
    assert two.notes == one.notes
    np.testing.assert_allclose(context(one), context(two), atol=1e-4)


def test_the_memory_goes_on_far_past_the_networks_own(engine: Engine) -> None:
    plan = Plan(tune(3, 2))
    endless = duet(engine, tune(3, 2))
    drawn = [endless.draw(plan.constraints(), SamplerSettings(), (0, i)) for i in range(560)]
    onsets = [n.onset for n in drawn if n]
    assert onsets == sorted(onsets) and len(onsets) == 560
    assert len({n.number for n in drawn if n}) == 560
    # A correction near the end costs little and is right, wherever the network was begun afresh.
    fresh = duet(engine, tune(3, 2))
    endless.end(drawn[-3].number, 7)  # type: ignore[union-attr]
    changed = context(endless).copy()
    endless.end(drawn[-3].number, drawn[-3].duration or 1)  # type: ignore[union-attr]
    assert np.abs(context(endless) - changed).max() > 1e-5
    fresh.reset(endless.notes)
    assert fresh.notes == endless.notes


def test_a_drawn_note_before_which_time_is_up_is_not_drawn(engine: Engine) -> None:
    plan = Plan(EMPTY, limits=Limits(programs=(0,)))
    one = duet(engine)
    one.reset(phrase(10))
    before = context(one).copy()
    assert one.draw(plan.constraints(), SamplerSettings(), (0,), before=0) is None
    np.testing.assert_array_equal(context(one), before)


# --- the improviser -------------------------------------------------------------------------------------------------


def improviser(checkpoint: Path, seed: Piece = EMPTY, **limits: object) -> Improviser:
    return Improvisation(str(checkpoint), Plan(seed, limits=Limits(**limits))).open()  # type: ignore[arg-type]


def answer(brain: Improviser, request: Request) -> list[Played]:
    brain.ask(request)
    return [note for _ in range(300) if (note := brain.next())]


def test_an_answer_begins_on_its_beat_and_ends_in_time(untrained: Path) -> None:
    for start in (96, 100, 96 * 9):
        brain = improviser(untrained)
        brain.reset([Played(12 * i, 12, 60, 80, 0, i + 1, False) for i in range(8)])
        notes = answer(brain, Request(1, start, start + 192, exact=True, seed_number=start))
        assert notes[0].onset == start
        assert all(start <= n.onset < start + 192 for n in notes)
        assert {n.instrument for n in notes} == {0}


def test_the_same_numbers_in_the_same_situation_make_the_same_music(untrained: Path) -> None:
    takes = []
    for seed_number, shift in ((1, 0), (1, 960), (2, 0)):
        brain = improviser(untrained)
        brain.reset(phrase(8, start=shift))
        start = shift + 480
        notes = answer(brain, Request(1, start, start + 96, seed_number=seed_number, chance_from=start, exact=True))
        takes.append([(n.onset - start, n.pitch, n.velocity, n.duration) for n in notes])
    assert takes[0][0] == takes[1][0], "the same draw ten bars later"
    assert takes[0] != takes[2]


def test_a_rehearsal_leaves_no_trace(untrained: Path) -> None:
    one, two = improviser(untrained), improviser(untrained)
    costs = two.rehearse()
    assert 1 <= len(costs) <= 12 and all(cost > 0 for cost in costs)
    request = Request(1, 0, 192)
    assert [n[:5] for n in answer(one, request)] == [n[:5] for n in answer(two, request)]


def test_the_key_holds_live(untrained: Path) -> None:
    brain = improviser(untrained)
    brain.reset(phrase(8))
    notes = answer(brain, Request(1, 300, 1500, controls=Controls(key="D dorian")))
    assert len(notes) > 5
    assert {n.pitch % 12 for n in notes} <= {0, 2, 4, 5, 7, 9, 11}


def test_without_a_seed_it_stays_near_what_the_player_plays(untrained: Path) -> None:
    brain = improviser(untrained)
    brain.reset([Played(12 * i, 12, 60 + i % 5, 80, 0, i + 1, False) for i in range(8)])
    notes = answer(brain, Request(1, 96, 2000))
    assert all(48 <= n.pitch <= 76 for n in notes)


def test_companions_begin_together_below_and_have_no_end_yet(untrained: Path) -> None:
    brain = improviser(untrained)
    player = Played(50, None, 72, 90, 0, 1, False)
    brain.hear(player)
    notes = brain.companions(Request(1, 50, voices=(192,), controls=Controls(companions=3, key="C major")), player)
    assert len({n.pitch for n in notes}) == 3
    assert all((n.onset, n.duration, n.instrument) == (50, None, 192) and n.pitch < 70 for n in notes)
    assert {n.pitch % 12 for n in notes} <= {0, 2, 4, 5, 7, 9, 11}


def test_companions_are_consonant_until_there_is_a_key_and_then_in_it(untrained: Path) -> None:
    brain = improviser(untrained)
    scale = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79)
    early, late = [], []
    for i in range(40):
        player = Played(24 * i, 20, scale[(5 * i) % len(scale)], 90, 0, i + 1, False)
        brain.hear(player)
        companions = brain.companions(Request(i + 1, player.onset, voices=(192,)), player)
        (early if i < 3 else late if i >= 20 else []).extend((player.pitch, n.pitch) for n in companions)
    assert early and {a - b for a, b in early} <= {3, 4, 5, 7, 8, 9, 12, 15, 16}
    in_key = [b % 12 in {0, 2, 4, 5, 7, 9, 11} for _, b in late]
    assert len(late) > 30 and all(in_key)


def test_a_template_keeps_what_it_is_told_and_draws_the_rest(untrained: Path) -> None:
    brain = improviser(untrained)
    steps = tuple(Step(96 + 12 * i, 0, 60 + i if i % 2 else None, 77, 12) for i in range(8))
    notes = answer(brain, Request(1, 96, 192, template=steps))
    assert [n.onset for n in notes] == [s.onset for s in steps]
    assert [n.pitch for n in notes[1::2]] == [61, 63, 65, 67]
    assert {n.velocity for n in notes[1::2]} == {77}


def test_after_a_seed_it_plays_on_from_there(trained: Path) -> None:
    seed = Piece.from_notes([Note(i * 12, 12, 60 + i % 5, 80, 0, 0) for i in range(16)])
    notes = answer(improviser(trained, seed), Request(1, 0, 192))
    assert notes and notes[0].onset >= 0
    assert all(36 <= n.pitch <= 84 for n in notes)

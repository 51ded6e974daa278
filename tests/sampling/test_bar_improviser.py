"""A partner that makes whole bars hears what was played, makes a bar once, and says what it cannot do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.engine.bars import BarMaker, Wanted, load
from musegen.errors import SettingsError
from musegen.events.roll import HOLD, ONSET, Cells
from musegen.piece import DRUMS, Meter, Piece
from musegen.sampling.bar_improviser import BarImproviser
from musegen.sampling.cast import voices
from musegen.sampling.controls import Controls
from musegen.sampling.duet import Played
from musegen.sampling.plan import Limits, Plan
from musegen.sampling.request import Request, Step
from musegen.sampling.sampler import SamplerSettings

from ..small_gan import band, small_gan

BAR = 96
BAND = (0, 100, 132, 192, 512)  # piano, guitar, bass, strings, drums
NOTHING = Plan(Piece.from_notes([]))
PIANO = 1  # the second of the five tracks


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> BarMaker:
    found = load(small_gan(tmp_path_factory.mktemp("gan")))
    assert isinstance(found, BarMaker)
    return found


class Watched:
    """A maker, and what was wanted of it."""

    def __init__(self, maker: BarMaker) -> None:
        self.config, self.styles, self.obeys = maker.config, maker.styles, maker.obeys
        self.hears, self.at_once, self.bar, self.nats = maker.hears, maker.at_once, maker.bar, maker.nats
        self._maker = maker
        self.wanted: list[Wanted] = []

    def draw(self, wanted: Wanted) -> Cells:
        self.wanted.append(wanted)
        return self._maker.draw(wanted)


class Silent(Watched):
    """One that makes nothing."""

    def draw(self, wanted: Wanted) -> Cells:
        return np.zeros_like(super().draw(wanted))


class Written(Watched):
    """One whose bars are written: chords of strings at the ticks `at`, a half long."""

    at: tuple[int, ...] = (0,)

    def draw(self, wanted: Wanted) -> Cells:
        cells = np.zeros_like(super().draw(wanted))
        for tick in self.at:
            cells[:, tick : tick + 48, 36, 4], cells[:, tick, 36, 4] = HOLD, ONSET
        return cells


def player(onset: int, length: int | None, pitch: int = 60, number: int = 1, instrument: int = 1) -> Played:
    return Played(onset, length, pitch, 90, instrument, number, False)


def request(start: int = 0, end: int | None = None, **how: object) -> Request:
    return Request(1, start, end, BAND, **how)  # type: ignore[arg-type]


def notes(brain: BarImproviser, until: int) -> list[Played]:
    """What it plays up to tick `until`."""
    got: list[Played] = []
    while (note := brain.next()) is not None:
        if note.onset >= until:
            break
        got.append(note)
    return got


def music(played: list[Played]) -> list[tuple[int, ...]]:
    return [(n.onset, n.duration or 0, n.pitch, n.velocity, n.instrument) for n in played]


def test_the_bars_that_it_goes_on_from_are_those_that_were_played(maker: BarMaker) -> None:
    watched = Watched(maker)
    brain = BarImproviser(watched, NOTHING)
    for i, (onset, length) in enumerate(((0, 24), (30, 12), (100, None))):
        brain.hear(player(onset, length, 60 + i, i + 1))
    brain.hear(player(110, 6, 38, 9, 512))
    brain.end(2, 20)
    brain.ask(request(192))
    brain.next()
    cells = watched.wanted[0].above.cells
    assert cells.shape == (192, 84, 5)
    piano = {36 + i: cells[:, 36 + i, PIANO].tolist() for i in range(3)}
    assert piano[36] == [ONSET, *[HOLD] * 23, *[0] * 168]
    assert piano[37] == [*[0] * 30, ONSET, *[HOLD] * 19, *[0] * 142], "a key that went up has ended"
    assert piano[38] == [*[0] * 100, ONSET, *[HOLD] * 91], "one that is down sounds on"
    assert (
        cells[:, 14, 0].nonzero()[0].tolist() == list(range(110, 116)) and cells.any((0, 1)).tolist()[2:] == [False] * 3
    )


def test_it_hears_itself_and_the_seed_as_well(maker: BarMaker) -> None:
    watched = Watched(maker)
    brain = BarImproviser(watched, Plan(band(1)))
    brain.ask(request())
    own = notes(brain, 3 * BAR)
    first, second, third = (w.above.cells for w in watched.wanted[:3])
    assert first[:BAR].any() and first[BAR:].any() and not np.array_equal(first, second)
    np.testing.assert_array_equal(second[-2 * BAR : -BAR], first[-BAR:])
    bar = [n for n in own if n.onset < BAR]
    begun = np.argwhere(third[-2 * BAR : -BAR] == ONSET)[:, :2].tolist()
    assert {(n.onset, n.pitch - 24) for n in bar} == {(step, pitch) for step, pitch in begun}


def test_equal_situations_give_equal_notes_and_a_bar_is_made_once(maker: BarMaker) -> None:
    watched = Watched(maker)
    brain = BarImproviser(watched, Plan(band(1)))
    brain.ask(request())
    first = notes(brain, 4 * BAR)
    made = len(watched.wanted)
    brain.ask(request())
    assert music(notes(brain, 4 * BAR)) == music(first) and len(watched.wanted) == made
    again = BarImproviser(Watched(maker), Plan(band(1)))
    again.ask(request())
    assert music(notes(again, 4 * BAR)) == music(first)
    again.ask(request(seed_number=1))
    assert music(notes(again, 4 * BAR)) != music(first)
    assert len({n.number for n in first}) == len(first) and all(n.own and n.number < 0 for n in first)


def test_planned_anew_within_a_bar_it_plays_the_rest_of_that_bar(maker: BarMaker) -> None:
    watched = Watched(maker)
    brain = BarImproviser(watched, Plan(band(1)))
    brain.ask(request())
    before = notes(brain, 4 * BAR)
    assert not any(w.above.cells[:, 60, PIANO].any() for w in watched.wanted)
    brain.hear(player(100, None, 84))  # changes the bars after this one
    brain.ask(request(BAR + 30, chance_from=0))
    after = notes(brain, 4 * BAR)
    rest = [n for n in music(before) if BAR + 30 <= n[0] < 2 * BAR]
    assert [n for n in music(after) if n[0] < 2 * BAR] == rest
    assert all(n.onset >= BAR + 30 for n in after)
    key = watched.wanted[-1].above.cells[:, 60, PIANO]
    (struck,) = key.nonzero()[0][:1].tolist()
    assert (len(key) - struck) % BAR == BAR - 4 and key[struck] == ONSET and (key[struck + 1 :] == HOLD).all()


def test_what_is_taken_back_was_never_played(maker: BarMaker) -> None:
    brain, fresh = (BarImproviser(maker, Plan(band(1))) for _ in range(2))
    brain.ask(request())
    kept = [n for n in notes(brain, 4 * BAR) if n.onset < BAR]
    brain.hear(player(200, 24))
    moved = [n._replace(onset=n.onset + 4 * BAR) for n in kept]  # an undo: what is left leads to what comes
    for each in (brain, fresh):
        each.reset(moved)
        each.ask(request(5 * BAR))
    got = notes(brain, 7 * BAR)
    assert music(got) == music(notes(fresh, 7 * BAR))
    assert min(n.number for n in moved) > max(n.number for n in got), "numbers are not given twice"


def test_forgotten_is_not_played(maker: BarMaker) -> None:
    brain = BarImproviser(maker, Plan(band(1)))
    brain.ask(request())
    assert brain.next() is not None
    brain.forget(0)
    assert brain.next() is None


def test_an_answer_hears_the_bar_it_begins_in_begins_exactly_and_ends(maker: BarMaker) -> None:
    watched = Written(maker)
    brain = BarImproviser(watched, NOTHING)
    brain.hear(player(0, 20))
    for at, want in (((0,), [(24, 24)]), ((60,), [(24, 84)]), ((3, 24), [(24, 48)]), ((50, 70), [(24, 46)])):
        watched.at = at
        brain.reset([player(0, 20)])
        brain.ask(request(24, BAR, exact=True, seed_number=sum(at)))
        got = [(n.onset, n.duration) for n in notes(brain, 2 * BAR)]
        assert got[0] == want[0], at
        assert watched.wanted[-1].above.cells[0, 36, PIANO] == ONSET
        assert brain.next() is None


def test_bars_without_notes_are_made_again_and_then_it_ends(maker: BarMaker) -> None:
    watched = Silent(maker)
    brain = BarImproviser(watched, NOTHING)
    brain.ask(request())
    assert brain.next() is None
    chances = {w.generators[0].bit_generator.state["state"]["state"] for w in watched.wanted}
    assert len(watched.wanted) == 64 and len(chances) == 16


def test_who_plays_is_asked_for_key_and_loudness_turn(maker: BarMaker) -> None:
    brain = BarImproviser(maker, Plan(band(1)))
    brain.ask(request())
    free = notes(brain, 6 * BAR)
    assert {n.instrument for n in free} == set(BAND) and {n.pitch % 12 for n in free} - {0, 4, 7}
    brain.ask(replace(request(controls=Controls(harmony=frozenset((0, 4, 7)), velocity=1.0)), voices=(0, 512)))
    got = notes(brain, 6 * BAR)
    assert {n.instrument for n in got} == {0, 512}
    assert {n.pitch % 12 for n in got if n.program != DRUMS} <= {0, 4, 7}
    assert {n.velocity for n in got if n.instrument == 512} == {122}, "90 in the seed, and louder"


def test_what_it_cannot_do_is_said_once(maker: BarMaker) -> None:
    brain = BarImproviser(maker, NOTHING)
    brain.ask(request(template=(Step(0, 0),)))
    assert brain.next() is None
    assert not brain.companions(request(), player(0, None))
    brain.ask(request(controls=Controls(density=1.0)))
    said = brain.news()
    assert ["loop" in said[0], "join" in said[1], "density" in said[2]] == [True] * 3 and len(said) == 3
    brain.ask(request(controls=Controls(density=0.5)))
    assert brain.news() == [] and brain.next() is not None


def test_rehearsing_tells_the_cost_of_bars_and_leaves_no_trace(maker: BarMaker) -> None:
    brain, fresh = (BarImproviser(maker, Plan(band(1))) for _ in range(2))
    costs = brain.rehearse()
    assert costs and max(costs) > 20 * np.median(costs), "the first note of a bar costs the bar"
    for each in (brain, fresh):
        each.ask(request())
    assert music(notes(brain, 2 * BAR)) == music(notes(fresh, 2 * BAR))


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Plan(Piece.from_notes([(0, 24, 60)], meters=(Meter(0, 3, 4),))), "4/4 only, and here they are of 3/4"),
        (replace(NOTHING, settings=SamplerSettings(temperature=1.0)), "knows no temperature"),
        (replace(NOTHING, settings=SamplerSettings(top_p=0.5)), "--top-p"),
        (replace(NOTHING, style="jazz"), "no style"),
    ],
)
def test_a_plan_that_it_cannot_play_is_refused_at_once(maker: BarMaker, plan: Plan, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        BarImproviser(maker, plan)


def test_a_band_has_someone_for_every_track_unless_programs_are_named(maker: BarMaker) -> None:
    seed = Piece.from_notes([(0, 24, 60, 80, 6), (0, 24, 40, 80, 34), (24, 24, 62, 80, 52)])
    assert voices(maker.config, Plan(seed)) == (24, 100, 136, 208, 512)
    assert voices(maker.config, NOTHING) == BAND
    assert voices(maker.config, Plan(seed, limits=Limits(programs=(34, 40)))) == (136, 160)


def test_a_single_track_gan_plays_along_too(tmp_path: Path) -> None:
    found = load(small_gan(tmp_path, tracks=1))
    assert isinstance(found, BarMaker)
    watched = Watched(found)
    brain = BarImproviser(watched, NOTHING)
    brain.hear(player(0, 24))
    brain.ask(replace(request(96), voices=(132, 192)))
    got = notes(brain, 4 * BAR)
    assert {n.instrument for n in got} <= {132, 192} and watched.wanted[0].above.cells[0, 36, 0] == ONSET

"""Every knob does what it says on what the shipped LSTM plays, and the masks that steering is made of."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from musegen.engine import load
from musegen.engine.base import Engine
from musegen.errors import SettingsError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec, onsets
from musegen.events.derived import Tracker
from musegen.midi import read_music
from musegen.piece import Meter, Note, Piece
from musegen.sampling.biases import AWAY, Density, Homes, Loudness, OwnRanges, Register, homes, in_key
from musegen.sampling.constraints import (
    At,
    Constraint,
    InOrder,
    Instruments,
    Only,
    PitchSet,
    Span,
    combine,
    in_order,
)
from musegen.sampling.continuation import Continuation
from musegen.sampling.controls import RANGES, Controls, steering
from musegen.sampling.keys import AUTO, count, estimate, pitch_classes, triad
from musegen.sampling.plan import Plan
from musegen.sampling.sampler import SamplerSettings
from musegen.sampling.seeds import find_seed

BATCH, BARS = 4, 4
TUNED, CHORDS = "jig", "chorale-bwv267"  # one voice, and four


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load("lstm")


@cache
def play(engine: Engine, seed: str, controls: Controls, busy: float = 0.0, heard: tuple[int, ...] = ()) -> np.ndarray:
    """The rows of the notes that four jams of four bars have under `controls`."""
    plan = Plan(read_music(find_seed(seed)))
    prompt = plan.prompt(engine.styles)
    asked = steering(controls, busy, estimate(count(heard)), homes(prompt))
    limits = plan.constraints(steering=asked, register=controls.register)
    return rows_of(engine, plan, limits, controls.temperature)


def rows_of(engine: Engine, plan: Plan, constraints: tuple[Constraint, ...], temperature: float = 0.9) -> np.ndarray:
    generators = [np.random.default_rng([1, i]) for i in range(BATCH)]
    settings = SamplerSettings(temperature)
    music = Continuation(engine, plan.prompt(engine.styles), plan.seed.meters, settings, constraints, generators)
    end, taken = plan.origin + BARS * plan.bar, []
    while (music.tracker.now < end).any():
        taken.append(music.next())
    rows = np.concatenate(np.stack(taken, axis=1))
    return rows[(rows[:, derived.TIME] < end) & at.is_note(rows)]


class TestKnobs:
    @pytest.mark.parametrize("seed", [TUNED, CHORDS])
    def test_density(self, engine: Engine, seed: str) -> None:
        few, middle, many = (play(engine, seed, Controls(density=d)) for d in (-1.0, 0.0, 1.0))
        assert len(few) < 0.6 * len(middle)
        assert len(many) > 1.15 * len(middle)

    @pytest.mark.parametrize("seed", [TUNED, CHORDS])
    def test_density_does_not_break_the_beat(self, engine: Engine, seed: str) -> None:
        few, some, many = (play(engine, seed, Controls(density=d)) for d in (-1.0, -0.5, 1.0))
        beat = 36 if seed == TUNED else 24
        assert (few[:, derived.BAR] % beat == 0).mean() > 0.95
        assert (some[:, derived.BAR] % 12 == 0).mean() > 0.98
        assert np.any([many[:, derived.BAR] % grid == 0 for grid in (6, 8)], axis=0).mean() > 0.98

    @pytest.mark.parametrize("seed", [TUNED, CHORDS])
    def test_register(self, engine: Engine, seed: str) -> None:
        low, middle, high = (play(engine, seed, Controls(register=r))[:, at.PITCH].mean() for r in (-12, 0, 12))
        assert high - middle > 6
        assert middle - low > 6

    def test_the_register_holds_where_the_knob_stands(self, engine: Engine) -> None:
        """It does not climb on: the end of the jam is no higher than its beginning."""
        plan = Plan(read_music(find_seed(TUNED)))
        asked = steering(Controls(register=5.0), 0, "", homes(plan.prompt(engine.styles)))
        notes = rows_of(engine, plan, plan.constraints(steering=asked, register=5))
        late = notes[:, derived.TIME] >= plan.origin + 2 * plan.bar
        assert abs(notes[late, at.PITCH].mean() - notes[~late, at.PITCH].mean()) < 5

    @pytest.mark.parametrize("seed", [TUNED, CHORDS])
    def test_velocity(self, engine: Engine, seed: str) -> None:
        levels = (-1.0, -0.5, 0.0, 0.5, 1.0)
        means = [4 * play(engine, seed, Controls(velocity=v))[:, at.VELOCITY].mean() + 2 for v in levels]
        assert all(b > a for a, b in pairwise(means)), means
        assert 12 < means[0] < 30 and means[1] < means[2] - 5 and means[3] > means[2] + 5 and means[-1] > 105

    @pytest.mark.parametrize("temperature", [0.1, 2.0])
    def test_at_every_temperature(self, engine: Engine, temperature: float) -> None:
        soft, loud = (
            play(engine, TUNED, Controls(temperature, velocity=v))[:, at.VELOCITY].mean() for v in (-0.8, 0.8)
        )
        assert loud - soft > 10

    @pytest.mark.parametrize(("key", "seed"), [("Eb minor", TUNED), ("F# lydian", CHORDS), ("C pentatonic", CHORDS)])
    def test_key_lock(self, engine: Engine, key: str, seed: str) -> None:
        notes = play(engine, seed, Controls(key=key, density=0.3))
        assert set(notes[:, at.PITCH] % 12) <= pitch_classes(key)
        assert not doubled(notes)

    def test_the_key_of_what_is_heard(self, engine: Engine) -> None:
        e_flat = (63, 65, 67, 68, 70, 72, 74, 75, 70, 67, 63, 58, 63)
        notes = play(engine, TUNED, Controls(key=AUTO), heard=e_flat)
        assert set(notes[:, at.PITCH] % 12) <= pitch_classes("Eb")
        free = play(engine, TUNED, Controls(key=AUTO), heard=e_flat[:3])
        assert not set(free[:, at.PITCH] % 12) <= pitch_classes("Eb"), "three notes tell no key"

    @pytest.mark.parametrize("seed", [TUNED, CHORDS])
    def test_harmony_stands_above_the_key(self, engine: Engine, seed: str) -> None:
        chord = frozenset({1, 5, 8})
        notes = play(engine, seed, Controls(harmony=chord, key="C"))
        assert set(notes[:, at.PITCH] % 12) <= chord
        assert not doubled(notes)

    def test_duck(self, engine: Engine) -> None:
        alone, along = (play(engine, CHORDS, Controls(duck=1.0), busy) for busy in (0.0, 2.0))
        assert len(along) < 0.5 * len(alone)
        assert len(play(engine, CHORDS, Controls(duck=0.0), 2.0)) == len(alone), "not asked for"

    def test_knobs_in_the_middle_cost_nothing(self) -> None:
        assert steering(Controls(), 3.0, "C major") == ()


def doubled(rows: np.ndarray) -> bool:
    """Whether any note stands twice, or out of the codec's order (the rows of one jam follow one another)."""
    together = (rows[1:, at.SHIFT] == 0) & (rows[1:, derived.TIME] == rows[:-1, derived.TIME])
    place = rows[:, at.INSTRUMENT] * 128 + rows[:, at.PITCH]
    return bool((together & (place[1:] <= place[:-1])).any())


class TestControls:
    @pytest.mark.parametrize("name", RANGES)
    def test_out_of_range(self, name: str) -> None:
        for value in (RANGES[name][0] - 1, RANGES[name][1] + 1, float("nan")):
            with pytest.raises(SettingsError, match=f"{name} is .*; it must lie in"):
                Controls(**{name: value})  # type: ignore[arg-type]

    def test_what_is_no_key_or_harmony(self) -> None:
        with pytest.raises(SettingsError, match="not a key"):
            Controls(key="H dur")
        with pytest.raises(SettingsError, match="pitch classes"):
            Controls(harmony=frozenset({12}))

    def test_goes_to_another_process(self) -> None:
        controls = Controls(density=0.5, register=-3, velocity=0.1, key="D dorian", harmony=frozenset({2}))
        asked = steering(controls, 1.0, "C major", ((0, 60.0, 80.0),))
        assert pickle.loads(pickle.dumps((controls, asked))) == (controls, asked)  # noqa: S301 our own bytes


@pytest.mark.parametrize(
    ("key", "classes"),
    [
        ("C", {0, 4, 7}),
        ("A minor", {9, 0, 4}),
        ("D dorian", {2, 5, 9}),
        ("Bb blues", {10, 1, 5}),
        ("B locrian", {11, 2, 5}),
    ],
)
def test_the_chord_of_a_key(key: str, classes: set[int]) -> None:
    assert triad(key) == classes
    with pytest.raises(SettingsError, match="not a key"):
        triad("H dur")


class TestBiases:
    """What each does to one decision, without a network."""

    def tracker(self, ticks: int = 0, meter: Meter = Meter(0, 4, 4)) -> Tracker:  # noqa: B008 a frozen value
        tracker = Tracker(1, (meter,))
        tracker.now[:] = ticks
        return tracker

    def blank(self, instrument: int = 0) -> np.ndarray:
        target = np.zeros((1, derived.WIDTH), np.int32)
        target[:, at.INSTRUMENT] = instrument
        return target

    def test_thinning_takes_the_weakest_places_first(self) -> None:
        bias = Density(-1.0).bias(self.blank(), self.tracker())[0]
        assert bias[48] > bias[24] > bias[12] > bias[6], "middle of the bar, beat, half beat, between"
        compound = Density(-1.0).bias(self.blank(), self.tracker(0, Meter(0, 6, 8)))[0]
        assert compound[36] > compound[12] and compound[36] > compound[24]
        assert bias[at.END] == 0, "it says nothing of the end"

    def test_thinning_counts_places_from_now(self) -> None:
        bias = Density(-1.0).bias(self.blank(), self.tracker(90))[0]
        assert bias[6] > bias[5] + 20 and bias[6] > bias[12] + 20

    def test_thickening_leaves_the_grid_alone(self) -> None:
        bias = Density(1.0).bias(self.blank(), self.tracker())[0]
        assert bias[6] > bias[12] > bias[24] > bias[48]
        assert all(bias[tick] <= bias[24] for tick in (5, 7, 11, 13, 23, 25))

    def test_register_counts_from_each_instruments_home(self) -> None:
        known: Homes = ((0, 72.0, 90.0), (128, 40.0, 90.0))
        for instrument, home in ((0, 72), (128, 40), (7, 60)):
            bias = Register(7, known).bias(self.blank(instrument), self.tracker())[0]
            assert bias.argmax() == home + 7
        assert not Register(7, known).bias(self.blank(at.DRUM_INSTRUMENT), self.tracker()).any(), "drums stay"

    def test_loudness_is_lenient_beyond(self) -> None:
        bias = Loudness(0.5, ((0, 60.0, 80.0),)).bias(self.blank(), self.tracker())[0]
        assert bias.argmax() == 26, "the bin 104-107, halfway from 80 to 127"
        assert bias[28] > bias[23] + 2

    def test_a_key_that_was_only_guessed_leans_and_forbids_nothing(self) -> None:
        (leaning,) = in_key("A minor", [69, 71, 72, 74, 76, 68])
        bias = leaning.bias(self.blank(), self.tracker())[0]
        lost = {p % 12 for p in range(128) if bias[p] < 0}
        assert lost == {1, 3, 6, 10}, "G sharp is the leading note"
        assert np.isfinite(bias).all() and -4 < bias.min() < -0.5
        assert not leaning.bias(self.blank(at.DRUM_INSTRUMENT), self.tracker()).any(), "drums stay"

    def test_what_the_player_often_plays_is_no_stranger_to_the_key(self) -> None:
        (rare,) = in_key("C major", [*([60] * 30), 66])
        (common,) = in_key("C major", [*([60] * 10), 66, 66])
        assert 6 not in rare.classes and 6 in common.classes
        assert in_key("", [60, 62]) == (), "no key is known"

    def test_a_part_loses_by_the_semitone_outside_its_own_range(self) -> None:
        ranges = OwnRanges(((0, 60, 64), (128, 40, 40)))
        bias = ranges.bias(np.concatenate([self.blank(i) for i in (0, 128, 7, at.DRUM_INSTRUMENT)]), self.tracker())
        assert not bias[0, 58:67].any() and bias[0, 57] == bias[0, 67] == -AWAY and bias[0, 70] == -4 * AWAY
        assert bias[1].argmax() == 38 and not bias[2:].any(), "others and drums play where they like"
        higher = replace(ranges, shift=5).bias(self.blank(), self.tracker())[0]
        assert np.array_equal(higher[5:], bias[0, :-5])

    def test_homes_of_a_prompt(self) -> None:
        piece = Piece.from_notes([Note(0, 24, 60, 66), Note(24, 24, 64, 82), Note(0, 24, 40, 90, 32, 1)])
        assert homes(EventCodec().encode(piece).rows) == ((0, 62.0, 74.0), (128, 40.0, 90.0))


class TestMasks:
    def test_biases_add_and_later_masks_yield(self) -> None:
        blank, tracker = np.zeros((1, derived.WIDTH), np.int32), Tracker(1)
        assert combine((), at.PITCH, blank, tracker) == (None, None)
        home: Homes = ((0, 60.0, 80.0),)
        alone = Register(12, home).bias(blank, tracker)
        free, bias = combine((PitchSet(frozenset({60, 61})), Register(12, home)), at.PITCH, blank, tracker)
        assert free is not None and free[0].nonzero()[0].tolist() == [60, 61]
        assert bias is not None and np.array_equal(bias, alone)
        _, twice = combine((Register(12, home), Register(12, home)), at.PITCH, blank, tracker)
        assert twice is not None and np.array_equal(twice, 2 * alone)
        firm, _ = combine((Only(at.PITCH, 5), Only(at.PITCH, 6)), at.PITCH, blank, tracker)
        assert firm is not None and firm[0].nonzero()[0].tolist() == [5]

    def test_only(self) -> None:
        with pytest.raises(SettingsError, match="no pitch that can be played"):
            Only(at.PITCH, 128)

    @pytest.mark.parametrize("gap", [0, 1, 95, 96, 97, 192, 300, 1535, 1536, 5000])
    def test_at_any_distance(self, engine: Engine, gap: int) -> None:
        plan = Plan(read_music(find_seed(TUNED)))
        limits = plan.constraints()
        prompt = plan.prompt(engine.styles)
        music = Continuation(
            engine, prompt, plan.seed.meters, SamplerSettings(), limits, [np.random.default_rng(i) for i in range(2)]
        )
        tick = int(music.tracker.now[0]) + gap
        music = Continuation(
            engine,
            prompt,
            plan.seed.meters,
            SamplerSettings(),
            (At(tick), *limits),
            [np.random.default_rng(i) for i in range(2)],
        )
        rows = [music.next()]
        while not at.is_note(rows[-1]).all():
            rows.append(music.next())
        assert rows[-1][:, derived.TIME].tolist() == [tick, tick]
        piece = Piece.from_notes([Note(0, 12, 60), Note(gap, 12, 62)])
        shifts = [int(r[0, at.SHIFT]) for r in rows]
        assert shifts == EventCodec().encode(piece).rows[2:-1, at.SHIFT].tolist(), "as the codec writes them"

    def test_a_tick_that_has_passed_is_now(self) -> None:
        tracker = Tracker(1)
        tracker.now[:] = 50
        assert At(20).bias(np.zeros((1, derived.WIDTH), np.int32), tracker)[0].nonzero()[0].tolist() == [0]

    def test_forced_instrument_and_onset(self, engine: Engine) -> None:
        plan = Plan(read_music(find_seed(CHORDS)))
        instrument = max(plan.instruments()) - 1
        rows = rows_of(engine, plan, (Only(at.INSTRUMENT, instrument), *plan.constraints()))
        assert set(rows[:, at.INSTRUMENT]) == {instrument}

    def test_no_note_joins_where_no_higher_one_may(self) -> None:
        constraints = (Span(), Instruments(frozenset({4, 8})), PitchSet(frozenset({60, 64})))
        order = in_order(constraints)
        assert order == tuple(InOrder(a, 64, 8) for a in (at.SHIFT, at.INSTRUMENT, at.PITCH))
        tracker = Tracker(1)

        def free(attribute: int, **last: int) -> list[int]:
            row = np.array([[0, last["instrument"], last["pitch"], 20, 10]], np.int16)
            tracker.push(row)
            target = np.zeros((1, derived.WIDTH), np.int32)
            allowed, _ = combine((*constraints, *order), attribute, target, tracker)
            assert allowed is not None
            return allowed[0].nonzero()[0].tolist()  # type: ignore[no-any-return]

        assert 0 in free(at.SHIFT, instrument=4, pitch=64)
        assert free(at.INSTRUMENT, instrument=4, pitch=64) == [8]
        assert free(at.INSTRUMENT, instrument=4, pitch=60) == [4, 8]
        assert 0 not in free(at.SHIFT, instrument=8, pitch=64)
        assert 0 in free(at.SHIFT, instrument=8, pitch=60)
        assert 0 in free(at.SHIFT, instrument=12, pitch=70), "somebody else's note may be joined"


class TestKeyEstimate:
    @pytest.mark.parametrize(
        ("pitches", "key"),
        [
            ((60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60), "C major"),
            ((62, 64, 65, 67, 69, 70, 73, 74, 69, 65, 62), "D minor"),
            ((66, 68, 70, 71, 73, 75, 77, 78, 73, 70, 66), "F# major"),
        ],
    )
    def test_scales_with_their_chords(self, pitches: tuple[int, ...], key: str) -> None:
        assert estimate(count(pitches)) == key
        up = tuple(p + 1 for p in pitches)
        assert pitch_classes(estimate(count(up))) == {(c + 1) % 12 for c in pitch_classes(key)}

    def test_the_shipped_seeds(self) -> None:
        found = {name: estimate(count(read_music(find_seed(name)).notes["pitch"].tolist())) for name in (TUNED, CHORDS)}
        assert found == {TUNED: "A major", CHORDS: "G major"}

    def test_too_little_or_nothing_to_tell(self) -> None:
        assert estimate([0] * 12) == estimate([3] * 12) == estimate(count((60, 64, 67))) == ""
        assert estimate([0] * 12, "D minor") == "D minor"

    def test_it_does_not_flicker(self) -> None:
        """Between two keys that fit nearly alike, the one that was found first stays."""
        between = [9, 4, 8, 4, 8, 5.5, 6, 9.5, 4, 7, 3.5, 8.5]  # the profiles of C and G major, added up
        assert {estimate(between, "C major"), estimate(between, "G major")} == {"C major", "G major"}
        assert estimate(count((66, 68, 70, 71, 73, 75, 77, 78)), "C major") != "C major", "but a new key is heard"


def test_the_codec_puts_skips_before_the_shift() -> None:
    """What `At` relies on."""
    piece = Piece.from_notes([Note(0, 12, 60), Note(300, 12, 62)])
    rows = EventCodec().encode(piece).rows
    assert rows[2:-1, at.SHIFT].tolist() == [at.SKIP_BASE + 1, at.SKIP_BASE, 12] and onsets(rows)[-2] == 300
    assert replace(Controls(), vary=1.0).vary == 1.0

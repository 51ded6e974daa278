"""Every limit holds on real output, and every mask always leaves something to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from musegen.engine import load
from musegen.engine.base import Engine
from musegen.errors import SettingsError
from musegen.piece import DRUMS, Meter, Note, Piece
from musegen.sampling.batch import generate
from musegen.sampling.keys import pitch_classes
from musegen.sampling.plan import Limits, Plan
from musegen.sampling.sampler import SamplerSettings, choose

SEED = Piece.from_notes(
    [Note(i * 12, 12, 60 + i % 5, 80, 0, 0) for i in range(16)] + [Note(0, 96, 40, 80, 32, 1)],
    part_names=("lead", "bass"),
)


@pytest.fixture(scope="module")
def engine(untrained: Path) -> Engine:
    """Fresh weights draw nearly anything, which is the hardest case for a limit."""
    return load(untrained)


def music(engine: Engine, bars: int = 12, **limits: object) -> list[Piece]:
    plan = Plan(SEED, SamplerSettings(temperature=1.5, top_p=1.0), Limits(**limits))  # type: ignore[arg-type]
    pieces = list(generate(engine, plan, 3, bars))
    assert all(len(p) > 5 for p in pieces), "too little music to judge a limit by"
    return pieces


def sounding(piece: Piece) -> int:
    starts, ends = piece.notes["onset"], piece.notes["onset"] + piece.notes["duration"]
    return max(int(((starts <= t) & (ends > t)).sum()) for t in starts)


def longest_silence(piece: Piece) -> int:
    silence, sounding_until = 0, 0
    for onset, duration in zip(piece.notes["onset"], piece.notes["duration"], strict=True):
        silence = max(silence, int(onset) - sounding_until)
        sounding_until = max(sounding_until, int(onset) + int(duration))
    return silence


LIMITS: list[tuple[dict[str, object], Callable[[Piece], bool]]] = [
    ({"key": "D dorian"}, lambda p: set(p.notes["pitch"] % 12) <= {0, 2, 4, 5, 7, 9, 11}),
    ({"low": 60, "high": 63}, lambda p: p.notes["pitch"].min() >= 60 and p.notes["pitch"].max() <= 63),
    ({"key": "C", "low": 71, "high": 73}, lambda p: set(p.notes["pitch"].tolist()) <= {71, 72}),
    ({"programs": (24,)}, lambda p: set(p.notes["program"].tolist()) == {24}),
    ({"programs": (DRUMS,), "key": "C"}, lambda p: len(set(p.notes["pitch"] % 12)) == 12 or len(p) < 100),
    ({"voices": 1}, lambda p: sounding(p) == 1),
    ({"voices": 2}, lambda p: sounding(p) <= 2),
    ({"grid": 12}, lambda p: not (p.notes["onset"] % 12).any()),
    ({"rest_bars": 0.1, "note_bars": 0.25}, lambda p: longest_silence(p) <= 9),
    ({"note_bars": 0.25}, lambda p: p.notes["duration"].max() <= 24),
    ({}, lambda p: set(p.notes["program"].tolist()) <= {0, 32}),
]


@pytest.mark.parametrize(("limits", "holds"), LIMITS, ids=[str(limits) for limits, _ in LIMITS])
def test_the_limit_holds(engine: Engine, limits: dict[str, object], holds: Callable[[Piece], bool]) -> None:
    assert all(holds(p) for p in music(engine, **limits))


def test_without_the_limits_they_would_not_hold(engine: Engine) -> None:
    """The checks above can fail: free music breaks most of them."""
    free = music(engine, programs=tuple(range(129)))
    broken = [limits for limits, holds in LIMITS if not all(holds(p) for p in free)]
    assert len(broken) >= 8


def test_no_note_is_doubled(engine: Engine) -> None:
    for piece in music(engine, 40):
        rows = piece.notes[["onset", "pitch", "part"]].tolist()
        assert len(set(rows)) == len(rows)


def test_a_key_and_range_without_pitches_is_one_sentence(engine: Engine) -> None:
    with pytest.raises(SettingsError, match="leave no pitch to play"):
        music(engine, key="C", low=61, high=61)


@pytest.mark.parametrize("wrong", [{"low": 70, "high": 60}, {"high": 128}, {"programs": (129,)}])
def test_limits_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Limits(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "classes"),
    [("C", "0 2 4 5 7 9 11"), ("d dorian", "2 4 5 7 9 11 0"), ("F# minor", "6 8 9 11 1 2 4"), ("Bb", "10 0 2 3 5 7 9"),
     ("E♭ minor pentatonic", "3 6 8 10 1"), ("B", "11 1 3 4 6 8 10")],
)  # fmt: skip
def test_keys_by_name(name: str, classes: str) -> None:
    assert pitch_classes(name) == frozenset(map(int, classes.split()))


@pytest.mark.parametrize("name", ["", "H minor", "C#b", "Cx", "D dorianish", "minor"])
def test_what_is_not_a_key(name: str) -> None:
    with pytest.raises(SettingsError, match=r"key|scale"):
        pitch_classes(name)


class TestChoose:
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32))

    def shares(self, n: int = 4000, **settings: float) -> list[float]:
        chance = (np.arange(n) + 0.5) / n
        temperature = settings.pop("temperature", 1.0)
        chosen = choose(
            np.repeat(self.logits, n, 0), SamplerSettings(**{"top_p": 1.0, **settings}), temperature, chance
        )  # type: ignore[arg-type]
        return [float((chosen == i).mean()) for i in range(4)]

    def test_probabilities_are_the_models(self) -> None:
        assert self.shares() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=1e-3)

    def test_temperature(self) -> None:
        squares = np.array([0.25, 0.09, 0.0225, 0.0025])
        assert self.shares(temperature=0.5) == pytest.approx(squares / squares.sum(), abs=1e-3)
        assert self.shares(temperature=0) == [1, 0, 0, 0]

    def test_top_p_keeps_the_value_that_crosses_it(self) -> None:
        assert self.shares(top_p=0.6) == pytest.approx([0.625, 0.375, 0, 0], abs=1e-3)

    def test_top_k_and_min_p(self) -> None:
        assert self.shares(top_k=2) == pytest.approx([0.625, 0.375, 0, 0], abs=1e-3)
        assert self.shares(min_p=0.29) == pytest.approx(np.array([0.5, 0.3, 0.15, 0]) / 0.95, abs=1e-3)

    def test_what_is_masked_is_never_drawn_even_at_the_edge(self) -> None:
        logits = np.array([[0.0, 0.0, -np.inf]], np.float32)
        assert choose(logits, SamplerSettings(top_p=1.0), 1.0, np.array([1 - 2**-53]))[0] == 1
        assert choose(logits[:, ::-1], SamplerSettings(top_p=1.0), 1.0, np.array([0.0]))[0] == 1


def test_meter_changes_in_the_seed_put_the_new_music_on_the_next_bar_line() -> None:
    seed = Piece.from_notes(
        [Note(0, 24, 60), Note(100, 24, 60), Note(330, 10, 60)], meters=(Meter(0, 4, 4), Meter(288, 3, 4))
    )
    plan = Plan(seed)
    assert (plan.origin, plan.bar) == (360, 72)
    assert Plan(seed).with_bars(1).seed.meters == (Meter(0, 3, 4),)


def test_what_rings_on_over_the_bar_line_takes_up_no_bar() -> None:
    def plan(*last: tuple[int, int]) -> Plan:
        return Plan(Piece.from_notes([Note(0, 24, 60), *(Note(onset, length, 62) for onset, length in last)]))

    assert [plan((72, length)).origin for length in (24, 25, 30, 31)] == [96, 96, 96, 192]
    assert plan((72, 28), (96, 3)).origin == 192, "a note begins in that bar, however short"
    assert plan().origin == 96
    assert Plan(Piece.from_notes([Note(0, 3, 60)])).origin == 96
    late = plan((72, 24), (168, 28)).with_bars(1)
    assert late.origin == 96 and late.seed.notes["onset"].tolist() == [72]


BAND = Piece.from_notes(
    [Note(i * 24, 24, pitch, 80, program, part) for i in range(8) for part, (program, pitch) in enumerate(
        [(56, 74 + i % 3), (32, 36 + i % 5), (DRUMS, (36, 42, 63)[i % 3])])],
    part_names=("trumpet", "bass", "drums"),
)  # fmt: skip


def test_drums_play_a_kit_and_what_the_seed_has(engine: Engine) -> None:
    (piece,) = generate(engine, Plan(BAND, SamplerSettings(temperature=1.5, top_p=1.0)), 1, 160)
    keys = piece.notes["pitch"][piece.notes["program"] == DRUMS]
    assert len(keys) > 50 and set(keys.tolist()) <= {*range(35, 60), 63} == Plan(BAND).drum_keys()
    rows = piece.notes[["onset", "pitch", "part"]].tolist()
    assert len(set(rows)) == len(rows), "none joins others where no higher key is left"


def test_parts_keep_to_themselves_unless_a_range_is_named(engine: Engine) -> None:
    bold = SamplerSettings(temperature=1.0, top_p=1.0)
    means = {}
    for name, limits in (("own", Limits()), ("named", Limits(low=24, high=90))):
        (piece,) = generate(engine, Plan(BAND, bold, limits), 1, 40)
        trumpet, bass = (piece.notes["pitch"][piece.notes["program"] == program] for program in (56, 32))
        means[name] = float(trumpet.mean()) - float(bass.mean())
    assert means["own"] > 25 > means["named"], "an untrained network alone keeps nothing apart"

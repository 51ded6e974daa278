"""Getting stuck in a pattern, and the way out: in a jam, note by note, and in many sequences side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from musegen.engine.base import Engine, load
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.derived import ModelRows, Tracker
from musegen.midi import read_music
from musegen.piece import Piece
from musegen.sampling.batch import generate, variations
from musegen.sampling.duet import Played
from musegen.sampling.improviser import Improvisation
from musegen.sampling.ostinato import KEPT, UNLIKELY, WayOut
from musegen.sampling.plan import Plan
from musegen.sampling.request import Request
from musegen.sampling.sampler import SamplerSettings
from musegen.sampling.seeds import find_seed


def pattern(steps: list[tuple[int, int]], rounds: int) -> list[Played]:
    """Notes of (ticks, pitch), round and round."""
    notes, now = [], 0
    for i, (ticks, pitch) in enumerate(steps * rounds):
        notes.append(Played(now, 6, pitch, 80, 0, -i - 1, True))
        now += ticks
    return notes


def period(notes: list[Played]) -> int:
    return WayOut.after(notes).periods()[0]


@pytest.mark.parametrize("length", [1, 5, 24])
def test_a_pattern_is_noticed_when_it_has_gone_round_too_often(length: int) -> None:
    steps = [(6 + 6 * (i % 2), 30 + (i * i) % 89) for i in range(length)]
    assert period(pattern(steps, 100)) == length
    assert period(pattern(steps, 3)) == 0, "music repeats"
    notes = pattern(steps, 100)
    assert period([*notes[:-10], notes[-10]._replace(pitch=50), *notes[-9:]]) == length, "one other note is no way out"
    others = [note._replace(pitch=50 + i) for i, note in enumerate(notes[-16:-1])]
    assert period([*notes[:-16], *others, notes[-1]]) == 0, "it has moved on"


@pytest.mark.parametrize("length", [40, 100])
def test_a_phrase_comes_three_times_but_not_a_fourth(length: int) -> None:
    phrase = [(12, 30 + (i * i) % 89) for i in range(length)]
    assert period(pattern(phrase, 3)) == 0
    assert period(pattern(phrase, 4)) == length


def test_sections_longer_than_a_tune_may_repeat() -> None:
    assert period(pattern([(12 + i // 50, 30 + (i * i) % 89) for i in range(120)], 20)) == 0


def test_the_way_out_makes_the_pattern_unlikely_for_a_few_notes() -> None:
    notes = pattern([(12, 60), (12, 64), (12, 67)], 40)
    avoided = []
    for i in range(10):
        avoided.append(WayOut.after(notes).unlikely()[0])
        notes.append(Played(notes[-1].onset + 12, 6, 70 + i, 80, 0, -1000 - i, True))
    assert avoided == [60, 64, 67, 60, 64, 67, 60, 64, -1, -1], "with which the pattern would go on"


def row(note: Played | None) -> ModelRows:
    """A note as a model row; None: a gap that is no note."""
    out = np.zeros((1, derived.WIDTH), np.int32)
    if note is None:
        out[0, :5] = at.special_row(at.SKIP_BASE)
    else:
        out[0, [at.INSTRUMENT, at.PITCH, derived.TIME]] = note.instrument, note.pitch, note.onset
    return out


def test_drums_may_go_round() -> None:
    way_out = WayOut.after(pattern([(12, 60)], 100))
    target = np.concatenate([row(Played(0, 6, 0, 80, i, 0, True)) for i in (0, at.DRUM_INSTRUMENT)])
    bias = way_out.bias(target, Tracker(2))
    assert bias[0, 60] == UNLIKELY and np.count_nonzero(bias[0]) == 1 and not bias[1].any()


@pytest.mark.parametrize("seed", range(4))
def test_heard_note_by_note_or_side_by_side_it_is_the_same(seed: int) -> None:
    """Long sequences of patterns that change now and then; one of them rests while the others play."""
    rng = np.random.default_rng(seed)
    sequences: list[list[Played]] = []
    for length in (3, 10, 40):
        steps = [(int(rng.choice([0, 6, 12])), int(rng.integers(40, 80))) for _ in range(length)]
        notes = pattern(steps, 1600 // length)
        for i in rng.choice(len(notes), 40, replace=False):
            notes[i] = notes[i]._replace(pitch=int(rng.integers(40, 80)))
        sequences.append(notes)
    together, seen, avoided = WayOut(3), [0, 0, 0], 0
    for i in range(1450):
        rests = [rng.random() < 0.1 for _ in sequences]
        together.hear(
            np.concatenate([row(None if r else s[n]) for s, n, r in zip(sequences, seen, rests, strict=True)])
        )
        seen = [n + (not r) for n, r in zip(seen, rests, strict=True)]
        if i % 7 == 0:
            alone = [WayOut.after(s[:n]).unlikely()[0] for s, n in zip(sequences, seen, strict=True)]
            assert together.unlikely() == alone
            avoided += sum(pitch >= 0 for pitch in alone)
    assert avoided > 50 and max(seen) > 3 * KEPT, "something was to be noticed, and forgotten"


def different_bars(pairs: list[tuple[int, int]], bar: int, last: int) -> int:
    """How many of the hundred bars before bar `last` are different: of (onset, pitch)."""
    bars = [frozenset((o % bar, p) for o, p in pairs if o // bar == n) for n in range(last - 100, last)]
    return len(set(bars))


def test_an_endless_solo_does_not_end_in_a_loop() -> None:
    """The shipped transformer after the jig: left alone it plays eight bars for ever."""
    plan = Plan(read_music(find_seed("jig")))
    brain = Improvisation("default", plan).open()
    brain.ask(Request(1, 0, voices=tuple(sorted(plan.instruments()))))
    notes = [note for _ in range(2500) if (note := brain.next())]
    assert different_bars([(n.onset, n.pitch) for n in notes], plan.bar, notes[-1].onset // plan.bar) > 15


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load("default")


def test_files_do_not_end_in_a_loop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its likeliest the shipped transformer plays a bar or two for ever, as every sure network does."""
    plan, found = Plan(read_music(find_seed("jig")), SamplerSettings(temperature=0)), []
    for nats in (UNLIKELY, 0.0):
        monkeypatch.setattr("musegen.sampling.ostinato.UNLIKELY", nats)
        (piece,) = generate(engine, plan, 1, 150)
        pairs = list(zip(piece.notes["onset"].tolist(), piece.notes["pitch"].tolist(), strict=True))
        found.append(different_bars(pairs, plan.bar, 150))
    assert found[0] > 2 * found[1]


def test_who_plays_beside_it_does_not_change_its_way_out(engine: Engine) -> None:
    """One of the pieces is stuck and led out; it is the same alone."""
    plan = replace(Plan(read_music(find_seed("jig")), SamplerSettings(temperature=0.3)), seed_number=3)
    two: list[Piece] = list(variations(engine, plan, range(2), 48))
    (alone,) = variations(engine, plan, range(1, 2), 48)
    assert two[1].notes.tolist() == alone.notes.tolist()
    assert two[0].notes.tolist() != alone.notes.tolist()

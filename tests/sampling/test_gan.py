"""A gan plays on from a seed or from nothing, within limits; and walks from one seed to another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.cli.main import main
from musegen.engine.bars import BarMaker
from musegen.engine.phrases import PhraseMaker
from musegen.errors import SettingsError
from musegen.midi import read_music, write_music
from musegen.piece import DRUMS, Meter, Piece
from musegen.sampling.batch import generate
from musegen.sampling.plan import Limits, Plan
from musegen.sampling.walk import between, crossed, walk

from ..small_gan import band

NOTHING = Plan(Piece.from_notes([]))


def pieces(maker: BarMaker, plan: Plan, n: int = 1, bars: int = 8) -> list[Piece]:
    return list(generate(maker, plan, n, bars))


def test_equal_numbers_give_equal_music_from_a_seed_and_from_noise(maker: PhraseMaker) -> None:
    for plan in (Plan(band(1)), NOTHING):
        three = pieces(maker, plan, 3)
        assert pieces(maker, plan, 2) == three[:2] and three[0] != three[1]
        assert pieces(maker, replace(plan, seed_number=1)) != three[:1]
        assert all(len(p) and p.end <= 8 * 96 and p.meters == (Meter(0),) for p in three)


def test_limits_hold(maker: PhraseMaker) -> None:
    limits = Limits(key="D dorian", low=50, high=70, voices=2, grid=24, note_bars=0.25)
    free, held = (pieces(maker, Plan(band(1), limits=x), 2) for x in (Limits(), limits))
    for piece in held:
        notes = piece.notes
        tuned = notes[notes["program"] != DRUMS]
        assert len(tuned) and set(tuned["pitch"] % 12) <= {0, 2, 4, 5, 7, 9, 11}
        assert tuned["pitch"].min() >= 50 and tuned["pitch"].max() <= 70
        assert not (notes["onset"] % 24).any() and notes["duration"].max() <= 24
        assert max(((notes["onset"] <= t) & (t < notes["onset"] + notes["duration"])).sum() for t in range(768)) <= 2
    loose = np.concatenate([p.notes for p in free])
    tuned = loose[loose["program"] != DRUMS]
    assert tuned["pitch"].max() > 70 and set(tuned["pitch"] % 12) - {0, 2, 4, 5, 7, 9, 11} and tuned["pitch"].min() < 50
    assert (loose["onset"] % 24).any() and loose["duration"].max() > 24


def test_the_seeds_parts_play_their_tracks_and_others_the_rest(maker: PhraseMaker) -> None:
    seed = Piece.from_notes([(0, 96, 72, 100, 6, 0), (96, 96, 43, 50, 34, 1)], part_names=("harpsichord", "low"))
    notes = np.concatenate([p.notes for p in pieces(maker, Plan(seed), 4)])
    velocities = {program: set(notes["velocity"][notes["program"] == program].tolist()) for program in (6, 25, 34, 48)}
    assert set(notes["program"].tolist()) == {6, 25, 34, 48, DRUMS}
    assert velocities == {6: {100}, 34: {50}, 25: {75}, 48: {75}}
    assert {int(n["part"]) for n in notes[notes["program"] == 6]} == {0}
    only = np.concatenate([p.notes for p in pieces(maker, Plan(seed, limits=Limits(programs=(40, DRUMS))), 4)])
    assert set(only["program"].tolist()) == {40, DRUMS}


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Plan(Piece.from_notes([(0, 24, 60)], meters=(Meter(0, 6, 8),))), "4/4 only, and here they are of 6/8"),
        (Plan(band(1), style="jazz"), "no style"),
        (Plan(band(1), limits=Limits(low=120, high=124)), "plays 24-107"),
    ],
)
def test_what_it_cannot_play_is_said(maker: PhraseMaker, plan: Plan, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        pieces(maker, plan)


def test_a_walk_begins_and_ends_where_both_seeds_lead(maker: PhraseMaker) -> None:
    plan, other = Plan(band(1)), band(2, 6)
    steps = list(walk(maker, plan, other, 5, 4))
    assert [s.way for s in steps] == [0, 0.25, 0.5, 0.75, 1]
    assert steps[0].piece == pieces(maker, plan, bars=4)[0]
    last = pieces(maker, Plan(other, seed_number=1), bars=4)[0]
    assert [n[:3] for n in steps[-1].piece] == [n[:3] for n in last]
    assert len({s.cells.tobytes() for s in steps}) == 5
    assert [s.piece for s in walk(maker, plan, other, 5, 4)] == [s.piece for s in steps]


def test_neighbours_on_a_walk_are_alike_but_for_their_keys(maker: PhraseMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musegen.models.gan.form.home_from", lambda noise: np.zeros(len(noise), np.int64))
    cells = np.stack([s.cells for s in walk(maker, NOTHING, NOTHING.seed, 9, 4)]) != 0
    apart = (cells[:, None] != cells[None]).sum((2, 3, 4))
    steps = [apart[i, i + 1] for i in range(8)]
    assert max(steps) < apart[0, 8] and np.mean(steps) < apart[0, 8] / 3


def test_on_the_way_the_notes_of_one_seed_go_and_those_of_the_other_come_and_ends_stand_together() -> None:
    first, second = Plan(band(1)), Plan(band(2, 6))
    given = [{n[:3] for n in crossed(first, second, way)} for way in (0, 0.3, 0.6, 1)]
    later = second.origin - first.origin
    old, new = {(n.onset + later, *n[1:3]) for n in first.seed}, {n[:3] for n in second.seed}
    assert later > 0 and given[0] == old and given[3] == new
    assert old > given[1] - new > given[2] - new and given[1] - old < given[2] - old < new - old
    assert {n[:3] for n in crossed(NOTHING, second, 1)} == new and not len(crossed(NOTHING, second, 0))


def test_noise_stays_as_long_as_noise_on_the_way() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 3, 200)).astype(np.float32)
    middle = between(first, second, 0.5)
    np.testing.assert_allclose(between(first, second, 0), first, atol=1e-5)
    np.testing.assert_allclose(between(first, second, 1), second, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), np.sqrt(200), rtol=0.15)
    np.testing.assert_allclose(between(first, first, 0.3), first, atol=1e-5)


def test_from_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        write_music(band(seed), tmp_path / f"{name}.mid")
    generate = ["generate", "--checkpoint", str(folder), "-n", "3", "--bars", "4"]
    for out in ("one", "two"):
        assert main([*generate, "--seed", str(tmp_path / "a.mid"), "--out", str(tmp_path / out)]) == 0
    for number in (1, 2, 3):
        one, two = ((tmp_path / out / f"a-{number}.mid").read_bytes() for out in ("one", "two"))
        assert one == two and len(read_music(tmp_path / "one" / f"a-{number}.mid"))
    assert main([*generate, "--out", str(tmp_path / "noise")]) == 0
    assert sorted(p.name for p in (tmp_path / "noise").glob("*.mid")) == [f"noise-{i}.mid" for i in (1, 2, 3)]
    pytest.importorskip("matplotlib")
    way = [
        "--seed",
        str(tmp_path / "a.mid"),
        "--walk",
        str(tmp_path / "b.mid"),
        "--png",
        "--out",
        str(tmp_path / "way"),
    ]
    assert main([*generate, *way]) == 0
    assert sorted(p.name for p in (tmp_path / "way").iterdir()) == [
        *(f"a-walk-{i}.mid" for i in (1, 2, 3)),
        "a-walk.png",
    ]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", "--temperature", "1"], "knows no temperature"),
        (["generate", "--walk", "-n", "1"], "at least 2 steps"),
        (["score", "FILE"], "no likelihood"),
        (["classify", "FILE"], "no likelihood"),
        (["infill", "FILE", "--bars", "2"], "note by note"),
    ],
)
def test_what_it_is_not_for_is_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    write_music(band(1), tmp_path / "seed.mid")
    out = ["--out", str(tmp_path / "out")] if arguments[0] in ("generate", "infill") else []
    arguments = [str(tmp_path / "seed.mid") if a == "FILE" else a for a in arguments]
    assert main([*arguments, "--checkpoint", str(folder), *out]) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()

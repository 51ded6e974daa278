"""A gan accompanies a seed: it plays the tracks that are missing, to those that are there, which stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import musegen
from musegen import checkpoint as checkpoints
from musegen.cli.main import main
from musegen.engine.bars import BarLimits, load
from musegen.engine.phrases import PhraseMaker
from musegen.errors import SettingsError
from musegen.events.roll import HOLD, ONSET, SILENT, Cells
from musegen.events.tracks import TRACKS, track_of
from musegen.midi import read_music, write_music
from musegen.piece import DRUMS, Meter, Notes, Piece, Tempo, sort_notes
from musegen.sampling.accompany import accompany
from musegen.sampling.plan import Limits, most_at_once

from ..engine.test_phrases import Watched
from ..small_corpus import tune
from ..small_gan import band, small_gan

MELODY, BASS = TRACKS.index("piano"), TRACKS.index("bass")


def lead(seed: int, bars: int) -> Piece:
    """A tune and its bass of just so many bars."""
    piece = tune(seed, bars)
    return replace(piece, notes=piece.notes[piece.notes["onset"] + piece.notes["duration"] <= bars * 96])


def played(seed: int, bars: int = 7) -> Piece:
    """The same as it was played: 480 ticks, off the grid, each note as loud as it was, in two tempi."""
    piece, rng = lead(seed, bars).at_resolution(480), np.random.default_rng(seed)
    notes = piece.notes.copy()
    notes["onset"] += rng.integers(0, 9, len(notes))
    notes["duration"] -= 20
    notes["velocity"] = rng.integers(30, 120, len(notes))
    return replace(piece, notes=sort_notes(notes), tempos=(Tempo(0, 600_000), Tempo(3 * 1920 + 7, 450_000)))


def added(seed: Piece, piece: Piece) -> Notes:
    """The notes that `piece` has in other parts than the seed's."""
    return piece.notes[piece.notes["part"] > seed.notes["part"].max()]


def test_the_seed_stays_to_the_tick_and_only_other_tracks_are_played(maker: PhraseMaker) -> None:
    seed = played(1)
    pieces = accompany(maker, seed, 3)
    for piece in pieces:
        new = added(seed, piece)
        assert (piece.notes[piece.notes["part"] <= 1] == seed.notes).all() and len(piece) == len(seed) + len(new)
        assert piece.tempos == seed.tempos and piece.meters == seed.meters and piece.ticks_per_quarter == 480
        assert piece.part_names[:2] == ("tune", "bass")
        assert not set(track_of(new["program"]).tolist()) & {MELODY, BASS}
        assert not (new["onset"] % 20).any(), "on the network's grid, in the seed's ticks"
    assert set(np.concatenate([added(seed, p) for p in pieces])["program"].tolist()) == {25, 48, DRUMS}


def test_it_plays_to_the_last_bar_and_no_further(maker: PhraseMaker) -> None:
    for bars in (1, 3, 4, 5, 7):
        seed = lead(2, bars)
        starts = set()
        for piece in accompany(maker, seed, 4):
            assert piece.end <= bars * 96
            starts |= set((added(seed, piece)["onset"] // 96).tolist())
        assert starts == set(range(bars))


def test_equal_numbers_give_equal_music(maker: PhraseMaker) -> None:
    three = accompany(maker, tune(1), 3)
    assert accompany(maker, tune(1), 2) == three[:2] and three[0] != three[1]
    assert accompany(maker, tune(1), seed_number=1) != three[:1]


def test_another_melody_has_another_accompaniment(folder: Path) -> None:
    whole = checkpoints.load(folder)
    lean = {"lean": 0.1 * whole.weights["lean"]}  # less of what fresh weights play whatever they hear
    maker = PhraseMaker(replace(whole, weights={**whole.weights, **lean}))
    seeds = [lead(1, 2)]
    for pitch in (0, 7):  # two of the same rhythm and loudness
        notes = seeds[0].notes.copy()
        notes["pitch"] += pitch
        seeds.append(replace(seeds[0], notes=notes))
    each = [[added(seed, p)[["onset", "pitch"]].tolist() for p in accompany(maker, seed)] for seed in seeds]
    assert each[0] == each[1] and each[0] != each[2]


def watched(maker: PhraseMaker, folder: Path) -> tuple[PhraseMaker, list[tuple[Cells, np.ndarray, Cells]]]:
    found = load(folder)
    assert isinstance(found, PhraseMaker)
    watch = Watched(found)
    found.network = watch  # type: ignore[assignment]
    return found, watch.given


def test_each_phrase_knows_the_seed_and_the_two_bars_before(maker: PhraseMaker, folder: Path) -> None:
    watching, given = watched(maker, folder)
    seed = lead(1, 5)
    (piece,) = accompany(watching, seed)
    (first, known, made), (second, mask, last) = given
    theirs = [MELODY, BASS]
    others = [k for k in range(5) if k not in theirs]
    assert known[0, theirs].all() and not known[0, others].any() and not first[0, others].any()
    begins = [(n.onset // 96, n.onset % 96, n.pitch - 24) for n in seed if n.program == 0 and n.onset < 4 * 96]
    assert set(zip(*(x.tolist() for x in np.nonzero(first[0, MELODY] == ONSET)), strict=True)) == set(begins)
    sounding = (made[0, :, 2:] != SILENT).any((1, 2, 3))
    assert sounding[others].any() and (mask[0, others, :2] == sounding[others, None]).all()
    assert mask[0, theirs, :3].all() and not mask[0, theirs, 3].any(), "the seed has ended there"
    assert not mask[0, others, 2:].any()
    np.testing.assert_array_equal(second[0, :, :2], made[0, :, 2:])
    np.testing.assert_array_equal(second[0, theirs, 2], maker_cells(maker, seed)[theirs, 4])
    rows = np.concatenate([made[0], last[0, :, 2:3]], 1)[others].reshape(len(others), -1, 84)
    struck = {(int(t), int(p) + 24) for k, t, p in zip(*np.nonzero(rows == ONSET), strict=True)}
    assert {(int(n["onset"]), int(n["pitch"])) for n in added(seed, piece)} == struck


def maker_cells(maker: PhraseMaker, piece: Piece) -> Cells:
    """The cells (K, bars, 96, 84) of a piece of whole bars."""
    from musegen.sampling.bars import above

    return above(maker, piece, int(piece.bar_starts()[-1])).cells.transpose(2, 0, 1).reshape(5, -1, 96, 84)


def test_a_track_that_has_been_silent_may_come_in_and_what_was_played_is_not_changed(folder: Path) -> None:
    maker = load(folder)
    assert isinstance(maker, PhraseMaker)
    masks = []

    def phrases(noise: np.ndarray, given: Cells, mask: np.ndarray) -> Cells:
        """Strings hold one note; drums strike in each bar, but of the first phrase only in its first one."""
        masks.append(mask[0])
        cells = np.zeros_like(given)
        cells[:, 4, :, :, 40], cells[:, 4, 0, 0, 40] = HOLD, ONSET
        cells[:, 0, : 1 if len(masks) == 1 else 4, 0, 12] = ONSET
        return cells

    maker.network.phrases = phrases  # type: ignore[method-assign, assignment]
    music = np.zeros((6 * 96, 84, 5), np.uint8)
    music[::24, 30, 1] = ONSET
    new = np.array([True, False, False, False, True])
    free = BarLimits(np.ones((6 * 96, 84, 5), np.bool_))
    rows = maker.play_to(music, new, np.zeros((2, maker.config.noise), np.float32), free)
    assert masks[1][:, 0].tolist() == [False, True, True, True, True]
    assert (rows[::96, 12, 0] == ONSET).tolist() == [True, False, False, False, True, True]
    assert not rows[:, :, 1].any(), "only what is new"
    assert rows[0, 40, 4] == ONSET and (rows[1:, 40, 4] == HOLD).all()


def test_limits_hold_for_what_is_new(maker: PhraseMaker) -> None:
    seed = played(1)
    limits = Limits(key="E major", low=60, high=70, grid=48, note_bars=0.25, voices=1)
    free, held = (np.concatenate([added(seed, p) for p in accompany(maker, seed, limits=x)]) for x in (None, limits))
    loose, tuned = (x[x["program"] != DRUMS] for x in (free, held))
    scale = {1, 3, 4, 6, 8, 9, 11}
    assert len(tuned) and set((tuned["pitch"] % 12).tolist()) <= scale
    assert tuned["pitch"].min() >= 60 and tuned["pitch"].max() <= 70
    assert not (held["onset"] % 960).any() and held["duration"].max() <= 480
    assert most_at_once(held["onset"], held["duration"]) == 1
    assert set((loose["pitch"] % 12).tolist()) - scale and loose["pitch"].min() < 60
    assert (free["onset"] % 960).any() and free["duration"].max() > 480
    assert most_at_once(free["onset"], free["duration"]) > 1
    only = np.concatenate([added(seed, p) for p in accompany(maker, seed, 3, limits=Limits(programs=(0, 27, DRUMS)))])
    assert set(only["program"].tolist()) == {27, DRUMS}


@pytest.mark.parametrize(
    ("seed", "limits", "sentence"),
    [
        (band(1), Limits(programs=(4, 40)), "its own drums, piano, guitar, bass, strings, .* name other programs"),
        (band(1), Limits(), "take a seed without some of them"),
        (Piece.from_notes([(0, 72, 60)], meters=(Meter(0, 3, 4),)), Limits(), "here they are of 3/4"),
        (
            Piece.from_notes([(0, 500, 60)], meters=(Meter(0), Meter(96, 3, 4), Meter(168))),
            Limits(),
            "bar 2 of the seed",
        ),
        (Piece.from_notes([]), Limits(), "nothing to accompany"),
        (tune(1), Limits(low=120, high=124), "plays 24-107"),
    ],
)
def test_what_it_cannot_accompany_is_said(maker: PhraseMaker, seed: Piece, limits: Limits, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        accompany(maker, seed, limits=limits)


def test_other_models_cannot(tmp_path: Path) -> None:
    small_gan(tmp_path, tracks=1)
    for model in (str(tmp_path), "lstm"):
        with pytest.raises(SettingsError, match="Only a gan of five tracks"):
            musegen.accompany(model, tune(1))


def test_from_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_music(played(1), tmp_path / "a.mid")
    generate = ["generate", "--checkpoint", str(folder), "-n", "2", "--accompany", "--seed", str(tmp_path / "a.mid")]
    for out in ("one", "two"):
        assert main([*generate, "--out", str(tmp_path / out)]) == 0
    assert "2 files of 7 bars" in capsys.readouterr().out
    seed, pieces = read_music(tmp_path / "a.mid"), accompany(str(folder), tmp_path / "a.mid", 2)
    for number, piece in enumerate(pieces, 1):
        one, two = (tmp_path / out / f"a-accompanied-{number}.mid" for out in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        written = read_music(one)
        assert (written.notes[written.notes["part"] <= 1] == seed.notes).all() and written.tempos == seed.tempos
        assert (
            written.notes[["onset", "duration", "pitch"]].tolist()
            == piece.notes[["onset", "duration", "pitch"]].tolist()
        )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bars", "8"], "leave out --bars"),
        (["--seed-bars", "2"], "leave out --seed-bars"),
        (["--walk"], "leave out --walk"),
        (["--temperature", "1"], "knows no temperature"),
        (["-n", "0"], "at least 1"),
        (["--checkpoint", "default"], "Only a gan"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    write_music(tune(1, 4), tmp_path / "seed.mid")
    usual = ["--checkpoint", str(folder), "--seed", str(tmp_path / "seed.mid"), "--out", str(tmp_path / "out")]
    assert main(["generate", "--accompany", *usual, *options]) == 1
    error = capsys.readouterr().err.strip()
    assert sentence in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_on_ticks_coarser_than_the_grid_no_note_vanishes(maker: PhraseMaker) -> None:
    seed = Piece.from_notes([(4 * i, 4, 60 + i % 5) for i in range(32)], 4)
    for piece in accompany(maker, seed, 2, limits=Limits(note_bars=0)):
        new = added(seed, piece)
        assert len(new) and (new["duration"] == 1).all()
        assert (piece.notes[piece.notes["part"] == 0] == seed.notes).all()

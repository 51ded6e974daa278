"""A gan as a maker of bars: what it is given, what is new, and that limits hold afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from musegen import checkpoint as checkpoints
from musegen.checkpoint import Checkpoint
from musegen.engine.bars import BarLimits, BarMaker, Wanted, load
from musegen.engine.phrases import PhraseMaker
from musegen.engine.within import within
from musegen.errors import CheckpointError, SettingsError
from musegen.events.roll import HOLD, ONSET, SILENT, Cells, Grid, bar_place
from musegen.models.images import Image
from musegen.piece import Meter, Piece
from musegen.sampling.bars import above

from ..small_gan import band, small_gan

BAR, TRACKS, PITCHES = 96, 5, 84
FREE = np.ones((1, PITCHES, TRACKS), np.bool_)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_gan(tmp_path_factory.mktemp("gan"))


class Watched:
    """The maker's own network, and what it was given."""

    def __init__(self, maker: PhraseMaker) -> None:
        self.network, self.config = maker.network, maker.config
        self.given: list[tuple[Cells, np.ndarray, Cells]] = []

    def phrases(self, noise: np.ndarray, given: Cells, mask: np.ndarray) -> Cells:
        made = self.network.phrases(noise, given, mask)
        self.given.append((given.copy(), mask.copy(), made))
        return made


@pytest.fixture
def maker(folder: Path) -> PhraseMaker:
    found = load(folder)
    assert isinstance(found, PhraseMaker) and isinstance(found, BarMaker)
    found.network = Watched(found)  # type: ignore[assignment]
    return found


def given(maker: PhraseMaker) -> list[tuple[Cells, np.ndarray, Cells]]:
    assert isinstance(maker.network, Watched)
    return maker.network.given


def want(image: Image, bars: int, numbers: tuple[int, ...] = (0,), limits: BarLimits | None = None) -> Wanted:
    place = bar_place((Meter(0),), Grid(24), 0, bars * BAR)
    free = BarLimits(np.repeat(FREE, bars * BAR, 0))
    return Wanted(image, place, limits or free, [np.random.default_rng(i) for i in numbers])


def heard(maker: PhraseMaker, piece: Piece, bars: int = 4) -> Image:
    return above(maker, piece, bars * BAR)


def test_the_last_two_bars_are_what_it_is_given_to_the_step(maker: PhraseMaker) -> None:
    image = heard(maker, band(1))
    maker.draw(want(image, 2))
    ((phrase, mask, _),) = given(maker)
    assert phrase.shape == (1, TRACKS, 4, BAR, PITCHES)
    latest = phrase[0, :, :2].reshape(TRACKS, 2 * BAR, PITCHES).transpose(1, 2, 0)
    np.testing.assert_array_equal(latest, image.cells[2 * BAR :])
    assert latest.any((0, 1)).all() and not phrase[:, :, 2:].any()
    assert mask[:, :, :2].all() and not mask[:, :, 2:].any()


def test_a_silent_track_may_come_in_and_silence_is_no_music_to_go_on_from(maker: PhraseMaker) -> None:
    image = heard(maker, Piece.from_notes([(200, 40, 60)]))  # bar 3, piano
    maker.draw(want(image, 2))
    maker.draw(want(image._replace(cells=np.zeros_like(image.cells)), 2))
    (_, first, _), (_, second, _) = given(maker)
    assert first[0].tolist() == [[False] * 4, [True, False, False, False], *[[False] * 4] * 3]
    assert not second.any()


def test_bars_of_another_meter_and_what_they_follow_are_not_heard(maker: PhraseMaker) -> None:
    piece = Piece.from_notes([(0, 288, 60), (288, 96, 64)], meters=(Meter(0), Meter(96, 3, 4), Meter(240)))
    maker.draw(want(above(maker, piece, 336), 2))
    ((phrase, mask, _),) = given(maker)
    assert mask[0, 1].tolist() == [False, True, False, False]
    assert phrase[0, 1, 1, 0, 60 - 24] == HOLD and phrase[0, 1, 1, 48, 64 - 24] == ONSET and not phrase[0, :, 0].any()


def test_each_half_goes_on_from_the_one_before_and_is_what_comes_out(maker: PhraseMaker) -> None:
    (cells,) = maker.draw(want(heard(maker, band(1)), 5))
    (_, _, first), (phrase, mask, second), (last, _, third) = given(maker)
    np.testing.assert_array_equal(phrase[:, :, :2], first[:, :, 2:])
    np.testing.assert_array_equal(last[:, :, :2], second[:, :, 2:])
    assert mask.any()
    made = np.concatenate([x[0, :, 2:].reshape(TRACKS, -1, PITCHES) for x in (first, second, third)], 1)[:, : 5 * BAR]
    sounds = made.transpose(1, 2, 0) != SILENT
    began = np.logical_or.accumulate(made.transpose(1, 2, 0) != HOLD, 0)
    assert cells.shape == (5 * BAR, PITCHES, TRACKS)
    np.testing.assert_array_equal(cells != SILENT, sounds & began)
    assert not (cells[0] == HOLD).any(), "no note of the music above is held on"


def test_no_note_of_the_music_above_is_held_on_but_those_of_new_bars_are(maker: PhraseMaker) -> None:
    def held(noise: np.ndarray, given: Cells, mask: np.ndarray) -> Cells:
        return np.full_like(given, HOLD) if mask.any() else np.zeros_like(given)

    def begun(noise: np.ndarray, given: Cells, mask: np.ndarray) -> Cells:
        cells = held(noise, given, mask)
        cells[:, 1, 2, 30, 40] = ONSET
        return cells

    for phrases, sounds in ((held, 0), (begun, 4 * BAR - 30)):
        maker.network.phrases = phrases  # type: ignore[method-assign]
        (cells,) = maker.draw(want(heard(maker, band(1)), 4))
        assert (cells != SILENT).sum() == sounds
    assert cells[30, 40, 1] == ONSET and (cells[31 : 2 * BAR + 30, 40, 1] == HOLD).all()


def test_rolls_side_by_side_are_as_they_are_alone(maker: PhraseMaker) -> None:
    image = heard(maker, band(1))
    both = maker.draw(want(image, 3, (5, 6)))
    for cells, number in zip(both, (5, 6), strict=True):
        np.testing.assert_array_equal(maker.draw(want(image, 3, (number,)))[0], cells)
    assert (both[0] != both[1]).any()


def test_it_has_no_likelihood_and_weights_must_fit(maker: PhraseMaker, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no likelihood"):
        maker.nats(band(1))
    whole = checkpoints.load(folder)
    merge, known = whole.weights["listen.merge.weight"], whole.weights["known.weight"]
    for name, weight in (
        ("listen.merge.weight", merge[:, 1:]),
        ("known.weight", known.ravel()),
        ("known.weight", None),
    ):
        weights = {**whole.weights, name: weight}
        Checkpoint(whole.config, {k: v for k, v in weights.items() if v is not None}).save(tmp_path)
        with pytest.raises(CheckpointError, match="do not fit"):
            load(tmp_path)


def test_it_plays_without_torch(folder: Path) -> None:
    code = (
        "import sys; from musegen.sampling.simple import generate; from musegen.piece import Piece\n"
        f"assert len(generate({str(folder)!r}, Piece.from_notes([]), bars=4)[0]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def limits_of(rows: int, **how: int) -> BarLimits:
    return BarLimits(np.repeat(FREE, rows, 0).copy(), **how)


def roll(*notes: tuple[int, int, int, int], rows: int = 48) -> Cells:
    cells = np.zeros((rows, PITCHES, TRACKS), np.uint8)
    for start, end, pitch, track in notes:
        cells[start:end, pitch, track] = HOLD
        cells[start, pitch, track] = ONSET
    return cells


def test_what_is_within_limits_stays_and_a_hold_without_a_beginning_begins() -> None:
    cells = roll((0, 24, 40, 1), (24, 48, 40, 1), (3, 9, 12, 3), (0, 6, 14, 0))
    np.testing.assert_array_equal(within(cells, limits_of(48)), cells)
    cells[30:34, 60, 4] = HOLD
    assert within(cells, limits_of(48))[30, 60, 4] == ONSET


def test_a_pitch_that_is_not_allowed_goes_by_octaves_and_then_to_the_nearest() -> None:
    limits = limits_of(48)
    limits.may_begin[:, :, 1] = False
    limits.may_begin[:, 30:50:2, 1] = True  # even pitches from 30 to 48
    got = within(roll((0, 6, 40, 1), (6, 12, 41, 1), (12, 18, 4, 1), (18, 24, 83, 1), (24, 30, 41, 3)), limits)
    assert [got[t].nonzero()[0].tolist() for t in (0, 6, 12, 18, 24)] == [[40], [40], [40], [46], [41]]


def test_an_onset_off_the_grid_goes_to_the_nearest_step_that_is_on_it() -> None:
    limits = limits_of(48)
    limits.may_begin[np.arange(48) % 12 != 0] = False
    got = within(roll((5, 11, 40, 1), (19, 22, 42, 1)), limits)
    assert (got == ONSET).any((1, 2)).nonzero()[0].tolist() == [0, 24]
    assert (got[:11, 40, 1] != SILENT).all() and got[11, 40, 1] == SILENT and got[25, 42, 1] == SILENT


def test_too_many_at_once_lose_their_inner_voices_and_too_long_ones_their_end() -> None:
    chord = roll((0, 40, 60, 1), (0, 40, 55, 1), (0, 40, 50, 1), (0, 40, 20, 3), (20, 30, 62, 1), (40, 44, 50, 1))
    got = within(chord, limits_of(48, voices=2, longest=30))
    assert got[0].any(1).nonzero()[0].tolist() == [20, 60] and not got[20:30, 62].any()
    assert not got[30:40].any() and got[40, 50, 1] == ONSET


def test_a_track_that_may_not_play_is_silent() -> None:
    limits = limits_of(48)
    limits.may_begin[:, :, 3] = False
    got = within(roll((0, 6, 40, 1), (0, 6, 41, 3)), limits)
    assert got[..., 1].any() and not got[..., 3].any()

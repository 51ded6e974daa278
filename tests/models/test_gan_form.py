"""A phrase as the bar GAN sees it: beats of grains, at home in pitch."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.events.roll import HOLD, ONSET
from musegen.models.config import GanConfig
from musegen.models.gan import form

from .test_gan import CONFIG, FINE, TRIPLETS, phrases


def test_beats_hold_a_phrase_whole() -> None:
    cells = phrases(2, FINE)
    beats = form.to_beats(cells, FINE)
    assert beats.shape == (2, 3, 16, 2 * 8 * 24)
    np.testing.assert_array_equal(form.to_cells(beats, FINE), cells)


@pytest.mark.parametrize(
    ("config", "notes"),
    [
        (CONFIG, ((0, 6, 0), (6, 6, 0), (24, 12, 40), (90, 6, 12))),
        (TRIPLETS, ((0, 6, 0), (6, 6, 0), (24, 8, 40), (32, 8, 83), (90, 6, 12))),
    ],
)
def test_a_grain_of_six_keeps_16ths_and_one_of_two_triplets(config: GanConfig, notes: tuple[tuple[int, ...]]) -> None:
    cells = np.zeros((1, 3, 4, 96, 84), np.uint8)
    for start, length, pitch in notes:
        cells[0, 1, 2, start : start + length, pitch], cells[0, 1, 2, start, pitch] = HOLD, ONSET
    assert (form.to_cells(form.to_beats(cells, config), config) == cells).all()


@pytest.mark.parametrize(
    ("start", "end", "begins", "ends"), [(4, 11, 6, 12), (7, 9, 6, 12), (1, 14, 0, 12), (5, 6, 6, 12)]
)
def test_a_note_goes_to_the_nearest_grains(start: int, end: int, begins: int, ends: int) -> None:
    cells = np.zeros((1, 3, 4, 96, 84), np.uint8)
    cells[0, 0, 1, start:end, 7], cells[0, 0, 1, start, 7] = HOLD, ONSET
    line = form.to_cells(form.to_beats(cells, CONFIG), CONFIG)[0, 0, 1, :, 7]
    assert np.flatnonzero(line).tolist() == list(range(begins, ends)) and line[begins] == ONSET
    assert (line[begins + 1 : ends] == HOLD).all()


def test_music_is_at_home_round_d() -> None:
    """D minor's and C major's notes are; those of E flat major go up by nine semitones, whatever drums do."""
    white, e_flat = np.isin(np.arange(12), [0, 2, 4, 5, 7, 9, 11]), np.isin(np.arange(12), [3, 5, 7, 8, 10, 0, 2])
    assert form.home_of(np.stack([white, e_flat, np.eye(12)[2], np.zeros(12)]), [5, 5, 5, 5]).tolist() == [0, 9, 0, 5]
    cells = np.zeros((2, 3, 4, 96, 84), np.uint8)
    cells[:, 1, 0, :, 3] = HOLD  # e flat
    cells[0, 2, 1, :, 8] = HOLD  # a flat, in a bar that is not known
    cells[:, 0, 0, :, 6] = HOLD
    mask = np.zeros((2, 3, 4))
    mask[:, :, 0] = 1
    mask[1, 1] = 0
    assert form.semitones_home(cells, mask, 4, CONFIG).tolist() == [11, 4]


def test_noise_is_at_home_in_every_key_alike() -> None:
    keys = np.bincount(form.home_from(np.random.default_rng(0).standard_normal((6000, 8))), minlength=12)
    assert keys.min() > 400 and len(keys) == 12


def test_phrases_move_by_semitones_and_come_back() -> None:
    cells = phrases(3, CONFIG)
    cells[..., :12] = cells[..., -12:] = 0
    up = form.moved(cells, [0, 5, 11], CONFIG)
    np.testing.assert_array_equal(up[0], cells[0])
    np.testing.assert_array_equal(up[1, 1:, ..., 17:], cells[1, 1:, ..., 12:-5])
    np.testing.assert_array_equal(up[:, 0], cells[:, 0])
    np.testing.assert_array_equal(form.moved(up, [0, -5, -11], CONFIG), cells)


def test_what_would_leave_the_pitches_comes_back_by_an_octave() -> None:
    cells = np.zeros((2, 3, 4, 96, 84), np.uint8)
    cells[0, 1, 0, :6, 82] = cells[1, 1, 0, :6, 1] = HOLD
    found = form.moved(cells, [3, -3], CONFIG)
    assert [np.flatnonzero(f[1, 0, 0]).tolist() for f in found] == [[73], [10]]

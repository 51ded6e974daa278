"""Copies and sameness of phrases, on phrases whose shared notes are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.evaluation.phrase_likeness import CopyCheck, Neighbours, different, diversity, likeness
from musegen.events.roll import HOLD, ONSET, Cells

Stroke = tuple[int, int, int]


def phrases(*each: list[Stroke], tracks: int = 5) -> Cells:
    """(n, tracks, 4, 96, 84): for each the notes (track, step of the phrase, row), six steps long."""
    cells = np.zeros((len(each), tracks, 4 * 96, 84), np.uint8)
    for i, strokes in enumerate(each):
        for track, step, row in strokes:
            cells[i, track, step + 1 : step + 6, row] = HOLD
            cells[i, track, step, row] = ONSET
    return cells.reshape(len(each), tracks, 4, 96, 84)


def some(n: int, tracks: int = 5, seed: int = 0) -> Cells:
    """Random phrases of sixty notes on 16ths."""
    rng = np.random.default_rng(seed)
    each = [
        [(int(rng.integers(tracks)), 6 * int(rng.integers(64)), int(rng.integers(20, 60))) for _ in range(60)]
        for _ in range(n)
    ]
    return phrases(*each, tracks=tracks)


A, B, C, D = (1, 0, 30), (1, 24, 32), (0, 48, 12), (4, 100, 50)


def test_likeness_is_shared_notes_over_all_notes() -> None:
    found = likeness(phrases([A, B, C], [B, C, D], [D], [], []))
    assert found[0].tolist() == pytest.approx([1, 2 / 4, 0, 0, 0])
    assert found[1].tolist() == pytest.approx([2 / 4, 1, 1 / 3, 0, 0])
    assert found[3, 4] == 1


def test_a_little_late_is_the_same_and_another_track_is_not() -> None:
    later = [(track, step + 2, row) for track, step, row in (A, B)]
    assert likeness(phrases([A, B], later))[0, 1] == 1
    assert likeness(phrases([A], [(1, 3, 30)]))[0, 1] == 0
    assert likeness(phrases([A], [(2, 0, 30)]))[0, 1] == 0
    assert likeness(phrases([(1, 383, 30)], [(1, 0, 30)]))[0, 1] == 0


def test_how_many_different_phrases_there_are() -> None:
    assert different(phrases([A], [B], [C], [D])) == pytest.approx(4)
    assert different(phrases([A, B], [A, B], [C, D], [C, D])) == pytest.approx(2)
    assert different(phrases([A], [A], [A])) == pytest.approx(1)
    assert different(phrases([], [])) == pytest.approx(1)
    assert 1 < different(phrases([A, B, C], [B, C, D])) < 2


def test_a_collapsed_batch_has_no_diversity() -> None:
    data, fresh = some(12), some(12, seed=1)
    assert diversity(fresh, data) == pytest.approx(1, abs=0.05)
    assert diversity(np.repeat(fresh[:1], 12, 0), data) == pytest.approx(1 / different(data))
    assert diversity(np.zeros_like(fresh), data) < 0.1
    assert diversity(fresh, data[:6]) == pytest.approx(diversity(fresh[:6], data[:6]))


@pytest.mark.parametrize("tracks", [1, 5])
def test_the_nearest_is_what_comparing_with_all_in_all_keys_finds(tracks: int) -> None:
    training = some(30, tracks)
    mine = some(6, tracks, seed=2)
    mine[0] = training[17]
    mine[1, :, 2:] = training[4, :, 2:]
    moved = training[9].copy()
    tuned = slice(1, None) if tracks == 5 else slice(None)
    moved[tuned] = np.roll(moved[tuned], -5, axis=-1)
    mine[2] = moved
    distance, number = Neighbours([training[:11], training[11:]]).nearest(mine)
    assert number[[0, 1, 2]].tolist() == [17, 4, 9]
    assert distance[0] == distance[2] == 0 < distance[1]
    for i in range(len(mine)):
        keys = []
        for semitones in range(-6, 7):
            there = mine[i].copy()
            there[tuned] = np.roll(there[tuned], semitones, axis=-1)
            keys.append(likeness(np.concatenate([there[None], training]))[0, 1:].max())
        assert distance[i] == pytest.approx(1 - max(keys))


def test_drums_are_not_transposed_and_without_transposition_nothing_is() -> None:
    training = some(5)
    moved = np.roll(training[:1], 2, axis=-1)
    index = Neighbours([training])
    assert index.nearest(moved)[0][0] > 0
    assert index.nearest(moved, semitones=0)[0][0] > 0.5
    assert index.nearest(training, semitones=0)[0].tolist() == [0] * 5


def test_silence_is_far_from_everything() -> None:
    assert Neighbours([some(3)]).nearest(np.zeros_like(some(1)))[0].tolist() == [1]


def test_a_copier_is_told_from_a_player() -> None:
    held_out = np.linspace(0.5, 0.9, 101)
    player = CopyCheck(held_out[::4], held_out)
    assert player.copies == 0 and player.suspicious <= 0.08
    copier = CopyCheck(np.array([0.0, 0.0, 0.1, 0.6]), held_out)
    assert (copier.copies, copier.suspicious) == (0.5, 0.75)
    assert "50% exact copies" in str(copier) and "75% nearer" in str(copier)

"""The bar metrics of record, against figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from musegen.evaluation.bar_metrics import (
    PUBLISHED_GAPS,
    gaps,
    measure,
    tonal_centroids,
    tonal_distance,
    track_gaps,
)
from musegen.events.roll import HOLD, ONSET, SILENT, Cells

DRUM, PIANO, GUITAR, BASS, STRINGS = range(5)
C, D, E, G = 36, 38, 40, 43  # rows: MIDI 60, 62, 64 and 67
FIFTH = math.sqrt((2 * math.sin(math.pi / 12)) ** 2 + (2 * math.sin(math.pi / 4)) ** 2 + math.sin(math.pi / 3) ** 2)
"""From C to G: π/6 on the circle of fifths, π/2 on that of minor thirds, 2π/3 on that of major thirds, whose radius
is 1/2: √(0.268 + 2 + 0.75) = 1.737."""


def phrase(tracks: int, *notes: tuple[int, int, int, int]) -> Cells:
    """(1, tracks, 4, 96, 84) with notes of (track, row, first step of the phrase, steps)."""
    cells = np.zeros((1, tracks, 4 * 96, 84), np.uint8)
    for track, row, start, length in notes:
        cells[0, track, start : start + length, row] = HOLD
        cells[0, track, start, row] = ONSET
    return cells.reshape(1, tracks, 4, 96, 84)


def test_a_single_track_by_hand() -> None:
    """Bar 1 silent. Bar 2: C 48 steps, E 24 with it. Bar 3: C for one step, the C above for 95. Bar 4: D thrice."""
    second = ((0, C, 96, 48), (0, E, 96, 24))
    third = ((0, C, 192, 1), (0, C + 12, 193, 95))
    fourth = ((0, D, 288, 1), (0, D, 289, 1), (0, D, 290, 2))
    found = measure(phrase(1, *second, *third, *fourth)).summary()
    assert found == pytest.approx({
        "EB": 1 / 4,
        "UPC": (2 + 1 + 1) / 3,
        "QN": (1 + 1 / 2 + 1 / 3) / 3,
        "PP": (24 / 96 + 0 + 0) / 3,
    })  # fmt: skip


def test_a_note_over_a_bar_line_is_one_in_each_bar() -> None:
    found = measure(phrase(1, (0, C, 95, 2), (0, C, 192, 96 + 30)))
    assert found.empty_bars == (0.0,)
    assert found.qualified == pytest.approx(((0 + 0 + 1 + 1) / 4,))


def test_two_notes_at_once_are_polyphony_and_the_same_pitch_class_is_one() -> None:
    found = measure(phrase(1, (0, C, 0, 96), (0, C + 24, 0, 12), (0, C + 36, 6, 12)))
    assert found.polyphonicity == pytest.approx((18 / 96,))
    assert found.pitch_classes == (1.0,)


def test_drum_pattern_by_hand() -> None:
    """Bar 1: three strokes on 16ths, one after and one before one, one between: (3 + 2 × 0.1 + 0) / 6. Bar 3: 1."""
    first = [(DRUM, 12, step, 5) for step in (0, 6, 12, 19, 35, 45)]
    found = measure(phrase(5, *first, (DRUM, 14, 192 + 90, 3)))
    assert found.drum_pattern == pytest.approx((3.2 / 6 + 1) / 2)
    assert "DP" not in measure(phrase(1, (0, C, 0, 9))).summary()
    assert "DP" not in measure(phrase(5, (PIANO, C, 0, 9))).summary()


def test_drum_strokes_at_once_count_each() -> None:
    found = measure(phrase(5, (DRUM, 12, 0, 3), (DRUM, 14, 0, 3), (DRUM, 18, 3, 3)))
    assert found.drum_pattern == pytest.approx(2 / 3)


def test_tonal_centroids_lie_on_three_circles() -> None:
    """G is 7 semitones up: 49π/6, 21π/2 and 14π/3, which is π/6, π/2 and 2π/3 beyond whole turns."""
    each = tonal_centroids(np.eye(12))
    assert each[0] == pytest.approx([0, 1, 0, 1, 0, 0.5])
    assert each[7] == pytest.approx([0.5, math.sqrt(3) / 2, 1, 0, 0.5 * math.sqrt(3) / 2, -0.25])
    assert tonal_centroids(np.eye(12)[0] + np.eye(12)[7]) == pytest.approx((each[0] + each[7]) / 2)
    assert tonal_centroids(np.eye(12)[0] * 3) == pytest.approx(each[0])
    assert np.isnan(tonal_centroids(np.zeros(12))).all()


def test_tonal_distance_by_hand() -> None:
    """Piano C for three beats. Guitar: G in the first, a rest, C in the third; so (1.737 + 0) / 2."""
    notes = ((PIANO, C, 0, 72), (GUITAR, G, 0, 24), (GUITAR, C - 12, 48, 24))
    assert measure(phrase(5, *notes)).tonal_distance == pytest.approx(FIFTH / 2)
    assert abs(FIFTH - 1.7372) < 1e-4


def test_tonal_distance_is_a_mean_over_pairs_of_tuned_tracks() -> None:
    """C, G and C: the pairs are 1.737, 0 and 1.737 apart; drums are no pair."""
    notes = ((DRUM, D, 0, 96), (PIANO, C, 0, 96), (GUITAR, G, 0, 96), (STRINGS, C, 0, 96))
    assert measure(phrase(5, *notes)).tonal_distance == pytest.approx(2 / 3 * FIFTH)
    assert "TD" not in measure(phrase(5, notes[0], notes[1])).summary()


def test_distance_of_what_is_given_to_what_is_made() -> None:
    """C against G in the first beat, against C in the second, against silence in the third; tracks are one."""
    given = phrase(2, (0, C, 0, 72), (1, C + 12, 0, 24))
    made = phrase(1, (0, G, 0, 24), (0, C - 12, 24, 24))
    assert tonal_distance(given, made) == pytest.approx(FIFTH / 2)


def test_the_summary_is_a_mean_over_tracks_that_play_and_drums_have_no_pitch_classes() -> None:
    """Drums play one-step strokes in all bars, piano a chord in the first, bass a note in two; two are silent."""
    drums = [(DRUM, row, 24 * i, 1) for i in range(16) for row in (12, 14)]
    found = measure(phrase(5, *drums, (PIANO, C, 0, 96), (PIANO, E, 0, 96), (BASS, D, 0, 1), (BASS, D, 96, 9)))
    assert found.empty_bars == (0, 0.75, 1, 0.5, 1)
    assert found.summary() == pytest.approx({
        "EB": (0 + 0.75 + 1 + 0.5 + 1) / 5,
        "UPC": (2 + 1) / 2,
        "QN": (1 + 0.5) / 2,
        "PP": (1 + 0) / 2,
        "DP": 1,
        "TD": found.tonal_distance,
    })  # fmt: skip


def test_silence_has_empty_bars_and_nothing_else() -> None:
    assert measure(phrase(5)).summary() == {"EB": 1.0}
    assert measure([]).bars == 0


def test_any_cut_of_the_phrases_gives_the_same() -> None:
    rng = np.random.default_rng(0)
    cells = rng.choice([SILENT, ONSET, HOLD], (11, 5, 4, 96, 84), p=[0.98, 0.01, 0.01]).astype(np.uint8)
    whole = measure(cells)
    assert whole == measure([cells[:5], cells[5:6], cells[6:]])
    assert whole.bars == 44


@pytest.mark.parametrize("tracks", [1, 5])
def test_as_a_plain_loop_finds_it(tracks: int) -> None:
    rng = np.random.default_rng(1)
    cells = rng.choice([SILENT, ONSET, HOLD], (2, tracks, 4, 96, 84), p=[0.985, 0.005, 0.01]).astype(np.uint8)
    cells[0, -1, 2] = SILENT
    found = measure(cells)
    for track in range(tracks):
        bars = cells[:, track].reshape(-1, 96, 84)
        lengths = [note_lengths(bar) for bar in bars if bar.any()]
        sounding = [bar != SILENT for bar in bars if bar.any()]
        assert found.empty_bars[track] == pytest.approx(1 - len(lengths) / 8)
        assert found.qualified[track] == pytest.approx(np.mean([np.mean([n >= 2 for n in many]) for many in lengths]))
        assert found.polyphonicity[track] == pytest.approx(np.mean([(s.sum(1) >= 2).mean() for s in sounding]))
        classes = [len({p % 12 for p in np.flatnonzero(s.any(0))}) for s in sounding]
        assert found.pitch_classes[track] == pytest.approx(np.mean(classes))


def note_lengths(bar: Cells) -> list[int]:
    """Steps of each note of a bar (96, 84)."""
    found: list[int] = []
    for row in bar.T:
        held = False
        for cell in row.tolist():
            if cell == ONSET or (cell == HOLD and not held):
                found.append(1)
            elif cell == HOLD:
                found[-1] += 1
            held = cell != SILENT
    return found


def test_gaps_are_distances_of_what_both_have() -> None:
    one = measure(phrase(5, (PIANO, C, 0, 96), (DRUM, 12, 0, 3)))
    other = measure(phrase(5, (PIANO, C, 0, 1), (PIANO, E, 0, 9), (PIANO, G, 48, 9)))
    assert gaps(one, other) == pytest.approx({"EB": 1 / 20, "UPC": 2, "QN": 1 / 3, "PP": 1 / 96})
    assert gaps(one, one) == pytest.approx({"EB": 0, "UPC": 0, "QN": 0, "PP": 0, "DP": 0})
    assert PUBLISHED_GAPS == {"QN": 0.10, "PP": 0.00, "TD": 0.09, "DP": 0.10, "UPC": 1.55}


def test_gaps_of_tracks_do_not_make_up_for_each_other() -> None:
    """Piano two notes at once and bass one, against the other way round: no gap of the means, and one of each track."""
    chord, note = ((C, 0, 96), (E, 0, 96)), ((D, 0, 96),)
    one = measure(phrase(5, *((PIANO, *n) for n in chord), *((BASS, *n) for n in note)))
    other = measure(phrase(5, *((PIANO, *n) for n in note), *((BASS, *n) for n in chord)))
    assert gaps(one, other)["PP"] == gaps(one, other)["UPC"] == 0
    assert track_gaps(one, other) == {"EB": 0, "UPC": 1, "QN": 0, "PP": 1}
    apart = measure(phrase(5, (GUITAR, C, 0, 9)))
    assert track_gaps(one, apart) == pytest.approx({"EB": 3 * 0.25 / 5})

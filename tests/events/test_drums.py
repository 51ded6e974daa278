"""What a drummer reads: places on the grid, drums and strokes, through meters and tempos."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.events.drums import ANY, CLASSES, DRUM_OF_PITCH, STROKE_OF_PITCH, STROKES, DrumRows
from musegen.piece import DRUMS, Meter, Piece, Tempo


def piece(onsets: list[float], pitches: list[int] | None = None, **rest: object) -> Piece:
    """Drum notes at `onsets` in quarters, and a piano note, which is none of a drummer's."""
    notes = [(round(o * 480), 60, p, 80, DRUMS) for o, p in zip(onsets, pitches or [36] * len(onsets), strict=True)]
    return Piece.from_notes([*notes, (0, 480, 60, 80, 0)], 480, **rest)


def test_sixteenths_and_triplets() -> None:
    rows = DrumRows.of_piece(piece([0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1, 5.5]))
    assert rows.step.tolist() == [0, 1, 1, 2, 3, 3, 4, 22]
    assert rows.lean.tolist() == [0, 0, 1, 0, -1, 0, 0, 0]
    assert rows.place.tolist() == [0, 1, 1, 2, 3, 3, 4, 6]


def test_places_begin_again_with_each_bar_of_any_meter() -> None:
    rows = DrumRows.of_piece(piece([0, 3, 3.25, 6, 9.75], meters=(Meter(0, 3, 4), Meter(6 * 480, 4, 4))))
    assert rows.place.tolist() == [0, 0, 1, 0, 15]
    assert rows.step.tolist() == [0, 12, 13, 24, 39]


def test_just_before_the_bar_line_is_on_it() -> None:
    rows = DrumRows.of_piece(piece([3.97, 8.0]))
    assert (rows.step.tolist(), rows.place.tolist()) == ([16, 32], [0, 0])


def test_tempo_and_half_a_sixteenth() -> None:
    rows = DrumRows.of_piece(piece([0, 4], tempos=(Tempo(0, 500_000), Tempo(4 * 480, 1_000_000))))
    assert rows.tempo.tolist() == [120, 60]
    assert rows.half_step.tolist() == [62.5, 125]


@pytest.mark.parametrize(
    ("pitch", "name"), [(36, "kick"), (35, "kick"), (40, "snare"), (44, "closed hi-hat"), (59, "ride"), (41, "low tom")]
)
def test_classes(pitch: int, name: str) -> None:
    assert list(CLASSES)[DRUM_OF_PITCH[pitch]] == name


def test_every_stroke_is_its_own_and_others_are_any() -> None:
    assert [STROKE_OF_PITCH[p] for p in STROKES] == list(range(22))
    assert {int(STROKE_OF_PITCH[p]) for p in range(128) if p not in STROKES} == {ANY}


def test_rows_can_be_chosen() -> None:
    rows = DrumRows.of_piece(piece([0, 1, 2], [36, 38, 42]))
    assert rows[np.array([0, 2])].drum.tolist() == [0, 2]
    assert len(rows[1:]) == 2

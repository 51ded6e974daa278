"""Piano rolls: exact where the grid allows, and saying what they lose where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musegen.errors import SettingsError
from musegen.events.roll import HOLD, ONSET, SILENT, Grid, Roll, Track, from_piece, of_sounding, rounding
from musegen.piece import DRUMS, Key, Metadata, Meter, Note, Piece, Tempo

GRID = Grid(4, 40, 12)


@st.composite
def rolls(draw: st.DrawFn) -> Roll:
    """Rolls in which every hold has its onset, every track plays, and the last step sounds."""
    tracks, steps = draw(st.integers(1, 3)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cells = rng.choice(3, (tracks, steps, GRID.pitches), p=[0.6, 0.2, 0.2]).astype(np.uint8)
    cells[:, -1, 0] = ONSET
    for step in range(steps):
        orphan = cells[:, step] == HOLD
        if step:
            orphan &= cells[:, step - 1] == SILENT
        cells[:, step][orphan] = SILENT
    people = tuple(Track(program, part, 60 + part) for part, program in enumerate((0, 40, DRUMS)[:tracks]))
    meters = (Meter(0, 3, 4), Meter(72, 4, 4))
    rest = {"tempos": (Tempo(0, 400_000), Tempo(50)), "meters": meters, "keys": (Key(0, 2),), "part_names": ("a", "b")}
    return Roll(cells, GRID, people, metadata=Metadata(title="t"), **rest)


@given(rolls())
def test_roll_to_piece_to_roll_is_the_same_roll(roll: Roll) -> None:
    again = from_piece(roll.to_piece(), GRID)
    np.testing.assert_array_equal(again.cells, roll.cells)
    for name in ("grid", "tracks", "tempos", "meters", "keys", "part_names", "metadata"):
        assert getattr(again, name) == getattr(roll, name)


@given(rolls(), st.sampled_from([24, 96, 480]))
def test_a_piece_on_the_grid_comes_back_whatever_its_resolution(roll: Roll, resolution: int) -> None:
    piece = roll.to_piece()
    lost = rounding(piece.at_resolution(resolution), GRID)
    assert from_piece(piece.at_resolution(resolution), GRID).to_piece() == piece
    assert str(lost).startswith(f"{len(piece)} notes: 0 onsets moved (≤0.00 ticks), 0 ends moved (≤0.00 ticks), 0 velo")


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60), st.integers(36, 55), st.integers(60, 64))))
def test_rounding_accounts_for_every_note(rows: list[tuple[int, int, int, int]]) -> None:
    piece = Piece.from_notes([Note(*row) for row in rows])
    lost, kept = rounding(piece, GRID), from_piece(piece, GRID).to_piece()
    assert len(kept) == len(piece) - lost.out_of_range - lost.doubled_dropped
    assert lost.worst_onset <= 3, "half a step of six ticks"
    assert lost.out_of_range == sum(not 40 <= pitch < 52 for _, _, pitch, _ in rows)
    assert lost.cut_short <= lost.ends_moved


def test_what_is_lost_is_said() -> None:
    notes = [(0, 12, 45, 80), (1, 12, 45, 80), (24, 48, 46, 80), (36, 12, 46, 90), (60, 6, 99, 80), (67, 1, 47, 80)]
    lost = rounding(Piece.from_notes(notes), GRID)
    assert (lost.notes, lost.doubled_dropped, lost.cut_short, lost.out_of_range) == (6, 1, 1, 1)
    assert (lost.onsets_moved, lost.velocities_changed) == (1, 1)
    assert lost.worst_onset == 1.0 and lost.worst_end == 36.0


def test_a_repeated_note_survives_and_a_binary_roll_merges_it() -> None:
    piece = Piece.from_notes([(0, 12, 45), (12, 12, 45)])
    roll = from_piece(piece, GRID)
    assert roll.cells[0, :, 5].tolist() == [ONSET, HOLD, ONSET, HOLD]
    assert of_sounding(roll.sounding)[0, :, 5].tolist() == [ONSET, HOLD, HOLD, HOLD]


def test_merging_leaves_out_the_drums_and_lets_the_onset_win() -> None:
    piece = Piece.from_notes([(0, 24, 45, 80, 0, 0), (12, 12, 45, 80, 40, 1), (0, 6, 42, 80, DRUMS, 2)])
    merged = from_piece(piece, GRID).merged()
    assert merged.cells.shape == (1, 4, 12) and merged.cells[0, :, 5].tolist() == [ONSET, HOLD, ONSET, HOLD]
    assert not merged.sounding[0, :, 2].any() and merged.tracks == (Track(0, 0, 80),)
    assert from_piece(Piece.from_notes([]), GRID, 3).merged().cells.shape == (1, 3, 12)


def test_places_in_the_bar_follow_the_meters() -> None:
    roll = from_piece(Piece.from_notes([(0, 144, 45)], meters=(Meter(0, 3, 4), Meter(72, 2, 4))), GRID)
    since, until = roll.bar_place().T.tolist()
    assert since == [*range(12), *range(8), *range(4)]
    assert until == [*range(12, 0, -1), *range(8, 0, -1), *range(8, 4, -1)]


@pytest.mark.parametrize("wrong", [{"steps": 5}, {"steps": 0}, {"low": 100, "pitches": 60}, {"pitches": 0}])
def test_grids_that_make_no_sense_are_named(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=r"quarter|pitches"):
        Grid(**wrong)

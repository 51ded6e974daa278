"""What is asked of the network, and what becomes of its answers; the samples that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musegen.events.drums import BAR
from musegen.midi import midi_bytes, read_midi
from musegen.midi.files import read_texts
from musegen.piece import DRUMS, Note, Piece, Tempo
from musegen.sampling.humanise import humanise, perform
from musegen.sampling.performing import Performance
from musegen.sampling.undo import undo

from ..small_humaniser import humaniser

GENERATED = Path(__file__).parents[2] / "midi_samples" / "generated"


def beat(bars: int = 4, crash: int = 49) -> Piece:
    notes = [Note(24 * i, 12, 42, 100, DRUMS, 0) for i in range(1, 16 * bars)]
    notes += [Note(96 * i, 24, 36 + 2 * (i % 2), 100, DRUMS, 0) for i in range(4 * bars)]
    return Piece.from_notes([*notes, Note(0, 96, crash, 100, DRUMS, 0)], 96, tempos=(Tempo(0, 600_000),))


def milliseconds(performance: Performance) -> np.ndarray:
    return performance.offsets / performance.ticks_per_quarter * 600


def test_no_stroke_is_further_off_than_triplets_swing() -> None:
    off = milliseconds(perform(humaniser(spread=4.0), beat()))
    assert 48 < np.abs(off).max() <= 50 + 0.7  # a third of a 16th of 150 ms, in ticks of 1.25 ms


def test_a_written_crash_is_a_crash() -> None:
    """The dataset's kit has it on another key than General MIDI."""
    one, other = (perform(humaniser(), beat(crash=c)) for c in (49, 55))
    assert np.array_equal(one.drums["velocity"], other.drums["velocity"])
    assert np.array_equal(one.drums["onset"], other.drums["onset"])
    ride = perform(humaniser(), beat(crash=51))
    assert not np.array_equal(ride.drums["velocity"], one.drums["velocity"])


def test_the_mean_of_what_is_played_is_on_the_grid() -> None:
    off = milliseconds(perform(humaniser(spread=0.4), beat(16)))
    assert abs(off.mean()) < 2 < off.std()


def test_a_long_piece_is_played_bar_by_bar_and_what_is_far_away_changes_nothing() -> None:
    long, short = (perform(humaniser(), beat(bars)).drums for bars in (20, 12))
    near = short["onset"] < 8 * BAR * 120  # four bars before the short one ends
    assert np.array_equal(long["onset"][: near.sum()], short["onset"][near])
    assert np.array_equal(long["velocity"][: near.sum()], short["velocity"][near])


@pytest.mark.parametrize("feel", ["soul", "drummer3"])
def test_the_samples_are_what_the_shipped_humaniser_plays(feel: str) -> None:
    path = GENERATED / "humaniser" / f"{feel}.mid"
    played, written = read_midi(path), (GENERATED / "groove.mid").read_bytes()
    assert midi_bytes(undo(played, read_texts(path)).piece) == written
    again = humanise(GENERATED / "groove.mid", feel=feel)
    off = np.abs(again.notes["onset"].astype(int) - played.notes["onset"])
    assert (off <= 1).mean() > 0.99, "played by another checkpoint"
    velocities = played.notes["velocity"]
    assert velocities.max() - velocities.min() > 60

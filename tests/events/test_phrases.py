"""Phrases cut from pieces: which bars, which tracks, and that nothing in them is lost on the way to a piece."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.events.phrases import BARS, FEWEST_NOTES, bars_of, out_of_range, phrases_of, piece_of
from musegen.events.roll import HOLD, ONSET, SILENT
from musegen.events.tracks import PROGRAMS, TRACKS
from musegen.piece import DRUMS, Meter, Note, Piece

DRUM, PIANO, GUITAR, BASS, STRINGS = range(5)


def beat(bars: int, program: int = 0, pitch: int = 60, part: int = 0) -> list[Note]:
    """A quarter note on each beat."""
    return [Note(24 * i, 12, pitch, 80, program, part) for i in range(4 * bars)]


def band(bars: int) -> Piece:
    return Piece.from_notes(beat(bars) + beat(bars, DRUMS, 36, 1) + beat(bars, 33, 40, 2))


def test_a_piece_of_n_bars_has_a_phrase_from_every_bar_line_that_four_bars_follow() -> None:
    assert phrases_of(band(7), 5).shape == (4, 5, 4, 96, 84)
    assert phrases_of(band(11), 5, stride=4).shape[0] == 2
    assert phrases_of(band(3), 5).shape[0] == 0


def test_each_note_is_on_its_track_and_step() -> None:
    notes = [Note(96 + 5, 30, 61, 80, 40, 0), Note(96 + 5, 9, 30, 80, 39, 1), Note(200, 1, 44, 80, DRUMS, 2)]
    phrase = phrases_of(Piece.from_notes(beat(4) + notes), 5)[0]
    assert (phrase[STRINGS, 1, 5:35, 61 - 24] == [ONSET] + [HOLD] * 29).all()
    assert (phrase[BASS, 1, 5:14, 30 - 24] == [ONSET] + [HOLD] * 8).all()
    assert phrase[DRUM, 2, 8, 44 - 24] == ONSET
    assert [int((phrase[k] != SILENT).sum()) for k in (STRINGS, BASS, DRUM, GUITAR)] == [30, 9, 1, 0]


def test_a_repeated_note_begins_again_and_one_over_a_bar_line_goes_on() -> None:
    notes = [Note(0, 48, 60), Note(48, 96, 60), *beat(5, 33, 40, 1)]
    phrase = phrases_of(Piece.from_notes(notes + beat(5, 48, 70, 2)), 5)[0]
    lane = phrase[PIANO, :2, :, 60 - 24].reshape(-1)
    assert np.flatnonzero(lane == ONSET).tolist() == [0, 48]
    assert (lane[96:144] == HOLD).all() and not lane[144:].any()


def test_bars_of_other_meters_are_left_out_and_never_inside_a_phrase() -> None:
    meters = (Meter(0, 4, 4), Meter(5 * 96, 3, 4), Meter(5 * 96 + 72, 2, 2))
    notes = [Note(24 * i, 12, 60, 80, 0, 0) for i in range(20 + 3 + 20)]
    piece = Piece.from_notes(notes + [n._replace(program=33, part=1, pitch=40) for n in notes], meters=meters)
    bars = bars_of(piece, 5)
    assert bars.numbers.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10] and bars.other == 1
    assert len(phrases_of(piece, 5)) == 2 + 2
    assert len(phrases_of(piece, 5, stride=4)) == 1 + 1  # after a break the count begins anew


def test_phrases_with_a_silent_bar_few_notes_or_a_single_track_are_not_worth_learning() -> None:
    silent_bar = [n for n in band(4) if not 96 <= n.onset < 192]
    assert len(phrases_of(Piece.from_notes(silent_bar), 5)) == 0
    few = [Note(96 * b + 48 * i, 90, 60, 80, 0, 0) for b in range(4) for i in range(2)]
    assert len(few) == FEWEST_NOTES
    assert len(phrases_of(Piece.from_notes(few), 1)) == 1
    assert len(phrases_of(Piece.from_notes(few[:-1]), 1)) == 0
    assert len(phrases_of(Piece.from_notes(beat(4)), 5)) == 0
    assert len(phrases_of(Piece.from_notes(beat(4)), 1)) == 1


def test_one_track_has_all_tuned_parts_and_no_drums() -> None:
    phrase = phrases_of(band(4), 1)[0]
    assert phrase.shape[0] == 1
    assert np.unique((phrase != SILENT).nonzero()[3]).tolist() == [40 - 24, 60 - 24]


@pytest.mark.parametrize("tracks", [1, 5])
def test_to_a_piece_and_back_is_the_same_phrase(tracks: int) -> None:
    rng = np.random.default_rng(3)
    notes = [
        Note(int(rng.integers(0, 372)), int(rng.integers(1, 12)), int(rng.integers(24, 108)), 80, program, part)
        for part, program in enumerate(PROGRAMS)
        for _ in range(40)
    ]
    phrase = phrases_of(Piece.from_notes([*notes, Note(383, 1, 50)]), tracks)[0]
    assert (phrase == ONSET).sum() > 60
    assert np.array_equal(phrases_of(piece_of(phrase), tracks)[0], phrase)


def test_a_piece_of_a_phrase_is_played_by_the_bands_programs() -> None:
    piece = piece_of(phrases_of(band(4), 5)[0], qpm=90)
    assert set(piece.notes["program"].tolist()) == {DRUMS, 0, 33}
    assert piece.tempos[0].qpm == pytest.approx(90, abs=0.01)
    assert piece.part_names == TRACKS
    loud = {int(p): int(piece.notes["velocity"][piece.notes["program"] == p][0]) for p in (DRUMS, 0)}
    assert loud[DRUMS] > loud[0] > 0


def test_phrases_end_to_end_are_one_piece() -> None:
    phrases = phrases_of(band(8), 5, stride=4)
    joined = piece_of(np.concatenate(list(phrases), axis=1))
    assert joined.end == 2 * BARS * 96 - 12 and len(joined) == 8 * 4 * 3


def test_notes_outside_the_pitches_are_left_out_and_counted() -> None:
    extra = [Note(0, 9, 23, 80, 0, 0), Note(0, 9, 108, 80, DRUMS, 1), Note(0, 9, 107, 80, DRUMS, 1)]
    piece = Piece.from_notes(list(band(4)) + extra)
    assert out_of_range(piece, 5) == (1, 1)
    assert out_of_range(piece, 1) == (0, 1)
    assert (phrases_of(piece, 5)[0] == ONSET).sum() == 3 * 16 + 1

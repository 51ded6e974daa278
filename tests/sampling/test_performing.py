"""Drums moved off their places and taken back: order, grid, ends, and the undo, on many random pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musegen.errors import MusegenError, SettingsError
from musegen.midi import midi_bytes, read_midi_bytes
from musegen.midi.files import read_texts
from musegen.piece import DRUMS, Key, Metadata, Meter, Note, Piece, Tempo
from musegen.sampling.performing import Performance
from musegen.sampling.steps import nearest, room, steps_of
from musegen.sampling.undo import is_humanised, text_of, undo

KIT = st.sampled_from([36, 38, 42, 46])
RESOLUTIONS = st.sampled_from([24, 48, 96, 120, 192, 220, 384, 480, 960])


@st.composite
def drum_pieces(draw: st.DrawFn) -> Piece:
    """Grooves on a grid with chords, rolls, flams, other parts, a second drum part and changes of tempo and meter."""
    tpq = draw(RESOLUTIONS)
    steps = draw(st.sampled_from([4, 4, 3, 6, 12]))
    length = st.sampled_from([1, 2, max(1, tpq // steps), max(1, tpq // 2), 2 * tpq])
    velocity = st.integers(1, 127)
    place = st.integers(0, 8 * steps)
    strokes = draw(st.lists(st.tuples(place, KIT, length, velocity, st.integers(1, 2)), min_size=1, max_size=60))
    notes = [Note(round(p * tpq / steps), d, k, v, DRUMS, part) for p, k, d, v, part in strokes]
    for i in draw(st.lists(st.integers(0, len(notes) - 1), max_size=1 + len(strokes) // 12)):
        notes.append(notes[i]._replace(onset=max(0, notes[i].onset - draw(st.integers(1, 3)))))  # flams
    others = st.tuples(st.integers(0, 8 * tpq), st.integers(1, tpq), st.integers(58, 61), velocity)
    notes += [Note(o, d, p, v, 0, 0) for o, d, p, v in draw(st.lists(others, max_size=10))]
    return Piece.from_notes(
        notes,
        tpq,
        tempos=(Tempo(0, 500_000), Tempo(tpq * 3 + 1, draw(st.integers(200_000, 900_000)))),
        meters=(Meter(0, 3, 4), Meter(3 * tpq, 4, 4)),
        keys=(Key(0, -2, True),),
        part_names=("piano", "kit", "more"),
        metadata=Metadata(title="A song"),
    )


def through_a_file(piece: Piece) -> Piece:
    """As a reader of the file has it: there, a key's first stroke gets the key's first end."""
    return read_midi_bytes(midi_bytes(piece))


def played(piece: Piece, seed: int, spread: float = 200.0) -> Performance | None:
    """`piece`, played as wildly as the limits allow; None where it stands on no grid."""
    try:
        performance = Performance.of(piece)
    except SettingsError:
        return None
    rng, n = np.random.default_rng(seed), len(performance.fine)
    return performance.played(rng.normal(0, spread, n), rng.uniform(-20, 160, n))


def struck(notes: np.ndarray) -> list[tuple[int, int, int]]:
    """(key, begin, end) of every note."""
    return [(int(n["pitch"]), int(n["onset"]), int(n["onset"] + n["duration"])) for n in notes]


@settings(max_examples=300, deadline=None)
@given(drum_pieces(), st.integers(0, 99), st.sampled_from([3.0, 30.0, 300.0]))
def test_structure_is_untouched(piece: Piece, seed: int, spread: float) -> None:
    piece = through_a_file(piece)
    performance = played(piece, seed, spread)
    if performance is None:
        return
    fine, drums, scale = performance.fine, performance.drums, performance.ticks_per_quarter // piece.ticks_per_quarter
    assert len(drums) == len(fine)
    for same in ("pitch", "part", "program"):
        assert np.array_equal(drums[same], fine[same])
    # No note leaves its place, none changes places with another, notes of a key that begin together stay together.
    assert (2 * np.abs(performance.offsets) < performance.ticks_per_quarter / performance.steps).all()
    before, after = fine["onset"].astype(int), drums["onset"].astype(int)
    assert (after >= 0).all()
    earlier = before[:, None] < before[None, :]
    assert (after[:, None] < after[None, :])[earlier].all()
    together = (before[:, None] == before[None, :]) & (fine["pitch"][:, None] == fine["pitch"][None, :])
    assert (after[:, None] == after[None, :])[together].all()
    # Every note has a length; no key is struck while it sounds that was not before; none got longer.
    assert (drums["duration"] >= 1).all() and (drums["duration"] <= fine["duration"]).all()
    for (key, on, end), (_, new_on, new_end) in zip(struck(fine), struck(drums), strict=True):
        for (other, start, _), (_, new_start, _) in zip(struck(fine), struck(drums), strict=True):
            if key == other and on < start and end <= start:
                assert new_on < new_end <= new_start
    assert ((drums["velocity"] >= 1) & (drums["velocity"] <= 127)).all()
    # All else is as it was, to the tick and the velocity.
    others = performance.piece.notes[performance.piece.notes["program"] != DRUMS]
    mine = piece.notes[piece.notes["program"] != DRUMS]
    assert np.array_equal(others["onset"], mine["onset"].astype(int) * scale)
    assert np.array_equal(others["duration"], mine["duration"].astype(int) * scale)
    assert np.array_equal(others[["pitch", "velocity", "part"]], mine[["pitch", "velocity", "part"]])
    assert [t.tick for t in performance.piece.tempos] == [t.tick * scale for t in piece.tempos]


@settings(max_examples=300, deadline=None)
@given(drum_pieces(), st.integers(0, 99))
def test_undo_gives_the_file_back_bit_for_bit(piece: Piece, seed: int) -> None:
    piece = through_a_file(piece)
    performance = played(piece, seed)
    if performance is None:
        return
    file = midi_bytes(performance.piece, texts=[text_of(performance)])
    undone = undo(read_midi_bytes(file), [text_of(performance)])
    assert undone.piece == piece
    assert midi_bytes(undone.piece) == midi_bytes(piece)
    assert (undone.kept, undone.changed, undone.removed) == (True, 0, 0)


@settings(max_examples=100, deadline=None)
@given(drum_pieces(), st.integers(0, 99))
def test_the_grid_alone_gives_the_onsets_back(piece: Piece, seed: int) -> None:
    performance = played(piece, seed)
    if performance is None:
        return
    fine, tpq, steps = performance.fine["onset"].astype(np.int64), performance.ticks_per_quarter, performance.steps
    on_it = np.abs(nearest(fine, tpq, steps) - fine) <= 0
    again = nearest(performance.drums["onset"].astype(np.int64), tpq, steps)
    assert np.array_equal(again[on_it], fine[on_it])


def groove(bars: int = 2, tpq: int = 96) -> Piece:
    """Straight sixteenths at one velocity, and a bass."""
    step = tpq // 4
    hats = [Note(i * step, step, 42, 100, DRUMS, 1) for i in range(16 * bars)]
    kick = [Note(i * tpq, tpq // 2, 36 + 2 * (i % 2), 100, DRUMS, 1) for i in range(4 * bars)]
    bass = [Note(i * tpq, tpq, 33, 90, 32, 0) for i in range(4 * bars)]
    return Piece.from_notes([*bass, *hats, *kick], tpq, part_names=("bass", "kit"))


def humanised() -> tuple[Piece, str]:
    performance = played(groove(), 1, 30)
    assert performance is not None
    return performance.piece, text_of(performance)


def edited(piece: Piece, change: dict[str, int], which: int) -> Piece:
    notes = piece.notes.copy()
    for name, value in change.items():
        notes[name][which] += value
    return Piece.from_notes([tuple(n) for n in notes.tolist()], piece.ticks_per_quarter, **maps(piece))


def maps(piece: Piece) -> dict[str, object]:
    return {"tempos": piece.tempos, "meters": piece.meters, "keys": piece.keys, "part_names": piece.part_names}


def a_drum(piece: Piece) -> int:
    """A hi-hat in the middle of `piece`."""
    return int(np.flatnonzero(piece.notes["pitch"] == 42)[9])


def test_a_note_that_was_moved_is_put_on_the_grid_and_the_rest_comes_back() -> None:
    piece, text = humanised()
    which = a_drum(piece)
    undone = undo(edited(piece, {"onset": 17, "pitch": 2}, which), [text])  # 42 → 44: a pedal hat, and later
    assert (undone.changed, undone.removed) == (1, 1)
    old, new = list(groove()), list(undone.piece)
    (gone,), (come,) = set(old) - set(new), set(new) - set(old)
    assert (come.pitch, gone.pitch, come.onset) == (44, 42, gone.onset)
    assert come.velocity == piece.notes["velocity"][which]


def test_a_velocity_that_was_drawn_stays_and_the_place_comes_back() -> None:
    piece, text = humanised()
    undone = undo(edited(piece, {"velocity": 1}, a_drum(piece)), [text])
    assert (undone.changed, undone.removed) == (1, 0)
    wanted, found = groove().notes, undone.piece.notes
    assert np.array_equal(found[["onset", "duration", "pitch"]], wanted[["onset", "duration", "pitch"]])
    assert (found["velocity"] != wanted["velocity"]).sum() == 1


def test_what_other_parts_play_now_stays() -> None:
    piece, text = humanised()
    bass = int(np.flatnonzero(piece.notes["program"] == 32)[2])
    undone = undo(edited(piece, {"pitch": 5}, bass), [text])
    assert undone.changed == 0
    assert set(undone.piece) ^ set(groove()) == {Note(192, 96, 33, 90, 32, 0), Note(192, 96, 38, 90, 32, 0)}


@pytest.mark.parametrize("ticks_per_quarter", [960, 384, 1000])
def test_a_program_that_counts_other_ticks_changes_nothing(ticks_per_quarter: int) -> None:
    piece, text = humanised()
    undone = undo(piece.at_resolution(ticks_per_quarter), [text])
    assert undone.piece == groove() and undone.changed == undone.removed == 0


@pytest.mark.parametrize(
    "texts", [[], ["a song"], ["CUT"], ["musegen humanised 1 96 480 4 AAAA"], ["musegen humanised 1"]]
)
def test_without_the_text_the_drums_are_put_on_the_grid(texts: list[str]) -> None:
    piece, text = humanised()
    undone = undo(piece, [text[:-9] if t == "CUT" else t for t in texts])
    assert not undone.kept and undone.steps == 4
    assert np.array_equal(undone.piece.notes["onset"], groove().at_resolution(480).notes["onset"])
    assert np.array_equal(np.sort(undone.piece.notes["velocity"]), np.sort(piece.notes["velocity"]))
    assert not is_humanised([text[:-9]]) and is_humanised(["a song", text])


def test_a_text_that_unpacks_to_more_than_any_music_is_none_of_ours() -> None:
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(bytes(2**27), 9)).decode()
    assert not is_humanised([f"musegen humanised 1 96 480 4 {bomb}"])


def test_texts_are_read_back_from_a_file(tmp_path: Path) -> None:
    piece, text = humanised()
    (tmp_path / "a.mid").write_bytes(midi_bytes(piece, texts=["läuft", text]))
    assert read_texts(tmp_path / "a.mid") == ["läuft", text]
    assert read_midi_bytes((tmp_path / "a.mid").read_bytes()) == piece


def test_without_drums_it_says_so() -> None:
    bass = replace(groove(), notes=groove().notes[groove().notes["program"] == 32])
    with pytest.raises(MusegenError, match="no drums"):
        Performance.of(bass)
    with pytest.raises(MusegenError, match="no drums"):
        undo(bass, [])


def test_drums_on_no_grid_are_human_already() -> None:
    rng = np.random.default_rng(0)
    free = Piece.from_notes([Note(int(t), 10, 38, 80, DRUMS, 0) for t in rng.integers(0, 4800, 60)], 480)
    with pytest.raises(SettingsError, match="freely"):
        Performance.of(free)


@pytest.mark.parametrize(
    ("steps", "ticks_per_quarter", "found"),
    [
        (1, 480, 4),
        (4, 480, 4),
        (4, 220, 4),
        (3, 480, 3),
        (3, 220, 3),
        (6, 24, 6),
        (12, 480, 12),
        (8, 96, 8),
        (24, 24, 24),
    ],
)
def test_the_grid_is_found(steps: int, ticks_per_quarter: int, found: int) -> None:
    places = nearest(np.arange(40) * ticks_per_quarter // steps, ticks_per_quarter, steps)
    assert steps_of(places, ticks_per_quarter) == found
    odd = np.concatenate([places, places[:4] + 1])
    assert steps_of(odd, ticks_per_quarter) == found, "a few flams make no other grid"


def test_the_room_is_less_than_half_of_what_is_between() -> None:
    early, late = room(np.array([0, 0, 120, 125, 240, 241]), 120.0)
    assert early.tolist() == [0, 0, 59, 2, 57, 0]
    assert late.tolist() == [59, 59, 2, 57, 0, 59]

"""Continuations: repeatable, on the seed's timeline, endless where asked, the same live as in files."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from musegen.engine import load
from musegen.errors import CheckpointError, SettingsError
from musegen.events import attributes as at
from musegen.piece import Key, Meter, Note, Piece, Tempo
from musegen.sampling.batch import generate
from musegen.sampling.plan import Limits, Plan
from musegen.sampling.sampler import SamplerSettings
from musegen.sampling.stream import Stream

from ..small_corpus import tune


def seed() -> Piece:
    return replace(tune(100, 4), tempos=(Tempo(0, 600_000),), keys=(Key(0, 2),))


def test_one_seed_number_one_music(trained: Path) -> None:
    engine = load(trained)
    one, two, other = (list(generate(engine, Plan(seed(), seed_number=n), 3, 4)) for n in (7, 7, 8))
    assert one == two
    assert one != other
    assert len({p.notes.tobytes() for p in one}) == 3, "the pieces of a batch differ"


def test_new_music_has_the_seeds_timeline_and_parts(trained: Path) -> None:
    piece = next(generate(load(trained), Plan(seed()), 1, 4))
    assert (piece.tempos, piece.meters, piece.keys) == ((Tempo(0, 600_000),), (Meter(0, 4, 4),), (Key(0, 2),))
    assert piece.part_names == ("tune", "bass")
    assert {(n.program, n.part) for n in piece} <= {(0, 0), (32, 1)}
    assert 0 <= piece.notes["onset"].min() < 48 and piece.end <= 4 * 96


def test_with_seed_the_seed_comes_first_unchanged(trained: Path) -> None:
    engine, plan = load(trained), Plan(seed())
    alone, both = (next(generate(engine, plan, 1, 4, with_seed=w)) for w in (False, True))
    old = both.notes["onset"] < plan.origin
    np.testing.assert_array_equal(both.notes[old], seed().notes)
    moved = both.notes[~old].copy()
    moved["onset"] -= plan.origin
    np.testing.assert_array_equal(moved, alone.notes)


def test_it_plays_what_it_learnt(trained: Path) -> None:
    """The tunes keep to one major scale and one bass note a bar; so should what follows one."""
    pieces = list(generate(load(trained), Plan(tune(105, 4), SamplerSettings(temperature=0.8)), 6, 8))
    notes = np.concatenate([p.notes for p in pieces])
    scale = {0, 2, 4, 5, 7, 9, 11}
    lead = notes[notes["part"] == 0]
    assert np.isin(lead["pitch"] % 12, list(scale)).mean() > 0.75
    bass = notes[notes["part"] == 1]
    assert (bass["onset"] % 96 == 0).mean() > 0.75 and np.median(bass["duration"]) == 96
    assert np.isin(lead["duration"], (12, 24)).mean() > 0.75


def test_the_stream_is_endless_ordered_and_repeatable(trained: Path) -> None:
    stream = pickle.loads(pickle.dumps(Stream(str(trained), Plan(seed(), seed_number=3))))  # noqa: S301 our own bytes
    notes = list(islice(stream.open(), 400))  # far past the memory of 128 rows
    assert notes == list(islice(stream.open(), 400))
    onsets = [n.onset for n in notes]
    assert onsets == sorted(onsets) and onsets[0] >= 0
    assert max(np.diff(onsets)) <= 3 * 96
    late = notes[-100:]
    assert np.isin([n.duration for n in late if n.instrument == 0], (12, 24)).mean() > 0.6, "still music"


def test_the_stream_and_the_files_play_the_same(trained: Path) -> None:
    plan = Plan(seed(), seed_number=5)
    piece = next(generate(load(trained), plan, 1, 4))
    live = [n for n in islice(Stream(str(trained), plan).open(), 300) if n.onset < 4 * 96]
    assert [(n.onset, n.pitch) for n in live] == sorted((n.onset, n.pitch) for n in piece) or len(live) == len(piece)
    assert sorted((n.onset, n.pitch, n.velocity) for n in live) == sorted((n.onset, n.pitch, n.velocity) for n in piece)


def test_a_long_seed_is_read_from_its_end(trained: Path) -> None:
    long = tune(3, 200)
    a = next(generate(load(trained), Plan(long), 1, 2))
    assert len(a) > 4


def test_the_style_tag_goes_after_start(untrained: Path) -> None:
    engine = load(untrained)
    rows = Plan(seed(), style="tune").prompt(engine.styles)
    assert rows[:2, 0].tolist() == [at.START, at.TAG] and rows[1, 1] == at.FIRST_TAG + 1
    with pytest.raises(SettingsError, match="no style 'jazz'; it knows chorale, tune"):
        Plan(seed(), style="jazz").prompt(engine.styles)


def test_a_seed_without_notes_and_a_wrong_name_are_sentences(trained: Path) -> None:
    with pytest.raises(SettingsError, match="holds no notes"):
        next(generate(load(trained), Plan(Piece.from_notes([])), 1, 4))
    with pytest.raises(CheckpointError, match="There is no checkpoint 'nosuch'"):
        load("nosuch")
    with pytest.raises(SettingsError, match="at least 1"):
        next(generate(load(trained), Plan(seed()), 0, 4))


def test_seeds_on_other_grids_are_brought_to_the_codecs() -> None:
    fine = Piece.from_notes([Note(0, 480, 60), Note(480, 480, 62)], 480)
    assert Plan(fine, limits=Limits()).seed.notes["onset"].tolist() == [0, 24]

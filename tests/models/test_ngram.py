"""The n-gram is a probability distribution, learns, keeps to the past, and survives saving."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from musegen.checkpoint import Checkpoint, load
from musegen.errors import CheckpointError, CorpusError
from musegen.events import attributes as at
from musegen.events.codec import EventCodec, Rows
from musegen.events.derived import ModelRows, derive
from musegen.models.baselines.base import build
from musegen.models.baselines.contexts import FEATURES, Walk, features, places
from musegen.models.baselines.ngram import NGram
from musegen.models.config import BaselineConfig
from musegen.piece import Meter, Note, Piece

WALTZ = (Meter(0, 3, 4),)


class Memory:
    """A corpus in memory: pieces by split."""

    def __init__(self, **splits: list[Rows]) -> None:
        self.all = [(split, rows) for split, pieces in splits.items() for rows in pieces]

    def pieces(self, split: str) -> list[int]:
        return [i for i, (s, _) in enumerate(self.all) if s == split]

    def rows(self, i: int) -> Rows:
        return self.all[i][1]

    def meters(self, i: int) -> tuple[Meter, ...]:
        return WALTZ


def scale(seed: int, notes: int = 48) -> Rows:
    """Two voices: a run up or down and a note under every fourth, now and then a long gap."""
    rng = np.random.default_rng(seed)
    pitch, now, some = int(rng.integers(55, 70)), 0, []
    for i in range(notes):
        pitch += int(rng.choice([2, 2, 2, -2]))
        pitch = min(max(pitch, 40), 90)
        some.append(Note(now, 12, pitch, 80, 0, 0))
        if i % 4 == 0:
            some.append(Note(now, 48, pitch - 24, 60, 32, 1))
        now += 12 if i % 16 else 300
    return EventCodec().encode(Piece.from_notes(some)).rows


def whole(seed: int) -> ModelRows:
    return derive(scale(seed), WALTZ)


def figures(model: NGram, corpus: Memory, split: str) -> dict[str, float]:
    """Nats per note."""
    pieces = [derive(corpus.rows(i), WALTZ) for i in corpus.pieces(split)]
    each = sum(model.nats(p).sum(0) for p in pieces) / sum(at.is_note(p).sum() for p in pieces)
    return {"total": each.sum(), **{a.name: v for a, v in zip(at.ATTRIBUTES, each, strict=True)}}


@pytest.fixture(scope="module")
def corpus() -> Memory:
    return Memory(train=[scale(s) for s in range(30)], valid=[scale(s) for s in range(100, 105)])


@pytest.fixture(scope="module")
def model(corpus: Memory) -> NGram:
    return NGram().fit(corpus)


def test_every_attribute_of_every_row_is_counted_and_nothing_else(model: NGram) -> None:
    rows = whole(200)
    nats = model.nats(rows)
    note, end, skip = at.is_note(rows), rows[:, 0] == at.END, (rows[:, 0] >= at.SKIP_BASE) & (rows[:, 0] < at.END)
    assert skip.any()
    assert nats.shape == (len(rows), 5)
    assert (nats[note] > 0).all()
    assert (nats[end | skip, 0] > 0).all()
    assert not nats[end | skip, 1:].any()
    assert not nats[rows[:, 0] >= at.START].any()


def test_probabilities_sum_to_one_and_agree_with_nats(model: NGram) -> None:
    rows = whole(201)
    nats, walk = model.nats(rows), Walk()
    for n, place in enumerate(places(rows)):
        if n in (2, 5, 30, len(rows) - 2) and at.is_note(rows[n]):
            for column in range(5):
                target = rows[n : n + 1].copy()
                target[0, column:5] = 0  # what is not drawn yet cannot be looked at
                (p,) = model.probabilities(column, [walk], target)
                assert len(p) == at.ATTRIBUTES[column].outputs
                assert (p > 0).all()
                assert math.isclose(p.sum(), 1.0)
                # A relative chain gives a little to pitches outside 0-127, which `nats` does not hand back.
                assert -math.log(p[rows[n, column]]) == pytest.approx(nats[n, column], abs=0.05)
                assert -math.log(p[rows[n, column]]) <= nats[n, column] + 1e-9
        walk.push(*place)


def test_it_learns_what_can_be_learnt(model: NGram, corpus: Memory) -> None:
    found = figures(model, corpus, "valid")
    uniform = sum(math.log(a.outputs) for a in at.ATTRIBUTES)
    assert found["total"] < 0.15 * uniform
    assert found["total"] == pytest.approx(sum(found[a.name] for a in at.ATTRIBUTES))
    assert found["velocity"] < 0.05
    # A melody step is up with chance 3/4, a bass note follows from it: no model can do better than this.
    best = 48 * -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / 60
    assert best < found["pitch"] < best + 0.35


def test_it_has_learnt_in_every_key(model: NGram) -> None:
    rows = whole(202)
    up = rows.copy()
    up[at.is_note(up), at.PITCH] += 15  # beyond what the training pieces reach
    away = model.nats(up)[:, at.PITCH].sum() - model.nats(rows)[:, at.PITCH].sum()
    # One nat a note is the price of the absolute chains' share; a model without relative ones pays several.
    assert away < 1.5 * at.is_note(rows).sum()


def test_no_attribute_looks_at_what_comes_after_it(model: NGram) -> None:
    rows, rng = scale(203), np.random.default_rng(0)
    n = 20
    assert at.is_note(rows[n])
    before = model.nats(derive(rows, WALTZ))
    for column in range(5):
        changed = rows.copy()
        for later in range(column + 1, 5):
            changed[n, later] = (changed[n, later] + 1 + rng.integers(3)) % at.ATTRIBUTES[later].outputs
        changed[n + 1 : -1] = rows[5]
        nats = model.nats(derive(changed, WALTZ))
        assert np.array_equal(nats[:n], before[:n])
        assert np.allclose(nats[n, : column + 1], before[n, : column + 1])


def test_a_copied_walk_goes_on_by_itself() -> None:
    rows = whole(205)
    steps, walk, marks = list(places(rows)), Walk(), []
    for step in steps:
        marks.append(walk)
        walk = walk.copy()
        walk.push(*step)
    again = np.array([m.features(*step) for m, step in zip(marks, steps, strict=True)])
    assert again.shape == (len(rows), len(FEATURES))
    assert np.array_equal(again, features(rows))


def test_a_held_note_sounds_until_it_is_corrected() -> None:
    walk = Walk()
    walk.push(0, 0, (0, 0, 60, 20, at.ATTRIBUTES[at.DURATION].none))
    harmony = FEATURES.index("harmony")
    assert walk.features(40_000, 0, (0, 4, 0, 0, 0))[harmony] != -1
    walk.push(96, 0, (96, 4, 72, 20, 11))
    assert walk.features(40_000, 0, (0, 4, 0, 0, 0))[harmony] == walk.features(96, 0, (0, 4, 0, 0, 0))[harmony]


def test_save_and_load(model: NGram, tmp_path: Path) -> None:
    Checkpoint(model.config, model.arrays()).save(tmp_path)
    again = load(tmp_path)
    assert np.array_equal(build(again.shape(BaselineConfig), again.weights).nats(whole(204)), model.nats(whole(204)))


def test_errors_are_sentences(model: NGram) -> None:
    arrays = model.arrays()
    with pytest.raises(CheckpointError, match=r"'pitch.0.1.counts' is missing"):
        build(model.config, {k: v for k, v in arrays.items() if k != "pitch.0.1.counts"})
    with pytest.raises(CheckpointError, match="counts other contexts"):
        build(model.config, {**arrays, "chains": arrays["chains"][::-1]})
    with pytest.raises(CorpusError, match="no training pieces"):
        NGram().fit(Memory())

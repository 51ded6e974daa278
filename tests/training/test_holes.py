"""Training on windows with holes: which ones are shown, and what a run says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.corpus.gaps import KINDS, draw_hole
from musegen.corpus.store import Corpus
from musegen.corpus.windows import Window, Windows
from musegen.errors import SettingsError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec, onsets
from musegen.models.config import ModelConfig
from musegen.training.loop import scored, train
from musegen.training.settings import TrainSettings

from ..small_corpus import tune

MARK = at.FIRST_TAG + at.HOLE_FROM


def all_windows(windows: Windows) -> list[Window]:
    return [w for batch in windows.epoch(0) for w in batch]


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_of_their_kind_and_where_music_is(kind: str) -> None:
    piece, rng = tune(1, 24), np.random.default_rng(0)
    rows = EventCodec().encode(piece).rows
    now = onsets(rows)
    sizes = set()
    for _ in range(60):
        hole = draw_hole(rows, now, piece.meters, rng, kind)
        assert hole is not None and hole.holds(rows, now).any()
        assert hole.start % 96 == 0 and hole.end % 96 == 0
        sizes.add((hole.end - hole.start) // 96)
        assert bool(hole.keep) == (kind == "attributes")
        assert kind != "span" or not hole.instruments
        assert kind != "voice" or len(hole.instruments) == 1
    assert {1, 8} <= sizes and (kind == "voice") == (24 in sizes), "1 to 8 bars; a voice sometimes in all of them"


def test_no_hole_reaches_past_a_window_that_stops_inside_the_piece() -> None:
    """Its END would say that nothing more is in the hole, and there is."""
    piece, rng = tune(1, 24), np.random.default_rng(0)
    rows = EventCodec().encode(piece).rows[5:60]
    now = onsets(rows) + 48
    for _ in range(100):
        hole = draw_hole(rows, now, piece.meters, rng)
        assert hole is None or now[0] <= hole.start < hole.end <= now[-1]


def test_where_there_is_no_note_there_is_no_hole() -> None:
    rows = np.stack([at.special_row(at.START), at.special_row(at.END)])
    assert draw_hole(rows, onsets(rows), tune(0).meters, np.random.default_rng(0)) is None


def test_a_lesson_with_a_hole_is_a_function_of_seed_epoch_and_window(corpus: Corpus) -> None:
    one, two, other = (Windows(corpus, length=120, infill=1.0, seed=s) for s in (1, 1, 2))
    differ = 0
    for w in all_windows(one)[:20]:
        for a, b in zip(one.lesson(w, 0), two.lesson(w, 0), strict=True):
            np.testing.assert_array_equal(a, b)
        differ += not np.array_equal(one.lesson(w, 0).rows, other.lesson(w, 0).rows)
        differ += not np.array_equal(one.lesson(w, 0).rows, one.lesson(w, 1).rows)
    assert differ > 30


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_as_many_windows_have_holes_as_asked(corpus: Corpus, share: float) -> None:
    windows = Windows(corpus, length=60, infill=share, tag_rate=1.0)
    every = [windows.lesson(w, 0) for w in all_windows(windows)]
    marked = [(x.rows[:, at.INSTRUMENT] == MARK).any() for x in every]
    assert np.mean(marked) == pytest.approx(share, abs=0.15 if share else 0), "but in the shortest"
    assert all(len(x.rows) <= 61 + 1 and x.known.shape == (len(x.rows), 5) for x in every), "the tag's row comes on top"
    assert all(x.rows[1, at.SHIFT] == at.TAG for x in every if x.rows[0, at.SHIFT] == at.START)


def test_rows_of_which_all_is_known_are_not_counted(corpus: Corpus) -> None:
    rows = np.zeros((1, 4, derived.WIDTH), np.int32)
    rows[0, :, at.SHIFT] = [at.START, 3, at.SKIP_BASE, at.END]
    known = np.zeros((1, 4, 5), np.bool_)
    assert scored(rows, known) == 3
    known[0, 1, 1:] = known[0, 2:, at.SHIFT] = True
    assert scored(rows, known) == 1


def test_a_run_with_holes_says_so_and_is_judged_by_both_orders(corpus: Corpus, tmp_path: Path) -> None:
    config = ModelConfig(family="lstm", width=16, layers=1, head_width=16, slot_width=8, context=80, dropout=0.0)
    how = TrainSettings(epochs=1, batch_rows=1024, warm_up=1, evaluate_every=4, infill=0.5, average=0.5)
    best = train(corpus, config, how, tmp_path / "with")
    assert best.config.infill  # type: ignore[union-attr]
    assert 0 < best.metrics["valid with holes"]["total"] != best.metrics["valid"]["total"]
    assert best.metrics["valid with holes"]["notes"] > 0
    without = train(corpus, best.config, replace(how, infill=0.0), tmp_path / "without")  # type: ignore[arg-type]
    assert not without.config.infill, "who trains on without holes forgets them"  # type: ignore[union-attr]
    assert "valid with holes" not in without.metrics


def test_a_share_is_a_share() -> None:
    with pytest.raises(SettingsError, match="infill is 2"):
        TrainSettings(infill=2)

"""A checkpoint's weights are of half precision, and all that is said of it, and plays it, is of the rounded ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from musegen.checkpoint import PLAYER, Checkpoint, digest_of, load
from musegen.corpus.store import Corpus
from musegen.engine.base import load as load_engine
from musegen.engine.base import of_checkpoint
from musegen.engine.graphs.build import build as build_graphs
from musegen.evaluation.likelihood import held_out
from musegen.events import attributes as at
from musegen.events import derived
from musegen.models.base import round_weights
from musegen.training import player

from ..models.small import small, tune


def test_what_is_kept_is_half_as_large_and_what_goes_on_is_whole(trained: Path) -> None:
    assert {w.dtype for w in load(trained).weights.values()} == {np.dtype(np.float16)}
    with safe_open(trained / "training.safetensors", framework="np") as run:
        kinds = {k.split("/")[0]: run.get_tensor(k).dtype for k in run.keys() if not k.endswith("step")}  # noqa: SIM118
    assert set(kinds.values()) == {np.dtype(np.float32)}, "a run that goes on loses nothing"


def test_figures_are_of_the_weights_that_are_kept(trained: Path, corpus: Corpus) -> None:
    checkpoint = load(trained)
    figures = held_out(checkpoint, corpus, "valid")
    assert figures["total"] == pytest.approx(checkpoint.metrics["valid"]["total"], rel=1e-7)
    with safe_open(trained / "training.safetensors", framework="np") as run:
        whole = {k.removeprefix("model/average/"): run.get_tensor(k) for k in run.keys() if "/average/" in k}  # noqa: SIM118
    apart = max(float(np.abs(w - checkpoint.weights[k]).max()) for k, w in whole.items())
    assert apart > 0, "it was rounded"


def test_rounding_rounds_the_model_too() -> None:
    model = small("lstm")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    weights = round_weights(model)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name].astype(np.float32))
    assert any((v != before[k]).any() for k, v in model.state_dict().items())


def test_the_player_is_of_what_is_kept(trained: Path) -> None:
    checkpoint = load(trained)
    assert checkpoint.digest() == digest_of(trained)
    assert (trained / PLAYER).read_bytes() in (build_graphs(checkpoint, bits) for bits in (8, 32))
    load_engine(trained)  # refuses a player of other weights


@pytest.mark.parametrize("family", ["lstm", "transformer"])
def test_half_precision_is_for_the_file_and_not_for_reckoning(family: str) -> None:
    """The engines in numpy and onnxruntime give for halves what they give for the same numbers in full."""
    from ..engine.test_players import checkpoint_of

    model = small(family)
    checkpoint = checkpoint_of(model)
    halves = Checkpoint(checkpoint.config, round_weights(model), checkpoint.styles)
    full = Checkpoint(checkpoint.config, {k: w.astype(np.float32) for k, w in halves.weights.items()})
    rows = tune()[None]
    for bits in (8, 32):
        one, two = (player_contexts(c, bits, rows) for c in (halves, full))
        np.testing.assert_array_equal(one, two)
    one, two = (of_checkpoint(c).contexts(rows) for c in (halves, full))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, two)


def player_contexts(checkpoint: Checkpoint, bits: int, rows: np.ndarray) -> np.ndarray:
    from musegen.engine.players import engine_of

    return engine_of(checkpoint, build_graphs(checkpoint, bits)).contexts(rows)


def test_a_player_is_checked_with_and_without_a_style() -> None:
    pieces = [tune(), tune(seed=5), tune(seed=6)]
    windows = player._windows(pieces, 64, styles=2)
    assert [int(w[-1, derived.STYLE]) for w in windows] == [0, at.STYLE_TAGS, 1]
    assert windows[0][1, at.SHIFT] == at.TAG
    assert [int(w[-1, derived.STYLE]) for w in player._windows(pieces, 64, styles=0)] == [at.STYLE_TAGS] * 3

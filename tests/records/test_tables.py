"""The recipes train on what they may, report what they say, and any model can join a table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from musegen.corpus.build import build
from musegen.errors import SettingsError
from musegen.evaluation.boulanger import per_frame
from musegen.models.config import ModelConfig
from musegen.models.frame_likelihood import nats_of_frames
from musegen.models.frames import FrameModel
from musegen.records import boulanger, jsb16
from musegen.records.runs import Job, run_all

RNG = np.random.default_rng(0)


def frames(length: int) -> list[list[int]]:
    """A chorale of `length` 16ths that holds every chord for four."""
    chords = [[60 + int(RNG.integers(12)), 57, 52, 45 - int(RNG.integers(5))] for _ in range(-(-length // 4))]
    return [chords[t // 4] for t in range(length)]


@pytest.fixture
def chorales(tmp_path: Path) -> Path:
    """A JSB-16 folder of twelve short pieces to train on and two to report."""
    for name, count in (("train", 12), ("valid", 2)):
        (tmp_path / f"{name}.json").write_text(json.dumps([frames(24 + i) for i in range(count)]))
    return tmp_path


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A folder with a small JSB_Chorales.npz."""
    arrays = {}
    for split, count in (("train", 10), ("valid", 2)):
        pieces = [(RNG.random((12 + i, 88)) < 0.04).astype(np.uint8) for i in range(count)]
        arrays[split] = np.packbits(np.concatenate(pieces), axis=1)
        arrays[f"{split}_len"] = np.array([len(p) for p in pieces])
    np.savez(tmp_path / "JSB_Chorales.npz", **arrays)  # type: ignore[arg-type]
    return tmp_path


def test_the_reported_pieces_choose_nothing(chorales: Path) -> None:
    corpus = build(chorales / "corpus", [f"jsb16:{chorales}"])
    turned = jsb16.with_choosers(corpus)
    assert [corpus.entries[i].title for i in turned.pieces("test")] == ["valid:0", "valid:1"]
    assert [corpus.entries[i].title for i in turned.pieces("valid")] == ["train:9"]
    assert len(turned.pieces("train")) == 11


def test_an_event_network_and_the_n_gram(chorales: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = ModelConfig(width=16, head_width=16, slot_width=8, context=64, layers=1, heads=2, dropout=0.0)
    monkeypatch.setattr(jsb16, "_SHAPE", small)
    recipes = {name: jsb16.recipe(name) for name in ("lstm", "ngram")}
    records: list[dict[str, float]] = []
    found = run_all(recipes, chorales, chorales / "out", (0, 1), 1.0, records.append)
    assert [len(results) for results in found.values()] == [2, 1], "the n-gram has no seeds"
    assert records
    for results in found.values():
        figures = results[0].figures
        parts = sum(figures[name] for name in ("shift", "instrument", "pitch", "velocity", "duration"))
        assert figures["token_mean"] == pytest.approx(parts)
        assert 0 < figures["token_mean"] < 20
    assert found["ngram"][0].figures["token_mean"] < found["lstm"][0].figures["token_mean"], "one short epoch"


def test_frame_models_report_the_valid_split_or_a_tenth_of_train(sets: Path) -> None:
    job = Job(sets, sets / "out", "lstm", 0, epochs=1.0)
    result = boulanger.recipes("jsb", "bernoulli", ("lstm",))["lstm"].run(job)
    assert result.about["split"] == "valid"
    assert result.about["epochs"] == 1
    from musegen.evaluation.boulanger import load_sets
    from musegen.training.frames import train_frames

    loaded = load_sets(sets, "jsb")
    model, _ = train_frames(
        loaded["train"],
        boulanger.shape("jsb", "bernoulli", "lstm"),
        boulanger._settings("jsb", job),
        job.folder,
    )
    assert isinstance(model, FrameModel)
    assert per_frame(nats_of_frames(model, loaded["valid"])).frame_mean == pytest.approx(result.figures["frame_mean"])
    split, train, reported = boulanger.reported(loaded, chosen=True)
    assert split == "every tenth of train"
    assert len(train) == 9
    assert reported[0] is loaded["train"][9]


def test_a_test_split_is_what_is_reported() -> None:
    one = [np.zeros((3, 88), np.uint8)]
    assert boulanger.reported({"train": one, "valid": one, "test": []})[0] == "test"


def test_unknown_models_are_refused_before_anything_runs() -> None:
    with pytest.raises(SettingsError, match=r"Unknown model 'gan'; choose of .*lstm"):
        boulanger.recipes("jsb", "chain", ("lstm", "gan"))
    with pytest.raises(SettingsError, match=r"Unknown model 'gan'; choose of ngram.*lstm"):
        jsb16.recipe("gan")

"""A PixelCNN learns, goes on where it was killed, and its figures are of every row, once, with its whole past."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import load
from musegen.cli.main import main
from musegen.corpus.store import Corpus
from musegen.errors import CheckpointError, SettingsError
from musegen.events.roll import HOLD, ONSET
from musegen.models import images
from musegen.models.config import RollConfig
from musegen.models.images import Image, of_keys, of_piece, of_voices, transpose
from musegen.models.pixelcnn import PixelCNN
from musegen.models.rolls import OUTSIDE, nats_of_frames, nats_of_keys, nats_of_voices, summary
from musegen.piece import Note, Piece
from musegen.training.progress import read_log
from musegen.training.rolls import Images, _notes, epoch_of_windows, train_rolls
from musegen.training.settings import TrainSettings

TINY = RollConfig(width=8, layers=2, low=34, pitches=46, context=48, dropout=0.0)
SETTINGS = TrainSettings(
    epochs=4, batch_rows=320, rate=1e-2, warm_up=5, transpose=2, average=0.8, evaluate_every=8, patience=99
)


def some(corpus: Corpus, config: RollConfig, train: int) -> Images:
    data = Images.of_corpus(corpus, config)
    return dataclasses.replace(data, train=data.train[:train], valid=data.valid[:2])


def test_it_learns_what_the_tunes_have_in_common(corpus: Corpus, tmp_path: Path) -> None:
    best = train_rolls(some(corpus, TINY, 16), TINY, dataclasses.replace(SETTINGS, epochs=5), tmp_path)
    figures = best.metrics["valid"]
    # Eighths and quarters on a scale over a held bass: ~0.7 notes a step, whose times and pitches cost a few nats.
    assert figures["total"] < 8
    assert read_log(tmp_path)[0]["train"] > 2 * figures["total"], "both in nats a note"
    assert figures["total"] * figures["notes"] == pytest.approx(figures["frame"] * figures["frames"])
    assert f"{figures['total']:.3f} nats/note" in (tmp_path / "README.md").read_text()
    assert load(tmp_path).config == TINY


def test_going_on_after_a_stop_gives_the_same_curve_and_weights(corpus: Corpus, tmp_path: Path) -> None:
    data = some(corpus, TINY, 6)

    class Stop(Exception):
        pass

    def stop(record: dict[str, object]) -> None:
        if record["step"] == 11:  # three steps after the last look
            raise Stop

    with pytest.raises(Stop):
        train_rolls(data, TINY, SETTINGS, tmp_path / "stopped", report=stop)
    one, two = (train_rolls(data, TINY, SETTINGS, tmp_path / name) for name in ("stopped", "whole"))
    curves = [[(r["step"], r["train"]) for r in read_log(tmp_path / name)] for name in ("stopped", "whole")]
    assert curves[0] == curves[1] and len(curves[0]) > 11
    assert all(np.array_equal(one.weights[k], two.weights[k]) for k in one.weights)
    with pytest.raises(CheckpointError, match=r"another settings.*--restart"):
        train_rolls(data, TINY, dataclasses.replace(SETTINGS, seed=1), tmp_path / "whole")


def test_from_the_command_line(corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", str(corpus.path), "--out", str(tmp_path), "--model", "pixelcnn", "--width", "6"]
    shape = ["--layers", "1", "--low", "34", "--pitches", "46", "--epochs", "0.2"]
    assert main([*command, *shape]) == 0
    said = capsys.readouterr().out
    assert "pixelcnn, 0.00 million weights" in said and "nats/note held out" in said
    assert (tmp_path / "loss.png").exists() and load(tmp_path).config.family == "pixelcnn"
    for wrong, sentence in ((["--heads", "2"], "has no --heads"), (["--pitches", "200"], "do not lie in 0-127")):
        assert main([*command, *wrong]) == 1
        error = capsys.readouterr().err
        assert sentence in error and len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("states", [2, 3])
def test_notes_are_counted_where_they_begin(states: int) -> None:
    image = of_piece(
        Piece.from_notes([(0, 12, 40), (12, 12, 40), (24, 6, 60)]), dataclasses.replace(TINY, states=states)
    )
    cells, scored = torch.from_numpy(image.cells.copy())[None], torch.ones(1, 5)
    assert _notes(cells, scored) == image.notes == states
    scored[0, 0] = 0
    assert _notes(cells, scored) == states - 1


def test_nothing_to_learn_from_is_said(corpus: Corpus, tmp_path: Path) -> None:
    high = dataclasses.replace(TINY, low=120, pitches=8)
    with pytest.raises(SettingsError, match="nothing can be learnt"):
        train_rolls(Images.of_corpus(corpus, high), high, SETTINGS, tmp_path)


def test_every_row_is_scored_once_an_epoch_behind_all_that_can_be_seen() -> None:
    lengths, context, lead = [200, 30, 47], 48, 20
    for epoch in (0, 1):
        batches = epoch_of_windows(lengths, context, lead, 200, 0, epoch)
        scored: dict[int, list[int]] = {}
        for w in (w for batch in batches for w in batch):
            scored.setdefault(w.image, []).extend(range(w.scored_from, w.end))
            assert w.start == max(0, w.scored_from - lead)
        assert {i: sorted(rows) for i, rows in scored.items()} == {i: list(range(n)) for i, n in enumerate(lengths)}
        assert all(len(b) * max(w.end - w.start for w in b) <= 200 or len(b) == 1 for b in batches)
    assert epoch_of_windows(lengths, context, lead, 200, 0, 1) == batches
    assert epoch_of_windows(lengths, context, lead, 200, 0, 0) != batches


@pytest.fixture
def model() -> PixelCNN:
    torch.manual_seed(0)
    return PixelCNN(dataclasses.replace(TINY, states=2, dropout=0.5))


def keys(frames: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((frames, 88)) < 0.05).astype(np.uint8)


def test_long_pieces_are_scored_as_if_in_one(model: PixelCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    image = of_keys(keys(70), model.config)
    (whole,) = nats_of_frames(model, [image])
    monkeypatch.setattr("musegen.models.rolls.CHUNK", 16)
    np.testing.assert_allclose(nats_of_frames(model, [image])[0], whole, rtol=1e-5)
    np.testing.assert_allclose(nats_of_voices(model, image).sum(1), whole, rtol=1e-5)
    assert model.training, "as it was"


def test_nats_of_keys_count_the_keys_that_the_model_lacks(model: PixelCNN) -> None:
    piece = keys(20)
    (nats,) = nats_of_keys(model, [piece])
    (inside,) = nats_of_frames(model, [of_keys(piece, model.config)])
    low, high = model.config.low - 21, model.config.low - 21 + model.config.pitches
    outside = np.concatenate([piece[:, :low], piece[:, high:]], 1).sum(1)
    np.testing.assert_allclose(nats - inside, -np.log(OUTSIDE) * outside, rtol=1e-3, atol=1e-4)
    assert outside.any() and not outside.all()


def test_images_hold_the_notes() -> None:
    notes = [(0, 12, 40, 80, 0, 0), (12, 12, 40, 80, 0, 0), (12, 12, 52, 80, 0, 1)]
    three = of_piece(Piece.from_notes([Note(*n) for n in notes]), TINY)
    assert three.cells.shape == (4, 46, 1) and three.notes == 3
    assert three.cells[:, 6, 0].tolist() == [ONSET, HOLD, ONSET, HOLD]
    assert three.place.tolist() == [[t, 16 - t] for t in range(4)]
    two = of_piece(Piece.from_notes([Note(*n) for n in notes]), dataclasses.replace(TINY, states=2))
    assert two.cells[:, 6, 0].tolist() == [1, 1, 1, 1] and two.notes == 2
    voices = of_voices([[40, 52], [40, -1]], dataclasses.replace(TINY, states=2, tracks=2, one_note=True))
    assert voices.cells[:, 6, 0].tolist() == [1, 1] and voices.cells[:, 18, 1].tolist() == [1, 0]
    assert voices.cells.sum() == 3 and voices.notes == 2


def test_transposing_never_loses_a_note() -> None:
    image = of_keys(keys(20)[:, :40], TINY)  # E1 … C5: one octave of room above
    for semitones in (-60, -3, 0, 5, 60):
        moved = transpose(image, semitones)
        assert moved.cells.sum() == image.cells.sum() and not (moved.cells.sum(1) - image.cells.sum(1)).any()
    up = transpose(image, 5).cells
    np.testing.assert_array_equal(up[:, 5:], image.cells[:, :-5])
    silent = Image(np.zeros((4, 46, 1), np.uint8), image.place[:4], 0)
    assert transpose(silent, 5) is silent


def test_the_figures_add_up(model: PixelCNN) -> None:
    each = [images.of_keys(keys(n, seed=n), model.config) for n in (8, 12)]
    nats = nats_of_frames(model, each)
    figures = summary(nats, each)
    assert figures["frame"] == pytest.approx(np.concatenate(nats).mean())
    assert figures["later_frame"] == pytest.approx(np.concatenate([n[1:] for n in nats]).mean())
    assert figures["total"] == pytest.approx(np.concatenate(nats).sum() / sum(i.notes for i in each))

"""Frame models learn, repeat themselves, and go on exactly where they were stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.errors import CheckpointError
from musegen.models.config import ModelConfig
from musegen.models.frame_likelihood import Frames, nats_of_frames
from musegen.models.frames import FrameConfig
from musegen.training.frames import epoch_of, train_frames
from musegen.training.settings import TrainSettings

CONFIG = FrameConfig(ModelConfig(family="lstm", width=16, layers=1, dropout=0.1, context=16), channels=8, keys=12)
SETTINGS = TrainSettings(epochs=4, batch_rows=64, rate=1e-2, warm_up=2, average=0.9, transpose=2)


def scales(count: int, length: int = 24) -> list[Frames]:
    """Pieces of one key that goes up by one or by two each frame, begun anywhere: little is left to chance."""
    pieces = []
    for i in range(count):
        piece = np.zeros((length + i, 12), np.uint8)
        piece[np.arange(length + i), (np.arange(length + i) * (1 + i % 2) + i) % 8 + 2] = 1
        pieces.append(piece)
    return pieces


def test_it_learns_what_always_comes_next(tmp_path: Path) -> None:
    pieces = scales(6)
    settings = replace(SETTINGS, epochs=20, transpose=0)
    records: list[dict[str, float]] = []
    model, progress = train_frames(pieces, CONFIG, settings, tmp_path / "run", records.append)
    assert progress.epoch == 20 == len(records)
    assert records[0]["train"] > 3
    assert np.concatenate(nats_of_frames(model, pieces)).mean() < 1.2


def test_a_run_that_stopped_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    pieces = scales(5)
    whole, _ = train_frames(pieces, CONFIG, SETTINGS, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop(record: dict[str, float]) -> None:
        if record["epoch"] == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train_frames(pieces, CONFIG, SETTINGS, tmp_path / "stopped", stop)
    seen: list[dict[str, float]] = []
    again, _ = train_frames(pieces, CONFIG, SETTINGS, tmp_path / "stopped", seen.append)
    assert [r["epoch"] for r in seen] == [3, 4]
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    other, _ = train_frames(pieces, CONFIG, replace(SETTINGS, seed=1), tmp_path / "other")
    assert not torch.equal(other.embed.weight, whole.embed.weight)


def test_another_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    train_frames(scales(2), CONFIG, replace(SETTINGS, epochs=1), tmp_path)
    with pytest.raises(CheckpointError, match="another pieces"):
        train_frames(scales(3), CONFIG, replace(SETTINGS, epochs=1), tmp_path)


def test_an_epoch_scores_every_frame_but_the_first_once() -> None:
    pieces = [np.eye(12, dtype=np.uint8)[np.arange(n) % 6 + 3] for n in (70, 17, 2)]
    for epoch in range(20):
        batches = epoch_of(pieces, 16, replace(SETTINGS, transpose=9), epoch)
        windows = [w for batch in batches for w in batch]
        assert sum(len(w) - 1 for w in windows) == 69 + 16 + 1
        assert max(len(w) for w in windows) <= 17
        assert all(np.ptp(np.flatnonzero(w.any(0))) <= 5 for w in windows), "no key went round the end"


def test_epochs_are_functions_of_the_seed_and_differ() -> None:
    pieces = scales(4, 60)
    first, again, other = (epoch_of(pieces, 16, SETTINGS, e) for e in (0, 0, 1))
    assert all(np.array_equal(a, b) for x, y in zip(first, again, strict=True) for a, b in zip(x, y, strict=True))
    flat = [np.packbits(w).tobytes() for batches in (first, other) for batch in batches for w in batch]
    assert len(set(flat)) > len(flat) * 0.6, "other cuts, other keys"

"""Training of models of voices: it learns, and a killed run comes to the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from musegen.models.config import ModelConfig
from musegen.models.voices.counting import expect
from musegen.models.voices.likelihood import nats_of_voices
from musegen.models.voices.network import VoicesConfig
from musegen.training.settings import TrainSettings
from musegen.training.voices import train_voices
from tests.models.test_voices import chorale

CONFIG = VoicesConfig(ModelConfig(width=16, layers=1, heads=2, context=64, dropout=0.1), 16, 12)
SETTINGS = TrainSettings(epochs=3, batch_rows=80, rate=5e-3, warm_up=5, average=0.9)


def test_learning_makes_the_pieces_likelier(tmp_path: Path) -> None:
    pieces = [chorale(i) for i in range(4)]
    expected = expect(pieces)
    records: list[dict[str, Any]] = []
    settings = TrainSettings(epochs=12, batch_rows=80, rate=5e-3, warm_up=5, average=0.9, transpose=2)
    model, progress = train_voices(pieces, expected, CONFIG, settings, tmp_path, records.append)
    assert progress.epoch == 12 and [r["epoch"] for r in records] == list(range(1, 13))
    assert records[-1]["train"] < 0.9 * records[0]["train"]
    found = sum(float(n.sum()) for n in nats_of_voices([model], pieces, expected)) / sum(4 * len(p) for p in pieces)
    assert found < records[0]["train"]


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    pieces = [chorale(i) for i in range(4)]
    expected = expect(pieces)

    def kill(record: dict[str, Any]) -> None:
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    whole, _ = train_voices(pieces, expected, CONFIG, SETTINGS, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_voices(pieces, expected, CONFIG, SETTINGS, tmp_path / "killed", kill)
    again, progress = train_voices(pieces, expected, CONFIG, SETTINGS, tmp_path / "killed")
    assert progress.epoch == 3
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name

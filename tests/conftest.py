"""Fixtures that many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from musegen.checkpoint import Checkpoint
from musegen.corpus.store import Corpus

from .small_corpus import small_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Forty short tunes with a bass."""
    return small_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small transformer trained on `corpus` for a few seconds: its checkpoint folder."""
    from musegen.models.config import ModelConfig
    from musegen.training.loop import train
    from musegen.training.settings import TrainSettings

    folder = tmp_path_factory.mktemp("trained") / "small"
    config = ModelConfig(width=48, layers=2, heads=2, head_width=48, slot_width=16, context=128, dropout=0.0)
    settings = TrainSettings(
        epochs=40,
        batch_rows=1024,
        rate=6e-3,
        warm_up=10,
        average=0.95,
        transpose=0,
        louder=0.0,
        hold=0.0,  # seconds of training are too short to learn that as well
        evaluate_every=30,
    )
    train(corpus, config, settings, folder)
    return folder


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder with fresh weights of the small LSTM: for what does not depend on what was learnt."""
    import torch

    from musegen.models.base import build
    from musegen.models.config import ModelConfig

    torch.manual_seed(0)
    config = ModelConfig(family="lstm", width=32, layers=1, head_width=32, slot_width=16)
    weights = {k: v.numpy() for k, v in build(config).state_dict().items()}
    folder = tmp_path_factory.mktemp("untrained") / "lstm"
    Checkpoint(config, weights, ("chorale", "tune")).save(folder)
    return folder

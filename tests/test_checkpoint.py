"""A checkpoint folder holds models of any kind, and says in one sentence what is wrong with it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from musegen.checkpoint import Checkpoint, load
from musegen.errors import CheckpointError, SettingsError
from musegen.models.config import BaselineConfig, Config, ModelConfig, RollConfig, config_from_dict

WEIGHTS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.mark.parametrize(
    "config", [ModelConfig(family="lstm", width=8), BaselineConfig("mixture", 7), RollConfig()], ids=lambda c: c.family
)
def test_any_kind_of_model_survives_saving(config: Config, tmp_path: Path) -> None:
    Checkpoint(config, WEIGHTS, ("chorale",)).save(tmp_path / "it")
    again = load(tmp_path / "it")
    assert again.config == config
    assert again.styles == ("chorale",)
    assert np.array_equal(again.weights["x"], WEIGHTS["x"])


def test_a_config_without_a_family_is_an_old_transformer() -> None:
    assert config_from_dict({"width": 8}) == ModelConfig(family="transformer", width=8)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"family": "lstm", "breadth": 8}, "Unknown model setting 'breadth'; the known ones are family, width"),
        ({"family": "mixture", "width": 8}, "Unknown model setting 'width'; the known ones are family, components"),
        ({"family": "lstm", "width": "8"}, "width is '8'; it must be of type int"),
        ({"family": "lstm", "width": True}, "width is True; it must be of type int"),
        ({"family": ["lstm"]}, "family is .'lstm'.; it must be of type str"),
        ({"family": "topics", "components": 0}, "topics of 0 components"),
        ({"family": "lstm", "dropout": 1.5}, "dropout is 1.5"),
    ],
)
def test_a_bad_config_is_a_sentence(values: dict[str, object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        config_from_dict(values)
    Checkpoint(ModelConfig(), WEIGHTS).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model": values}))
    with pytest.raises(CheckpointError, match=sentence):
        load(tmp_path)


def test_code_for_one_kind_refuses_the_others() -> None:
    ngram = Checkpoint(BaselineConfig(), WEIGHTS)
    assert ngram.shape(BaselineConfig) is ngram.config
    with pytest.raises(CheckpointError, match="of the family ngram; this needs a network that plays note by note"):
        ngram.shape(ModelConfig)
    with pytest.raises(SettingsError, match="Unknown baseline 'lstm'; choose one of ngram, mixture, topics"):
        dataclasses.replace(BaselineConfig(), family="lstm")


def test_the_card_tells_of_the_checkpoint_that_it_was_fine_tuned_from(tmp_path: Path) -> None:
    before = {"trained on": "tunes (3 pieces)", "licence": "CC0", "pieces of each style": {"irish": 3, "jazz": 1}}
    about = {"trained on": "waltzes (20 pieces)", "fine_tuned_from": before}
    Checkpoint(ModelConfig(), WEIGHTS, about=about).save(tmp_path)
    said = (tmp_path / "README.md").read_text()
    assert "- **trained on**: waltzes (20 pieces)\n" in said
    assert "from**: trained on tunes (3 pieces); licence CC0; pieces of each style irish 3, jazz 1\n" in said

"""Muon turns the matrices inside a network and leaves the rest to AdamW."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import load
from musegen.corpus.store import Corpus
from musegen.models.base import build
from musegen.models.config import ModelConfig
from musegen.training.loop import train
from musegen.training.optimiser import Muon, rule_of, turned
from musegen.training.settings import TrainSettings

MUON = TrainSettings(rule="muon", rate=1e-2, weight_decay=0.0)
TINY = ModelConfig("lstm", width=16, layers=1, head_width=16, slot_width=8, context=32)


@pytest.mark.parametrize("shape", [(24, 64), (64, 24), (32, 32)])
def test_all_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(0, -1, shape[1]))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = turned(matrix)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.3
    assert torch.nn.functional.cosine_similarity(found.flatten(), (u @ v).flatten(), 0) > 0.98, (
        "and nothing is turned away"
    )


def test_matrices_inside_move_by_it_and_all_else_as_adamw_moves_it() -> None:
    torch.manual_seed(0)
    models = [build(TINY) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    before = {k: v.clone() for k, v in models[0].state_dict().items()}
    for model, rule in zip(models, ("muon", "adamw"), strict=True):
        torch.manual_seed(1)
        for weight in model.parameters():
            weight.grad = torch.randn_like(weight)
        rule_of(model, dataclasses.replace(MUON, rule=rule)).step()
    moved, plain = (dict(m.named_parameters()) for m in models)
    differ = {k for k in moved if not torch.equal(moved[k], plain[k])}
    assert differ == {k for k in moved if k.startswith(("past.", "head.hidden.")) and moved[k].ndim == 2}
    step = (moved["past.mix.weight"] - before["past.mix.weight"]).detach()
    assert torch.linalg.svdvals(step).max() < 1.3 * 1e-2 * 0.2 * 16**0.5
    assert step.square().mean().sqrt().item() == pytest.approx(0.2e-2, rel=0.2), "as large a step as AdamW's"


def test_a_weight_without_a_gradient_stays() -> None:
    model = build(TINY)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    rule = rule_of(model, MUON)
    assert isinstance(rule, Muon)
    rule.step()
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_a_run_with_muon_goes_on_where_it_was(corpus: Corpus, tmp_path: Path) -> None:
    settings = TrainSettings(rule="muon", epochs=3, batch_rows=512, evaluate_every=2, warm_up=2)

    def stop(record: dict[str, object]) -> None:
        if record["step"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(corpus, TINY, settings, tmp_path / "stopped", report=stop)
    train(corpus, TINY, settings, tmp_path / "stopped")
    train(corpus, TINY, settings, tmp_path / "whole")
    one, two = (load(tmp_path / name).weights for name in ("stopped", "whole"))
    assert all(np.array_equal(one[k], two[k]) for k in two)

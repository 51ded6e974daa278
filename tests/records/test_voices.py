"""Models of voices as rows of table P1."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.models.config import ModelConfig
from musegen.models.voices.network import VoicesConfig
from musegen.records import jsb16, voices
from musegen.records.runs import Job, run_all

SMALL = VoicesConfig(ModelConfig(width=16, layers=1, heads=2, context=64, dropout=0.0), 16, 12)


def frames(rng: np.random.Generator, length: int) -> list[list[int]]:
    """Chords of a 16th to a quarter, in one of three harmonies."""
    chords = ([72, 67, 60, 48], [74, 67, 59, 43], [69, 65, 60, 53])
    return [chords[int(rng.integers(3))] for _ in range(-(-length // 4)) for _ in range(4)][:length]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, count in (("train", 8), ("valid", 2)):
        (tmp_path / f"{name}.json").write_text(json.dumps([frames(rng, 24 + i) for i in range(count)]))
    return tmp_path


def test_the_rows_of_the_table(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "shape", lambda family, counts: replace(SMALL, counts=counts))
    names = ("counts", "voices", "grid-lstm", "voices-together")
    recipes = {name: jsb16.recipe(name) for name in names}
    found = run_all(recipes, data, data / "out", (0, 1), epochs=2)
    assert {name: len(results) for name, results in found.items()} == {
        "counts": 1, "voices": 2, "grid-lstm": 2, "voices-together": 1
    }  # fmt: skip
    each = {name: [r.figures["token_mean"] for r in results] for name, results in found.items()}
    assert all(0 < figure < 10 for figures in each.values() for figure in figures)
    assert each["voices"][0] != each["voices"][1]
    assert each["voices-together"][0] < max(each["voices"]) + 0.01, "a mean of models is hardly worse than any"
    assert max(each["voices"]) < min(each["grid-lstm"]), "three chords are soon counted"
    assert found["voices"][0].about["weights"] > found["grid-lstm"][0].about["weights"] > 0


def test_every_cell_is_counted(data: Path) -> None:
    job = Job(data, data / "out", "counts", 0)
    result = voices.recipes()["counts"].run(job)
    pieces = json.loads((data / "valid.json").read_text())
    nats = [float(n.sum()) for n in _nats(data)]
    cells = [4 * len(p) for p in pieces]
    assert result.figures["token_mean"] == pytest.approx(sum(nats) / sum(cells))
    assert result.figures["piece_mean"] == pytest.approx(np.mean([n / c for n, c in zip(nats, cells, strict=True)]))


def _nats(data: Path) -> list[np.ndarray]:
    from musegen.models.voices.counting import nats_by_shares, shares_of

    shares = shares_of(voices._expected(data, "train"))
    return [nats_by_shares(e, shares) for e in voices._expected(data, "valid")]

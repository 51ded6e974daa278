"""Pictures of a humaniser are PNG files that show every line, and one sentence where there is nothing to draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musegen.errors import MusegenError

pytest.importorskip("matplotlib")

from musegen.distributions import distributions, sweep


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    found: np.ndarray = imread(path)
    return found[..., :3]


def test_distributions_differ_where_the_playing_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    real = (rng.normal(0, 20, 200), rng.uniform(20, 110, 200))
    drums = ["kick"] * 100 + ["snare"] * 100
    for name, made in (("same", real), ("stiff", (np.zeros(200), real[1]))):
        distributions(drums, real, {"made": made}, tmp_path / f"{name}.png", "A title")
    same, stiff = pixels(tmp_path / "same.png"), pixels(tmp_path / "stiff.png")
    assert same.shape == stiff.shape and same.shape[1] > 400
    half = len(same) // 2
    assert (same[:half] != stiff[:half]).any() and (same[half + 40 :] == stiff[half + 40 :]).all()


def test_a_sweep(tmp_path: Path) -> None:
    sweep([0, 0.3], {"error": ([20, 21], [18, 19])}, {"table": (22, 25)}, tmp_path / "eta.png")
    assert len(np.unique(pixels(tmp_path / "eta.png").reshape(-1, 3), axis=0)) > 20


def test_nothing_to_draw(tmp_path: Path) -> None:
    nothing = (np.zeros(0), np.zeros(0))
    with pytest.raises(MusegenError, match="No notes"):
        distributions([], nothing, {}, tmp_path / "a.png")
    with pytest.raises(MusegenError, match="No weights"):
        sweep([], {}, {}, tmp_path / "a.png")

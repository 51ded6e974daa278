"""The PixelCNN joins both tables with figures of the very frames, and nothing reported chooses anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import load
from musegen.errors import SettingsError
from musegen.evaluation.boulanger import load_sets
from musegen.evaluation.jsb16 import load_frames
from musegen.models.rolls import model_of
from musegen.records import boulanger, jsb16, pixelcnn
from musegen.records.runs import Job

from .test_tables import chorales as chorales
from .test_tables import sets as sets


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = {k: replace(c, width=6, layers=1, context=32) for k, c in pixelcnn._SHAPES.items()}
    monkeypatch.setattr(pixelcnn, "_SHAPES", shapes)


@pytest.mark.parametrize(("chosen", "split", "learnt"), [(False, "valid", 9), (True, "every tenth of train", 8)])
def test_frames_of_keys(sets: Path, chosen: bool, split: str, learnt: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    train = pixelcnn._train
    monkeypatch.setattr(
        pixelcnn, "_train", lambda name, learn, choose, job: seen.append(learn) or train(name, learn, choose, job)
    )
    job = Job(sets, sets / "out", "pixelcnn", 0, epochs=1.0)
    result = boulanger.recipes("jsb", "chain", ("pixelcnn",), chosen)["pixelcnn"].run(job)
    assert result.about["split"] == split and len(seen[0]) == learnt
    loaded = load_sets(sets, "jsb")
    pieces = loaded["train"][9::10] if chosen else loaded["valid"]
    model = model_of(load(job.folder))
    low, pitches = model.config.low - 21, model.config.pitches
    total, frames = 0.0, 0
    for piece in pieces:
        inside = torch.from_numpy(piece[None, :, low : low + pitches, None])
        t = torch.arange(len(piece)) % 16
        with torch.no_grad():
            total += float(model.nats(inside, torch.stack([t, 16 - t], -1)[None])[0, 1:].sum())
        outside = piece[1:].sum() - piece[1:, low : low + pitches].sum()
        total += 6 * np.log(10) * float(outside)
        frames += len(piece) - 1
    assert result.figures["frame_mean"] == pytest.approx(total / frames, rel=1e-4)


def test_cells_of_voices(chorales: Path) -> None:
    job = Job(chorales, chorales / "out", "pixelcnn", 0, epochs=1.0)
    result = jsb16.recipe("pixelcnn").run(job)
    model = model_of(load(job.folder))
    cells, total = 0, 0.0
    for frames in load_frames(chorales / "valid.json"):
        grid = torch.zeros(1, len(frames), 46, 4, dtype=torch.uint8)
        for t, frame in enumerate(frames):
            for voice, pitch in enumerate(frame):
                grid[0, t, pitch - 36, voice] = 1
        t = torch.arange(len(frames)) % 16
        with torch.no_grad():
            total += float(model.nats(grid, torch.stack([t, 16 - t], -1)[None]).sum())
        cells += 4 * len(frames)
    assert result.figures["token_mean"] == pytest.approx(total / cells, rel=1e-4)
    assert 0 < result.figures["token_mean"] < 10


def test_independent_outputs_are_refused() -> None:
    with pytest.raises(SettingsError, match="no independent outputs"):
        boulanger.recipes("jsb", "bernoulli", ("lstm", "pixelcnn"))

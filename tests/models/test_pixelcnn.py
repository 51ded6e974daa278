"""The PixelCNN: causal, without a blind spot, a distribution, and equal cell by cell and all at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from musegen.errors import SettingsError
from musegen.models.config import RollConfig, config_from_dict
from musegen.models.pixelcnn import REACH, ROWS, PixelCNN
from musegen.models.pixelsteps import PixelSteps

SMALL = {"width": 8, "layers": 3, "dropout": 0.0, "low": 60}
VARIANTS = {
    "onset and hold": RollConfig(pitches=40, **SMALL),  # type: ignore[arg-type]
    "keys": RollConfig(pitches=40, states=2, **SMALL),  # type: ignore[arg-type]
    "voices": RollConfig(pitches=40, states=2, tracks=3, one_note=True, **SMALL),  # type: ignore[arg-type]
    "tracks": RollConfig(pitches=40, tracks=2, **SMALL),  # type: ignore[arg-type]
}


def model_of(config: RollConfig) -> PixelCNN:
    torch.manual_seed(0)
    model = PixelCNN(config).eval()
    for parameter in model.parameters():  # large enough that every path can be seen
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def place(batch: int, rows: int) -> torch.Tensor:
    since = torch.arange(rows) % 16
    return torch.stack([since, 16 - since], -1).expand(batch, -1, -1)


def some_cells(config: RollConfig, batch: int, rows: int, seed: int = 0) -> torch.Tensor:
    """Cells that can be: drawn one by one from a model of chance."""
    steps, rng = PixelSteps(model_of(config), batch), np.random.default_rng(seed)

    def choose(pitch: int, track: int, logits: np.ndarray) -> np.ndarray:
        p = np.where(logits > -1e8, [1.0, *[0.4] * (config.states - 1)], 0)
        cut = np.cumsum(p / p.sum(1, keepdims=True), 1) > rng.random((batch, 1))
        chosen: np.ndarray = cut.argmax(1).astype(np.uint8)
        return chosen

    with torch.no_grad():
        return torch.stack([steps.draw(place(batch, rows)[:, t], choose) for t in range(rows)], 1)


@pytest.mark.parametrize("name", ["keys", "tracks"])
def test_causal_and_without_a_blind_spot_by_gradient(name: str) -> None:
    config = VARIANTS[name]
    model, cells = model_of(config), some_cells(config, 1, 14)
    x, counts = model.planes(cells).requires_grad_(), model.counts(cells).requires_grad_()
    t, p = 12, 30
    known = model.of_planes(x, counts, place(1, 14))[0, :, t, p].sum()
    touched, counted = (g[0].abs().sum(0) > 0 for g in torch.autograd.grad(known, (x, counts)))
    assert not touched[t + 1 :].any(), "sees later rows"
    assert not touched[t, p:].any(), "sees its own cell or the pitches above it"
    assert not counted[t + 1 :].any() and not counted[t, p + 1 :].any(), "counts what is still to come"
    rows, reach = ROWS + 1 + 2 + 4, REACH + 1 + 2 + 4
    assert rows == model.rows_seen
    assert touched[t - rows : t, p - reach : p + reach + 1].all(), "a blind spot above"
    assert not touched[: t - rows].any()
    assert touched[t, p - REACH - 2 * (1 + 2 + 4) : p].all(), "a blind spot beside"
    assert counted[t, p], "how much sounds below is known"


def test_what_is_counted_lies_below() -> None:
    cells = torch.tensor([[[[1], [0], [2], [0]], [[0], [0], [1], [1]]]])
    counts = model_of(VARIANTS["keys"]).counts(cells)
    assert (counts[0, 0] * 4).tolist() == [[0, 1, 1, 2], [0, 0, 0, 1]]


@pytest.mark.parametrize("name", VARIANTS)
def test_cell_by_cell_equals_all_at_once(name: str) -> None:
    config = VARIANTS[name]
    model, cells = model_of(config), some_cells(config, 2, 14, seed=1)
    steps, seen = PixelSteps(model, 2), np.zeros((2, 14, config.pitches, config.tracks, config.states))
    with torch.no_grad():
        whole = model.log_p(cells, place(2, 14)).numpy()
        for t in range(14):

            def follow(pitch: int, track: int, logits: np.ndarray, t: int = t) -> np.ndarray:
                seen[:, t, pitch, track] = torch.from_numpy(logits).log_softmax(-1).numpy()
                return cells[:, t, pitch, track].numpy()

            if t in (3, 4):
                steps.take(cells[:, t], place(2, 14)[:, t])
            else:
                steps.draw(place(2, 14)[:, t], follow)
    kept = [t for t in range(14) if t not in (3, 4)]
    np.testing.assert_allclose(np.exp(seen[:, kept]), np.exp(whole[:, kept]), atol=1e-4)
    taken = model.nats(cells, place(2, 14))
    assert torch.isfinite(taken).all() and taken.max() < 1e6, "the cells drawn are possible ones"


@pytest.mark.parametrize(
    "config",
    [
        RollConfig(pitches=3, states=2, **SMALL),  # type: ignore[arg-type]
        RollConfig(pitches=2, states=3, **SMALL),  # type: ignore[arg-type]
        RollConfig(pitches=2, states=2, tracks=2, one_note=True, **SMALL),  # type: ignore[arg-type]
    ],
    ids=["keys", "onset and hold", "voices"],
)
def test_probabilities_of_all_rolls_of_two_rows_sum_to_one(config: RollConfig) -> None:
    shape = (2, config.pitches, config.tracks)
    every = torch.tensor(list(itertools.product(range(config.states), repeat=int(np.prod(shape))))).view(-1, *shape)
    with torch.no_grad():
        nats = model_of(config).nats(every, place(len(every), 2)).double().sum((1, 2, 3))
    assert float((-nats).exp().sum()) == pytest.approx(1, abs=1e-5)
    possible = nats < 1e6
    if config.one_note:
        assert int(possible.sum()) == 3**4, "each of two voices in each of two rows: a rest or one of two pitches"
    elif config.states == 3:
        assert int(possible.sum()) == 5**2, "a hold needs a note before it: 2 + 3 histories of a key"
    else:
        assert possible.all()


def test_a_config_that_makes_no_sense_is_named() -> None:
    for wrong in ({"states": 4}, {"one_note": True}, {"pitches": 200}, {"dropout": 1.0}, {"width": 0}):
        with pytest.raises(SettingsError):
            RollConfig(**wrong)
    assert config_from_dict({"family": "pixelcnn", "width": 16}) == RollConfig(width=16)

"""Frame models are causal, exact distributions over frames, and draw what they score."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from musegen.errors import SettingsError
from musegen.models.config import ModelConfig
from musegen.models.frame_likelihood import nats_of_frames
from musegen.models.frames import OUTPUTS, FrameConfig, FrameModel
from musegen.models.keys import key_channels


def model_of(outputs: str, keys: int = 4, context: int = 64, family: str = "lstm") -> FrameModel:
    torch.manual_seed(0)
    past = ModelConfig(family=family, width=16, layers=1, heads=2, context=context, dropout=0.0)
    model = FrameModel(FrameConfig(past, outputs, channels=8, copies=2, keys=keys))
    for weight in model.parameters():  # fresh weights leave some paths at zero; here every path must count
        weight.data += 0.1 * torch.randn_like(weight)
    return model.eval()


def frames_of(keys: int, batch: int = 2, length: int = 20) -> Tensor:
    return (torch.rand(batch, length, keys, generator=torch.Generator().manual_seed(1)) < 0.4).float()


@pytest.mark.parametrize("family", ["lstm", "transformer"])
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_a_key_depends_on_what_may_be_known_of_it_and_on_all_of_it(outputs: str, family: str) -> None:
    model, frames = model_of(outputs, keys=6, family=family), frames_of(6).requires_grad_()
    logit = model.logits(frames)[0, 11, 2]  # key 2 of frame 12
    (gradient,) = torch.autograd.grad(logit, frames)
    felt = gradient.abs()
    assert felt[1].max() == 0, "the other piece"
    assert felt[0, 13:].max() == 0, "the future"
    assert (felt[0, 12, 3:].min() > 0) == (outputs == "chain"), "the keys above it"
    assert felt[0, 12, :3].max() == 0, "itself and the keys below it"
    assert felt[0, :12].amax(-1).min() > 0, "every frame before it"


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_probabilities_of_all_frames_add_up_to_one(outputs: str) -> None:
    model, frames = model_of(outputs), frames_of(4)
    total = torch.zeros(2)
    for frame in itertools.product((0.0, 1.0), repeat=4):
        changed = torch.cat([frames[:, :-1], torch.tensor(frame).expand(2, 1, 4)], 1)
        total += torch.exp(-model.nats(changed)[:, -1].detach())
    assert torch.allclose(total, torch.ones(2), atol=1e-5)


def test_bernoulli_is_the_sum_of_binary_cross_entropies_of_keys_that_know_nothing_of_each_other() -> None:
    model, frames = model_of("bernoulli"), frames_of(4)
    logits = model.logits(frames)
    silent = frames.clone()
    silent[:, -1] = 0
    assert torch.equal(logits[:, -1], model.logits(silent)[:, -1])
    expected = F.binary_cross_entropy(logits.sigmoid(), frames[:, 1:], reduction="none").sum(-1)
    assert torch.allclose(model.nats(frames), expected, atol=1e-5)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_frames_are_drawn_as_often_as_their_probability_says(outputs: str) -> None:
    model, past = model_of(outputs, keys=3), frames_of(3, batch=1, length=5)
    for name, weight in model.named_parameters():
        if name == "head.out.bias":
            weight.data.fill_(3.0)  # all frames likely enough to be counted
    drawn = model.draw(past.expand(8000, -1, -1), torch.Generator().manual_seed(2))
    for frame in itertools.product((0.0, 1.0), repeat=3):
        chance = float(torch.exp(-model.nats(torch.cat([past, torch.tensor(frame)[None, None]], 1))[0, -1]).detach())
        share = float((drawn == torch.tensor(frame)).all(-1).float().mean())
        assert share == pytest.approx(chance, abs=4 * (chance / 8000) ** 0.5 + 1e-3)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_windows_and_padding_change_nothing_that_fits_the_context(outputs: str) -> None:
    model = model_of(outputs, keys=88)
    pieces = [np.asarray(f[:n] > 0, np.uint8) for f, n in zip(frames_of(88, 3, 40), (40, 17, 2), strict=True)]
    together = nats_of_frames(model, pieces)
    for piece, nats in zip(pieces, together, strict=True):
        assert np.allclose(nats, model.nats(torch.from_numpy(piece)[None].float())[0].detach(), rtol=1e-4)
    assert [len(n) for n in nats_of_frames(model_of(outputs, keys=88, context=8), pieces)] == [39, 16, 1]


def test_channels_of_a_key_held() -> None:
    frames = torch.zeros(1, 4, 24)
    frames[0, 1:, 13] = 1
    channels = key_channels(frames)
    assert channels[0, :, 13, 8].tolist() == pytest.approx(np.log1p([0, 1, 2, 3]).tolist())
    assert channels[0, 3, 13, 1] == 1, "the frame before"
    assert channels[0, 1, 13, 1] == 0, "before that it was silent"
    assert channels[0, 3, 1, -1] == channels[0, 3, 13, -1] > 0, "an octave below is of the same class"
    assert channels[0, :, 2, -1].max() == 0


def test_a_shape_that_cannot_be_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="outputs 'gauss' are not one of bernoulli, chain"):
        FrameConfig(ModelConfig(), outputs="gauss")
    with pytest.raises(SettingsError, match="frame setting copies is 0"):
        FrameConfig(ModelConfig(), copies=0)

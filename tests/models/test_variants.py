"""What can be switched in a config: how attention is relative, whether bars are seen, the order inside a note."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
import torch

from musegen.checkpoint import Checkpoint
from musegen.engine.base import Engine, of_checkpoint
from musegen.engine.torch_engine import TorchEngine
from musegen.errors import CheckpointError, SettingsError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.derived import Tracker
from musegen.models.base import SequenceModel, build
from musegen.models.config import ATTENTIONS, ModelConfig, config_from_dict
from musegen.models.relative import FARTHEST, bias_lookups
from musegen.sampling.constraints import Longest, PitchSet
from musegen.sampling.sampler import Sampler, SamplerSettings

from .small import SMALL, small, tensor, tune

ORDERS = [" ".join(names) for names in permutations(("pitch", "velocity", "duration"))]
SWITCHES = [*({"attention": a} for a in ATTENTIONS), {"bar": False}, *({"order": o} for o in ORDERS[1:])]


def engines(model: SequenceModel) -> list[Engine]:
    assert isinstance(model.config, ModelConfig)
    checkpoint = Checkpoint(model.config, {k: v.numpy() for k, v in model.state_dict().items()})
    return [of_checkpoint(checkpoint), TorchEngine(checkpoint)]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_steps_and_engines_agree_with_the_model(switches: dict[str, object]) -> None:
    model, rows = small("transformer", **switches), np.stack([tune(), tune(seed=5)])
    with torch.no_grad():
        whole, state = model(torch.from_numpy(rows)), model.start(2)
        nats = model.nats(torch.from_numpy(rows)).numpy()
        for t in range(rows.shape[1]):
            context, state = model.advance(torch.from_numpy(rows[:, t]), state)
            torch.testing.assert_close(context, whole[:, t], atol=1e-4, rtol=1e-4)
    for engine in engines(model):
        contexts, state = engine.start(rows[:, :9])
        for t in range(9, rows.shape[1] - 1):
            np.testing.assert_allclose(contexts, whole[:, t - 1], atol=1e-4)
            situation = engine.situation(rows[:, t])
            for i in engine.order:
                logits = engine.logits(i, contexts, rows[:, t], situation)
                log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
                np.testing.assert_allclose(-log_p[[0, 1], rows[:, t, i]], nats[:, t - 1, i], atol=1e-3)
            contexts, state = engine.advance(rows[:, t], state, situation)


def test_a_learned_bias_is_the_same_wherever_a_bar_stands() -> None:
    model, rows = small("transformer", attention="bias"), tune()
    later = rows.copy()
    later[:, derived.TIME] += 4800
    with torch.no_grad():
        torch.testing.assert_close(model(tensor(rows)), model(tensor(later)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_ring_keeps_the_last_rows(attention: str) -> None:
    model, rows = small("transformer", attention=attention, layers=1), tensor(tune(60))
    with torch.no_grad():
        model.past.before.weight.zero_()  # the one way by which an older row is heard
        state = model.start(1)
        for t in range(rows.shape[1]):
            context, state = model.advance(rows[:, t], state)
        torch.testing.assert_close(context, model(rows[:, -40:])[:, -1], atol=1e-4, rtol=1e-3)


def test_attention_by_index_alone_does_not_hear_the_time() -> None:
    rows = tune()
    later = rows.copy()
    later[12:, derived.TIME] += 7
    for attention, hears in (("index", False), ("time", True), ("time pitch", True), ("bias", True)):
        model = small("transformer", attention=attention)
        with torch.no_grad():
            same = torch.allclose(model(tensor(rows)), model(tensor(later)), atol=1e-5)
        assert same != hears, attention


def test_biases_tell_apart_what_matters_and_share_the_rest() -> None:
    (rows,), (ticks, four, three), (pitches,) = bias_lookups()
    far = FARTHEST[1]
    assert [four[far + n] for n in (0, 24, 96, 120, -72)] == [0, 24, 0, 24, 24]
    assert three[far + 72] == three[far] != three[far + 96]
    assert len({ticks[far + n] for n in range(16)}) == 16, "near ones each have their own"
    assert ticks[far + 2000] == ticks[far + 2001] != ticks[far + 1000]
    assert ticks[far + 30] != ticks[far - 30], "before and after are not the same"
    assert len(rows) == 2 * FARTHEST[0] + 1 and len(pitches) == 2 * FARTHEST[2] + 2


@pytest.mark.parametrize("order", ORDERS)
def test_logits_read_what_was_drawn_before_and_nothing_else(order: str) -> None:
    """With each conditional a softmax, this is what makes the attributes' terms add up to −log P of the note."""
    model = small("gru", order=order)
    rows = tensor(tune())[:, 5:9]
    with torch.no_grad():
        context, situation = model(tensor(tune()))[:, 4:8], model.situation(rows)
        drawn: list[int] = []
        for attribute in model.head.order:
            logits = model.head.logits(attribute, context, rows, situation)
            torch.testing.assert_close(logits.softmax(-1).sum(-1), torch.ones(rows.shape[:2]))
            for other in range(len(at.ATTRIBUTES)):
                changed = rows.clone()
                changed[..., other] = (changed[..., other] + 1) % at.ATTRIBUTES[other].outputs
                again = model.head.logits(attribute, context, changed, situation)
                assert torch.equal(again, logits) == (other not in drawn), (attribute, other)
            drawn.append(attribute)
    assert sorted(drawn) == list(range(5))
    assert [at.ATTRIBUTES[i].name for i in drawn[2:]] == order.split()


class Recorder:
    """An engine that notes in which order it is asked, and what it is shown."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.asked = engine, list[tuple[int, np.ndarray]]()

    def __getattr__(self, name: str) -> object:
        return getattr(self.engine, name)

    def logits(self, attribute: int, context: np.ndarray, target: np.ndarray, situation: np.ndarray) -> np.ndarray:
        self.asked.append((attribute, target[:, :5].copy()))
        return self.engine.logits(attribute, context, target, situation)


@dataclass(frozen=True)
class Either:
    """One of these values."""

    attribute: int
    values: tuple[int, ...]

    def bias(self, target: np.ndarray, tracker: Tracker) -> np.ndarray:
        return np.isin(np.arange(at.ATTRIBUTES[self.attribute].outputs), self.values)[None]


@pytest.mark.parametrize("order", [ORDERS[0], "duration pitch velocity", "velocity duration pitch"])
def test_the_sampler_draws_in_the_models_order_under_its_masks(order: str) -> None:
    model = small("gru", order=order)
    engine = Recorder(engines(model)[0])
    tracker, rows = Tracker(1), tune()
    tracker.feed(rows[:6, :5].astype(np.int16))
    context, _ = engine.engine.start(rows[None, :6])
    # Of every attribute more than one value is left: of others the network is not asked.
    limits = (Either(at.SHIFT, (12, 24)), Longest(6), PitchSet(frozenset({60, 64})), Either(at.VELOCITY, (9, 11)))
    sampler = Sampler(engine, SamplerSettings(), limits, [np.random.default_rng(0)])  # type: ignore[arg-type]
    (row,), _ = sampler.draw(context, tracker)
    assert [a for a, _ in engine.asked] == list(model.head.order)
    for place, (_, shown) in enumerate(engine.asked[1:], 1):
        for later in model.head.order[place:]:
            assert shown[0, later] == at.ATTRIBUTES[later].none, "not drawn yet"
    assert row[at.SHIFT] in (12, 24) and row[at.VELOCITY] in (9, 11) and at.DURATIONS[row[at.DURATION]] <= 6
    assert row[at.PITCH] in (60, 64) or row[at.INSTRUMENT] == at.DRUM_INSTRUMENT


def test_without_bars_nothing_hears_them() -> None:
    rows = tune()
    moved = rows.copy()
    moved[:, derived.BAR] = (moved[:, derived.BAR] + 5) % derived.BAR_POSITIONS
    moved[:, derived.METER] = (moved[:, derived.METER] + 1) % derived.METER_CLASSES
    for bar in (True, False):
        model = small("lstm", bar=bar)
        with torch.no_grad():
            assert torch.equal(model.nats(tensor(rows)), model.nats(tensor(moved))) != bar
    assert not any("bar" in k or "meter" in k for k in model.state_dict())


def test_old_configs_mean_what_they_meant_and_bad_ones_are_one_sentence() -> None:
    old = config_from_dict({"family": "transformer", **SMALL})
    assert isinstance(old, ModelConfig)
    assert (old.attention, old.bar, old.drawn) == ("time pitch", True, (0, 1, 2, 3, 4))
    with pytest.raises(SettingsError, match="Unknown attention 'ring'; choose one of time pitch, time, index, bias"):
        ModelConfig(attention="ring")
    for order in ("pitch velocity", "pitch pitch velocity duration", "pitch loudness duration", ""):
        with pytest.raises(SettingsError, match="must name each of pitch, velocity, duration once"):
            ModelConfig(order=order)
    with pytest.raises(CheckpointError, match="Unknown attention"):
        config_from_dict({"family": "transformer", "attention": "ring"})


def test_config_drives_the_build() -> None:
    sizes = {a: sum(p.numel() for p in build(ModelConfig(attention=a, **SMALL)).parameters()) for a in ATTENTIONS}
    tables = sum(max(places) + 1 for each in bias_lookups() for places in each)
    assert sizes["bias"] - sizes["time"] == tables * SMALL["heads"] and sizes["time"] == sizes["index"]

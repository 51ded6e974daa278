"""The compiled kernel plays what the networks say: next to torch's numbers, the same however rows are fed to it."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import PLAYER, Checkpoint
from musegen.engine.base import load
from musegen.engine.compiled import library as libraries
from musegen.engine.compiled.choice import choose
from musegen.engine.compiled.engine import CompiledEngine, fits
from musegen.engine.compiled.load import properties
from musegen.engine.graphs.build import build as build_graphs
from musegen.engine.onnx_engine import OnnxEngine
from musegen.engine.players import engine_of
from musegen.errors import CheckpointError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.midi.music import read_music
from musegen.models.base import SequenceModel, build
from musegen.models.config import ModelConfig
from musegen.sampling.plan import Plan
from musegen.sampling.sampler import SamplerSettings, choose_in_numpy
from musegen.sampling.seeds import find_seed
from musegen.sampling.stream import notes
from musegen.training import player

from ..models.small import tune

BUILDS = [name for name in libraries.BUILDS if libraries.opened(libraries.path_of(name))]
pytestmark = pytest.mark.skipif(not BUILDS, reason="no kernel here: python musegen/engine/compiled/build.py")
SMALL = {"width": 96, "layers": 2, "heads": 3, "head_width": 48, "slot_width": 16, "context": 128, "dropout": 0.0}


@pytest.fixture(params=BUILDS, autouse=True)
def build_under_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every build that this machine can run, in turn."""
    monkeypatch.delenv("MUSEGEN_KERNEL", raising=False)
    monkeypatch.setattr(libraries, "BUILDS", (request.param,))
    libraries.library.cache_clear()
    yield
    libraries.library.cache_clear()


def small(**switches: object) -> SequenceModel:
    torch.manual_seed(1)
    return build(ModelConfig(**{**SMALL, **switches})).eval()  # type: ignore[arg-type]


def checkpoint_of(model: SequenceModel) -> Checkpoint:
    return Checkpoint(model.config, {k: v.numpy().copy() for k, v in model.state_dict().items()})


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"attention": "index", "heads": 2},
        {"bar": False, "order": "duration pitch velocity"},
        {"width": 64, "heads": 4, "head_width": 112},
    ],
    ids=str,
)
def test_the_kernel_does_what_torch_does(switches: dict[str, object]) -> None:
    model, rows = small(**switches), np.stack([tune(), tune(seed=5)])
    engine, close = CompiledEngine(checkpoint_of(model)), 0.15
    assert fits(model.config)
    assert engine.contexts(rows[:, :0]).shape == (2, 0, model.config.width)
    with torch.no_grad():
        whole, situation = model(torch.from_numpy(rows)), model.situation(torch.from_numpy(rows))
    np.testing.assert_allclose(engine.contexts(rows), whole.numpy(), atol=close)
    np.testing.assert_allclose(engine.situation(rows), situation.numpy(), atol=close)
    target = rows[:, 10]
    for i in range(len(at.ATTRIBUTES)):
        about = None if i == at.SHIFT else situation[:, 10]
        with torch.no_grad():
            wanted = model.head.logits(i, whole[:, 9], torch.from_numpy(target), about)
        found = engine.logits(i, whole[:, 9].numpy(), target, None if about is None else about.numpy())
        np.testing.assert_allclose(found, wanted.numpy(), atol=close, err_msg=at.ATTRIBUTES[i].name)


def test_the_shipped_transformer_is_itself_in_the_kernel() -> None:
    """No farther from its weights in float32 than a player may be."""
    found = player.difference(load("default", exact=True), load("default"), player.seed_phrases())
    assert isinstance(load("default"), CompiledEngine)
    assert found.kl <= player.KL and abs(found.nats) <= player.NATS, found


def test_a_row_is_the_same_to_the_last_bit_however_it_is_fed() -> None:
    engine, rows = CompiledEngine(checkpoint_of(small())), np.stack([tune(seed=i) for i in range(7)])
    whole = engine.contexts(rows)
    for some in (rows[2:3], rows[:5]):
        context, state = engine.start(some[:, :9])
        for t in range(9, rows.shape[1]):
            first = 2 if len(some) == 1 else 0
            np.testing.assert_array_equal(context, whole[first : first + len(some), t - 1])
            context, state = engine.advance(some[:, t], state)


def test_a_shared_prompt_is_as_one_that_each_has_read() -> None:
    engine, rows = CompiledEngine(checkpoint_of(small())), tune()
    alone, state = engine.start(rows[None, :20])
    both, states = engine.start(np.stack([rows[:20]] * 3))
    for t in range(20, len(rows)):
        np.testing.assert_array_equal(both, alone.repeat(3, 0))
        alone, state = engine.advance(rows[None, t], state)
        both, states = engine.advance(np.stack([rows[t]] * 3), states)


def test_the_window_moves_as_onnxruntimes_does_and_hours_do_not_matter() -> None:
    checkpoint, rows = checkpoint_of(small()), tune(300)[None]
    late = rows.copy()
    late[..., derived.TIME] += 3_000_000
    found = []
    for engine, music in (
        (engine_of(checkpoint, build_graphs(checkpoint, 32)), rows),
        (CompiledEngine(checkpoint), rows),
        (CompiledEngine(checkpoint), late),
    ):
        context, state = engine.start(music[:, :9])
        each = []
        for t in range(9, 300):
            context, state = engine.advance(music[:, t], state)
            each.append(context)
        found.append(np.array(each))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=0.15)


def test_a_mark_leads_back() -> None:
    engine, rows = CompiledEngine(checkpoint_of(small())), tune(300)[None]
    context, state = engine.start(rows[:, :100])
    mark, runs = copy.copy(state), []
    for _ in range(2):
        state, found = copy.copy(mark), []
        for t in range(100, 290):
            context, state = engine.advance(rows[:, t], state)
            found.append(context)
        runs.append(np.array(found))
    np.testing.assert_array_equal(*runs)


def test_a_prompt_may_be_longer_than_the_memory() -> None:
    engine, rows = CompiledEngine(checkpoint_of(small(layers=1))), tune(400)[None]
    context, state = engine.start(rows)
    shorter, _ = engine.start(rows[:, -96:])
    np.testing.assert_allclose(context, shorter, atol=0.1)
    assert np.isfinite(engine.advance(rows[:, -1], state)[0]).all()


@pytest.mark.parametrize("values", [32, 102, 513])
@pytest.mark.parametrize("heat", [0.0, 0.5, 1.3])
@pytest.mark.parametrize(
    "kept", [{}, {"top_p": 1.0}, {"top_p": 0.5, "top_k": 4}, {"min_p": 0.1}, {"top_k": 1}], ids=str
)
def test_values_are_drawn_as_numpy_draws_them(values: int, heat: float, kept: dict[str, float]) -> None:
    rng = np.random.default_rng(values)
    logits = rng.normal(0, 2, (300, values)).astype(np.float32)
    logits[rng.random(logits.shape) < 0.5] = -np.inf
    logits[:, 1] = 0
    settings, chance = SamplerSettings(**kept), rng.random(300)  # type: ignore[arg-type]
    found = choose(logits, heat, settings.top_p, settings.min_p, settings.top_k, chance)
    wanted = choose_in_numpy(logits, settings, heat, chance)
    assert (found != wanted).sum() <= 1, "but for a chance within float32's rounding of the edge"


def test_equal_values_are_kept_first_come_first() -> None:
    logits = np.zeros((200, 20), np.float32)
    found = choose(logits, 1.0, 1.0, 0.0, 5, (np.arange(200) + 0.5) / 200)
    assert np.bincount(found).tolist() == [40] * 5


def test_equal_seed_numbers_give_equal_music() -> None:
    plan = Plan(read_music(find_seed(None)))
    runs = []
    for _ in range(2):
        music = notes(load("default"), plan)
        runs.append([next(music) for _ in range(60)])
    assert runs[0] == runs[1]


# --- who plays ------------------------------------------------------------------------------------------------------


def test_who_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel, but not in place of a float32 player, for what it cannot run, or where the user says so."""
    checkpoint = checkpoint_of(small())
    checkpoint.save(tmp_path / "small", build_graphs(checkpoint, 8))
    checkpoint.save(tmp_path / "exact", build_graphs(checkpoint, 32))
    other = checkpoint_of(small(attention="bias"))
    other.save(tmp_path / "bias", build_graphs(other, 8))
    assert isinstance(load(tmp_path / "small"), CompiledEngine)
    for name in ("exact", "bias"):
        assert isinstance(load(tmp_path / name), OnnxEngine)
    monkeypatch.setenv("MUSEGEN_KERNEL", "0")
    libraries.library.cache_clear()
    assert isinstance(load(tmp_path / "small"), OnnxEngine)


def test_without_a_library_onnxruntime_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "kernel.so"
    damaged.write_bytes(b"no library")
    for path in (damaged, tmp_path / "none.so"):
        monkeypatch.setattr(libraries, "path_of", lambda build, path=path: path)
        libraries.library.cache_clear()
        assert isinstance(load("default"), OnnxEngine)


def test_a_stale_player_is_refused_with_a_kernel_too(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(small())
    checkpoint.save(tmp_path / "a", build_graphs(checkpoint, 8))
    other = checkpoint_of(small(layers=1))
    other.save(tmp_path / "b", build_graphs(other, 8))
    shutil.copy(tmp_path / "a" / PLAYER, tmp_path / "b" / PLAYER)
    with pytest.raises(CheckpointError, match="other weights"):
        load(tmp_path / "b")


@pytest.mark.parametrize("name", ["head.harmony.weight", "past.blocks.1.qkv.weight", "head.out.2.bias"])
@pytest.mark.parametrize("cut", [True, False])
def test_weights_of_another_shape_are_one_sentence(name: str, cut: bool) -> None:
    checkpoint = checkpoint_of(small())
    if cut:
        checkpoint.weights[name] = checkpoint.weights[name][:-1]
    else:
        del checkpoint.weights[name]
    with pytest.raises(CheckpointError, match=name):
        CompiledEngine(checkpoint)


def test_what_a_player_says_of_itself_is_read_without_onnx() -> None:
    checkpoint = checkpoint_of(small())
    found = properties(build_graphs(checkpoint, 8))
    assert found == {"bits": "8", "weights": checkpoint.digest()}
    assert properties(b"") == {}
    for damage in (b"\x72", b"\xff" * 40):
        with pytest.raises((IndexError, ValueError)):
            properties(damage)


def test_half_precision_on_disk_is_the_same_player() -> None:
    checkpoint = checkpoint_of(small())
    half = Checkpoint(checkpoint.config, {k: v.astype(np.float16) for k, v in checkpoint.weights.items()})
    wide = Checkpoint(checkpoint.config, {k: v.astype(np.float32) for k, v in half.weights.items()})
    rows = tune()[None]
    np.testing.assert_array_equal(CompiledEngine(half).contexts(rows), CompiledEngine(wide).contexts(rows))

"""Players: every family's graph does what torch does, in a batch and on, and a file that is not right is refused."""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import PLAYER, Checkpoint, digest_of, find
from musegen.checkpoint import load as read
from musegen.corpus.store import Corpus
from musegen.engine.base import Engine, load, of_checkpoint
from musegen.engine.graphs.build import build as build_graphs
from musegen.engine.numpy_engine import NumpyEngine
from musegen.engine.onnx_engine import OnnxEngine
from musegen.engine.players import engine_of
from musegen.errors import CheckpointError, MissingPackageError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.models.base import SequenceModel
from musegen.models.config import ATTENTIONS, ModelConfig
from musegen.models.pasts import FAMILIES
from musegen.training import player
from musegen.training.loop import train
from musegen.training.settings import TrainSettings

from ..models.small import small, tune

VARIANTS = [(family, {}) for family in FAMILIES]
VARIANTS += [("transformer", {"attention": a, "heads": h}) for a in ATTENTIONS for h in (3, 4)]
VARIANTS += [("lstm", {"bar": False, "order": "duration pitch velocity"})]
both_graphs = pytest.mark.parametrize(("bits", "close"), [(32, 1e-4), (8, 0.15)])
every_variant = pytest.mark.parametrize(("family", "switches"), VARIANTS, ids=lambda v: str(v))


def checkpoint_of(model: SequenceModel) -> Checkpoint:
    return Checkpoint(model.config, {k: v.numpy().copy() for k, v in model.state_dict().items()}, ("chorale",))


def player_of(model: SequenceModel, bits: int = 32) -> Engine:
    checkpoint = checkpoint_of(model)
    return engine_of(checkpoint, build_graphs(checkpoint, bits))


@every_variant
@both_graphs
def test_a_graph_does_what_torch_does(family: str, switches: dict[str, object], bits: int, close: float) -> None:
    model, rows = small(family, **switches), np.stack([tune(), tune(seed=5)])
    engine = player_of(model, bits)
    with torch.no_grad():
        whole, situation = model(torch.from_numpy(rows)), model.situation(torch.from_numpy(rows))
    np.testing.assert_allclose(engine.contexts(rows), whole.numpy(), atol=close)
    np.testing.assert_allclose(engine.situation(rows), situation.numpy(), atol=close)
    context, state = engine.start(rows[:, :9])
    for t in range(9, rows.shape[1]):
        np.testing.assert_allclose(context, whole[:, t - 1].numpy(), atol=close)
        target = rows[:, t]
        for i in range(len(at.ATTRIBUTES)):
            about = None if i == at.SHIFT else situation[:, t]
            with torch.no_grad():
                wanted = model.head.logits(i, whole[:, t - 1], torch.from_numpy(target), about)
            found = engine.logits(i, whole[:, t - 1].numpy(), target, None if about is None else about.numpy())
            np.testing.assert_allclose(found, wanted.numpy(), atol=close, err_msg=at.ATTRIBUTES[i].name)
        context, state = engine.advance(target, state)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_sequence_plays_does_not_depend_on_its_neighbours(family: str) -> None:
    engine, ours = player_of(small(family), 8), tune()
    contexts = []
    for other in (tune(seed=5), tune(seed=6)):
        pair = np.stack([ours, other])
        context, state = engine.start(pair[:, :9])
        for t in range(9, len(ours)):
            context, state = engine.advance(pair[:, t], state)
        contexts.append(context)
    np.testing.assert_array_equal(contexts[0][0], contexts[1][0])
    assert (contexts[0][1] != contexts[1][1]).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_two_pieces_by_one_engine_do_not_meet(family: str) -> None:
    engine, music = player_of(small(family), 8), [tune()[None], tune(seed=5)[None]]
    apart, states = [], [engine.start(rows[:, :9]) for rows in music]
    for rows in music:
        context, state = engine.start(rows[:, :9])
        for t in range(9, 20):
            context, state = engine.advance(rows[:, t], state)
        apart.append(context)
    for t in range(9, 20):
        states = [engine.advance(rows[:, t], state) for rows, (_, state) in zip(music, states, strict=True)]
    np.testing.assert_array_equal([context for context, _ in states], apart)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mark_leads_back(family: str) -> None:
    """Also where the window has moved on since, which leaves rows behind."""
    engine, rows = player_of(small(family, context=16), 8), tune(60)[None]
    context, state = engine.start(rows[:, :9])
    for t in range(9, 12):
        context, state = engine.advance(rows[:, t], state)
    mark = copy.copy(state)
    runs = []
    for _ in range(2):
        state, found = copy.copy(mark), []
        for t in range(12, 60):
            context, state = engine.advance(rows[:, t], state)
            found.append(context)
        runs.append(np.array(found))
    np.testing.assert_array_equal(*runs)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_window_moves_and_only_what_it_holds_is_heard(attention: str) -> None:
    """One layer, of 120 rows the last 16, which hear of the one before them; and the music's hours do not matter."""
    engine = player_of(small("transformer", context=16, layers=1, attention=attention))
    assert engine.memory is None
    rows = np.stack([tune(120)] + [tune(120, seed=5)] * 2)[:, :120]
    rows[1, 103:] = rows[0, 103:]
    rows[2, 105:] = rows[0, 105:]
    late = rows.copy()
    late[..., derived.TIME] += 30_000_000
    ends = []
    for music in (rows, late):
        context, state = engine.start(music[:, :9])
        for t in range(9, 120):
            context, state = engine.advance(music[:, t], state)
        ends.append(context)
    np.testing.assert_allclose(ends[0][0], ends[0][1], atol=1e-5)
    assert np.abs(ends[0][0] - ends[0][2]).max() > 1e-3, "one hears what the other does not"
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-4)


def test_a_prompt_may_be_longer_than_the_memory() -> None:
    engine, rows = player_of(small("transformer", context=16, layers=1)), tune(100)[None]
    context, state = engine.start(rows)
    np.testing.assert_allclose(context, engine.contexts(rows[:, -12:])[:, -1], atol=1e-5)
    assert np.isfinite(engine.advance(rows[:, -1], state)[0]).all()


# --- the file -------------------------------------------------------------------------------------------------------


def saved(folder: Path, model: SequenceModel) -> Path:
    checkpoint = checkpoint_of(model)
    checkpoint.save(folder, player.export(checkpoint, [tune()], model))
    return folder


def test_a_checkpoint_with_a_player_is_played_by_it_and_scored_without(tmp_path: Path) -> None:
    folder = saved(tmp_path / "it", small("lstm"))
    engine = load(folder)
    assert isinstance(engine, OnnxEngine) and engine.styles == ("chorale",)
    assert isinstance(load(folder, exact=True), NumpyEngine)
    (folder / PLAYER).unlink()
    assert isinstance(load(folder), NumpyEngine)


def test_the_player_leaves_the_weights_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path / "it", small("rnn"))
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    assert np.isfinite(load(folder).contexts(tune()[None])).all()


def test_a_player_of_other_weights_is_refused(tmp_path: Path) -> None:
    mine, other = saved(tmp_path / "mine", small("lstm")), saved(tmp_path / "other", small("gru"))
    shutil.copy(other / PLAYER, mine / PLAYER)
    with pytest.raises(CheckpointError, match=r"player.onnx was made from other weights .* delete it"):
        load(mine)


@pytest.mark.parametrize("damage", [b"", b"not a graph", b"half"], ids=["empty", "text", "half"])
def test_a_damaged_player_is_one_sentence(tmp_path: Path, damage: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    folder = saved(tmp_path / "it", small("lstm"))
    contents = (folder / PLAYER).read_bytes()
    (folder / PLAYER).write_bytes(contents[: len(contents) // 2] if damage == b"half" else damage)
    with pytest.raises(CheckpointError, match=r"player.onnx is damaged: delete it"):
        load(folder)
    assert capfd.readouterr() == ("", ""), "onnxruntime says nothing besides"


def test_saving_without_a_player_removes_the_old_one(tmp_path: Path) -> None:
    folder = saved(tmp_path / "it", small("lstm"))
    assert (folder / PLAYER).is_file()
    checkpoint_of(small("gru")).save(folder)
    assert not (folder / PLAYER).exists()


def test_a_digest_is_of_the_file(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(small("lstm"))
    checkpoint.save(tmp_path)
    assert checkpoint.digest() == digest_of(tmp_path) != checkpoint_of(small("gru")).digest()


def test_equal_checkpoints_have_equal_players() -> None:
    one, two = (build_graphs(checkpoint_of(small("transformer"))) for _ in range(2))
    assert one == two


# --- the check ------------------------------------------------------------------------------------------------------


def test_a_graph_that_does_not_do_what_torch_does_is_not_exported() -> None:
    model = small("lstm")
    checkpoint = checkpoint_of(small("lstm"))
    with torch.no_grad():
        model.past.mix.weight.add_(0.01)
    with pytest.raises(CheckpointError, match="contexts would differ from torch's by"):
        player.export(checkpoint, [tune()], model)


def test_a_network_that_8_bits_would_change_is_exported_in_32(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("lstm")
    checkpoint = checkpoint_of(model)
    assert player.export(checkpoint, [tune()], model) == build_graphs(checkpoint, 8)
    monkeypatch.setattr(player, "KL", 1e-9)
    assert player.export(checkpoint, [tune()], model) == build_graphs(checkpoint, 32)


def test_the_difference_between_players_is_measured_on_what_is_predicted() -> None:
    model, rows = small("gru"), tune()
    exact = of_checkpoint(checkpoint_of(model))
    same = player.difference(exact, player_of(model), [rows])
    assert abs(same.kl) < 1e-7 and abs(same.nats) < 1e-6
    with torch.no_grad():
        total = float(model.nats(torch.from_numpy(rows[None])).sum())
        model.head.out[at.VELOCITY].bias[int(rows[5, at.VELOCITY])] += 2
        changed = float(model.nats(torch.from_numpy(rows[None])).sum())
    other = player.difference(exact, player_of(model), [rows])
    assert other.kl > 0.01
    assert other.nats == pytest.approx(changed / total - 1, abs=1e-4)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_onnx_training_says_so_at_once(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = player.find_spec
    monkeypatch.setattr(player, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(MissingPackageError, match=rf"{package}, which is not installed: run  pip install .*train"):
        player.require()


# --- where checkpoints are saved, and the shipped ones --------------------------------------------------------------


def test_training_saves_a_player(trained: Path) -> None:
    assert isinstance(load(trained), OnnxEngine)


def test_a_checkpoint_whose_player_fails_the_check_is_not_written(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "CONTEXTS", 1e-12)
    config = ModelConfig("rnn", width=16, layers=1, head_width=16, slot_width=8, context=32)
    settings = TrainSettings(epochs=0.01, evaluate_every=1)
    with pytest.raises(CheckpointError, match="nothing is saved"):
        train(corpus, config, settings, tmp_path)
    assert not {"config.json", "model.safetensors", PLAYER} & {f.name for f in tmp_path.iterdir()}


@pytest.mark.parametrize("name", ["default", "lstm"])
def test_a_shipped_player_is_what_its_weights_give(name: str) -> None:
    folder = find(name)
    checkpoint = read(folder)
    assert (folder / PLAYER).read_bytes() == build_graphs(checkpoint)
    exact, quick = of_checkpoint(checkpoint), load(folder)
    found = player.difference(exact, quick, [rows[:96] for rows in player.seed_phrases()])
    assert 0 < found.kl <= player.KL and abs(found.nats) <= player.NATS


def test_a_player_is_made_anew(tmp_path: Path) -> None:
    checkpoint_of(small("lstm")).save(tmp_path)
    path = player.export_folder(tmp_path)
    assert path == tmp_path / PLAYER and isinstance(load(tmp_path), OnnxEngine)

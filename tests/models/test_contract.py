"""Contract 1, for every family in the registry: a new family is tested the moment it is listed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from musegen.checkpoint import Checkpoint, load
from musegen.engine.base import of_checkpoint
from musegen.engine.torch_engine import TorchEngine
from musegen.errors import SettingsError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.models.base import build, load_weights
from musegen.models.config import ModelConfig
from musegen.models.likelihood import nats_of_pieces, summary
from musegen.models.pasts import FAMILIES
from musegen.piece import Meter

from .small import small, tensor, tune


@pytest.mark.parametrize("family", FAMILIES)
class TestFamily:
    def test_causal_by_gradient(self, family: str) -> None:
        model = small(family)
        rows = tensor(tune())
        inputs = model.embed(rows, model.situation(rows)).detach().requires_grad_()
        where = rows[..., [derived.TIME, at.PITCH]]
        for t in (0, 7, 20):
            (gradient,) = torch.autograd.grad(model.past(inputs, where)[0, t].sum(), inputs)
            touched = gradient[0].abs().sum(-1) > 0
            assert not touched[t + 1 :].any(), "sees the future"
            assert touched[: t + 1].all(), "does not see all of the past"

    def test_advance_equals_forward(self, family: str) -> None:
        model, rows = small(family), tensor(tune(), tune(seed=5))
        with torch.no_grad():
            whole, state = model(rows), model.start(2)
            for t in range(rows.shape[1]):
                context, state = model.advance(rows[:, t], state)
                torch.testing.assert_close(context, whole[:, t], atol=1e-4, rtol=1e-4)

    def test_batch_rows_do_not_leak(self, family: str) -> None:
        model, a, b = small(family), tune(), tune(seed=5)
        with torch.no_grad():
            torch.testing.assert_close(model(tensor(a, b))[:1], model(tensor(a)), atol=1e-5, rtol=1e-5)

    def test_probabilities_sum_to_one_over_each_attribute(self, family: str) -> None:
        model, rows = small(family), tensor(tune())
        with torch.no_grad():
            context, situation = model(rows), model.situation(rows)
            for i, attribute in enumerate(at.ATTRIBUTES):
                logits = model.head.logits(i, context[:, :-1], rows[:, 1:], situation[:, 1:])
                assert logits.shape[-1] == attribute.outputs
                nats = -torch.log_softmax(logits, -1)
                chosen = nats.gather(-1, rows[:, 1:, i : i + 1].clamp(max=attribute.outputs - 1).long())[..., 0]
                note = rows[0, 1:, 0] < at.LONGEST_SHIFT
                torch.testing.assert_close(model.nats(rows)[0, note, i], chosen[0, note])

    def test_held_notes_are_heard_as_held_and_scored_as_they_were(self, family: str) -> None:
        model, true = small(family), tune()
        held = np.isin(np.arange(len(true)), (9, 10, 20))
        heard = derived.derive(true[:, :5].astype(np.int16), (Meter(0),), held=held)
        rows, fed = tensor(true), tensor(heard)
        with torch.no_grad():
            known, nats = model.nats(rows), model.nats(rows, fed)
            assert torch.equal(model.nats(rows, rows), known)
            logits = model.head.logits(at.DURATION, model(fed)[:, :-1], fed[:, 1:], model.situation(fed)[:, 1:])
        chosen = -torch.log_softmax(logits, -1)[0].gather(-1, rows[0, 1:-1, at.DURATION, None].long())[:, 0]
        torch.testing.assert_close(nats[0, :-1, at.DURATION], chosen, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(nats[0, :9], known[0, :9], atol=1e-4, rtol=1e-4)
        assert ((nats - known)[0, 9:].abs().sum(-1) > 1e-4).all(), "all after the first held note hears of it"

    def test_overfits_one_bar(self, family: str) -> None:
        model, rows = small(family).train(), tensor(tune(8))
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(200):
            optimiser.zero_grad()
            nats = model.nats(rows).sum(-1).mean()
            nats.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        assert float(nats.detach()) < 0.2, "nats a row, from about 20"

    def test_survives_save_and_load(self, family: str, tmp_path: object) -> None:
        model, rows = small(family), tensor(tune())
        weights = {k: v.numpy() for k, v in model.state_dict().items()}
        Checkpoint(model.config, weights, ("chorale",), {"seed": 1}).save(str(tmp_path))
        read = load(str(tmp_path))
        assert read.styles == ("chorale",) and read.about == {"seed": 1}
        again = build(read.config).eval()
        load_weights(again, read)
        with torch.no_grad():
            torch.testing.assert_close(again(rows), model(rows), atol=0, rtol=0)

    def test_engines_agree_with_the_model(self, family: str) -> None:
        model, rows = small(family), np.stack([tune(), tune(seed=5)])
        checkpoint = Checkpoint(model.config, {k: v.numpy() for k, v in model.state_dict().items()})
        with torch.no_grad():
            whole = model(torch.from_numpy(rows)).numpy()
            nats = model.nats(torch.from_numpy(rows)).numpy()
        for engine in (of_checkpoint(checkpoint), TorchEngine(checkpoint)):
            context, state = engine.start(rows[:, :9])
            for t in range(9, rows.shape[1]):
                np.testing.assert_allclose(context, whole[:, t - 1], atol=1e-4)
                target = rows[:, t]
                situation = engine.situation(target)
                for i in range(len(at.ATTRIBUTES)):
                    logits = engine.logits(i, context, target, situation)
                    if (target[:, i] < at.ATTRIBUTES[i].outputs).all():
                        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
                        np.testing.assert_allclose(-log_p[[0, 1], target[:, i]], nats[:, t - 1, i], atol=1e-3)
                context, state = engine.advance(target, state, situation)

    def test_a_piece_longer_than_the_context_is_counted_once(self, family: str) -> None:
        model, piece = small(family), tune(60)
        (nats,) = nats_of_pieces(model, [piece])
        assert len(nats) == len(piece) - 1 and (nats[:, 0] > 0).all()
        with torch.no_grad():
            first = model.nats(tensor(piece[:41]))[0].numpy()
        np.testing.assert_allclose(nats[:40], first, atol=1e-4)
        figures = summary([nats], [piece])
        assert figures["total"] == pytest.approx(nats.sum() / 60)
        assert figures["notes"] == 60

    def test_padding_and_batching_change_no_figure(self, family: str) -> None:
        model, pieces = small(family), [tune(30), tune(5, 3), tune(12, 4)]
        alone = [nats_of_pieces(model, [p])[0] for p in pieces]
        for together, single in zip(nats_of_pieces(model, pieces), alone, strict=True):
            np.testing.assert_allclose(together, single, atol=1e-4)


def test_an_unknown_family_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="Unknown model 'gru2'; choose one of rnn, gru, lstm"):
        build(ModelConfig(family="gru2"))


def test_a_bar_that_repeats_is_recognised_wherever_it_stands() -> None:
    """Attention is relative: moving a piece in time changes nothing but its bar positions."""
    model, rows = small("transformer"), tune()
    later = rows.copy()
    later[:, derived.TIME] += 4800
    with torch.no_grad():
        torch.testing.assert_close(model(tensor(rows)), model(tensor(later)), atol=2e-3, rtol=1e-3)

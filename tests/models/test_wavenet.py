"""WaveNet's promise: a row costs the same however far back the network sees, and however many rows went before."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from musegen.checkpoint import Checkpoint
from musegen.engine.wavenet import WaveNetEngine
from musegen.models.config import ModelConfig
from musegen.models.pasts import Past, new_past
from musegen.models.relative import dilations

from .small import small, tensor, tune


class Work(TorchDispatchMode):
    """Counts the numbers that operations make or copy; views make none."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and not func.is_view:
            self.numbers += out.numel()
        return out


def work_of_a_step(past: Past, after: int) -> int:
    state, row, where = past.start(1), torch.randn(1, 48), torch.zeros(1, 2, dtype=torch.long)
    with torch.no_grad():
        for _ in range(after):
            _, state = past.step(row, where, state)
        with Work() as work:
            past.step(row, where, state)
    return work.numbers


def test_work_does_not_grow_with_the_receptive_field() -> None:
    fields, work = [], []
    for layers, context in ((8, 9), (4, 13), (2, 31), (1, 256)):  # eight convolutions each
        past = new_past(ModelConfig(family="wavenet", width=48, layers=layers, context=context))
        steps = dilations(layers, context)
        assert len(steps) == 8
        fields.append(1 + sum(steps))
        work += [work_of_a_step(past, after) for after in (0, 50)]
    assert fields == [9, 13, 31, 256]
    assert len(set(work)) == 1 and work[0] > 8 * 48 * 3


def test_attention_does_grow() -> None:
    """The counter counts: what a transformer's step makes grows with the rows before it."""
    past = new_past(ModelConfig(width=48, layers=2, heads=2, context=64, attention="bias"))
    assert work_of_a_step(past, 50) > work_of_a_step(past, 5)


@pytest.mark.parametrize(("stacks", "context"), [(1, 2), (1, 512), (2, 512), (4, 512), (3, 40), (2, 1)])
def test_dilations_double_and_see_the_whole_context_but_not_much_more(stacks: int, context: int) -> None:
    each = dilations(stacks, context)
    one = each[: len(each) // stacks]
    assert each == one * stacks and one == [2**i for i in range(len(one))]
    assert 1 + sum(each) >= context
    assert len(one) == 1 or 1 + sum(each) - stacks * one[-1] < context


def test_a_copied_state_is_a_mark_to_go_back_to() -> None:
    model, rows = small("wavenet"), tensor(tune())
    engine = WaveNetEngine(Checkpoint(model.config, {k: v.numpy() for k, v in model.state_dict().items()}))
    with torch.no_grad():
        for player, first in ((model, rows), (engine, rows.numpy())):
            state = player.start(1) if player is model else player.start(first[:, :1])[1]
            for t in range(1, 12):
                _, state = player.advance(first[:, t], state)
            mark = copy.copy(state)
            straight, state = player.advance(first[:, 12], state)
            for t in (3, 4, 5):  # somewhere else
                player.advance(first[:, t], state)
            again, _ = player.advance(first[:, 12], mark)
            assert torch.equal(torch.as_tensor(straight), torch.as_tensor(again))

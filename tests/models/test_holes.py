"""Networks and holes: what is known costs nothing, nothing is seen too early, the future decides what is between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from musegen.checkpoint import Checkpoint
from musegen.engine.base import of_checkpoint
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec
from musegen.events.holes import Hole, Permuted, permute
from musegen.models.base import SequenceModel, build
from musegen.models.config import ModelConfig
from musegen.models.likelihood import nats_with_holes, summary_with_holes
from musegen.models.pasts import FAMILIES
from musegen.piece import Meter, Note, Piece
from musegen.sampling.infill import infill
from musegen.sampling.sampler import SamplerSettings

SMALL = ModelConfig(width=48, layers=2, heads=2, head_width=48, slot_width=16, context=96, dropout=0.0, infill=True)
METERS = (Meter(0),)


def small(family: str = "transformer") -> SequenceModel:
    torch.manual_seed(1)
    return build(replace(SMALL, family=family)).eval()


def story(ending: int) -> Piece:
    """Four bars in two voices. The first two are always the same; the fourth tells what the third was."""
    third, fourth = ((67, 71, 74, 79), 60) if ending else ((65, 62, 69, 62), 48)
    lead = [60, 62, 64, 65, 67, 65, 64, 62, *third, *[fourth + 12] * 4]
    notes = [Note(24 * i, 24, p, 82, 0, 0) for i, p in enumerate(lead)]
    return Piece.from_notes(notes + [Note(96 * b, 96, (48, 48, 43, fourth)[b], 82, 32, 1) for b in range(4)])


def sequence(piece: Piece, hole: Hole) -> Permuted:
    return permute(EventCodec().encode(piece).rows, piece.meters, hole)


def nats(model: SequenceModel, of: Permuted) -> np.ndarray:
    (found,) = nats_with_holes(model, [(of.rows, of.known)])
    return np.concatenate([np.zeros((1, 5)), found])  # of every row


HOLE = Hole(192, 288, (0,))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("keep", [(), ("pitch",), ("rhythm", "velocity")], ids="-".join)
def test_what_is_known_costs_nothing_and_the_rest_what_it_always_costs(family: str, keep: tuple[str, ...]) -> None:
    model, some = small(family), sequence(story(0), replace(HOLE, keep=frozenset(keep)))
    each = nats(model, some)
    assert (each[some.known] == 0).all() and np.isfinite(each).all()
    note = at.is_note(some.rows)
    assert (each[note[:, None] & ~some.known] > 0).all(), "everything that is not known is predicted"
    with torch.no_grad():
        rows = torch.from_numpy(some.rows[None])
        context, situation = model(rows)[:, :-1], model.situation(rows)[:, 1:]
        for i in range(len(at.ATTRIBUTES)):
            log_p = torch.log_softmax(model.head.logits(i, context, rows[:, 1:], situation), -1)[0]
            for t in np.flatnonzero((note if i else some.rows[:, 0] <= at.END) & ~some.known[:, i])[:]:
                if t:
                    assert each[t, i] == pytest.approx(-float(log_p[t - 1, some.rows[t, i]]), abs=1e-3)
    total = summary_with_holes([each[1:]], [(some.rows, some.known)])
    assert total["notes"] == 20, "each note once"
    assert total["total"] * 20 == pytest.approx(each.sum())
    assert sum(total[a.name] for a in at.ATTRIBUTES) == pytest.approx(total["total"])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_hole_row_hears_the_future_and_not_the_rest_of_the_hole(family: str) -> None:
    model, some = small(family), sequence(story(0), HOLE)
    rows = torch.from_numpy(some.rows[None])
    inputs = model.embed(rows, model.situation(rows)).detach().requires_grad_()
    where = torch.stack([rows[..., derived.TIME], rows[..., at.PITCH]], -1)
    context = model.past(inputs, where)
    first = some.begin + 1
    target = rows[:, first]
    loss = model.head.nats(context[:, first - 1], target, model.situation(target)).sum()
    (gradient,) = torch.autograd.grad(loss, inputs)
    touched = gradient[0].abs().sum(-1) > 0
    assert not touched[first:].any(), "sees itself or the rest of the hole"
    future = (some.rows[:first, derived.TIME] >= HOLE.end) & at.is_note(some.rows[:first])
    assert future.sum() == 5 and touched[:first][torch.from_numpy(future)].all(), "what comes after the hole is heard"


@pytest.fixture(scope="module")
def storyteller() -> SequenceModel:
    """A small transformer that learnt both stories in seconds, in order and with holes."""
    model = small().train()
    plain = [derived.derive(EventCodec().encode(story(e)).rows, METERS) for e in (0, 1)]
    holes = [HOLE, Hole(192, 288), Hole(0, 384, (0,)), replace(HOLE, keep=frozenset({"rhythm"}))]
    lessons = [(p, np.zeros((len(p), 5), np.bool_)) for p in plain for _ in range(2)]
    lessons += [sequence(story(e), h)[:2] for e in (0, 1) for h in holes]
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(420):
        rows, known = (torch.from_numpy(a[None]) for a in lessons[step % len(lessons)])
        optimiser.zero_grad()
        model.nats(rows, rows, known).sum(-1).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return model.eval()


def first_pitch(model: SequenceModel, piece: Piece, hole: Hole | None) -> float:
    """−log P of the first note that the two stories do not share, with a hole there or from left to right."""
    some = sequence(piece, hole or Hole(10**6, 10**6 + 1))
    lead = at.is_note(some.rows) & (some.rows[:, at.INSTRUMENT] == 0) & (some.rows[:, derived.TIME] == 192)
    return float(nats(model, some)[np.flatnonzero(lead)[-1], at.PITCH])


@pytest.mark.parametrize("ending", [0, 1])
def test_the_future_decides_what_is_between(storyteller: SequenceModel, ending: int) -> None:
    both_sides = first_pitch(storyteller, story(ending), Hole(192, 288))
    past_only = first_pitch(storyteller, story(ending), None)
    assert both_sides < 0.1, "nats; it has learnt the piece"
    assert past_only > 0.3, "nats; of two stories either could follow, log 2 if it leans to neither"


@pytest.mark.parametrize("ending", [0, 1])
@pytest.mark.parametrize("part", [None, 1])
def test_it_writes_what_belongs_between(storyteller: SequenceModel, ending: int, part: int | None) -> None:
    weights = {k: v.numpy() for k, v in storyteller.state_dict().items()}
    engine = of_checkpoint(Checkpoint(SMALL, weights))
    before = replace(story(ending), notes=story(ending).notes.copy())
    hidden = (before.notes["onset"] // 96 == 2) & ((before.notes["part"] == 0) | (part is None))
    before.notes["pitch"][hidden] = 55  # what was there is not heard
    (filled,) = infill(engine, before, (3, 3), part, settings=SamplerSettings(temperature=0))
    columns = ["onset", "pitch", "duration", "program", "part"]
    np.testing.assert_array_equal(filled.notes[columns], story(ending).notes[columns])

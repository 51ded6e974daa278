"""Held-out nats per note in two orders: from left to right, and what is kept first, then a hole.

    python -m benchmarks.infill CORPUS CHECKPOINT… [--split test] [--pieces N]

The same network scores the same rows: the first of each held-out piece, as many as fit its context beside a hole.
Both orders are the chain rule, so both totals are exact: log P(x) = log P(kept) + log P(hole | kept), the hole's place
given. The last columns are the hole's own notes alone: given their past, and given both sides. Of attributes, only
those that the hole does not keep count there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.machine import print_header
from musegen.checkpoint import load
from musegen.corpus.gaps import KINDS, draw_hole
from musegen.corpus.store import Corpus
from musegen.corpus.windows import room_beside_a_hole
from musegen.evaluation.likelihood import model_of
from musegen.events import attributes as at
from musegen.events.codec import onsets
from musegen.events.derived import ModelRows, derive
from musegen.events.holes import Hole, Permuted, permute
from musegen.models.base import SequenceModel
from musegen.models.likelihood import nats_of_pieces, nats_with_holes


class Case(NamedTuple):
    """A held-out piece in both orders."""

    plain: ModelRows
    hole: Hole
    permuted: Permuted


def cases(corpus: Corpus, split: str, context: int, kind: str, most: int) -> list[Case]:
    """A hole of `kind` in each piece, always the same."""
    found = []
    for piece in corpus.pieces(split)[:most]:
        rows, meters = corpus.rows(piece)[: room_beside_a_hole(context)], corpus.meters(piece)
        hole = draw_hole(rows, onsets(rows), meters, np.random.default_rng([0, piece]), kind)
        if hole is not None:
            permuted = permute(rows, meters, hole)
            if len(permuted.rows) <= context + 1:
                found.append(Case(derive(rows, meters), hole, permuted))
    return found


def figures(model: SequenceModel, some: list[Case]) -> dict[str, float]:
    """Nats per note: of whole pieces in both orders, and of the holes' notes given the past and given both sides."""
    plain = nats_of_pieces(model, [c.plain for c in some])
    permuted = nats_with_holes(model, [c.permuted[:2] for c in some])
    notes = sum(int(at.is_note(c.plain[1:]).sum()) for c in some)
    inside, past, both = 0, np.zeros(5), np.zeros(5)
    for c, left_to_right, in_order in zip(some, plain, permuted, strict=True):
        lost = np.isin(np.arange(5), c.hole.lost)
        ticks = onsets(c.plain[:, :5].astype(np.int16))
        mine = c.hole.holds(c.plain[:, :5].astype(np.int16), ticks)[1:]
        inside += int(mine.sum())
        past += left_to_right[mine].sum(0) * lost
        hole_rows = in_order[c.permuted.begin :]
        both += hole_rows[at.is_note(c.permuted.rows[c.permuted.begin + 1 :])].sum(0)
    totals = [sum(float(n.sum()) for n in side) / notes for side in (plain, permuted)]
    out = {"pieces": len(some), "notes": notes, "in holes": inside, "left to right": totals[0], "hole last": totals[1]}
    out |= {"past only": past.sum() / inside, "both sides": both.sum() / inside}
    return out | {"pitch: past": past[at.PITCH] / inside, "pitch: both": both[at.PITCH] / inside}


def main() -> None:
    """Print a table a checkpoint, a line a kind of hole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--split", default="test")
    parser.add_argument("--pieces", type=int, default=10**9, help="only so many of the split")
    args = parser.parse_args()
    print_header("torch", "numpy")
    corpus = Corpus.open(args.corpus)
    for path in args.checkpoints:
        checkpoint = load(path)
        model = model_of(checkpoint)
        print(f"\n{path}, {args.split}: nats per note")
        for i, kind in enumerate(KINDS):
            row = figures(model, cases(corpus, args.split, model.config.context, kind, args.pieces))
            if not i:
                print(f"{'hole':12}" + "".join(f"{name:>15}" for name in row))
            print(f"{kind:12}" + "".join(f"{v:15d}" if isinstance(v, int) else f"{v:15.4f}" for v in row.values()))


if __name__ == "__main__":
    main()

"""How much slower training on stored prefix pairs is than on the shifted sequence, to the same gradient.

    python -m benchmarks.pairs [--rows 32 128] [--families rnn gru lstm wavenet transformer]

One gradient of the loss over a sequence of that many rows, both ways, by a small model of each family. A pair is a
pass of its own, as no two prefixes are of one length.
"""

from __future__ import annotations

import argparse
from functools import partial

import torch

from benchmarks.machine import interleaved, print_header
from musegen.events import derived
from musegen.events.codec import EventCodec
from musegen.midi import read_music
from musegen.models.base import SequenceModel, build
from musegen.models.config import ModelConfig
from musegen.models.pasts import FAMILIES
from musegen.sampling.seeds import find_seed
from musegen.training.pairs import pair_loss, pairs, shifted_loss


def shifted(model: SequenceModel, rows: torch.Tensor) -> torch.Tensor:
    """The gradient of the input table, from one pass."""
    model.zero_grad()
    shifted_loss(model, rows).backward()  # type: ignore[no-untyped-call]
    return _seen(model)


def by_pairs(model: SequenceModel, rows: torch.Tensor) -> torch.Tensor:
    """The same from a pass a prefix."""
    model.zero_grad()
    for prefix, target in pairs(rows):
        pair_loss(model, prefix, target).backward()  # type: ignore[no-untyped-call]
    return _seen(model)


def _seen(model: SequenceModel) -> torch.Tensor:
    gradient = model.embed.interval.weight.grad
    assert gradient is not None
    return gradient.clone()


def main() -> None:
    """Print seconds a gradient and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print_header("torch")
    torch.set_num_threads(1)
    piece = read_music(find_seed(None))
    seed = derived.derive(EventCodec().encode(piece).rows, piece.meters)[:-1]
    print(f"{'family':12} {'rows':>5} {'shifted':>10} {'pairs':>10} {'ratio':>7}   gradients differ by")
    for family in args.families:
        torch.manual_seed(0)
        model = build(ModelConfig(family=family, width=64, layers=2, heads=2, context=max(args.rows), dropout=0.0))
        for length in args.rows:
            rows = torch.from_numpy(seed).repeat(-(-length // len(seed)), 1)[None, :length]
            one, many = shifted(model, rows), by_pairs(model, rows)
            apart = float((one - many).norm() / one.norm())
            contenders = {"shifted": partial(shifted, model, rows), "pairs": partial(by_pairs, model, rows)}
            seconds = interleaved(contenders, args.rounds)
            print(
                f"{family:12} {length:5} {1000 * seconds['shifted']:7.1f} ms {1000 * seconds['pairs']:7.1f} ms "
                f"{seconds['pairs'] / seconds['shifted']:6.1f}×   {apart:.0e}",
                flush=True,
            )


if __name__ == "__main__":
    main()

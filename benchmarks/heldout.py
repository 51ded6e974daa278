"""Held-out nats per note of checkpoints beside the Witten–Bell n-gram over the same events.

    python -m benchmarks.heldout CORPUS CHECKPOINT… [--save]

`--save` writes the figures into each checkpoint's metrics.json and model card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.machine import print_header
from musegen.checkpoint import load, tell
from musegen.corpus.store import Corpus
from musegen.evaluation.likelihood import held_out, with_figures
from musegen.events import attributes as at
from musegen.training.baselines import fit


def main() -> None:
    """Print a table a split; the last column is the model's total over the n-gram's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    print_header("torch", "numpy")
    corpus = Corpus.open(args.corpus)
    ngram = fit(corpus, "ngram")
    floors = {split: held_out(ngram, corpus, split) for split in ("valid", "test") if corpus.pieces(split)}
    measured = {path: with_figures(load(path), corpus, **{f"n-gram on {s}": f for s, f in floors.items()})
                for path in args.checkpoints}  # fmt: skip
    for split, floor in floors.items():
        print(
            f"{split:14}" + "".join(f"{name:>12}" for name in ("total", *(a.name for a in at.ATTRIBUTES))) + "   ratio"
        )
        rows = {"n-gram": floor, **{p.name: c.metrics[split] for p, c in measured.items()}}
        for name, row in rows.items():
            values = "".join(f"{row[k]:12.4f}" for k in ("total", *(a.name for a in at.ATTRIBUTES)))
            print(f"{name:14}{values}   {row['total'] / floor['total']:.3f}")
    if args.save:
        for path, checkpoint in measured.items():
            tell(path, checkpoint.metrics)


if __name__ == "__main__":
    main()

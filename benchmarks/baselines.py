"""The older models beside the networks: held-out nats per note of every attribute, and per grid cell of JSB-16 (P1b).

    musegen corpus build --preset default          (or jsb16 jsb16:FOLDER)
    python -m benchmarks.baselines corpora/default [CHECKPOINT…] [--families ngram mixture topics]

The n-gram, the mixture and the topics are fitted here to the training split; what is named besides (a shipped name or
a folder) is only measured, and must have been trained on the same split to be compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.chorales import sixteenths_of
from benchmarks.machine import print_header
from musegen.checkpoint import Checkpoint, find, load
from musegen.corpus.store import Corpus
from musegen.evaluation.jsb16 import nats_per_cell
from musegen.evaluation.likelihood import nats_of
from musegen.events import attributes as at
from musegen.events.derived import derive
from musegen.models.config import BASELINES
from musegen.models.long_pieces import summary
from musegen.training.baselines import fit

COLUMNS = ("total", *(a.name for a in at.ATTRIBUTES))


def main() -> None:
    """Print a line a model and split; the last columns only for a corpus of JSB-16."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoints", nargs="*")
    parser.add_argument("--families", nargs="*", choices=BASELINES, default=BASELINES)
    parser.add_argument("--splits", nargs="+", default=("valid", "test"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print_header("numpy", "scikit-learn", "torch")
    corpus = Corpus.open(args.corpus)
    chorales = {e.source for e in corpus.entries} == {"jsb16"}
    names = (*COLUMNS, *(("token-mean", "piece-mean") if chorales else ()))
    print(f"{'split':6} {'model':22}" + "".join(f"{name:>11}" for name in names) + "   minutes of fitting")
    for name, checkpoint, seconds in _models(corpus, args):
        for split in args.splits:
            if numbers := corpus.pieces(split):
                values = _figures(checkpoint, corpus, numbers, chorales)
                line = "".join(f"{v:11.4f}" for v in values)
                print(f"{split:6} {name:22}{line}   {seconds / 60:.1f}", flush=True)


def _models(corpus: Corpus, args: argparse.Namespace) -> Iterator[tuple[str, Checkpoint, float]]:
    for name in args.checkpoints:
        yield Path(name).name, load(find(name)), 0.0
    for family in args.families:
        started = time.monotonic()
        checkpoint = fit(corpus, family, seed=args.seed)
        components = getattr(checkpoint.config, "components", 0)
        yield f"{family} {components or ''}".strip(), checkpoint, time.monotonic() - started


def _figures(checkpoint: Checkpoint, corpus: Corpus, numbers: list[int], chorales: bool) -> list[float]:
    pieces = [derive(corpus.rows(i), corpus.meters(i)) for i in numbers]
    nats = nats_of(checkpoint, pieces)
    found = summary(nats, pieces)
    values = [found[k] for k in COLUMNS]
    if chorales:
        values += nats_per_cell([float(n.sum()) for n in nats], [sixteenths_of(corpus, i) for i in numbers])
    return values


if __name__ == "__main__":
    main()

"""What single parts of the model are worth: each switched off, or over, alone, everything else equal.

    python -m benchmarks.ablation CORPUS [--epochs 20] [--seeds 0,1,2] [--only full "attention bias"] [--out DIR]

A transformer of 1.3 million weights on a corpus folder; figures are nats a note of the pieces held out for
validation, by the averaged weights at the best step. Nothing but the transposition is varied in training. Runs that
are in --out are not done again, and one that was stopped goes on.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.machine import print_header
from musegen.corpus.store import Corpus
from musegen.events import attributes as at
from musegen.models.config import ModelConfig
from musegen.records.runs import Job, Recipe, Result, run_all
from musegen.records.table import table
from musegen.training.loop import train
from musegen.training.settings import TrainSettings

SHAPE = ModelConfig(width=128, layers=3, heads=4, head_width=128, slot_width=64, dropout=0.3)
SETTINGS = TrainSettings(
    epochs=20, batch_rows=1536, rate=3e-3, warm_up=100, weight_decay=0.1, louder=0.0, rename=0.0, tag_rate=0.0, hold=0.0
)
SWITCHES: dict[str, dict[str, object]] = {
    "full": {},
    "attention time": {"attention": "time"},
    "attention index": {"attention": "index"},
    "attention bias": {"attention": "bias"},
    "no bar": {"bar": False},
    "duration first": {"order": "duration pitch velocity"},
    "pitch last": {"order": "velocity duration pitch"},
    "no augmentation": {"transpose": 0},
}
"""Name in the table → what is other than in the full model or its training."""


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--only", nargs="+", default=list(SWITCHES), choices=SWITCHES)
    parser.add_argument("--out", type=Path, default=Path("records/ablation"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print_header("torch")
    torch.set_num_threads(args.threads)
    recipes = {name: Recipe(partial(learn, name)) for name in args.only}
    seeds = [int(n) for n in args.seeds.split(",")]
    found = run_all(recipes, args.corpus, args.out, seeds, args.epochs, announce=announce)
    columns = {"total": "nats/note", **{a.name: a.name for a in at.ATTRIBUTES}}
    print(
        table(
            f"\nAblation on {args.corpus.resolve().name}, {args.epochs or SETTINGS.epochs:g} epochs", found, (), columns
        )
    )


def learn(name: str, job: Job) -> Result:
    """One run: `SHAPE` trained with `SETTINGS`, but for what the switch `name` says."""
    own = SWITCHES[name]
    shape = {key: value for key, value in own.items() if hasattr(SHAPE, key)}
    config = replace(SHAPE, **shape)  # type: ignore[arg-type]
    how = {key: value for key, value in own.items() if key not in shape}
    settings = replace(SETTINGS, seed=job.seed, epochs=job.epochs or SETTINGS.epochs, **how)  # type: ignore[arg-type]
    started = time.monotonic()
    best = train(Corpus.open(job.data), config, settings, job.folder)
    figures = {key: value for key, value in best.metrics["valid"].items() if key != "notes"}
    weights = sum(w.size for w in best.weights.values())
    return Result(figures, {"minutes": (time.monotonic() - started) / 60, "weights": weights, **own})


def announce(name: str, seed: int, result: Result | None) -> None:
    """Say that a run begins or what it found."""
    what = "…" if result is None else f"{result.figures['total']:.4f} nats/note"
    print(f"{name}, seed {seed}: {what}", flush=True)


if __name__ == "__main__":
    main()

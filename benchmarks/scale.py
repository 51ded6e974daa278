"""Nats a note against the number of weights and against the notes seen: one family in several sizes, and a picture.

    python -m benchmarks.scale CORPUS [--family transformer] [--widths 64 128 256] [--epochs 1] [--png scale.png]

Every size sees the same batches in the same order under a learning-rate schedule of its own length, so a point on a
curve is a model that was still learning, and its last point is what that much music makes of that many weights. Held
out are the pieces of the valid split. Runs that are in --out are not done again, and one that was stopped goes on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.machine import print_header
from musegen.corpus.store import Corpus
from musegen.models.config import ModelConfig
from musegen.records.runs import Job, Recipe, Result, run_all
from musegen.training.loop import train
from musegen.training.progress import read_log
from musegen.training.settings import TrainSettings

SETTINGS = TrainSettings(
    batch_rows=2048, rate=2e-3, warm_up=100, average=0.99, rename=0.5, hold=0.0, evaluate_every=150, patience=1000
)


def main() -> None:
    """Train what is missing, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--family", default="default")
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("records/scale"))
    parser.add_argument("--png", type=Path, default=Path("scale.png"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print_header("torch")
    torch.set_num_threads(args.threads)
    names = {shape(args, width): f"{args.family}-{width}" for width in args.widths}
    recipes = {name: Recipe(partial(learn, config)) for config, name in names.items()}
    found = run_all(recipes, args.corpus, args.out, [0], args.epochs, announce=announce)
    curves = {name: curve(args.out / name / "seed-0") for name in found}
    print(f"\n{'':18}{'weights':>12}{'notes seen':>12}{'nats/note':>11}{'minutes':>9}")
    for name, (result,) in found.items():
        about = result.about
        seen = curves[name][-1][0]
        print(f"{name:18}{about['weights']:12,}{seen:12,}{result.figures['total']:11.4f}{about['minutes']:9.1f}")
    draw({name: (result.about["weights"], curves[name]) for name, (result,) in found.items()}, args.png)
    print(f"drawn: {args.png}")


def shape(args: argparse.Namespace, width: int) -> ModelConfig:
    """All widths of a model in step, heads of 32."""
    slots = max(16, width // 2)
    return ModelConfig(
        args.family, width, args.layers, max(1, width // 32), width, slots, context=256, dropout=0.05
    )  # fmt: skip


def learn(config: ModelConfig, job: Job) -> Result:
    """One size, trained."""
    best = train(Corpus.open(job.data), config, replace(SETTINGS, epochs=job.epochs or 1.0), job.folder)
    figures = {key: value for key, value in best.metrics["valid"].items() if key != "notes"}
    return Result(figures, {key: best.about[key] for key in ("weights", "minutes")})


def curve(folder: Path) -> list[tuple[int, float]]:
    """(notes and other rows seen, held-out nats/note) at every look of a run."""
    seen, points = 0, []
    for record in read_log(folder):
        seen += record["rows"]
        if "valid" in record:
            points.append((seen, record["valid"]))
    return points


def draw(curves: dict[str, tuple[int, list[tuple[int, float]]]], path: Path) -> None:
    """Two panels: against notes seen, a line a size; against weights, its last point."""
    from matplotlib.figure import Figure

    figure = Figure((9, 3.6), layout="constrained")
    seen, size = figure.subplots(1, 2, sharey=True)
    for name, (weights, points) in curves.items():
        seen.plot(*zip(*points, strict=True), marker=".", label=f"{name}, {weights / 1e6:.2f} M")
        size.plot([weights], [points[-1][1]], "o")
    ends = sorted((weights, points[-1][1]) for weights, points in curves.values())
    size.plot(*zip(*ends, strict=True), color="0.7", zorder=0)
    seen.set(xscale="log", xlabel="notes seen", ylabel="held-out nats a note")
    size.set(xscale="log", xlabel="weights")
    seen.legend(fontsize="small")
    for axes in (seen, size):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def announce(name: str, seed: int, result: Result | None) -> None:
    """Say that a run begins or what it found."""
    what = "…" if result is None else f"{result.figures['total']:.4f} nats/note"
    print(f"{name}, seed {seed}: {what}", flush=True)


if __name__ == "__main__":
    main()

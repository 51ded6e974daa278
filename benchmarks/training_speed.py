"""What a training step of the transformer makes of the machine, and how long it waits for data.

    python -m benchmarks.training_speed [--sizes 5 25 100] [--precisions float32 bfloat16] [--threads 1] [--json FILE]

A step is what `musegen train` does (loss with dropout, gradient, clipping, AdamW, moving average) on windows of a real
piece. Its operations are counted as in `families`: 6 for a weight of a matrix and row, 6·T·D a row and layer for causal
attention. The peak is the fastest product of two big matrices in the same process, device, precision and minute. Sizes
are millions of weights. *Waiting* is the share of a step that making its batch from the corpus takes (augmenting,
deriving, padding), before the step begins; *padding* is the share of rows that only fill windows up to like length.
Both are of a corpus built from the shipped seeds, or of `--corpus`. A CPU's seconds are those of its thread, so that
a busy machine does not change the share.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from musegen.corpus.augment import Augmentation
from musegen.corpus.build import build as build_corpus
from musegen.corpus.store import Corpus
from musegen.corpus.windows import Windows
from musegen.models.base import build, parameters
from musegen.models.config import ModelConfig
from musegen.models.likelihood import pad, pad_known
from musegen.shipped import seeds_folder
from musegen.training.device import Machine, machine
from musegen.training.learner import Average
from musegen.training.settings import TrainSettings

from .families import matrix_peak, operations, timed, training_step, windows
from .machine import add_json, print_header, write_json

SHAPES = {1: (128, 4, 4), 5: (256, 4, 8), 25: (512, 7, 8), 100: (1024, 7, 16)}
"""Millions of weights → width, layers, heads."""

BATCHES = 8  # that are read to find what reading costs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", choices=SHAPES, help="default: 5, on a GPU also 25 and 100")
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch", type=int, help="windows a step; default: 4, on a GPU 32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--corpus", type=Path, help="for waiting and padding; default: one of the shipped seeds")
    add_json(parser)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print_header("torch", "numpy")
    print(f"{'weights':>9} {'precision':10} {'notes/s':>9} {'of the peak, Gop/s':>22} {'waiting':>8}")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        data = Corpus.open(args.corpus) if args.corpus else build_corpus(Path(scratch, "corpus"), [str(seeds_folder())])
        waits, padding = reading(data, args.length)
        gpu = args.device == "cuda" or (args.device == "auto" and torch.cuda.is_available())
        for size in args.sizes or ([5, 25, 100] if gpu else [5]):
            for precision in args.precisions:
                row = measure(size, precision, args, waits)
                rows.append(row)
                print(
                    f"{row['parameters'] / 1e6:7.2f} M {precision:10} {row['notes_per_second']:9.0f} "
                    f"{row['share']:8.1%} of {row['peak_tflops'] * 1e3:7.1f} {row['waiting']:8.1%}",
                    flush=True,
                )
    print(f"\npadding: {padding:.1%} of the rows")
    write_json(args.json, {"train": rows}, ("torch", "numpy"))


def measure(size: int, precision: str, args: argparse.Namespace, waits: float) -> dict[str, Any]:
    """The figures of one model, from the best of the rounds: a median would be the busy machine's."""
    torch.manual_seed(0)
    width, layers, heads = SHAPES[size]
    model = build(ModelConfig("transformer", width, layers, heads, context=args.length, head_width=width))
    with machine(TrainSettings(device=args.device, precision=precision)) as here:
        batch = args.batch or (32 if here.device.type == "cuda" else 4)
        rows, notes = windows(batch, args.length)
        inner = training_step(model.to(here.device), rows.to(here.device), here)
        average = Average(model, 0.999)
        clock = seconds_of(here, args.threads)

        def step() -> None:
            inner()
            average.update(model, 1000)

        step()
        taken, peak = float("inf"), 0.0
        for _ in range(args.rounds):
            taken = min(taken, clock(step))
            peak = max(peak, matrix_peak(here, clock=clock))
    speed = operations(model, args.length) * batch * args.length / taken
    loading = waits * batch * args.length
    return {
        "parameters": parameters(model),
        "precision": precision,
        "device": here.device.type,
        "notes_per_second": notes / (taken + loading),
        "tflops": speed / 1e12,
        "peak_tflops": peak / 1e12,
        "share": speed / peak,
        "waiting": loading / (taken + loading),
    }


def seconds_of(here: Machine, threads: int) -> Callable[[Callable[[], object]], float]:
    """How to time a call: by the thread's own clock where it alone computes."""
    if here.device.type == "cuda" or threads > 1:
        return lambda call: timed(call, here)

    def own(call: Callable[[], object]) -> float:
        start = time.thread_time()
        call()
        return time.thread_time() - start

    return own


def reading(corpus: Corpus, length: int) -> tuple[float, float]:
    """Seconds a row that making batches of `corpus` takes, and the share of rows that is padding."""
    settings = TrainSettings()
    change = Augmentation(settings.transpose, settings.louder, 60 * settings.louder, rename=settings.rename)
    source = Windows(corpus, length=length, batch_rows=settings.batch_rows, augmentation=change)
    rows = filled = 0
    start = time.thread_time()
    for batch in source.epoch(0)[:BATCHES]:
        lessons = [source.lesson(w, 0) for w in batch]
        padded = pad([x.rows for x in lessons])
        pad([x.heard for x in lessons]), pad_known([x.known for x in lessons])
        filled += padded.shape[0] * padded.shape[1]
        rows += sum(len(x.rows) for x in lessons)
    return (time.thread_time() - start) / filled, 1 - rows / filled


if __name__ == "__main__":
    main()

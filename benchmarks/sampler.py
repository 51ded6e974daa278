"""What one row of a stream costs, part by part, and drawing one value beside Hugging Face's top-p in torch.

    python -m benchmarks.sampler [--checkpoint default] [--rows 300] [--batches 1 32 128] [--json FILE]

The parts are timed within the real stream, with the default limits; what is quoted is the mean over the quicker half
of the rows, for a busy machine only ever adds. One thread. A value may need no drawing: see `sampler.Sampler`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.machine import add_json, interleaved, print_header, write_json
from musegen.engine.base import Engine, load
from musegen.events import attributes as at
from musegen.midi import read_music
from musegen.sampling import sampler
from musegen.sampling.continuation import Continuation
from musegen.sampling.plan import Plan
from musegen.sampling.sampler import SamplerSettings, choose
from musegen.sampling.seeds import find_seed

PACKAGES = ("numpy", "onnxruntime", "torch", "transformers")
TRACKER, ENGINE = ("peek", "recall", "accept"), ("situation", "logits", "advance")


def parts(engine: Engine, batch: int, rows: int) -> dict[str, float]:
    """Microseconds that each part takes of one row of `batch` streams side by side."""
    plan = Plan(read_music(find_seed(None)))
    generators = [np.random.default_rng([0, i]) for i in range(batch)]
    music = Continuation(
        engine, plan.prompt(engine.styles), plan.seed.meters, plan.settings, plan.constraints(), generators
    )
    taken: defaultdict[str, list[float]] = defaultdict(list)
    owners: list[tuple[Any, str]] = [(sampler, "choose"), (sampler, "combine"), (music, "next")]
    owners += [(music.tracker, name) for name in TRACKER] + [(engine, name) for name in ENGINE]
    patches = [patch.object(owner, name, _timed(getattr(owner, name), taken[name])) for owner, name in owners]
    music.next()
    for each in patches:
        each.start()
    costs: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rows):
        music.next()
        for name, seconds in taken.items():
            costs[name].append(sum(seconds))
            seconds.clear()
    for each in patches:
        each.stop()
    quick = np.argsort(costs["next"])[: max(1, rows // 2)]
    return {name: float(np.array(seconds)[quick].mean()) * 1e6 for name, seconds in costs.items()}


def _timed(call: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed(*values: Any) -> Any:
        start = time.perf_counter()
        result = call(*values)
        seconds.append(time.perf_counter() - start)
        return result

    return timed


def drawing(batch: int) -> dict[str, float]:
    """Microseconds of one value drawn from `batch` rows of 513 logits, top-p .95, by us and by the peer."""
    import torch
    from transformers import TopPLogitsWarper

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (batch, at.INSTRUMENTS)).astype(np.float32)
    chance, settings, warp = rng.random(batch), SamplerSettings(), TopPLogitsWarper(0.95)
    tensor = torch.from_numpy(logits)

    def theirs() -> object:
        with torch.inference_mode():
            return torch.multinomial(torch.softmax(warp(None, tensor / 0.9), -1), 1)

    seconds = interleaved({"musegen": lambda: choose(logits, settings, 0.9, chance), "Hugging Face, torch": theirs})
    return {name: each * 1e6 for name, each in seconds.items()}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 128])
    add_json(parser)
    args = parser.parse_args()
    print_header(*PACKAGES)
    engine = load(args.checkpoint)
    figures: list[dict[str, object]] = []
    for batch in args.batches:
        costs = parts(engine, batch, max(20, args.rows // batch))
        whole = costs["next"]
        print(f"{batch} streams: {whole:.0f} µs a row, {whole / batch:.1f} µs a row of one stream")
        costs["the rest"] = 2 * whole - sum(costs.values())
        for name, cost in costs.items():
            print(f"    {name:10} {cost:9.1f} µs  {cost / whole:6.1%}")
            figures.append({"batch": batch, "part": name, "microseconds": cost})
        both = drawing(batch)
        peer = both["Hugging Face, torch"]
        for name, cost in both.items():
            print(f"    one value of 513, {name:20} {cost:9.1f} µs  {peer / cost:5.1f}×")
            figures.append({"batch": batch, "part": f"one value of 513, {name}", "microseconds": cost})
    write_json(args.json, {"sampler": figures}, PACKAGES)


if __name__ == "__main__":
    main()

"""Notes a second of many files at once, beside Hugging Face `generate` in batches with a GPT-2 of the same size.

    python -m benchmarks.batches [--checkpoint default] [--files 256] [--rounds 3] [--json FILE]

musegen writes eight-bar files with `batches.files.write_files`: drawing, likelihood, manifest and files included, one
process a core, their start as well. GPT-2 has four tokens a note, samples with the same temperature and top-p, and is
timed over tokens in the middle of the same music (the seed's notes and half of the new ones before them, read once for
all rows and not counted); no music is made of the tokens. It may choose its batch size, its threads, and whether a
process a core is better. Then the best of it and musegen take turns. Notes a CPU second stand beside notes a second:
they change little when other programs run.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import add_json, print_header, write_json

TOKENS_PER_NOTE = 4
HALF = 72  # notes: half of what is new in an eight-bar file
BATCHES = (8, 16, 32, 64, 128, 256)
GROUPS = (1, 8, 16, 32, 64)

Rate = dict[str, Any]
"""notes, seconds, cpu (seconds of all its processes), weights."""


def cpu() -> float:
    """CPU seconds of this process and of those it has waited for."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in both)


def musegen_files(checkpoint: str, files: int, workers: int) -> Rate:
    """A whole run into an empty folder."""
    from musegen.batches.files import write_files
    from musegen.batches.group import Run
    from musegen.midi import read_music
    from musegen.sampling.plan import Plan
    from musegen.sampling.seeds import find_seed

    run = Run(checkpoint, Plan(read_music(find_seed(None))))
    with tempfile.TemporaryDirectory() as folder:
        start, before = time.perf_counter(), cpu()
        batch = write_files(run, Path(folder) / "out", files, workers=workers)
        seconds, used = time.perf_counter() - start, cpu() - before
    return {"notes": sum(row.notes for row in batch.pieces), "seconds": seconds, "cpu": used}


def musegen_group(checkpoint: str, rows: int) -> Rate:
    """Drawing alone, so many rows side by side in one process."""
    from musegen.engine.base import load
    from musegen.midi import read_music
    from musegen.sampling.batch import variations
    from musegen.sampling.plan import Plan
    from musegen.sampling.seeds import find_seed

    model, plan = load(checkpoint), Plan(read_music(find_seed(None)))
    next(variations(model, plan, range(rows), 1))
    start, before, notes, first = time.perf_counter(), cpu(), 0, 0
    while first == 0 or time.perf_counter() - start < 3:
        notes += sum(map(len, variations(model, plan, range(first, first + rows), 8)))
        first += rows
    return {"notes": notes, "seconds": time.perf_counter() - start, "cpu": cpu() - before}


def hugging_face(weights: int, prompt: int, new: int, batches: list[int], threads: int) -> list[Rate]:
    """GPT-2 with about `weights` weights: batches of sequences of `new` tokens after `prompt` tokens."""
    import torch
    from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(threads)
    layers = 4
    # 12 layers·width² in the blocks, and 2048 tokens and 1024 positions of width in the tables.
    width = next(w for w in range(64, 2048, 32) if 12 * layers * w * w + 3072 * w >= weights)
    ends = {"bos_token_id": None, "eos_token_id": None}
    config = GPT2Config(vocab_size=2048, n_positions=1024, n_embd=width, n_layer=layers, n_head=width // 32, **ends)
    model = GPT2LMHeadModel(config).eval()
    size = sum(p.numel() for p in model.parameters())
    options = {"do_sample": True, "top_p": 0.95, "temperature": 0.9, "pad_token_id": 0, "top_k": 0}
    music, rates = torch.randint(0, 2048, (1, prompt + 1)), []
    with torch.inference_mode():
        read = DynamicCache(config=config)
        model(music[:, :-1], past_key_values=read)
        for batch in batches:
            taken = []
            for length in (2, 2, 2 + new):  # the first warms it up; what a call costs by itself is taken off
                past = copy.deepcopy(read)
                past.batch_repeat_interleave(batch)
                start, before = time.perf_counter(), cpu()
                rows = music.repeat(batch, 1)
                model.generate(rows, past_key_values=past, max_new_tokens=length, min_new_tokens=length, **options)
                taken.append((time.perf_counter() - start, cpu() - before))
            seconds, used = (whole - little for whole, little in zip(taken[2], taken[1], strict=True))
            rates.append({"notes": batch * new / TOKENS_PER_NOTE, "seconds": seconds, "cpu": used, "weights": size})
    return rates


def child(job: list[Any], threads: int = 1) -> Any:
    """A job in a process of its own."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    env = {**os.environ, **dict.fromkeys(names, str(threads))}
    command = [sys.executable, "-m", "benchmarks.batches", "--job", json.dumps(job)]
    out = subprocess.run(command, env=env, check=True, capture_output=True)
    return json.loads(out.stdout.decode().splitlines()[-1])


def peer(job: list[Any], batches: Sequence[int], threads: int, processes: int) -> list[Rate]:
    """Hugging Face in that many processes at once, for each batch size: their notes, in the time of the slowest."""
    with ThreadPoolExecutor(processes) as pool:
        each = list(pool.map(lambda _: child([*job, list(batches), threads], threads), range(processes)))
    found = []
    for same in zip(*each, strict=True):
        total = {key: sum(rate[key] for rate in same) for key in ("notes", "cpu")}
        found.append({**total, "seconds": max(r["seconds"] for r in same), "weights": same[0]["weights"]})
    return found


def per_second(rates: list[Rate]) -> tuple[float, float]:
    """Medians of notes a second and notes a CPU second."""
    return (
        statistics.median(r["notes"] / r["seconds"] for r in rates),
        statistics.median(r["notes"] / r["cpu"] for r in rates),
    )


def main() -> None:
    """Print cost against batch for both, then the two in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--files", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=32, help="of the peer, a sequence (%(default)s)")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    add_json(parser)
    args = parser.parse_args()
    if args.job:
        kind, *rest = json.loads(args.job)
        print(json.dumps({"files": musegen_files, "group": musegen_group, "peer": hugging_face}[kind](*rest)))
        return
    print_header("numpy", "onnxruntime", "torch", "transformers")
    write_json(args.json, {"batch": measure(args)}, packages=("numpy", "onnxruntime", "torch", "transformers"))


def measure(args: argparse.Namespace) -> list[dict[str, Any]]:
    """All rows of the table, printed as they come."""
    from musegen import checkpoint as checkpoints
    from musegen.midi import read_music
    from musegen.sampling.seeds import find_seed

    weights = sum(w.size for w in checkpoints.load(checkpoints.find(args.checkpoint)).weights.values())
    before = TOKENS_PER_NOTE * (len(read_music(find_seed(None))) + HALF)
    job = ["peer", weights, before, args.tokens]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rows: list[dict[str, Any]] = []

    def say(engine: str, size: int, batch: int, processes: int, rates: list[Rate], **more: Any) -> float:
        wall, busy = per_second(rates)
        row = {"engine": engine, "parameters": size, "rows": batch, "processes": processes}
        rows.append({**row, "notes_per_second": round(wall, 1), "notes_per_cpu_second": round(busy, 1), **more})
        extra = " ".join(f"{k} {v}" for k, v in more.items())
        print(
            f"{engine:27} {size / 1e6:5.2f} M  {batch:4} rows × {processes} processes  {wall:8.0f} notes/s "
            f"{busy:8.0f} a CPU second  {extra}",
            flush=True,
        )
        return wall

    for group in GROUPS:
        say("musegen, drawing alone", weights, group, 1, [child(["group", args.checkpoint, group])])
    best = (0.0, 0, 0, 0)
    for threads, processes in {(1, 1), (cores, 1), (1, cores)}:
        name = f"Hugging Face GPT-2 batched, {threads} thread" + "s" * (threads > 1)
        for batch, found in zip(BATCHES, peer(job, BATCHES, threads, processes), strict=True):
            best = max(best, (say(name, found["weights"], batch, processes, [found]), batch, threads, processes))
    _, batch, threads, processes = best
    mine, theirs = [], []
    for _ in range(args.rounds):
        mine.append(child(["files", args.checkpoint, args.files, cores]))
        theirs += peer(job, [batch], threads, processes)
    print(f"\nin turns, {args.rounds} rounds:")
    peers = per_second(theirs)
    say("Hugging Face GPT-2 batched", theirs[0]["weights"], batch, processes, theirs, ratio=1.0)
    ours = per_second(mine)
    more = {"ratio": round(ours[0] / peers[0], 1), "ratio_cpu": round(ours[1] / peers[1], 1)}
    say("musegen", weights, 32, cores, mine, **more)
    each = statistics.median(r["seconds"] for r in mine) / args.files
    print(f"1,000 files of eight bars: {1000 * each / 60:.1f} minutes")
    return rows


if __name__ == "__main__":
    main()

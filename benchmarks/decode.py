"""Notes a second of one live stream, beside Hugging Face `generate` with a GPT-2 of the same size.

    python -m benchmarks.decode [--checkpoint transformer] [--notes 400]

Both sample with temperature and top-p, batch 1. GPT-2 has four tokens a note (time, pitch, velocity,
duration), musegen draws five attributes a note. Each contender runs in a process of its own, with one thread
and with two; the better is quoted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from itertools import islice

from benchmarks.machine import print_header

TOKENS_PER_NOTE = 4
PROMPT = 8  # tokens


def musegen_rate(checkpoint: str, notes: int, engine: str) -> tuple[float, int]:
    """(notes/s, weights) of `musegen`'s stream."""
    from musegen.checkpoint import find, load
    from musegen.engine.base import of_checkpoint
    from musegen.midi import read_music
    from musegen.sampling.plan import Plan
    from musegen.sampling.seeds import find_seed
    from musegen.sampling.stream import notes as stream

    read = load(find(checkpoint))
    if engine == "torch":
        from musegen.engine.torch_engine import TorchEngine

        player = TorchEngine(read)
    else:
        player = of_checkpoint(read)  # type: ignore[assignment]
    music = stream(player, Plan(read_music(find_seed(None))))
    next(music)
    start = time.perf_counter()
    for _ in islice(music, notes):
        pass
    return notes / (time.perf_counter() - start), sum(w.size for w in read.weights.values())


def hugging_face_rate(weights: int, notes: int, threads: int) -> tuple[float, int]:
    """(notes/s, weights) of GPT-2 with about `weights` weights."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(threads)
    layers = 4
    # 12 layers·width² in the blocks, and 2048 tokens and 1024 positions of width in the tables.
    width = next(w for w in range(64, 2048, 32) if 12 * layers * w * w + 3072 * w >= weights)
    config = GPT2Config(vocab_size=2048, n_positions=1024, n_embd=width, n_layer=layers, n_head=width // 32)
    model = GPT2LMHeadModel(config).eval()
    prompt = torch.randint(0, 2048, (1, PROMPT))
    length = min(notes * TOKENS_PER_NOTE, 1000)
    options = {"do_sample": True, "top_p": 0.95, "temperature": 0.9, "pad_token_id": 0}
    with torch.inference_mode():
        model.generate(prompt, max_new_tokens=16, min_new_tokens=16, **options)
        start = time.perf_counter()
        model.generate(prompt, max_new_tokens=length, min_new_tokens=length, **options)
    seconds = time.perf_counter() - start
    return length / TOKENS_PER_NOTE / seconds, sum(p.numel() for p in model.parameters())


def _child(job: list[str], threads: int) -> tuple[float, int]:
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.decode", "--job", json.dumps(job)], env=env, check=True, capture_output=True
    )
    rate, weights = json.loads(out.stdout.decode().splitlines()[-1])
    return rate, weights


def main() -> None:
    """Print the table, medians of interleaved rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="transformer")
    parser.add_argument("--notes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        kind, *rest = json.loads(args.job)
        if kind == "hf":
            print(json.dumps(hugging_face_rate(int(rest[0]), int(rest[1]), int(rest[2]))))
        else:
            print(json.dumps(musegen_rate(rest[0], int(rest[1]), kind)))
        return
    print_header("numpy", "torch", "transformers")
    _, weights = _child(["numpy", args.checkpoint, "10"], 1)
    rates: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for _ in range(args.rounds):
        for threads in (1, 2):
            for name, job in (
                ("musegen", ["numpy", args.checkpoint, str(args.notes)]),
                ("musegen, torch engine", ["torch", args.checkpoint, str(args.notes)]),
                ("Hugging Face generate", ["hf", str(weights), str(args.notes), str(threads)]),
            ):
                rate, sizes[name] = _child(job, threads)
                rates.setdefault(f"{name}|{threads}", []).append(rate)
    medians = {k: statistics.median(v) for k, v in rates.items()}
    best = {name: max((medians[f"{name}|{t}"], t) for t in (1, 2)) for name in sizes}
    floor = best["Hugging Face generate"][0]
    for name, (rate, threads) in best.items():
        print(
            f"{name:24} {sizes[name] / 1e6:6.2f} M weights  {threads} thread(s)  {rate:8.1f} notes/s "
            f" {rate / floor:6.1f}×"
        )


if __name__ == "__main__":
    main()

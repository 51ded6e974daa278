"""One live stream, a note at a time: musegen's engines beside Hugging Face `generate` with a GPT-2 of the same size.

    python -m benchmarks.decode [--checkpoint NAME]... [--sizes 1 5] [--rounds N] [--clock cpu] [--json FILE]

"compiled" is the kernel, where there is one, which draws the values too; the other engines draw them in numpy.
All sample with temperature 0.9 and top-p 0.95, batch 1; a process each, in turn in every round, musegen with one thread
and `generate` with one and two, of which the better counts. GPT-2 has four tokens a note (time, pitch, velocity,
duration), musegen draws five attributes after one step of the network. "A note" compares the same music: four tokens
with a step and five choices; "a token" compares one token with a step and one choice. --sizes are millions of weights
of fresh networks (what they play is noise, the work is the same); --checkpoint a shipped name or a folder.

A second table is the cost of one step of the network alone by how many notes it holds, a third by how many streams run
side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from .machine import add_json, print_header, write_json

TOKENS_PER_NOTE, CHOICES = 4, 5
PROMPT = 8  # tokens
WARM, CONTEXT = 20, 512
ENGINES = ("numpy", "torch", "onnxruntime f32", "onnxruntime 8-bit", "compiled")
PEER = "Hugging Face generate"
PACKAGES = ("numpy", "onnxruntime", "torch", "transformers")


def _clock() -> float:
    """Seconds; of this process's own work if MUSEGEN_CLOCK says so."""
    return time.process_time() if os.environ.get("MUSEGEN_CLOCK") == "cpu" else time.perf_counter()


def musegen_notes(folder: str, notes: int, engine: str) -> dict[str, Any]:
    """Seconds of each of `notes` notes, of which a step of the network took how many, and resident memory in MB."""
    from musegen.midi.music import read_music
    from musegen.sampling.plan import Plan
    from musegen.sampling.seeds import find_seed
    from musegen.sampling.stream import notes as stream

    player, steps = _player(folder, engine), []
    advance = player.advance

    def timed(*given: Any) -> Any:
        start = _clock()
        found = advance(*given)
        steps.append(_clock() - start)
        return found

    player.advance = timed
    music = stream(player, Plan(read_music(find_seed(None))))
    for _ in islice(music, WARM):
        pass
    each = []
    for _ in range(notes):
        start = _clock()
        next(music)
        each.append(_clock() - start)
    return {"seconds": each, "memory": _resident(), "step": statistics.median(steps)}


def hugging_face_notes(weights: int, notes: int) -> dict[str, Any]:
    """As `musegen_notes`, of GPT-2 with about `weights` weights; the mean of all notes, since it gives them at once."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    layers = 4
    # 12 layers·width² in the blocks, and 2048 tokens and 1024 positions of width in the tables.
    width = min(range(64, 2048, 32), key=lambda w: abs(12 * layers * w * w + 3072 * w - weights))
    config = GPT2Config(vocab_size=2048, n_positions=1024, n_embd=width, n_layer=layers, n_head=width // 32)
    model = GPT2LMHeadModel(config).eval()
    prompt = torch.randint(0, 2048, (1, PROMPT))
    length = min(notes * TOKENS_PER_NOTE, CONTEXT - PROMPT)
    options = {"do_sample": True, "top_p": 0.95, "temperature": 0.9, "pad_token_id": 0}
    with torch.inference_mode():
        model.generate(prompt, max_new_tokens=16, min_new_tokens=16, **options)
        start = _clock()
        model.generate(prompt, max_new_tokens=length, min_new_tokens=length, **options)
    mean = (_clock() - start) / length * TOKENS_PER_NOTE
    return {"seconds": [mean], "memory": _resident(), "weights": sum(p.numel() for p in model.parameters())}


def by_context(folder: str, engine: str) -> list[dict[str, Any]]:
    """Seconds of a step and of a note's five choices, by how many rows the network holds."""
    player, row, prompt = _player(folder, engine), *_prompt(folder)
    rows = []
    for held in (16, 64, 128, 192, 248):
        music = np.resize(prompt, (1, held, prompt.shape[2]))
        _, state = player.start(music)
        rows.append({"rows": held, "step": _median(player, row, state, 5), "engine": engine})
    return rows


def by_batch(folder: str, engine: str) -> list[dict[str, Any]]:
    """Seconds of a step a stream, by how many streams go side by side, each with a prompt of 64 rows."""
    player, row, prompt = _player(folder, engine), *_prompt(folder)
    rows = []
    for batch in (1, 2, 4, 8, 16, 32):
        _, state = player.start(np.repeat(np.resize(prompt, (1, 64, prompt.shape[2])), batch, 0))
        rows.append(
            {
                "streams": batch,
                "step": _median(player, np.repeat(row, batch, 0), state, 30) / batch,
                "engine": engine,
            }
        )
    return rows


def _median(player: Any, row: np.ndarray, state: Any, steps: int) -> float:
    each = []
    for _ in range(steps):
        situation = player.situation(row)
        start = _clock()
        _, state = player.advance(row, state, situation)
        each.append(_clock() - start)
    return statistics.median(each)


def _prompt(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """A row (1, WIDTH), and the seed's rows (1, T, WIDTH)."""
    from musegen.events.derived import derive
    from musegen.midi.music import read_music
    from musegen.sampling.plan import Plan
    from musegen.sampling.seeds import find_seed

    plan = Plan(read_music(find_seed(None)))
    rows = derive(plan.prompt(()), plan.seed.meters)
    return rows[None, -1], rows[None]


def _player(folder: str, engine: str) -> Any:
    from musegen import checkpoint as checkpoints
    from musegen.engine.base import load

    if engine == "compiled":
        player = load(folder)
        assert type(player).__name__ == "CompiledEngine", "no kernel here: python musegen/engine/compiled/build.py"
        return player
    if engine == "onnxruntime 8-bit":
        return load(folder)  # `_child` leaves the kernel to "compiled"
    if engine == "numpy":
        return load(folder, exact=True)
    read = checkpoints.load(checkpoints.find(folder))
    if engine == "torch":
        from musegen.engine.torch_engine import TorchEngine

        return TorchEngine(read)
    from musegen.engine.graphs.build import build
    from musegen.engine.players import engine_of

    return engine_of(read, build(read, 32))


def _resident() -> float:
    """This process's resident memory, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def fresh(millions: float, folder: Path) -> Path:
    """A checkpoint folder of a transformer with about so many million fresh weights, and its player."""
    import torch

    from musegen.checkpoint import PLAYER, Checkpoint
    from musegen.engine.graphs.build import build as build_graphs
    from musegen.models.base import build, parameters
    from musegen.models.config import ModelConfig

    torch.manual_seed(0)
    sizes = {w: ModelConfig(width=w, heads=w // 32, head_width=w, slot_width=w // 2) for w in range(64, 512, 32)}
    models = {w: build(config) for w, config in sizes.items()}
    model = min(models.values(), key=lambda m: abs(parameters(m) - millions * 1e6))
    weights = {k: v.numpy() for k, v in model.state_dict().items()}
    checkpoint = Checkpoint(model.config, weights)
    checkpoint.save(folder, build_graphs(checkpoint))
    assert (folder / PLAYER).is_file()
    return folder


def _child(job: list[Any], threads: int = 1) -> Any:
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    env["MUSEGEN_KERNEL"] = str(int("compiled" in job))  # the other engines draw their values in numpy
    command = [sys.executable, "-m", "benchmarks.decode", "--job", json.dumps(job)]
    out = subprocess.run(command, env=env, check=True, capture_output=True)
    return json.loads(out.stdout.decode().splitlines()[-1])


def _job(kind: str, *rest: Any) -> Any:
    if kind == "weights":
        from musegen import checkpoint as checkpoints

        return sum(w.size for w in checkpoints.load(checkpoints.find(rest[0])).weights.values())
    jobs: dict[str, Any] = {"hf": hugging_face_notes, "notes": musegen_notes, "context": by_context, "batch": by_batch}
    return jobs[kind](*rest)


def measure(name: str, folder: str, notes: int, rounds: int) -> list[dict[str, Any]]:
    """A row a contender, all in turn in every round."""
    weights = _child(["weights", folder])
    seconds: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    steps: dict[str, list[float]] = {}
    for _ in range(rounds):
        for engine in ENGINES:
            found = _child(["notes", folder, notes, engine])
            seconds.setdefault(engine, []).extend(found["seconds"])
            memory[engine] = found["memory"]
            steps.setdefault(engine, []).append(found["step"])
        for threads in (1, 2) if os.environ["MUSEGEN_CLOCK"] == "wall" else (1,):
            found = _child(["hf", weights, notes], threads)
            seconds.setdefault(f"{PEER}, {threads} thread(s)", []).extend(found["seconds"])
            memory[f"{PEER}, {threads} thread(s)"] = found["memory"]
    peer = min(statistics.median(each) for contender, each in seconds.items() if contender.startswith(PEER))
    rows = []
    for contender, each in seconds.items():
        middle, tail, worst = np.quantile(each, [0.5, 0.99, 0.999]).tolist()
        step = statistics.median(steps[contender]) if contender in steps else 0.0
        token = step + (middle - step) / CHOICES if step else middle / TOKENS_PER_NOTE
        rows.append(
            {
                "model": name,
                "weights": weights,
                "contender": contender,
                "p50": middle,
                "p99": tail,
                "p99.9": worst,
                "memory": memory[contender],
                "a note": peer / middle,
                "step": step,
                "a token": peer / TOKENS_PER_NOTE / token,
            }
        )
    return rows


def _print(rows: list[dict[str, Any]]) -> None:
    print(f"{rows[0]['model']}, {rows[0]['weights'] / 1e6:.2f} M weights; times: HF's seconds ÷ ours")
    print(f"{'':34}{'p50 ms':>8}{'p99':>8}{'p99.9':>8}{'÷ p50':>7}{'MB':>6}{'× a note':>10}{'× a token':>11}")
    for r in rows:
        spread = r["p99.9"] / r["p50"]
        times = [r[k] * 1e3 for k in ("p50", "p99", "p99.9")]
        print(
            f"{r['contender']:34}" + "".join(f"{t:8.2f}" for t in times) + f"{spread:7.1f}{r['memory']:6.0f}"
            f"{r['a note']:10.1f}{r['a token']:11.1f}"
        )
    print()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", action="append", help="a shipped name or a folder (default)")
    parser.add_argument("--sizes", type=float, nargs="*", default=[1, 5], help="millions of fresh weights (1 5)")
    parser.add_argument("--notes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default=os.environ.get("MUSEGEN_CLOCK", "wall"),
        help="cpu: seconds of the process's own work, where others use the machine; with one thread only",
    )
    parser.add_argument("--job", help=argparse.SUPPRESS)
    add_json(parser)
    args = parser.parse_args()
    if args.job:
        print(json.dumps(_job(*json.loads(args.job))))
        return
    os.environ["MUSEGEN_CLOCK"] = args.clock  # children read it
    print_header(*PACKAGES)
    figures: dict[str, list[dict[str, Any]]] = {"decode": [], "step by context": [], "step by batch": []}
    with tempfile.TemporaryDirectory() as scratch:
        models = {name: name for name in args.checkpoint or ["default"]}
        models |= {f"fresh {m:g} M": str(fresh(m, Path(scratch, f"{m:g}"))) for m in args.sizes}
        for name, folder in models.items():
            rows = measure(name, folder, args.notes, args.rounds)
            _print(rows)
            figures["decode"] += rows
        for figure, kind, axis in (("step by context", "context", "rows"), ("step by batch", "batch", "streams")):
            print(f"{figure}, {next(iter(models))}: µs" + (" a stream" if kind == "batch" else ""))
            for engine in ENGINES:
                rows = _child([kind, next(iter(models.values())), engine])
                print(f"  {engine:20}" + "  ".join(f"{r[axis]}: {r['step'] * 1e6:.0f}" for r in rows))
                figures[figure] += rows
    write_json(args.json, figures, PACKAGES)


if __name__ == "__main__":
    main()

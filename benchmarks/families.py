"""What each family costs at about the same number of weights: to train, of the machine's arithmetic, and to play.

    python -m benchmarks.families [--width 256] [--layers 4] [--rows 256] [--batch 4] [--threads 1]

The other families get as many layers as bring their pasts nearest to the transformer's `--layers` blocks. A training
step is what `musegen train` does (loss, gradient, clipping, AdamW) on windows of a real piece; its operations are
counted by rule: 6 for a weight of a matrix and row (2 forward, 4 backward; Kaplan et al. 2020), and 6·T·D a row and
layer for causal attention's scores. The peak is the fastest product of two big matrices, in the same process, device,
precision and minute. Playing is one stream in numpy from fresh weights. Each family runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.machine import print_header
from musegen.checkpoint import Checkpoint
from musegen.engine.base import of_checkpoint
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec
from musegen.midi import read_music
from musegen.models.base import SequenceModel, build, parameters
from musegen.models.config import ModelConfig
from musegen.models.pasts import FAMILIES, new_past
from musegen.sampling.plan import Plan
from musegen.sampling.seeds import find_seed
from musegen.sampling.stream import notes as stream
from musegen.training.device import Machine, machine
from musegen.training.optimiser import adamw
from musegen.training.settings import TrainSettings

LONGEST = 24  # layers that are tried


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("width", 256), ("layers", 4), ("heads", 8), ("rows", 256), ("batch", 4), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--notes", type=int, default=200, help="to play")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args)))
        return
    print_header("torch", "numpy")
    threads = str(args.threads)
    env = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    print(
        f"{'family':12} {'layers':>6} {'weights':>9} {'training':>16} {'operations':>14} "
        f"{'of the peak, Gop/s':>19} {'playing':>14}"
    )
    for family in args.families:
        command = [sys.executable, "-m", "benchmarks.families", *sys.argv[1:], "--only", family]
        out = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
        found = json.loads(out.splitlines()[-1])
        print(
            f"{family:12} {found['layers']:6} {found['weights'] / 1e6:7.2f} M {found['trained']:8.0f} notes/s "
            f"{found['speed'] / 1e9:8.1f} Gop/s {found['speed'] / found['peak']:6.1%} of {found['peak'] / 1e9:7.1f} "
            f"{found['played']:6.0f} notes/s",
            flush=True,
        )


def measure(family: str, args: argparse.Namespace) -> dict[str, float]:
    """All figures of one family."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = ModelConfig(
        family, args.width, layers_like(family, args), args.heads, context=args.rows, head_width=args.width
    )
    model = build(config)
    played = playing(model, args.notes)
    with machine(TrainSettings(device=args.device, precision=args.precision)) as here:
        rows, notes = windows(args.batch, args.rows)
        step = training_step(model.to(here.device), rows.to(here.device), here)
        seconds, peak = [], 0.0
        step()
        for _ in range(args.rounds):
            seconds.append(timed(step, here))
            peak = max(peak, matrix_peak(here))
    taken = median(seconds)
    return {
        "layers": config.layers,
        "weights": parameters(model),
        "trained": notes / taken,
        "speed": operations(model, args.rows) * args.batch * args.rows / taken,
        "peak": peak,
        "played": played,
    }


def layers_like(family: str, args: argparse.Namespace) -> int:
    """How many layers make a past of `family` weigh most nearly what the transformer's does."""

    def weight(name: str, layers: int) -> int:
        with torch.device("meta"):
            return parameters(new_past(ModelConfig(name, args.width, layers, args.heads, context=args.rows)))

    wanted = weight("transformer", args.layers)
    return min(range(1, LONGEST + 1), key=lambda n: abs(weight(family, n) - wanted))


def windows(batch: int, length: int) -> tuple[Tensor, int]:
    """Rows (batch, length + 1, WIDTH) of the first shipped seed, over and over, and how many notes they predict."""
    piece = read_music(find_seed(None))
    rows = derived.derive(EventCodec().encode(piece).rows, piece.meters)[1:-1]
    long = np.tile(rows, (-(-(batch + length + 1) // len(rows)), 1))
    cut = np.stack([long[i : i + length + 1] for i in range(batch)])
    return torch.from_numpy(cut), int(at.is_note(cut[:, 1:]).sum())


def training_step(model: SequenceModel, rows: Tensor, here: Machine) -> Callable[[], object]:
    """One step of what `training.loop` does."""
    settings = TrainSettings()
    opt = adamw(model, settings)

    def step() -> None:
        with here.autocast():
            nats = model.nats(rows).sum()
        opt.zero_grad(set_to_none=True)
        (nats / rows.shape[0] / rows.shape[1]).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        opt.step()

    return step


def operations(model: SequenceModel, length: int) -> float:
    """Multiplications and additions of a training step, a row."""
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    matrices = sum(p.numel() for p in model.parameters() if p.ndim == 2 and id(p) not in tables)
    config = model.config
    attention = config.layers * length * config.width if config.family == "transformer" else 0
    return 6.0 * (matrices + attention)


def matrix_peak(here: Machine, size: int = 2048, clock: Callable[[Callable[[], object]], float] | None = None) -> float:
    """Multiplications and additions a second in a product of two square matrices, by `clock` or the wall's."""
    a, b = (torch.randn(size, size, device=here.device, dtype=here.dtype) for _ in range(2))
    repeats = 1 if here.device.type == "cpu" else 50

    def product() -> None:
        for _ in range(repeats):
            torch.mm(a, b)

    product()
    return 2 * size**3 * repeats / (clock(product) if clock else timed(product, here))


def timed(call: Callable[[], object], here: Machine) -> float:
    """Seconds of one call, a GPU's work included."""
    if here.device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if here.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def playing(model: SequenceModel, notes: int) -> float:
    """Notes a second of one endless stream, by the family's engine."""
    weights = {k: v.numpy() for k, v in model.state_dict().items()}
    music = stream(of_checkpoint(Checkpoint(model.config, weights)), Plan(read_music(find_seed(None))))
    next(music)
    start = time.perf_counter()
    for _ in islice(music, notes):
        pass
    return notes / (time.perf_counter() - start)


if __name__ == "__main__":
    main()

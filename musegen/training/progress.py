"""What a run has reached, kept so that it survives kill -9: one file of tensors, and the log.

`training.safetensors` holds weights, their average, AdamW's two moments and, as JSON in its header, the
counters. It is replaced in one rename, so a run goes on from the last whole one. `log.jsonl` is cut back
to that step, and the curve comes out the same as if nothing had happened.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..atomic import write_atomically
from ..errors import CheckpointError

FILE = "training.safetensors"
LOG = "log.jsonl"


@dataclass
class Progress:
    """Counters of a run."""

    step: int = 0
    epoch: int = 0
    batch: int = 0  # within the epoch
    best: float = float("inf")  # held-out nats/note
    best_step: int = 0
    stale: int = 0  # looks since then
    seconds: float = 0.0


class Average:
    """An exponential moving average of a model's weights (Polyak & Juditsky 1992)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def update(self, model: nn.Module, step: int) -> None:
        """Move towards `model`; early on faster, so that the first weights are soon forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine = list(self.weights.values())
        torch._foreach_lerp_(mine, [v.detach() for v in model.state_dict().values()], 1 - decay)


def save(
    folder: Path, progress: Progress, run: dict[str, Any], model: nn.Module, average: Average, opt: torch.optim.AdamW
) -> None:
    """Keep everything that a run needs to go on. `run` identifies it: a run goes on only as itself."""
    from safetensors.torch import save as dump

    tensors = {f"model/{k}": v.contiguous() for k, v in model.state_dict().items()}
    tensors |= {f"average/{k}": v.contiguous() for k, v in average.weights.items()}
    for name, weight in model.named_parameters():
        tensors |= {f"{k}/{name}": v.contiguous() for k, v in opt.state[weight].items() if k != "step"}
    header = {"progress": json.dumps(dataclasses.asdict(progress)), "run": json.dumps(run, sort_keys=True)}
    write_atomically(folder / FILE, dump(tensors, header))


def restore(folder: Path, run: dict[str, Any], model: nn.Module, average: Average, opt: torch.optim.AdamW) -> Progress:
    """Go on from `folder`, or begin if it holds no run. Raises CheckpointError if it holds another run."""
    from safetensors import safe_open

    if not (folder / FILE).exists():
        return Progress()
    with safe_open(folder / FILE, framework="pt") as file:
        header = file.metadata()
        before = json.loads(header["run"])
        if changed := [k for k in sorted(set(run) | set(before)) if run.get(k) != before.get(k)]:
            raise CheckpointError(
                f"{folder} holds a run with another {', '.join(changed)}: train into another folder, or say "
                "--restart to begin this one again."
            )
        progress = Progress(**json.loads(header["progress"]))
        state = {k: file.get_tensor(f"model/{k}") for k in model.state_dict()}
        average.weights = {k: file.get_tensor(f"average/{k}").to(v.device) for k, v in average.weights.items()}
        for name, weight in model.named_parameters():
            moments: dict[str, Tensor] = {k: file.get_tensor(f"{k}/{name}") for k in ("exp_avg", "exp_avg_sq")}
            opt.state[weight] = {k: v.to(weight.device) for k, v in moments.items()}
            opt.state[weight]["step"] = torch.tensor(float(progress.step))
    model.load_state_dict(state)
    _cut_log(folder, progress.step)
    return progress


def append_log(folder: Path, record: dict[str, Any]) -> None:
    """One more line of the log."""
    with (folder / LOG).open("a") as file:
        file.write(json.dumps(record) + "\n")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The log's records; a line that a kill left half-written is dropped."""
    if not (folder / LOG).exists():
        return []
    lines = (folder / LOG).read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _cut_log(folder: Path, step: int) -> None:
    kept = [r for r in read_log(folder) if r["step"] <= step]
    write_atomically(folder / LOG, "".join(json.dumps(r) + "\n" for r in kept).encode())

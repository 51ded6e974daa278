"""What a run has reached, kept so that it survives kill -9: one file of tensors, and the log.

`training.safetensors` holds each network's weights, their average, what its gradient rule remembers and, as JSON in its
header, the counters. It is replaced in one rename, so a run goes on from the last whole one. `log.jsonl` is cut back
to that step, and the curve comes out the same as if nothing had happened.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import CheckpointError
from .learner import Learner

FILE = "training.safetensors"
LOG = "log.jsonl"
FORMAT = 2  # of FILE


@dataclass
class Progress:
    """Counters of a run."""

    step: int = 0
    epoch: int = 0
    batch: int = 0  # within the epoch
    best: float = float("inf")  # the figure that chooses the checkpoint, such as held-out nats/note
    best_step: int = 0
    stale: int = 0  # looks since then
    seconds: float = 0.0


def save(
    folder: Path, progress: Progress, run: dict[str, Any], learners: Mapping[str, Learner], write: bool = True
) -> None:
    """Keep everything that a run needs to go on. `run` identifies it: a run goes on only as itself.

    Every process of a run must take part, for each may hold a part; one of them writes.
    """
    from safetensors.torch import save as dump

    tensors = {f"{who}/{k}": v for who, learner in learners.items() for k, v in learner.tensors().items()}
    if not write:
        return
    header = {"progress": json.dumps(dataclasses.asdict(progress)), "run": json.dumps(_told(run), sort_keys=True)}
    write_atomically(folder / FILE, dump(tensors, header))


def restore(folder: Path, run: dict[str, Any], learners: Mapping[str, Learner]) -> Progress:
    """Go on from `folder`, or begin if it holds no run. Raises CheckpointError if it holds another run."""
    from safetensors import safe_open

    if not (folder / FILE).exists():
        return Progress()
    with safe_open(folder / FILE, framework="pt") as file:
        header = file.metadata()
        before, now = json.loads(header["run"]), json.loads(json.dumps(_told(run)))
        if changed := [k for k in sorted(set(now) | set(before)) if now.get(k) != before.get(k)]:
            raise CheckpointError(
                f"{folder} holds a run with another {', '.join(changed)}: train into another folder, or say "
                "--restart to begin this one again."
            )
        progress = Progress(**json.loads(header["progress"]))
        keys = file.keys()
        for who, learner in learners.items():
            mine = (k for k in keys if k.startswith(f"{who}/"))
            learner.restore({k.removeprefix(f"{who}/"): file.get_tensor(k) for k in mine})
    _cut_log(folder, progress.step)
    return progress


def _told(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "format": FORMAT}


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

"""The progress line of `musegen train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


class Reporter:
    """Shows each step: a line that renews itself on a terminal, else a line a look at the held-out pieces."""

    def __init__(self, tensorboard: Path | None) -> None:
        from ..training.tensorboard import Curves

        self.curves = Curves(tensorboard) if tensorboard is not None else None
        self.best = float("inf")

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.curves is not None:
            self.curves.close()

    def __call__(self, record: dict[str, Any]) -> None:
        self.best = min(self.best, record.get("valid", self.best))
        if self.curves is not None:
            self.curves.add(record)
        left = record["seconds"] / record["step"] * (record["of"] - record["step"])
        line = f"step {record['step']}/{record['of']}  {self._figures(record)}  {left / 60:.1f} min left"
        looked = "valid" in record or "metrics" in record
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="\n" if looked else "", file=sys.stderr, flush=True)
        elif looked:
            print(line, file=sys.stderr, flush=True)
        if "said" in record:
            print(record["said"], file=sys.stderr, flush=True)

    def _figures(self, record: dict[str, Any]) -> str:
        if "train" in record:
            return f"train {record['train']:.3f}  best held out {self.best:.3f} nats/note"
        parts = [f"distance {record['distance']:.3f}"] if "distance" in record else []
        if "V" in record:  # not where there is no adversary
            parts.append(f"V {record['V']:.3f}  D(x) {record['D(x)']:.2f}  D(G(z)) {record['D(G(z))']:.2f}")
        if "guess" in record:
            guess, drawn = record["guess"], record["drawn"]
            parts.append(f"guess off by {guess['moment_error']:.1f} ms, {guess['velocity_error']:.1f} velocities")
            parts.append(f"drawn {drawn['moment_distance']:.1f} ms, {drawn['velocity_distance']:.1f} away")
        line = "  ".join(parts)
        if "metrics" not in record:
            return line
        gaps = " ".join(f"{name} {value:.2f}" for name, value in record["gaps"].items())
        return f"{line}  gaps {gaps}  diversity {record['diversity']:.2f}"

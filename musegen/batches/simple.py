"""`musegen.generate_files`: batches for people's own scripts, with a file or a piece as seed."""

from __future__ import annotations

import os
from pathlib import Path

from ..midi.music import read_music
from ..piece import Piece
from ..sampling.plan import Limits, Plan
from ..sampling.sampler import SamplerSettings
from .files import write_files
from .group import Run


def generate_files(
    checkpoint: str,
    seed: Piece | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    n: int = 8,
    bars: int = 8,
    *,
    with_seed: bool = False,
    seed_number: int = 0,
    settings: SamplerSettings | None = None,
    limits: Limits | None = None,
    unique: bool = False,
    best: int | None = None,
    workers: int | None = None,
) -> list[Path]:
    """`n` files in `folder`, each of `bars` bars that go on from `seed`, as `musegen generate` writes them.

    Those that are there already stay; `manifest.csv` says how likely each is. `unique` and `best` as in
    `batches.files.write_files`; the paths returned are those of the best, if any are asked for. Many files are made by
    processes of their own, which import the calling script: call this under `if __name__ == "__main__":`, or with
    `workers=1`. Raises FileError, CheckpointError or SettingsError.
    """
    piece = seed if isinstance(seed, Piece) else read_music(seed)
    stem = "piece" if isinstance(seed, Piece) else Path(seed).stem
    plan = Plan(piece, settings or SamplerSettings(), limits or Limits(), seed_number)
    run = Run(checkpoint, plan, bars, with_seed)
    return write_files(run, folder, n, stem, unique=unique, best=best, workers=workers).paths()

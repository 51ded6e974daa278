"""`musegen.generate`: the batch path for people's own scripts, with a file or a piece as seed."""

from __future__ import annotations

import os

from ..engine.bars import BarMaker, load
from ..engine.base import Engine
from ..midi.music import read_music
from ..piece import Piece
from .batch import generate as generate_batch
from .plan import Limits, Plan
from .sampler import SamplerSettings


def generate(
    model: Engine | BarMaker | str,
    seed: Piece | str | os.PathLike[str],
    n: int = 1,
    bars: int = 8,
    *,
    with_seed: bool = False,
    seed_number: int = 0,
    settings: SamplerSettings | None = None,
    limits: Limits | None = None,
) -> list[Piece]:
    """`n` continuations of `seed`, each of `bars` bars; equal arguments give equal pieces.

    `model` is what `musegen.load` returned, or a checkpoint's name. Raises FileError, CheckpointError or
    SettingsError.
    """
    piece = seed if isinstance(seed, Piece) else read_music(seed)
    plan = Plan(piece, settings or SamplerSettings(), limits or Limits(), seed_number)
    engine = load(model) if isinstance(model, str) else model
    return list(generate_batch(engine, plan, n, bars, with_seed))

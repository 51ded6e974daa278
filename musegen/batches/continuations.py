"""Continuations of many seeds by one model at one setting, as files: those that are there stay, the rest is made.

What `evaluate` judges. Each is a pure function of the weights, the settings, the seed and its number, so that a
run which is stopped goes on when it is asked for again. Knows nothing of how they are judged.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..atomic import write_atomically
from ..errors import MusegenError
from ..midi import read_music
from ..piece import TICKS_PER_QUARTER, Piece
from ..sampling.batch import check, variations
from ..sampling.plan import Plan
from ..sampling.sampler import SamplerSettings
from ..workers import run_jobs
from . import one_thread_each
from .group import digest_of, model_of, music_bytes

_LIMIT_S = 3600.0  # for one piece; a slow machine with a large model is no reason to give up
_LIMIT_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Contender:
    """Who plays: a checkpoint (a folder or a shipped name), how boldly, with which random numbers."""

    checkpoint: str
    settings: SamplerSettings = field(default_factory=SamplerSettings)
    seed_number: int = 0

    @property
    def name(self) -> str:
        """For people: the checkpoint's own name, and what is not as usual."""
        usual, mine = SamplerSettings(), self.settings
        words = {"temperature": "T", "top_p": "top-p", "min_p": "min-p", "top_k": "top-k"}
        said = [f"{words[k]} {getattr(mine, k):g}" for k in words if getattr(mine, k) != getattr(usual, k)]
        return " ".join([Path(self.checkpoint).name or self.checkpoint, *said])

    def key(self) -> str:
        """8 hex digits that change with the weights and the settings."""
        whole = [digest_of(self.checkpoint), self.settings, self.seed_number]
        return hashlib.sha256(repr(whole).encode()).hexdigest()[:8]

    def folder(self, within: Path) -> Path:
        """Where its continuations are."""
        return within / f"{self.name.replace(' ', '-')}-{self.key()}"


@dataclass(frozen=True, eq=False)
class Wanted:
    """One continuation: `bars` bars after `seed`, as the file `name`.mid, with the random numbers of `number`."""

    name: str
    seed: Piece
    bars: int
    number: int


def continuations(
    contender: Contender,
    wanted: Sequence[Wanted],
    folder: Path,
    workers: int | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[Piece]:
    """The pieces, each the seed and what follows it, in the order of `wanted`; their files are in `folder`.

    `workers` processes play (None: one a core, and none where little is left to do); `tell` hears how many there are.
    Raises SettingsError for what the model cannot play, CheckpointError and FileError.
    """
    missing = [w for w in wanted if not _path(folder, w).exists()]
    done = len(wanted) - len(missing)
    tell(done, len(wanted))
    folder.mkdir(parents=True, exist_ok=True)
    make = partial(_make, contender, digest_of(contender.checkpoint), folder)
    processes = workers or os.cpu_count() or 1
    if processes > 1 and len(missing) >= 4 * processes:
        one_thread_each()
        results = run_jobs(make, missing, workers, _LIMIT_S, _LIMIT_BYTES, lambda w: f"The continuation {w.name}")
        for _, failed in results:
            if isinstance(failed, MusegenError):
                raise failed
            tell(done := done + 1, len(wanted))
    else:
        for each in missing:
            make(each)
            tell(done := done + 1, len(wanted))
    return [read_music(_path(folder, w)).at_resolution(TICKS_PER_QUARTER) for w in wanted]


def _path(folder: Path, wanted: Wanted) -> Path:
    return folder / f"{wanted.name}.mid"


def _make(contender: Contender, weights: str, folder: Path, wanted: Wanted) -> None:
    model = model_of(contender.checkpoint, weights, exact=False)
    plan = Plan(wanted.seed, contender.settings, seed_number=contender.seed_number)
    check(model, plan, 1, wanted.bars)
    (piece,) = variations(model, plan, range(wanted.number, wanted.number + 1), wanted.bars, with_seed=True)
    title = f"{wanted.seed.metadata.title}, played on by {contender.name}"
    piece = replace(piece, metadata=replace(piece.metadata, title=title))
    write_atomically(_path(folder, wanted), music_bytes(piece, "mid"))

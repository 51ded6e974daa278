"""A batch as files in a folder: made over the cores, in order of their numbers, never torn, lost or made twice.

A run that is stopped or killed goes on when it is asked for again: what its manifest lists and its folder holds is
kept. Files of other runs are left alone: new ones then have another name. Knows nothing of options or screens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from .. import checkpoint as checkpoints
from ..errors import SettingsError
from ..workers import Runner, run_jobs
from .best import arrange, most_typical, place_of
from .copies import Known
from .group import Run
from .manifest import Manifest, Row
from .work import Tell, Work

POOL_FROM = 4
"""So many groups are worth starting processes for (benchmarks/batches)."""


@dataclass(frozen=True)
class Batch:
    """What a folder now holds of a run: the rows of its pieces, and of those that were asked for as the best."""

    folder: Path
    pieces: tuple[Row, ...]
    best: tuple[Row, ...]
    made: int
    """How many of the pieces are new."""
    left_out: int
    target: float | None = None
    """The nats a note that the best are nearest to."""

    def paths(self) -> list[Path]:
        """The files of the best pieces; of all, where no best were asked for."""
        return [place_of(self.folder, row.file) for row in self.best]


def write_files(
    run: Run,
    folder: str | os.PathLike[str],
    n: int,
    stem: str = "piece",
    *,
    unique: bool = False,
    best: int | None = None,
    workers: int | None = None,
    runner: Runner | None = None,
    tell: Tell = lambda done, wanted, notes: None,
) -> Batch:
    """Have `n` pieces of `run` in `folder`, called STEM-1.mid and so on, making those that are not there yet.

    `unique` leaves out copies of the training music and of earlier pieces. `best` keeps so many in the folder, the
    most typical by likelihood, and the rest in a folder within it. `workers` processes (None: one a core, and none for
    a few pieces), or another `runner`, give the same files. Raises SettingsError, FileError, CheckpointError.
    """
    _check(run, n, best, workers)
    known = _known(run) if unique else None
    with Manifest(Path(folder)) as manifest:
        work = Work(run, manifest, n, stem, known, tell)
        for torn in Path(folder).glob(f".{escape(work.stem[:36])}*.part"):
            torn.unlink(missing_ok=True)  # left by a run that was killed as it wrote; this one has the folder alone
        if runner is None and _pays(work.to_make(), workers):
            runner = run_jobs
        pieces = work.run_through(runner, workers)
        chosen, target = (pieces, None) if best is None else most_typical(run, pieces, best)
        arrange(Path(folder), pieces, chosen)
    left_out = sum(bool(row.left_out) for row in manifest.of(work.key))
    return Batch(Path(folder), tuple(pieces), tuple(chosen), work.made, left_out, target)


def _check(run: Run, n: int, best: int | None, workers: int | None) -> None:
    if n < 1 or run.bars < 1:
        raise SettingsError(f"{n} pieces of {run.bars} bars cannot be written: both must be at least 1.")
    if workers is not None and workers < 1:
        raise SettingsError(f"{workers} processes play nothing: ask for at least 1.")
    if best is not None and not 0 < best <= n:
        raise SettingsError(f"The best {best} of {n} pieces cannot be kept: ask for 1 to {n}.")


def _known(run: Run) -> Known:
    found = Known.load(checkpoints.find(run.checkpoint))
    if found is None:
        raise SettingsError(
            f"The checkpoint {run.checkpoint} does not say what music it learnt from (it has no phrases.safetensors): "
            "train it again, or leave --unique out."
        )
    return found


def _pays(groups: int, workers: int | None) -> bool:
    """Whether to start processes: with one core, or for little work, they only cost time."""
    return (workers or (os.cpu_count() or 1)) > 1 and groups >= (POOL_FROM if workers is None else 2)

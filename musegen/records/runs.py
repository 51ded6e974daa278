"""Runs of recipes, kept: every (model, seed) of a table is done once, in a folder of its own.

    OUT/MODEL/seed-0/result.json     figures and what they are of; the rest of the folder is the training's own

A recipe is a function of a `Job`, so a table takes up a new model by one entry in its registry. Knows nothing of
what the recipes do, or of which figures they give.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import SettingsError

Report = Callable[[dict[str, Any]], None]
"""Is called with the records of a training: "seconds", and "step" or "epoch" of "of"."""

RESULT = "result.json"


@dataclass(frozen=True)
class Job:
    """One run: where its data are, where all runs of the table go, its model, its seed number, how long it may take."""

    data: Path
    out: Path
    model: str
    seed: int
    epochs: float | None = None  # passes over the training pieces; None: as the recipe has it
    report: Report = lambda record: None

    @property
    def folder(self) -> Path:
        """The run's own."""
        return self.out / self.model / f"seed-{self.seed}"


@dataclass(frozen=True)
class Result:
    """What a run found: `figures` by name, and `about`: how long it trained, how many weights, on what."""

    figures: dict[str, float]
    about: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How a model of a table is trained and measured; without `seeded` all seeds would give the same."""

    run: Callable[[Job], Result]
    seeded: bool = True


Announce = Callable[[str, int, Result | None], None]
"""Is called with model, seed and, when the run is done, its result."""


def run_all(
    recipes: Mapping[str, Recipe],
    data: Path,
    out: Path,
    seeds: Sequence[int],
    epochs: float | None = None,
    report: Report = lambda record: None,
    announce: Announce = lambda name, seed, result: None,
) -> dict[str, list[Result]]:
    """The results of every recipe, one a seed; what is already in `out` is not run again.

    Raises SettingsError where `out` holds a run of other data or another length.
    """
    found: dict[str, list[Result]] = {}
    for name, recipe in recipes.items():
        for seed in seeds if recipe.seeded else (0,):
            job = Job(data, out, name, seed, epochs, report)
            result = _kept(job)
            if result is None:
                announce(name, seed, None)
                result = recipe.run(job)
                _keep(job, result)
            announce(name, seed, result)
            found.setdefault(name, []).append(result)
    return found


def _identity(job: Job) -> dict[str, Any]:
    return {"data": str(job.data.resolve()), "epochs": job.epochs, "seed": job.seed}


def _kept(job: Job) -> Result | None:
    path = job.folder / RESULT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        before, result = found["run"], Result(found["figures"], found["about"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{path} is not a result: delete it, and the run is done again.") from None
    changed = [key for key, value in _identity(job).items() if before.get(key) != value]
    if changed:
        raise SettingsError(f"{job.folder} holds a run with another {', '.join(changed)}: give another folder (--out).")
    return result


def _keep(job: Job, result: Result) -> None:
    job.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"run": _identity(job), "figures": result.figures, "about": result.about}, indent=1)
    write_atomically(job.folder / RESULT, f"{text}\n".encode())

"""The addresses of what there is to look at: checkpoints and their cards, training runs as they go, corpora.

A name in an address is looked up among those that are there; it never becomes part of a path.
"""

from __future__ import annotations

from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from safetensors import SafetensorError, safe_open
from starlette.responses import JSONResponse, Response

from .. import checkpoint as checkpoints
from ..errors import CheckpointError, MusegenError
from ..models.config import HumaniserConfig, RollConfig
from . import runs
from .files import Shop
from .helper import BusyError
from .pieces import judges
from .views import CheckpointCard, CheckpointView, CorpusView, RunLog, RunView
from .workshop import Workshop

LONGEST_CARD = 2**18

router = APIRouter(prefix="/api", tags=["looks"])


@router.get("/checkpoints", response_model=list[CheckpointView])
def all_checkpoints(shop: Shop) -> object:
    """The checkpoints that come with musegen and the user's own; one that cannot be read is left out."""
    found = []
    for name, folder in shop.settings.checkpoint_folders().items():
        try:
            found.append(checkpoint_view(name, folder))
        except MusegenError:  # its page says what is wrong with it
            continue
    return found


def checkpoint_view(name: str, folder: Path) -> dict[str, Any]:
    """protocol.ts' `CheckpointView`. Raises CheckpointError."""
    found = checkpoints.load(folder, with_weights=False)
    totals = {split: v["total"] for split, v in found.metrics.items() if isinstance(v, dict) and "total" in v}
    drawn = not isinstance(found.config, RollConfig) or find_spec("torch") is not None
    return {
        "name": name,
        "family": found.config.family,
        "parameters": _weights(folder / "model.safetensors"),
        "styles": list(found.styles),
        "figures": {split: round(v, 4) for split, v in totals.items() if isinstance(v, int | float)},
        "plays": drawn and not isinstance(found.config, HumaniserConfig),
        "likelihood": judges(folder),
    }


def _weights(file: Path) -> int:
    """How many numbers are in it, by its header alone. Raises CheckpointError."""
    try:
        with safe_open(file, framework="numpy") as tensors:
            return sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} cannot be read ({error}): copy the folder again.") from None


@router.get("/checkpoints/{name}", response_model=CheckpointCard)
def one_checkpoint(name: str, shop: Shop) -> object:
    """A checkpoint with its model card."""
    folder = _named(shop.settings.checkpoint_folders(), name, "checkpoint")
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            card = file.read(LONGEST_CARD)
    except OSError:
        card = ""
    return {**checkpoint_view(name, folder), "card": card}


def _named(there: dict[str, Path], name: str, what: str) -> Path:
    if name not in there:
        known = ", ".join(list(there)[:40]) or "none"
        raise HTTPException(404, f"There is no {what} {name[:80]!r}; there are: {known}.")
    return there[name]


def _runs(shop: Workshop) -> dict[str, Path]:
    return runs.folders(shop.settings.runs, shop.settings.checkpoints)


@router.get("/runs", response_model=list[RunView])
def all_runs(shop: Shop) -> object:
    """The training runs, those that go on first, then the newest."""
    found = []
    for folder in _runs(shop).values():
        try:
            found.append(((folder / runs.LOG).stat().st_mtime, runs.standing(folder)))
        except OSError:  # it has just been deleted
            continue
    found.sort(key=lambda row: (row[1]["state"] != "training", -row[0]))
    return [view for _, view in found]


@router.get("/runs/{name}", response_model=RunLog)
def one_run(name: str, shop: Shop, after: Annotated[int, Query(ge=0, lt=2**62)] = 0) -> Response:
    """A run's log from `after` on, and what to ask for next."""
    folder = _named(_runs(shop), name, "run")
    try:
        return JSONResponse(runs.curve(folder, after))
    except OSError as error:
        raise HTTPException(404, f"The log of {name} cannot be read ({error.strerror}).") from None


def _corpora(shop: Workshop) -> dict[str, Path]:
    place = shop.settings.corpora
    found = [path.parent for path in sorted(place.glob("*/corpus.json"))] if place.is_dir() else []
    return {folder.name: folder for folder in found if folder.name.isprintable()}


@router.get("/corpora", response_model=list[CorpusView])
def all_corpora(shop: Shop) -> object:
    """The corpora, without their histograms; one that cannot be read is left out."""
    found = []
    for folder in _corpora(shop).values():
        try:
            found.append({**_counted(shop, folder), "histograms": {}})
        except MusegenError:  # its page says what is wrong with it
            continue
    return found


@router.get("/corpora/{name}", response_model=CorpusView)
def one_corpus(name: str, shop: Shop) -> object:
    """A corpus with its histograms."""
    return _counted(shop, _named(_corpora(shop), name, "corpus"))


_COUNTED: dict[tuple[Path, int, int], dict[str, Any]] = {}


def _counted(shop: Workshop, folder: Path) -> dict[str, Any]:
    """What is in a corpus, counted again when it has changed. Raises CorpusError."""
    state = (folder / "manifest.jsonl").stat() if (folder / "manifest.jsonl").is_file() else None
    key = (folder.resolve(), state.st_mtime_ns if state else 0, state.st_size if state else 0)
    if key not in _COUNTED:
        try:
            _COUNTED[key] = shop.counter.ask(str(folder))
        except BusyError as error:
            raise HTTPException(503, str(error)) from None
    return _COUNTED[key]

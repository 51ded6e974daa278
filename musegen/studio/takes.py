"""The addresses of takes: what is to be made of a file is checked, queued, watched, stopped, and downloaded together.

Knows nothing of how takes are made (`making`).
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..engine.humaniser import NAME as HUMANISER
from ..errors import SettingsError
from ..sampling.keys import pitch_classes
from .files import Shop
from .helper import BusyError
from .jobs import Job
from .making import Order
from .store import GoneError, Kept
from .views import JobView, TakesWanted
from .workshop import Workshop

MOST = {"continue": 1000, "infill": 64, "humanise": 64, "vary": 64}
"""Takes of one order."""

router = APIRouter(prefix="/api", tags=["takes"])


@router.post("/takes", status_code=201, response_model=JobView)
def ask(wanted: TakesWanted, shop: Shop) -> Response:
    """Have takes made of a file, after those that were asked for before."""
    try:
        job = shop.jobs.add(_order(wanted, shop), wanted.model_dump(exclude_none=True))
    except BusyError as error:
        raise HTTPException(429, str(error)) from None
    except GoneError as error:
        raise HTTPException(404, str(error)) from None
    return JSONResponse(shop.jobs.view(job), 201)


def _order(wanted: TakesWanted, shop: Workshop) -> Order:
    """Raises SettingsError for what makes no sense, GoneError without the file."""
    file = shop.store.get(wanted.file)
    if wanted.n > MOST[wanted.kind]:
        raise SettingsError(f"{wanted.n} takes are too many: up to {MOST[wanted.kind]} can be made at once.")
    if wanted.key:
        pitch_classes(wanted.key)
    usual = HUMANISER if wanted.kind == "humanise" else "default"
    return Order(
        wanted.kind,
        str(file.path),
        Path(file.name).stem,
        shop.settings.checkpoint(wanted.checkpoint or usual),
        wanted.n,
        wanted.bars,
        _span(wanted),
        wanted.part,
        wanted.keep or ("rhythm" if wanted.kind == "vary" else ""),
        wanted.temperature,
        wanted.key or "",
        wanted.feel or "",
        wanted.amount if wanted.amount is not None else (0.5 if wanted.kind == "vary" else 1.0),
        wanted.seed_number,
        wanted.with_seed,
    )


def _span(wanted: TakesWanted) -> tuple[int, int] | None:
    if wanted.from_bar is None and wanted.to_bar is None:
        if wanted.kind == "infill":
            raise SettingsError("Choose the bars that are to be filled first.")
        return None
    first = wanted.from_bar or wanted.to_bar or 1
    return first, wanted.to_bar or first


def job(id: str, shop: Shop) -> Job:
    """The job of the address; for routes to depend on."""
    try:
        return shop.jobs.get(id)
    except GoneError as error:
        raise HTTPException(404, str(error)) from None


Asked = Annotated[Job, Depends(job)]


@router.get("/takes", response_model=list[JobView])
def jobs(shop: Shop) -> Response:
    """What has been asked for, the newest first."""
    return JSONResponse([shop.jobs.view(job) for job in shop.jobs.all()])


@router.get("/takes/{id}", response_model=JobView)
def watch(asked: Asked, shop: Shop) -> Response:
    """How far it is, and the takes so far."""
    return JSONResponse(shop.jobs.view(asked))


@router.delete("/takes/{id}", response_model=JobView)
def stop(asked: Asked, shop: Shop) -> Response:
    """Stop it; what is made stays."""
    shop.jobs.stop(asked)
    return JSONResponse(shop.jobs.view(asked))


@router.get("/takes/{id}/zip", response_class=StreamingResponse)
def download(asked: Asked, shop: Shop) -> StreamingResponse:
    """All takes so far, as one zip file of MIDI files."""
    there = []
    for file, _, _ in [asked.kept[number] for number in sorted(asked.kept.copy())]:
        with contextlib.suppress(GoneError):  # others needed the room
            there.append(shop.store.get(file.id))
    if not there:
        raise HTTPException(404, "There are no takes to download yet.")
    name = quote(f"{asked.order.stem}-{asked.order.kind}.zip")
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{name}"}
    return StreamingResponse(zipped(there), media_type="application/zip", headers=headers)


class _Pipe(io.RawIOBase):
    """What a zip file is written to, to be taken away piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        more = bytes(data)  # type: ignore[call-overload]
        self._written += more
        return len(more)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def zipped(files: Iterable[Kept]) -> Iterator[bytes]:
    """A zip file of them, as it comes into being: never all of it in memory."""
    pipe, names = _Pipe(), set()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            if file.name not in names and file.path.exists():
                names.add(file.name)
                archive.writestr(file.name, file.path.read_bytes())
                yield pipe.take()
    yield pipe.take()

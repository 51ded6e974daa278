"""The addresses of files: a file or a shipped seed comes in, is read in a worker process, and is shown.

Whatever is in a file, and whatever it is called, it is kept under an id, and gives a view or a sentence.
"""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from ..errors import FileError
from ..midi.chunks import LARGEST_FILE
from ..midi.music import read_music
from ..sampling.seeds import seeds
from .helper import BusyError
from .pieces import Question, Upload
from .store import GoneError, Kept
from .views import PieceView, SeedView, Surprise
from .workshop import Workshop, lifespan, workshop

KINDS = (".mid", ".midi", ".xml", ".musicxml", ".mxl", ".abc", ".krn")

router = APIRouter(prefix="/api", tags=["files"], lifespan=lifespan)
Shop = Annotated[Workshop, Depends(workshop)]

_BODY = {
    "requestBody": {
        "description": "the file itself, or a form with it",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}


def kept(id: str, shop: Shop) -> Kept:
    """The file of the address; for routes to depend on."""
    try:
        return shop.store.get(id)
    except GoneError as error:
        raise HTTPException(404, str(error)) from None


File = Annotated[Kept, Depends(kept)]


@router.get("/seeds")
def shipped_seeds(shop: Shop) -> list[SeedView]:
    """The seed phrases that come with musegen."""
    shop.reader.warm()  # who looks for a seed is about to bring something
    return [SeedView(name=name, title=title) for name, title in _titles()]


@lru_cache(maxsize=1)
def _titles() -> list[tuple[str, str]]:
    return [(path.stem, read_music(path).metadata.title) for path in seeds()]


@router.post("/files", status_code=201, response_model=PieceView, openapi_extra=_BODY)
async def upload(
    request: Request,
    shop: Shop,
    name: Annotated[str, Query(max_length=1000, description="what the file is called, such as tune.mid")] = "",
    seed: Annotated[str, Query(max_length=100, description="in place of a file: a shipped seed's name")] = "",
) -> Response:
    """Read a file: MIDI, MusicXML, ABC or Humdrum, up to 5 MB. It stays on this machine, until the studio ends."""
    name, data = _seed(seed) if seed else await _received(request, name)
    try:
        found = await run_in_threadpool(_read, shop, plain_name(name), data)
    except BusyError as error:
        raise HTTPException(503, str(error)) from None
    return Response(found.view.read_bytes(), 201, media_type="application/json")


def _seed(name: str) -> tuple[str, bytes]:
    for path in seeds():
        if path.stem == name:
            return path.name, path.read_bytes()
    raise HTTPException(404, f"There is no seed phrase {name!r}; there are {', '.join(p.stem for p in seeds())}.")


async def _received(request: Request, name: str) -> tuple[str, bytes]:
    """What the file is called, and its bytes, of which there are no more than may be."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=4) as form:
            part = form.get("file")
            if not isinstance(part, UploadFile):
                raise HTTPException(400, 'The form has no file: put it into the field "file".')
            name, data = name or part.filename or "", await part.read(LARGEST_FILE + 1)
    else:
        found = bytearray()
        async for chunk in request.stream():
            found += chunk
            if len(found) > LARGEST_FILE:
                break
        data = bytes(found)
    if len(data) > LARGEST_FILE:
        raise HTTPException(413, f"The file is larger than {LARGEST_FILE >> 20} MB, too large for music.")
    return name, data


def plain_name(name: str) -> str:
    """`name` without folders and signs that nobody can see, if it is of a kind that can be read. Raises FileError."""
    last = re.split(r"[/\\]", name)[-1]
    plain = " ".join("".join(c if c.isprintable() else " " for c in last).split())
    stem, kind = Path(plain).stem[:80], Path(plain).suffix.lower()
    if kind not in KINDS:
        raise FileError(
            f"{plain[:80] or 'A file without a name'} is not of a kind that can be read: {' '.join(KINDS)}."
        )
    return stem + kind


def _read(shop: Workshop, name: str, data: bytes) -> Kept:
    path = shop.store.folder / f"incoming-{secrets.token_hex(8)}{Path(name).suffix}"
    try:
        path.write_bytes(data)
        reading = shop.reader.ask(Upload(str(path), name))
    except OSError as error:
        raise FileError(f"{name} cannot be kept in {shop.store.folder.parent} ({error.strerror}).") from None
    finally:
        path.unlink(missing_ok=True)
    return shop.store.add(reading.shown, reading.midi)


@router.get("/files/{id}", response_model=PieceView)
def view(file: File) -> Response:
    """A file again."""
    return Response(file.view.read_bytes(), media_type="application/json")


@router.get("/files/{id}/mid", response_class=FileResponse)
def download(file: File) -> Response:
    """The file as MIDI."""
    return FileResponse(file.path, media_type="audio/midi", filename=f"{Path(file.name).stem}.mid")


@router.get("/files/{id}/surprise", response_model=Surprise)
def surprises(file: File, shop: Shop, checkpoint: Annotated[str, Query(max_length=80)] = "default") -> Response:
    """How surprising each note is to a checkpoint, in nats."""
    question = Question(str(file.path), file.name, shop.settings.checkpoint(checkpoint), checkpoint)
    try:
        return JSONResponse(shop.judge.ask(question))
    except BusyError as error:
        raise HTTPException(503, str(error)) from None

"""What was recorded: the files of the folder that jams record to. Names are looked up in it, never joined to a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse

from .settings import StudioSettings

router = APIRouter(prefix="/api/recordings", tags=["recordings"])

_TYPES = {".mid": "audio/midi", ".wav": "audio/wav"}


def recordings(folder: Path) -> dict[str, Path]:
    """The recordings in `folder` by name, the newest first."""
    found = [p for p in folder.iterdir() if p.suffix in _TYPES and p.is_file()] if folder.is_dir() else []
    return {p.name: p for p in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)}


@router.get("")
def list_recordings(request: Request) -> list[dict[str, Any]]:
    """Names, sizes in bytes, and times of writing (seconds since 1970), the newest first."""
    found = recordings(_folder(request))
    rows = ((name, path.stat()) for name, path in found.items())
    return [{"name": name, "bytes": stat.st_size, "time": stat.st_mtime} for name, stat in rows]


@router.get("/{name}")
def get_recording(request: Request, name: str) -> FileResponse:
    """One recording, as a download."""
    path = recordings(_folder(request)).get(name)
    if path is None:
        raise HTTPException(404, "There is no such recording.")
    return FileResponse(path, media_type=_TYPES[path.suffix], filename=name)


def _folder(request: Request) -> Path:
    settings: StudioSettings = request.app.state.settings
    return settings.record

"""The studio's application: every address behind one guard, and the page. Knows nothing of how it is served."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from .. import __version__
from ..errors import FileError, MusegenError
from ..sampling.seeds import seeds
from . import files, looks, manual, recordings, routes, takes
from .bridge import Bridge
from .security import Guard, Refusal
from .settings import StudioSettings
from .views import Problem

_NO_PAGE = "The page is not built: run  npm run build  in musegen/studio/web, or install musegen from a wheel."


def create_app(settings: StudioSettings, token: str) -> FastAPI:
    """The application for `settings`, which `token` opens."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with app.state.bridge.open():
            yield

    app = FastAPI(
        title="musegen studio",
        version=__version__,
        description="What the studio's page does, for scripts: send the token as `Authorization: Bearer`.",
        lifespan=lifespan,
        responses={"4XX": {"model": Problem, "description": "Why not, in a sentence."}},
        openapi_url="/api/openapi.json",
        docs_url=None,  # FastAPI's own pages come from a CDN; `manual` does not
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.bridge = Bridge(settings, lambda name: _seed_file(app, name))
    for module in (routes, recordings, manual, files, takes, looks):
        app.include_router(module.router)
    _explain(app)
    if settings.page.is_dir():
        app.mount("/", StaticFiles(directory=settings.page, html=True), name="page")
    else:
        app.get("/", include_in_schema=False)(lambda: HTMLResponse(f"<p>{_NO_PAGE}</p>", 503))
    app.add_middleware(Guard, settings=settings, token=token)
    return app


def _seed_file(app: FastAPI, name: str) -> Path:
    """The file of a shipped seed, or of one that was brought. Raises FileError."""
    for path in seeds():
        if path.stem == name:
            return path
    if workshop := getattr(app.state, "workshop", None):
        kept: Path = workshop.store.get(name).path
        return kept
    raise FileError(f"There is no seed {name!r}.")


def _explain(app: FastAPI) -> None:
    """Every error is {"error": a sentence}."""

    def answer(status: int, sentence: str) -> JSONResponse:
        return JSONResponse({"error": sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."}, status)

    @app.exception_handler(MusegenError)
    def on_purpose(request: Request, error: MusegenError) -> JSONResponse:
        return answer(400, str(error))

    @app.exception_handler(Refusal)
    def refused(request: Request, error: Refusal) -> JSONResponse:
        return answer(error.status, str(error))

    @app.exception_handler(HTTPException)
    def by_status(request: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, _SENTENCES.get(str(error.detail), str(error.detail)))

    @app.exception_handler(RequestValidationError)
    def unfit(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, "; ".join(map(_unfit, error.errors()[:5])))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> JSONResponse:
        return answer(500, "Something went wrong in the studio itself: the terminal it runs in says what.")


_SENTENCES = {"Not Found": "There is nothing at that address.", "Method Not Allowed": "That cannot be done there."}


def _unfit(found: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in found["loc"] if part not in ("body", "query", "path"))
    return f"{where or 'the request'}: {found['msg']}"

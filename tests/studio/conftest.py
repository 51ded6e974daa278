"""Fixtures: the application as the server would make it, and somebody who may talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra studio is not installed")
pytest.importorskip("httpx", reason="the extra test is not installed")

from fastapi import FastAPI
from starlette.testclient import TestClient

from musegen.studio.app import create_app
from musegen.studio.settings import StudioSettings

TOKEN = "the-token-of-these-tests"
ORIGIN = "http://127.0.0.1:8765"
SOCKET = "ws://127.0.0.1:8765/ws"


@pytest.fixture
def settings(tmp_path: Path) -> StudioSettings:
    """Folders of the test's own, and a page."""
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html><title>the page</title>")
    names = ("record", "runs", "corpora", "checkpoints")
    return StudioSettings(page=page, **{name: tmp_path / name for name in names})


@pytest.fixture
def app(settings: StudioSettings) -> FastAPI:
    """The application."""
    return create_app(settings, TOKEN)


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[TestClient]:
    """Somebody without the token."""
    with TestClient(app, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def script(stranger: TestClient) -> TestClient:
    """A script with the token."""
    stranger.headers["Authorization"] = f"Bearer {TOKEN}"
    return stranger


@pytest.fixture
def page(stranger: TestClient) -> TestClient:
    """The studio's own page in a browser: it has the cookie, and says where it comes from."""
    assert stranger.get(f"/?token={TOKEN}").status_code == 200
    stranger.headers["Origin"] = ORIGIN
    return stranger

"""A script that talks to an application of its own for a whole module: its workers start once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from musegen.studio.app import create_app
from musegen.studio.settings import StudioSettings

from .conftest import ORIGIN, TOKEN


@contextmanager
def script_in(folder: Path) -> Iterator[TestClient]:
    """A client whose studio shows what is in `folder`."""
    names = ("record", "runs", "corpora", "checkpoints", "page")
    app = create_app(StudioSettings(**{name: folder / name for name in names}), TOKEN)
    with TestClient(app, base_url=ORIGIN, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def brought(client: TestClient, seed: str) -> dict[str, Any]:
    """The view of a shipped seed."""
    answer = client.post("/api/files", params={"seed": seed})
    assert answer.status_code == 201, answer.text[:300]
    found: dict[str, Any] = answer.json()
    return found


def watched(client: TestClient, job: dict[str, Any], seconds: float = 120) -> dict[str, Any]:
    """A job when it is over."""
    end = time.monotonic() + seconds
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < end, job
        time.sleep(0.1)
        job = client.get(f"/api/takes/{job['id']}").json()
    return job


def error(answer: Any, status: int) -> str:
    """The sentence of a refusal."""
    assert answer.status_code == status, answer.text[:300]
    sentence: str = answer.json()["error"]
    assert sentence.endswith(".")
    return sentence

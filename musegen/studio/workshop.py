"""Everything that works for the page beside the jam: the files, who reads and judges them, who makes takes.

One for each app; it is made when it is first needed, and ends with the server. Knows nothing of routes.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ..batches import one_thread_each
from .corpora import Counted, counted
from .helper import Helper
from .jobs import Jobs
from .pieces import Question, Reading, Upload, read, surprise
from .settings import StudioSettings
from .store import Store

READING, JUDGING = (20.0, 2**30), (120.0, 4 * 2**30)
"""Seconds and bytes that reading a file may take, and judging one or counting a corpus."""

_MAKING = threading.Lock()


class Workshop:
    """The store, and the processes that work on it."""

    def __init__(self, settings: StudioSettings) -> None:
        one_thread_each()
        self.settings = settings
        self.store = Store()
        self.reader: Helper[Upload, Reading] = Helper(read, *READING, lambda upload: upload.name)
        self.judge: Helper[Question, dict[str, Any]] = Helper(surprise, *JUDGING, lambda question: question.name)
        self.counter: Helper[str, Counted] = Helper(counted, *JUDGING, lambda folder: Path(folder).name)
        self.jobs = Jobs(self.store)

    def close(self) -> None:
        """End the processes, delete the files."""
        self.jobs.close()
        for helper in (self.reader, self.judge, self.counter):
            helper.close()
        self.store.close()


def workshop(request: Request) -> Workshop:
    """The app's; for routes to depend on."""
    state = request.app.state
    with _MAKING:
        if not hasattr(state, "workshop"):
            state.workshop = Workshop(state.settings)
        found: Workshop = state.workshop
    return found


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Closes the app's workshop when the server ends."""
    yield
    if hasattr(app.state, "workshop"):
        await run_in_threadpool(app.state.workshop.close)

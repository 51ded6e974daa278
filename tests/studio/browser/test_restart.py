"""A server that dies under an open page, and comes back: the page says so, and goes on by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import studio_rig

from .watched import Watched, until


def test_the_page_goes_on_when_the_server_is_back(browser: Any, tmp_path: Path) -> None:
    with studio_rig.studio(tmp_path) as server:
        watched = Watched(browser, server.origin)
        watched.expect("ERR_CONNECTION_REFUSED")
        page = watched.page
        page.goto(server.url)
        page.get_by_role("button", name="Start", exact=True).click()
        until(page, "musegenLive.frame?.rolling", 60)
        page.keyboard.press("a", delay=300)
        until(page, "musegenLive.notes.size > 0")
        server.kill()
        lost = page.get_by_role("alert").get_by_text("does not answer")
        lost.wait_for()
        server.start()
        lost.wait_for(state="hidden")
        page.get_by_role("button", name="Start", exact=True).click()  # the jam ended with its server
        until(page, "musegenLive.frame?.rolling", 60)
        saved = "fetch('/api/recordings').then((a) => a.json()).then((found) => found.length > 0)"
        until(page, saved)  # the first jam's: it ends in order when its server is gone
        assert watched.wrong() == []
        watched.close()

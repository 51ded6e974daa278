"""Fixtures: a real server, a real browser, and pages that are watched for errors while a test uses them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import studio_rig

from .watched import Watched

needs = [name for name in ("playwright", "fastapi", "uvicorn", "websockets") if not importlib.util.find_spec(name)]
if not studio_rig.chromium_path():
    needs.append("Chromium (Debian: apt install chromium)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder drives a browser; where there is none, say what is missing."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if needs:
                item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(needs)}"))


Opener = Callable[..., Watched]
REBOUND = "evil.example"
"""A name that this browser takes for this machine's."""


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """One Chromium for a module's tests."""
    with studio_rig.chromium([f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]) as found:
        yield found


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[studio_rig.Studio]:
    """One `musegen studio` for a module's tests."""
    with studio_rig.studio(tmp_path_factory.mktemp("studio")) as started:
        yield started


@pytest.fixture
def open_page(browser: object, studio: studio_rig.Studio) -> Iterator[Opener]:
    """Opens the studio's page in a profile of its own: `open_page(tab="write", **context options)`.

    When the test is over, a page on which anything went wrong unasked fails it.
    """
    opened: list[Watched] = []

    def start(tab: str = "jam", **options: object) -> Watched:
        opened.append(Watched(browser, studio.origin, **options))
        opened[-1].page.goto(f"{studio.url}#{tab}")
        return opened[-1]

    yield start
    wrong = [sentence for watched in opened for sentence in watched.wrong()]
    for watched in opened:
        watched.close()
    assert not wrong, wrong

"""The studio as a person has it: its server in a process of its own, and a Chromium that shows its page.

For the tests in a real browser and for `benchmarks.studio`. Everything the server keeps lies in the folder it is given:
its token, its recordings, its working directory. Knows nothing of what is done on the page.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
URL = re.compile(r"http://\S+/\?token=\S+")
NO_MIDI = {"JACK_DEFAULT_SERVER": "mg-no-such-server", "JACK_NO_START_SERVER": "1"}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required")
"""The first because continuous integration is root in a container; the second so that sound can be measured."""


def chromium_path() -> str | None:
    """This machine's Chromium, if it has one."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


@contextmanager
def chromium(options: Sequence[str] = ()) -> Iterator[Browser]:
    """A browser without a window, ended with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*OPTIONS, *options])
        try:
            yield browser
        finally:
            browser.close()


def free_port() -> int:
    """A port of the loopback interface that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Studio:
    """`musegen studio` in `folder`; `start` again after `stop` or `kill` is the same studio: same port, same token."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.lines: list[str] = []
        """What it has printed since it was last started."""
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self, seconds: float = 60.0) -> str:
        """Returns the address that it printed, token and all."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        ours = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "musegen", "studio", "--no-open", "--port", str(self.port)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**ours, **NO_MIDI, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if self.url:
                self._answers(end)
                return self.url
            time.sleep(0.05)
        raise RuntimeError(f"the studio did not start: {self.said}")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))

    def _answers(self, end: float) -> None:
        """Waits until it takes connections: it may print its address first."""
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nothing listens at {self.url}: {self.said}")

    @property
    def said(self) -> str:
        """Everything it has printed since it was last started."""
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """The address with the token; empty until it is printed."""
        found = URL.search(self.said)
        return found[0] if found else ""

    @property
    def origin(self) -> str:
        """The address without path and token."""
        return self.url.partition("/?")[0]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C; its exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"the studio did not stop: {self.said}") from None
        return self.process.returncode

    def kill(self) -> None:
        """kill -9, however it is."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def studio(folder: Path) -> Iterator[Studio]:
    """A studio that is started, and ended with the block."""
    made = Studio(folder)
    try:
        made.start()
        yield made
    finally:
        if made.process and made.process.poll() is None:
            made.stop()

"""The parent's end of a port process: writes into its pipe, and reads what it heard and has to say.

Only ever writes without waiting, so that a process in trouble cannot stop the music. Knows nothing of MIDI libraries,
nor what to do when the process ends (`live_port.py` does); the other end is `sender.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import wire

ENDING = 3.0  # seconds from "close" until it has ended


def sender_command(*arguments: str) -> list[str]:
    """How to start a port process."""
    return [sys.executable, "-m", "musegen.live.sender", *arguments]


def sender_environment() -> dict[str, str]:
    """The environment for a port process: finds this very musegen, and never starts a JACK server."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "JACK_NO_START_SERVER": "1"}


class PortProcess:
    """A process for ports of `system`, that holds none until it is told to `open` one.

    From a thread of its own it calls `heard` with a time and a message, `said` with a report, and at last `ended`. The
    reports' `what` is "ready" or "waiting", then "wiring", "outputs", "news", "late" and "trouble".
    """

    def __init__(
        self,
        system: str,
        heard: Callable[[PortProcess, float, bytes], None],
        said: Callable[[PortProcess, dict[str, Any]], None],
        ended: Callable[[PortProcess], None],
    ) -> None:
        self.trouble = ""
        """Why it ended, if it said so."""
        self._heard, self._said, self._ended = heard, said, ended
        self._complaints: deque[str] = deque(maxlen=20)
        # A session of its own, so that neither Ctrl-C nor the end of a terminal takes the port before its time.
        self._process = subprocess.Popen(
            sender_command(system),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sender_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        if os.name == "posix":
            os.set_blocking(self._pipe, False)
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._read, self._read_complaints)]
        for thread in self._threads:
            thread.start()

    def open(self, opening: wire.Opening) -> None:
        """Open this port; "ready" follows."""
        self.write(0.0, opening.message())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def cause(self) -> str:
        """Why it ended, in a few words, if it did not say so itself."""
        code = self._process.poll()
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return self._complaints[-1] if self._complaints else "its process ended"

    def write(self, time: float, message: bytes) -> bool:
        """Tell it; False if it does not listen any more."""
        try:
            os.write(self._pipe, wire.pack(time, message))
        except (OSError, ValueError):  # gone, or so far behind that the pipe is full
            return False
        return True

    def kill(self) -> None:
        """End it without asking; `ended` follows."""
        self._process.kill()

    def close(self) -> None:
        """Let it end what sounds and end itself; it is killed if it will not."""
        assert self._process.stdin is not None
        self.write(0.0, wire.CLOSE)
        self._process.stdin.close()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._tidy()

    def _tidy(self) -> None:
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        unpacker, source = wire.Unpacker(), self._process.stdout.fileno()
        while data := os.read(source, 65536):
            for time, message in unpacker.feed(data):
                report = wire.report_in(message)
                if report is None:
                    self._heard(self, time, message)
                elif report["what"] == "trouble":
                    self.trouble = report["text"]
                else:
                    self._said(self, report)
        self._process.wait()
        self._ended(self)

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if text := line.decode(errors="replace").strip().rstrip("."):
                self._complaints.append(text)

"""The parent's end of a sender process: a `Port` that writes into its pipe.

Only ever writes without waiting, so that a sender in trouble cannot stop the music process. Knows nothing of
MIDI libraries; the other end is `sender.py`, and the wire format is written there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from ..errors import PortError
from . import wire
from .ports import NoInput

STARTING = 8.0  # seconds a sender may take until it is ready
ENDING = 3.0  # … and from "close" until it has ended


def sender_command(*arguments: str) -> list[str]:
    """How to start a sender process."""
    return [sys.executable, "-m", "musegen.live.sender", *arguments]


def sender_environment() -> dict[str, str]:
    """The environment for a sender: finds this very musegen, and never starts a JACK server."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "JACK_NO_START_SERVER": "1"}


class SenderPort(NoInput):
    """A port of the MIDI system `system` ("jack", "alsa", …), held by a process of its own.

    `name` becomes the real name, which the system may have changed to keep it unique. Raises PortError if the
    port cannot be opened.
    """

    lookahead = 0.15

    def __init__(self, system: str, name: str, to: str | None = None) -> None:
        self.late = 0
        """Note-ons that reached the sender too late and were dropped there."""
        self._trouble: str | None = None
        self._complaints: deque[str] = deque(maxlen=20)
        self._ready = threading.Event()
        self._closed = False
        # A session of its own, so that neither Ctrl-C nor the end of a terminal takes the sender before its time.
        self._process = subprocess.Popen(
            sender_command(system, name, *([to] if to else [])),
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
        self.name = name
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._listen, self._read_complaints)]
        for thread in self._threads:
            thread.start()
        self._ready.wait(STARTING)
        if self._trouble is not None or not self._ready.is_set():
            self.close()
            raise PortError(self._trouble or "The MIDI port did not open in time: the MIDI system does not answer.")

    @property
    def pid(self) -> int:
        """The sender's process id."""
        return self._process.pid

    def send(self, message: bytes, time: float) -> None:
        """Queue `message` for `time` in the sender. Raises PortError if the port has gone."""
        self._write(wire.pack(time, message))

    def cancel(self) -> None:
        """Forget what has not gone out, but send its note-offs now. Raises PortError if the port has gone."""
        self._write(wire.pack(0.0, wire.CANCEL))

    def check(self) -> None:
        """Raise PortError if the port has gone."""
        if self._trouble is None and self._process.poll() is not None and not self._closed:
            self._trouble = self._explain()
        if self._trouble is not None:
            raise PortError(self._trouble)

    def close(self) -> None:
        """Let the sender end what sounds and end itself; it is killed if it will not."""
        if self._closed:
            return
        self._closed = True
        assert self._process.stdin is not None
        try:
            os.write(self._pipe, wire.pack(0.0, wire.CLOSE))
        except OSError:
            self._trouble = self._trouble or self._explain()
        self._process.stdin.close()
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(1.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _write(self, data: bytes) -> None:
        self.check()
        try:
            os.write(self._pipe, data)
        except BlockingIOError:
            self._trouble = f"The MIDI port {self.name} stopped taking messages: the MIDI system does not answer."
            self.check()
        except OSError:
            self._trouble = self._trouble or self._explain()
            self.check()

    def _explain(self) -> str:
        last = self._complaints[-1] if self._complaints else "its sender process ended"
        return f"The MIDI port {self.name} has gone: {last}."

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            report = json.loads(line)
            if report["what"] == "ready":
                self.name = report["name"]
                self._ready.set()
            elif report["what"] == "late":
                self.late = report["count"]
            elif report["what"] == "trouble":
                self._trouble = report["text"]
        if not self._ready.is_set():
            self._trouble = self._trouble or self._explain()
            self._ready.set()

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if text := line.decode(errors="replace").strip().rstrip("."):
                self._complaints.append(text)

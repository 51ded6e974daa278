"""The jam: a process of its own, `musegen jam --json`, of which this is the server's end.

Starts it, passes lines on both ways, says why it ended, and ends it so that its recording is saved. Knows nothing of
what the lines say, but for the first and the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import SettingsError
from ..live.remote import sender_environment

ENDING = 15.0
"""Seconds that a jam may take to end well: some for silence, some for its recording."""

_LINE = 2**24  # bytes of the longest line, a full frame of a long jam
_UNREAD = 2**20  # bytes that a jam which does not listen may leave lying
_KIND = re.compile(r'\s*\{\s*"(\w+)"')


class Jam:
    """At most one jam at a time. `tell` is called with the kind and the text of every line for the pages."""

    def __init__(self, tell: Callable[[str, str], None], command: Sequence[str] = ()) -> None:
        self._tell = tell
        self._command = tuple(command) or (sys.executable, "-m", "musegen", "jam", "--json")
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._last_words: deque[str] = deque(maxlen=20)
        self._error = ""
        self.state = "none"
        self.settings: dict[str, Any] = {}
        self.hello = ""
        """The jam's first line."""

    @property
    def playing(self) -> bool:
        """There is one."""
        return self.state in ("starting", "playing")

    def view(self) -> dict[str, Any]:
        """How it stands (`FromServer` in protocol.ts)."""
        return {"state": self.state, "settings": self.settings, "error": self._error}

    async def start(self, settings: dict[str, Any], options: Sequence[str]) -> None:
        """Start one with these options; `settings` is what was asked for. Raises SettingsError if one is playing."""
        if self.playing:
            raise SettingsError("A jam is playing already: stop it first.")
        self._become("starting", settings)
        self.hello = ""
        self._last_words.clear()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                *options,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE,
                env=sender_environment(),
                start_new_session=True,  # Ctrl-C is for the server, which ends the jam well
            )
        except OSError as error:
            self._become("ended", settings, f"The jam cannot be started ({error.strerror}).")
            raise SettingsError(self._error) from None
        self._reading = asyncio.create_task(self._run(self._process))

    def send(self, command: dict[str, Any]) -> None:
        """Pass a command on. Raises SettingsError where nobody listens."""
        pipe = self._process.stdin if self._process and self.playing else None
        if pipe is None or pipe.is_closing():
            raise SettingsError("No jam is playing: start one first.")
        if pipe.transport.get_write_buffer_size() > _UNREAD:
            raise SettingsError("The jam does not answer: stop it and start another.")
        pipe.write(json.dumps(command).encode() + b"\n")

    async def stop(self) -> None:
        """End it as the end of its input does, in silence and with its recording saved; by force if that fails."""
        if self._process is None or self._reading is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        for force in (self._process.terminate, self._process.kill):
            done, _ = await asyncio.wait([self._reading], timeout=ENDING)
            if done:
                return
            with contextlib.suppress(ProcessLookupError):
                force()
        await self._reading

    async def _run(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None
        complaints = asyncio.create_task(self._hear(process.stderr))
        try:
            await self._read(process.stdout)
        except ValueError:  # a line that never ends
            process.kill()
        await complaints
        status = await process.wait()
        self._become("ended", self.settings, self._error or self._cause(status))

    async def _read(self, pipe: asyncio.StreamReader) -> None:
        while line := await pipe.readline():
            text = line.decode(errors="replace").rstrip("\n")
            found = _KIND.match(text)
            if found is None:
                self._last_words.append(text)
                continue
            self._tell(found[1], text)
            if found[1] == "hello":
                self.hello = text
                self._become("playing", self.settings)
            elif found[1] == "ended":
                self._error = str(json.loads(text)["ended"].get("error") or "")

    async def _hear(self, pipe: asyncio.StreamReader) -> None:
        with contextlib.suppress(ValueError):
            while line := await pipe.readline():
                self._last_words.append(line.decode(errors="replace").rstrip())
        while await pipe.read(_UNREAD):  # so that it never waits for us
            pass

    def _cause(self, status: int) -> str:
        """Why it ended without a word, as a sentence; empty if it ended well."""
        if status == 0 or -status in (signal.SIGTERM, signal.SIGINT):
            return ""
        said = [line for line in self._last_words if line.startswith("musegen: ")]
        if said:
            return said[-1].removeprefix("musegen: ")
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        last = next((line for line in reversed(self._last_words) if line), "")
        return f"The jam broke off ({how}{f': {last}' if last else ''})."

    def _become(self, state: str, settings: dict[str, Any], error: str = "") -> None:
        self.state, self.settings, self._error = state, settings, error
        self._tell("jam", json.dumps({"jam": self.view()}))

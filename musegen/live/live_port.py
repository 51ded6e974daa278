"""A real port that survives: whatever ends the process that holds it, another takes its place.

It remembers what it sent (`recovery.py`) and what the port was connected to. Where the process is killed, a new one
takes its name and connections and releases what sounded; where the MIDI system has gone, it waits for it; where the
other side was unplugged, the process itself waits for that. Meanwhile `up` is False. Knows nothing of MIDI libraries.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import PortError
from . import wire
from .ledger import Ledger
from .messages import BURST
from .recovery import Recovery
from .remote import PortProcess

STARTING = 8.0  # seconds a process may take until it is ready, or says that it waits
AT_ONCE = 2.0  # … until it is said that it takes long
PAUSE = 1.0  # … between two attempts, where one has failed
LAST_CHANCE = 2.0  # … that closing waits for a new process, so that it can release what sounded


class LivePort:
    """A port of the MIDI system `system` ("jack", "alsa", …), connected to `to` and hearing `source` if given.

    Without `source` it hears whatever is plugged in. `name` becomes the real name, which the system may have changed to
    keep it unique. Raises PortError if the port cannot be opened now; later nothing is an error.
    """

    lookahead = 0.15

    def __init__(self, system: str, name: str, to: str | None = None, source: str | None = None) -> None:
        self.name = name
        self.late = 0
        """Note-ons that reached the port process too late and were dropped there."""
        self._late_before = 0
        self._opening = wire.Opening(system, name, to or "", source or "")
        self._lock = threading.Condition(threading.RLock())
        self._recovery, self._player = Recovery(), Ledger()
        self._received: deque[tuple[float, bytes]] = deque()
        self._news: deque[str] = deque()
        self._wake: Callable[[], None] = lambda: None
        self._up = self._thru = self._closed = False
        self._state = "starting"  # then "ready", or "waiting" for the MIDI system; "ended" when its process has
        self._alive = time.perf_counter()  # when the process last said something
        self._spare: PortProcess | None = None
        self._process = self._start()
        with self._lock:
            self._lock.wait_for(lambda: self._state != "starting", STARTING)
            state = self._state
        if state != "ready":
            trouble = self._process.trouble or (f"The MIDI port {name} cannot be opened: {self._process.cause}.")
            self._closed = True
            self._process.close()
            silent = "The MIDI port did not open in time: the MIDI system does not answer."
            raise PortError(silent if state == "starting" else trouble)
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    # --- a port -----------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The id of the process that holds the port now."""
        return self._process.pid

    @property
    def outputs(self) -> tuple[str, ...]:
        """The ports it sends to, and those that it will again when they return."""
        return self._opening.outputs

    @property
    def inputs(self) -> tuple[str, ...]:
        """The ports it listens to, and those that it will again when they return."""
        return self._opening.inputs

    @property
    def up(self) -> bool:
        """False while its process, its MIDI system or all that it was connected to has gone."""
        return self._up

    def send(self, message: bytes, time: float) -> None:
        """Queue `message` for `time` in the port process; nowhere while the port has vanished."""
        if self._up:
            with self._lock:
                if self._up:
                    self._recovery.sent(message, time)
                    self._write(time, message)

    def cancel(self) -> None:
        """Forget what has not gone out, but end its notes and pedals now."""
        self._tell(wire.CANCEL)

    def thru(self, on: bool) -> None:
        """Pass on what comes in, inside the port process."""
        self._thru = on
        self._tell(wire.THRU if on else wire.NO_THRU)

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in since the last call."""
        return _empty(self._received)

    def news(self) -> list[str]:
        """Sentences for the person since the last call."""
        return _empty(self._news)

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` from the thread that reads, as soon as something has come in."""
        self._wake = wake

    def check(self) -> None:
        """Never raises: it waits for what has gone."""

    def close(self) -> None:
        """Release what sounds, end the port process. If that was killed just now, its successor does this first."""
        with self._lock:
            if self._closed:
                return
            self._lock.wait_for(lambda: self._state in ("ready", "waiting"), LAST_CHANCE)
            self._closed = True
            self._up = False
            self._lock.notify_all()
        self._keeper.join()
        self._process.close()
        if self._spare is not None:
            self._spare.close()

    # --- what the process says; from the thread that reads ------------------------------------------------------------

    def _make(self) -> PortProcess:
        """A process that nobody listens to until it becomes `self._process`."""
        return PortProcess(self._opening.system, self._hear, self._learn, self._end)

    def _start(self) -> PortProcess:
        """Have a process open the port: the spare one, if there is one."""
        with self._lock:  # until it is known which process it is, nothing is heard from it
            self._state, self._alive = "starting", time.perf_counter()
            spare, self._spare = self._spare, None
            self._process = spare if spare is not None and spare.alive else self._make()
            self._process.open(self._opening)
        return self._process

    def _hear(self, process: PortProcess, at: float, message: bytes) -> None:
        with self._lock:
            if process is not self._process:
                return
            self._player.take(message)
            if self._thru:
                self._recovery.sent(message, at)
            self._received.append((at, message))
        self._wake()

    def _learn(self, process: PortProcess, report: dict[str, Any]) -> None:
        with self._lock:
            if process is not self._process:
                return
            self._alive, what = time.perf_counter(), report["what"]
            if what == "waiting":
                self._state = "waiting"
            elif what == "late":
                self.late = self._late_before + report["count"]
            elif what == "news":
                self._news.append(report["text"])
            elif what == "outputs":
                self._partly(bool(report["gone"]), bool(report["back"]))
            else:
                self._connected(report)
            self._lock.notify_all()
        self._wake()

    def _connected(self, report: dict[str, Any]) -> None:
        """The port is ready, or its connections have changed."""
        outputs, inputs = tuple(report["outputs"]), tuple(report["inputs"])
        self._opening = replace(self._opening, to="", outputs=outputs, inputs=inputs, again=True)
        if report["what"] == "ready":
            self.name, self._state = report["name"], "ready"
            self._opening = replace(self._opening, name=report["client"])
        if report["lost"]:
            self._sink()
        elif not self._up and not self._closed:
            self._rise()

    def _end(self, process: PortProcess) -> None:
        with self._lock:
            if process is not self._process or self._closed:
                self._lock.notify_all()
                return
            self._state, self._late_before = "ended", self.late
            self._sink()
            now = time.perf_counter()
            self._received.extend((now, message) for message in self._player.release())
            self._player.clear()
            self._lock.notify_all()
        self._wake()

    # --- down and up; the caller holds the lock -----------------------------------------------------------------------

    def _sink(self) -> None:
        if self._up:
            self._up = False
            self._recovery.vanished(time.perf_counter())

    def _rise(self) -> None:
        self._write(0.0, wire.RESUME)
        self._write(0.0, wire.THRU if self._thru else wire.NO_THRU)
        self._write_now(self._recovery.returned())
        self._up = True

    def _partly(self, gone: bool, back: bool) -> None:
        """While others hear us, somebody has gone, or is back, or new: who is back gets what all get on a return."""
        if gone:
            self._recovery.vanished(time.perf_counter())
        elif self._up:
            self._write_now(self._recovery.returned() if back else self._recovery.programs())

    def _tell(self, word: bytes) -> None:
        with self._lock:
            if self._state == "ready":
                self._write(0.0, word)

    def _write_now(self, messages: list[bytes]) -> None:
        """In this order, in small portions."""
        now = time.perf_counter()
        for i, message in enumerate(messages):
            self._write(now + (i // BURST) * 0.01 + (i % BURST) * 1e-6, message)

    def _write(self, at: float, message: bytes) -> None:
        if not self._process.write(at, message):
            self._process.kill()  # its end, if it has not come yet, does the rest

    # --- the next process; in a thread of its own ---------------------------------------------------------------------

    def _keep(self) -> None:
        """Start a new process whenever one has ended, until the port is closed."""
        while self._wait_for_end():
            ended = self._process
            trouble, cause = ended.trouble, ended.cause
            if trouble:
                self._announce(f"{trouble.rstrip('.')}: holding until it is back.")
            ended.close()
            said = self._replace(cause, bool(trouble))
            if self._state == "ready":
                went = "" if said else f"went down ({cause}) and "
                self._announce(f"The MIDI port {self.name} {went}is back; what sounded is released.")
                if not self._up and self._opening.outputs:
                    self._announce(f"Waiting for {', '.join(self._opening.outputs)}: holding until it returns.")

    def _wait_for_end(self) -> bool:
        """Wait for the end of the process, a spare one at hand; False if the port is closed instead."""
        if self._spare is None and not self._closed:
            self._spare = self._make()
        with self._lock:
            self._lock.wait_for(lambda: self._closed or self._state == "ended")
            return not self._closed

    def _replace(self, cause: str, said: bool) -> bool:
        """Start processes until one is ready, or the port is closed; whether anything was said."""
        began = time.perf_counter()
        while True:
            self._start()
            with self._lock:
                while self._state in ("starting", "waiting") and not self._closed:
                    self._lock.wait(0.1)
                    now = time.perf_counter()
                    if now - self._alive > STARTING:
                        self._process.kill()
                    if not said and now - began > AT_ONCE:
                        said = True
                        self._announce(f"The MIDI port {self.name} has gone ({cause}): holding until it is back.")
            if self._state == "ready" or self._closed:
                return said
            self._process.close()
            with self._lock:
                if self._lock.wait_for(lambda: self._closed, PAUSE):
                    return said

    def _announce(self, text: str) -> None:
        self._news.append(text)
        self._wake()


def _empty(queue: deque[Any]) -> list[Any]:
    """Take everything out of a queue that other threads put into."""
    taken = []
    while queue:
        taken.append(queue.popleft())
    return taken

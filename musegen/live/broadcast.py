"""A view for a program instead of a person: JSON lines, thirty frames a second, and every message on its way out.

`FromJam` in studio/web/src/protocol.ts says what the lines are. A thread of its own writes them; whoever performs only
leaves word. A reader that stops reading holds up that thread and nothing else: no frames are made meanwhile, what waits
is bounded, and what has become worthless is left out. Knows nothing of what is played or by whom.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import MusegenError
from .clock import Clock, RealClock
from .frames import Frames, hello
from .messages import is_on
from .status import Status

FRAME = 1 / 30  # seconds
MOST = 4000
"""Messages and lines that may wait for the reader."""
STALE = 0.5  # seconds after its time at which the beginning of a note is not worth telling any more
GOODBYE = 1.0  # seconds that a slow reader is given at the end

_CANCEL = {"cancel": True}
_Message = tuple[float, bytes]


class Broadcast:
    """A `View` that writes to the file descriptor `out`; what is said before `start` waits for it."""

    def __init__(self, out: int, clock: Clock) -> None:
        self._out, self._clock = out, clock
        self._recording = ""
        self._lock = threading.Lock()
        self._waiting: list[_Message | dict[str, Any]] = []
        self._wake = threading.Event()
        self._full = self._ending = False
        self._status: Callable[[], Status] | None = None
        self._frames = Frames()
        self._thread = threading.Thread(target=self._loop, daemon=True, name="broadcast")

    # --- from any thread --------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A sentence for the person."""
        self._leave({"say": text})

    def midi(self, message: bytes, time: float) -> None:
        """`message` sounds at `time`."""
        self._leave((time, message))

    def cancel(self) -> None:
        """What was told and has not sounded yet never will, and what sounds ends."""
        self._leave(_CANCEL)

    def pong(self, number: float) -> None:
        """Answer a ping."""
        self._leave({"pong": number, "now": self._clock.now()})

    def full(self) -> None:
        """Have the next frame tell everything."""
        self._full = True

    def start(self, status: Callable[[], Status]) -> None:
        """Begin to write: what has waited so far comes after the first line, which introduces the jam."""
        self._status, now = status, status()
        self._recording = now.recording
        with self._lock:
            self._waiting.insert(0, {"hello": hello(now.checkpoint, now.recording)})
        self._thread.start()

    def stop(self) -> None:
        """No more frames."""
        self._status = None

    def end(self, error: str = "") -> None:
        """The last line, with what went wrong if anything did; a reader that does not take it soon misses it."""
        recording = self._recording if self._recording and os.path.exists(self._recording) else ""
        self._leave({"ended": {"error": error, "recording": recording}})
        self._ending = True
        self._wake.set()
        if not self._thread.ident:  # it ends before it began
            self._thread.start()
        self._thread.join(GOODBYE)

    def _leave(self, word: _Message | dict[str, Any]) -> None:
        with self._lock:
            if len(self._waiting) >= MOST:  # nobody reads; who comes back must hear no note for ever
                self._waiting = [_CANCEL]
            self._waiting.append(word)
        self._wake.set()

    # --- in its own thread ------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        due = 0.0
        try:
            while not self._ending:
                self._wake.wait(max(0.0, due - self._clock.now()))
                self._wake.clear()
                self._write_waiting()
                if (status := self._status) is not None and (now := self._clock.now()) >= due:
                    self._write_frame(status())
                    due = max(due + FRAME, now)
            self._write_waiting()
        except OSError:
            return  # nobody is there any more: whoever started us, or the end of our input, will end the music

    def _write_frame(self, status: Status) -> None:
        full, self._full = self._full, False
        self._write({"frame": self._frames.next(status, full)})

    def _write_waiting(self) -> None:
        with self._lock:
            words, self._waiting = self._waiting, []
        messages: list[list[Any]] = []
        stale = self._clock.now() - STALE
        for word in words:
            if isinstance(word, tuple):
                time, message = word
                if time > stale or not is_on(message):
                    messages.append([round(time, 6), message.hex()])
                continue
            if messages:
                self._write({"midi": messages})
                messages = []
            self._write(word)
        if messages:
            self._write({"midi": messages})

    def _write(self, line: dict[str, Any]) -> None:
        data = memoryview(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        while data:
            data = data[os.write(self._out, data) :]


@contextlib.contextmanager
def broadcast_on_stdout() -> Iterator[Broadcast]:
    """Standard output is the reader's alone: what anybody else prints goes to standard error. Tells how it ended."""
    out = os.dup(1)
    os.dup2(2, 1)
    page = Broadcast(out, RealClock())
    error = ""
    try:
        yield page
    except BaseException as cause:
        error = _sentence(cause)
        raise
    finally:
        page.end(error)
        os.dup2(out, 1)


def _sentence(cause: BaseException) -> str:
    if isinstance(cause, MusegenError):
        return str(cause)
    if isinstance(cause, OSError) and cause.filename is not None:
        return f"{cause.filename}: {cause.strerror}"
    return f"The jam broke off ({type(cause).__name__}: {cause})."

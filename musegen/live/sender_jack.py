"""Sending through JACK (or PipeWire's JACK): every message at its exact frame, from the process callback.

Runs only in a sender process: a busy thread beside it would make the callback late. Knows nothing of notes.
"""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType
from typing import Any

from .mailbox import Mailbox, Trouble, report_late
from .messages import BURST

PATIENCE = 2.0  # seconds without a cycle until the server counts as gone
_WRAP = 0xFFFFFFFF


class FrameClock:
    """Turns seconds into JACK's frames, following the sound card's clock without passing on any wobble.

    Two crystals differ by some 50 millionths, so the offset between the clocks is averaged over about ten seconds of
    cycles; messages of one cycle share one offset, so a chord never spreads. It is measured by when callbacks begin,
    not by JACK's frame_time, which takes ten seconds to settle after a stall. A callback is never early, so the first
    offset is the largest of some; and a server that stood still is believed after a few cycles.
    """

    SETTLING = 32  # cycles at first, and how many may be astray before the offset is found anew
    ASTRAY = 0.003  # seconds

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.start = 0
        self._offset: float | None = None
        self._last = 0
        self._settling = self.SETTLING
        self._astray: list[float] = []

    def cycle(self, last_frame: int, frames: int, now: float) -> None:
        """A cycle of `frames` that begins at `last_frame` (32 bits, wraps) was called back at `now`."""
        self.start = last_frame if self._offset is None else self.start + ((last_frame - self._last) & _WRAP)
        self._last = last_frame
        offset = self.start - now * self.rate
        if self._offset is None or self._settling > 0:
            self._offset = offset if self._offset is None else max(offset, self._offset)
            self._settling -= 1
        elif abs(offset - self._offset) > self.rate * self.ASTRAY:
            self._astray.append(offset)
            if len(self._astray) == self.SETTLING:
                self._offset = max(self._astray)
                self._astray.clear()
        else:
            self._astray.clear()
            self._offset += (offset - self._offset) * min(1.0, frames / self.rate / 10)

    def frame(self, seconds: float) -> float:
        """The frame (unwrapped) at `seconds`."""
        assert self._offset is not None
        return seconds * self.rate + self._offset

    def seconds(self, frame: float) -> float:
        """The time of an unwrapped frame."""
        assert self._offset is not None
        return (frame - self._offset) / self.rate


class JackSender:
    """A JACK client with one MIDI output, `name`:out, connected to the port `to` if given. Raises Trouble."""

    def __init__(self, name: str, to: str | None, mailbox: Mailbox) -> None:
        self._jack = load()
        self._mailbox = mailbox
        self._over = threading.Event()
        self._trouble = ""
        self._cycles = 0
        self._idle = 0
        try:
            self._client: Any = self._jack.Client(name, no_start_server=True)
        except self._jack.JackError:
            raise Trouble("No JACK server is running.") from None
        self._port = self._client.midi_outports.register("out")
        self._frames = FrameClock(float(self._client.samplerate))
        self._client.set_process_callback(self._process)
        self._client.set_shutdown_callback(self._shut_down)
        self._client.activate()
        self.name = str(self._port.name)
        if to:
            try:
                self._client.connect(self._port, to)
            except self._jack.JackError:
                raise Trouble(f"The JACK port {to!r} cannot be connected to.") from None

    def run(self) -> None:
        """Watch while the callback sends. Raises Trouble if the server ends or stands still."""
        late, seen, changed = 0, -1, time.perf_counter()
        while not self._over.wait(0.1):
            late = report_late(self._mailbox.outbox, late)
            now = time.perf_counter()
            if self._cycles != seen:
                seen, changed = self._cycles, now
            elif now - changed > PATIENCE:
                self._trouble = f"The JACK server stopped answering, so the port {self.name} has gone."
                break
        if self._trouble:
            raise Trouble(self._trouble)
        self._client.deactivate()
        self._client.close()

    def _process(self, frames: int) -> None:
        try:
            self._send(frames)
        except Exception as error:
            self._trouble = f"Sending on the port {self.name} failed ({type(error).__name__}: {error})."
            self._over.set()
            raise self._jack.CallbackExit from error

    def _send(self, frames: int) -> None:
        now = time.perf_counter()
        clock, outbox = self._frames, self._mailbox.outbox
        clock.cycle(self._client.last_frame_time, frames, now)
        self._mailbox.sort(now)
        self._port.clear_buffer()
        self._cycles += 1
        taken = outbox.take(clock.seconds(clock.start + frames - 0.5), clock.seconds(clock.start), BURST)
        for i, (due, message) in enumerate(taken):
            offset = round(clock.frame(due)) - clock.start
            try:
                self._port.write_midi_event(min(max(offset, 0), frames - 1), message)
            except self._jack.JackError:  # the buffer is full: the rest goes out in the next cycle
                for later, rest in taken[i:]:
                    outbox.push(rest, later)
                break
        # Once everything is out, a few more cycles make sure that it has been read.
        self._idle = self._idle + 1 if self._mailbox.finished else 0
        if self._idle > 3:
            self._over.set()

    def _shut_down(self, status: object, reason: str) -> None:
        self._trouble = f"The JACK server ended, so the port {self.name} has gone."
        self._over.set()


def load() -> ModuleType:
    """JACK-Client, with libjack's own chatter turned off. Raises Trouble with what to install."""
    try:
        import jack
    except ImportError:
        raise Trouble("JACK needs the package JACK-Client: run  pip install JACK-Client") from None
    except OSError:
        raise Trouble("JACK needs its library: install jackd2, or pipewire-jack (Linux), or jack2 (macOS)") from None
    jack.set_error_function(lambda _: None)
    jack.set_info_function(lambda _: None)
    module: ModuleType = jack
    return module


def probe() -> list[dict[str, object]]:
    """JACK as `ports.System` fields; nothing on a Windows machine without it, where nobody expects it."""
    row: dict[str, object] = {
        "key": "jack",
        "name": "JACK",
        "ready": False,
        "virtual": True,
        "outputs": [],
        "inputs": [],
        "missing": "",
    }
    try:
        jack = load()
    except Trouble as trouble:
        return [] if sys.platform == "win32" else [{**row, "missing": f"{trouble}."}]
    try:
        client = jack.Client("musegen-probe", no_start_server=True)
    except jack.JackError:
        return [{**row, "missing": "No JACK server is running: start one (jackd, QjackCtl, or PipeWire's JACK)."}]
    row["outputs"] = [p.name for p in client.get_ports(is_midi=True, is_input=True)]
    row["inputs"] = [p.name for p in client.get_ports(is_midi=True, is_output=True)]
    client.close()
    return [{**row, "ready": True}]

"""JACK (or PipeWire's JACK): every message goes out at its exact frame and is heard at its exact frame.

Runs only in a port process: a busy thread beside it would make the process callback late. Knows nothing of notes.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from types import ModuleType
from typing import Any

from .mailbox import Mailbox, Trouble, wait_or_close
from .messages import BURST
from .watch import Watch
from .wire import Opening

PATIENCE = 2.0  # seconds without a cycle until the server counts as gone
INSIST = 2.0  # … for which a name that is still taken by our own predecessor is asked for again
RETRY = 0.3  # … between two attempts to find a server
LOOK_EVERY = 0.5
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
    """A JACK client with one MIDI output, `out`, and one input, `in`. Raises Trouble, or Closed while it waits."""

    def __init__(self, opening: Opening, mailbox: Mailbox) -> None:
        self._jack = load()
        self._mailbox = mailbox
        self._over = threading.Event()
        self._stir = threading.Event()  # ports have come, gone or been connected
        self._trouble = ""
        self._cycles = 0
        self._idle = 0
        self._unsent: list[tuple[float, bytes]] = []
        self._loop = False  # we play to a program that we hear
        self._client: Any = self._open_client(opening)
        self._out = self._client.midi_outports.register("out")
        self._in = self._client.midi_inports.register("in")
        self.name, self.client = str(self._out.name), str(self._client.name)
        self._frames = FrameClock(float(self._client.samplerate))
        self._client.set_process_callback(self._process)
        self._client.set_shutdown_callback(self._shut_down)
        self._client.set_port_registration_callback(lambda *_: self._stir.set(), only_available=False)
        self._client.set_port_connect_callback(lambda *_: self._stir.set(), only_available=False)
        self._client.activate()
        self._watch = Watch(opening, mailbox)
        self._look()
        if opening.to and not opening.again and opening.to not in self._joined(self._out):
            self._client.close()
            raise Trouble(f"The JACK port {opening.to!r} cannot be connected to.")
        self._look()
        self._watch.opened()

    @property
    def state(self) -> dict[str, object]:
        """Its connections."""
        return self._watch.state

    def run(self) -> None:
        """Watch while the callback sends. Raises Trouble if the server ends or stands still."""
        seen, changed, looked = -1, time.perf_counter(), 0.0
        while not self._over.is_set():
            stirred = self._stir.wait(0.1)
            self._stir.clear()
            self._mailbox.look_after()
            now = time.perf_counter()
            if self._cycles != seen:
                seen, changed = self._cycles, now
            elif now - changed > PATIENCE:
                self._trouble = f"The JACK server stopped answering, so the port {self.name} has gone."
                break
            if (stirred or now - looked > LOOK_EVERY) and not self._over.is_set():
                looked = now
                self._look()
        if self._trouble:
            raise Trouble(self._trouble)
        self._client.deactivate()
        self._client.close()

    def _open_client(self, opening: Opening) -> Any:
        """A client of that name. When it opens again, it insists on its old name, until the server has let go of it."""
        insist = time.perf_counter() + (INSIST if opening.again else 0.0)
        while True:
            exact = time.perf_counter() < insist
            try:
                return self._jack.Client(opening.name, no_start_server=True, use_exact_name=exact)
            except self._jack.JackOpenError as error:
                taken = getattr(error.status, "name_not_unique", False)
                if not taken and not opening.again:
                    raise Trouble("No JACK server is running.") from None
                if not taken:
                    insist = time.perf_counter() + INSIST
                    self._mailbox.report("waiting")
            wait_or_close(self._mailbox, 0.01 if exact and taken else RETRY)

    def _look(self) -> None:
        now, client = time.perf_counter(), self._client
        try:
            takers = [p.name for p in client.get_ports(is_midi=True, is_input=True)]
            for name in self._watch.outputs(now, takers, self._joined(self._out)):
                self._connect(self._out.name, name)
            givers = [p.name for p in client.get_ports(is_midi=True, is_output=True)]
            physical = [p.name for p in client.get_ports(is_midi=True, is_output=True, is_physical=True)]
            for name in self._watch.inputs(now, givers, self._joined(self._in), physical):
                self._connect(name, self._in.name)
            self._loop = bool(self._programs(self._in) & self._programs(self._out))
        except self._jack.JackError:
            self._stir.set()  # something went away while we looked

    def _joined(self, port: Any) -> list[str]:
        return [p.name for p in self._client.get_all_connections(port)]

    def _programs(self, port: Any) -> set[str]:
        """The other programs that `port` is connected to; sockets of a sound card are none."""
        joined = self._client.get_all_connections(port)
        return {p.name.partition(":")[0] for p in joined if not p.is_physical} - {self.client}

    def _connect(self, source: str, destination: str) -> None:
        with contextlib.suppress(self._jack.JackError):  # gone again, or there already: the next look tells
            self._client.connect(source, destination)
        self._stir.set()

    def _process(self, frames: int) -> None:
        try:
            self._cycle(frames)
        except Exception as error:
            self._trouble = f"Sending on the port {self.name} failed ({type(error).__name__}: {error})."
            self._over.set()
            raise self._jack.CallbackExit from error

    def _cycle(self, frames: int) -> None:
        now = time.perf_counter()
        clock, junction = self._frames, self._mailbox.junction
        clock.cycle(self._client.last_frame_time, frames, now)
        self._mailbox.sort(now)
        self._out.clear_buffer()
        self._cycles += 1
        # JACK runs two programs that hear each other one after the other, so one of the two ways takes a cycle more.
        # Whichever it is: a master that records us finds us on its beat if its beats are a cycle older than they look.
        for offset, data in self._in.incoming_midi_events():
            message = bytes(data)
            age = frames if self._loop and message[0] >= 0xF0 else 0
            self._mailbox.hear(message, clock.seconds(clock.start + offset - age))
        end = clock.seconds(clock.start + frames - 0.5)
        self._unsent += junction.take(end, clock.seconds(clock.start), BURST - len(self._unsent))
        self._write(frames)
        # Once everything is out, a few more cycles make sure that it has been read.
        self._idle = self._idle + 1 if self._mailbox.finished and not self._unsent else 0
        if self._idle > 3:
            self._over.set()
            self._stir.set()

    def _write(self, frames: int) -> None:
        while self._unsent:
            due, message = self._unsent[0]
            offset = round(self._frames.frame(due)) - self._frames.start
            try:
                self._out.write_midi_event(min(max(offset, 0), frames - 1), message)
            except self._jack.JackError:  # the buffer is full: the rest goes out in the next cycle
                return
            self._unsent.pop(0)

    def _shut_down(self, status: object, reason: str) -> None:
        self._trouble = f"The JACK server ended, so the port {self.name} has gone."
        self._over.set()
        self._stir.set()


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
    row["period"] = client.blocksize / client.samplerate
    client.close()
    return [{**row, "ready": True}]

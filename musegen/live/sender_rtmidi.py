"""python-rtmidi: ALSA on Linux, CoreMIDI on macOS, WinMM on Windows.

These systems take a message and send it at once, so this process sleeps until just before each is due and spins the
rest; what comes in has the time of RtMidi's callback. They do not say what comes and goes, so that is looked up about
once a second. Runs only in a port process. Knows nothing of notes.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from types import ModuleType
from typing import Any, NamedTuple

from .mailbox import Mailbox, Trouble, spin_until
from .messages import BURST
from .watch import Watch
from .wire import Opening
from .wiring import same_port

SPIN = 0.0003  # seconds before a message is due at which sleeping stops
PORTION = 0.01  # … between two bursts
LOOK_EVERY = 0.5  # … between two looks at what is plugged in, if nothing is due within the next
FREE = 0.02
LOOK_AT_LAST = 3.0  # … even if messages follow each other without a gap
ALSA_THROUGH = 14  # the number of ALSA's own loop, "Midi Through"
ALSA_PROGRAMS = 128  # … from which on programs have theirs; sound cards and keyboards have lower ones


class _System(NamedTuple):
    name: str
    api: str  # the constant of rtmidi
    virtual: bool


SYSTEMS = {
    "alsa": _System("ALSA", "API_LINUX_ALSA", True),
    "coremidi": _System("CoreMIDI", "API_MACOSX_CORE", True),
    "winmm": _System("Windows MIDI", "API_WINDOWS_MM", False),
    "rtjack": _System("JACK through RtMidi", "API_UNIX_JACK", True),  # for comparison: it rounds to JACK's period
}
_OF_PLATFORM = {"linux": "alsa", "darwin": "coremidi", "win32": "winmm"}


class RtMidiSender:
    """A port on one of `SYSTEMS`: a virtual one, or the existing one to send to; and every port that is listened to.

    Raises Trouble, or Closed while it waits.
    """

    def __init__(self, opening: Opening, mailbox: Mailbox) -> None:
        self._rtmidi = load()
        self._mailbox, self._kind = mailbox, SYSTEMS[opening.system]
        self._api = getattr(self._rtmidi, self._kind.api)
        self.client = opening.name
        self._to = ""  # the port that is open for output, if it is not a virtual one
        self._virtual = not opening.to and not opening.outputs
        self._inputs: dict[str, Any] = {}
        self._heard: deque[tuple[float, bytes]] = deque()
        self._looked = 0.0
        self._watch = Watch(opening, mailbox)
        try:
            self._out: Any = self._rtmidi.MidiOut(self._api, name=opening.name)
            self._in: Any = self._rtmidi.MidiIn(self._api, name=opening.name)
            if self._virtual:
                self._out.open_virtual_port(self._port_name("out"))
            if self._kind.virtual:
                self._in.open_virtual_port(self._port_name("in"))
                self._attend(self._in)
            for _ in range(2):
                self._look()
        except (SystemError, NotImplementedError, self._rtmidi.RtMidiError) as error:
            raise Trouble(f"The {self._kind.name} port cannot be opened: {error}.") from None
        if opening.to and not opening.again and not self._to:
            raise Trouble(f"The {self._kind.name} port {opening.to!r} is not there any more.")
        self._watch.opened()
        self.name = opening.to or next(iter(opening.outputs), "") or f"{opening.name}:out"

    @property
    def state(self) -> dict[str, object]:
        """Its connections."""
        return self._watch.state

    def run(self) -> None:
        """Send and listen until the mailbox is finished."""
        mailbox, junction = self._mailbox, self._mailbox.junction
        while not mailbox.finished:
            now = time.perf_counter()
            mailbox.sort(now)
            while self._heard:
                at, message = self._heard.popleft()
                mailbox.hear(message, at)
            taken = junction.take(now + SPIN, now, BURST)
            for due, message in taken:
                spin_until(due)
                self._send(message)
            if len(taken) == BURST:
                time.sleep(PORTION)  # more than this at once is lost
            self._look_after()
            wait = min(junction.next_time - time.perf_counter() - SPIN, LOOK_EVERY)
            if wait > 0 and not mailbox.closing:
                mailbox.arrived.wait(wait)
            mailbox.arrived.clear()
        time.sleep(0.05)  # RtMidi sends from a thread of its own on some systems
        for port in (self._out, self._in, *self._inputs.values()):
            _close(port)

    def _look_after(self) -> None:
        """Tell the parent what it should know, and look what is plugged in: between notes, if there is time."""
        now = time.perf_counter()
        late = now - self._looked
        if late > LOOK_EVERY and (self._mailbox.junction.next_time > now + FREE or late > LOOK_AT_LAST):
            self._look()
            self._mailbox.look_after()

    def _look(self) -> None:
        now = self._looked = time.perf_counter()
        outputs = [str(p) for p in self._out.get_ports()]
        joined = [self._to] if self._to in outputs else []
        if self._to and not joined:
            self._out.close_port()
            self._to = ""
        for name in self._watch.outputs(now, outputs, joined):
            if not self._to:
                self._out.open_port(outputs.index(name), name="out")
                self._to = name
        inputs = [str(p) for p in self._in.get_ports()]
        for name in [n for n in self._inputs if n not in inputs]:
            _close(self._inputs.pop(name))
        offer = [name for name in inputs if self._is_keyboard(name)]
        for name in self._watch.inputs(now, inputs, list(self._inputs), offer):
            self._inputs[name] = port = self._rtmidi.MidiIn(self._api, name=self.client)
            port.open_port(inputs.index(name), name="in")
            self._attend(port)

    def _attend(self, port: Any) -> None:
        port.ignore_types(sysex=True, timing=False, active_sense=True)
        port.set_callback(self._arrive)

    def _arrive(self, event: tuple[list[int], float], data: object = None) -> None:
        """From a thread of RtMidi's: something came in."""
        self._heard.append((time.perf_counter(), bytes(event[0])))
        self._mailbox.arrived.set()

    def _send(self, message: bytes) -> None:
        try:
            self._out.send_message(message)
        except (SystemError, self._rtmidi.RtMidiError):  # unplugged, as WinMM puts it: the next look tells
            self._looked = 0.0

    def _port_name(self, end: str) -> str:
        """CoreMIDI shows people the port's name alone, the others the client's before it."""
        return self.client if self._kind.api == "API_MACOSX_CORE" else end

    def _is_keyboard(self, name: str) -> bool:
        """Whether to listen to `name` unasked: not to programs, if the system lets one know, nor to ourselves."""
        if self._kind.api == "API_UNIX_JACK" or same_port(self._to, [name]):
            return False
        if self._kind.api == "API_LINUX_ALSA":
            client = name.rpartition(" ")[2].partition(":")[0]
            return client.isdigit() and ALSA_THROUGH != int(client) < ALSA_PROGRAMS
        return name != self.client


def _close(port: Any) -> None:
    if hasattr(port, "cancel_callback"):
        port.cancel_callback()
    port.close_port()
    port.delete()


def load() -> ModuleType:
    """python-rtmidi. Raises Trouble with how to get it."""
    try:
        import rtmidi
    except ImportError:
        raise Trouble(
            "This system's MIDI needs the package python-rtmidi: run  pip install python-rtmidi  (ready-made up to "
            "Python 3.12; from 3.13 on pip builds it, which needs a C++ compiler)"
        ) from None
    module: ModuleType = rtmidi
    return module


def probe() -> list[dict[str, object]]:
    """The system of this platform as `ports.System` fields."""
    key = _OF_PLATFORM.get(sys.platform)
    if key is None:
        return []
    kind = SYSTEMS[key]
    row: dict[str, object] = {
        "key": key,
        "name": kind.name,
        "ready": False,
        "virtual": kind.virtual,
        "outputs": [],
        "inputs": [],
        "missing": "",
    }
    if key == "alsa" and not os.path.exists("/dev/snd/seq"):
        return [{**row, "missing": "This machine has no ALSA sequencer (no /dev/snd/seq: try  modprobe snd-seq)."}]
    try:
        rtmidi = load()
        api = getattr(rtmidi, kind.api)
        out, into = rtmidi.MidiOut(api), rtmidi.MidiIn(api)
    except Trouble as trouble:
        return [{**row, "missing": f"{trouble}."}]
    except (SystemError, rtmidi.RtMidiError) as error:
        return [{**row, "missing": f"{kind.name} does not answer: {error}."}]
    row["outputs"], row["inputs"] = list(out.get_ports()), list(into.get_ports())
    out.delete()
    into.delete()
    return [{**row, "ready": True}]

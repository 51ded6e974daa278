"""Sending through python-rtmidi: ALSA on Linux, CoreMIDI on macOS, WinMM on Windows.

These systems take a message and send it at once, so this process sleeps until just before each is due and
spins the rest. Runs only in a sender process. Knows nothing of notes.
"""

from __future__ import annotations

import os
import sys
import time
from types import ModuleType
from typing import Any, NamedTuple

from .mailbox import Mailbox, Trouble, report_late, spin_until
from .messages import BURST

SPIN = 0.0003  # seconds before a message is due at which sleeping stops


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
    """A port called `name`, or the existing port `to`, on one of `SYSTEMS`. Raises Trouble."""

    def __init__(self, system: str, name: str, to: str | None, mailbox: Mailbox) -> None:
        rtmidi = load()
        self._mailbox = mailbox
        kind = SYSTEMS[system]
        try:
            self._out: Any = rtmidi.MidiOut(getattr(rtmidi, kind.api), name=name)
            ports = [str(p) for p in self._out.get_ports()]
            if to is None:
                self._out.open_virtual_port("out")
            else:
                self._out.open_port(ports.index(to), name="out")
        except ValueError:
            raise Trouble(f"The {kind.name} port {to!r} is not there any more.") from None
        except (SystemError, NotImplementedError, rtmidi.RtMidiError) as error:
            raise Trouble(f"The {kind.name} port cannot be opened: {error}.") from None
        self.name = to or f"{name}:out"

    def run(self) -> None:
        """Send until the mailbox is finished."""
        mailbox, outbox, late = self._mailbox, self._mailbox.outbox, 0
        while not mailbox.finished:
            now = time.perf_counter()
            mailbox.sort(now)
            taken = outbox.take(now + SPIN, now, BURST)
            for due, message in taken:
                spin_until(due)
                self._out.send_message(message)
            if len(taken) == BURST:
                time.sleep(0.01)  # more than this at once is lost
            late = report_late(outbox, late)
            wait = min(outbox.next_time - time.perf_counter() - SPIN, 0.5)
            if wait > 0 and not mailbox.closing:
                mailbox.arrived.wait(wait)
            mailbox.arrived.clear()
        time.sleep(0.05)  # RtMidi sends from a thread of its own on some systems
        self._out.close_port()
        self._out.delete()


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

"""The sender process: `python -m musegen.live.sender SYSTEM NAME [PORT]`, or `… probe`.

Reads messages with times from its standard input (`wire.py`), sends each on time, and keeps its own record of
what sounds. If the pipe ends, because its parent closed it or died, it silences everything and ends. Reports on
standard output, a line of JSON each. It is started by `remote.py` and imports nothing that it does not need.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
from typing import Protocol

from . import wire
from .mailbox import Mailbox, Trouble, report, report_late


class Backend(Protocol):
    """One MIDI system's way of sending what a mailbox holds."""

    name: str

    def run(self) -> None:
        """Send until the mailbox is finished. Raises Trouble if the port goes."""
        ...


def read_pipe(mailbox: Mailbox) -> None:
    """Post everything that comes in; the end of the pipe is a CLOSE."""
    unpacker = wire.Unpacker()
    while data := os.read(0, 65536):
        for at, message in unpacker.feed(data):
            mailbox.post(at, message)
    mailbox.post(0.0, wire.CLOSE)


def be_punctual() -> None:
    """Ask for real-time priority (where permitted) and for no pauses: no collector, quick thread switches."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.disable()


def open_backend(system: str, name: str, to: str | None, mailbox: Mailbox) -> Backend:
    """The backend for `system`. Raises Trouble."""
    if system == "jack":
        from .sender_jack import JackSender

        return JackSender(name, to, mailbox)
    from .sender_rtmidi import RtMidiSender

    return RtMidiSender(system, name, to, mailbox)


def serve(system: str, name: str, to: str | None) -> int:
    """Open the port, send until told to end; the exit status."""
    mailbox = Mailbox()
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)  # the parent decides when to end
    signal.signal(signal.SIGTERM, lambda *_: mailbox.post(0.0, wire.CLOSE))
    try:
        backend = open_backend(system, name, to, mailbox)
        be_punctual()
        threading.Thread(target=read_pipe, args=(mailbox,), daemon=True).start()
        report("ready", name=backend.name)
        backend.run()
    except Trouble as trouble:
        report("trouble", text=str(trouble))
        sys.stdout.flush()
        os._exit(1)  # the client library may hang in its destructors once its server has gone
    report_late(mailbox.outbox, 0)
    return 0


def probe() -> list[dict[str, object]]:
    """What `ports.available` returns, as plain data."""
    from . import sender_jack, sender_rtmidi

    return [*sender_jack.probe(), *sender_rtmidi.probe()]


def main(arguments: list[str]) -> int:
    """Run as a process; returns the exit status."""
    if arguments == ["probe"]:
        print(json.dumps(probe()))
        return 0
    system, name, *rest = arguments
    return serve(system, name, rest[0] if rest else None)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The port process: `python -m musegen.live.sender SYSTEM`, or `… probe`. It holds one real port, output and input.

Reads messages with times from its standard input (`wire.py`), sends each on time, keeps its own ledger of what sounds,
and writes what it hears to its standard output, at once. If the pipe ends, because its parent closed it or died, it
silences everything and ends. It is started by `remote.py` and imports nothing that it does not need.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from . import wire
from .mailbox import Closed, Mailbox, Outlet, Trouble, wait_or_close


class Backend(Protocol):
    """One MIDI system's way of sending what a mailbox holds, and of listening."""

    name: str
    """Of the port, as other programs see it."""
    client: str
    """What to call it when it is opened again."""

    @property
    def state(self) -> dict[str, object]:
        """Its connections (`Watch.state`)."""
        ...

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


def await_opening(mailbox: Mailbox) -> wire.Opening:
    """What to open; a spare process waits long for it. Raises Closed."""
    while mailbox.opening is None:
        wait_or_close(mailbox, 60.0)
    return mailbox.opening


def be_punctual() -> None:
    """Ask for real-time priority (where permitted) and for no pauses: no collector, quick thread switches."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.disable()


def load_backend(system: str) -> Callable[[wire.Opening, Mailbox], Backend]:
    """The backend of that system, which may raise Trouble or Closed when called."""
    if system == "jack":
        from .sender_jack import JackSender, load

        load()
        return JackSender
    from . import sender_rtmidi

    sender_rtmidi.load()
    return sender_rtmidi.RtMidiSender


def serve(system: str) -> int:
    """Open the port as soon as told to, send until told to end; the exit status."""
    mailbox = Mailbox(Outlet(1))
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)  # the parent decides when to end
    signal.signal(signal.SIGTERM, lambda *_: mailbox.post(0.0, wire.CLOSE))
    threading.Thread(target=read_pipe, args=(mailbox,), daemon=True).start()
    try:
        make = load_backend(system)
        backend = make(await_opening(mailbox), mailbox)
        be_punctual()
        mailbox.report("ready", name=backend.name, client=backend.client, **backend.state)
        backend.run()
    except Closed:
        return 0
    except Trouble as trouble:
        mailbox.report("trouble", text=str(trouble))
        os._exit(1)  # the client library may hang in its destructors once its server has gone
    mailbox.look_after()
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
    return serve(arguments[0])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

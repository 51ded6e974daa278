"""Ports: where MIDI goes, behind one contract, and which of them this machine has.

A real port is a small *port process* of its own (`sender.py`): JACK-Client where a JACK or PipeWire server runs,
otherwise python-rtmidi for ALSA, CoreMIDI and WinMM. It is told each message some time ahead and sends it on time
however busy this process is; what it hears it says at once. A machine without a MIDI system gets `NoPort`.
No MIDI library is ever loaded into this process. Knows nothing of notes or of musical time.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ..errors import PortError


class Port(Protocol):
    """Where messages go to and come from. All times are those of the clock that everything live shares.

    `testing.LoopbackPort` obeys the whole contract, faults included.
    """

    @property
    def name(self) -> str:
        """What to look for in another program's list of MIDI inputs."""
        ...

    @property
    def lookahead(self) -> float:
        """How many seconds before its time the port likes to be given a message."""
        ...

    @property
    def up(self) -> bool:
        """False while the port has vanished: what is sent then goes nowhere, and what sounded is released on return."""
        ...

    def send(self, message: bytes, time: float) -> None:
        """Send one channel, clock or song position message at `time`. Raises PortError if the port is gone for good."""
        ...

    def cancel(self) -> None:
        """Forget what has not gone out yet, except that the ends of notes and pedals among it go out at once."""
        ...

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in since the last call, as (time of arrival, message), in order.

        Channel messages, song position and clock (F2 F8 FA FB FC); what this port sent itself is taken out.
        """
        ...

    def news(self) -> list[str]:
        """Sentences for the person since the last call: what vanished, what returned, what is heard."""
        ...

    def thru(self, on: bool) -> None:
        """Pass the channel messages that come in straight on to the output, or no longer."""
        ...

    def listen(self, wake: Callable[[], None]) -> None:
        """From now on call `wake`, from any thread, as soon as there is something to receive."""
        ...

    def check(self) -> None:
        """Raise PortError if the port is gone for good."""
        ...

    def close(self) -> None:
        """End what sounds and let go of the port. Never raises; twice is once."""
        ...


class NoInput:
    """The part of a port that has no input and never vanishes."""

    up = True

    def receive(self) -> list[tuple[float, bytes]]:
        """Nothing."""
        return []

    def news(self) -> list[str]:
        """Nothing."""
        return []

    def thru(self, on: bool) -> None:
        """Do nothing."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Do nothing."""


class NoPort(NoInput):
    """Where there is no MIDI system: takes everything, sends nothing."""

    name = ""
    lookahead = 0.1

    def send(self, message: bytes, time: float) -> None:
        """Do nothing."""

    def cancel(self) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Never gone."""

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class System:
    """One MIDI system as found on this machine.

    `key` is what `sender.py` calls it; `ready` whether a port can be opened on it now; `virtual` whether it can
    make ports of its own; `outputs` where musegen can send to, `inputs` where it can listen; `missing` is one
    sentence on how to get it, empty if ready. `period` is how many seconds its server takes at a time, 0 if it has no
    such thing.
    """

    key: str
    name: str
    ready: bool
    virtual: bool = True
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    missing: str = ""
    period: float = 0.0


def available(timeout: float = 10.0) -> list[System]:
    """The MIDI systems this kind of machine can have, best first.

    Asked in a process of its own, so that a server that hangs cannot hang us. Raises PortError if it does.
    """
    from .remote import sender_command, sender_environment

    try:
        answer = subprocess.run(
            sender_command("probe"),
            capture_output=True,
            timeout=timeout,
            env=sender_environment(),
            check=True,
            start_new_session=True,  # Ctrl-C is for us, who may be about to end well
        )
    except subprocess.TimeoutExpired:
        raise PortError("The MIDI system of this machine does not answer: restart its server and try again.") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise PortError(f"The MIDI systems of this machine cannot be listed: {last}") from None
    return [
        System(**{**row, "outputs": tuple(row["outputs"]), "inputs": tuple(row["inputs"])})
        for row in json.loads(answer.stdout)
    ]


def ports_view(systems: Sequence[System]) -> dict[str, Any]:
    """`systems` as a program is told (`Ports` in studio/web/src/protocol.ts)."""
    keys = ("name", "ready", "missing", "outputs", "inputs", "virtual")
    return {"systems": [{key: asdict(system)[key] for key in keys} for system in systems]}


def open_port(
    name: str = "musegen",
    to: str | None = None,
    systems: Sequence[System] | None = None,
    source: str | None = None,
) -> Port:
    """The best port this machine has: a virtual one called `name`, connected to the port `to` if given.

    It listens to `source`, or else to every keyboard that is or will be plugged in. Returns `NoPort` where there is no
    MIDI system at all and no port was asked for. Raises PortError with what to do where one was asked for and is not
    there, or where the system has no virtual ports (Windows).
    """
    from .live_port import LivePort

    ready = [s for s in (available() if systems is None else systems) if s.ready]
    if to is None and source is None:
        for system in ready:
            if system.virtual:
                return LivePort(system.key, name)
        if ready:
            raise PortError(no_virtual_ports(ready[0]))
        return NoPort()
    for system in ready:
        output = to and find_port(to, system.outputs)
        found = source and find_port(source, system.inputs)
        if (to is None or output) and (source is None or found) and (system.virtual or output):
            return LivePort(system.key, name, output, found)
    if to is not None and not any(find_port(to, s.outputs) for s in ready):
        raise PortError(_no_such_port(to, [p for s in ready for p in s.outputs], "send to"))
    if source is not None and not any(find_port(source, s.inputs) for s in ready):
        raise PortError(_no_such_port(source, [p for s in ready for p in s.inputs], "listen to"))
    if to is None:
        raise PortError(no_virtual_ports(ready[0]))
    raise PortError(f"The ports {to!r} and {source!r} belong to different MIDI systems: see  musegen ports")


def find_port(wanted: str, ports: Sequence[str]) -> str | None:
    """The port called `wanted`: exactly, else without regard to case, else the only one that contains it."""
    if wanted in ports:
        return wanted
    small = wanted.casefold()
    same = [p for p in ports if p.casefold() == small] or [p for p in ports if small in p.casefold()]
    return same[0] if len(same) == 1 else None


def _no_such_port(wanted: str, ports: Sequence[str], purpose: str) -> str:
    if not ports:
        return f"There is no MIDI port called {wanted!r}, nor any other to {purpose}: see  musegen ports"
    matching = [p for p in ports if wanted.casefold() in p.casefold()]
    if len(matching) > 1:
        return f"{wanted!r} could be any of these ports: {', '.join(matching)}; give more of the name."
    return f"There is no MIDI port called {wanted!r}; there are: {', '.join(ports)}."


def no_virtual_ports(system: System) -> str:
    """Why a jam cannot make a port of its own there, and what to do."""
    here = f"; ports found here: {', '.join(system.outputs)}" if system.outputs else ""
    return (
        f"{system.name} has no virtual ports, so musegen cannot make one: install loopMIDI or Windows MIDI Services, "
        f"make a port there and name it with  --port NAME{here}."
    )

"""Listening on this machine: a port that plays a synthesiser in a thread, and two ports as one.

The synthesiser is whatever has the methods of `Synth` (`musegen.audio.LiveSynth` does). Its thread is as punctual as
Python's threads are, some milliseconds: good enough to hear what is played, which is what it is for.
"""

from __future__ import annotations

import threading
from typing import Protocol

from ..errors import PortError
from .around import Around
from .clock import Clock
from .ledger import Outbox
from .messages import BURST, is_off, is_on
from .ports import NoInput, Port


class Synth(Protocol):
    """What a `SynthPort` needs; called from one thread at a time."""

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        """Start a note."""
        ...

    def note_off(self, channel: int, pitch: int) -> None:
        """End a note."""
        ...

    def program(self, channel: int, program: int) -> None:
        """Choose an instrument."""
        ...

    def control(self, channel: int, number: int, value: int) -> None:
        """Move a controller, the mode messages (CC 120 and up) among them."""
        ...

    def all_off(self) -> None:
        """Silence at once."""
        ...

    def close(self) -> None:
        """Silence, and let go of the sound card."""
        ...


class SynthPort(NoInput):
    """Plays `synth`, and closes it."""

    name = ""
    lookahead = 0.1

    def __init__(self, synth: Synth, clock: Clock) -> None:
        self._synth, self._clock = synth, clock
        self._outbox = Outbox(tolerance=0.1)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def send(self, message: bytes, time: float) -> None:
        """Play `message` at `time`."""
        with self._lock:
            self._outbox.push(message, time)
        self._wake.set()

    def cancel(self) -> None:
        """Forget what is not due, but end notes."""
        with self._lock:
            self._outbox.cancel(self._clock.now())
        self._wake.set()

    def check(self) -> None:
        """Raise PortError if the synthesiser's thread has ended."""
        if not self._thread.is_alive() and not self._ending:
            raise PortError("The synthesiser stopped playing: use a MIDI port instead of  --listen.")

    def close(self) -> None:
        """Silence."""
        if not self._ending:
            self._ending = True
            self._wake.set()
            self._thread.join(2.0)
            self._synth.all_off()
            self._synth.close()

    def _loop(self) -> None:
        while not self._ending:
            now = self._clock.now()
            with self._lock:
                taken = self._outbox.take(now, now, BURST)
                wait = self._outbox.next_time - now
            for _, message in taken:
                self._play(message)
            if not taken:
                self._wake.wait(min(max(wait, 0.0005), 0.5))
                self._wake.clear()

    def _play(self, message: bytes) -> None:
        channel = message[0] & 0x0F
        if is_on(message):
            self._synth.note_on(channel, message[1], message[2])
        elif is_off(message):
            self._synth.note_off(channel, message[1])
        elif message[0] & 0xF0 == 0xC0:
            self._synth.program(channel, message[1])
        elif message[0] & 0xF0 == 0xB0:
            self._synth.control(channel, message[1], message[2])


class BothPorts(Around):
    """Sends everything to two ports; the first gives the name. With thru, the second plays what the first hears."""

    def __init__(self, first: Port, second: Port) -> None:
        super().__init__(first)
        self._ports = (first, second)
        self._thru = False

    @property
    def lookahead(self) -> float:
        """The longer of the two."""
        return max(port.lookahead for port in self._ports)

    @property
    def up(self) -> bool:
        """Whether either is there: what can still be heard plays on."""
        return any(port.up for port in self._ports)

    def send(self, message: bytes, time: float) -> None:
        """Send to both."""
        for port in self._ports:
            port.send(message, time)

    def cancel(self) -> None:
        """Cancel on both."""
        for port in self._ports:
            port.cancel()

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in on the first."""
        received = self._port.receive()
        for time, message in received if self._thru else []:
            self._ports[1].send(message, time)
        return received

    def news(self) -> list[str]:
        """Those of both."""
        return [text for port in self._ports for text in port.news()]

    def thru(self, on: bool) -> None:
        """On both: inside the first, and to the second from the next `receive` on."""
        self._thru = on
        self._port.thru(on)

    def check(self) -> None:
        """Raise PortError if either has gone."""
        for port in self._ports:
            port.check()

    def close(self) -> None:
        """Close both."""
        for port in self._ports:
            port.close()

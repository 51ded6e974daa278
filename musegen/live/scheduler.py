"""The scheduler: hands each message to the port ahead of its time, and owns the ledger of sounding notes.

It takes whole notes, so a note's off is known with its on and a stalled model cannot leave a note hanging.
Knows nothing of musical time, models or where the port leads. The written policy:

- a note-on later than the tolerance is dropped, with its off, and counted; a note that was struck always gets its off;
- striking a key that still sounds ends the older note first, and the older note's own off is then *stale* and
  is not sent: every note-on gets exactly one note-off;
- `panic` ends everything, whatever state the rest is in.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from .clock import Clock
from .messages import BURST, Key, note_off, note_on, silence
from .ports import Port


class Sound(NamedTuple):
    """A note as it will be sent: clock time in seconds, duration in seconds, channel 0-15."""

    onset: float
    duration: float
    channel: int
    pitch: int
    velocity: int


class _Due(NamedTuple):
    time: float
    rank: int  # within one moment: offs, controls, ons
    order: int
    identity: int  # of the note; 0 for a plain message
    message: bytes


_OFF, _PLAIN, _ON = 0, 1, 2

SHORTEST = 0.001
"""Seconds. An off is at least this much later than its on, so that no port can turn the two round."""


class Scheduler:
    """Sends notes through `port` at their times on `clock`; call `advance` at least every `port.lookahead` seconds."""

    def __init__(self, clock: Clock, port: Port, tolerance: float = 0.03) -> None:
        self.clock = clock
        self.port = port
        self.tolerance = tolerance
        self.late = 0
        self.stale = 0
        self.last_time = clock.now()
        """When the latest message handed over so far is due."""
        self._heap: list[_Due] = []
        self._count = 0
        self._ledger: dict[Key, int] = {}
        self._handed: dict[Key, float] = {}
        self._channels: set[int] = set()

    @property
    def sounding(self) -> frozenset[Key]:
        """The keys (channel, pitch) whose on was handed to the port and whose off was not."""
        return frozenset(self._ledger)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing sounds."""
        return not self._heap and not self._ledger

    def play(self, sound: Sound) -> int:
        """Take a note; returns its identity, which no other note ever has."""
        self._count += 1
        identity = self._count
        on = note_on(sound.channel, sound.pitch, sound.velocity)
        heapq.heappush(self._heap, _Due(sound.onset, _ON, identity, identity, on))
        off = note_off(sound.channel, sound.pitch)
        end = sound.onset + max(sound.duration, SHORTEST)
        heapq.heappush(self._heap, _Due(end, _OFF, identity, identity, off))
        return identity

    def send(self, message: bytes, time: float) -> None:
        """Take a message that is no note (a program change, a controller) for `time`."""
        self._count += 1
        heapq.heappush(self._heap, _Due(time, _PLAIN, self._count, 0, message))

    def advance(self) -> float:
        """Hand over all that is due within the port's look-ahead; returns when the next message is due.

        Raises PortError if the port has gone.
        """
        now = self.clock.now()
        while self._heap and self._heap[0].time <= now + self.port.lookahead:
            due = heapq.heappop(self._heap)
            if due.rank == _ON:
                self._strike(due, now)
            elif due.rank == _OFF:
                self._release(due)
            else:
                self._hand(due.message, due.time)
        return self._heap[0].time if self._heap else float("inf")

    def panic(self) -> None:
        """End every sound now: offs for what sounds, then CC 64, 123 and 120 on the channels used, in small chunks.

        Raises PortError if the port has gone; the ledger is empty either way.
        """
        self._heap.clear()
        messages = silence(self._ledger, self._channels)
        self._ledger.clear()
        self.port.cancel()
        now = self.clock.now()
        for i, message in enumerate(messages):
            self._hand(message, now + (i // BURST) * 0.01 + (i % BURST) * 1e-6)

    def _strike(self, due: _Due, now: float) -> None:
        if due.time < now - self.tolerance:
            self.late += 1
            return
        key = (due.message[0] & 0x0F, due.message[1])
        # A note played at the last moment must not overtake what was handed over for its key.
        time = max(due.time, self._handed.get(key, due.time))
        if key in self._ledger:
            time = max(due.time, self._handed[key] + SHORTEST)
            self._hand(note_off(*key), time)
        self._ledger[key] = due.identity
        self._hand(due.message, time)

    def _release(self, due: _Due) -> None:
        key = (due.message[0] & 0x0F, due.message[1])
        if self._ledger.get(key) != due.identity:
            self.stale += 1
            return
        del self._ledger[key]
        self._hand(due.message, max(due.time, self._handed[key] + SHORTEST))

    def _hand(self, message: bytes, time: float) -> None:
        channel = message[0] & 0x0F
        self._channels.add(channel)
        if message[0] & 0xE0 == 0x80:
            self._handed[channel, message[1]] = time
        self.last_time = max(self.last_time, time)
        self.port.send(message, time)

"""The scheduler: hands each message to the port ahead of its time, and owns the ledger of sounding notes.

A note's beginning and its end are given separately, since the tempo may change while a long note sounds; whoever
strikes a note must release it, or call `panic`. Knows nothing of musical time or models. The written policy:

- a note-on later than the tolerance is dropped, with its off, and counted; a note that was struck always gets its off;
- striking a key that still sounds ends the older note first, and the older note's own off is then *stale* and
  is not sent: every note-on gets exactly one note-off;
- `panic` ends everything, whatever state the rest is in;
- where the port has vanished, everything is forgotten: the port itself releases what sounded when it returns.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import NamedTuple

from .clock import Clock
from .ledger import Ledger
from .messages import BURST, Key, note_off, note_on
from .ports import Port
from .status import Lateness


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


class _Note(NamedTuple):
    onset: float
    key: Key


_OFF, _PLAIN, _ON = 0, 1, 2

SHORTEST = 0.001
"""Seconds. An off is at least this much later than its on, so that no port can turn the two round."""
REMEMBERED = 1000  # messages whose lateness is known


class Scheduler:
    """Sends notes through `port` at their times on `clock`; call `advance` at least every `port.lookahead` seconds."""

    def __init__(self, clock: Clock, port: Port, tolerance: float = 0.03) -> None:
        self.clock = clock
        self.port = port
        self.tolerance = tolerance
        self.late = 0
        """Note-ons dropped because they came too late."""
        self.stale = 0
        """Ends of notes that had been ended, or were never struck."""
        self.dropped = 0
        """Notes forgotten before they were struck: by a panic, or because the port had vanished."""
        self.last_time = clock.now()
        """When the latest message handed over so far is due."""
        self._heap: list[_Due] = []
        self._count = 0
        self._endless: dict[int, _Note] = {}  # notes whose end is not known
        self._ledger = Ledger()
        self._handed: dict[Key, float] = {}
        self._behind: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def sounding(self) -> frozenset[Key]:
        """The keys (channel, pitch) whose on was handed to the port and whose end was not: key up, and pedal up."""
        return frozenset(self._ledger.sounding)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing sounds."""
        return not self._heap and not self._ledger.held and not self._ledger.ringing

    @property
    def lateness(self) -> Lateness:
        """How late the last 1000 messages were handed over, in milliseconds; 0 is on time or ahead of it."""
        behind = sorted(self._behind) or [0.0]
        p50, p99 = (1000 * behind[int(q * (len(behind) - 1))] for q in (0.5, 0.99))
        return Lateness(p50, p99, 1000 * behind[-1], self.late)

    def strike(self, time: float, channel: int, pitch: int, velocity: int) -> int:
        """Take the beginning of a note at `time` (seconds); returns its identity, which no other note ever has."""
        identity = self._push(time, _ON, note_on(channel, pitch, velocity))
        self._endless[identity] = _Note(time, (channel, pitch))
        return identity

    def release(self, identity: int, time: float) -> None:
        """Take the end of a note at `time`. One that has ended, or is unknown, is ignored."""
        note = self._endless.pop(identity, None)
        if note is not None:
            self._push(max(time, note.onset + SHORTEST), _OFF, note_off(*note.key), identity)

    def play(self, sound: Sound) -> int:
        """Take a whole note; returns its identity."""
        identity = self.strike(sound.onset, sound.channel, sound.pitch, sound.velocity)
        self.release(identity, sound.onset + sound.duration)
        return identity

    def send(self, message: bytes, time: float) -> None:
        """Take a message that is no note (a program change, a controller, a clock tick) for `time`."""
        self._push(time, _PLAIN, message)

    def advance(self) -> float:
        """Hand over all that is due within the port's look-ahead; returns when the next message is due.

        If the port has vanished, everything is forgotten instead. Raises PortError if it has gone for good.
        """
        if not self.port.up:
            self.lost()
            return float("inf")
        now = self.clock.now()
        while self._heap and self._heap[0].time <= now + self.port.lookahead:
            due = heapq.heappop(self._heap)
            self._behind.append(max(0.0, now - due.time))
            if due.rank == _ON:
                self._strike(due, now)
            elif due.rank == _OFF:
                self._release(due)
            else:
                self._hand(due.message, due.time)
        return self._heap[0].time if self._heap else float("inf")

    def panic(self) -> None:
        """End every sound now: offs for what sounds, then CC 123, 120 and 64 on the channels used, in small chunks.

        Raises PortError if the port has gone; the ledger is empty either way.
        """
        messages = self._ledger.silence()
        self._forget()
        self.port.cancel()
        now = self.clock.now()
        for i, message in enumerate(messages):
            self._hand(message, now + (i // BURST) * 0.01 + (i % BURST) * 1e-6)

    def lost(self) -> None:
        """Forget everything without sending: the port has vanished."""
        self._forget()
        self._handed.clear()

    def _forget(self) -> None:
        self.dropped += sum(due.rank == _ON for due in self._heap)
        self._heap.clear()
        self._endless.clear()
        self._ledger.clear()

    def _push(self, time: float, rank: int, message: bytes, identity: int = 0) -> int:
        self._count += 1
        identity = identity or (self._count if rank == _ON else 0)
        heapq.heappush(self._heap, _Due(time, rank, self._count, identity, message))
        return identity

    def _strike(self, due: _Due, now: float) -> None:
        if due.time < now - self.tolerance:
            self.late += 1
            self._endless.pop(due.identity, None)
            return
        key = (due.message[0] & 0x0F, due.message[1])
        # A note played at the last moment must not overtake what was handed over for its key.
        time = max(due.time, self._handed.get(key, due.time))
        if key in self._ledger.held:
            self._endless.pop(self._ledger.held[key], None)
            time = max(due.time, self._handed[key] + SHORTEST)
            self._hand(note_off(*key), time)
        self._hand(due.message, time, due.identity)

    def _release(self, due: _Due) -> None:
        key = (due.message[0] & 0x0F, due.message[1])
        if self._ledger.held.get(key) != due.identity:
            self.stale += 1
            return
        self._hand(due.message, max(due.time, self._handed[key] + SHORTEST))

    def _hand(self, message: bytes, time: float, identity: int = 0) -> None:
        if message[0] & 0xE0 == 0x80:
            self._handed[message[0] & 0x0F, message[1]] = time
        self._ledger.take(message, identity)
        self.last_time = max(self.last_time, time)
        self.port.send(message, time)

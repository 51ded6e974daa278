"""The ledger of sounding notes, and the queue in which messages wait for their time.

Shared by the scheduler, the recorder and the port processes. Knows nothing of ports or of musical time.
Source: MIDI 1.0 Detailed Specification 4.2.1, Table III (hold pedal, mode messages).
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from .messages import (
    BURST,
    PEDAL_DOWN,
    SUSTAIN,
    Key,
    control,
    is_channel,
    is_off,
    is_on,
    is_pedal_up,
    note_off,
    rank,
    silence,
)


class Ledger:
    """What the messages that went out left sounding, and by whom each key is held.

    A key that is released while its channel's sustain pedal is down sounds on until the pedal goes up. The mode
    messages (CC 120, 123) end nothing here, since not every synthesiser obeys them.
    """

    def __init__(self) -> None:
        self.held: dict[Key, int] = {}
        """The keys that are down, with the identity they were struck with."""
        self.ringing: set[Key] = set()
        """The keys that are up, and sound because of a pedal."""
        self.channels: set[int] = set()
        """Every channel used."""
        self.programs: dict[int, bytes] = {}
        """The latest program change of each channel."""
        self.pedals: set[int] = set()
        """The channels whose sustain pedal is down."""

    @property
    def sounding(self) -> set[Key]:
        """The keys that are down, and those that a pedal holds."""
        return self.ringing.union(self.held)

    def admit(self, message: bytes, identity: int = 0) -> list[bytes]:
        """What to send for `message`, so that notes of different identities on one key never cut each other.

        Striking a key that is down ends the older note first; its own end is then stale, if another's holds the key.
        """
        key = (message[0] & 0x0F, message[1]) if is_on(message) or is_off(message) else None
        before = [note_off(*key)] if key in self.held and is_on(message) and key else []
        if is_off(message) and key in self.held and self.held[key] != identity:
            return []
        self.take(message, identity)
        return [*before, message]

    def take(self, message: bytes, identity: int = 0) -> None:
        """Note that `message` goes out; `identity` says whose note it strikes."""
        if not is_channel(message):
            return
        channel, kind = message[0] & 0x0F, message[0] & 0xF0
        self.channels.add(channel)
        if is_on(message):
            self.held[channel, message[1]] = identity
            self.ringing.discard((channel, message[1]))
        elif is_off(message):
            if self.held.pop((channel, message[1]), None) is not None and channel in self.pedals:
                self.ringing.add((channel, message[1]))
        elif kind == 0xC0:
            self.programs[channel] = message
        elif kind == 0xB0 and message[1] == SUSTAIN:
            self._pedal(channel, message[2] >= PEDAL_DOWN)

    def release(self) -> list[bytes]:
        """What a player would do to end every sound: let go of the keys, then of the pedals."""
        return [note_off(*key) for key in sorted(self.held)] + [control(c, SUSTAIN, 0) for c in sorted(self.pedals)]

    def silence(self) -> list[bytes]:
        """What ends every sound: offs for the keys that are down, and the mode messages on every channel used."""
        return silence(self.held, self.channels)

    def clear(self) -> None:
        """Nothing sounds any more."""
        self.held.clear()
        self.ringing.clear()
        self.pedals.clear()

    def _pedal(self, channel: int, down: bool) -> None:
        if down:
            self.pedals.add(channel)
        else:
            self.pedals.discard(channel)
            self.ringing = {key for key in self.ringing if key[0] != channel}


class Waiting(NamedTuple):
    time: float
    rank: int
    order: int
    message: bytes
    identity: int


class Outbox:
    """Messages waiting for their time, and the ledger of those that went out.

    A note-on that is later than `tolerance` seconds is dropped and counted in `late`; a note-off is never dropped.
    """

    def __init__(self, tolerance: float = float("inf")) -> None:
        self.tolerance = tolerance
        self.late = 0
        self.dropped = 0
        """Note-ons that were forgotten before their time: cancelled, or lost with a port."""
        self.ledger = Ledger()
        self._heap: list[Waiting] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def sounding(self) -> set[Key]:
        """The keys that sound."""
        return self.ledger.sounding

    @property
    def next_time(self) -> float:
        """When the first waiting message is due (infinity: nothing waits)."""
        return self._heap[0][0] if self._heap else float("inf")

    def push(self, message: bytes, time: float) -> None:
        """Keep `message` until `time`."""
        self._push(time, rank(message), message, 0)

    def take(self, before: float, now: float, limit: int = BURST) -> list[tuple[float, bytes]]:
        """At most `limit` messages due earlier than `before`, in order, as (due, message); `now` decides lateness."""
        taken: list[tuple[float, bytes]] = []
        while self._heap and self._heap[0].time < before and len(taken) < limit:
            due = heapq.heappop(self._heap)
            if is_on(due.message) and due.time < now - self.tolerance:
                self.late += 1
                continue
            for message in self.ledger.admit(due.message, due.identity):
                self._went_out(message, due)
                taken.append((due.time, message))
        return taken

    def cancel(self, now: float) -> None:
        """Forget what has not gone out; note-offs and the ends of pedals are due at once instead."""
        waiting = sorted(self._heap)
        self.dropped += sum(is_on(due.message) for due in waiting)
        self._heap.clear()
        for due in waiting:
            if is_off(due.message) or is_pedal_up(due.message):
                self._push(now, rank(due.message), due.message, due.identity)

    def silence(self, now: float) -> None:
        """`cancel`, then everything that ends what sounds, strictly in this order."""
        self.cancel(now)
        for i, message in enumerate(self.ledger.silence(), 1):
            identity = self.ledger.held.get((message[0] & 0x0F, message[1]), 0) if is_off(message) else 0
            self._push(now + i * 1e-9, rank(message), message, identity)

    def lost(self) -> None:
        """Forget everything, sent or not: there is nobody to send it to."""
        self.dropped += sum(is_on(due.message) for due in self._heap)
        self._heap.clear()
        self.ledger.clear()

    def _push(self, time: float, rank: int, message: bytes, identity: int) -> None:
        self._count += 1
        heapq.heappush(self._heap, Waiting(time, rank, self._count, message, identity))

    def _went_out(self, message: bytes, due: Waiting) -> None:
        """For subclasses that want to know."""

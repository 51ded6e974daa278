"""MIDI channel messages as bytes, the queue they wait in, and the record of what sounds.

Shared by the scheduler, the recorder and the sender processes. Knows nothing of ports or of musical time.
Source: MIDI 1.0 Detailed Specification 4.2.1, Table I (channel voice) and Table III (controllers, mode messages).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

CHANNELS = 16
DRUM_CHANNEL = 9  # channel 10, counted from 1 (General MIDI 1)
SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
BURST = 100  # more messages at once are lost or corrupted by ALSA and by rtmidi's ring

Key = tuple[int, int]
"""What a note-off can address: (channel, pitch)."""


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """A note-on; `velocity` is 1-127 (0 would be a note-off)."""
    return bytes((0x90 | channel, pitch, max(1, velocity)))


def note_off(channel: int, pitch: int) -> bytes:
    """A note-off with the customary release velocity of 64."""
    return bytes((0x80 | channel, pitch, 64))


def control(channel: int, number: int, value: int) -> bytes:
    """A control change."""
    return bytes((0xB0 | channel, number, value))


def program_change(channel: int, program: int) -> bytes:
    """A program change; `program` is 0-127."""
    return bytes((0xC0 | channel, program))


def is_on(message: bytes) -> bool:
    """Whether `message` strikes a note."""
    return message[0] & 0xF0 == 0x90 and message[2] > 0


def is_off(message: bytes) -> bool:
    """Whether `message` ends a note."""
    kind = message[0] & 0xF0
    return kind == 0x80 or (kind == 0x90 and message[2] == 0)


def rank(message: bytes) -> int:
    """Order among messages of one moment: note-offs, then everything else, then note-ons."""
    return 0 if is_off(message) else 2 if is_on(message) else 1


def silence(sounding: Iterable[Key], channels: Iterable[int]) -> list[bytes]:
    """What ends every sound: an off for each of `sounding`, then pedal up and CC 123 and 120 on `channels`.

    Offs come first because not every synthesiser obeys the mode messages.
    """
    offs = [note_off(*key) for key in sorted(sounding)]
    ends = ((SUSTAIN, 0), (ALL_NOTES_OFF, 0), (ALL_SOUND_OFF, 0))
    return offs + [control(channel, *end) for channel in sorted(channels) for end in ends]


class Outbox:
    """Messages waiting for their time, and what the ones that went out left sounding.

    A note-on that is later than `tolerance` seconds is dropped and counted in `late`; a note-off is never dropped.
    """

    def __init__(self, tolerance: float = float("inf")) -> None:
        self.tolerance = tolerance
        self.late = 0
        self.sounding: set[Key] = set()
        self.channels: set[int] = set()
        self._heap: list[tuple[float, int, int, bytes]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_time(self) -> float:
        """When the first waiting message is due (infinity: nothing waits)."""
        return self._heap[0][0] if self._heap else float("inf")

    def push(self, message: bytes, time: float) -> None:
        """Keep `message` until `time`."""
        self._count += 1
        heapq.heappush(self._heap, (time, rank(message), self._count, message))

    def take(self, before: float, now: float, limit: int = BURST) -> list[tuple[float, bytes]]:
        """At most `limit` messages due earlier than `before`, in order, as (due, message); `now` decides lateness."""
        taken: list[tuple[float, bytes]] = []
        while self._heap and self._heap[0][0] < before and len(taken) < limit:
            time, _, _, message = heapq.heappop(self._heap)
            if is_on(message) and time < now - self.tolerance:
                self.late += 1
                continue
            self._went_out(message)
            taken.append((time, message))
        return taken

    def cancel(self, now: float) -> None:
        """Forget what has not gone out; note-offs are due at once instead."""
        offs = [m for _, _, _, m in sorted(self._heap) if is_off(m)]
        self._heap.clear()
        for message in offs:
            self.push(message, now)

    def silence(self, now: float) -> None:
        """`cancel`, then everything that ends what sounds."""
        self.cancel(now)
        for i, message in enumerate(silence(self.sounding, self.channels)):
            self.push(message, now + i * 1e-9)  # strictly in this order

    def _went_out(self, message: bytes) -> None:
        channel = message[0] & 0x0F
        self.channels.add(channel)
        if is_on(message):
            self.sounding.add((channel, message[1]))
        elif is_off(message):
            self.sounding.discard((channel, message[1]))

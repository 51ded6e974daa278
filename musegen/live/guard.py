"""The feedback guard: tells what somebody plays from our own output that comes back through a loop of cables.

Pure: it is told what goes out and asked about what comes in. What is equal to something sent within the last tenth of a
second is an echo, once for each time it was sent, and the end of a note that was an echo is one too. Knows nothing of
ports.
"""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Ledger
from .messages import SUSTAIN, Key, is_channel, is_off, is_on, is_pedal_up, note_off

WINDOW = 0.1
"""Seconds within which our own output counts as coming back."""
LOOP = 0.04
"""… and for what was passed on from the player, once more was played there: a note repeated quickly is no echo."""
EARLY = 0.005  # the times of two ports may disagree by so much
SAY_AFTER = 3
"""Echoes until it is no accident."""


@dataclass
class _Sent:
    message: bytes
    time: float
    passed_on: bool
    followed: bool = False


class Guard:
    """Knows what was sent lately, and which keys the player holds (`heard`)."""

    def __init__(self) -> None:
        self.echoes = 0
        """How many messages were taken for our own."""
        self.heard = Ledger()
        """What the player holds and presses."""
        self._sent: dict[bytes, list[_Sent]] = {}
        self._held: set[Key] = set()  # keys and pedals that the player has down
        self._echoed: dict[Key | None, int] = {}  # … and those whose echo is down, and how often

    def sent(self, message: bytes, time: float, passed_on: bool = False) -> None:
        """`message` goes out at `time` (seconds); `passed_on`: it came from the player."""
        entries = self._recent(_place(message), time)
        entries.append(_Sent(_normal(message), time, passed_on))

    def own(self, message: bytes, time: float) -> bool:
        """Whether `message`, which came in at `time`, is our own; if not, the player has played it."""
        entries = self._recent(_place(message), time)
        wanted = _normal(message)
        match = next((e for e in entries if e.message == wanted and _can_be(e, time)), None)
        echo, key = match is not None, _held_by(message)
        ends = is_off(message) or is_pedal_up(message)
        if ends and (self._echoed.get(key, 0) > 0) != (key in self._held):
            echo = key not in self._held  # there is only one thing that it can end
        if not echo:
            for entry in entries:
                entry.followed = True
            self._play(message, key, ends)
            return False
        self.echoes += 1
        if match is not None:
            entries.remove(match)
        if key is not None:
            self._echoed[key] = max(0, self._echoed.get(key, 0) + (-1 if ends else 1))
        return True

    def _play(self, message: bytes, key: Key | None, ends: bool) -> None:
        self.heard.take(message)
        if key is not None and ends:
            self._held.discard(key)
        elif key is not None:
            self._held.add(key)

    def _recent(self, place: bytes, now: float) -> list[_Sent]:
        entries = self._sent.setdefault(place, [])
        entries[:] = [e for e in entries if e.time >= now - WINDOW]
        return entries


def _held_by(message: bytes) -> Key | None:
    """The key, or pedal, that `message` presses or releases; None if it does neither."""
    if is_on(message) or is_off(message):
        return message[0] & 0x0F, message[1]
    if message[0] & 0xF0 == 0xB0 and message[1] == SUSTAIN:
        return message[0] & 0x0F, -1
    return None


def _can_be(entry: _Sent, time: float) -> bool:
    window = LOOP if entry.passed_on and entry.followed else WINDOW
    return entry.time - EARLY <= time <= entry.time + window


def _normal(message: bytes) -> bytes:
    """The same bytes for every way of writing a note-off."""
    return note_off(message[0] & 0x0F, message[1]) if is_off(message) else message


def _place(message: bytes) -> bytes:
    """What a message sets: a key, a controller, a wheel; equal for two that undo each other."""
    kind = message[0] & 0xF0
    if not is_channel(message) or kind in (0xC0, 0xD0, 0xE0):
        return message[:1]
    if kind == 0x90:
        return bytes((message[0] & 0x8F, message[1]))
    return message[:2]

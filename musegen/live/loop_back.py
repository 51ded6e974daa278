"""A port measured against itself: a port of ours, and a keyboard of ours that plays into it and hears it.

Both are port processes as in a jam. The port sends messages through the scheduler; the keyboard says when they arrive.
Meanwhile the keyboard strikes keys that the music process answers at once. Knows nothing of models.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ..errors import PortError
from .clock import RealClock
from .live_port import LivePort
from .messages import is_on
from .ports import Port, System, available, open_port
from .scheduler import Scheduler

SPACING = 0.0100137  # seconds: at exactly 10 ms all would fall on the same place of a JACK period
KEY_EVERY = 4  # messages
LEAD = 0.3  # seconds until the first message
WAY_BACK = 0.25  # seconds that the last ones are waited for
SENT, KEY, ANSWER = 0, 1, 2  # the channels of what the port sends, of the keys, and of the answers to them


@dataclass(frozen=True)
class Spread:
    """Milliseconds, of which half, 99 % and all of the cases stay below."""

    p50: float
    p99: float
    max: float

    @staticmethod
    def of(seconds: list[float]) -> Spread | None:
        """Of these cases; None if there are none."""
        if not seconds:
            return None
        return Spread(*(float(np.percentile(1000 * np.asarray(seconds), q)) for q in (50, 99, 100)))


@dataclass(frozen=True)
class LoopBack:
    """What came of it. `beside` is the checkpoint that was drawing at full speed meanwhile, if any.

    `delay`: milliseconds from when a message was due to its arrival, in half of the cases (two JACK programs that hear
    each other are a period apart); `jitter`: how far the others are from that; `round_trip`: a key struck to its answer
    heard.
    """

    system: str
    beside: str
    messages: int
    lost: int
    delay: float = 0.0
    jitter: Spread | None = None
    round_trip: Spread | None = None
    trouble: str = ""


def loop_back(system: System, messages: int = 300, beside: str = "") -> LoopBack:
    """Measure a port of `system`, which must have virtual ones, with at most 16256 messages. Never raises."""
    try:
        return _measure(system, messages, beside)
    except PortError as error:
        return LoopBack(system.name, beside, messages, messages, trouble=str(error))


def _measure(system: System, messages: int, beside: str) -> LoopBack:
    name = f"musegen-doctor-{os.getpid()}"
    music: Port = LivePort(system.key, name)
    try:
        found = [s for s in available() if s.key == system.key]
        keys = open_port(f"musegen-keys-{os.getpid()}", name, found, name)
        try:
            due, struck = _play(music, keys, messages)
            heard = keys.receive()
        finally:
            keys.close()
    finally:
        music.close()
    late = [at - due[n] for n, at in _arrivals(heard, SENT).items() if n in due]
    delay = float(np.median(late)) if late else 0.0
    jitter = Spread.of([abs(x - delay) for x in late])
    answers = _arrivals(heard, ANSWER)
    round_trip = [answers[n] - at for n, at in struck.items() if n in answers]
    lost = len(due) - len(late) + len(struck) - len(round_trip)
    return LoopBack(system.name, beside, len(due) + len(struck), lost, 1000 * delay, jitter, Spread.of(round_trip))


def _play(music: Port, keys: Port, messages: int) -> tuple[dict[int, float], dict[int, float]]:
    """Have all messages and keys played; when each was due, by number."""
    clock = RealClock()

    def answer() -> None:
        for _, message in music.receive():
            if is_on(message) and message[0] & 15 == KEY:
                music.send(bytes((0x90 | ANSWER, *message[1:])), clock.now())

    music.listen(answer)
    scheduler, start = Scheduler(clock, music), clock.now() + LEAD
    due = {n: start + n * SPACING for n in range(messages)}
    struck = {n: due[n] + 0.3 * SPACING for n in range(0, messages, KEY_EVERY)}
    for n, at in due.items():
        scheduler.send(_numbered(SENT, n), at)
    waiting = list(struck.items())
    while scheduler.advance() < float("inf") or waiting:
        while waiting and waiting[0][1] < clock.now() + keys.lookahead:
            n, at = waiting.pop(0)
            keys.send(_numbered(KEY, n), at)
        clock.wait_until(clock.now() + 0.02)
    clock.wait_until(start + messages * SPACING + WAY_BACK)
    return due, struck


def _numbered(channel: int, number: int) -> bytes:
    """A note-on that says which it is: a lost one cannot shift the others. It is next to silent."""
    return bytes((0x90 | channel, number % 128, number // 128 + 1))


def _arrivals(heard: list[tuple[float, bytes]], channel: int) -> dict[int, float]:
    """When each numbered message of `channel` came in."""
    return {m[1] + 128 * (m[2] - 1): at for at, m in heard if is_on(m) and m[0] & 15 == channel}

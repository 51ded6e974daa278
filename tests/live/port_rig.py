"""What tests of real ports wait for and listen to."""

import time
from collections.abc import Callable

from jack_rig import JackServer, Player, Received, Receiver

from musegen.live.live_port import LivePort
from musegen.live.messages import note_off, note_on

Listen = Callable[[JackServer, str], Receiver]
PlayOn = Callable[..., Player]
OpenLive = Callable[..., LivePort]


def wait_for(happened: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.perf_counter() + seconds
    while not happened():
        assert time.perf_counter() < end, "it did not happen"
        time.sleep(0.005)


def said(port: LivePort, part: str, seconds: float = 15.0) -> str:
    """The first sentence that holds `part`; those before it are lost."""
    texts: list[str] = []
    wait_for(lambda: texts.extend(port.news()) or any(part in t for t in texts), seconds)
    return next(t for t in texts if part in t)


def hear(port: LivePort, count: int) -> list[tuple[float, bytes]]:
    """The next `count` messages that come in."""
    heard: list[tuple[float, bytes]] = []
    wait_for(lambda: heard.extend(port.receive()) or len(heard) >= count)
    return heard


def keys(*pitches: int, channel: int = 0) -> list[bytes]:
    return [m for p in pitches for m in (note_on(channel, p, 90), note_off(channel, p))]


def ons(received: Received) -> list[int]:
    return [m[1] for _, m in received.ons()]

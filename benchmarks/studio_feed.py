"""A made-up jam for the studio's page: the real server, whose socket says a jam plays and always has N notes in sight.

For `benchmarks.studio`. Thirty frames a second, each with what came and what went, as `musegen jam --json` has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from musegen.live.desk import Desk
from musegen.live.frames import Frames, hello
from musegen.live.status import ShownNote, Status
from musegen.studio.app import create_app
from musegen.studio.settings import StudioSettings

from .studio_rig import free_port

FRAME = 1 / 30  # seconds
BAR, BARS = 96, 32  # ticks, and the most that the page shows
SPAN = BAR * BARS
PAST = 0.64  # of what is seen lies to the left of the playhead
QPM = 120.0
TICKS = QPM * 24 / 60  # a second

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass
class Feed:
    """An ASGI application: the studio's, but for its socket. `notes` are in sight at any time."""

    app: Callable[[Scope, Receive, Send], Awaitable[None]]
    notes: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the server for every request and socket."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        telling = asyncio.create_task(self._tell(send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        telling.cancel()

    async def _tell(self, send: Send) -> None:
        for line in ({"hello": hello("default")}, {"jam": {"state": "playing", "settings": {}, "error": ""}}):
            await send({"type": "websocket.send", "text": json.dumps(line)})
        frames, begun, music = Frames(), time.monotonic(), Music(self.notes)
        knobs = Desk()
        for number in range(10**9):
            await asyncio.sleep(begun + number * FRAME - time.monotonic())
            frame = frames.next(music.status(time.monotonic() - begun, tuple(knobs.rows())), knobs.state())
            with contextlib.suppress(RuntimeError):  # the page has just gone
                await send({"type": "websocket.send", "text": json.dumps({"frame": frame})})


class Music:
    """Notes without end, of both hands, mostly eighths and sixteenths; `seen` of them in sight."""

    def __init__(self, seen: int) -> None:
        self._every = SPAN / seen if seen else 0.0
        self._random = random.Random(1)
        self._notes: list[ShownNote] = []
        self._made = 0

    def status(self, now: float, knobs: tuple[Any, ...]) -> Status:
        """The jam after `now` seconds."""
        tick = SPAN + now * TICKS
        first, last = tick - PAST * SPAN, tick + (1 - PAST) * SPAN
        while self._every and (self._made * self._every) < last:
            self._notes.append(self._note(self._made * self._every))
            self._made += 1
        self._notes = [note for note in self._notes if note.onset >= first]
        bare = Status()
        return replace(
            bare, tick=tick, now=now, position=bare.timeline.position(tick), qpm=QPM, mode="solo", knobs=knobs,
            notes=tuple(self._notes), since=int(first), count=self._made,
        )  # fmt: skip

    def _note(self, onset: float) -> ShownNote:
        draw = self._random
        duration = draw.choice((6, 6, 12, 12, 24))
        note = ShownNote(onset, duration, draw.randint(36, 96), draw.randint(30, 120), 0, "model")
        return note._replace(who=draw.choice(("player", "model")), number=self._made)


@contextmanager
def feeding() -> Iterator[tuple[Feed, str]]:
    """Serves a feed in a thread; yields it and the address of its page, token and all."""
    import uvicorn

    settings = replace(StudioSettings(), port=free_port())
    feed = Feed(create_app(settings, "benchmark"))
    server = uvicorn.Server(uvicorn.Config(feed, port=settings.port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield feed, f"http://127.0.0.1:{settings.port}/?token=benchmark"
    finally:
        server.should_exit = True
        thread.join(10)

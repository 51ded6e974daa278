"""The pages that are connected: tells all of them what is new, and lets a slow one miss frames, never wait for it.

Knows nothing of what the lines mean beyond their kind.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable

MOST = 32
"""Pages at once."""

PERISHABLE = ("frame", "midi")
"""Kinds of lines that are worth nothing late."""

_BEHIND = 2**18  # characters waiting for one page, beyond which it misses what perishes
_LOST = 2**23  # … and beyond which nobody reads there any more


class Page:
    """What waits to be sent to one page."""

    def __init__(self) -> None:
        self.gone = False
        """Nobody reads any more."""
        self._waiting: deque[str] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._deaf = False  # it missed messages, among them ends of notes: until the next, nothing is to sound there
        self._missed = False  # frames say what changed, so that after a missed one only a full one is of use

    def put(self, kind: str, line: str) -> None:
        """Send `line` soon, unless it perishes before."""
        if kind in PERISHABLE and self._size > _BEHIND:
            self._missed = self._missed or kind == "frame"
            if kind == "midi" and not self._deaf:
                self._deaf = True
                self.put("cancel", json.dumps({"cancel": True}))
            return
        self._deaf = self._deaf and kind != "midi"
        if kind == "frame" and self._missed:
            if not json.loads(line)["frame"].get("full"):
                return
            self._missed = False
        self._waiting.append(line)
        self._size += len(line)
        self.gone = self._size > _LOST
        self._news.set()

    async def take(self) -> str:
        """The next line, as soon as there is one."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        line = self._waiting.popleft()
        self._size -= len(line)
        return line

    @property
    def hungry(self) -> bool:
        """It has missed frames and is through with what it had: a full frame would help."""
        return self._missed and not self._waiting


class Pages:
    """All of them. `ask_full` asks the jam for a full frame."""

    def __init__(self, ask_full: Callable[[], None]) -> None:
        self._ask_full = ask_full
        self._pages: set[Page] = set()
        self._pings: dict[int, tuple[Page, float]] = {}
        self._count = 0
        self.arrived = asyncio.Event()
        """Set while there is a page."""

    def __len__(self) -> int:
        return len(self._pages)

    def join(self) -> Page:
        """A new page."""
        page = Page()
        self._pages.add(page)
        self.arrived.set()
        return page

    def leave(self, page: Page) -> None:
        """Forget it."""
        self._pages.discard(page)
        if not self._pages:
            self.arrived.clear()

    def tell(self, kind: str, line: str) -> None:
        """Send a line to all."""
        if kind == "pong":
            self._return(line)
            return
        for page in self._pages:
            page.put(kind, line)
        if kind == "frame" and any(page.hungry for page in self._pages):
            self._ask_full()

    def ping(self, page: Page, number: float) -> int:
        """The number under which the jam is pinged for `page`, which alone hears the answer."""
        if len(self._pings) > 8 * MOST:
            self._pings.clear()  # from a jam that ended without answering
        self._count += 1
        self._pings[self._count] = page, number
        return self._count

    def _return(self, line: str) -> None:
        answer = json.loads(line)
        page, number = self._pings.pop(answer["pong"], (None, 0))
        if page is not None:
            page.put("pong", json.dumps({**answer, "pong": number}))

"""The MIDI ports of this machine, looked at again and again while a page is connected, so that pickers follow plugs.

They are listed in a process of their own (`live.ports`). Knows nothing of the pages that are told.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from ..errors import PortError
from ..live.ports import available, ports_view

EVERY = 2.0
"""Seconds between two looks."""

_SHARE = 20  # a look takes at most one part in so many of a core's time: a slow machine looks less often


class PortsWatch:
    """What was there at the last look. `tell` is called with the line for the pages when it is other than before."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._looking = asyncio.Lock()
        self.line = ""
        """The last line (`FromServer` in protocol.ts); empty before the first look."""

    async def look(self) -> dict[str, Any]:
        """What there is now (`Ports`). Raises PortError where the MIDI system does not answer."""
        async with self._looking:
            systems = await asyncio.to_thread(available)
        found = ports_view(systems)
        line = json.dumps({"ports": found})
        if line != self.line:
            self.line = line
            self._tell("ports", line)
        return found

    async def run(self, somebody: asyncio.Event) -> None:
        """Look for ever, while there is `somebody` to tell."""
        complaint = ""
        while True:
            await somebody.wait()
            began = time.monotonic()
            try:
                await self.look()
                complaint = ""
            except PortError as error:
                if str(error) != complaint:
                    complaint = str(error)
                    self._tell("say", json.dumps({"say": complaint}))
            await asyncio.sleep(max(EVERY, _SHARE * (time.monotonic() - began)))

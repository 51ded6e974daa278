"""Between the pages and the jam: what one server holds of both, and who hears what. Knows nothing of addresses."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import MusegenError, SettingsError
from ..live.frames import hello
from .asking import JamSettings, arguments, command
from .jam import Jam
from .pages import Page, Pages
from .ports import PortsWatch
from .settings import StudioSettings

ALL_NOTES_OFF = "b07b00"  # MIDI 1.0, channel mode messages: here, all keys that were pressed on pages


class Bridge:
    """The jam, the ports and the pages of one server. `seed_file` finds the file that a seed's name stands for."""

    def __init__(self, settings: StudioSettings, seed_file: Callable[[str], Path]) -> None:
        self.settings = settings
        self._seed_file = seed_file
        self.pages = Pages(self._ask_full)
        self.jam = Jam(self.pages.tell)
        self.ports = PortsWatch(self.pages.tell)

    @contextlib.asynccontextmanager
    async def open(self) -> Any:
        """While the server runs; its end is the jam's."""
        watching = asyncio.create_task(self.ports.run(self.pages.arrived))
        try:
            yield
        finally:
            watching.cancel()
            await self.jam.stop()

    async def start(self, wanted: JamSettings) -> None:
        """Start a jam. Raises MusegenError."""
        record = self.settings.record.resolve()
        options = arguments(wanted, record, self._seed_file, self.settings.checkpoint)
        await self.jam.start(wanted.model_dump(exclude_unset=True), options)

    def command(self, text: str) -> None:
        """Pass on what a script sent. Raises SettingsError."""
        self.jam.send(command(text, self.settings.checkpoint))

    def greet(self, page: Page) -> None:
        """Tell a new page what it must know."""
        page.put("hello", self.jam.hello or json.dumps({"hello": hello()}))
        page.put("jam", json.dumps({"jam": self.jam.view()}))
        if self.ports.line:
            page.put("ports", self.ports.line)
        self._ask_full()

    def lose(self, page: Page) -> None:
        """Forget a page; a key that it held down as the last one would sound for ever."""
        self.pages.leave(page)
        if not len(self.pages) and self.jam.playing:
            self.jam.send({"midi": ALL_NOTES_OFF})

    def hear(self, page: Page, text: str) -> None:
        """Do what a page sent; what is wrong with it, it is told."""
        try:
            wanted = command(text, self.settings.checkpoint)
            if not self.jam.playing and not {"knob", "do"} & wanted.keys():
                return  # who tries the keys before a jam hears them on the page
            if "ping" in wanted:
                wanted["ping"] = self.pages.ping(page, wanted["ping"])
            self.jam.send(wanted)
        except MusegenError as error:
            page.put("say", json.dumps({"say": str(error)}))

    def _ask_full(self) -> None:
        with contextlib.suppress(SettingsError):  # no jam, no frame
            self.jam.send({"full": True})

"""Steering by lines of JSON: a thread reads them and gives what they ask for to the desk, the port and the page.

`ToJam` in studio/web/src/protocol.ts says what they are. What is wrong with a line is said in a sentence, and the music
goes on. The end of the input is the end of the jam. Knows nothing of who writes them.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from ..errors import MusegenError, SettingsError
from .broadcast import Broadcast
from .desk import Desk
from .messages import is_whole
from .page_port import PagePort

LONGEST = 65_536
"""Bytes of one line."""


class Commands:
    """Reads the file descriptor `source` from `start` on, and sets `stop` at its end."""

    def __init__(self, source: int, desk: Desk, port: PagePort, page: Broadcast, stop: threading.Event) -> None:
        self._source, self._desk, self._port, self._page, self._stop = source, desk, port, page, stop
        self._thread = threading.Thread(target=self._loop, daemon=True, name="commands")

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def obey(self, line: bytes) -> None:
        """Do what `line` says. Raises SettingsError with what is wrong with it."""
        wish = read(line)
        argument = wish.get("argument", "")
        if isinstance(name := wish.get("knob"), str):
            self._desk.set(name, wish.get("value", ""))
        elif isinstance(action := wish.get("do"), str) and isinstance(argument, str):
            self._desk.do(action, argument)
        elif isinstance(text := wish.get("midi"), str):
            self._port.press(_message(text))
        elif isinstance(number := wish.get("ping"), int | float):
            self._page.pong(number)
        elif "full" in wish:
            self._port.full()
        else:
            raise SettingsError('A command is one of {"knob"…}, {"do"…}, {"midi"…}, {"ping"…} and {"full"…}.')

    def _loop(self) -> None:
        rest = b""
        while data := self._more():
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > LONGEST:
                lines, rest = [*lines, rest], b""
            for line in filter(bytes.strip, lines):
                self._try(line)
        self._stop.set()

    def _more(self) -> bytes:
        try:
            return os.read(self._source, LONGEST)
        except OSError:
            return b""  # as good as its end

    def _try(self, line: bytes) -> None:
        try:
            self.obey(line)
        except MusegenError as error:
            self._page.say(str(error))


def read(line: bytes, longest: int = LONGEST) -> dict[str, Any]:
    """The object that `line` says; an empty one for other JSON. Raises SettingsError for what is none or too long."""
    if len(line) > longest:
        raise SettingsError(f"A command has at most {longest} bytes.")
    try:
        wish = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise SettingsError("That is not a command: commands are lines of JSON.") from None
    return wish if isinstance(wish, dict) else {}


def _no_number(name: str) -> float:
    raise ValueError(name)


def _message(text: str) -> bytes:
    try:
        message = bytes.fromhex(text)
    except ValueError:
        message = b""
    if not is_whole(message):
        raise SettingsError(f"{text[:20]!r} is not one MIDI message in hexadecimal, such as 903c64.")
    return message

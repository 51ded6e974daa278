"""Steering by keys in the terminal.

A thread reads single keys and gives them to a desk. The terminal is put back however the program ends, short of
kill -9. Knows nothing of what the view draws there.
"""

from __future__ import annotations

import atexit
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

from .desk import Desk
from .knobs import MODES

UP, DOWN, RIGHT, LEFT = "up", "down", "right", "left"

KEYS: dict[str, str] = {
    " ": "tap",
    **{str(i): f"mode {mode}" for i, mode in enumerate(MODES, 1)},
    "e": "enter",
    "E": "rest",
    "p": "panic",
    "k": "keep",
    "u": "undo",
    "r": "retake",
    "R": "again",
    "f": "free",
    "c": "checkpoint",
    "l": "learn",
    "q": "quit",
}
"""Which action each key asks for."""

HELP = (  # the first to be left out is the last
    "↑↓ knob · ←→ turn · 1-5 mode · e come in, E rest · p panic · q quit · k keep · u undo · r retake, R again"
    " · space tap · c checkpoint · f free chord · l learn"
)

_ARROWS = {"A": UP, "B": DOWN, "C": RIGHT, "D": LEFT}  # ECMA-48: CSI A … D; keypads in application mode: SS3
_WINDOWS_ARROWS = {"H": UP, "P": DOWN, "M": RIGHT, "K": LEFT}  # what msvcrt gives after \xe0
LOOK = 0.25  # seconds between looks at whether to end


class Decoder:
    """Turns what a terminal sends into keys: characters, and UP, DOWN, RIGHT, LEFT. Other sequences are left out."""

    def __init__(self) -> None:
        self._pending = ""

    def push(self, text: str) -> list[str]:
        """The keys that are whole with `text`; an escape that has only begun waits for the rest."""
        keys, text = [], self._pending + text
        while text:
            if text[0] != "\x1b":
                keys.append(text[0])
                text = text[1:]
                continue
            length = _length(text)
            if length == 0:
                break
            if length == 3 and text[1] in "[O" and text[2] in _ARROWS:
                keys.append(_ARROWS[text[2]])
            text = text[length:]
        self._pending = text
        return keys


def press(desk: Desk, key: str) -> None:
    """Do what `key` stands for; a key that stands for nothing does nothing.

    While the desk learns, a key names what the next controller is to be bound to instead.
    """
    if key in (UP, DOWN):
        desk.select(-1 if key == UP else 1)
        if desk.learning:
            desk.do("learn", desk.selected)
    elif key in (LEFT, RIGHT):
        desk.nudge(desk.selected, -1 if key == LEFT else 1)
    elif key == "?":
        desk.say(HELP)
    elif key in KEYS:
        if desk.learning and key != "l":
            desk.do("learn", KEYS[key])
        else:
            desk.do(*(KEYS[key].split(" ", 1)))


class Keyboard:
    """Gives the keys typed at `stream` to `desk` between `start` and `stop`; nothing where that is no terminal."""

    def __init__(self, desk: Desk, stream: TextIO | None = None) -> None:
        self._desk, self._stream = desk, sys.stdin if stream is None else stream
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._restore: Callable[[], None] = lambda: None

    def start(self) -> bool:
        """Begin to listen; False where there is no terminal to listen to."""
        if self._stream is None or self._stream.closed or not self._stream.isatty():
            return False
        self._thread = threading.Thread(target=self._loop, daemon=True, name="keyboard")
        atexit.register(self.stop)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Put the terminal back. Twice is once."""
        self._ending.set()
        if self._thread is not None:
            atexit.unregister(self.stop)
            self._thread.join(4 * LOOK)
        self._restore()

    def __enter__(self) -> Keyboard:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    if sys.platform == "win32":

        def _loop(self) -> None:
            import msvcrt

            while not self._ending.wait(0.03):
                while msvcrt.kbhit():
                    key = msvcrt.getwch()
                    press(self._desk, _WINDOWS_ARROWS.get(msvcrt.getwch(), "") if key in "\0\xe0" else key)

    else:

        def _loop(self) -> None:
            terminal = Terminal(self._stream.fileno())
            self._restore = terminal.restore
            decoder = Decoder()
            while not self._ending.is_set() and (text := terminal.read(LOOK)) is not None:
                for key in decoder.push(text):
                    press(self._desk, key)


if sys.platform != "win32":
    import termios

    class Terminal:
        """A POSIX terminal read key by key, without echo; Ctrl-C and Ctrl-Z stay what they are (termios(3))."""

        def __init__(self, fd: int) -> None:
            self._fd = fd
            self._before: list[Any] | None = None
            self._lock = threading.Lock()
            self._over = False

        def read(self, wait: float) -> str | None:
            """What was typed within `wait` seconds; None where the terminal is gone."""
            try:
                if not self._listening():
                    threading.Event().wait(wait)
                    return ""
                if not select.select([self._fd], [], [], wait)[0] or not self._mine():
                    return ""
                data = os.read(self._fd, 1024)
            except (OSError, ValueError, termios.error):
                return None
            return data.decode("utf-8", "ignore") if data else None

        def restore(self) -> None:
            """Put it back as it was, for good."""
            with self._lock:
                self._over = True
                if self._before is not None:
                    try:
                        if self._mine():
                            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
                    except (OSError, termios.error):
                        return  # it was closed: nobody is left to mind
                    self._before = None

        def _mine(self) -> bool:
            """Whether we are in the foreground; a program in the background that touches the terminal is stopped."""
            return os.tcgetpgrp(self._fd) == os.getpgrp()

        def _listening(self) -> bool:
            """See to it that keys come singly, again after the program was stopped (Ctrl-Z) and continued."""
            with self._lock:
                if self._over or not self._mine():
                    return False
                now = termios.tcgetattr(self._fd)
                if now[3] & (termios.ICANON | termios.ECHO):
                    if self._before is None:
                        self._before = list(now)
                    now[3] &= ~(termios.ICANON | termios.ECHO)
                    now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
                    termios.tcsetattr(self._fd, termios.TCSANOW, now)
                return True


def _length(text: str) -> int:
    """How many characters the escape sequence at the start of `text` has; 0: it is not whole yet."""
    if len(text) == 1:
        return 0
    if text[1] == "O":
        return 3 if len(text) > 2 else 0
    if text[1] != "[":
        return 1  # the escape key, then something else
    for i, character in enumerate(text[2:], 2):
        if "@" <= character <= "~":
            return i + 1
    return 0 if len(text) < 32 else len(text)

"""What the person at the machine sees: a moving piano roll in a terminal, or one line a bar elsewhere.

Draws in a thread of its own, at most 15 times a second, so that a slow or stopped terminal cannot hold up the
music. `NO_COLOR` (no-color.org) takes the colours away, not the roll. Knows nothing of ports but the name.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import deque
from collections.abc import Callable
from io import TextIOWrapper
from typing import Protocol, TextIO

from ..events.codec import TimedNote
from ..piece import Key
from .roll import Roll, family, pitch_name
from .timeline import Timeline

FRAME = 1 / 15  # seconds
SMALLEST = (40, 8)  # columns and lines that a roll needs

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"  # the other screen, no cursor, cleared (xterm control sequences)
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"
_MAJOR = ("C♭", "G♭", "D♭", "A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯")
_MINOR = ("A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯", "G♯", "D♯", "A♯")


class View(Protocol):
    """A listener (`performer.Listener`) that shows what it hears between `start` and `stop`."""

    def note(self, note: TimedNote, channel: int) -> None:
        """`note` will sound."""
        ...

    def say(self, text: str) -> None:
        """Show one line."""
        ...

    def start(self, now: Callable[[], float], planned: Callable[[], list[TimedNote]]) -> None:
        """Begin; `now()` is the tick that sounds (negative: not begun), `planned()` what is known beyond it."""
        ...

    def stop(self) -> None:
        """Give the terminal back. Twice is once."""
        ...


def open_view(out: TextIO, timeline: Timeline, port: str, still: bool = False) -> View:
    """The roll if `out` is a terminal that can show it, else lines. `port` is the name to show.

    `still`: never the roll, because time will fly.
    """
    unicode = (out.encoding or "").lower().replace("-", "") == "utf8"
    if not unicode and isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")  # a "?" is better than no line
    if out.isatty() and unicode and not still and os.environ.get("TERM") != "dumb":
        return RollView(out, timeline, port)
    return LineView(out, timeline)


def key_name(key: Key) -> str:
    """Such as "D major" or "F♯ minor"."""
    names = _MINOR if key.minor else _MAJOR
    return f"{names[key.fifths + 7]} {'minor' if key.minor else 'major'}"


class _Threaded:
    """Keeps recent notes, and calls `_show` in a thread every `pause` seconds."""

    def __init__(self, out: TextIO, timeline: Timeline, pause: float) -> None:
        self._out, self._timeline, self._pause = out, timeline, pause
        self._notes: deque[TimedNote] = deque()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._now: Callable[[], float] = lambda: -1.0
        self._planned: Callable[[], list[TimedNote]] = list
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def note(self, note: TimedNote, channel: int) -> None:
        """Keep it until it has left the picture."""
        with self._lock:
            self._notes.append(note)

    def start(self, now: Callable[[], float], planned: Callable[[], list[TimedNote]]) -> None:
        """Start drawing."""
        self._now, self._planned = now, planned
        self._thread.start()

    def stop(self) -> None:
        """Stop drawing; waits only a moment, in case the terminal takes nothing."""
        if not self._ending.is_set():
            self._ending.set()
            if self._thread.is_alive():
                self._thread.join(1.0)

    def _loop(self) -> None:
        try:
            self._begin()
            while not self._ending.wait(self._pause):
                self._show(self._now())
            self._finish()
        except (OSError, ValueError):
            return  # nobody is looking any more: the terminal was closed

    def _begin(self) -> None:
        """Before the first picture."""

    def _show(self, now: float) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """After the last picture."""

    def _drop_before(self, tick: float) -> None:
        with self._lock:
            while self._notes and self._notes[0].onset + self._notes[0].duration < tick:
                self._notes.popleft()

    def _copy(self) -> list[TimedNote]:
        with self._lock:
            return list(self._notes)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class RollView(_Threaded):
    """The moving roll."""

    def __init__(self, out: TextIO, timeline: Timeline, port: str) -> None:
        super().__init__(out, timeline, FRAME)
        self._colour = not os.environ.get("NO_COLOR")
        self._roll = Roll(timeline, self._colour)
        self._port = port
        self._said = ""
        self._count = 0
        self._programs: dict[int, int] = {}

    def note(self, note: TimedNote, channel: int) -> None:
        """Keep it."""
        super().note(note, channel)
        self._count += 1
        self._programs.setdefault(note.instrument, note.program)

    def say(self, text: str) -> None:
        """Show `text` until something else is said."""
        self._said = text

    def picture(self, now: float, width: int, height: int) -> list[str]:
        """The whole screen as `height` lines."""
        self._drop_before(self._roll.first_tick(now, width))
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return [f"{self._timeline.position(now)}  {self._count} notes"[:width]]
        roll = self._roll.draw([*self._copy(), *self._planned()], now, width, height - 4)
        return [*self._head(now, width), *roll, "  " + self._roll.legend(dict(self._programs)), self._foot(width)]

    def _head(self, now: float, width: int) -> list[str]:
        line = self._timeline
        meter = line.meter(max(0.0, now))
        facts = [f"♩ = {line.qpm(max(0.0, now)):.0f}", f"{meter.numerator}/{meter.denominator}"]
        facts += [key_name(k) for k in line.keys[:1]]
        place = f"bar {line.position(now)}" if now >= 0 else "getting ready"
        left, right = f" musegen ▸ {self._port}", f"{' · '.join(facts)}   {place} "
        room = max(1, width - len(right) - 1)
        text = (left[:room].ljust(room) + " " + right)[:width]
        return [f"\x1b[7m{text}\x1b[0m" if self._colour else text, ""]

    def _foot(self, width: int) -> str:
        text = self._said or f"{self._count} notes · Ctrl-C stops and keeps the recording"
        return ("  " + text)[:width]

    def _begin(self) -> None:
        self._write(_ENTER)

    def _show(self, now: float) -> None:
        width, height = shutil.get_terminal_size()
        lines = self.picture(now, width, height)
        self._write("\x1b[H" + "\x1b[K\r\n".join(lines) + "\x1b[K\x1b[J")

    def _finish(self) -> None:
        self._write(_LEAVE)


class LineView(_Threaded):
    """One line for every bar that has passed: for logs and pipes."""

    def __init__(self, out: TextIO, timeline: Timeline) -> None:
        super().__init__(out, timeline, 0.1)
        self._bar = 0
        self._said: deque[str] = deque()

    def say(self, text: str) -> None:
        """Write `text` on a line of its own."""
        self._said.append(text)

    def _show(self, now: float) -> None:
        while self._said:
            self._write(self._said.popleft() + "\n")
        while now >= self._timeline.bar_start(self._bar + 1):
            start, end = (self._timeline.bar_start(b) for b in (self._bar, self._bar + 1))
            notes = [n for n in self._copy() if start <= n.onset < end]
            self._bar += 1
            self._drop_before(end)
            self._write(bar_line(self._bar, notes) + "\n")

    def _finish(self) -> None:
        self._show(self._now())


def bar_line(bar: int, notes: list[TimedNote]) -> str:
    """Such as "bar  5 │ 14 notes  D2-A5  piano, bass"."""
    if not notes:
        return f"bar {bar:3} │ rest"
    pitches = [n.pitch for n in notes if n.program < 128]
    span = f"  {pitch_name(min(pitches))}-{pitch_name(max(pitches))}" if pitches else ""
    names = ", ".join(dict.fromkeys(family(n.program) for n in notes))
    return f"bar {bar:3} │ {len(notes):3} note{'s' if len(notes) > 1 else ' '}{span}  {names}"

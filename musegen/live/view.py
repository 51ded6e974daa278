"""What the person at the machine sees: a moving picture in a terminal, or one line a bar elsewhere.

Asks for a `Status` in a thread of its own, 15 times a second, so that a slow or stopped terminal cannot hold up the
music. `NO_COLOR` (no-color.org) takes the colours away, not the picture. Knows nothing else of what is played.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from typing import Protocol, TextIO

from ..piece import pitch_name
from .ink import Line, Span, fit, fore, render
from .keyboard import HELP
from .knobs import KNOBS
from .panel import DIM, TEXT, head, knobs, meters, modes
from .roll import Roll, family
from .status import SHOWN_BARS, ShownNote, Status

FRAME = 1 / 15  # seconds
SMALLEST = (40, 8)  # columns and lines that a picture needs
SAID_FRAMES = 15 * 8  # how long a sentence stays
SPARKS = 16  # how many little bars the lateness has, one a second

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"  # the other screen, no cursor, cleared (xterm control sequences)
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"


class View(Protocol):
    """Shows a performance between `start` and `stop`."""

    def say(self, text: str) -> None:
        """Show one line, from any thread."""
        ...

    def start(self, status: Callable[[], Status]) -> None:
        """Begin; `status()` is asked from another thread."""
        ...

    def stop(self) -> None:
        """Give the terminal back. Twice is once."""
        ...


def open_view(out: TextIO, still: bool = False) -> View:
    """The picture if `out` is a terminal that can show it, else lines.

    `still`: never the picture, because time will fly.
    """
    unicode = (out.encoding or "").lower().replace("-", "") == "utf8"
    if not unicode and isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")  # a "?" is better than no line
    if out.isatty() and unicode and not still and os.environ.get("TERM") != "dumb":
        return RollView(out)
    return LineView(out, 0.02 if still else 0.1)


class _Threaded:
    """Calls `_show` with the status in a thread every `pause` seconds."""

    def __init__(self, out: TextIO, pause: float) -> None:
        self._out, self._pause = out, pause
        self._ending = threading.Event()
        self._status: Callable[[], Status] = Status
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self, status: Callable[[], Status]) -> None:
        """Start drawing."""
        self._status = status
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
                self._show(self._status())
            self._finish()
        except (OSError, ValueError):
            return  # nobody is looking any more: the terminal was closed

    def _begin(self) -> None:
        """Before the first picture."""

    def _show(self, status: Status) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """After the last picture."""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class RollView(_Threaded):
    """The moving picture."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out, FRAME)
        self._colour = not os.environ.get("NO_COLOR")
        self._roll = Roll(self._colour)
        self._said = ""
        self._since = 0  # frames
        self._size = (0, 0)
        self._late: deque[float] = deque([0.0] * SPARKS, SPARKS)
        self._frames = 0

    def say(self, text: str) -> None:
        """Show `text` for eight seconds, or until something else is said."""
        self._said, self._since = text, self._frames

    def picture(self, status: Status, width: int, height: int) -> list[str]:
        """The whole screen as `height` lines."""
        return [render(line, self._colour) for line in self.lines(status, width, height)]

    def lines(self, status: Status, width: int, height: int) -> list[Line]:
        """As `picture`, with the styles apart."""
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return [fit([Span(f"{status.position}  {status.mode}  {status.count} notes")], width)]
        above = [head(status, width)] + ([modes(status, width)] if height > 9 else [])
        turned = knobs(status.knobs, width, (height - 11) // 2)
        below = [self._meters(status, width)] if height > 11 else []
        below += [self._message(status, width)]
        below += [_help(width)] if height > 15 else []
        room = height - len(above) - len(turned) - len(below) - 1
        more = status.position.bar - status.timeline.position(status.tick).bar if status.tick >= 0 else 0
        roll = self._roll.draw(status.notes, status.timeline, status.tick, width, room, more)
        legend = fit([Span("     "), *self._roll.legend()], width)
        return [*above, *roll, legend, *turned, *below]

    def _meters(self, status: Status, width: int) -> Line:
        return meters(status, list(self._late) if width >= 70 else [], width)

    def _message(self, status: Status, width: int) -> Line:
        """What was said last, else what the selected knob does."""
        if self._said and self._frames - self._since < SAID_FRAMES:
            return fit([Span(f" » {self._said}", fore(TEXT, bold=True))], width)
        knob = next((KNOBS[row.name] for row in status.knobs if row.selected and row.name in KNOBS), None)
        return fit([Span(f" {knob.name}: {knob.help}" if knob else "", fore(DIM))], width)

    def _begin(self) -> None:
        self._write(_ENTER)

    def _show(self, status: Status) -> None:
        self._frames += 1
        if self._frames % 15 == 0:
            self._late.append(status.lateness.p99)
        size = self._terminal()
        clear, self._size = ("\x1b[2J" if size != self._size else ""), size
        self._write(f"{clear}\x1b[H" + "\x1b[K\r\n".join(self.picture(status, *size)) + "\x1b[K\x1b[J")

    def _terminal(self) -> tuple[int, int]:
        """Columns and lines as they are now, whatever the environment says they once were."""
        try:
            columns, lines = os.get_terminal_size(self._out.fileno())
        except OSError:
            columns, lines = 0, 0
        guess = shutil.get_terminal_size()  # 80 × 24 where nobody knows
        return columns or guess.columns, lines or guess.lines

    def _finish(self) -> None:
        self._write(_LEAVE)


def _help(width: int) -> Line:
    """As many keys as fit."""
    keys = HELP.split(" · ")
    fitting = next(n for n in range(len(keys), -1, -1) if len(" · ".join(keys[:n])) < width)
    return [Span(" " + " · ".join(keys[:fitting]), fore(DIM))]


class LineView(_Threaded):
    """One line for every bar that has passed: for logs and pipes."""

    def __init__(self, out: TextIO, pause: float = 0.1) -> None:
        super().__init__(out, pause)
        self._bar = 0
        self._said: deque[str] = deque()

    def say(self, text: str) -> None:
        """Write `text` on a line of its own."""
        self._said.append(text)

    def _show(self, status: Status) -> None:
        while self._said:
            self._write(self._said.popleft() + "\n")
        line, now = status.timeline, max(0.0, status.tick)
        reached = line.position(now).bar - 1
        more = status.position.bar - 1 - reached
        if self._bar < (known := reached - SHOWN_BARS):
            self._write(f"bar {self._bar + 1 + more:3} │ to bar {known + more}: too fast to be shown\n")
            self._bar = known
        while self._bar < reached and status.tick >= 0:
            self._write(bar_line(self._bar + 1 + more, self._notes(status)) + "\n")
            self._bar += 1

    def _notes(self, status: Status) -> list[ShownNote]:
        """Those of the first bar that is not shown yet."""
        start, end = (status.timeline.bar_start(self._bar + i) for i in (0, 1))
        return [n for n in status.notes if start <= n.onset < end]

    def _finish(self) -> None:
        """The last bar too, which may end before its time."""
        status = self._status()
        self._show(status)
        if sounded := [n for n in self._notes(status) if n.state == "committed" and n.onset <= status.tick]:
            more = status.position.bar - status.timeline.position(max(0.0, status.tick)).bar
            self._write(bar_line(self._bar + 1 + more, sounded) + "\n")


def bar_line(bar: int, notes: Iterable[ShownNote]) -> str:
    """Such as "bar  5 │ 14 notes  D2-A5  piano, bass", with what the player played after it, if anything."""
    sounded = [n for n in notes if n.state == "committed"]
    model, player = ([n for n in sounded if n.who == who] for who in ("model", "player"))
    if not sounded:
        return f"bar {bar:3} │ rest"
    parts = [_summary(model)] if model or not player else []
    return f"bar {bar:3} │ " + "  ".join(parts + ([f"you: {_summary(player).strip()}"] if player else []))


def _summary(notes: list[ShownNote]) -> str:
    pitches = [n.pitch for n in notes if n.program < 128]
    span = f"  {pitch_name(min(pitches))}-{pitch_name(max(pitches))}" if pitches else ""
    names = ", ".join(dict.fromkeys(family(n.program) for n in notes))
    return f"{len(notes):3} note{'s' if len(notes) > 1 else ' '}{span}  {names}"

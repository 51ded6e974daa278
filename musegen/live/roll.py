"""Draws a piano roll as lines of text: pure, from notes, a place in the music and a size.

Each character cell shows two pitches, by half blocks. What is still to come is drawn faint. Colours are ANSI
SGR sequences with the 256-colour palette, one hue an instrument; without colour the shapes alone say it.
Knows nothing of terminals or clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..events.codec import TimedNote
from ..piece import DRUMS
from .timeline import Timeline

LABEL = 5  # columns for the pitch names
BARS_SHOWN = 4
HEAD = 0.72  # where "now" is, as a fraction of the width
GRIDS = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # ticks a column can stand for
LOWEST_DRUM_ABOVE = 42  # drum notes from here on are drawn in the upper half of their lane (hats, toms, cymbals)

HUES = (  # (onset, body, still to come), as numbers of the 256-colour palette
    (117, 39, 24),
    (222, 208, 94),
    (157, 76, 28),
    (219, 170, 90),
    (229, 184, 100),
    (159, 44, 30),
    (217, 167, 88),
    (183, 135, 60),
)
DRUM_HUE = (255, 248, 240)
GREY, FAINT = 242, 237

FAMILIES = (  # General MIDI: eight programs each
    *("piano", "mallets", "organ", "guitar", "bass", "strings", "ensemble", "brass"),
    *("reeds", "flutes", "lead", "pad", "effects", "folk", "percussion", "noises"),
)
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")

_Cell = tuple[int, int]  # colours of the upper and lower half; 0: empty


def pitch_name(pitch: int) -> str:
    """Such as "C4" for 60 (middle C)."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def family(program: int) -> str:
    """A short name for `program` (128: drums)."""
    return "drums" if program == DRUMS else FAMILIES[program // 8]


class _Scale(NamedTuple):
    """Which half row a pitch is on: `span` semitones from `top` down share `rows` rows."""

    top: int
    span: int
    rows: int

    def half(self, pitch: int) -> int:
        """0 at the top."""
        return (self.top - pitch) * 2 * self.rows // self.span

    def labels(self) -> list[str]:
        """For each row the name of the C in it, if there is one."""
        labels = [""] * self.rows
        for pitch in range(0, 128, 12):
            if 0 <= (half := self.half(pitch)) < 2 * self.rows:
                labels[half // 2] = pitch_name(pitch)
        return labels


class _Picture(NamedTuple):
    left: int
    grid: int
    scale: _Scale


@dataclass
class Palette:
    """Gives each instrument a hue, in order of appearance."""

    order: dict[int, int] = field(default_factory=dict)

    def hue(self, instrument: int, program: int) -> tuple[int, int, int]:
        """(onset, body, still to come) for `instrument`."""
        if program == DRUMS:
            self.order.setdefault(instrument, -1)
            return DRUM_HUE
        if instrument not in self.order:
            self.order[instrument] = sum(v >= 0 for v in self.order.values())
        return HUES[self.order[instrument] % len(HUES)]


class Roll:
    """A drawing surface that remembers which pitches it shows, so that the picture does not jump."""

    def __init__(self, timeline: Timeline, colour: bool = True) -> None:
        self.palette = Palette()
        self._timeline, self._colour = timeline, colour
        self._low: int | None = None  # lowest and highest pitch seen
        self._high = 0
        self._drums = False

    def first_tick(self, now: float, width: int) -> int:
        """The tick at the left edge."""
        grid = self._grid(now, width)
        return (int(now // grid) - int((width - LABEL) * HEAD)) * grid

    def draw(self, notes: Iterable[TimedNote], now: float, width: int, height: int) -> list[str]:
        """`height` lines of `width` columns: a ruler with bar numbers, then the roll."""
        columns, grid = width - LABEL, self._grid(now, width)
        left = self.first_tick(now, width)
        visible = [n for n in notes if n.onset < left + columns * grid and n.onset + n.duration > left]
        self._fit(visible)
        rows = height - 1 - self._drums
        cells: list[list[_Cell]] = [[(0, 0)] * columns for _ in range(rows + self._drums)]
        scale = self._scale(rows)
        for note in visible:
            self._fill(cells, note, now, _Picture(left, grid, scale))
        marks = self._marks(left, grid, columns)
        head = int(columns * HEAD)
        labels = [*scale.labels(), *(["drum"] if self._drums else [])]
        lines = [
            self._paint(label.rjust(LABEL - 1) + " ", GREY) + self._line(row, marks, head)
            for label, row in zip(labels, cells, strict=True)
        ]
        return [self._ruler(left, grid, columns), *lines]

    def legend(self, programs: dict[int, int]) -> str:
        """The instruments met so far with their colours; `programs` maps instrument to program."""
        return "  ".join(
            self._paint("■", self.palette.hue(i, programs[i])[1]) + f" {family(programs[i])}"
            for i in self.palette.order
            if i in programs
        )

    def _grid(self, now: float, width: int) -> int:
        wanted = BARS_SHOWN * self._timeline.meter(max(0.0, now)).bar_ticks() / max(1, width - LABEL)
        return next((g for g in GRIDS if g >= wanted), GRIDS[-1])

    def _fit(self, notes: Sequence[TimedNote]) -> None:
        pitches = [n.pitch for n in notes if n.program != DRUMS]
        self._drums = self._drums or len(pitches) < len(notes)
        if pitches:
            self._low = min([*pitches, *([self._low] if self._low is not None else [])])
            self._high = max(*pitches, self._high, self._low)

    def _scale(self, rows: int) -> _Scale:
        low, high = (48, 72) if self._low is None else (self._low, self._high)
        span = max(2 * rows, high - low + 1)
        return _Scale(high + (span - (high - low + 1)) // 2, span, rows)

    def _fill(self, cells: list[list[_Cell]], note: TimedNote, now: float, picture: _Picture) -> None:
        left, grid, scale = picture
        hue = self.palette.hue(note.instrument, note.program)
        if note.program == DRUMS:
            row, lower = len(cells) - 1, note.pitch < LOWEST_DRUM_ABOVE
        else:
            row, lower = scale.half(note.pitch) // 2, scale.half(note.pitch) % 2 == 1
        first = (note.onset - left) // grid
        last = first if note.program == DRUMS else max(first, -(-(note.onset + note.duration - left) // grid) - 1)
        for column in range(max(0, first), min(len(cells[0]), last + 1)):
            planned = left + column * grid > now
            colour = hue[2] if planned else hue[0] if column == first else hue[1]
            upper, under = cells[row][column]
            cells[row][column] = (upper, colour) if lower else (colour, under)

    def _marks(self, left: int, grid: int, columns: int) -> list[int]:
        """For each column: 2 on a bar line, 1 on a beat, 0 elsewhere, -1 before the music."""
        marks = []
        for column in range(columns):
            tick = left + column * grid
            if tick < 0:
                marks.append(-1)
                continue
            place, before = self._timeline.position(tick), self._timeline.position(tick - grid)
            new_bar = tick < grid or place.bar != before.bar
            marks.append(2 if new_bar else 1 if place.beat != before.beat else 0)
        return marks

    def _ruler(self, left: int, grid: int, columns: int) -> str:
        text = [" "] * (columns + LABEL)
        for column, mark in enumerate(self._marks(left, grid, columns)):
            if mark == 2:
                number = str(self._timeline.position(left + column * grid + grid - 1).bar)
                text[LABEL + column : LABEL + column + len(number)] = number
        return self._paint("".join(text)[: columns + LABEL], GREY)

    def _line(self, row: Sequence[_Cell], marks: Sequence[int], head: int) -> str:
        parts: list[str] = []
        style = ""
        for column, (cell, mark) in enumerate(zip(row, marks, strict=True)):
            wanted, character = self._cell(cell, mark, column == head)
            if wanted != style:
                parts.append("\x1b[0m" + wanted if style else wanted)
                style = wanted
            parts.append(character)
        return "".join(parts) + ("\x1b[0m" if style else "")

    def _cell(self, cell: _Cell, mark: int, head: bool) -> tuple[str, str]:
        upper, lower = cell
        if not (upper or lower):
            character = "┃" if head else {2: "│", 1: "·"}.get(mark, " ")
            shade = 250 if head else GREY if mark == 2 else FAINT
            return (f"\x1b[38;5;{shade}m" if self._colour and character != " " else ""), character
        if not self._colour:
            planned = {h[2] for h in (*HUES, DRUM_HUE)}
            if (upper or lower) in planned:
                return "", "░"
            return "", "█" if upper and lower else "▀" if upper else "▄"
        if upper == lower:
            return f"\x1b[38;5;{upper}m", "█"
        if upper and lower:
            return f"\x1b[38;5;{upper};48;5;{lower}m", "▀"
        return (f"\x1b[38;5;{upper}m", "▀") if upper else (f"\x1b[38;5;{lower}m", "▄")

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[38;5;{colour}m{text}\x1b[0m" if self._colour else text

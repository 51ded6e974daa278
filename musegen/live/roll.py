"""Draws a piano roll as lines of text: pure, from notes, a place in the music and a size.

Each character cell shows two pitches, by half blocks. The player has a hue of their own, warm; the model's voices have
cool ones. What is only planned is faint. Without colour the shapes alone say it: the player's notes are ▓, the model's
solid, planned ones ░. Knows nothing of terminals or clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ..piece import DRUMS, pitch_name
from .ink import Line, Span, fore, on
from .status import SHOWN_BARS, ShownNote, Who
from .timeline import Timeline

LABEL = 5  # columns for the pitch names
HEAD = 0.68  # where "now" is, as a fraction of the width
GRIDS = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # ticks a column can stand for
LOWEST_DRUM_ABOVE = 42  # drum notes from here on are drawn in the upper half of their lane (hats, toms, cymbals)


class Hue(NamedTuple):
    """Colours of the 256-colour palette for a note's first cell, the rest of it, and all of one that is planned."""

    onset: int
    body: int
    planned: int


PLAYER_HUES = (Hue(230, 214, 94), Hue(224, 209, 95), Hue(223, 179, 58))
HUES = (
    Hue(153, 39, 24),
    Hue(158, 42, 29),
    Hue(189, 141, 60),
    Hue(195, 44, 30),
    Hue(219, 170, 89),
    Hue(194, 113, 64),
    Hue(147, 69, 61),
)
DRUM_HUES: dict[Who, Hue] = {"player": Hue(231, 216, 95), "model": Hue(255, 248, 240)}
GREY, FAINT, NOW = 243, 237, 252

FAMILIES = (  # General MIDI: eight programs each
    *("piano", "mallets", "organ", "guitar", "bass", "strings", "ensemble", "brass"),
    *("reeds", "flutes", "lead", "pad", "effects", "folk", "percussion", "noises"),
)


def family(program: int) -> str:
    """A short name for `program` (128: drums)."""
    return "drums" if program == DRUMS else FAMILIES[program // 8]


class _Half(NamedTuple):
    """Half a cell with a note in it."""

    colour: int
    who: Who
    planned: bool


_Cell = tuple[_Half | None, _Half | None]  # upper and lower
_NOTHING: _Cell = (None, None)
NOW_MARK = 3
_EMPTY = {  # what stands where no note is: before the music, nothing, a beat, a bar line, now
    -1: Span(" "),
    0: Span(" "),
    1: Span("·", fore(FAINT)),
    2: Span("│", fore(240)),
    NOW_MARK: Span("┃", fore(NOW)),
}


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


class _Frame(NamedTuple):
    """What part of the music the columns show: `grid` ticks each, from tick `left` on; `more` bars are counted more."""

    timeline: Timeline
    left: int
    grid: int
    columns: int
    more: int

    def tick(self, column: int) -> int:
        """Where a column begins."""
        return self.left + column * self.grid

    def column(self, tick: float) -> int:
        """The column with `tick` in it."""
        return int((tick - self.left) // self.grid)


@dataclass
class Palette:
    """Gives each instrument of each hand a hue, in order of appearance."""

    order: dict[tuple[Who, int], Hue] = field(default_factory=dict)

    def hue(self, who: Who, instrument: int, program: int) -> Hue:
        """The hue of what `who` plays on `instrument`."""
        if (who, instrument) not in self.order:
            hues = PLAYER_HUES if who == "player" else HUES
            count = sum(w == who and h not in DRUM_HUES.values() for (w, _), h in self.order.items())
            self.order[who, instrument] = DRUM_HUES[who] if program == DRUMS else hues[count % len(hues)]
        return self.order[who, instrument]


class Roll:
    """A drawing surface that remembers which pitches it shows, so that the picture does not jump."""

    def __init__(self, colour: bool = True) -> None:
        self.palette = Palette()
        self._colour = colour
        self._programs: dict[tuple[Who, int], int] = {}
        self._low: int | None = None  # lowest and highest pitch seen
        self._high = 0
        self._drums = False

    def draw(
        self, notes: Iterable[ShownNote], timeline: Timeline, now: float, width: int, height: int, more: int = 0
    ) -> list[Line]:
        """`height` lines of `width` columns: a ruler with bar numbers, `more` added to them, then the roll."""
        columns = width - LABEL
        grid = _grid(timeline, now, columns)
        frame = _Frame(timeline, (int(now // grid) - int(columns * HEAD)) * grid, grid, columns, more)
        visible = [n for n in notes if n.onset < frame.tick(columns) and n.end(now) >= frame.left]
        self._fit(visible)
        rows = height - 1 - self._drums
        cells: list[list[_Cell]] = [[_NOTHING] * columns for _ in range(rows + self._drums)]
        scale = self._scale(rows)
        # The player's notes last, so that they are on top; planned ones below all.
        for note in sorted(visible, key=lambda n: (n.state == "committed", n.who == "player")):
            self._fill(cells, note, now, frame, scale)
        marks = _marks(frame)
        labels = [*scale.labels(), *(["drum"] if self._drums else [])]
        lines = [
            [Span(f"{label:>{LABEL - 1}} ", fore(GREY)), *self._line(row, marks, frame.column(now))]
            for label, row in zip(labels, cells, strict=True)
        ]
        return [_ruler(frame, marks), *lines]

    def legend(self) -> Line:
        """Who plays what in which colour, as far as has been seen."""
        line: Line = []
        for who, title in (("player", "you"), ("model", "model")):
            found = [(key, hue) for key, hue in self.palette.order.items() if key[0] == who]
            for i, (key, hue) in enumerate(found):
                sign = "■" if self._colour else "▓" if who == "player" else "█"
                name = family(self._programs[key])
                line += [Span("   " if line and not i else "  " if line else ""), Span(sign, fore(hue.body))]
                line += [Span(f" {title} " if not i else " ", fore(NOW, bold=True)), Span(name, fore(GREY))]
        if line:
            line += [Span("   "), Span("■" if self._colour else "░", fore(FAINT)), Span(" planned", fore(GREY))]
        return line

    def _fit(self, notes: Sequence[ShownNote]) -> None:
        pitches = [n.pitch for n in notes if n.program != DRUMS]
        self._drums = self._drums or len(pitches) < len(notes)
        for note in notes:
            self._programs.setdefault((note.who, note.instrument), note.program)
        if pitches:
            self._low = min([*pitches, *([self._low] if self._low is not None else [])])
            self._high = max(*pitches, self._high, self._low)

    def _scale(self, rows: int) -> _Scale:
        low, high = (48, 72) if self._low is None else (self._low, self._high)
        span = max(2 * rows, high - low + 1)
        return _Scale(high + (span - (high - low + 1)) // 2, span, rows)

    def _fill(self, cells: list[list[_Cell]], note: ShownNote, now: float, frame: _Frame, scale: _Scale) -> None:
        hue = self.palette.hue(note.who, note.instrument, note.program)
        planned = note.state == "planned"
        if note.program == DRUMS:
            row, lower = len(cells) - 1, note.pitch < LOWEST_DRUM_ABOVE
        else:
            row, lower = scale.half(note.pitch) // 2, scale.half(note.pitch) % 2 == 1
        first, last = frame.column(note.onset), frame.column(note.end(now) - 1e-6)
        if note.program == DRUMS:
            last = first
        for column in range(max(0, first), min(frame.columns, max(first, last) + 1)):
            colour = hue.planned if planned else hue.onset if column == first else hue.body
            half = _Half(colour, note.who, planned)
            upper, under = cells[row][column]
            cells[row][column] = (upper, half) if lower else (half, under)

    def _line(self, row: Sequence[_Cell], marks: Sequence[int], head: int) -> Iterable[Span]:
        look = _coloured if self._colour else _shape
        text, style = "", ""
        for column, (cell, mark) in enumerate(zip(row, marks, strict=True)):
            sign, wanted = look(*cell) if cell is not _NOTHING else _EMPTY[NOW_MARK if column == head else mark]
            if wanted != style and (sign != " " or "48;" in style):  # a space shows its background only
                if text:
                    yield Span(text, style)
                text, style = "", wanted
            text += sign
        yield Span(text, style)


@lru_cache(4096)
def _coloured(upper: _Half | None, lower: _Half | None) -> Span:
    if upper is None or lower is None:
        return Span("▀", fore(upper.colour)) if upper else Span("▄", fore(lower.colour if lower else 0))
    if upper.colour == lower.colour:
        return Span("█", fore(upper.colour))
    return Span("▀", on(lower.colour, fore(upper.colour)))


def _shape(upper: _Half | None, lower: _Half | None) -> Span:
    halves = [half for half in (upper, lower) if half is not None]
    if any(half.who == "player" for half in halves):
        return Span("▓")
    if all(half.planned for half in halves):
        return Span("░")
    return Span("█" if len(halves) == 2 else "▀" if upper else "▄")


def _grid(timeline: Timeline, now: float, columns: int) -> int:
    """Ticks a column."""
    wanted = SHOWN_BARS * timeline.meter(max(0.0, now)).bar_ticks() / max(1, columns)
    return next((g for g in GRIDS if g >= wanted), GRIDS[-1])


def _marks(frame: _Frame) -> list[int]:
    """For each column: 2 on a bar line, 1 on a beat, 0 elsewhere, -1 before the music."""
    marks = []
    before = frame.timeline.position(frame.left - frame.grid)
    for column in range(frame.columns):
        tick = frame.tick(column)
        place = frame.timeline.position(tick)
        if tick < 0:
            marks.append(-1)
        elif tick < frame.grid or place.bar != before.bar:
            marks.append(2)
        else:
            marks.append(int(place.beat != before.beat))
        before = place
    return marks


def _ruler(frame: _Frame, marks: Sequence[int]) -> Line:
    text = [" "] * (frame.columns + LABEL)
    for column, mark in enumerate(marks):
        if mark == 2:
            number = str(frame.timeline.position(frame.tick(column) + frame.grid - 1).bar + frame.more)
            text[LABEL + column : LABEL + column + len(number)] = number
    return [Span("".join(text)[: frame.columns + LABEL], fore(GREY))]

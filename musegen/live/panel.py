"""The lines around the roll: ports, time, modes, knobs, lateness; pure, from a `Status` and a width.

Knows nothing of terminals or of what the keys do.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from ..piece import Key
from .ink import Line, Span, fit, fore, on, spread, width_of
from .knobs import MODES
from .status import Status

if TYPE_CHECKING:
    from .desk import KnobRow

BAR, PAPER, TEXT, DIM = 235, 255, 250, 243
ACCENT, GOOD, WARN, BAD = 214, 78, 221, 203
BUTTON = 31

KNOB_WIDTH = 36  # columns of one knob
TRACK = 10  # columns of its bar
MOST_LIGHTS = 12  # beats that are shown as lights
LATE_STEPS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Milliseconds: the heights of the little bars; at 30 ms notes are dropped."""

_SPARKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_MAJOR = ("C♭", "G♭", "D♭", "A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯")
_MINOR = ("A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯", "G♯", "D♯", "A♯")


def key_name(key: Key) -> str:
    """Such as "D major" or "F♯ minor"."""
    names = _MINOR if key.minor else _MAJOR
    return f"{names[key.fifths + 7]} {'minor' if key.minor else 'major'}"


def head(status: Status, width: int) -> Line:
    """Ports on the left, time on the right; the less important is left out first."""
    place = _place(status)
    facts = _facts(status)
    names = _ports(status)
    while facts and width_of(names) + width_of(place) + sum(len(f) + 3 for f in facts) + 2 > width:
        facts.pop()
    right = [Span("".join(f"{fact}   " for fact in facts), on(BAR, fore(TEXT))), *place]
    line = spread(names, right, width)
    return [Span(s.text, s.style if "48;5" in s.style else on(BAR, s.style)) for s in line]


def _ports(status: Status) -> Line:
    line = [Span(" musegen ", on(BAR, fore(ACCENT, bold=True)))]
    for sign, name, up in (
        ("▸", status.output or "recording only", status.output_up),
        ("◂", status.input, status.input_up),
    ):
        if name:
            line.append(Span(f"{sign} {name}" if up else f"{sign} {name} gone", on(BAR, fore(PAPER if up else BAD))))
            line.append(Span("  ", on(BAR)))
    return line


def _facts(status: Status) -> list[str]:
    """The most important first."""
    line, now = status.timeline, max(0.0, status.tick)
    meter = line.meter(now)
    keys = [k for k in line.keys if k.tick <= now] or list(line.keys[:1])
    facts = [f"♩ {status.qpm:.0f} {status.source}", f"{meter.numerator}/{meter.denominator}"]
    return facts + [key_name(k) for k in keys[-1:]]


def _place(status: Status) -> Line:
    """Bar and beat, and a light for every beat of the bar."""
    if status.tick < 0 or not status.rolling:
        text = "getting ready" if status.tick < 0 else f"stopped at {status.position}"
        return [Span(f"{text} ", on(BAR, fore(WARN, bold=True)))]
    beats, beat = status.timeline.meter(status.tick).numerator, status.position.beat
    line = [Span(f"{status.position} ", on(BAR, fore(PAPER, bold=True)))]
    if beats <= MOST_LIGHTS:
        for i in range(1, beats + 1):
            fresh = status.position.fraction < 0.5
            colour = (ACCENT if i == 1 else PAPER) if fresh else DIM
            line.append(Span("●" if i == beat else "·", on(BAR, fore(colour if i == beat else DIM))))
    return [*line, Span(" ", on(BAR))]


def modes(status: Status, width: int) -> Line:
    """All modes, the one that plays highlighted, and what it does just now."""
    line: Line = [Span(" ")]
    for mode in MODES:
        if mode == status.mode:
            line += [Span("[", fore(BUTTON)), Span(mode, on(BUTTON, fore(PAPER, bold=True))), Span("]", fore(BUTTON))]
        else:
            line.append(Span(f" {mode} ", fore(DIM)))
    if width_of(line) + len(status.state) + 3 > width:
        line = [Span(" ["), Span(status.mode, on(BUTTON, fore(PAPER, bold=True))), Span("]")]
    return fit([*line, Span("   "), Span(status.state, fore(TEXT))], width)


def knobs(rows: Sequence[KnobRow], width: int, height: int) -> list[Line]:
    """The knobs in columns, at most `height` lines of them: what does not fit is scrolled to the selected one."""
    if not rows or height < 1:
        return []
    across = max(1, width // KNOB_WIDTH)
    lines = ceil(len(rows) / across)
    across = ceil(len(rows) / lines)  # all lines as full as they can be
    chosen = next((i for i, row in enumerate(rows) if row.selected), 0) // across
    first = max(0, min(chosen - height // 2, lines - height))
    shown = range(first, min(lines, first + height))
    return [fit([s for row in rows[i * across : (i + 1) * across] for s in _knob(row)], width) for i in shown]


def _knob(row: KnobRow) -> Line:
    full, rest = divmod(round(max(0.0, min(1.0, row.place)) * TRACK * 8), 8)
    bar = "█" * full + (_EIGHTHS[rest] if rest else "")
    strong = fore(ACCENT, bold=True) if row.selected else fore(TEXT)
    colour = ACCENT if row.selected else 74
    return [
        Span(f"{'▸' if row.selected else ' '}{row.name[:11]:<11} ", strong),
        Span("▕", fore(DIM)),
        Span(bar, on(BAR, fore(colour))),
        Span("░" * (TRACK - len(bar)), on(BAR, fore(240))),
        Span("▏", fore(DIM)),
        Span(f"{row.text[:10]:<10} ", strong),
    ]


def meters(status: Status, history: Sequence[float], width: int) -> Line:
    """How late messages are handed over, lately and at worst, and how fast the model is.

    `history` are p99s in milliseconds, the newest last.
    """
    late = status.lateness
    line = [Span(" late ", fore(DIM))]
    line += [Span(_SPARKS[_step(ms)], fore(_alarm(ms))) for ms in history]
    line.append(Span(f" p50 {late.p50:.1f}  ", fore(DIM)))
    line.append(Span(f"p99 {late.p99:.1f}", fore(_alarm(late.p99), bold=True)))
    line.append(Span(f"  max {late.max:.1f} ms", fore(DIM)))
    line.append(Span(f"   {late.dropped} dropped", fore(BAD if late.dropped else DIM)))
    right: Line = []
    if status.speed:
        right.append(Span(f"model {status.speed:.0f} notes/s   ", fore(DIM)))
    if status.lookahead:
        right.append(Span(f"{status.lookahead:.0f} ms ahead   ", fore(DIM)))
    right.append(Span(f"{status.count} notes ", fore(DIM)))
    if width_of(line) + width_of(right) + 1 > width:
        right = right[-1:]
    return spread(line, right, width) if width_of(line) + width_of(right) < width else fit(line, width)


def _step(ms: float) -> int:
    return sum(ms > step for step in LATE_STEPS[1:])


def _alarm(ms: float) -> int:
    return GOOD if ms <= 2.5 else WARN if ms <= 10 else BAD

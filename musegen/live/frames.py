"""What a page is told of a performance: each `Status` as what has changed since the one before it.

The shapes are `Hello` and `Frame` in studio/web/src/protocol.ts. Knows nothing of pipes, processes or clocks.
"""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..piece import TICKS_PER_QUARTER
from .desk import KnobRow
from .knobs import ACTIONS, KNOBS, MODES
from .status import SHOWN_BARS, ShownNote, Status

_SAID = (
    "rolling", "source", "mode", "state", "checkpoint", "output", "output_up", "input", "input_up", "count",
    "recording", "learning",
)  # fmt: skip


def hello(checkpoint: str = "", recording: str = "") -> dict[str, Any]:
    """What can be turned and asked for (`Hello`)."""
    keys = ("name", "low", "high", "step", "default", "help", "choices")
    return {
        "version": __version__,
        "knobs": [{key: getattr(knob, key) for key in keys} for knob in KNOBS.values()],
        "modes": list(MODES),
        "actions": ACTIONS,
        "checkpoint": checkpoint,
        "recording": recording,
    }


class Frames:
    """Makes frames, each of which says what is other than in the last one."""

    def __init__(self) -> None:
        self._notes: dict[int, list[Any]] = {}  # committed, by number, as last told
        self._told: dict[str, Any] = {}  # the other parts that are left out while they stay the same
        self._tick = float("-inf")

    def next(self, status: Status, full: bool = False) -> dict[str, Any]:
        """The `Frame` for `status`: full if asked for, or if notes may have come and gone since the last one."""
        frame = _always(status)
        if full or status.since > self._tick:
            frame["full"] = True
            self._notes.clear()
            self._told.clear()
        self._tick = status.tick
        changing = {
            "bars": _bars(status),
            "knobs": [_knob(row) for row in status.knobs],
            "planned": [_note(n) for n in status.notes if n.state == "planned"],
        }
        frame |= {name: part for name, part in changing.items() if part != self._told.get(name)}
        self._told = changing
        return frame | self._news_of_notes(status)

    def _news_of_notes(self, status: Status) -> dict[str, Any]:
        """`notes` and `gone`, where there are any; what is too old to be shown is forgotten without a word."""
        known = {number: note for number, note in self._notes.items() if note[1] >= status.since}
        self._notes = {n.number: _note(n) for n in status.notes if n.state == "committed"}
        notes = [note for number, note in self._notes.items() if known.get(number) != note]
        gone = [number for number in known if number not in self._notes]
        return ({"notes": notes} if notes else {}) | ({"gone": gone} if gone else {})


def _always(status: Status) -> dict[str, Any]:
    late = status.lateness
    return {
        "now": round(status.now, 4),
        "tick": round(status.tick, 3),
        "qpm": round(status.qpm, 3),
        "bar": status.position.bar,
        "beat": status.position.beat,
        "speed": round(status.speed, 1),
        "lookahead": round(status.lookahead, 1),
        "lateness": {
            "p50": round(late.p50, 2),
            "p99": round(late.p99, 2),
            "max": round(late.max, 2),
            "dropped": late.dropped,
        },
        **{name: getattr(status, name) for name in _SAID},
    }


def _note(note: ShownNote) -> list[Any]:
    who = 0 if note.who == "player" else 1
    return [note.number, note.onset, note.duration, note.pitch, note.velocity, note.program, who]


def _knob(row: KnobRow) -> dict[str, Any]:
    return {"name": row.name, "value": row.value, "text": row.text, "place": round(row.place, 4), "cc": row.cc}


def _bars(status: Status) -> list[list[int]]:
    """[tick, its number, ticks a beat, beats] of the bars around now; numbered as the clock's master counts them."""
    line, now = status.timeline, max(0.0, status.tick)
    here = line.position(now).bar - 1
    more = status.position.bar - 1 - here if status.tick >= 0 else 0
    bars = []
    for bar in range(max(0, here - SHOWN_BARS), here + SHOWN_BARS + 1):
        start = line.bar_start(bar)
        meter = line.meter(start)
        bars.append([start, bar + 1 + more, 4 * TICKS_PER_QUARTER // meter.denominator, meter.numerator])
    return bars

"""Which holes training shows in a window: of every kind, in places where there is music. Knows nothing of models."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events.codec import Rows
from ..events.derived import bar_position
from ..events.holes import KEEP, Hole
from ..piece import Meter

LONGEST = 8  # bars of a span
_LONGEST_BAR = 24 * 64  # ticks that are looked through for the next bar line
_SOME = [frozenset({a}) for a in KEEP] + [frozenset(KEEP) - {a} for a in KEEP]

KINDS = {"span": 0.4, "voice": 0.3, "attributes": 0.3}
"""A span of all voices; one instrument in a span, or as far as the window goes; attributes of either in a span."""


def draw_hole(
    rows: Rows, now: npt.NDArray[np.int64], meters: tuple[Meter, ...], rng: np.random.Generator, kind: str = ""
) -> Hole | None:
    """A hole in `rows` (N, 5), which happen at `now` (N,), of `kind` or any; None where there is no note to hide.

    Spans are whole bars, up to eight. Where the rows stop before the piece ends, so does the hole before they stop.
    """
    notes = 1 + np.flatnonzero(at.is_note(rows[1:]))  # the first row is always kept
    if not len(notes):
        return None
    kind = kind or str(rng.choice(list(KINDS), p=list(KINDS.values())))
    one = int(notes[rng.integers(len(notes))])
    ticks = np.arange(now[0], now[-1] + _LONGEST_BAR)
    lines = ticks[bar_position(ticks, meters)[0] == 0]
    before, after = lines[lines <= now[one]], np.append(lines[lines > now[one]], ticks[-1])
    first = int(before[-1]) if len(before) else int(now[0])
    last = int(after[min(int(rng.integers(LONGEST)), len(after) - 1)])
    alone = kind == "voice" or (kind == "attributes" and rng.random() < 0.5)
    instruments = (int(rows[one, at.INSTRUMENT]),) if alone else ()
    if kind == "voice" and rng.random() < 0.5:
        first, last = int(now[0]), int(after[after > now[-1]][0])
    if rows[-1, at.SHIFT] != at.END:
        last = min(last, int(now[-1]))
    if last <= first:
        return None
    keep = _SOME[int(rng.integers(len(_SOME)))] if kind == "attributes" else frozenset()
    return Hole(first, last, instruments, keep)

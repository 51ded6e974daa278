"""In which order the bars of a score are played: repeat signs and numbered endings.

Pure logic over `BarMarks`; knows nothing of music21, notes or files. A repeat without a start goes back to
the end of the last repeat (or to the beginning), as players and the ABC standard (2.1, section 4.8) have it.
Da capo and its like are not handled here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class BarMarks(NamedTuple):
    """What is written at one bar."""

    starts_repeat: bool = False
    ends_repeat: bool = False
    times: int = 2  # how often the section that ends here is played
    endings: tuple[int, ...] = ()  # the passes in which this bar is played; empty: in all of them


def play_order(bars: Sequence[BarMarks]) -> list[int]:
    """Bar numbers in the order of playing. Every bar is left behind in the end, whatever the marks."""
    order: list[int] = []
    here = start = 0
    turn = 1
    while here < len(bars):
        bar = bars[here]
        if bar.starts_repeat and not bar.endings and here != start:
            start, turn = here, 1
        if bar.endings and turn not in bar.endings and _another_ending(bars, here, turn):
            here += 1
            continue
        order.append(here)
        if bar.ends_repeat and turn < max(bar.times, _last_ending(bars, here) if bar.endings else 0):
            turn += 1
            here = start
            continue
        here += 1
        left_the_endings = bar.endings and turn > 1 and (here == len(bars) or bars[here].endings != bar.endings)
        if bar.ends_repeat or left_the_endings:
            here = _after_endings(bars, here, turn) if bar.endings else here
            start, turn = here, 1
    return order


def _group(bars: Sequence[BarMarks], here: int) -> range:
    """The run of bars with endings around `here`."""
    first = last = here
    while first > 0 and bars[first - 1].endings:
        first -= 1
    while last < len(bars) and bars[last].endings:
        last += 1
    return range(first, last)


def _another_ending(bars: Sequence[BarMarks], here: int, turn: int) -> bool:
    """Whether a bar further on in these endings is for this turn (if not, the marks are wrong: play what is there)."""
    return any(turn in bars[i].endings for i in _group(bars, here) if i > here)


def _last_ending(bars: Sequence[BarMarks], here: int) -> int:
    return max(n for i in _group(bars, here) for n in bars[i].endings)


def _after_endings(bars: Sequence[BarMarks], here: int, turn: int) -> int:
    """Past the endings of other turns that come next, but not past those of a new section (which begin at 1)."""
    while here < len(bars) and bars[here].endings and min(bars[here].endings) > 1 and turn not in bars[here].endings:
        here += 1
    return here

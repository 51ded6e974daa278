"""Tempo, meter and key of a score as rows in time, and where its bar lines fall.

Takes music21's elements but not its streams: a score is a list of moments and a list of bars. Knows nothing
of notes or files. Times are exact fractions of a quarter.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Moment = tuple[Fraction, Any]  # quarters from the start of the score, and what happens there

_TEMPO_RANGE = (10.0, 480.0)  # quarters a minute; anything else is a misprint


def times(flat: list[Moment], kind: str, value: Any) -> list[tuple[Fraction, Any]]:
    """What `value` makes of each element of a class, in order, one a moment, changes only."""
    at: dict[Fraction, Any] = {}
    for when, element in flat:
        if kind in element.classSet and (v := value(element)) is not None:
            at.setdefault(when, v)
    rows: list[tuple[Fraction, Any]] = []
    for when in sorted(at):
        if not rows or rows[-1][1] != at[when]:
            rows.append((when, at[when]))
    return rows


def tempo_of(mark: Any) -> float | None:
    bpm = mark.getQuarterBPM()
    return 60e6 / bpm if bpm and _TEMPO_RANGE[0] <= bpm <= _TEMPO_RANGE[1] else None


def meter_of(signature: Any) -> tuple[int, int] | None:
    top, bottom = signature.numerator, signature.denominator
    return (int(top), int(bottom)) if top and bottom and 0 < top < 256 and bottom in (1, 2, 4, 8, 16, 32, 64) else None


def key_of(signature: Any) -> tuple[int, bool] | None:
    sharps = signature.sharps
    if sharps is None or not -7 <= sharps <= 7:
        return None
    return int(sharps), getattr(signature, "mode", None) == "minor"


def without_partial_bars(meters: list[tuple[Fraction, Any]]) -> list[tuple[Fraction, Any]]:
    """`meters` without those that only spell one incomplete bar, as music21 writes pick-ups inside an ABC tune."""
    rows = list(meters)
    i = 1
    while i < len(rows) - 1:
        (_, before), (start, here), (end, after) = rows[i - 1 : i + 2]
        if before == after and end - start <= bar_length(here) < bar_length(before):
            del rows[i : i + 2]
        else:
            i += 1
    return rows


def bar_length(meter: tuple[int, int]) -> Fraction:
    return Fraction(4 * meter[0], meter[1])


def lead(bars: list[tuple[Fraction, Fraction]], meters: list[tuple[Fraction, Any]]) -> Fraction:
    """How many quarters of silence make a full bar of a pick-up."""
    if len(bars) < 2 or not meters or meters[0][0] > 0:
        return Fraction(0)
    missing = bar_length(meters[0][1]) - bars[1][0]
    return max(Fraction(0), missing)


def bar_counts(bars: list[tuple[Fraction, Fraction]], meters: list[tuple[Fraction, Any]]) -> list[tuple[Fraction, Any]]:
    """The meters, and the same meter again wherever a full bar begins out of step with the count before it."""
    rows: list[tuple[Fraction, Any]] = []
    changes = list(meters) or [(Fraction(0), (4, 4))]
    silence = lead(bars, meters)
    for start, length in bars or [(Fraction(0), Fraction(4))]:
        while changes and changes[0][0] <= start:
            rows.append((changes[0][0] if rows else -silence, changes[0][1]))
            changes.pop(0)
        if not rows:
            continue
        origin, meter = rows[-1]
        if (start - origin) % bar_length(meter) and length >= bar_length(meter):
            rows.append((start, meter))
    return rows + changes


def first_at_zero(rows: list[tuple[int, Any]], default: Any) -> list[tuple[int, Any]]:
    """`rows` beginning at tick 0: what is stated first holds from the start; a default where nothing is stated."""
    if not rows:
        return [(0, default)]
    return rows if rows[0][0] == 0 else [(0, rows[0][1]), *rows[1:]]

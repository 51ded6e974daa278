"""Text with styles: lines as spans that know how wide they are, written with or without colours.

A style is the parameters of an ANSI SGR sequence (ECMA-48, 8.3.117), such as "1;38;5;214"; 256-colour palette. Knows
nothing of what is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """Some text in one style; one column a character."""

    text: str
    style: str = ""


Line = list[Span]


def fore(colour: int, bold: bool = False) -> str:
    """The style of letters in `colour` of the palette."""
    return f"1;38;5;{colour}" if bold else f"38;5;{colour}"


def on(colour: int, style: str = "") -> str:
    """`style` on a background of `colour`."""
    return f"{style};48;5;{colour}" if style else f"48;5;{colour}"


def width_of(line: Iterable[Span]) -> int:
    """Columns."""
    return sum(len(span.text) for span in line)


def fit(line: Iterable[Span], width: int) -> Line:
    """`line` cut, with an ellipsis, if it is wider than `width` columns."""
    spans = list(line)
    if width_of(spans) <= width:
        return spans
    cut: Line = []
    left = width - 1
    for text, style in spans:
        if left <= 0:
            break
        cut.append(Span(text[:left], style))
        left -= len(text)
    return [*cut, Span("…")] if width > 0 else []


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and, as far to the right as `width` permits, `right`; the left one is cut if it must be."""
    left = fit(left, max(0, width - width_of(right) - 1))
    return fit([*left, Span(" " * max(0, width - width_of(left) - width_of(right))), *right], width)


def render(line: Iterable[Span], colour: bool = True) -> str:
    """The line as a terminal takes it; without `colour` only the text."""
    if not colour:
        return "".join(span.text for span in line)
    parts, now = [], ""
    for text, style in line:
        if style != now:
            parts.append(f"\x1b[0;{style}m" if style else "\x1b[0m")
            now = style
        parts.append(text)
    return "".join([*parts, "\x1b[0m"] if now else parts)

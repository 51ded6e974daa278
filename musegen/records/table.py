"""A table of record as text: what was found, seeds together, beside what was published."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from .runs import Result

Published = Sequence[tuple[str, float]]


def table(title: str, found: Mapping[str, Sequence[Result]], published: Published, columns: Mapping[str, str]) -> str:
    """The lines of a table: models by their results, best first. `columns`: name of a figure → its heading; published
    figures stand in the first of them."""
    heads = ["model", *columns.values(), "seeds", "minutes", "weights"]
    first = next(iter(columns))
    rows = [(_mean(results, first), _row(name, results, list(columns))) for name, results in found.items()]
    empty = [""] * (len(heads) - 2)
    rows += [(figure, [f"{name} (published)", f"{figure:.3f}", *empty]) for name, figure in published]
    cells = [heads, *(row for _, row in sorted(rows, key=lambda r: r[0]))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([title, *lines])


def _row(name: str, results: Sequence[Result], columns: Sequence[str]) -> list[str]:
    abouts = [r.about for r in results]
    minutes = [float(a["minutes"]) for a in abouts if "minutes" in a]
    weights = abouts[0].get("weights")
    return [
        name,
        *(_with_spread(results, c) for c in columns),
        str(len(results)),
        f"{statistics.fmean(minutes):.1f}" if minutes else "",
        "" if weights is None else f"{weights:,}",
    ]


def _mean(results: Sequence[Result], figure: str) -> float:
    return statistics.fmean(r.figures[figure] for r in results)


def _with_spread(results: Sequence[Result], figure: str) -> str:
    """The mean over seeds, and half the distance between the worst and the best."""
    if figure not in results[0].figures:
        return ""
    values = [r.figures[figure] for r in results]
    spread = f" ±{(max(values) - min(values)) / 2:.3f}" if len(values) > 1 else ""
    return f"{_mean(results, figure):.3f}{spread}"

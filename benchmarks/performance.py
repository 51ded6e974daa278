"""Plots and the page of what the other benchmarks wrote with --json.

    python -m benchmarks.performance FILE.json … [--out docs/images] > docs/performance.md

Draws performance-decode.png, -context, -batch, -tokenise and -train from the records that are there, and prints the
page in Markdown: each figure's machine, command and rows, with its plot. Measures nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from musegen.errors import FileError

Row = dict[str, Any]
COLUMNS = {
    "decode": ("engine", "parameters", "per", "ms", "p999_ms", "ratio"),
    "context": ("engine", "parameters", "context", "ms"),
    "prefill": ("engine", "parameters", "notes", "ms"),
    "startup": ("contender", "seconds", "resident_mb"),
    "sampler": ("step", "before_us", "after_us"),
    "batch": ("engine", "parameters", "rows", "processes", "notes_per_second", "ratio"),
    "tokenise": ("files", "contender", "notes_per_second", "ratio"),
    "corpus": ("files", "notes", "cores", "notes_per_second", "resident_mb"),
    "train": ("parameters", "precision", "device", "notes_per_second", "tflops", "peak_tflops", "share", "waiting"),
    "scale": ("what", "value", "unit", "per"),
}
TITLES = {
    "decode": "One note at a time",
    "context": "Cost against context",
    "prefill": "Hearing a seed",
    "startup": "Starting",
    "sampler": "Drawing a note",
    "batch": "Cost against batch",
    "tokenise": "From files to events",
    "corpus": "Whole corpora",
    "train": "Training",
    "scale": "Unit costs past one machine",
}
SHARES = ("share", "waiting")


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", help="what benchmarks wrote with --json")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="where the plots go (%(default)s)")
    args = parser.parse_args()
    try:
        records = [record for file in args.files for record in read(file)]
    except FileError as error:
        parser.error(str(error))
    args.out.mkdir(parents=True, exist_ok=True)
    print(page(records, args.out))


def read(file: Path) -> list[dict[str, Any]]:
    """The records in `file`. Raises FileError."""
    try:
        records = json.loads(file.read_text(encoding="utf-8"))
        known = [r for r in records if r["figure"] in COLUMNS and r["rows"]]
        return [{key: r[key] for key in ("figure", "machine", "command", "date", "versions", "rows")} for r in known]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{file}: this is not what a benchmark writes with --json ({error!r}).") from None


def page(records: list[dict[str, Any]], out: Path) -> str:
    """The Markdown of all `records` in the order of `TITLES`; draws the plots into `out`."""
    lines = ["# Performance", "", "Made by `python -m benchmarks.performance`; trust ratios more than seconds."]
    for figure, title in TITLES.items():
        for record in (r for r in records if r["figure"] == figure):
            lines += ["", f"## {title}", "", f"`{record['command']}`, {record['date']}, {record['machine']}", ""]
            if figure in PLOTS and all(NEEDED[figure] <= row.keys() for row in record["rows"]):
                name = f"performance-{figure}.png"
                draw(record["rows"], PLOTS[figure], title, out / name)
                lines += [f"![{title}](images/{name})", ""]
            lines += table(record["rows"], COLUMNS[figure])
    return "\n".join(lines)


def table(rows: list[Row], columns: tuple[str, ...]) -> list[str]:
    """`rows` as a Markdown table of those `columns` that any row has; of all that they have where it is none."""
    there = [c for c in columns if any(c in row for row in rows)] or list(dict.fromkeys(c for row in rows for c in row))
    head = [f"| {' | '.join(c.replace('_', ' ') for c in there)} |", "|" + "---|" * len(there)]
    return head + [f"| {' | '.join(cell(c, row.get(c)) for c in there)} |" for row in rows]


def cell(column: str, value: object) -> str:
    """A value to three significant figures, as a share or in millions where the column is one of these."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "" if value is None else str(value)
    if column in SHARES:
        return f"{value:.0%}"
    if column == "parameters":
        return f"{value / 1e6:.2g} M"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def draw(rows: list[Row], plot: Callable[[Any, list[Row]], None], title: str, path: Path) -> None:
    """One plot of `rows` to `path`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    plot(axes, rows)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def lines(along: str, up: str, by: tuple[str, ...], label: str) -> Callable[[Any, list[Row]], None]:
    """A plot of `up` against `along` with a line for each value of `by`; both axes are logarithmic."""

    def plot(axes: Any, rows: list[Row]) -> None:
        for name in dict.fromkeys(named(row, by) for row in rows):
            mine = sorted((row[along], row[up]) for row in rows if named(row, by) == name)
            axes.loglog(*zip(*mine, strict=True), marker="o", label=name)
        axes.set_xlabel(along)
        axes.set_ylabel(label)
        axes.legend(frameon=False, fontsize=8)

    return plot


def bars(value: str, by: tuple[str, ...], label: str, logarithmic: bool = False) -> Callable[[Any, list[Row]], None]:
    """A plot of `value` as one bar a row, its name from `by`."""

    def plot(axes: Any, rows: list[Row]) -> None:
        names = [named(row, by) for row in rows]
        axes.barh(range(len(rows)), [row[value] for row in rows])
        axes.set_yticks(range(len(rows)), names, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel(label)
        if logarithmic:
            axes.set_xscale("log")

    return plot


def named(row: Row, by: tuple[str, ...]) -> str:
    """What a row is called in a plot."""
    return ", ".join(cell(c, row[c]) for c in by if c in row)


PLOTS = {
    "decode": bars("ms", ("engine", "parameters", "per"), "ms", logarithmic=True),
    "context": lines("context", "ms", ("engine", "parameters"), "ms a note"),
    "batch": lines("rows", "notes_per_second", ("engine", "parameters"), "notes a second"),
    "tokenise": bars("notes_per_second", ("files", "contender"), "notes a second", logarithmic=True),
    "train": bars("share", ("parameters", "precision", "device"), "share of the measured matrix peak"),
}

NEEDED = {
    "decode": {"engine", "ms"},
    "context": {"context", "ms"},
    "batch": {"rows", "notes_per_second"},
    "tokenise": {"notes_per_second"},
    "train": {"share"},
}
"""What a row must have to be drawn."""


if __name__ == "__main__":
    main()

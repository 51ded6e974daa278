"""Plots and the page of what the other benchmarks wrote with --json.

    python -m benchmarks.performance FILE.json … [--out docs/images] > docs/performance.md

Draws performance-decode.png, -context, -batch, -tokenise and -train from the records that are there, and prints the
page in Markdown: each figure's machine, command and rows, with its plot. Measures nothing.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from musegen.errors import FileError

Row = dict[str, Any]
COLUMNS: dict[str, dict[str, tuple[str, float]]] = {
    "decode": {
        "model": ("model", 1),
        "contender": ("contender", 1),
        "weights": ("weights, M", 1e-6),
        "p50": ("a note, ms", 1e3),
        "p99": ("p99", 1e3),
        "p99.9": ("p99.9", 1e3),
        "memory": ("MB", 1),
        "a note": ("× a note", 1),
        "a token": ("× a token", 1),
    },
    "step by context": {"engine": ("engine", 1), "rows": ("rows held", 1), "step": ("a step, µs", 1e6)},
    "step by batch": {"engine": ("engine", 1), "streams": ("streams", 1), "step": ("a step of one stream, µs", 1e6)},
    "startup": {
        "until": ("from process start to", 1),
        "wall": ("seconds", 1),
        "memory": ("MB", 1),
        "of import torch": ("÷ import torch", 1),
    },
    "sampler": {"batch": ("streams", 1), "part": ("part of a row", 1), "microseconds": ("µs", 1)},
    "batch": {
        "engine": ("contender", 1),
        "parameters": ("weights, M", 1e-6),
        "rows": ("rows", 1),
        "processes": ("processes", 1),
        "notes_per_second": ("notes/s", 1),
        "notes_per_cpu_second": ("notes a CPU second", 1),
        "ratio": ("×", 1),
    },
    "tokenise": {
        "files": ("files", 1),
        "contender": ("contender", 1),
        "notes_per_second": ("notes/s", 1),
        "ratio": ("musegen is ×", 1),
    },
    "corpus": {
        "files": ("files", 1),
        "notes": ("notes", 1),
        "cores": ("cores", 1),
        "notes_per_second": ("notes/s", 1),
        "resident_mb": ("MB", 1),
    },
    "train": {
        "parameters": ("weights, M", 1e-6),
        "precision": ("precision", 1),
        "device": ("device", 1),
        "notes_per_second": ("notes/s", 1),
        "tflops": ("Gop/s", 1e3),
        "peak_tflops": ("of the measured peak, Gop/s", 1e3),
        "share": ("share", 1),
        "waiting": ("waiting for data", 1),
    },
    "scale": {"what": ("what", 1), "value": ("value", 1), "unit": ("unit", 1), "per": ("per", 1)},
}
"""Of each figure the columns: key in a record's rows → heading, and what to multiply by."""

TITLES = {
    "decode": "One note at a time",
    "step by context": "Cost against context",
    "step by batch": "Cost against batch",
    "startup": "Starting",
    "sampler": "Drawing a row, part by part",
    "batch": "Batches of files",
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
            command = re.sub(r" --json \S+", "", record["command"])
            lines += ["", f"## {title}", "", f"`{command}`, {record['date']}, {record['machine']}", ""]
            if figure in PLOTS:
                name = f"performance-{figure.removeprefix('step by ')}.png"
                draw(record["rows"], PLOTS[figure], title, out / name)
                lines += [f"![{title}](images/{name})", ""]
            lines += table(record["rows"], COLUMNS[figure])
    return "\n".join(lines)


def table(rows: list[Row], columns: dict[str, tuple[str, float]]) -> list[str]:
    """`rows` as a Markdown table of those `columns` that any row has."""
    there = [key for key in columns if any(key in row for row in rows)]
    head = [f"| {' | '.join(columns[key][0] for key in there)} |", "|" + "---|" * len(there)]
    return head + [f"| {' | '.join(cell(key, row.get(key), columns[key][1]) for key in there)} |" for row in rows]


def cell(column: str, value: object, factor: float = 1) -> str:
    """A value to three significant figures, or as a share where the column is one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "" if value is None else str(value)
    value *= factor
    if column in SHARES:
        return f"{value:.0%}"
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
    "decode": bars("p50", ("model", "contender"), "seconds a note (Hugging Face: four tokens)", logarithmic=True),
    "step by context": lines("rows", "step", ("engine",), "seconds a step"),
    "step by batch": lines("streams", "step", ("engine",), "seconds a step of one stream"),
    "tokenise": bars("notes_per_second", ("files", "contender"), "notes a second", logarithmic=True),
    "train": bars("share", ("precision", "device"), "share of the measured matrix peak"),
}


if __name__ == "__main__":
    main()

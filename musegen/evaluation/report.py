"""The report of an evaluation as Markdown: figures a person can read, each beside that of real music.

Knows nothing of how the figures were found, nor of pictures but their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .by_style import Row
from .degeneration import BLOCK, STUCK, mean_course
from .descriptors import DESCRIPTORS
from .distances import mean_likeness
from .verdict import REAL, Verdict, above, stuck

PICTURES = ("likelihood", "likeness", "histograms", "copying", "long-run")
"""The names of the pictures, less .png."""

ATTRIBUTES = ("shift", "instrument", "pitch", "velocity", "duration")


@dataclass(frozen=True)
class Findings:
    """Everything that a report states. `likelihoods` has a table for each checkpoint (see `by_style`), `verdicts` one
    for each player and, where there is a corpus, first that of real music; `said` are sentences on what was asked, and
    what could not be found out; `drawn` the pictures there are, of PICTURES."""

    title: str
    said: Sequence[str]
    likelihoods: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    bars: int = 16
    long_bars: int = 64
    drawn: Sequence[str] = ()


def markdown(found: Findings) -> str:
    """The report."""
    parts = [f"# {found.title}", *found.said, *_in_short(found)]
    if found.likelihoods:
        parts += _likelihood(found)
    if any(v.likeness for v in found.verdicts):
        parts += _likeness(found)
    if found.verdicts:
        parts += _means(found)
    if any(len(v.runs) for v in found.verdicts):
        parts += _copying(found)
    if any(v.courses for v in found.verdicts):
        parts += _long_run(found)
    return "\n\n".join(parts) + "\n"


def summary(found: Findings) -> str:
    """The one table of everybody: for the screen, and as the report's own."""
    head = ["", "likeness", "KL", "offset", "variety", "form", "beyond real", "stuck", "in key", "in meter"]
    real = next((v for v in found.verdicts if v.name == REAL), None)
    shared = [set(v.likeness) for v in found.verdicts if v.likeness]  # means of the same, or they would not compare
    return _table(head, [_line(v, real, set.intersection(*shared) if shared else set()) for v in found.verdicts])


def _line(v: Verdict, real: Verdict | None, shared: set[str]) -> list[str]:
    like = ["–"] * 4
    if v.likeness and shared:
        whole = mean_likeness({name: v.likeness[name] for name in sorted(shared)})
        each = (f"{whole.kl:.3f}", f"{whole.offset:.2f}", f"{whole.variety:.2f}")
        like = [f"{whole.overlap:.3f} ± {whole.error:.3f}", *each]
    like.append(_number(float(v.mean("self-similarity at 8")[0])))
    copied = f"{above(v, real):.0%}" if len(v.runs) and real else "–"
    if not v.courses:
        return [v.name, *like, copied, "–", "–", "–"]
    last = [f"{mean_course(v.courses, curve)[-1]:.2f}" for curve in ("key", "meter")]
    return [v.name, *like, copied, stuck(v.courses), *last]


def _in_short(found: Findings) -> list[str]:
    text = (
        f"Of {found.bars} bars after each seed: *likeness*, *KL*, *offset* and *variety* are means over the "
        "descriptors below: how like real music it is (1: as real music is), how unlike (0), how far from its mean "
        "(standard deviations), how varied (1: as real music). *Form* is the share of notes that come back after "
        "eight bars. *Beyond real* is the share that has more of a training piece in a row than 95 % of real pieces "
        "have. "
        f"Of {found.long_bars} bars: how many get *stuck*, and how far the last {BLOCK} bars keep the seed's pitch "
        "classes and places in the bar (overlap; real music modulates, too)."
    )
    return ["## In short", summary(found), text] if found.verdicts else []


def _likelihood(found: Findings) -> list[str]:
    parts = ["## How likely held-out music is", "Nats a note, −log P of everything there is to a note; less is better."]
    parts += _picture(found, "likelihood")
    for name, table in found.likelihoods.items():
        rows = [
            [
                style,
                f"{row['pieces']}",
                f"{row['notes']}",
                f"**{row['total']:.3f}**",
                *(f"{row[a]:.3f}" for a in ATTRIBUTES),
            ]
            for style, row in table.items()
        ]
        parts.append(_table([name, "pieces", "notes", "nats", *ATTRIBUTES], rows))
    return parts


def _likeness(found: Findings) -> list[str]:
    text = (
        "*Likeness* is the overlap of two distributions: of the distances between real pieces, and of those between a "
        "real piece and one that was made (both of the same style; Yang & Lerch 2018). 1: nobody could tell them apart "
        "by it. *KL* is between the same distributions (0: alike). *Offset*: by how many standard deviations of real "
        "pieces the mean of those that were made is off (chance alone makes about √(2/n) of it). *Variety* is the mean "
        "distance among the pieces made over that among real ones (below 1: too much alike). *Real music* is other "
        "pieces, those trained on: nobody can be expected to come nearer. ± is a standard error."
    )
    shown = [v for v in found.verdicts if v.likeness]
    names = [n for n in DESCRIPTORS if any(n in v.likeness for v in shown)]
    overlap = [
        [n, *(f"{v.likeness[n].overlap:.3f} ± {v.likeness[n].error:.3f}" if n in v.likeness else "–" for v in shown)]
        for n in names
    ]
    others = [
        _table(
            [field, *(v.name for v in shown)],
            [[n, *(f"{getattr(v.likeness[n], key):.3f}" if n in v.likeness else "–" for v in shown)] for n in names],
        )
        for field, key in (("KL", "kl"), ("offset", "offset"), ("variety", "variety"))
    ]
    return [
        "## How like real music it is",
        text,
        *_picture(found, "likeness"),
        _table(["likeness", *(v.name for v in shown)], overlap),
        *others,
    ]


def _means(found: Findings) -> list[str]:
    """The descriptors that are one number."""
    single = [
        n for n in DESCRIPTORS if any(len(v.mean(n)) == 1 and v.mean(n)[0] == v.mean(n)[0] for v in found.verdicts)
    ]
    rows = [[n, *(_number(v.mean(n)[0]) for v in found.verdicts), DESCRIPTORS[n].about] for n in single]
    return [
        "## What it plays on average",
        _table(["", *(v.name for v in found.verdicts), ""], rows),
        *_picture(found, "histograms"),
    ]


def _copying(found: Findings) -> list[str]:
    real = next((v for v in found.verdicts if v.name == REAL), None)
    rows = [
        [
            v.name,
            *(f"{q:.0f}" for q in np.quantile(v.runs, (0.5, 0.9, 1))),
            "–" if real is None or v is real else f"{above(v, real):.0%}",
        ]
        for v in found.verdicts
        if len(v.runs)
    ]
    text = (
        "The longest run of intervals and rhythm that a continuation shares with any training piece, in any key, in "
        "notes. Tunes share runs by custom: *beyond real* is the share of continuations with a longer run than 95 % of "
        "held-out real pieces have, about 5 % for who copies no more than tradition does."
    )
    head = ["notes", "median", "nine in ten have at most", "longest", "beyond real"]
    return ["## Whether it copies", text, _table(head, rows), *_picture(found, "copying")]


def _long_run(found: Findings) -> list[str]:
    text = (
        f"{found.long_bars} bars after a seed. *Stuck*: some {STUCK} bars only repeat the bar one, two or four bars "
        f"before, note for note. *Longest rest*: bars without an onset. The others are of the first and the last "
        f"{BLOCK} bars, beside the seed: overlap of pitch classes (key), share of notes in the best scale, overlap of "
        "places in the bar (meter), notes a bar over the seed's. Real music modulates and varies too; it has as many "
        "bars here, of other pieces."
    )
    rows = []
    for v in found.verdicts:
        if v.courses:
            curves = [mean_course(v.courses, c)[[0, -1]] for c in ("key", "scale", "meter", "notes")]
            each = [f"{first:.2f} → {last:.2f}" for first, last in curves]
            rows.append([v.name, stuck(v.courses), f"{max(c.rest for c in v.courses)}", *each])
    head = ["", "stuck", "longest rest", "key", "scale", "meter", "notes"]
    return ["## Whether it falls apart", text, _table(head, rows), *_picture(found, "long-run")]


def _picture(found: Findings, name: str) -> list[str]:
    return [f"![{name}]({name}.png)"] if name in found.drawn else []


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.3g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table whose columns stand under each other in plain text, too."""
    cells = [list(map(str, row)) for row in (head, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])

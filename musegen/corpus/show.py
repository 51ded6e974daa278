"""What is in a corpus, for people: counts, licences, and histograms of the attributes as text or PNG.

Knows nothing of how a corpus is built. matplotlib is imported only to draw.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..atomic import write_atomically
from ..errors import CorpusError
from ..events import attributes as at
from .store import SPLITS, Corpus

Histogram = tuple[str, npt.NDArray[np.int64], list[str]]  # title, counts, a label a bin
_BLOCKS = " ▁▂▃▄▅▆▇█"


def summary(corpus: Corpus) -> str:
    """Counts of each split, source and style, the fingerprint, licences, and reasons of rejection."""
    entries = corpus.entries
    lines = [f"{corpus.path}: {len(entries)} pieces, {sum(e.notes for e in entries):,} notes"]
    lines.append(f"fingerprint: {corpus.fingerprint}")
    width = max([len(e.source) for e in entries] + [12])
    head = "".join(f"{s:>22}" for s in SPLITS)
    lines.append(f"  {'':{width}}{head}")
    groups: list[tuple[str, list[str]]] = [("all", [""])]
    groups += [("source", sorted({e.source for e in entries})), ("style", sorted(corpus.styles))]
    for kind, names in groups:
        for name in names:
            cells = ""
            for split in SPLITS:
                notes = [e.notes for e in entries if e.split == split and (not name or getattr(e, kind) == name)]
                cells += f"{f'{len(notes)} ({sum(notes):,} notes)':>22}"
            lines.append(f"  {name or 'all':{width}}{cells}")
    lines.append("licences:")
    lines += [f"  {source}: {licence}" for source, licence in sorted(corpus.licences.items())]
    reasons = Counter(_kind(r["reason"]) for r in rejected(corpus))
    lines.append(f"rejected: {sum(reasons.values())} (listed in {corpus.path / 'rejected.jsonl'})")
    lines += [f"  {count:5} {reason}" for reason, count in reasons.most_common(12)]
    return "\n".join(lines)


def rejected(corpus: Corpus) -> list[dict[str, str]]:
    """Every file or piece that was left out: file, source, title, reason. Raises CorpusError."""
    file = corpus.path / "rejected.jsonl"
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        raise CorpusError(f"{file} is missing or damaged: build the corpus again.") from None


def _kind(reason: str) -> str:
    """A reason without what differs from file to file."""
    for kind in ("the same notes as another piece", "held out: it has the notes of a held-out piece", "too few notes"):
        start = {"the": "the same notes as", "hel": "held out: it has the notes of", "too": "only "}[kind[:3]]
        if reason.startswith(start):
            return kind
    return reason.partition(": ")[2][:90] if " cannot be read as notation: " in reason else reason[:90]


def histograms(corpus: Corpus) -> list[Histogram]:
    """Counts of every attribute over all notes, and of piece lengths."""
    shape = [np.zeros(a.outputs, np.int64) for a in at.ATTRIBUTES]
    for i in range(len(corpus)):
        rows = corpus.rows(i)
        for column, counts in enumerate(shape):
            values = rows[rows[:, at.SHIFT] <= at.END if column == at.SHIFT else at.is_note(rows), column]
            counts += np.bincount(values, minlength=len(counts))[: len(counts)]
    shift, instrument, pitch, velocity, duration = shape
    programs = np.append(instrument[: at.DRUM_INSTRUMENT].reshape(-1, at.COPIES).sum(1), instrument[at.DRUM_INSTRUMENT])
    lengths = np.array([e.notes for e in corpus.entries])
    edges = 2 ** np.arange(3, 18)
    skips = [*map(str, range(at.LONGEST_SHIFT)), *(f"skip {s}" for s in at.SKIPS), "end"]
    return [
        ("shift (ticks)", shift, skips),
        ("program (128: drums)", programs, [str(p) for p in range(129)]),
        ("pitch", pitch, [str(p) for p in range(128)]),
        ("velocity", velocity, [str(v * at.VELOCITY_STEP + at.VELOCITY_STEP // 2) for v in range(len(velocity))]),
        ("duration (ticks)", duration, [str(d) for d in at.DURATIONS]),
        ("notes a piece", np.histogram(lengths, bins=[0, *edges])[0], [f"≤{e}" for e in edges]),
    ]


def blocks(counts: list[Histogram], width: int = 64) -> str:
    """Histograms as rows of block characters, on a square-root scale so that rare values show."""
    lines = []
    for title, values, labels in counts:
        used = np.flatnonzero(values)
        if not len(used):
            continue
        low, high = int(used[0]), int(used[-1]) + 1
        bins = np.array_split(values[low:high], min(width, high - low))
        heights = np.sqrt([b.mean() for b in bins])
        marks = np.ceil(heights / heights.max() * (len(_BLOCKS) - 1)).astype(int)
        top = labels[int(values.argmax())]
        picture = "".join(_BLOCKS[m] for m in marks)
        lines.append(f"{title:>22} {picture} {labels[low]} … {labels[high - 1]}, mostly {top}")
    return "\n".join(lines)


def draw(counts: list[Histogram], path: Path) -> None:
    """Draw the histograms as a PNG, atomically. Raises ModuleNotFoundError without matplotlib, FileError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")
    for axes, (title, values, labels) in zip(figure.subplots(2, 3).flat, counts, strict=True):
        used = np.flatnonzero(values)
        low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        axes.bar(range(low, high), values[low:high], width=1.0)
        ticks = list(range(low, high, max(1, (high - low) // 8)))
        axes.set_xticks(ticks, [labels[t] for t in ticks], fontsize=7)
        axes.set_title(title)
        axes.set_yscale("symlog", linthresh=10)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    write_atomically(path, data.getvalue())

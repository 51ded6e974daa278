"""What a run says of its corpus: a fingerprint for going on, and the lines of the model card."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..corpus.store import Corpus


def fingerprint(corpus: Corpus) -> str:
    """Changes when a piece, its split or its place changes."""
    return corpus.fingerprint


def describe(corpus: Corpus) -> dict[str, Any]:
    """The corpus and its licences, for a model card; how many pieces of each style, for P(style)."""
    train = [corpus.entries[i] for i in corpus.pieces("train")]
    pieces, notes = Counter(e.source for e in train), Counter[str]()
    for e in train:
        notes[e.source] += e.notes
    parts = [f"{source} ({n} pieces, {notes[source]} notes)" for source, n in sorted(pieces.items())]
    licences = [f"{source}: {licence}" for source, licence in sorted(corpus.licences.items())]
    styles = Counter(e.style for e in train)
    counts = {style: styles[style] for style in corpus.styles}
    return {
        "trained on": ", ".join(parts),
        "corpus": f"fingerprint {corpus.fingerprint}",
        "licence": "; ".join(licences),
        "pieces of each style": counts,
    }

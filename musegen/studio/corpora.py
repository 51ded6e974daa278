"""What is in a corpus folder, as counts and histograms; read in a worker process, for a corpus may be large or damaged.

Knows nothing of requests.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ..corpus.show import histograms
from ..corpus.store import SPLITS, Corpus
from .helper import give_way

Counted = dict[str, Any]
"""protocol.ts' `CorpusView`."""


def counted(folder: str) -> Counted:
    """Everything that is shown of the corpus in `folder`. Raises CorpusError."""
    give_way()
    corpus = Corpus.open(folder)
    styles, splits = Counter(e.style for e in corpus.entries), Counter(e.split for e in corpus.entries)
    return {
        "name": Path(folder).name,
        "pieces": len(corpus),
        "notes": sum(e.notes for e in corpus.entries),
        "fingerprint": corpus.fingerprint,
        "styles": {style or "none": count for style, count in styles.most_common()},
        "splits": {split: splits[split] for split in SPLITS},
        "histograms": {title: _used(values.tolist(), labels) for title, values, labels in histograms(corpus)},
    }


def _used(counts: list[int], labels: list[str]) -> dict[str, Any]:
    """A histogram from its first to its last bin that holds anything."""
    used = np.flatnonzero(counts)
    low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
    return {"edges": labels[low:high], "counts": counts[low:high]}

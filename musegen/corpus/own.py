"""A folder of somebody's own music as a corpus, built beside the checkpoint that learns from it.

Of a few files the stable hash that splits every corpus would hold out one or none, which judges nothing; so of less
than FEW tunes one in EVERY is held out. Knows nothing of models.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from .build import Report, build
from .store import Corpus

FEW = 100
"""From so many tunes on, those that the stable hash holds out are enough."""

EVERY = 5
"""Of few tunes one in so many is held out; of fewer than this none, for they are needed."""


def is_own_music(folder: Path) -> bool:
    """Whether `folder` is one, but neither a corpus nor one that is being built."""
    return folder.is_dir() and not (folder / "corpus.json").is_file() and not (folder / ".build").is_dir()


def own_corpus(folder: Path, place: Path, report: Report | None = None) -> Corpus:
    """The corpus of the music in `folder`, built or brought up to date in `place`; its style is the folder's name.

    `report(done, total)` is called as files are read. Raises CorpusError where there is no music in it.
    """
    return with_some_held_out(build(place, [str(folder)], report=report))


def with_some_held_out(corpus: Corpus) -> Corpus:
    """`corpus` with enough of its tunes held out to judge by, where it has few. Equal corpora are split alike."""
    names = {e.tune for e in corpus.entries}
    if len(names) >= FEW:
        return corpus
    by_chance = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    held_out = set(by_chance[: len(names) // EVERY])
    split = {name: "valid" if name in held_out else "train" for name in names}
    return dataclasses.replace(
        corpus, entries=tuple(dataclasses.replace(e, split=split[e.tune]) for e in corpus.entries)
    )

"""A small real corpus for tests: written tunes, built by the same code as any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musegen.corpus.build import build
from musegen.corpus.store import Corpus
from musegen.midi import write_music
from musegen.piece import Meter, Note, Piece

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def tune(seed: int, bars: int = 8) -> Piece:
    """A tune that walks a scale in eighths, over a held bass."""
    rng = np.random.default_rng(seed)
    at, place, notes = 0, int(rng.integers(0, 8)), []
    while at < bars * 96:
        length = int(rng.choice([12, 12, 12, 24]))
        place = int(np.clip(place + rng.integers(-2, 3), 0, 7))
        notes.append(Note(at, length, SCALE[place] + int(seed % 5), 82, 0, 0))
        at += length
    bass = [Note(b * 96, 96, 36 + int(rng.choice([0, 5, 7])) + int(seed % 5), 70, 32, 1) for b in range(bars)]
    return Piece.from_notes(notes + bass, meters=(Meter(0, 4, 4),), part_names=("tune", "bass"))


def small_corpus(folder: Path, tunes: int = 40) -> Corpus:
    """A corpus of such tunes in `folder`."""
    files = folder / "files"
    files.mkdir()
    for i in range(tunes):
        write_music(tune(i), files / f"tune{i:02d}.mid")
    build(folder / "corpus", [str(files)], workers=1)
    return Corpus.open(folder / "corpus")

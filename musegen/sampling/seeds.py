"""The seed phrases that come with musegen."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileError
from ..shipped import seeds_folder


def default_seed() -> Path:
    """The seed phrase that is played when none is given: the first of `seeds()`."""
    return seeds()[0]


def seeds() -> list[Path]:
    """All shipped seed phrases, by name. Raises FileError if there are none."""
    found = sorted(p for p in seeds_folder().iterdir() if p.suffix == ".mid")
    if not found:
        raise FileError(f"There are no seed phrases in {seeds_folder()}: give one with --seed FILE.")
    return found

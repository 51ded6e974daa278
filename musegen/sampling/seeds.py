"""The seed phrases that come with musegen."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileError
from ..shipped import seeds_folder


def find_seed(name: str | None) -> Path:
    """The file of a seed phrase: a path, the name of a shipped one, or none for the first of `seeds()`."""
    if name is None:
        return seeds()[0]
    shipped = {p.stem: p for p in seeds()} if not Path(name).exists() else {}
    return shipped.get(name, Path(name))


def seeds() -> list[Path]:
    """All shipped seed phrases, by name. Raises FileError if there are none."""
    found = sorted(p for p in seeds_folder().iterdir() if p.suffix == ".mid")
    if not found:
        raise FileError(f"There are no seed phrases in {seeds_folder()}: give one with --seed FILE.")
    return found

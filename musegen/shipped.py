"""Where the checkpoints and seed phrases that come with musegen are: in a checkout or an installed wheel.

Knows nothing of what is in them. A wheel carries both folders inside the package (see pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

from .errors import FileError

_PACKAGE = Path(__file__).resolve().parent


def checkpoints_folder() -> Path:
    """The folder with one folder a shipped checkpoint. Raises FileError if this installation has none."""
    return _find("checkpoints", "checkpoints")


def seeds_folder() -> Path:
    """The folder of shipped seed phrases. Raises FileError if this installation has none."""
    return _find("midi_samples/seeds", "seeds")


def _find(in_checkout: str, in_wheel: str) -> Path:
    root = _PACKAGE.parent
    candidates = [_PACKAGE / "_shipped" / in_wheel]
    if (root / "pyproject.toml").is_file():  # a checkout: its own folders are the newest
        candidates.insert(0, root / in_checkout)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileError(
        f"This installation of musegen has no {in_wheel}: install it again with  pip install --force-reinstall musegen"
    )

"""What a studio is told when it starts: where it listens, and which folders it shows.

A route finds it as `request.app.state.settings`. Knows nothing of what the server does with it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CheckpointError, FileError
from ..shipped import checkpoints_folder

HOST, PORT = "127.0.0.1", 8765


@dataclass(frozen=True)
class StudioSettings:
    """Folders that are not there are shown as empty."""

    host: str = HOST
    port: int = PORT
    record: Path = Path("recordings")
    runs: Path = Path("runs")
    corpora: Path = Path("corpora")
    checkpoints: Path = Path("checkpoints")
    """Of the user's own; those that musegen ships with are there besides."""
    page: Path = field(default_factory=lambda: page_folder())

    def checkpoint_folders(self) -> dict[str, Path]:
        """Every checkpoint that can be named, and its folder; one of the user's own stands before a shipped one.

        A run is one as soon as it has looked at held-out pieces, so it can be played while it trains.
        """
        found: dict[str, Path] = {}
        for folder in (_shipped(), self.runs, self.checkpoints):
            if folder is not None and folder.is_dir():
                named = [p.parent for p in sorted(folder.glob("*/config.json")) if p.parent.name.isprintable()]
                found |= {p.name: p for p in named}
        return dict(sorted(found.items(), key=lambda row: (row[0] != "default", row[0])))

    def checkpoint(self, name: str) -> str:
        """What other parts of musegen find the checkpoint `name` by. Raises CheckpointError where there is none."""
        folders = self.checkpoint_folders()
        if name not in folders:
            raise CheckpointError(f"There is no checkpoint {name!r}; there are {', '.join(folders)}.")
        return name if folders[name].parent == _shipped() else str(folders[name].resolve())


def page_folder() -> Path:
    """The built page: $MUSEGEN_STUDIO_PAGE, for whoever works on it, or what comes with musegen."""
    return Path(os.environ.get("MUSEGEN_STUDIO_PAGE") or Path(__file__).with_name("page"))


def _shipped() -> Path | None:
    try:
        return checkpoints_folder()
    except FileError:
        return None

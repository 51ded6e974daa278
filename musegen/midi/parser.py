"""symusic's compiled parser, without what its package loads besides.

A downloader of SoundFonts, with http and ssl behind it, takes a seventh of the time from a cold start to the first
note, and nothing here downloads.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def _downloader(*arguments: Any, **options: Any) -> Any:
    """What symusic knows as SmartDL: the real one, loaded when somebody wants it."""
    from pySmartDL import SmartDL

    return SmartDL(*arguments, **options)


def _load() -> Any:
    stand_in = ModuleType("pySmartDL")
    stand_in.SmartDL = _downloader  # type: ignore[attr-defined]
    missing = sys.modules.setdefault("pySmartDL", stand_in) is stand_in
    try:
        import symusic.core
    finally:
        if missing:
            del sys.modules["pySmartDL"]
    return symusic.core


core: Any = _load()

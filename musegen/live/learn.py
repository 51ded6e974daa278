"""Which controller turns what: the mapping as it comes, and the one that was learnt, kept in the user's folder.

A mapping is {controller number: target}; a target is a knob's name, an action's, or "mode NAME". The file is JSON,
{"controllers": {"74": "density", "80": "keep"}}. Knows nothing of ports or of what the targets do.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..atomic import write_atomically
from ..errors import FileError, SettingsError
from .knobs import ACTIONS, KNOBS, MODES

DEFAULT: dict[int, str] = {knob.cc: knob.name for knob in KNOBS.values()}

TAKEN = frozenset({0, 6, 32, 38, 64, *range(96, 102), *range(120, 128)})
"""Controllers that MIDI 1.0 (Table III) needs for itself: banks, parameter numbers, sustain pedal, mode messages."""


def default_path() -> Path:
    """Where a user's settings belong: %APPDATA% on Windows, else XDG_CONFIG_HOME (XDG Base Directory) or ~/.config."""
    if sys.platform == "win32":
        base = os.environ.get("APPDATA", "")
        folder = Path(base) if base else Path.home() / "AppData" / "Roaming"
    else:
        base = os.environ.get("XDG_CONFIG_HOME", "")
        folder = Path(base) if os.path.isabs(base) else Path.home() / ".config"  # a relative one is to be ignored
    return folder / "musegen" / "controllers.json"


def load(path: Path) -> dict[int, str]:
    """The mapping in a file; DEFAULT where there is none. Raises FileError or SettingsError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return dict(DEFAULT)
    except OSError as error:
        raise FileError(f"{path}: the learnt controllers cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise _bad(path, "it is not text") from None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad(path, "it is not JSON") from None
    found = data.get("controllers") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise _bad(path, 'it has no "controllers"')
    return dict(_pair(path, number, target) for number, target in found.items())


def save(path: Path, mapping: Mapping[int, str]) -> None:
    """Write the mapping, all or nothing. Raises FileError."""
    data = {"controllers": {str(cc): mapping[cc] for cc in sorted(mapping)}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{path.parent}: the folder cannot be made ({error.strerror}).") from None
    write_atomically(path, (json.dumps(data, indent=1) + "\n").encode())


def _pair(path: Path, number: str, target: object) -> tuple[int, str]:
    if not (number.isascii() and number.isdigit() and int(number) < 128) or int(number) in TAKEN:
        raise _bad(path, f"{number!r} is not a controller that can be bound")
    if target not in _targets():
        raise _bad(path, f"controller {number} is bound to {target!r}, which is no knob or action")
    return int(number), str(target)


def _targets() -> list[object]:
    return [*KNOBS, *(a for a in ACTIONS if a not in ("mode", "learn")), *(f"mode {m}" for m in MODES)]


def _bad(path: Path, why: str) -> SettingsError:
    return SettingsError(f"{path}: the learnt controllers cannot be used, because {why}; correct or delete the file.")

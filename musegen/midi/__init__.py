"""Music files: Standard MIDI Files, and notation through music21.

    from musegen.midi import read_music, write_music

The names below are imported when first used, so that writing a file does not load the reader. Knows nothing
of events or models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .files import read_many, read_midi, read_midi_bytes
    from .music import read_music, write_music
    from .write import midi_bytes, write_midi

_HOME = {
    "read_midi": "files",
    "read_midi_bytes": "files",
    "read_many": "files",
    "read_music": "music",
    "write_music": "music",
    "midi_bytes": "write",
    "write_midi": "write",
}

__all__ = ["midi_bytes", "read_many", "read_midi", "read_midi_bytes", "read_music", "write_midi", "write_music"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)

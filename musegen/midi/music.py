"""Reads and writes a music file of any kind, told by its extension.

MIDI goes to `files` and `write`, notation to `scores` (which imports music21, so only when it is needed).
"""

from __future__ import annotations

import os

from ..errors import FileError
from ..piece import Piece

MIDI = (".mid", ".midi", ".smf", ".rmi", ".kar")
NOTATION = (".xml", ".mxl", ".musicxml", ".abc", ".krn")


def read_music(path: str | os.PathLike[str]) -> Piece:
    """The piece in the file at `path`. Raises FileError or one of its kinds, one sentence each."""
    kind = os.path.splitext(os.fspath(path))[1].lower()
    if kind in MIDI:
        from .files import read_midi

        return read_midi(path)
    if kind in NOTATION:
        if not os.path.isfile(path):
            raise FileError(f"{os.fspath(path)}: there is no such file.")
        from .scores import read_score

        return read_score(os.fspath(path))
    if os.path.isdir(path):
        raise FileError(f"{os.fspath(path)}: this is a folder, not a file.")
    if not os.path.exists(path):
        raise FileError(f"{os.fspath(path)}: there is no such file.")
    raise FileError(f"{os.fspath(path)}: {_unknown(kind)} can be read: {' '.join(MIDI + NOTATION)}.")


def write_music(piece: Piece, path: str | os.PathLike[str]) -> None:
    """Write `piece` to `path`: MIDI, or notation for a .musicxml name. Raises FileError or one of its kinds."""
    kind = os.path.splitext(os.fspath(path))[1].lower()
    if kind in MIDI[:3]:
        from .write import write_midi

        write_midi(piece, path)
    elif kind in (".musicxml", ".xml"):
        from .scores import write_score

        write_score(piece, os.fspath(path))
    else:
        raise FileError(f"{os.fspath(path)}: {_unknown(kind)} can be written: .mid .midi .musicxml.")


def _unknown(kind: str) -> str:
    return f"{kind!r} is not a kind of music file that" if kind else "a name without an extension says no kind; these"

"""Lumps of a Doom WAD file: a header, the lumps, and a directory of (offset, size, name).

Format: "The Unofficial Doom Specs" 1.666, chapter 2. Knows nothing of what a lump means.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ..errors import CorpusError

_ENTRY = struct.Struct("<ii8s")


def _directory(data: bytes, path: Path) -> list[tuple[str, int, int]]:
    if len(data) < 12 or data[:4] not in (b"IWAD", b"PWAD"):
        raise CorpusError(f"{path} is not a WAD file.")
    count, start = struct.unpack_from("<ii", data, 4)
    if count < 0 or start < 0 or start + count * _ENTRY.size > len(data):
        raise CorpusError(f"{path} is cut short: its directory lies outside the file.")
    rows = [_ENTRY.unpack_from(data, start + i * _ENTRY.size) for i in range(count)]
    return [(name.split(b"\0")[0].decode("ascii", "replace"), offset, size) for offset, size, name in rows]


def lump_names(path: Path, magic: bytes) -> list[str]:
    """Names of the lumps that begin with `magic`, in the order of the directory. Raises CorpusError."""
    data = path.read_bytes()
    return [name for name, offset, size in _directory(data, path) if size and data.startswith(magic, offset)]


def read_lump(path: Path, name: str) -> bytes:
    """The content of the last lump called `name` (later ones replace earlier ones). Raises CorpusError."""
    data = path.read_bytes()
    for entry, offset, size in reversed(_directory(data, path)):
        if entry == name:
            return data[offset : offset + size]
    raise CorpusError(f"{path} holds no lump {name}.")

"""Whether the kernel may play a checkpoint, and its engine if so. Knows of player.onnx only what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ... import checkpoint as checkpoints
from ...checkpoint import PLAYER
from ...models.config import ModelConfig
from .library import library

if TYPE_CHECKING:
    from .engine import CompiledEngine

_PROPERTIES, _KEY, _VALUE = 14, 1, 2  # fields of ONNX's ModelProto and of each of its metadata_props
_VARINT, _FIXED64, _BYTES = 0, 1, 2  # protobuf's wire types; the rest are 4 bytes


def of_folder(folder: Path) -> CompiledEngine | None:
    """The kernel's engine for a checkpoint folder with a player.onnx, or None.

    There is none without a kernel, for a model that it cannot run, and where the player is not in 8 bits or not of
    these weights: then onnxruntime plays, or says what is wrong.
    """
    if library() is None:
        return None
    from .engine import CompiledEngine, fits

    config = checkpoints.config_of(folder)
    if not isinstance(config, ModelConfig) or not fits(config):
        return None
    try:
        about = properties((folder / PLAYER).read_bytes())
    except (OSError, IndexError, KeyError, ValueError):
        return None
    if about.get("bits") != "8" or about.get("weights") != checkpoints.digest_of(folder):
        return None
    return CompiledEngine(checkpoints.load(folder))


def properties(contents: bytes) -> dict[str, str]:
    """The short metadata of an ONNX file. Raises IndexError or ValueError for what is none."""
    fields = _fields(memoryview(contents))
    entries = [dict(_fields(value)) for number, value in fields if number == _PROPERTIES]
    return {bytes(e[_KEY]).decode(): bytes(e[_VALUE]).decode() for e in entries if len(e[_VALUE]) < 1024}


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and contents of each field of a protobuf message that has contents of its own."""
    place = 0
    while place < len(message):
        tag, place = _number(message, place)
        kind, number = tag & 7, tag >> 3
        if kind == _VARINT:
            _, place = _number(message, place)
        elif kind == _BYTES:
            length, place = _number(message, place)
            yield number, message[place : place + length]
            place += length
        else:
            place += 8 if kind == _FIXED64 else 4


def _number(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place

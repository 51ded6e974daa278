"""The compiled kernel (kernel.c) as Python calls it: the library, its records, and drawing a value.

There need not be one: `library` is None where none was built, or for a processor that lacks its instructions; nor is
it looked at where the environment variable MUSEGEN_KERNEL is 0. Whoever asks has another way.
"""

from __future__ import annotations

import ctypes as c
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy.typing as npt

BUILDS = ("avx512vnni", "avxvnni")
"""What `build` compiles for, the quickest first."""
_POINTER, _INT = c.c_void_p, c.c_int32
_ARGUMENTS = {
    "musegen_situation": [_POINTER, _POINTER, _INT, _POINTER],
    "musegen_logits": [_POINTER, _INT, *[_POINTER] * 3, _INT, _INT, _POINTER],
    "musegen_step": [_POINTER, _POINTER, _INT, c.c_int64, _INT, *[_POINTER] * 4],
    "musegen_pack": [_POINTER, _INT, _INT, _POINTER, _POINTER],
    "musegen_choose": [_POINTER, _INT, _INT, *[c.c_double] * 3, _INT, _POINTER, _POINTER],
}


@lru_cache(1)
def library() -> Any:
    """The kernel's functions, or None."""
    if os.environ.get("MUSEGEN_KERNEL") == "0":
        return None
    return next((kernel for name in BUILDS if (kernel := opened(path_of(name)))), None)


def path_of(build: str) -> Path:
    """Where the library of a build is, if it is there."""
    return Path(__file__).with_name(f"kernel-{build}.so")


def opened(path: Path) -> Any:
    """The functions of a library, or None where it cannot be opened or run here."""
    try:
        found = c.CDLL(str(path))
    except OSError:  # there is none, or it is another system's
        return None
    if not found.musegen_runs_here():
        return None
    for name, arguments in _ARGUMENTS.items():
        function = getattr(found, name)
        function.argtypes, function.restype = arguments, None
    return found


def address(array: npt.NDArray[Any]) -> int:
    """Where `array` lies, which its owner keeps."""
    return array.ctypes.data


class Matrix(c.Structure):
    """See kernel.c, as for all of these."""

    _fields_ = [*((n, _POINTER) for n in ("numbers", "scales", "bias")), ("out", _INT), ("into", _INT)]


class Block(c.Structure):
    """A layer of the transformer."""

    _fields_ = [
        *((n, _POINTER) for n in ("norm_attention", "norm_network")),
        *((n, Matrix) for n in ("qkv", "join", "widen", "narrow")),
    ]


class Cache(c.Structure):
    """Keys and values."""

    _fields_ = [("keys", _POINTER), ("values", _POINTER), ("batch", _INT), ("size", _INT)]


COLUMNS = ("row", "time", "bar", "meter", "style", "last", "key", "recent", "recent_count", "slots", "slot_count")


class Model(c.Structure):
    """All weights, and which column of a row is what."""

    _fields_ = [
        *((n, _INT) for n in ("width", "layers", "heads", "slot_width", "pairs")),
        ("order", _INT * 5),
        *((n, _INT) for n in (*COLUMNS, "instruments")),
        ("rates", _POINTER),
        ("embed", _POINTER * 5),
        *((n, _POINTER) for n in ("embed_interval", "embed_norm")),
        ("slot", _POINTER * 3),
        *((n, _POINTER) for n in ("key_table", "bar_table", "meter_table", "style_table")),
        ("drawn", _POINTER * 4),
        ("head_last", _POINTER * 3),
        *((n, _POINTER) for n in ("harmony", "head_key")),
        ("head_norm", _POINTER * 5),
        ("norm", _POINTER),
        ("slots_out", Matrix),
        ("hidden", Matrix * 5),
        ("out", Matrix * 5),
        ("before", Matrix),
        ("blocks", c.POINTER(Block)),
    ]

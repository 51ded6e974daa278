"""A checkpoint's weights as kernel.c reads them, each of the shape that it takes for granted."""

from __future__ import annotations

import ctypes as c
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...checkpoint import Weights
from ...errors import CheckpointError
from ...events import attributes as at
from ...events import derived
from ...models.config import ModelConfig
from ...models.relative import turning_rates
from .library import COLUMNS, Block, Matrix, Model, address, library

_WHERE = dict(zip(COLUMNS, (
    derived.WIDTH, derived.TIME, derived.BAR, derived.METER, derived.STYLE, derived.LAST, derived.KEY, derived.RECENT,
    derived.RECENT_COUNT, derived.SLOTS, derived.SLOT_COUNT,
), strict=True))  # fmt: skip
_INTERVALS, _CLASSES = 256, 12
_INPUTS, _OUTPUTS = [a.inputs for a in at.ATTRIBUTES], [a.outputs for a in at.ATTRIBUTES]


class Packed:
    """Hands out weights and keeps them. Raises CheckpointError for one that is not of the shape asked."""

    def __init__(self, weights: Weights) -> None:
        self._all, self._kept = weights, list[Any]()

    def table(self, name: str, *shape: int, turned: bool = False) -> int:
        """Of float32, transposed if `turned`."""
        weight = self._get(f"{name}.weight", shape)
        return self.keep(np.ascontiguousarray(weight.T if turned else weight, np.float32))

    def matrix(self, into: int, *parts: tuple[str, int], bias: bool = False) -> Matrix:
        """Matrices (outputs, into) one below the other, each a name and its outputs, in 8 bits, with their biases."""
        weight = np.concatenate([self._get(f"{n}.weight", (out, into)) for n, out in parts]).astype(np.float32, "C")
        groups, blocks = -(-len(weight) // 16), -(-into // 64)
        numbers, scales = np.empty((groups, blocks, 1024), np.uint8), np.empty((groups, blocks, 16), np.float32)
        library().musegen_pack(address(weight), *weight.shape, address(numbers), address(scales))
        where = 0
        if bias:
            each = np.concatenate([self._get(f"{n}.bias", (out,)) for n, out in parts]).astype(np.float32)
            where = self.keep(np.pad(each, (0, -len(each) % 16)))
        return Matrix(self.keep(numbers), self.keep(scales), where, *weight.shape)

    def keep(self, array: npt.NDArray[Any]) -> int:
        """Where it lies from now on."""
        self._kept.append(array)
        return address(array)

    def blocks(self, layers: int, width: int) -> Any:
        """Those of the transformer."""
        each = []
        for i in range(layers):
            n = f"past.blocks.{i}"
            norms = [self.table(f"{n}.{part}", width) for part in ("norm_attention", "norm_network")]
            sizes = {"qkv": (width, 3 * width), "join": (width, width)}
            sizes |= {"widen": (width, 4 * width), "narrow": (4 * width, width)}
            each.append(Block(*norms, *(self.matrix(into, (f"{n}.{p}", out)) for p, (into, out) in sizes.items())))
        self._kept.append((Block * layers)(*each))
        return self._kept[-1]

    def _get(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        weight = self._all.get(name)
        if weight is None or weight.shape != shape:
            found = "missing" if weight is None else f"of shape {weight.shape}"
            raise CheckpointError(
                f"The weight {name} is {found}, the model has one of {shape}: copy the checkpoint again."
            )
        return weight


def record(config: ModelConfig, w: Packed) -> Model:
    """All that the kernel knows of a model."""
    wide, slot, hide, pairs = config.width, config.slot_width, config.head_width, config.width // config.heads // 2
    also = {at.INSTRUMENT: [("head.recent", derived.RECENT_COUNT)], at.PITCH: [("head.interval", _INTERVALS - 1)]}
    slots = {"instrument": _INPUTS[1], "pitch": _INPUTS[2], "remaining": derived.REMAINING_NONE + 1}
    last = {"last": _INPUTS[2], "last_velocity": _INPUTS[3], "last_duration": _INPUTS[4]}
    outs = [[(f"head.out.{i}", n), *also.get(i, [])] for i, n in enumerate(_OUTPUTS)]
    bar = config.bar
    return Model(
        width=wide, layers=config.layers, heads=config.heads, slot_width=slot, pairs=pairs,
        order=(c.c_int32 * 5)(*config.drawn), **_WHERE, instruments=at.INSTRUMENTS,
        rates=w.keep(np.array(turning_rates(pairs, config.attention), np.float64)),
        embed=_each(w.table(f"embed.attributes.{i}", n, wide) for i, n in enumerate(_INPUTS)),
        embed_interval=w.table("embed.interval", _INTERVALS, wide), embed_norm=w.table("embed.norm", wide),
        slot=_each(w.table(f"situation.slot_{name}", n, slot) for name, n in slots.items()),
        key_table=w.table("situation.key", wide, _CLASSES, turned=True),
        style_table=w.table("situation.style", at.STYLE_TAGS + 1, wide),
        bar_table=w.table("situation.bar", derived.BAR_POSITIONS, wide) if bar else 0,
        meter_table=w.table("situation.meter", derived.METER_CLASSES, wide) if bar else 0,
        drawn=_each(w.table(f"head.drawn.{i}", _INPUTS[a], wide) for i, a in enumerate(config.drawn[:-1])),
        head_last=_each(w.table(f"head.{name}", n, wide) for name, n in last.items()),
        harmony=w.table("head.harmony", _INTERVALS, wide),
        head_key=w.table("head.key", wide, _CLASSES, turned=True),
        head_norm=_each(w.table(f"head.norm.{i}", wide) for i in range(len(_INPUTS))),
        norm=w.table("past.norm", wide), slots_out=w.matrix(slot, ("situation.slots", wide)),
        hidden=(Matrix * 5)(*(w.matrix(wide, (f"head.hidden.{i}", hide), bias=True) for i in range(5))),
        out=(Matrix * 5)(*(w.matrix(hide, *parts, bias=True) for parts in outs)),
        before=w.matrix(wide, ("past.before", wide)), blocks=w.blocks(config.layers, wide),
    )  # fmt: skip


def _each(places: Iterable[int]) -> Any:
    found = list(places)
    return (c.c_void_p * len(found))(*found)

"""Nodes, constants and quantised matrices of an ONNX graph, so that a family's file reads like its equations.

Matrices are kept in 8 bits with a scale for each block of their rows (`MatMulNBits`, inputs quantised block by block
as well, so that a sequence's numbers do not depend on its neighbours in a batch), tables in 8 bits with a scale for
each block of a row (`GatherBlockQuantized`); or both as they are, in float32, to check the graph itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"  # the domain of onnxruntime's own operators
OPSET, IR_VERSION = 17, 9  # old enough for every onnxruntime that has the operators
EPSILON = 1e-5  # of every RMSNorm
FLOAT, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64

Array = npt.NDArray[Any]


class Nodes:
    """A graph under construction; `bits` is 8 or 32. Names of values are strings."""

    def __init__(self, bits: int, outer: Nodes | None = None) -> None:
        self.bits = bits
        self._nodes: list[onnx.NodeProto] = []
        # A branch has its constants to itself, or onnxruntime would not lay its matrices out for speed.
        self._constants: dict[str, onnx.TensorProto] = {}
        self._count: list[int] = [0] if outer is None else outer._count

    def inner(self) -> Nodes:
        """A graph that will be a branch of this one."""
        return Nodes(self.bits, self)

    def op(self, kind: str, *inputs: str, domain: str = "", outputs: int | Sequence[str] = 1, **attributes: Any) -> str:
        """Append a node; the name of its first output. `outputs`: how many, or their names ("" for one not wanted)."""
        return self.ops(kind, *inputs, domain=domain, outputs=outputs, **attributes)[0]

    def ops(
        self, kind: str, *inputs: str, domain: str = "", outputs: int | Sequence[str] = 1, **attributes: Any
    ) -> Sequence[str]:
        """As `op`; the names of all its outputs."""
        names = [self._name("v") for _ in range(outputs)] if isinstance(outputs, int) else outputs
        self._nodes.append(helper.make_node(kind, list(inputs), list(names), domain=domain, **attributes))
        return names

    def constant(self, value: Array, name: str = "") -> str:
        """A constant, by name if others shall find it."""
        name = name or self._name("c")
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, *values: int) -> str:
        """A constant vector of int64."""
        return self.constant(np.array(values, np.int64))

    def linear(self, x: str, weight: Array, bias: Array | None = None) -> str:
        """x (…, K) times `weight` (N, K) transposed, plus `bias` (N,)."""
        weight = np.asarray(weight, np.float32)
        if self.bits == 32:
            product = self.op("MatMul", x, self.constant(weight.T))
            return product if bias is None else self.op("Add", product, self.constant(np.asarray(bias, np.float32)))
        (n, k), block = weight.shape, block_of(weight.shape[1])
        numbers, scales = quantised(weight, block)
        inputs = [x, self.constant(numbers.reshape(n, -1, block)), self.constant(scales.reshape(-1))]
        if bias is not None:
            inputs += ["", "", self.constant(np.asarray(bias, np.float32))]
        how = {"K": k, "N": n, "bits": 8, "block_size": block, "accuracy_level": 4}
        return self.op("MatMulNBits", *inputs, domain=MICROSOFT, **how)

    def table(self, name: str, rows: Array) -> None:
        """Keep a table (V, D) to look up in."""
        if self.bits == 32:
            self.constant(np.asarray(rows, np.float32), name)
            return
        block = block_of(rows.shape[1])
        numbers, scales = quantised(np.asarray(rows, np.float32), block)
        self.constant(numbers[:, : rows.shape[1]], name)
        self.constant(scales, f"{name} scales")

    def look_up(self, name: str, width: int, places: str) -> str:
        """Rows (…, D) of the table `name`, D = `width`, at integer `places` (…)."""
        if self.bits == 32:
            return self.op("Gather", name, places, axis=0)
        how = {"bits": 8, "block_size": block_of(width), "gather_axis": 0, "quantize_axis": 1}
        return self.op("GatherBlockQuantized", name, places, f"{name} scales", domain=MICROSOFT, **how)

    def columns(self, rows: str, wanted: Sequence[int]) -> str:
        """Columns of `rows` (…, WIDTH) as (…, len(wanted))."""
        return self.op("Gather", rows, self.ints(*wanted), axis=-1)

    def sum(self, x: str, axis: int) -> str:
        """The sum over one axis, which goes."""
        return self.op("ReduceSum", x, self.ints(axis), keepdims=0)

    def norm(self, x: str, weight: Array) -> str:
        """RMS normalisation over the last axis."""
        return self.op("SimplifiedLayerNormalization", x, self.constant(weight), axis=-1, epsilon=EPSILON)

    def add_norm(self, x: str, more: str, weight: Array) -> tuple[str, str]:
        """The norm of x + more, and x + more."""
        outputs = [self._name("v"), "", "", self._name("v")]
        self.ops(
            "SkipSimplifiedLayerNormalization", x, more, self.constant(weight), domain=MICROSOFT, outputs=outputs,
            epsilon=EPSILON,
        )  # fmt: skip
        return outputs[0], outputs[3]

    def squared_relu(self, x: str) -> str:
        """max(x, 0)²."""
        positive = self.op("Relu", x)
        return self.op("Mul", positive, positive)

    def call(self, name: str, x: str) -> None:
        """Give the value `x` the output name `name`."""
        self.op("Identity", x, outputs=[name])

    def graph(self, name: str, inputs: Sequence[tuple[str, int, list[Any]]], outputs: Sequence[Any]) -> onnx.GraphProto:
        """The graph; a branch has no inputs, and sees the values and constants of the graph around it."""
        return helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(*i) for i in inputs],
            [helper.make_tensor_value_info(*o) for o in outputs],
            list(self._constants.values()),
        )

    def _name(self, kind: str) -> str:
        self._count[0] += 1
        return f"{kind}{self._count[0]}"


def model(graph: onnx.GraphProto, about: dict[str, str]) -> bytes:
    """A whole ONNX file; `about` is its metadata."""
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    whole = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="musegen")
    helper.set_model_props(whole, about)
    return bytes(whole.SerializeToString(deterministic=True))


def block_of(width: int) -> int:
    """How many numbers of a row of `width` share a scale. With 128 the LSTM's player was .00101 nats a note off, with
    64 .00087, at the same speed."""
    return next((b for b in (64, 32) if width % b == 0), 64 if width > 64 else 16)


def quantised(weight: Array, block: int) -> tuple[Array, Array]:
    """(V, K) as uint8 around 128 (V, blocks · block) and its scales (V, blocks); the last block is filled up."""
    rows, width = weight.shape
    padded = np.zeros((rows, -(-width // block) * block), np.float32)
    padded[:, :width] = weight
    blocks = padded.reshape(rows, -1, block)
    scales = np.abs(blocks).max(-1) / 127
    scales[scales == 0] = 1
    numbers = np.clip(np.rint(blocks / scales[..., None]), -127, 127) + 128
    return numbers.astype(np.uint8).reshape(padded.shape), scales.astype(np.float32)

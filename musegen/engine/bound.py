"""onnxruntime as the engines use it: one thread, and calls whose arrays are bound once, so that a call costs 3 µs more
than its operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import onnxruntime as ort

Arrays = Mapping[str, npt.NDArray[Any]]


def session(graph: bytes) -> ort.InferenceSession:
    """A session on one thread. Raises what onnxruntime raises where `graph` is none that it can run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The graphs are written as they shall run: to look for better ones takes a third of the time a start takes.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # errors come as exceptions, and would be printed as well
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class Bound:
    """A call that reads `inputs` and writes `outputs` in place: change the former, call, look at the latter."""

    def __init__(self, where: ort.InferenceSession, inputs: Arrays, outputs: Arrays) -> None:
        self._session, self._binding, self._kept = where, where.io_binding(), [inputs, outputs]
        for name, array in inputs.items():
            self.bind(name, array)
        for name, array in outputs.items():
            self._binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(array))

    def bind(self, name: str, array: npt.NDArray[Any]) -> None:
        """Read the input `name` from `array`, which the caller keeps, from now on."""
        self._binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))

    def __call__(self) -> None:
        self._session.run_with_iobinding(self._binding)

"""Logistic regression over numbers that sum a piece up: fitted by scikit-learn, kept and used as plain arrays.

    P(y | x) = softmax(W x + b)_y

Knows neither music nor networks. Nothing is pickled: a file of classifiers is one safetensors file, read by numpy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..atomic import write_atomically
from ..errors import CheckpointError, CorpusError, MissingPackageError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Linear:
    """A fitted classifier: `weight` (C, F), `bias` (C,), and `prior` (C,), the classes' shares when it was fitted."""

    classes: tuple[str, ...]
    weight: Array
    bias: Array
    prior: Array

    def likelihoods(self, x: Array) -> Array:
        """log P(x | y) of rows (N, F) up to a constant of each row: (N, C). Bayes' rule backwards."""
        result: Array = log_softmax(x @ self.weight.T + self.bias) - np.log(self.prior)
        return result


def log_softmax(logits: Array) -> Array:
    """log of exp(logits) over its sum along the last axis."""
    logits = logits - logits.max(-1, keepdims=True)
    result: Array = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return result


def fit(x: Array, y: list[str], strength: float = 1.0) -> Linear:
    """Fit to rows (N, F) of classes `y`, each column first brought to mean 0 and deviation 1.

    `strength` is the inverse of the L2 penalty. Raises CorpusError for fewer than two classes, MissingPackageError.
    """
    classes = sorted(set(y))
    if len(classes) < 2:
        raise CorpusError(f"A classifier needs pieces of two styles at least; here are {', '.join(classes) or 'none'}.")
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise MissingPackageError("scikit-learn", "Fitting a classifier", "train") from None
    mean, scale = x.mean(0), x.std(0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(C=strength, max_iter=3000).fit((x - mean) / scale, y)
    weight, bias = model.coef_, model.intercept_
    if len(classes) == 2:  # scikit-learn keeps the second class's logit alone
        weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    weight = weight / scale
    prior = np.array([y.count(c) for c in classes]) / len(y)
    return Linear(tuple(classes), weight, bias - weight @ mean, prior)


def save(path: Path, fitted: Mapping[str, Linear], note: str = "") -> None:
    """Write classifiers by name; `note` comes back from `load`. Raises FileError."""
    from safetensors.numpy import save as to_bytes

    parts = ("weight", "bias", "prior")
    # Contiguous: safetensors writes memory as it lies, and scikit-learn lays some matrices out by columns.
    arrays = {f"{n}.{p}": np.ascontiguousarray(getattr(c, p)) for n, c in fitted.items() for p in parts}
    classes = json.dumps({name: c.classes for name, c in fitted.items()})
    write_atomically(path, to_bytes(arrays, {"classes": classes, "note": note}))


def load(path: Path) -> tuple[dict[str, Linear], str]:
    """The classifiers of a file by name, and its note. Raises CheckpointError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            classes: dict[str, list[str]] = json.loads(about["classes"])
            fitted = {
                name: Linear(tuple(c), *(file.get_tensor(f"{name}.{part}") for part in ("weight", "bias", "prior")))
                for name, c in classes.items()
            }
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} does not hold classifiers ({error}): fit them again.") from None
    return fitted, about.get("note", "")

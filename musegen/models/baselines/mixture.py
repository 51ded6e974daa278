"""A Gaussian mixture on note features: P(x) = Σ_k π_k N(x | μ_k, Σ_k). Pick a component, then draw.

A note is x = (log shift, pitch, velocity, log duration), drawn without regard to other notes: what a model without
memory can know. Σ_k is diagonal, so inside a component the features are independent, and the chain rule is exact:
P(attribute | those drawn before) = Σ_k w_k P_k(attribute), the weights w_k ∝ π_k · Π P_k(what was drawn). P_k of a
value is the mass of its box under the Gaussian, over the mass of all boxes; the instrument, which has no order, is a
categorical of each component. What is not a note (skips, the end) is told apart first, by its frequency. Every
distribution thus sums to one, and the attributes' nats to those of the note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ...errors import CheckpointError
from ...events import attributes as at
from ...events.derived import ModelRows
from ..config import BaselineConfig
from .contexts import Walk
from .counts import drawn

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

FEATURES = (at.SHIFT, at.PITCH, at.VELOCITY, at.DURATION)
"""The attribute of each of the four features."""

_DURATION_EDGES = np.concatenate([[0.5], (at.DURATIONS[:-1] + at.DURATIONS[1:]) / 2, [at.DURATIONS[-1] + 48.0]])
EDGES = {
    at.SHIFT: np.log(np.arange(at.LONGEST_SHIFT + 1) + 0.5),  # a shift of s ticks reaches from s + ½ to s + 1½
    at.PITCH: np.linspace(-0.5, 127.5, 129),
    at.VELOCITY: np.linspace(-0.5, 31.5, 33),
    at.DURATION: np.log(_DURATION_EDGES),
}
"""The boxes of each attribute's values on its feature's axis, from edge to edge."""

_LEAST = 1e-12  # share of every component that is spread evenly: no value is impossible


class Mixture:
    """`weights` (K,), `means` and `deviations` (K, 4), `instruments` (K, 513), `kinds` (7,): note, five skips, end."""

    def __init__(self, weights: Floats, means: Floats, deviations: Floats, instruments: Floats, kinds: Floats) -> None:
        self.config = BaselineConfig("mixture", len(weights))
        self.weights, self.means, self.deviations = weights, means, deviations
        self.instruments, self.kinds = instruments, kinds
        self._boxes = {at.INSTRUMENT: instruments} | {
            column: _boxes(means[:, i], deviations[:, i], EDGES[column]) for i, column in enumerate(FEATURES)
        }

    def nats(self, rows: ModelRows) -> Floats:
        """−log P of every attribute of a piece's rows (N, WIDTH): (N, 5) in nats, 0 for what is not predicted."""
        out = np.zeros((len(rows), len(at.ATTRIBUTES)))
        some = drawn(rows, at.SHIFT)
        note = at.is_note(rows)
        out[some, at.SHIFT] = -np.log(self.kinds[_kind(rows[some, at.SHIFT])])
        share = np.repeat(self.weights[None], note.sum(), 0)
        for column in range(len(at.ATTRIBUTES)):
            share = share * self._boxes[column][:, rows[note, column]].T
            total = share.sum(1, keepdims=True)
            out[note, column] -= np.log(total[:, 0])
            share /= total
        return out

    def probabilities(self, column: int, past: Sequence[Walk], target: ModelRows) -> Floats:
        """P of every value of attribute `column` of the next rows (B, WIDTH), given those drawn before it: (B, V)."""
        share = np.repeat(self.weights[None], len(target), 0)
        for before in range(column):
            # A row without a note has none of these; what is said of it then is not asked for.
            value = np.minimum(target[:, before], self._boxes[before].shape[1] - 1)
            share = share * self._boxes[before][:, value].T
            share /= share.sum(1, keepdims=True)
        p: Floats = share @ self._boxes[column]
        if column == at.SHIFT:
            other = np.repeat(self.kinds[None, 1:], len(p), 0)
            p = np.concatenate([self.kinds[0] * p, other], axis=1)
        return p

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Notes (count, 5) in the two steps of the definition: a component by its weight, then a point in it.

        `probabilities`, by which the engine draws, is the same distribution one attribute at a time.
        """
        component = rng.choice(len(self.weights), count, p=self.weights)
        notes = np.empty((count, len(at.ATTRIBUTES)), np.int64)
        for column, boxes in self._boxes.items():
            heights = np.cumsum(boxes, axis=1)[component]
            chance = rng.random(count)[:, None] * heights[:, -1:]
            notes[:, column] = np.minimum((heights <= chance).sum(1), boxes.shape[1] - 1)
        return notes

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is to the model, by name."""
        return {name: getattr(self, name) for name in ("weights", "means", "deviations", "instruments", "kinds")}

    @classmethod
    def from_arrays(cls, config: BaselineConfig, arrays: Mapping[str, np.ndarray]) -> Mixture:
        """What `arrays` wrote. Raises CheckpointError where shapes do not fit, KeyError for a missing array."""
        k = config.components
        shapes = {
            "weights": (k,),
            "means": (k, len(FEATURES)),
            "deviations": (k, len(FEATURES)),
            "instruments": (k, at.INSTRUMENTS),
            "kinds": (2 + len(at.SKIPS),),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise CheckpointError(f"The checkpoint's {name} have the shape {arrays[name].shape}, not {shape}.")
        return cls(**{name: arrays[name].astype(np.float64) for name in shapes})


def points(notes: Ints, rng: np.random.Generator) -> Floats:
    """Features (N, 4) of notes (N, 5), each anywhere in the middle half of its box: else a component could shrink to
    a point, and from the whole box one that stands for a single value would spill over."""
    out = np.empty((len(notes), len(FEATURES)))
    for i, column in enumerate(FEATURES):
        low, high = EDGES[column][notes[:, column]], EDGES[column][notes[:, column] + 1]
        out[:, i] = low + (high - low) * (0.25 + rng.random(len(notes)) / 2)
    return out


def kinds_of(rows: Ints) -> Ints:
    """How many of rows (N, 5) are notes, skips of each length, and ends: (7,)."""
    return np.bincount(_kind(rows[drawn(rows, at.SHIFT), at.SHIFT]), minlength=2 + len(at.SKIPS))


def _kind(shift: Ints) -> Ints:
    """0 a note, 1 … 5 a skip, 6 the end."""
    return np.maximum(shift - at.LONGEST_SHIFT + 1, 0)


def _boxes(mean: Floats, deviation: Floats, edges: Floats) -> Floats:
    """The mass (K, V) of each box under each Gaussian, over that of all boxes."""
    z = (edges - mean[:, None]) / (deviation[:, None] * math.sqrt(2))
    # From the nearer tail, so that what lies far out keeps its digits.
    low, high = z[:, :-1], z[:, 1:]
    flip = low > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    mass = 0.5 * (_erfc(-high) - _erfc(-low))
    mass /= np.maximum(mass.sum(1, keepdims=True), np.finfo(float).tiny)
    spread = (1 - _LEAST) * mass + _LEAST / mass.shape[1]
    result: Floats = spread / spread.sum(1, keepdims=True)
    return result


def _erfc(x: Floats) -> Floats:
    """1 − erf(x); numpy has none."""
    result: Floats = np.vectorize(math.erfc, otypes=[float])(x)
    return result

"""The bar GAN's generator in numpy: see `models.gan.generator`. Channels come last here; a few products a phrase.

n phrases, K tracks, Q quarters of a beat, O octaves, P numbers in a patch, D = config.width.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..checkpoint import Checkpoint
from ..events.roll import Cells
from ..models.config import PARTS, GanConfig
from ..models.gan import patches as form
from .base import Floats
from .recurrent import sigmoid

SLOPE = np.float32(0.2)  # of every leaky ReLU
FINE, FAST = np.float32(0.1), np.float32(3.0)  # scales of what differs within a patch; of harmony and of who plays
EPSILON = np.float32(1e-5)  # of every RMS normalisation


class GanNetwork:
    """A trained generator. Raises CheckpointError if the checkpoint is not of a gan."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config = checkpoint.shape(GanConfig)
        self.q, self.o = form.quarters(self.config), form.octaves(self.config)
        w = {name: np.asarray(value, np.float32) for name, value in checkpoint.weights.items()}
        self._w = w
        self._known, self._own = (_per_track(w[f"{n}.weight"], self.config.tracks) for n in ("known", "own"))
        self._layers = [
            [(_kernel(w[f"layers.{i}.{n}.weight"]), w[f"layers.{i}.{n}.bias"]) for n in ("near", "far")]
            for i in range(self.config.layers)
        ]
        self._mix = [(_kernel(w[f"mix.{i}.weight"]), w[f"mix.{i}.bias"]) for i in range(2)]
        self._out = (w["out.coarse"] + FINE * w["out.fine"]).reshape(*w["out.coarse"].shape[:2], -1)

    def phrases(
        self, noise: Floats, given: Cells, mask: npt.ArrayLike, generator: np.random.Generator | None = None
    ) -> Cells:
        """Phrases (n, K, bars, 4·steps, pitches) from `noise` (n, config.noise), normal.

        Where `mask` (n, K, bars) holds they are `given`. Stochastic neurons fire by `generator`; without one, and if
        the model's are deterministic, each gives what is likelier.
        """
        known = np.asarray(mask, np.float32)
        wide = known[..., None, None] > 0
        heard = form.to_patches(np.where(wide, given, 0), self.config)
        logits = self.logits(noise, heard, known)
        if generator is None or self.config.neurons == "deterministic":
            fired = logits > 0
        else:
            fired = sigmoid(logits) > generator.random(logits.shape, np.float32)
        return form.complete(fired, given, known, self.config)

    def logits(self, noise: Floats, given: Floats, mask: Floats) -> Floats:
        """What the neurons are given: (n, K, Q, O, P), as `Generator.logits`."""
        n, w, d = len(noise), self._w, self.config.width
        grid = self._seen(given, mask)
        beats = _linear(grid.reshape(n, -1, PARTS * self.o * d), w, "down")
        beats = _unit(self._beats(beats, noise))
        grid = grid + _linear(beats, w, "up").reshape(grid.shape) + np.tile(w["place"], (self.config.bars, 1, 1))
        (first, first_bias), (second, second_bias) = self._mix
        mixed = _leaky(_near(_unit(grid)) @ first + first_bias)
        grid = _unit(grid + (_near(mixed) @ second + second_bias))
        near = _around(grid, 1).reshape(n, 1, self.q * self.o, 3 * d)
        own = _leaky(near @ self._own + w["own.bias"])
        logits: Floats = (own @ self._out).reshape(n, -1, self.q, self.o, self._out.shape[-1])
        plays = FAST * _linear(beats.reshape(n, self.config.bars, 4, -1).mean(2), w, "plays").swapaxes(1, 2)
        logits += plays.repeat(self.q // self.config.bars, 2)[..., None, None] * w["out.plays"][:, None]
        here, before, whole = form.chords(given, self.config)
        chords = FAST * _linear(beats, w, "harmony")[:, None] @ w["out.harmony"]
        chords += np.concatenate([here, before, np.broadcast_to(whole, here.shape)], -1)[:, None] @ w["out.chords"]
        logits += chords.repeat(PARTS, 2)[..., None, :]
        logits += np.tile(w["out.lean"], (1, self.config.bars, 1, 1))
        return logits

    def _seen(self, given: Floats, mask: Floats) -> Floats:
        n, w = len(given), self._w
        told = np.repeat(mask, self.q // self.config.bars * self.o, 2)[..., None] * w["told"]
        each = _leaky(given.reshape(n, len(self._known), -1, given.shape[-1]) @ self._known + w["known.bias"] + told)
        merged = _leaky(_linear(each.transpose(0, 2, 1, 3).reshape(n, self.q * self.o, -1), w, "merge"))
        return merged.reshape(n, self.q, self.o, -1)

    def _beats(self, known: Floats, noise: Floats) -> Floats:
        w, latents = self._w, noise.reshape(len(noise), 1 + self.config.bars, -1).astype(np.float32)
        x = known + _linear(latents[:, :1], w, "phrase") + np.repeat(_linear(latents[:, 1:], w, "bars"), 4, 1)
        x += w["beat"].T
        for (near, near_bias), (far, far_bias) in self._layers:
            y = _leaky(_around(_unit(x), 1) @ near + near_bias)
            x = x + (_around(y, 1, 4) @ far + far_bias)
        return x


def _per_track(weight: Floats, tracks: int) -> Floats:
    """(K · outputs, inputs) → (K, inputs, outputs)."""
    return np.ascontiguousarray(weight.reshape(tracks, -1, weight.shape[1]).swapaxes(1, 2))


def _kernel(weight: Floats) -> Floats:
    """A convolution's (outputs, inputs, places …) as a matrix (places · inputs, outputs)."""
    last = np.moveaxis(weight, 0, -1)  # inputs, places …, outputs
    return np.ascontiguousarray(np.moveaxis(last, 0, -2)).reshape(-1, weight.shape[0])


def _linear(x: Floats, weights: dict[str, Floats], name: str) -> Floats:
    result: Floats = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return result


def _leaky(x: Floats) -> Floats:
    result: Floats = np.maximum(x, SLOPE * x)
    return result


def _unit(x: Floats) -> Floats:
    square = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    result: Floats = x / np.sqrt(square + EPSILON)
    return result


def _around(x: Floats, axis: int, reach: int = 1) -> Floats:
    """Each place with those `reach` before and after it along `axis`, in the last dimension: (…, 3D)."""
    wide = np.zeros((*x.shape[:-1], 3 * x.shape[-1]), np.float32)
    before, here, after = np.split(np.moveaxis(wide, axis, 0), 3, -1)
    x = np.moveaxis(x, axis, 0)
    before[reach:], here[:], after[:-reach] = x[:-reach], x, x[reach:]
    return wide


def _near(x: Floats) -> Floats:
    """(n, Q, O, D) with the eight neighbours of each place: (n, Q, O, 9D)."""
    return _around(_around(x, 2), 1)

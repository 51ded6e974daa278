"""The bar GAN's generator in numpy: see `models.gan.generator`.

n phrases, K tracks, N beats, P numbers in a beat, Z numbers in all latents, W = config.width.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..checkpoint import Checkpoint
from ..events.roll import Cells
from ..models.config import BEATS, GanConfig
from ..models.gan import form
from .base import Floats
from .recurrent import sigmoid

SLOPE = np.float32(0.2)  # of every leaky ReLU
STEEPEST = np.float32(1.0)  # the logarithm of a coupling's largest scale
EPSILON = np.float32(1e-5)  # of every RMS normalisation
SURE = np.float32(0.5)  # of the noise, where something is known: nearer a component's middle, nearer what is known


class GanNetwork:
    """A trained generator. Raises CheckpointError if the checkpoint is not of a gan."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config = checkpoint.shape(GanConfig)
        w = {name: np.asarray(value, np.float32) for name, value in checkpoint.weights.items()}
        self._w = w
        names = ("listen.track", "blend", "out")
        self._per_track = {n: _per_track(w[f"{n}.weight"], self.config.tracks) for n in names}
        self._couplings = sum(name.startswith("flow.layers.") and name.endswith(".first.weight") for name in w)

    def phrases(
        self, noise: Floats, given: Cells, mask: npt.ArrayLike, generator: np.random.Generator | None = None
    ) -> Cells:
        """Phrases (n, K, bars, 4·steps, pitches) from `noise` (n, config.noise), normal.

        Where `mask` (n, K, bars) holds they are `given`, and the rest is in their key; if nothing tuned is known, the
        noise chooses one. Stochastic neurons fire by `generator`; without one, and if the model's are deterministic,
        each gives what is likelier.
        """
        known = np.asarray(mask, np.float32)
        heard = np.where(known[..., None, None] > 0, given, 0).astype(np.uint8)
        home = form.semitones_home(heard, known, form.home_from(noise), self.config)
        rows = form.to_beats(form.moved(heard, home, self.config), self.config)
        rows *= np.repeat(known, BEATS, 2)[..., None]
        logits = self.logits(noise, rows, known, self._fitting(noise, rows, known) if self._placed else None)
        if generator is None or self.config.neurons == "deterministic":
            fired = logits > 0
        else:
            fired = sigmoid(logits) > generator.random(logits.shape, np.float32)
        return form.complete(fired, given, known, self.config, home)

    def logits(self, noise: Floats, given: Floats, mask: Floats, latents: Floats | None = None) -> Floats:
        """What the neurons are given: (n, K, N, P), as `Generator.logits`; of chosen `latents` (n, Z) if there are,
        where they are numbers."""
        n, w, c = len(noise), self._w, self.config
        here, before, whole = form.chords(given, c)
        chords = np.concatenate([here, before, np.broadcast_to(whole, here.shape)], -1)
        beats, summary = self._heard(given, mask, chords)
        drawn = self._latents(noise, _linear(summary, w, "context"))
        if latents is not None:
            drawn = np.where(np.isnan(latents), drawn, latents)
        elif self._placed:
            drawn = np.where(np.any(mask, (1, 2))[:, None], drawn, self._drawn(noise, w["mixture.until"]))
        latents = drawn.reshape(n, 1 + c.bars, -1)
        x = _linear(latents[:, :1], w, "phrase") + _linear(latents[:, 1:], w, "bars").reshape(beats.shape)
        x = self._layers(x + w["place"] + _linear(beats, w, "known"), "layers", c.layers)
        own = _leaky(_linear(_unit(x), w, "own")).reshape(n, len(w["place"]), c.tracks, -1).swapaxes(1, 2)
        own = own @ self._per_track["blend"] + w["blend.bias"]
        logits: Floats = own @ self._per_track["out"] + w["out.bias"] + np.tile(w["lean"], (1, c.bars, 1))
        leaning = chords[:, None] @ w["chords"]  # (n, K, N, 12), for every octave and grain
        half = logits.shape[-1] // 2
        logits[..., :half] += np.tile(leaning, half // leaning.shape[-1])
        return logits

    def _heard(self, given: Floats, mask: Floats, chords: Floats) -> tuple[Floats, Floats]:
        """The features of beats (n, N, W) and the summary of bars and whole (n, (1 + bars) · W)."""
        n, w = len(given), self._w
        told = np.repeat(mask, BEATS, 2)[..., None] * w["listen.told"]
        tracks = given @ self._per_track["listen.track"] + w["listen.track.bias"] + told
        merged = _linear(tracks.swapaxes(1, 2).reshape(n, given.shape[2], -1), w, "listen.merge")
        x = _leaky(merged + _linear(chords, w, "listen.hint")) + w["listen.place"]
        beats = _unit(self._layers(x, "listen.layers", self.config.layers - 1))
        bars = _leaky(_linear(beats.reshape(n, self.config.bars, -1), w, "listen.bar")).reshape(n, -1)
        return beats, np.concatenate([_leaky(_linear(bars, w, "listen.whole")), bars], 1)

    def _layers(self, x: Floats, name: str, layers: int) -> Floats:
        for i in range(layers):
            y = _leaky(_linear(_around(_unit(x), 1), self._w, f"{name}.{i}.near"))
            x = x + _linear(_around(y, BEATS), self._w, f"{name}.{i}.far")
        return x

    def _latents(self, noise: Floats, context: Floats) -> Floats:
        """Latents (n, Z) from normal `noise`, by the couplings of `models.gan.flow`."""
        x = np.array(noise, np.float32)
        for i in range(self._couplings):
            still, moving = x[:, i % 2 :: 2], x[:, 1 - i % 2 :: 2]
            hidden = np.concatenate([still, context], 1)
            for layer in ("first", "second"):
                hidden = _leaky(_linear(hidden, self._w, f"flow.layers.{i}.{layer}"))
            scale, shift = np.split(_linear(hidden, self._w, f"flow.layers.{i}.last"), 2, 1)
            x[:, 1 - i % 2 :: 2] = moving * np.exp(STEEPEST * np.tanh(scale / STEEPEST)) + shift
        return x

    def _fitting(self, noise: Floats, given: Floats, mask: Floats) -> Floats:
        """Latents (n, Z) from normal `noise`, by components that explain what is `given`: Bayes' rule, P(component |
        given) ∝ P(component) · P(given | component), the latter by the neurons of the component's mean.

        So music goes on better than by the flow: these lie where the decoder has been. NaN for phrases that know a
        whole track: the components know no such music, and beside it the flow plays more.
        """
        share = np.diff(self._w["mixture.until"], prepend=np.float32(0)).clip(1e-9)
        sounding, begins = np.split(self._means, 2, -1)
        silent = np.logaddexp(0, sounding).sum(-1)  # (M, K, N): −log P of silence
        until = []
        for rows, known in zip(given, np.repeat(mask, BEATS, 2), strict=True):
            k, n, p = np.nonzero(np.split(rows, 2, -1)[0])
            nats = (silent * known).sum((1, 2)) - sounding[:, k, n, p].sum(1)
            logits = np.where(np.split(rows, 2, -1)[1][k, n, p] > 0, begins[:, k, n, p], -begins[:, k, n, p])
            chance = np.log(share) - nats - np.logaddexp(0, -logits).sum(1)
            until.append(np.cumsum(np.exp(chance - np.logaddexp.reduce(chance))))
        fitting = self._drawn(SURE * noise, np.stack(until).astype(np.float32))
        fitting[np.all(mask, 2).any(1)] = np.nan
        return np.where(np.any(mask, (1, 2))[:, None], fitting, self._drawn(noise, self._w["mixture.until"]))

    @cached_property
    def _means(self) -> Floats:
        """What the neurons are given by the mean of each component, from nothing: (M, K, N, P)."""
        mean, c = self._w["mixture.mean"], self.config
        nothing = np.zeros((len(mean), c.tracks, form.beats(c), form.numbers(c)), np.float32)
        return self.logits(mean, nothing, np.zeros((len(mean), c.tracks, c.bars), np.float32), mean)

    @property
    def _placed(self) -> bool:
        return bool(self._w["mixture.until"][-1] > 0)

    def _drawn(self, noise: Floats, until: Floats) -> Floats:
        """Latents (n, Z) from normal `noise`, by the components of `models.gan.mixture`, whose chances add up to
        `until` (M,) or, one after another for each phrase, (n, M)."""
        turn = form.turn_of(noise, 1)[:, None]
        which = np.minimum((np.atleast_2d(until) <= turn).sum(1), until.shape[-1] - 1)
        mean, axes, scale, spread = (self._w[f"mixture.{name}"][which] for name in ("mean", "axes", "scale", "rest"))
        along = (axes @ noise[:, :, None])[:, :, 0]
        aside = noise - (along[:, None] @ axes)[:, 0]
        latents: Floats = (mean + ((scale * along)[:, None] @ axes)[:, 0] + spread * aside).astype(np.float32)
        return latents


def _per_track(weight: Floats, tracks: int) -> Floats:
    """(K · outputs, inputs) → (K, inputs, outputs)."""
    return np.ascontiguousarray(weight.reshape(tracks, -1, weight.shape[1]).swapaxes(1, 2))


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


def _around(x: Floats, reach: int) -> Floats:
    """Each beat (n, N, W) with those `reach` before and after it, in the last dimension: (n, N, 3W)."""
    wide = np.zeros((*x.shape[:2], 3 * x.shape[2]), np.float32)
    before, here, after = np.split(wide, 3, 2)
    before[:, reach:], here[:], after[:, :-reach] = x[:, :-reach], x, x[:, reach:]
    return wide

"""The humaniser in numpy: how drums that are written are played, for who plays without torch.

The same network as `models.humaniser`, whose docstrings say what it is. Its noise is a function of a seed number and
of where a note stands, not of the order in which notes are asked for: a groove that is played bar by bar while the
rest is still being drawn comes out as it does from a file. Knows nothing of files, ports or clocks.
"""

from __future__ import annotations

import os
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .. import checkpoint as checkpoints
from ..checkpoint import Checkpoint
from ..errors import CheckpointError, SettingsError
from ..events.drums import ANY, CLASSES, DrumRows
from ..models.config import HumaniserConfig

Floats = npt.NDArray[np.float64]
_Singles = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]

NAME = "humaniser"
"""The shipped checkpoint."""

REACH = 32
"""Sixteenths to both sides of a note that the network of four layers sees; what is further away changes little."""

MOMENT = 25.0  # as in models.humaniser: milliseconds that are 1
LOUDEST = 127.5
_MIDDLE = 110.0  # quarters a minute

_PERFORMANCE, _STEP, _NOTE = 0, 1, 2  # what noise belongs to


class Humaniser:
    """Plays drums by a checkpoint's weights. Raises CheckpointError for one that is no humaniser."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config = checkpoint.shape(HumaniserConfig)
        self.feels = checkpoint.styles
        """The drummers and styles that it can play like."""
        self._weights = {name: np.asarray(w, np.float32) for name, w in checkpoint.weights.items()}
        wanted = {"guess.weight", "moved.weight", f"around.layers.{self.config.layers - 1}.weight"}
        if missing := sorted(wanted - set(self._weights)):
            raise CheckpointError(f"The checkpoint lacks the weights {missing[0]}: copy the folder again.")

    def perform(self, rows: DrumRows, feel: str | None = None, seed_number: int | None = None) -> tuple[Floats, Floats]:
        """How `rows` (N notes) are played: milliseconds later than written (N,), and velocities (N,), 0 … 127.5.

        `feel` is one of `feels`; None: nobody in particular. Without a seed number, the single best guess; with one,
        one of the many ways. Nothing but the rows is seen: give those around a note, too. Raises SettingsError for an
        unknown feel.
        """
        tags = self.tags(feel)
        if not len(rows):
            return np.zeros(0), np.zeros(0)
        first = int(rows.step.min())
        cell, steps = rows.step - first, int(rows.step.max()) - first + 1
        hidden = self._hidden(rows, cell, steps, tags)
        answer = self._linear("guess", hidden)
        if seed_number is not None:
            answer = answer + self._moved(hidden, rows, cell, np.arange(first, first + steps), seed_number)
        half = rows.half_step
        moments = half * np.tanh(answer[:, 0].astype(np.float64) * MOMENT / half)
        return moments, LOUDEST / (1 + np.exp(-answer[:, 1].astype(np.float64)))

    def tags(self, feel: str | None) -> _Singles:
        """`feel` as the network reads it. Raises SettingsError for one that it has not learnt."""
        tags = np.zeros(self.config.tags, np.float32)
        if feel:
            if feel not in self.feels:
                raise SettingsError(
                    f"There is no feel {feel!r}; this humaniser knows {', '.join(self.feels) or 'none'}."
                )
            tags[self.feels.index(feel)] = 1
        return tags

    # --- the network ------------------------------------------------------------------------------------------------

    def _hidden(self, rows: DrumRows, cell: _Ints, steps: int, tags: _Singles) -> _Singles:
        """What is known of each note, its surroundings and the whole (N, W)."""
        notes = self._notes(rows, tags)
        grid = np.zeros((steps, notes.shape[1]), np.float32)
        np.add.at(grid, cell, notes)
        for i in range(self.config.layers):
            grid = grid + self._convolution(f"around.layers.{i}", np.maximum(grid, 0), 2**i)
        here = grid[cell]
        whole = np.broadcast_to(np.maximum(here, 0).mean(axis=0), here.shape)
        return np.maximum(self._linear("hidden", np.concatenate([notes, here, whole], axis=1)), 0)

    def _notes(self, rows: DrumRows, tags: _Singles) -> _Singles:
        table = {name: self._weights[f"notes.{name}.weight"] for name in ("drum", "stroke", "lean", "place")}
        tempo = np.log2(rows.tempo / _MIDDLE).astype(np.float32)[:, None]
        notes = table["drum"][rows.drum] + table["stroke"][rows.stroke] + table["lean"][rows.lean + 1]
        notes = notes + table["place"][rows.place] + self._linear("notes.tempo", tempo)
        return notes + self._linear("notes.tag", tags) if len(tags) else notes

    def _moved(self, hidden: _Singles, rows: DrumRows, cell: _Ints, steps: _Ints, seed_number: int) -> _Singles:
        """How chance moves the answers (N, 2)."""
        size = self.config.noise
        whole = normal(seed_number, np.array([_PERFORMANCE]), size)
        by_step = normal(seed_number, steps * 4 + _STEP, size)
        note = ((rows.step * 4 + rows.lean + 1) * len(CLASSES) + rows.drum) * (ANY + 1) + rows.stroke
        by_note = normal(seed_number, note * 4 + _NOTE, size)
        mixed = self._linear("from_hidden", hidden) + self._convolution("noise_step", by_step, 1)[cell]
        mixed = mixed + self._linear("noise_window", whole) + self._linear("noise_note", by_note)
        return self._linear("moved", np.maximum(self._linear("mixed", np.maximum(mixed, 0)), 0))

    def _linear(self, name: str, x: _Singles) -> _Singles:
        y: _Singles = x @ self._weights[f"{name}.weight"].T
        bias = self._weights.get(f"{name}.bias")
        return y if bias is None else y + bias

    def _convolution(self, name: str, x: _Singles, dilation: int) -> _Singles:
        """Of x (S, C) over its first axis, zeros beyond both ends; as one product."""
        weight = self._kernels[name]
        taps = len(weight) // x.shape[1]
        padded = np.pad(x, ((taps // 2 * dilation,) * 2, (0, 0)))
        seen = np.concatenate([padded[i * dilation : i * dilation + len(x)] for i in range(taps)], axis=1)
        y: _Singles = seen @ weight
        bias = self._weights.get(f"{name}.bias")
        return y if bias is None else y + bias

    @cached_property
    def _kernels(self) -> dict[str, _Singles]:
        """The weights of convolutions as (taps × in, out)."""
        three = {name: w for name, w in self._weights.items() if w.ndim == 3}
        return {name.removesuffix(".weight"): _flat(w) for name, w in three.items()}


def _flat(weight: _Singles) -> _Singles:
    out, _, _ = weight.shape
    return np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, out))


def load_humaniser(name: str | os.PathLike[str] = NAME) -> Humaniser:
    """The humaniser of a checkpoint: a shipped name or a folder. Raises CheckpointError."""
    return Humaniser(checkpoints.load(checkpoints.find(name)))


def normal(seed_number: int, keys: _Ints, size: int) -> _Singles:
    """Standard normal numbers (N, `size`) that depend on the seed number and the key alone.

    The mixing function of SplitMix64 (Steele, Lea & Flood 2014) of a counter, then Box & Muller (1958).
    """
    count = size + size % 2
    with np.errstate(over="ignore"):
        seed = _mixed(np.array([seed_number % 2**63], np.uint64))
        lane: _Words = np.add(_mixed(keys.astype(np.uint64)[:, None] + seed), np.arange(count, dtype=np.uint64))
        uniform = ((_mixed(lane) >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    radius = np.sqrt(-2 * np.log(uniform[:, : count // 2]))
    angle = 2 * np.pi * uniform[:, count // 2 :]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return both[:, :size].astype(np.float32)


def _mixed(x: _Words) -> _Words:
    x = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

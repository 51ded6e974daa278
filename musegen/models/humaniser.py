"""The humaniser: how a drum part that is written is played, and the critic that tells it from real playing.

    moment, velocity = humaniser(batch, noise)        milliseconds off the grid and 1 … 127, a row a note
    logits = critic(batch, moment, velocity)          the higher, the more it looks played by a drummer

It is the lecture's translator, f(l) = h: super-resolution of time and loudness. Notes are laid on the 16ths they are
written on, dilated convolutions look to both sides, and each note is answered for by itself, so any number may share
a 16th. Without noise the answer is the single best guess; noise, of which some belongs to the performance, some to
each 16th and some to each note, moves it to one of the many ways that it might be played.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..events.drums import ANY, BAR, CLASSES, DrumRows
from .config import HumaniserConfig

KERNEL = 5  # sixteenths that a convolution sees, at its dilation
MOMENT, LOUDNESS = 25.0, 32.0  # milliseconds and velocities that networks see as 1
LOUDEST = 127.5  # nothing is louder, and what is nearest to it rounds to 127


class DrumBatch(NamedTuple):
    """N notes of B windows of S 16ths each, as tensors: a row a note but for `tags` (B, tags), of 0 and 1.

    `cell` is the window's number times S plus the 16th inside the window.
    """

    cell: Tensor
    window: Tensor
    lean: Tensor
    place: Tensor
    drum: Tensor
    stroke: Tensor
    tempo: Tensor
    before: Tensor  # the note before on the same drum, or itself where there is none in the window
    beside: Tensor  # the note before in the score, whatever its drum, or itself
    tags: Tensor
    steps: Tensor  # (): S

    @classmethod
    def of(cls, windows: list[DrumRows], tags: Tensor, steps: int = 0) -> DrumBatch:
        """Windows of any lengths, each from its first note; `steps` at least the longest (0: just that)."""
        spans = [int(w.step.max() - w.step.min()) + 1 for w in windows]
        steps = max(steps, *spans)
        count = np.array([len(w) for w in windows])
        window = np.repeat(np.arange(len(windows)), count)
        cell = np.concatenate([w.step - w.step.min() for w in windows]) + window * steps
        drum = np.concatenate([w.drum for w in windows])

        def column(name: str) -> Tensor:
            return torch.from_numpy(np.concatenate([getattr(w, name) for w in windows]))

        return cls(
            torch.from_numpy(cell),
            torch.from_numpy(window),
            column("lean"),
            column("place"),
            torch.from_numpy(drum),
            column("stroke"),
            column("tempo").float(),
            torch.from_numpy(previous(window * len(CLASSES) + drum, cell)),
            torch.from_numpy(previous(window, cell)),
            tags,
            torch.tensor(steps),
        )


def previous(group: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """For each note (N,) the one before it, by `cell`, of the same `group`; itself where it is the first."""
    order = np.lexsort((cell, group))
    found = order.copy()
    same = group[order[1:]] == group[order[:-1]]
    found[1:][same] = order[:-1][same]
    result = np.empty_like(order)
    result[order] = found
    return result


class Noise(NamedTuple):
    """Standard normal numbers: of each window (B, Z), each 16th (B, S, Z) and each note (N, Z)."""

    window: Tensor
    step: Tensor
    note: Tensor

    @classmethod
    def draw(cls, batch: DrumBatch, size: int, generator: torch.Generator | None = None) -> Noise:
        """New noise for `batch`, Z = `size`."""
        windows = len(batch.tags)
        shapes = ((windows, size), (windows, int(batch.steps), size), (len(batch.cell), size))
        return cls(*(torch.randn(shape, generator=generator) for shape in shapes))

    @classmethod
    def of(cls, z: Tensor, batch: DrumBatch) -> Noise:
        """That of `batch` out of z (B, 1 + S + L, Z): no window may have more than L notes."""
        steps = int(batch.steps)
        first = torch.searchsorted(batch.window, torch.arange(len(z)))
        within = torch.arange(len(batch.window)) - first[batch.window]
        return cls(z[:, 0], z[:, 1 : 1 + steps], z[batch.window, 1 + steps + within])


class _Notes(nn.Module):
    """What is written of each note as a vector (N, W)."""

    def __init__(self, width: int, tags: int) -> None:
        super().__init__()
        self.drum = nn.Embedding(len(CLASSES), width)
        self.stroke = nn.Embedding(ANY + 1, width)
        self.lean = nn.Embedding(3, width)
        self.place = nn.Embedding(BAR, width)
        self.tempo = nn.Linear(1, width)
        self.tag = nn.Linear(tags, width, bias=False) if tags else None
        for table in (self.drum, self.stroke, self.lean, self.place):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, batch: DrumBatch) -> Tensor:
        notes = self.drum(batch.drum) + self.stroke(batch.stroke) + self.lean(batch.lean + 1) + self.place(batch.place)
        notes = notes + self.tempo(torch.log2(batch.tempo / 110)[:, None])
        if self.tag is not None:
            notes = notes + self.tag(batch.tags)[batch.window]
        result: Tensor = notes
        return result


class _Around(nn.Module):
    """What stands around each note: vectors (N, W) → those of its 16th and its neighbours, and of its whole window."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, KERNEL, padding=2 * 2**i, dilation=2**i) for i in range(layers)
        )

    def forward(self, notes: Tensor, batch: DrumBatch) -> tuple[Tensor, Tensor]:
        windows, steps, width = len(batch.tags), int(batch.steps), notes.shape[1]
        grid = notes.new_zeros(windows * steps, width).index_add(0, batch.cell, notes)
        grid = grid.reshape(windows, steps, width).transpose(1, 2)
        for layer in self.layers:
            grid = grid + layer(F.relu(grid))
        here = grid.transpose(1, 2).reshape(-1, width)[batch.cell]
        return here, mean_of(F.relu(here), batch)[batch.window]


def mean_of(notes: Tensor, batch: DrumBatch) -> Tensor:
    """The mean (B, W) of the vectors (N, W) of each window's notes."""
    windows = len(batch.tags)
    count = notes.new_zeros(windows).index_add(0, batch.window, notes.new_ones(len(notes)))
    return notes.new_zeros(windows, notes.shape[1]).index_add(0, batch.window, notes) / count[:, None]


class Humaniser(nn.Module):
    """The generator: what is written (and noise) → moment in milliseconds off the grid (N,) and velocity (N,)."""

    def __init__(self, config: HumaniserConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.notes = _Notes(width, config.tags)
        self.around = _Around(width, config.layers)
        self.hidden = nn.Linear(3 * width, width)
        self.guess = nn.Linear(width, 2)
        self.noise_window = nn.Linear(config.noise, width, bias=False)
        self.noise_step = nn.Conv1d(config.noise, width, KERNEL, padding=KERNEL // 2, bias=False)
        self.noise_note = nn.Linear(config.noise, width, bias=False)
        self.from_hidden = nn.Linear(width, width)
        self.mixed = nn.Linear(width, width)
        self.moved = nn.Linear(width, 2)
        nn.init.zeros_(self.moved.weight)  # at first, and for ever without an adversary, noise moves nothing
        nn.init.zeros_(self.moved.bias)

    def forward(self, batch: DrumBatch, noise: Noise | None = None) -> tuple[Tensor, Tensor]:
        """Without `noise` the best guess. Moments stay inside half a 16th, velocities inside 0 … 127.5."""
        notes = self.notes(batch)
        here, whole = self.around(notes, batch)
        hidden = F.relu(self.hidden(torch.cat([notes, here, whole], 1)))
        answer = self.guess(hidden)
        if noise is not None:
            answer = answer + self._moved(hidden, batch, noise)
        half = 7500 / batch.tempo
        return half * torch.tanh(answer[:, 0] * MOMENT / half), LOUDEST * torch.sigmoid(answer[:, 1])

    def _moved(self, hidden: Tensor, batch: DrumBatch, noise: Noise) -> Tensor:
        """How noise moves the answers (N, 2)."""
        step = self.noise_step(noise.step.transpose(1, 2)).transpose(1, 2).reshape(-1, self.config.width)[batch.cell]
        mixed = self.from_hidden(hidden) + step + self.noise_window(noise.window)[batch.window]
        mixed = F.relu(mixed + self.noise_note(noise.note))
        moved: Tensor = self.moved(F.relu(self.mixed(mixed)))
        return moved


class Critic(nn.Module):
    """The discriminator: what is written and how it is played → a logit for each note (N,).

    A note is judged by itself, by how it differs from the one before it and from the one before on its drum, by its
    surroundings, and with its whole window (mean and spread).
    """

    FEATURES = 7

    def __init__(self, config: HumaniserConfig) -> None:
        super().__init__()
        width = config.width
        self.notes = _Notes(width, config.tags)
        self.played = nn.Linear(self.FEATURES, width)
        self.own = nn.Linear(width, width)
        self.around = _Around(width, 2)
        self.hidden = nn.Linear(3 * width, width)
        self.local = nn.Linear(width, 1)
        self.whole = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, batch: DrumBatch, moment: Tensor, velocity: Tensor) -> Tensor:
        """Logits (N,): positive for what it holds to be real."""
        each = torch.stack([moment / MOMENT, velocity / LOUDNESS - 2], 1)
        edge = (moment * batch.tempo / 7500)[:, None]
        features = torch.cat([each, edge, each - each[batch.before], each - each[batch.beside]], 1)
        notes = F.leaky_relu(self.notes(batch) + self.played(features), 0.2)
        notes = F.leaky_relu(self.own(notes), 0.2)
        here, whole = self.around(notes, batch)
        hidden = F.leaky_relu(self.hidden(torch.cat([notes, here, whole], 1)), 0.2)
        mean = mean_of(hidden, batch)
        spread = (mean_of(hidden.square(), batch) - mean.square() + 1e-4).clamp_min(1e-4).sqrt()
        result: Tensor = self.local(hidden)[:, 0] + self.whole(torch.cat([mean, spread], 1))[batch.window, 0]
        return result

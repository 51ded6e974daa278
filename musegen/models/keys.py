"""Frames seen from each key: what the past says of a key and its neighbours, and the head that scores keys.

Everything is a picture over (keys, channels), read by convolutions along the keys, so that what is learnt of one
key holds for all: transposed music looks the same but for a bias a key. With the outputs `bernoulli` the keys are
independent given the past; with `chain` each key also sees those above it in the same frame, as a masked
convolution (NADE, Larochelle & Murray 2011; convolutional as in van den Oord et al. 2016), an exact chain rule.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAGS = (0, 1, 2, 3, 5, 7, 11, 15)  # frames before the last one
TRACES = (4.0, 24.0)  # frames in which the memory of a key fades to 1/e
CHANNELS = len(LAGS) + 1 + len(TRACES) + 1
OCTAVE = 12
WINDOW = 25  # keys that the first convolution sees
ABOVE = 36  # keys of the same frame that a key sees directly
NEAR = 13  # keys that the second convolution sees


def key_channels(frames: Tensor) -> Tensor:
    """What is known of each key after each of `frames` (B, T, K): (B, T, K, CHANNELS), causal in T.

    The last sixteen frames at some lags, how long the key has been held, its fading memory at two speeds, and that
    of its pitch class.
    """
    time = torch.arange(frames.shape[1], device=frames.device, dtype=frames.dtype)
    off = torch.where(frames == 0, time[:, None], -1.0).cummax(1).values
    held = torch.log1p(time[:, None] - off) * frames
    traces = [_fading(frames, time, length) for length in TRACES]
    return torch.stack([*(later(frames, n) for n in LAGS), held, *traces, classes(traces[-1])], -1)


def later(frames: Tensor, n: int) -> Tensor:
    """`frames` (B, T, K) delayed by `n`, silence first."""
    return F.pad(frames, (0, 0, n, 0))[:, : frames.shape[1]]


def classes(values: Tensor) -> Tensor:
    """The sum of `values` (…, K) over each key's octaves, at every key of that pitch class (…, K)."""
    keys = values.shape[-1]
    folded = F.pad(values, (0, -keys % OCTAVE)).reshape(*values.shape[:-1], -1, OCTAVE)
    return folded.sum(-2, keepdim=True).expand_as(folded).flatten(-2)[..., :keys]


def _fading(frames: Tensor, time: Tensor, length: float) -> Tensor:
    """The average of the frames so far, those of `length` frames ago weighing 1/e."""
    ago = time[:, None] - time
    weight = torch.where(ago >= 0, torch.exp(-ago.clamp(min=0) / length), 0.0)
    return 4 * (weight / weight.sum(1, keepdim=True)) @ frames  # about four keys sound: of the size of the others


class KeyHead(nn.Module):
    """Logits of the keys of the next frame from pictures of the past and its summary.

    `seen` is how many pictures there are, `width` the length of the summary. Keys are decided from the highest down.
    """

    def __init__(self, seen: int, width: int, channels: int, keys: int, chain: bool, dropout: float) -> None:
        super().__init__()
        self.chain, self.dropout = chain, dropout
        self.window = nn.Conv2d(seen, channels, (1, WINDOW))
        self.key = nn.Parameter(torch.zeros(keys, channels))
        self.summary = nn.Linear(width, 2 * channels)
        self.present = nn.Conv2d(3, channels, (1, ABOVE), bias=False) if chain else None
        self.near = nn.Conv2d(channels, channels, (1, NEAR))
        self.out = nn.Linear(channels, 1)

    def forward(self, seen: Tensor, summary: Tensor, frame: Tensor) -> Tensor:
        """Logits (N, K) of the keys, given `seen` (N, K, seen), `summary` (N, D) and `frame` (N, K) itself, of which
        each key's logit sees at most the keys above it."""
        scale, shift = self.summary(summary)[:, None].chunk(2, -1)
        hidden = (_along(self.window, seen.flip(1), WINDOW // 2, WINDOW // 2) + self.key) * (1 + scale) + shift
        if self.present is not None:
            hidden = hidden + _along(self.present, _present(frame.flip(1)), ABOVE, -1)
        hidden = self._drop(F.gelu(hidden))
        sides = (NEAR - 1, 0) if self.chain else (NEAR // 2, NEAR // 2)
        more = self._drop(F.gelu(_along(self.near, hidden, *sides)))
        logits: Tensor = self.out(hidden + more)[..., 0] - 3  # few keys sound
        return logits.flip(1)

    def _drop(self, hidden: Tensor) -> Tensor:
        """Drops whole pictures of `hidden` (N, K, C), not single keys, which their neighbours would give away."""
        kept = F.dropout(torch.ones_like(hidden[:, :1]), self.dropout, self.training)
        return hidden * kept


def _along(convolution: nn.Conv2d, x: Tensor, before: int, after: int) -> Tensor:
    """`convolution` along the keys of `x` (N, K, C), padded by so many on either side: (N, …, C')."""
    # As a flat image, its channels last: several times faster than Conv1d on a CPU.
    image = F.pad(x, (0, 0, before, after)).transpose(1, 2)[:, :, None]
    result: Tensor = convolution(image)[:, :, 0].transpose(1, 2)
    return result


def _present(frame: Tensor) -> Tensor:
    """The frame (N, K) with how many keys are down so far, as pictures (N, K, 3)."""
    count = frame.cumsum(-1)
    return torch.stack([frame, count / 4, (count >= 4).to(frame.dtype)], -1)

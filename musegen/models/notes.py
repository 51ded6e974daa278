"""What all sequence families share: the embedding of a row, and the note head.

The head is a chain rule inside the note: P(shift) P(instrument | shift) P(pitch | …) P(velocity | …)
P(duration | …), each given the context vector. The embedding and the head see the same *situation*: what
`events.derived` says about the moment a row happens.

    rows (B, T, WIDTH) int — model rows of `events.derived`       D = config.width
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..events import attributes as at
from ..events import derived
from .config import ModelConfig
from .fused import Dropout, RMSNorm, squared_relu

INTERVALS = 256
NO_INTERVAL = INTERVALS - 1


class Situation(nn.Module):
    """The moment of each row — bar position, meter, style, sounding notes — as a vector (B, T, D).

    The sounding notes form a set, so their descriptions are summed (Zaheer et al. 2017, Deep Sets).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.bar = nn.Embedding(derived.BAR_POSITIONS, config.width) if config.bar else None
        self.meter = nn.Embedding(derived.METER_CLASSES, config.width) if config.bar else None
        self.style = nn.Embedding(at.STYLE_TAGS + 1, config.width)
        self.slot_instrument = nn.Embedding(at.ATTRIBUTES[at.INSTRUMENT].inputs, config.slot_width)
        self.slot_pitch = nn.Embedding(at.ATTRIBUTES[at.PITCH].inputs, config.slot_width)
        self.slot_remaining = nn.Embedding(derived.REMAINING_NONE + 1, config.slot_width)
        self.slots = nn.Linear(config.slot_width, config.width, bias=False)
        self.key = nn.Linear(12, config.width, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        slots = rows[..., derived.SLOTS :].reshape(*rows.shape[:-1], derived.SLOT_COUNT, 3)
        each = self.slot_instrument(slots[..., 0]) + self.slot_pitch(slots[..., 1]) + self.slot_remaining(slots[..., 2])
        together = self.slots(F.relu(each).sum(-2)) + self.key(shares(rows[..., derived.KEY : derived.RECENT]))
        together = together + self.style(rows[..., derived.STYLE])
        if self.bar is not None and self.meter is not None:
            together = together + self.bar(rows[..., derived.BAR]) + self.meter(rows[..., derived.METER])
        result: Tensor = together
        return result


def shares(counts: Tensor) -> Tensor:
    """Pitch-class counts (…, 12) as shares of their sum."""
    return counts / (counts.sum(-1, keepdim=True) + 1)


def interval(pitch: Tensor, last: Tensor) -> Tensor:
    """`pitch` − `last` as an index 0 … 254 (127: the same), 255 where either is missing."""
    return torch.where((pitch < 128) & (last < 128), pitch - last + 127, NO_INTERVAL)


class RowEmbedding(nn.Module):
    """Event and situation of each row as one vector: (B, T, WIDTH) → (B, T, D)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attributes = nn.ModuleList(nn.Embedding(a.inputs, config.width) for a in at.ATTRIBUTES)
        self.interval = nn.Embedding(INTERVALS, config.width)
        self.norm = RMSNorm(config.width, eps=1e-5)
        self.dropout = Dropout(config.dropout)

    def forward(self, rows: Tensor, situation: Tensor) -> Tensor:
        total = situation + self.interval(interval(rows[..., at.PITCH], rows[..., derived.LAST]))
        for i, table in enumerate(self.attributes):
            total = total + table(rows[..., i])
        result: Tensor = self.dropout(self.norm(total))
        return result


class NoteHead(nn.Module):
    """From a context to the next event, one attribute at a time.

    A pitch is likely both for itself and for its interval from the same instrument's previous pitch, so the
    pitch's logits are a sum of the two; likewise an instrument is likely for itself and for how recently it was
    heard, so that a combination never seen in training is soon expected. The interval's share, like the key and
    the sounding notes seen from that previous pitch, is the same in every transposition.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.head_width
        self.order = config.drawn
        self.drawn = nn.ModuleList(nn.Embedding(at.ATTRIBUTES[i].inputs, width) for i in self.order[:-1])
        self.last = nn.Embedding(at.ATTRIBUTES[at.PITCH].inputs, width)
        self.key = nn.Linear(12, width, bias=False)
        self.harmony = nn.Embedding(INTERVALS, width)
        self.interval = nn.Linear(hidden, INTERVALS - 1)
        self.recent = nn.Linear(hidden, derived.RECENT_COUNT)
        self.last_velocity = nn.Embedding(at.ATTRIBUTES[at.VELOCITY].inputs, width)
        self.last_duration = nn.Embedding(at.ATTRIBUTES[at.DURATION].inputs, width)
        self.norm = nn.ModuleList(RMSNorm(width, eps=1e-5) for _ in at.ATTRIBUTES)
        self.hidden = nn.ModuleList(nn.Linear(width, hidden) for _ in at.ATTRIBUTES)
        self.out = nn.ModuleList(nn.Linear(hidden, a.outputs) for a in at.ATTRIBUTES)
        self.dropout = Dropout(config.dropout)

    def logits(self, attribute: int, context: Tensor, target: Tensor, situation: Tensor | None) -> Tensor:
        """Unnormalised log-probabilities (…, outputs) of one attribute of the `target` rows.

        Reads the attributes of `target` that are drawn before `attribute`, once the shift is known its `situation`,
        and once the instrument is known also LAST.
        """
        total = context
        if situation is not None and attribute > at.SHIFT:
            total = total + situation
        for i, drawn in zip(self.order[: self.order.index(attribute)], self.drawn, strict=False):
            total = total + drawn(target[..., i])
        if attribute >= at.PITCH:
            total = total + self.last(target[..., derived.LAST])
        if attribute == at.PITCH:
            total = total + self._seen_from_last(target)
        elif attribute == at.VELOCITY:
            total = total + self.last_velocity(target[..., derived.LAST_VELOCITY])
        elif attribute == at.DURATION:
            total = total + self.last_duration(target[..., derived.LAST_DURATION])
        hidden = squared_relu(self.hidden[attribute](self.norm[attribute](total)))
        hidden = self.dropout(hidden)
        result: Tensor = self.out[attribute](hidden)
        if attribute == at.INSTRUMENT:
            heard = target[..., derived.RECENT : derived.SLOTS].long()
            share = F.pad(result, (0, 1)).scatter_add(-1, heard, self.recent(hidden).to(result.dtype))
            result = share[..., :-1]  # the last place gathered what was heard by no instrument
        elif attribute == at.PITCH:
            last = target[..., derived.LAST, None]
            steps = interval(torch.arange(128, device=target.device).expand(result.shape), last)
            relative = self.interval(hidden).gather(-1, steps.clamp(max=NO_INTERVAL - 1).long())
            result = result + torch.where(last < 128, relative, 0.0)
        return result

    def _seen_from_last(self, target: Tensor) -> Tensor:
        """The key and the sounding notes as intervals from LAST (from C where there is none)."""
        last = target[..., derived.LAST, None]
        turned = (torch.where(last < 128, last, 0) + torch.arange(12, device=target.device)) % 12
        key = shares(target[..., derived.KEY : derived.RECENT]).gather(-1, turned.long())
        heard = interval(target[..., derived.SLOTS + 1 :: 3], last)
        bags = F.embedding_bag(heard.reshape(-1, derived.SLOT_COUNT).long(), self.harmony.weight, mode="sum")
        result: Tensor = self.key(key) + bags.view(*key.shape[:-1], bags.shape[-1])
        return result

    def nats(self, context: Tensor, target: Tensor, situation: Tensor, known: Tensor | None = None) -> Tensor:
        """−log P of each attribute of each target row: (B, T, 5) float32.

        Zero where nothing is predicted: START and TAG rows, all but the shift of skips and END, and what is `known`.
        """
        shift = target[..., at.SHIFT]
        note, scored = shift < at.LONGEST_SHIFT, shift <= at.END
        out = torch.zeros(*target.shape[:-1], len(at.ATTRIBUTES), device=target.device)
        for i in range(len(at.ATTRIBUTES)):
            where = scored if i == at.SHIFT else note
            if known is not None:
                where = where & ~known[..., i]
            chosen = target[where]
            logits = self.logits(i, context[where], chosen, situation[where])
            out[..., i][where] = F.cross_entropy(logits.float(), chosen[:, i].long(), reduction="none")
        return out

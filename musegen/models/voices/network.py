"""Four voices: P(x) = Π_t Π_v P(x_tv | the frames before t, the voices before v in frame t), exact, cell by cell.

    frames (B, T, 4) → embedding → a family's past → summary before each frame (B, T, D)
    summary, voices known in this frame, voices still open → hidden (B, T, H), for each voice in ORDER
    hidden → scores (B, T, VALUES): each cell by itself, and by its interval from every voice
    scores, counts → logits (`gate`); without counts the scores are the logits

Intervals are looked up, not computed, so what is learnt in one key serves in all. Knows cells and counts, not files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import SettingsError
from ..config import ModelConfig
from ..pasts import initialise, new_past
from .features import LOW, ORDER, PITCHES, STEPS, VALUES, VOICES
from .gate import Gate

Weighed = Sequence[tuple[Tensor, Tensor]]
"""By voice, in ORDER: what the chains expect (B, T, chains, VALUES), in logarithms, and their trust (B, T, TRUST)."""

_TICKS = 6  # a 16th
_NOTHING = VALUES  # the cell before the first
_NO_INTERVAL = STEPS - 1
_HELD = 32
_BAR, _THREES = 16, 12  # 16ths: a bar of four quarters, and of three
_NO_PITCH = 128

_PAST = ModelConfig(width=96, layers=2, heads=4, context=1024, dropout=0.3)


@dataclass(frozen=True)
class VoicesConfig:
    """The shape of the model, and how much is left out at random in training."""

    past: ModelConfig = _PAST
    hidden: int = 192
    gate: int = 128
    counts: bool = True  # whether there are counts to weigh
    hidden_dropout: float = 0.4
    gate_dropout: float = 0.2
    feature_dropout: float = 0.1  # of whole features; twice as much of the summary's units

    def __post_init__(self) -> None:
        if self.hidden < 1 or self.gate < 1:
            raise SettingsError("The layers of a model of voices must have at least one unit.")


class Moment:
    """What stands fixed before each frame: cells of the frame before, and how long each has been held, (B, T, 4)."""

    def __init__(self, cells: Tensor) -> None:
        self.cells = cells
        self.before = later(cells, _NOTHING)
        time = torch.arange(cells.shape[1], device=cells.device)[:, None].expand_as(cells)
        since = torch.where(cells != self.before, time, 0).cummax(1).values
        self.held = (time - since).clamp(max=_HELD - 1)  # of each cell, in its own frame
        self.held_before = later(self.held, 0)


def later(x: Tensor, first: int) -> Tensor:
    """`x` (B, T, …) moved on by a frame, `first` at the beginning."""
    return torch.cat([torch.full_like(x[:, :1], first), x[:, :-1]], 1)


def interval(a: Tensor, b: Tensor) -> Tensor:
    """`a` − `b` as an index (PITCHES - 1: the same), the last one where either is no pitch."""
    return torch.where((a < PITCHES) & (b < PITCHES), a - b + PITCHES - 1, _NO_INTERVAL)


def _pair(voice: int, other: int) -> str:
    return f"{voice}{other}"


class FeatureDropout(nn.Module):
    """Leaves a feature (…, D) out whole, as if it were unknown."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x * self.drop(torch.ones_like(x[..., :1]))
        return result


class VoicesModel(nn.Module):
    """See the module."""

    def __init__(self, config: VoicesConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.past.width, config.hidden

        def table(values: int, count: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Embedding(values, width) for _ in range(count))

        def pairs(values: int, of: Iterable[tuple[int, int]]) -> nn.ModuleDict:
            return nn.ModuleDict({_pair(v, w): nn.Embedding(values, width) for v, w in of})

        others = list(permutations(range(VOICES), 2))
        known = [(v, w) for v, w in others if ORDER.index(w) < ORDER.index(v)]

        self.pitch, self.held, self.motion = table(VALUES + 1, VOICES), table(_HELD, VOICES), table(STEPS, VOICES)
        self.harmony = pairs(STEPS, combinations(range(VOICES), 2))
        self.bar, self.threes = nn.Embedding(_BAR, width), nn.Embedding(_THREES, width)
        self.norm, self.past = nn.RMSNorm(width), new_past(config.past)
        self.own, self.place = table(VALUES + 1, VOICES), table(_BAR, VOICES)
        self.before, self.now, self.moved = pairs(STEPS, others), pairs(STEPS, known), pairs(2, known)
        self.holding = pairs(_HELD, product(range(VOICES), range(VOICES)))
        self.hidden_norm, self.hidden = nn.RMSNorm(width), nn.Linear(width, hidden)
        self.deeper_norm, self.deeper = nn.RMSNorm(hidden), nn.Linear(hidden, hidden)
        self.out = nn.ModuleList(nn.Linear(hidden, VALUES + VOICES * (STEPS - 1)) for _ in ORDER)
        gates = (Gate(hidden, config.gate, config.gate_dropout) for _ in ORDER if config.counts)
        self.gates = nn.ModuleList(gates)
        self.feature = FeatureDropout(config.feature_dropout)
        self.drop_input = nn.Dropout(config.feature_dropout)
        self.drop_summary = nn.Dropout(2 * config.feature_dropout)
        self.drop_hidden = nn.Dropout(config.hidden_dropout)
        self.apply(initialise)
        for layer in self.out:
            assert isinstance(layer, nn.Linear)
            layer.weight.data.mul_(0.2)
        for gate in self.gates:
            assert isinstance(gate, Gate)
            gate.start_plain()

    def nats(self, cells: Tensor, weighed: Weighed = ()) -> Tensor:
        """−log P of each of `cells` (B, T, 4), voices in ORDER: (B, T, 4)."""
        each = [
            F.cross_entropy(logits.flatten(0, 1), cells[..., voice].flatten(), reduction="none")
            for voice, logits in zip(ORDER, self.logits(cells, weighed), strict=True)
        ]
        return torch.stack(each, -1).view(*cells.shape)

    def logits(self, cells: Tensor, weighed: Weighed = ()) -> list[Tensor]:
        """Of each voice, in ORDER: (B, T, VALUES), given the frames (B, T, 4) and the voices before."""
        moment = Moment(cells)
        summary = self.drop_summary(self.summary(moment))
        out = []
        for n in range(VOICES):
            hidden = self._hidden(summary, moment, n)
            scores = self._scores(hidden, moment, n)
            out.append(self.gates[n](hidden, scores, *weighed[n]) if self.config.counts else scores)
        return out

    def summary(self, moment: Moment) -> Tensor:
        """What the past makes of the frames before each one: (B, T, D)."""
        cells, time = moment.cells, torch.arange(moment.cells.shape[1], device=moment.cells.device)
        total = (self.bar(time % _BAR) + self.threes(time % _THREES)).expand(len(cells), -1, -1)
        for v in range(VOICES):
            mine = cells[..., v]
            total = total + self.feature(self.pitch[v](mine) + self.held[v](moment.held[..., v]))
            total = total + self.feature(self.motion[v](interval(mine, moment.before[..., v])))
            for w in range(v + 1, VOICES):
                total = total + self.feature(self.harmony[_pair(v, w)](interval(mine, cells[..., w])))
        top = torch.where(cells[..., 0] < PITCHES, cells[..., 0] + LOW, _NO_PITCH)
        where = torch.stack([(time * _TICKS).expand_as(top), top], -1)
        past = self.past(self.drop_input(self.norm(total)), where)
        return F.pad(past, (0, 0, 1, 0))[:, :-1]

    def _hidden(self, summary: Tensor, moment: Moment, n: int) -> Tensor:
        voice = ORDER[n]
        own = moment.before[..., voice]
        time = torch.arange(own.shape[1], device=own.device)
        total = summary + self.place[voice](time % _BAR) + self.feature(self.own[voice](own))
        for m, w in enumerate(ORDER):
            pair = _pair(voice, w)
            total = total + self.feature(self.holding[pair](moment.held_before[..., w]))
            if m != n:
                total = total + self.feature(self.before[pair](interval(moment.before[..., w], own)))
            if m < n:
                now = moment.cells[..., w]
                total = total + self.feature(self.now[pair](interval(now, own)))
                total = total + self.feature(self.moved[pair]((now != moment.before[..., w]).long()))
        hidden = self.drop_hidden(F.relu(self.hidden(self.hidden_norm(total))).square())
        result: Tensor = self.drop_hidden(F.relu(self.deeper(self.deeper_norm(hidden))).square())
        return result

    def _scores(self, hidden: Tensor, moment: Moment, n: int) -> Tensor:
        voice = ORDER[n]
        alone, *relative = self.out[voice](hidden).split([VALUES, *[STEPS - 1] * VOICES], -1)
        pitches = torch.arange(PITCHES, device=hidden.device)
        scores = alone[..., :PITCHES]
        for w, table in enumerate(relative):
            seen = moment.cells if w in ORDER[:n] else moment.before
            reference = seen[..., w, None]
            steps = (pitches - reference + PITCHES - 1).clamp(0, STEPS - 2)
            scores = scores + torch.where(reference < PITCHES, table.gather(-1, steps), 0.0)
        return torch.cat([scores, alone[..., PITCHES:]], -1)

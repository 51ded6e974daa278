"""The PixelCNN as a maker of bars. The network runs in torch, a cell at a time (`models.pixelsteps`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..checkpoint import Checkpoint
from ..events.roll import HOLD, SILENT, Cells
from ..models.config import RollConfig
from ..models.images import of_piece
from ..models.pixelcnn import NEVER
from ..models.pixelsteps import Chosen, Logits, PixelSteps
from ..models.rolls import model_of, nats_of_frames
from ..piece import Piece
from .bars import BarLimits, RollNats, Wanted

_POSSIBLE = NEVER / 2  # the logits of what cannot be lie below


class PixelEngine:
    """A trained PixelCNN; see `engine.bars.BarMaker`."""

    obeys = frozenset({"temperature"})
    at_once, bar = 1, 0

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.styles = checkpoint.shape(RollConfig), checkpoint.styles
        self.model = model_of(checkpoint)
        self.hears = self.model.rows_seen

    def nats(self, piece: Piece) -> RollNats:
        image = of_piece(piece, self.config)
        return RollNats(nats_of_frames(self.model, [image])[0], image.notes)

    def draw(self, wanted: Wanted) -> Cells:
        above, n = wanted.above, len(wanted.generators)
        steps, out = PixelSteps(self.model, n), []
        with torch.no_grad():
            for row, where in zip(above.cells[-self.hears :], above.place[-self.hears :], strict=True):
                steps.take(_each(row, n), _each(where, n))
            rules = _Rules(self.config, wanted.limits, n)
            for t, where in enumerate(wanted.place):
                chance = np.stack([g.random((self.config.pitches, self.config.tracks)) for g in wanted.generators])
                rules.begin(t, chance)
                out.append(steps.draw(_each(where, n), rules.choose).numpy())
                rules.end(out[-1])
                wanted.tell(t + 1)
        return np.stack(out, 1)


class _Rules:
    """Draws each cell from its logits, within the limits. A note of the music before cannot be held on."""

    def __init__(self, config: RollConfig, limits: BarLimits, n: int) -> None:
        self.limits, self.held = limits, HOLD if config.states > HOLD else HOLD - 1
        self.length = np.zeros((n, config.pitches, config.tracks), np.int64)  # how long each cell has sounded

    def begin(self, step: int, chance: npt.NDArray[np.float64]) -> None:
        """A new row, with a random number for each of its cells (n, P, K)."""
        self.step, self.chance, self.sounding = step, chance, np.zeros(len(chance), np.int64)

    def choose(self, pitch: int, track: int, logits: Logits) -> Chosen:
        """The states (n,) of one cell."""
        logits, limits, length = logits.copy(), self.limits, self.length[:, pitch, track]
        may_hold = (length > 0) & ((limits.longest == 0) | (length < limits.longest))
        may_begin = np.broadcast_to(limits.may_begin[self.step, pitch, track], may_hold.shape)
        if limits.voices:
            may_hold, may_begin = (may & (self.sounding < limits.voices) for may in (may_hold, may_begin))
        if logits.shape[1] > HOLD:
            logits[~may_begin, HOLD - 1] = NEVER
            logits[~may_hold, HOLD] = NEVER
        else:
            logits[~np.where(length > 0, may_hold, may_begin), self.held] = NEVER
        chosen = _draw(logits, self.limits.temperature, self.chance[:, pitch, track])
        self.sounding += chosen != SILENT
        return chosen

    def end(self, row: Cells) -> None:
        """The row (n, P, K) is whole."""
        goes_on = (row == self.held) & (self.length > 0)
        self.length = np.where(row == SILENT, 0, np.where(goes_on, self.length + 1, 1))


def _draw(logits: Logits, temperature: float, chance: npt.NDArray[np.float64]) -> Chosen:
    """One state of each row of `logits` (n, S), by inverting its distribution at `chance` (n,)."""
    wide = logits.astype(np.float64) - logits.max(1, keepdims=True)
    p = np.where(logits > _POSSIBLE, np.exp(wide / max(temperature, 1e-3)), 0)
    heights = np.cumsum(p, 1)
    state: Chosen = (heights <= (chance * heights[:, -1])[:, None]).sum(1).clip(max=p.shape[1] - 1).astype(np.uint8)
    return state


def _each(row: npt.NDArray[np.integer], n: int) -> torch.Tensor:
    """The same row for all n rolls."""
    return torch.from_numpy(np.repeat(row[None], n, 0))

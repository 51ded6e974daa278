"""How likely whole pieces are under a sequence model, exactly: batched, and longer than the model's context."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..events import derived
from .base import SequenceModel
from .long_pieces import BATCH_ROWS, Nats, in_windows
from .long_pieces import pad as pad
from .long_pieces import summary as summary


def nats_of_pieces(
    model: SequenceModel, pieces: Sequence[derived.ModelRows], batch_rows: int = BATCH_ROWS
) -> list[Nats]:
    """−log P of every row but the first of each piece (N, WIDTH): a list of (N-1, 5) arrays, in nats.

    Rows that are never predicted (START, tags) cost 0, as do the missing attributes of skips and END.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()

    def nats(rows: derived.ModelRows) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = model.nats(torch.from_numpy(rows).to(device)).cpu().numpy()
        return found

    with torch.no_grad():
        out = in_windows(nats, pieces, model.config.context, batch_rows=batch_rows)
    model.train(was_training)
    return out

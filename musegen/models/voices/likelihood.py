"""How likely whole pieces are under models of voices, exactly; several models together count as their mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from .batches import pad, weighed
from .counting import Expected
from .features import ORDER, Cells
from .network import VoicesModel

Nats = npt.NDArray[np.float64]


def nats_of_voices(
    models: Sequence[VoicesModel], pieces: Sequence[Cells], expected: Sequence[Sequence[Expected]] = ()
) -> list[Nats]:
    """−log P of every cell of each piece (T, 4), voices in ORDER: a list of (T, 4) arrays, in nats.

    With several models P is the mean of theirs, cell by cell: a mixture of equal parts.
    """
    out = []
    with torch.no_grad():
        for i, piece in enumerate(pieces):
            cells, _ = pad([piece])
            counts = weighed([expected[i]], [0]) if expected else []
            logs = [torch.stack([x.log_softmax(-1) for x in m.eval().logits(cells, counts)]) for m in models]
            mean = torch.logsumexp(torch.stack(logs), 0) - np.log(len(models))
            came = cells[0][:, list(ORDER)].T[:, None, :, None]
            out.append(-mean.gather(-1, came)[:, 0, :, 0].T.double().numpy())
    return out

"""The GRU family (Cho et al. 2014): one state vector a layer, two gates."""

from __future__ import annotations

from torch import nn

from .config import ModelConfig
from .recurrent import Recurrent


class GRU(Recurrent):
    """`config.layers` GRU layers of `config.width`."""

    def __init__(self, config: ModelConfig) -> None:
        dropout = config.dropout * (config.layers > 1)
        super().__init__(config, nn.GRU(config.width, config.width, config.layers, batch_first=True, dropout=dropout))

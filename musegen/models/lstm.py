"""The LSTM family (Hochreiter & Schmidhuber 1997): the past is (h, c) of each layer."""

from __future__ import annotations

from torch import nn

from .config import ModelConfig
from .recurrent import Recurrent


class LSTM(Recurrent):
    """`config.layers` LSTM layers of `config.width`."""

    def __init__(self, config: ModelConfig) -> None:
        dropout = config.dropout * (config.layers > 1)
        super().__init__(config, nn.LSTM(config.width, config.width, config.layers, batch_first=True, dropout=dropout))

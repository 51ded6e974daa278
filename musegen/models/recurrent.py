"""What the recurrent families share: cells that carry a state of fixed size from row to row."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .config import ModelConfig
from .pasts import Past


class Recurrent(Past):
    """`cells`, called as `nn.LSTM` is (batch first), and a residual path around them all."""

    def __init__(self, config: ModelConfig, cells: nn.Module) -> None:
        super().__init__(config)
        self.cells = cells
        self.mix = nn.Linear(config.width, config.width)
        self.norm = nn.RMSNorm(config.width, eps=1e-5)

    def forward(self, inputs: Tensor, where: Tensor) -> Tensor:
        return self._out(self.cells(inputs)[0], inputs)

    def start(self, batch: int) -> Any:
        return None  # the cells begin with zeros

    def step(self, inputs: Tensor, where: Tensor, state: Any) -> tuple[Tensor, Any]:
        out, state = self.cells(inputs[:, None], state)
        return self._out(out[:, 0], inputs), state

    def _out(self, hidden: Tensor, inputs: Tensor) -> Tensor:
        # The last row reaches the head directly too: much of a note depends on the one before it.
        result: Tensor = self.norm(self.mix(hidden) + inputs)
        return result

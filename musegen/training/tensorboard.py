"""The curves of a run for TensorBoard (the extra `tensorboard`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import MissingPackageError


class Curves:
    """Writes log records to `folder`. Raises MissingPackageError without the package."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            raise MissingPackageError("tensorboard", "musegen train --tensorboard", "tensorboard") from error
        self._writer: Any = SummaryWriter(folder)

    def add(self, record: dict[str, Any]) -> None:
        """One step's figures."""
        for key in ("train", "valid", "rate", "V", "D(x)", "D(G(z))", "diversity"):
            if key in record:
                self._writer.add_scalar(key, record[key], record["step"])

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

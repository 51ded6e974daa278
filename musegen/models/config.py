"""What a sequence model is built from. Imports no torch, so that a player can read it too."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from ..errors import CheckpointError, SettingsError


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a sequence model; every family reads the fields it needs."""

    family: str = "transformer"
    width: int = 256  # of the context vector, and of the layers
    layers: int = 4
    heads: int = 8  # transformer only
    head_width: int = 256  # hidden units of the note head's five small networks
    slot_width: int = 128  # hidden units that describe one sounding note
    context: int = 512  # the longest window in training, and the transformer's memory when playing
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "head_width", "slot_width", "context"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The model setting {name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"The model setting dropout is {self.dropout}; it must lie in 0 … 1 (1 excluded).")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Settings from JSON; unknown keys and wrong types are named. Raises CheckpointError."""
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for key, value in values.items():
            if key not in fields:
                raise CheckpointError(f"Unknown model setting {key!r}; the known ones are {', '.join(fields)}.")
            wanted = type(fields[key].default)
            if not isinstance(value, wanted) and not (wanted is float and type(value) is int):
                raise CheckpointError(f"The model setting {key} is {value!r}; it must be of type {wanted.__name__}.")
        return cls(**values)


def turning_rates(pairs: int) -> tuple[list[float], list[float], list[float]]:
    """Radians per row, per tick and per semitone of each rotary pair: a third each, index first.

    Index periods run from 4 to 2048 rows, time from 12 ticks (an eighth) to 3072 (eight 4/4 bars), pitch
    from 3 semitones to 96 by way of the octave.
    """
    time, pitch = -(-pairs // 3), pairs // 3
    index = pairs - time - pitch

    def spread(first: float, last: float, n: int) -> list[float]:
        return [2 * math.pi / (first * (last / first) ** (i / max(1, n - 1))) for i in range(n)]

    return spread(4, 2048, index), spread(12, 3072, time), spread(3, 96, pitch)

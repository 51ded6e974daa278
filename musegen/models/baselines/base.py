"""The contract of the older models: fitted or counted rather than trained by gradients, played and scored in numpy.

They take the networks' own chain rule inside the note, so that their nats stand in the same tables. What a model knows
of the past is a `Walk`; one that needs less of it ignores the rest. Knows nothing of checkpoints' files or of engines.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...errors import CheckpointError, CorpusError
from ...events import derived
from ...events.codec import Rows
from ...events.derived import ModelRows
from ...piece import Meter
from ..config import BaselineConfig
from .contexts import Walk

Floats = npt.NDArray[np.float64]

KINDS = {
    "ngram": "musegen.models.baselines.ngram:NGram",
    "mixture": "musegen.models.baselines.mixture:Mixture",
    "topics": "musegen.models.baselines.topics:Topics",
}
"""Family name → where its class is."""


class Baseline(Protocol):
    """A distribution over the next note, attribute by attribute."""

    config: BaselineConfig

    def nats(self, rows: ModelRows) -> Floats:
        """−log P of every attribute of a piece's rows (N, WIDTH): (N, 5) in nats, 0 for what is not predicted."""

    def probabilities(self, column: int, past: Sequence[Walk], target: ModelRows) -> Floats:
        """P of every value of attribute `column` of the next rows (B, WIDTH), given those drawn before it: (B, V)."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is to the model, by name."""


class Pieces(Protocol):
    """What a corpus must offer to be learnt from."""

    def pieces(self, split: str) -> list[int]:
        """Numbers of the pieces of a split."""

    def rows(self, i: int) -> Rows:
        """Event rows of a piece."""

    def meters(self, i: int) -> tuple[Meter, ...]:
        """Time signatures of a piece."""


def build(config: BaselineConfig, arrays: Mapping[str, np.ndarray]) -> Baseline:
    """The model that was saved as `arrays`. Raises CheckpointError where they do not fit."""
    module, name = KINDS[config.family].split(":")
    kind = getattr(importlib.import_module(module), name)
    try:
        model: Baseline = kind.from_arrays(config, arrays)
    except KeyError as error:
        raise CheckpointError(f"The checkpoint's arrays do not fit the model ({error} is missing).") from None
    return model


def training_rows(corpus: Pieces) -> Iterator[ModelRows]:
    """The rows (N, WIDTH) of each training piece. Raises CorpusError if there is none."""
    numbers = corpus.pieces("train")
    if not numbers:
        raise CorpusError("The corpus has no training pieces to learn from.")
    return (derived.derive(corpus.rows(i), corpus.meters(i)) for i in numbers)

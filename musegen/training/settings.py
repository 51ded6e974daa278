"""How to train, as one frozen record. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError


@dataclass(frozen=True)
class TrainSettings:
    """Everything but the corpus and the model's shape. Two runs with equal settings give equal weights."""

    epochs: float = 12.0  # how long the learning-rate schedule runs
    batch_rows: int = 4096  # rows a step, over all processes
    rate: float = 2e-3  # peak learning rate of AdamW
    warm_up: int = 200  # steps to the peak; then a cosine down to a twentieth
    weight_decay: float = 0.05
    clip: float = 1.0  # gradient norm
    average: float = 0.998  # decay of the weights' moving average, which is what is kept; 0: none
    transpose: int = 6  # semitones of augmentation each way
    louder: float = 0.1  # velocities vary by this share, and a little offset; 0 for music without dynamics
    rename: float = 0.1  # how often a piece is played by other programs than its own
    tag_rate: float = 0.5  # how often a piece is shown with its style tag
    hold: float = 0.3  # how often a window is heard as if some of its notes were still held, as live playing is
    infill: float = 0.0  # how often a window has a hole, which is filled from both sides; `musegen infill` needs some
    evaluate_every: int = 250  # steps between looks at the held-out pieces
    patience: int = 8  # looks without a better figure before stopping
    seed: int = 0
    precision: str = "auto"  # float32, bfloat16, or auto: bfloat16 on a GPU
    device: str = "auto"  # cpu, cuda, or auto

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_rows", "rate", "evaluate_every", "patience", "clip"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"The training setting {name} is {getattr(self, name)}; it must be positive.")
        if not 0 <= self.average < 1:
            raise SettingsError(f"The training setting average is {self.average}; it must lie in 0 … 1 (1 excluded).")
        for name in ("hold", "infill"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"The training setting {name} is {getattr(self, name)}; it must lie in 0 … 1.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise SettingsError(f"The precision {self.precision!r} is not one of auto, float32, bfloat16.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise SettingsError(f"The device {self.device!r} is not one of auto, cpu, cuda.")

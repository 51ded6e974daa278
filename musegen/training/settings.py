"""How to train, as one frozen record. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import SettingsError

PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")
PARALLEL = ("ddp", "fsdp")
RULES = ("adamw", "muon")


@dataclass(frozen=True)
class TrainSettings:
    """Everything but the corpus and the model's shape. Two runs with equal settings give equal weights."""

    epochs: float = 12.0  # how long the learning-rate schedule runs
    batch_rows: int = 4096  # rows a step, over all processes
    rule: str = "adamw"  # or muon: AdamW, but matrices inside the network are turned
    rate: float = 2e-3  # peak learning rate
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
    parallel: str = "ddp"  # the processes of torchrun each hold the whole model, or with fsdp a part of it

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_rows", "rate", "evaluate_every", "patience", "clip"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"The training setting {name} is {getattr(self, name)}; it must be positive.")
        if not 0 <= self.average < 1:
            raise SettingsError(f"The training setting average is {self.average}; it must lie in 0 … 1 (1 excluded).")
        for name in ("hold", "infill"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"The training setting {name} is {getattr(self, name)}; it must lie in 0 … 1.")
        _one_of(self, rule=RULES, precision=PRECISIONS, device=DEVICES, parallel=PARALLEL)


FINE_TUNING_ROWS = 300_000
"""How many rows a fine-tuning sees, about: five minutes of two CPU cores for five million weights."""


def fine_tuning(rows: int, infill: bool) -> dict[str, Any]:
    """Where going on from a checkpoint with `rows` of new music wants other settings than beginning does.

    Three passes over much music, up to ten over little, which is soon learnt by heart; some ten looks. A quarter of the
    rate: it learns nine tenths as much, and forgets a third (docs/finetune.md). A checkpoint that can fill holes
    (`infill`) goes on learning that.
    """
    batch_rows = 2048
    epochs = min(10.0, max(3.0, round(FINE_TUNING_ROWS / max(1, rows), 1)))
    return {
        **{"epochs": epochs, "batch_rows": batch_rows, "rate": 5e-4, "warm_up": 10, "average": 0.9},
        **{"infill": 0.25 if infill else 0.0, "patience": 5},
        "evaluate_every": max(10, int(epochs * rows / batch_rows / 15)),
    }


LOSSES = ("minimax", "non-saturating", "wgan-gp", "hinge")
GAME_RULES = ("momentum", "adam")


@dataclass(frozen=True)
class GameSettings:
    """How two networks are trained against each other (`adversarial`)."""

    iterations: int = 100  # of Algorithm 1; each moves the generator once
    warm_up: int = 0  # iterations before the discriminator enters, in which G has only its distance to the data
    rise: int = 0  # iterations over which the generator's rate rises to its full height
    batch: int = 16  # m: examples of a minibatch
    k: int = 2  # minibatches for the discriminator to each for the generator
    loss: str = "hinge"
    rule: str = "adam"
    rates: tuple[float, float] = (2e-3, 1e-4)  # of the discriminator, of the generator
    momentum: float = 0.5  # of either rule; Adam's β₁
    penalty: float | None = None  # weight of the gradient penalty; None: 10 for wgan-gp, else 0
    eta: float = 1.0  # weight of the adversarial loss beside a distance; 0: the distance alone
    clip: float | None = None  # norm to which a gradient of the generator is cut; None: not at all
    average: float = 0.995  # decay of the moving average of the generator's weights
    evaluate_every: int = 10  # iterations between looks
    seed: int = 0
    device: str = "auto"  # cpu, cuda, or auto
    precision: ClassVar[str] = "float32"  # players who follow each other closely need all digits

    def __post_init__(self) -> None:
        for name in ("iterations", "batch", "k", "evaluate_every"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The training setting {name} is {getattr(self, name)}; it must be at least 1.")
        if not all(0 < rate < float("inf") for rate in self.rates):
            raise SettingsError(f"The rates are {self.rates[0]} and {self.rates[1]}; both must be positive.")
        for name in ("momentum", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"The setting {name} is {getattr(self, name)}; it must lie in 0 … 1 (1 excluded).")
        for name in ("penalty", "eta", "warm_up", "rise", "clip"):
            if not 0 <= (getattr(self, name) or 0) < float("inf"):
                raise SettingsError(f"The training setting {name} is {getattr(self, name)}; it must not be negative.")
        _one_of(self, loss=LOSSES, rule=GAME_RULES, device=DEVICES)

    @property
    def penalty_weight(self) -> float:
        """The weight of the gradient penalty."""
        if self.penalty is None:
            return 10.0 if self.loss == "wgan-gp" else 0.0
        return self.penalty


def _one_of(settings: TrainSettings | GameSettings, **names: tuple[str, ...]) -> None:
    for name, allowed in names.items():
        if getattr(settings, name) not in allowed:
            raise SettingsError(f"The {name} {getattr(settings, name)!r} is not one of {', '.join(allowed)}.")

"""What a model is built from, one record a kind. Imports no torch, so that a player can read it too."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..errors import CheckpointError, SettingsError
from ..events import attributes as at
from ..events.roll import Grid

ATTENTIONS = ("time pitch", "time", "index", "bias")
NEURONS = ("deterministic", "stochastic")
BEATS, OCTAVE = 4, 12  # of a gan: beats of a bar, pitch classes
_FREE = [a.name for a in at.ATTRIBUTES[at.PITCH :]]


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
    attention: str = "time pitch"  # of the transformer: what it measures distances in, beside the index; or "bias"
    bar: bool = True  # whether each row says where it is in its bar, and the bar's meter
    order: str = "pitch velocity duration"  # in which a note's last three attributes are drawn
    infill: bool = False  # whether it has learnt to fill holes; training says so

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "head_width", "slot_width", "context"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The model setting {name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"The model setting dropout is {self.dropout}; it must lie in 0 … 1 (1 excluded).")
        if self.attention not in ATTENTIONS:
            raise SettingsError(f"Unknown attention {self.attention!r}; choose one of {', '.join(ATTENTIONS)}.")
        if sorted(self.drawn) != list(range(len(at.ATTRIBUTES))):
            raise SettingsError(f"The order {self.order!r} must name each of {', '.join(_FREE)} once.")

    @property
    def drawn(self) -> tuple[int, ...]:
        """All attributes in the order of the chain rule inside a note: the shift and the instrument come first."""
        free = (_FREE.index(name) if name in _FREE else -1 for name in self.order.split())
        return (at.SHIFT, at.INSTRUMENT, *(at.PITCH + place for place in free))


@dataclass(frozen=True)
class BaselineConfig:
    """The shape of a model that is counted or fitted rather than trained by gradients (`models.baselines`)."""

    family: str = "ngram"
    components: int = 0  # of the mixture, or topics; the n-gram has none

    def __post_init__(self) -> None:
        if self.family not in BASELINES:
            raise SettingsError(f"Unknown baseline {self.family!r}; choose one of {', '.join(BASELINES)}.")
        if self.components < (self.family != "ngram"):
            raise SettingsError(f"A {self.family} of {self.components} components cannot be: it needs at least 1.")


@dataclass(frozen=True)
class RollConfig:
    """The shape of a model of whole bars of piano roll: its grid, what a cell may be, and its network."""

    family: str = "pixelcnn"
    width: int = 32  # channels of every layer
    layers: int = 8  # each doubles how far back it looks, from 1 to 16 steps and again
    steps: int = 4  # a quarter
    low: int = 28  # the lowest pitch
    pitches: int = 72
    tracks: int = 1  # 1: all tuned parts in one
    states: int = 3  # of a cell: silent, onset, hold; 2: silent or sounding
    one_note: bool = False  # a track sounds at most one pitch at a time: a voice
    context: int = 128  # the longest window in training, in steps
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("width", "layers", "tracks", "context"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The model setting {name} is {getattr(self, name)}; it must be at least 1.")
        if self.states not in (2, 3):
            raise SettingsError(f"The model setting states is {self.states}; a cell has 2 or 3.")
        if self.one_note and self.states != 2:
            raise SettingsError("The model setting one_note needs states to be 2.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"The model setting dropout is {self.dropout}; it must lie in 0 … 1 (1 excluded).")
        Grid(self.steps, self.low, self.pitches)

    @property
    def grid(self) -> Grid:
        """The grid of the rolls that the model knows."""
        return Grid(self.steps, self.low, self.pitches)


@dataclass(frozen=True)
class GanConfig:
    """The shape of the bar GAN (`models.gan`): its phrases of 4/4, and both of its networks."""

    family: str = "gan"
    tracks: int = 5  # drums, piano, guitar, bass, strings; 1: all tuned parts in one
    bars: int = 4  # a phrase
    steps: int = 24  # a quarter
    low: int = 24  # the lowest pitch
    pitches: int = 84
    grain: int = 6  # steps that a neuron speaks for: 6 holds 16ths; 2 triplets too, at three times the cost
    latent: int = 32  # numbers in a phrase's latent, and in each bar's; an even number
    width: int = 192  # channels of a beat; a track's own has half as many
    layers: int = 3  # residual layers of beats in the generator
    neurons: str = "deterministic"  # how its outputs become binary; or "stochastic"
    spectral: bool = True  # whether the discriminator's layers are spectrally normalised

    def __post_init__(self) -> None:
        for name in ("tracks", "bars", "grain", "latent", "width", "layers"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The model setting {name} is {getattr(self, name)}; it must be at least 1.")
        if self.neurons not in NEURONS:
            raise SettingsError(f"Unknown neurons {self.neurons!r}; choose one of {', '.join(NEURONS)}.")
        Grid(self.steps, self.low, self.pitches)
        if self.steps % self.grain or self.pitches % OCTAVE:
            raise SettingsError(
                f"A gan's grid of {self.steps} steps a quarter and {self.pitches} pitches must be cut into grains and "
                f"octaves: give multiples of {self.grain} and {OCTAVE}."
            )
        if self.latent % 2:
            raise SettingsError(f"The model setting latent is {self.latent}; it must be even.")

    @property
    def grid(self) -> Grid:
        """The grid of the phrases that it makes."""
        return Grid(self.steps, self.low, self.pitches)

    @property
    def bar(self) -> int:
        """Steps of a bar of 4/4."""
        return 4 * self.steps

    @property
    def noise(self) -> int:
        """How many random numbers make a phrase: its latent, then each bar's."""
        return (1 + self.bars) * self.latent


@dataclass(frozen=True)
class HumaniserConfig:
    """The shape of the humaniser (`models.humaniser`): how drums that are written are played."""

    family: str = "humaniser"
    width: int = 64  # channels of every layer
    layers: int = 4  # each looks twice as far to both sides: 2, 4, 8, 16 … sixteenths
    noise: int = 16  # random numbers of a performance, of each 16th, and of each note
    tags: int = 0  # drummers and styles that it can play like

    def __post_init__(self) -> None:
        for name in ("width", "layers", "noise"):
            if getattr(self, name) < 1:
                raise SettingsError(f"The model setting {name} is {getattr(self, name)}; it must be at least 1.")


BASELINES = ("ngram", "mixture", "topics")
Config = ModelConfig | BaselineConfig | RollConfig | GanConfig | HumaniserConfig
"""What a checkpoint may be built from."""

_KINDS: dict[str, type[Config]] = {
    **dict.fromkeys(BASELINES, BaselineConfig),
    "pixelcnn": RollConfig,
    "gan": GanConfig,
    "humaniser": HumaniserConfig,
}
"""Family name → its config; every other family is a sequence model, and `models.base.build` knows which there are."""


def config_from_dict(values: dict[str, Any]) -> Config:
    """Settings from JSON; the family decides of what kind. Raises CheckpointError naming unknown keys, wrong types."""
    kind = _KINDS.get(str(values.get("family")), ModelConfig)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for key, value in values.items():
        if key not in fields:
            raise CheckpointError(f"Unknown model setting {key!r}; the known ones are {', '.join(fields)}.")
        wanted = type(fields[key].default)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise CheckpointError(f"The model setting {key} is {value!r}; it must be of type {wanted.__name__}.")
    try:
        return kind(**values)
    except SettingsError as error:
        raise CheckpointError(str(error)) from error

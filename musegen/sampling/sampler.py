"""Draw the next event: model, temperature and constraints, one attribute after another.

Each sequence of a batch has its own random numbers, one a decision, so that what it plays does not depend
on its neighbours. Biases are added before the temperature divides: a knob then turns as far at every temperature,
even at 0, because it stands in the same proportion to what the model itself prefers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..engine.base import Engine, Floats
from ..errors import SettingsError
from ..events import attributes as at
from ..events import derived
from ..events.derived import ModelRows, Tracker
from .constraints import Constraint, combine

_DRAWS = len(at.ATTRIBUTES)


@dataclass(frozen=True)
class SamplerSettings:
    """How boldly to draw. An attribute's own temperature overrides the common one; 0 takes the likeliest."""

    temperature: float = 0.9
    shift: float | None = None
    instrument: float | None = None
    pitch: float | None = None
    velocity: float | None = None
    duration: float | None = None
    top_p: float = 0.95  # Holtzman et al. 2020: the likeliest values that hold this much probability
    min_p: float = 0.0  # values at least this likely relative to the likeliest
    top_k: int = 0  # the k likeliest values; 0: all

    def __post_init__(self) -> None:
        for i in range(_DRAWS):
            if not 0 <= self.heat(i) <= 10:
                raise SettingsError(f"The temperature {self.heat(i):g} is outside 0 … 10.")
        if not 0 < self.top_p <= 1:
            raise SettingsError(f"top-p is {self.top_p:g}; it must lie above 0 and at most at 1.")
        if not 0 <= self.min_p <= 1:
            raise SettingsError(f"min-p is {self.min_p:g}; it must lie in 0 … 1.")
        if self.top_k < 0:
            raise SettingsError(f"top-k is {self.top_k}; it must be 0 (off) or more.")

    def heat(self, attribute: int) -> float:
        """The temperature of one attribute."""
        own: float | None = getattr(self, at.ATTRIBUTES[attribute].name)
        return self.temperature if own is None else own


class Sampler:
    """Draws events for B sequences; `generators` are their sources of randomness."""

    def __init__(
        self,
        engine: Engine,
        settings: SamplerSettings,
        constraints: tuple[Constraint, ...],
        generators: list[np.random.Generator],
    ) -> None:
        self.engine, self.settings, self.constraints, self.generators = engine, settings, constraints, generators

    def draw(self, context: Floats, tracker: Tracker) -> tuple[ModelRows, Floats]:
        """The next model rows (B, WIDTH) after `context` (B, D), and their situation."""
        chance = np.stack([g.random(_DRAWS) for g in self.generators])
        blank = np.zeros((len(chance), derived.WIDTH), np.int32)  # nothing is known of them yet
        shift = self._choose(at.SHIFT, context, blank, None, tracker, chance)
        target = tracker.peek(shift.astype(np.int16))
        situation = self.engine.situation(target)
        note = at.is_note(target)
        if note.any():
            for attribute in self.engine.order[1:]:
                value = self._choose(attribute, context, target, situation, tracker, chance)
                target[:, attribute] = np.where(note, value, at.ATTRIBUTES[attribute].none)
                if attribute == at.INSTRUMENT:
                    tracker.recall(target)
        return target, situation

    def _choose(
        self,
        attribute: int,
        context: Floats,
        target: ModelRows,
        situation: Floats | None,
        tracker: Tracker,
        chance: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.int64]:
        logits = self.engine.logits(attribute, context, target, situation)
        bias = combine(self.constraints, attribute, target, tracker)
        if bias is not None:
            logits = logits + bias
        return choose(logits, self.settings, self.settings.heat(attribute), chance[:, attribute])


def choose(
    logits: Floats, settings: SamplerSettings, temperature: float, chance: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """One value of each row of `logits` (B, V) by inverting its distribution at `chance` (B,) in [0, 1)."""
    if temperature == 0:
        likeliest: npt.NDArray[np.int64] = np.argmax(logits, axis=1)
        return likeliest
    p = np.exp((logits - logits.max(1, keepdims=True)).astype(np.float64) / temperature)
    if settings.min_p > 0:
        p[p < settings.min_p] = 0  # the likeliest is 1 here
    p /= p.sum(1, keepdims=True)
    if settings.top_p < 1 or 0 < settings.top_k < p.shape[1]:
        order = np.argsort(-p, axis=1, kind="stable")
        ranked = np.take_along_axis(p, order, 1)
        drop = np.cumsum(ranked, axis=1) - ranked >= settings.top_p
        if settings.top_k:
            drop[:, settings.top_k :] = True
        ranked[drop] = 0
        np.put_along_axis(p, order, ranked, 1)
    heights = np.cumsum(p, axis=1)
    # Below the total, so that a chance next to 1 cannot fall off the end into an impossible value.
    at_height = np.minimum(chance * heights[:, -1], np.nextafter(heights[:, -1], 0))
    result: npt.NDArray[np.int64] = (heights <= at_height[:, None]).sum(1)
    return result

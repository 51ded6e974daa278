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
from ..engine.compiled.choice import choose as compiled
from ..engine.compiled.library import library
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
        chance = np.array([g.random(_DRAWS) for g in self.generators])
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
        allowed, bias = combine(self.constraints, attribute, target, tracker)
        if allowed is not None and np.count_nonzero(allowed) == len(allowed):  # one of each row: what is there to ask?
            only: npt.NDArray[np.int64] = allowed.argmax(1)
            return only if len(only) == len(target) else np.repeat(only, len(target))
        logits = self.engine.logits(attribute, context, target, situation)
        if bias is not None:
            logits = logits + bias
        if allowed is not None:
            logits = np.where(allowed, logits, -np.inf)
        return choose(logits, self.settings, self.settings.heat(attribute), chance[:, attribute])


def choose(
    logits: Floats, settings: SamplerSettings, temperature: float, chance: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """One value of each row of `logits` (B, V) by inverting its distribution at `chance` (B,) in [0, 1).

    The compiled kernel, where there is one, does it in float32 and a seventh of the time.
    """
    if library() is None:
        return choose_in_numpy(logits, settings, temperature, chance)
    return compiled(logits, temperature, settings.top_p, settings.min_p, settings.top_k, chance)


def choose_in_numpy(
    logits: Floats, settings: SamplerSettings, temperature: float, chance: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """As `choose`, without the kernel."""
    likeliest: npt.NDArray[np.int64] = logits.argmax(1)
    if temperature == 0 or settings.top_k == 1:
        return likeliest
    p = np.exp(np.divide(logits - logits.max(1, keepdims=True), temperature, dtype=np.float64))  # the likeliest is 1
    if settings.min_p > 0:
        p[p < settings.min_p] = 0
    total = p.sum(1)
    several = (1 / total < settings.top_p).nonzero()[0]  # elsewhere the likeliest alone holds top-p
    if len(several):
        p = p[several] / total[several, None]
        if settings.top_p < 1 or settings.top_k:
            _keep_likeliest(p, settings.top_p, settings.top_k)
        likeliest[several] = _invert(p, chance[several])
    return likeliest


def _keep_likeliest(p: npt.NDArray[np.float64], top_p: float, top_k: int) -> None:
    """Set the probabilities `p` (B, V) to 0, all but the likeliest; of equal ones the first come first."""
    ranked = np.sort(p, axis=1)[:, ::-1]
    count = (ranked.cumsum(1) - ranked < top_p).sum(1)
    if top_k:
        count = np.minimum(count, top_k)
    least = ranked[np.arange(len(p)), count - 1][:, None]
    kept = p >= least
    if np.count_nonzero(kept) > count.sum():
        among = p == least
        kept &= ~among | (among.cumsum(1) <= (count - (p > least).sum(1))[:, None])
    p *= kept


def _invert(p: npt.NDArray[np.float64], chance: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The value of each row of `p` (B, V) up to which it sums up to its `chance` (B,) of the whole."""
    heights = p.cumsum(1)
    # Below the total, so that a chance next to 1 cannot fall off the end into an impossible value.
    at_height = np.minimum(chance * heights[:, -1], np.nextafter(heights[:, -1], 0))
    result: npt.NDArray[np.int64] = (heights > at_height[:, None]).argmax(1)
    return result

"""The pulse behind the ticks of a jittery clock: where the beat is, how fast, and how its tempo changes.

Three Kalman filters, for a steady tempo, for a tempo that ramps and for one that leaps, share one belief about which
of them is right (interacting multiple model: Blom & Bar-Shalom, IEEE Transactions on Automatic Control 33(8), 1988).
Each has the state (time of the latest tick, period, change of the period a tick). How much the arrivals jitter is
measured from their second differences, which no tempo disturbs. Knows nothing of MIDI messages, bars or starts.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RAMP = np.array([[1.0, 1.0, 0.5], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
STEADY = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
STEPS = np.stack([STEADY, RAMP, STEADY])
WANDER = np.array([[0.0, 1e-5, 0.0], [0.0, 1e-4, 4e-5], [0.0, 3e-2, 0.0]])
"""What each filter expects to change at random with each tick, in periods: standard deviations of the state."""
SWITCH = np.array([[0.9947, 0.005, 0.0003], [0.005, 0.9947, 0.0003], [0.3, 0.1, 0.6]])
"""How probable it is that the tempo of one tick, of each kind, is of each kind at the next."""
QUIET = 2e-4  # seconds of jitter that are assumed at least
LOUD = 1.5e-3  # … and before anything is known
MEMORY, ENOUGH = 96, 6  # second differences over which the jitter is measured: at most, at least
FIRST = 12  # so many ticks are counted one by one before a gap is taken for lost ticks
TWIN = 1e-3  # seconds: nearer than this, two of the first ticks are one that came twice
STREAK = 5  # so many intervals are looked at to judge how they were counted
ALIKE = 0.6, 1.5  # and if all are between these parts of their median, then none is two ticks or a doubled one
LEAP = 1.3  # and if they are on average so far from the period that was expected, then the tempo has changed
DOUBLED = 0.3  # of a period: nearer to the tick before, it came twice
LOST = 0.75  # of a period: later than this, a tick was lost


class Pulse:
    """Estimates the times of a clock's ticks; `period` is a first guess, in seconds."""

    def __init__(self, period: float) -> None:
        self.index = -1
        """The number of the latest tick; ticks that were lost on the way are counted, doubled ones are not."""
        self.latest = -inf
        """When the latest tick arrived, doubled ones included."""
        self._odd: deque[float] = deque(maxlen=MEMORY)  # second differences of arrivals
        self._arrivals: deque[tuple[float, int, float]] = deque(maxlen=FIRST)  # time, index, period
        self._mean = np.array([0.0, period, 0.0])
        self._heard = 0

    @property
    def period(self) -> float:
        """Seconds a tick."""
        return float(self._mean[1])

    @property
    def steady(self) -> bool:
        """Whether enough was heard to know the period."""
        return self._heard >= FIRST

    def at(self, ticks: float) -> float:
        """When the tick that comes `ticks` after the latest is expected, in clock seconds."""
        time, period, change = self._mean
        return float(time + ticks * period + ticks * max(ticks, 0.0) / 2 * change)

    def tick(self, time: float, begins: bool = False) -> None:
        """A tick arrived at `time`. `begins`: it is surely the next one, whatever came before (after a start)."""
        steps = self._steps(time)
        pause = time - self.latest > self.patience
        self.latest = time
        if self._heard == 0 or pause or (begins and abs(time - self.at(1)) > self.period / 4):
            self._begin(time, 0.001 if self.steady else 0.3)
            return
        if begins:
            steps = 1
        if steps:
            self._heard += 1
            self.index += steps
            self._measure(time)
            self._correct(time, steps)
        self._arrivals.append((time, self.index, self.period))
        self._doubt()

    @property
    def patience(self) -> float:
        """Seconds without a tick after which the clock has stopped coming."""
        return max(0.5, 5 * self.period)

    def _steps(self, time: float) -> int:
        """How many ticks after the latest this one is: 0 came twice, 2 and more have lost some on the way."""
        if self._heard < FIRST:
            return int(time - self.latest > TWIN)
        passed = (time - self.at(0)) / self.period
        return 0 if passed < DOUBLED else max(1, ceil(passed - LOST))

    def _begin(self, time: float, known: float) -> None:
        """The phase is new; the period is known to the fraction `known` of it."""
        self.index += 1
        self._heard = FIRST if self.steady else 1
        self._arrivals.clear()
        self._arrivals.append((time, self.index, self.period))
        self._mean = np.array([time, self.period, 0.0])
        self._means = np.tile(self._mean, (3, 1))
        spread = [self.jitter**2, (known * self.period) ** 2, (1e-4 * self.period) ** 2]
        self._spreads = np.tile(np.diag(spread), (3, 1, 1))
        self._belief = np.array([0.95, 0.03, 0.02])

    def _measure(self, time: float) -> None:
        """Take note of how uneven the latest arrivals are."""
        if len(self._arrivals) >= 2:
            (early, first, _), (middle, second, _) = self._arrivals[-2], self._arrivals[-1]
            if first + 2 == second + 1 == self.index:
                self._odd.append(abs(time - 2 * middle + early))

    @property
    def jitter(self) -> float:
        """Standard deviation of the arrivals, in seconds; measured by the median, which resists what is far out."""
        if len(self._odd) < ENOUGH:
            return LOUD
        # The second difference of independent errors has 6 times their variance; 0.6745: median of a normal |x|.
        return float(max(QUIET, np.median(self._odd) / 0.6745 / 6**0.5))

    def _correct(self, time: float, steps: int) -> None:
        """One round of the three filters: mix, predict `steps` ticks, compare with `time`, believe."""
        self._mix()
        wander = np.stack([np.diag((row * self.period) ** 2) for row in WANDER])
        for _ in range(steps):
            self._means = np.einsum("mij,mj->mi", STEPS, self._means)
            self._spreads = STEPS @ self._spreads @ STEPS.transpose(0, 2, 1) + wander
        error = time - self._means[:, 0]
        variance = self._spreads[:, 0, 0] + self.jitter**2
        gain = self._spreads[:, :, 0] / variance[:, None]
        self._means = self._means + gain * error[:, None]
        self._spreads = self._spreads - gain[:, :, None] * self._spreads[:, None, 0, :]
        likely = np.exp(-0.5 * np.minimum(error**2 / variance, 50.0)) / np.sqrt(variance)
        self._belief = self._belief * likely
        self._belief /= self._belief.sum()
        self._mean = self._belief @ self._means

    def _mix(self) -> None:
        """Each filter begins the next tick from what all believe, weighted by how one kind of tempo becomes another."""
        joint = SWITCH * self._belief[:, None]
        self._belief = joint.sum(axis=0)
        share = joint / self._belief
        mixed = share.T @ self._means
        apart = self._means[:, None, :] - mixed[None, :, :]
        within = self._spreads[:, None] + apart[..., :, None] * apart[..., None, :]
        self._spreads = np.einsum("ij,ijkl->jkl", share, within)
        self._means = mixed

    def _doubt(self) -> None:
        """Count the latest ticks again if they were counted by a tempo that was not theirs.

        Intervals that are all alike and far from what they were to be are one tick each of another tempo. The very
        first ones were counted by no tempo at all, and may hold lost ticks.
        """
        first = self._heard == FIRST
        arrivals = list(self._arrivals)[0 if first else -STREAK - 1 :]
        if len(arrivals) <= STREAK or not self.steady:
            return
        between = [b - a for (a, *_), (b, *_) in pairwise(arrivals)]
        usual = float(np.median(between))
        alike = min(between) > ALIKE[0] * usual and max(between) < ALIKE[1] * usual
        _, base, expected = arrivals[0]
        leap = not 1 / LEAP < sum(between) / len(between) / expected < LEAP
        if not first and not (alike and leap):
            return
        steps = sum(round(one / usual) for one in between)
        if (index := base + steps) != self.index:
            self.index = index - 1
            self._mean[1] = sum(between) / steps
            self._begin(arrivals[-1][0], known=0.1)

"""Musegen's own tempo: from the timeline, changed live by a knob or by tapping.

Knows nothing of MIDI. Tapping sets the tempo only, never the beat: musegen is the one who is followed.
"""

from __future__ import annotations

from statistics import median

from ..errors import SettingsError
from ..piece import TICKS_PER_QUARTER
from .clock import Clock
from .course import Course, seconds_per_tick
from .timeline import Timeline
from .timemap import Knot

SLOWEST, FASTEST = 10.0, 500.0
"""The tempos that can be set, in quarter notes a minute."""
FORGET = 2.0  # seconds without a tap after which the taps before no longer count
TAPS = 9  # the median is that of so many taps at most
ENOUGH = 3  # two taps may be one finger that bounced


class OwnTime(Course):
    """Plays the tempo map of `timeline` from `start` on, until a tempo is set: then that one holds."""

    source = "own tempo"

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        super().__init__(timeline)
        self._clock = clock
        self._set: float | None = None
        self._taps: list[float] = []

    @property
    def qpm(self) -> float:
        """Quarter notes a minute now."""
        if not self._rolling:
            return self._set or self._timeline.qpm(max(0.0, self._map.tick(self._clock.now())))
        return 60 / (self._map.seconds(self._clock.now()) * TICKS_PER_QUARTER)

    def start(self, time: float) -> None:
        """The first beat is at clock `time`, which may lie ahead: until then ticks are negative (a count-in).

        After a `stop` it is the next bar line that sounds at `time`.
        """
        self._past = max(self._past, self._clock.now())
        if not self._map.begun:
            self._map.plan(self._knots(time, 0))
            self._change(True, 0)
            return
        time = max(time, self._past)
        tick = self._resume
        self._map.plan(self._knots(time, tick))
        self._change(True, tick)

    def stop(self, time: float) -> None:
        """Stand still from clock `time` on (now, at the earliest)."""
        if self._rolling:
            self._past = max(self._past, self._clock.now())
            self._halt(time)

    def downbeat(self) -> int:
        """A bar line is now, for somebody who begins where nobody has a beat yet; its tick."""
        self.stop(now := self._clock.now())
        self.start(now)
        return self.resume_tick

    def set_tempo(self, qpm: float) -> None:
        """From now on `qpm` quarter notes a minute; the timeline's later tempos no longer count.

        Raises SettingsError outside 10 … 500.
        """
        if not SLOWEST <= qpm <= FASTEST:
            raise SettingsError(f"A tempo of {qpm:g} quarter notes a minute cannot be played: use 10 to 500.")
        self._set = qpm
        if self._rolling:
            now = max(self._past, self._clock.now())
            self._map.plan([Knot(now, self._map.tick(now), seconds_per_tick(qpm))])
            self._past = now

    def tap(self, time: float) -> None:
        """A quarter note at clock `time`: from the third tap on, the median of the taps' distances is the tempo."""
        if self._taps and time - self._taps[-1] > FORGET:
            self._taps.clear()
        self._taps = [*self._taps, time][-TAPS:]
        if len(self._taps) >= ENOUGH:
            between = median(b - a for a, b in zip(self._taps, self._taps[1:], strict=False))
            if SLOWEST <= (qpm := 60 / max(between, 1e-3)) <= FASTEST:
                self.set_tempo(qpm)

    def _knots(self, time: float, tick: int) -> list[Knot]:
        """The tempos to come when `tick` is at `time`."""
        if self._set is not None:
            return [Knot(time, tick, seconds_per_tick(self._set))]
        line = self._timeline
        ahead = [tick, *(t.tick for t in line.tempos if t.tick > tick)]
        origin = time - line.seconds(tick)
        return [Knot(origin + line.seconds(t), t, seconds_per_tick(line.qpm(t))) for t in ahead]

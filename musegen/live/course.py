"""The course the music takes under whoever conducts: what all conductors have in common.

Keeps the map of ticks and seconds, the epoch, the bar from which to go on, and how far the master's own count of
ticks is from ours. Knows nothing of where the orders come from.
"""

from __future__ import annotations

from bisect import bisect_right
from math import ceil, inf, isfinite, nextafter

from ..piece import TICKS_PER_QUARTER
from .timeline import Position, Timeline
from .timemap import Knot, TimeMap

SLACK = 3  # ticks that we may be ahead of a master who goes on: we wait for it, instead of skipping a bar


def seconds_per_tick(qpm: float) -> float:
    """The length of a tick, in seconds, at `qpm` quarter notes a minute."""
    return 60 / (qpm * TICKS_PER_QUARTER)


def next_bar(timeline: Timeline, tick: float) -> int:
    """The first bar line at or after `tick`; 0 before the beginning."""
    bar = timeline.bar_start(timeline.position(tick).bar - 1)
    return bar if bar >= tick else timeline.bar_start(timeline.position(tick).bar)


def same_place(timeline: Timeline, place: int, earliest: int) -> int:
    """The first tick from `earliest` on that is as far into its bar as `place` is into its own."""
    inside = place - timeline.bar_start(timeline.position(place).bar - 1)
    bar = timeline.bar_start(max(0, timeline.position(earliest).bar - 1))
    while bar + inside < earliest or inside >= timeline.meter(bar).bar_ticks():
        if len(timeline.meters) > 1 and bar > timeline.meters[-1].tick and inside >= timeline.meter(bar).bar_ticks():
            return next_bar(timeline, earliest)  # no later bar is that long
        bar = timeline.bar_start(timeline.position(bar).bar)
    return bar + inside


class Course:
    """Base of the conductors: musical time that starts, bends, stands still and jumps, but never runs backwards."""

    source = ""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._map = TimeMap()
        self._epoch = 0
        self._rolling = False
        self._resume = 0
        self._past = -inf  # clock time up to which nothing changes any more
        self._jumps: list[tuple[float, int]] = [(-inf, 0)]  # (from tick, what the master counts more than we)
        self._sentences: list[str] = []

    @property
    def rolling(self) -> bool:
        """False: stopped or not begun."""
        return self._rolling

    @property
    def epoch(self) -> int:
        """Grows by one at every start, stop, continue or jump."""
        return self._epoch

    @property
    def resume_tick(self) -> int:
        """The first bar line from which to play after the latest change of epoch."""
        return self._resume

    @property
    def timeline(self) -> Timeline:
        """Meters and keys in ticks."""
        return self._timeline

    def tick(self, time: float) -> float:
        """The musical position at clock `time`."""
        return self._map.tick(time)

    def time(self, tick: float) -> float:
        """The clock time of `tick`."""
        return self._map.time(tick)

    def position(self, tick: float) -> Position:
        """Bar and beat as the master counts them."""
        more = self._jumps[bisect_right(self._jumps, (tick, inf)) - 1][1]
        return self._timeline.position(tick + more)

    def hear(self, time: float, message: bytes) -> None:
        """Nothing: only a followed MIDI clock listens."""

    def update(self, now: float) -> list[str]:
        """Time has come to `now`; returns what is to be said."""
        self._past = max(self._past, now)
        said, self._sentences = self._sentences, []
        return said

    def tap(self, time: float) -> None:
        """Say that the tempo is not ours."""
        self._sentences.append(f"Tapping changes nothing: the tempo comes from elsewhere ({self.source}).")

    def tempo_map(self, since: float = -inf) -> list[tuple[float, float]]:
        """(tick, seconds a tick from there on) up to the latest `update` or `hear`; the first one holds at `since`."""
        found: list[tuple[float, float]] = []
        for knot in self._map.knots(self._past, since):
            if isfinite(knot.seconds):
                if found and found[-1][0] >= knot.tick:
                    found.pop()
                found.append((knot.tick, knot.seconds))
        return found[1:] if len(found) > 1 and found[1][0] <= since else found

    def _roll(self, now: float, place: int, at: float, seconds: float) -> None:
        """From `now` on the music moves: the master's tick `place` is at clock `at`, with `seconds` a tick.

        The first time, ticks are the master's. Afterwards they go on from the next tick with that place in the bar.
        """
        now = max(now, nextafter(self._past, inf))  # it may jump, and what is past must not
        tick, reached = place, -inf
        if self._map.begun:
            reached = self._map.tick(now)
            tick = same_place(self._timeline, place, ceil(reached - SLACK))
        start = tick + (now - at) / seconds
        knots = [Knot(now, start, seconds)]
        if start < reached:  # wait for the master
            knots = [Knot(now, reached, inf), Knot(now + (reached - start) * seconds, reached, seconds)]
        self._map.plan(knots)
        if place - tick != self._jumps[-1][1]:
            self._jumps.append((tick - SLACK, place - tick))
        self._change(True, tick)

    def _halt(self, time: float) -> None:
        """Stand still from `time` on."""
        time = max(time, self._past)
        tick = self._map.tick(time)
        self._map.plan([Knot(time, tick, inf)])
        self._change(False, tick)

    def _change(self, rolling: bool, tick: float) -> None:
        """One more epoch; the music is to go on from the first bar line at or after `tick`."""
        self._rolling = rolling
        self._resume = next_bar(self._timeline, ceil(tick - 1e-6))
        self._epoch += 1

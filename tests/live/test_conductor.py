"""Musical time of our own: the map of ticks and seconds, tempo changes, tapping, stopping."""

from math import inf

import numpy as np
import pytest

from musegen.errors import SettingsError
from musegen.live.clock import FakeClock
from musegen.live.conductor import Conductor
from musegen.live.course import next_bar, same_place
from musegen.live.own_time import OwnTime
from musegen.live.timeline import Timeline
from musegen.live.timemap import Knot, TimeMap
from musegen.piece import Meter, Tempo

PER_TICK = 0.5 / 24  # 120 quarter notes a minute


def own(qpm: float = 120.0, *meters: Meter) -> tuple[OwnTime, FakeClock]:
    clock = FakeClock(10.0)
    return OwnTime(Timeline((Tempo(0, round(60e6 / qpm)),), meters or (Meter(0),)), clock), clock


def test_map_goes_both_ways_and_stands_still() -> None:
    line = TimeMap()
    line.plan([Knot(1.0, 0, 0.02), Knot(2.0, 50, inf), Knot(3.0, 60, 0.01)])
    assert [line.tick(t) for t in (0.9, 1.0, 1.5, 2.5, 3.1)] == pytest.approx([-5, 0, 25, 50, 70])
    assert [line.time(t) for t in (0, 25, 55, 70)] == pytest.approx([1.0, 1.5, 3.0, 3.1])
    line.plan([Knot(2.5, 50, inf)])
    assert line.time(51) == inf
    assert line.tick(99) == 50


@pytest.mark.parametrize("seed", range(20))
def test_map_never_runs_backwards_and_never_changes_the_past(seed: int) -> None:
    rng = np.random.default_rng(seed)
    line, now, known = TimeMap(), 0.0, []
    line.plan([Knot(0.0, 0, 0.02)])
    for _ in range(200):
        count = int(rng.integers(1, 4))
        times = now + np.sort(rng.uniform(0, 2, count))
        line.plan([Knot(float(t), rng.uniform(0, 400), float(rng.choice([0.01, 0.03, inf]))) for t in times])
        now = float(times[0]) + rng.uniform(0, 1)
        known += [(t, line.tick(t)) for t in rng.uniform(times[0], now, 3)]
        moments = np.sort(rng.uniform(0, now + 3, 50))
        assert np.all(np.diff([line.tick(t) for t in moments]) >= 0)
        for tick in rng.uniform(0, 400, 10):
            assert (when := line.time(tick)) == inf or line.tick(when) >= tick - 1e-6
    assert all(line.tick(t) == tick for t, tick in known)


def test_own_time_plays_the_tempo_map_of_its_timeline() -> None:
    line = Timeline((Tempo(0, 500_000), Tempo(96, 250_000)))
    time = OwnTime(line, FakeClock())
    assert not time.rolling
    assert time.time(0) == inf
    time.start(5.0)
    assert [time.time(t) for t in (-24, 0, 96, 192)] == pytest.approx([4.5, 5, 7, 8])
    assert time.tick(4.5) == pytest.approx(-24)  # a count-in
    assert (time.epoch, time.resume_tick, time.rolling) == (1, 0, True)


def test_a_tempo_that_is_set_holds_from_now_on_and_leaves_the_past() -> None:
    time, clock = own()
    time.start(10.0)
    clock.wait_until(11.0)
    before = [time.tick(t) for t in np.linspace(9, 11, 50)]
    time.set_tempo(60)
    assert [time.tick(t) for t in np.linspace(9, 11, 50)] == before
    assert time.time(48 + 24) == pytest.approx(12.0)
    assert time.qpm == pytest.approx(60)
    assert time.epoch == 1
    time.update(11.5)
    assert np.array(time.tempo_map()) == pytest.approx(np.array([(0, PER_TICK), (48, 2 * PER_TICK)]))


@pytest.mark.parametrize("qpm", [0.0, -3.0, 1e9, float("nan")])
def test_an_impossible_tempo_is_refused(qpm: float) -> None:
    with pytest.raises(SettingsError, match="10 to 500"):
        own()[0].set_tempo(qpm)


def test_tapping_takes_the_median_and_forgets() -> None:
    time, _ = own()
    for at in (0, 0.5):
        time.tap(at)
    assert time.qpm == 120  # two taps say nothing yet
    for at in (10, 10.4, 10.8, 11.23, 11.6):  # one of them is late
        time.tap(at)
    assert time.qpm == pytest.approx(150, rel=0.04)


def test_stop_stands_still_and_start_goes_on_at_the_bar() -> None:
    time, clock = own()
    time.start(10.0)
    clock.wait_until(11.0)
    time.stop(11.0)
    assert (time.tick(20.0), time.time(49), time.resume_tick, time.epoch) == (48, inf, 96, 2)
    clock.wait_until(20.0)
    time.start(20.0)
    assert time.time(96) == 20.0
    assert (time.tick(15.0), time.epoch, time.resume_tick) == (48, 3, 96)


def test_positions_are_bars_and_beats() -> None:
    conductor: Conductor = own(120.0, Meter(0, 3, 4))[0]
    assert str(conductor.position(72 + 24)) == "2.2"


def test_same_place_in_the_bar() -> None:
    line = Timeline(meters=(Meter(0, 3, 4),))
    assert [same_place(line, *pair) for pair in ((0, 0), (0, 1), (30, 30), (30, 31), (72 * 9 + 5, 70))] == [
        0,
        72,
        30,
        102,
        77,
    ]
    assert [next_bar(line, t) for t in (-5, 0, 1, 72)] == [0, 0, 72, 72]
    shorter = Timeline(meters=(Meter(0, 4, 4), Meter(96, 2, 4)))
    assert same_place(shorter, 90, 96) % 48 == 0  # no bar is that long any more: a bar line

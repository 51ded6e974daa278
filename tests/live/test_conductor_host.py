"""Musical time that a host owns: blocks, tempo changes, loops, faster than real time."""

from math import inf

import pytest

from musegen.live.host import HostTime
from musegen.live.timeline import Timeline

BLOCK = 0.01


def play(host: HostTime, tick: float, time: float, blocks: int, qpm: float = 120.0) -> tuple[float, float]:
    """Blocks of 10 ms in which the host plays on from `tick`; where it is afterwards."""
    for _ in range(blocks):
        host.at(tick, time, qpm)
        host.update(time)
        tick, time = tick + BLOCK * qpm * 24 / 60, time + BLOCK
    return tick, time


def test_it_is_where_the_host_is() -> None:
    host = HostTime(Timeline())
    assert host.time(0) == inf
    tick, time = play(host, 0.0, 5.0, 300)
    assert (host.epoch, host.rolling, host.resume_tick) == (1, True, 0)
    assert host.tick(time) == pytest.approx(tick, abs=1e-3)
    assert host.time(1000) == pytest.approx(5 + 1000 / 48, abs=1e-4)
    assert len(host.tempo_map()) == 1  # nothing changed, nothing is written down


def test_tempo_changes_are_met_within_a_beat_without_a_new_epoch() -> None:
    host = HostTime(Timeline())
    tick, time = play(host, 0.0, 5.0, 103)
    past = [host.tick(t / 100) for t in range(500, int(time * 100))]
    tick, time = play(host, tick, time, 100, 60.0)
    assert host.tick(time) == pytest.approx(tick, abs=0.01)
    assert host.qpm == 60
    assert host.epoch == 1
    assert past[:100] == [host.tick(t / 100) for t in range(500, 600)]


def test_a_loop_in_the_host_goes_on_in_the_next_bar() -> None:
    host = HostTime(Timeline())
    tick, time = play(host, 0.0, 5.0, 400)  # two bars
    assert tick == pytest.approx(192)
    play(host, 0.0, time, 100)
    assert host.epoch == 2
    assert host.time(192) == pytest.approx(time, abs=1e-3)
    assert str(host.position(192 + 30)) == "1.2"
    assert str(host.position(96 + 30)) == "2.2"


def test_stop_and_go_on_elsewhere() -> None:
    host = HostTime(Timeline())
    tick, time = play(host, 0.0, 5.0, 100)
    host.stop(time)
    assert host.time(tick + 5) == inf
    assert host.resume_tick == 96
    play(host, 96.0 * 7 + 24, time + 3, 5)
    assert (host.epoch, host.resume_tick) == (3, 192)
    assert host.time(96 + 24) == pytest.approx(time + 3, abs=1e-3)
    assert str(host.position(192)) == "9.1"

"""Musegen as clock master: what is sent, and that our own follower understands it."""

import pytest

from musegen.live.clock import FakeClock
from musegen.live.clock_out import ClockOut
from musegen.live.follow import FollowedClock
from musegen.live.own_time import OwnTime
from musegen.live.timeline import Timeline

F8, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
HORIZON = 0.1


class Rig:
    """An own tempo of 120 that is sent out, a step every 20 ms."""

    def __init__(self) -> None:
        self.clock = FakeClock(1.0)
        self.own = OwnTime(Timeline(), self.clock)
        self.sent: list[tuple[float, bytes]] = []
        self.handed: list[float] = []
        self.out = ClockOut(self.take)

    def take(self, message: bytes, time: float) -> None:
        self.sent.append((time, message))
        self.handed.append(self.clock.now())

    def run(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while self.clock.now() < end - 1e-9:
            self.own.update(self.clock.now())
            self.out.update(self.own, self.clock.now(), self.clock.now() + HORIZON)
            self.clock.wait_until(self.clock.now() + 0.02)

    def ticks(self) -> list[float]:
        return [time for time, message in self.sent if message == F8]

    def orders(self) -> list[bytes]:
        return [message for _, message in self.sent if message != F8]


def test_start_and_exact_ticks_ahead_of_their_time() -> None:
    rig = Rig()
    rig.run(0.5)
    assert rig.sent == []
    rig.own.start(2.0)
    rig.run(3.0)
    assert rig.orders() == [START]
    start = rig.sent.index((pytest.approx(1.998), START))
    after = [time for time, message in rig.sent[start:] if message == F8]
    assert after[:100] == pytest.approx([2.0 + k / 48 for k in range(100)], abs=1e-9)
    counted_in = [time for time, message in rig.sent[:start] if message == F8]
    assert counted_in  # those who follow learn the tempo before the start
    assert min(time - at for (time, _), at in zip(rig.sent, rig.handed, strict=True)) > 0
    assert max(time - at for (time, _), at in zip(rig.sent, rig.handed, strict=True)) <= HORIZON + 0.02


def test_a_new_tempo_neither_loses_a_tick_nor_turns_back() -> None:
    rig = Rig()
    rig.own.start(1.1)
    for qpm in (60, 240, 100, 31):
        rig.run(1.0)
        rig.own.set_tempo(qpm)
    rig.run(1.0)
    ticks = rig.ticks()
    assert ticks == sorted(ticks)
    # As many as the music has, up to the horizon.
    assert abs(sum(t >= 1.0999 for t in ticks) - 1 - rig.own.tick(rig.clock.now() + HORIZON - 0.02)) <= 1
    assert rig.orders() == [START]


def test_stop_and_continue_with_the_song_position() -> None:
    rig = Rig()
    rig.own.start(1.1)
    rig.run(1.0)
    stopped = rig.clock.now()
    rig.own.stop(stopped)
    rig.run(0.5)
    rig.own.start(rig.clock.now() + 0.2)
    going_on = rig.own.time(96)
    rig.run(1.0)
    assert rig.orders() == [START, STOP, bytes([0xF2, 16, 0]), CONTINUE]
    times = {message: time for time, message in rig.sent if message != F8}
    assert times[STOP] == pytest.approx(stopped)
    assert times[CONTINUE] < going_on < times[CONTINUE] + 0.003
    assert going_on in rig.ticks()
    rig.out.stop(rig.clock.now())
    rig.out.stop(rig.clock.now())
    assert rig.orders()[4:] == [STOP]


def test_after_a_panic_the_others_are_put_back_on_the_sixteenth() -> None:
    rig = Rig()
    rig.own.start(1.1)
    rig.run(1.0)
    rig.out.stop(rig.clock.now())  # what was on its way has been cancelled
    rig.run(1.0)
    *_, stop, song, go = rig.orders()
    assert (stop, song[0], go) == (STOP, 0xF2, CONTINUE)
    at = [time for time, message in rig.sent if message == CONTINUE][-1] + 0.002
    assert rig.own.tick(at) == pytest.approx(6 * song[1])
    assert len(set(rig.ticks())) == len(rig.ticks())


def test_our_follower_is_with_our_master() -> None:
    rig = Rig()
    rig.own.start(1.3)
    rig.run(2.0)
    rig.own.set_tempo(90)
    rig.run(3.0)
    rig.own.stop(rig.clock.now())
    rig.run(1.0)
    rig.own.start(rig.clock.now() + 0.1)
    rig.run(2.0)
    follower = FollowedClock(Timeline())
    for time, message in sorted(rig.sent, key=lambda row: row[0]):  # as they arrive
        follower.hear(time, message)
    last = rig.ticks()[-1]
    assert follower.tick(last) % 96 == pytest.approx(rig.own.tick(last) % 96, abs=0.05)
    assert str(follower.position(follower.tick(last))) == str(rig.own.position(rig.own.tick(last)))
    assert follower.qpm == pytest.approx(90, rel=1e-3)

"""A MIDI clock is followed: through jitter, ramps, lost and doubled ticks, stops, jumps, and a pulled cable."""

from collections.abc import Sequence
from math import inf

import numpy as np
import pytest

from musegen.live.conductor import Conductor
from musegen.live.follow import FollowedClock
from musegen.live.timeline import Timeline
from musegen.piece import Meter, Tempo

F8, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
BAR = 96


def song(sixteenths: int) -> bytes:
    """A song position pointer."""
    return bytes([0xF2, sixteenths & 0x7F, sixteenths >> 7])


class Master:
    """Sends to a follower: `play` ticks, jittered; keeps the true time of every tick of its own."""

    def __init__(self, qpm: float = 120.0, jitter: float = 0.0, seed: int = 0, meter: Meter | None = None) -> None:
        self.time, self.qpm, self.jitter = 1.0, qpm, jitter
        self.rng = np.random.default_rng(seed)
        self.follower = FollowedClock(Timeline((Tempo(0, 550_000),), (meter or Meter(0),)))
        self.said: list[str] = []
        self.asked: list[tuple[float, float]] = []
        self.truth: list[float] = []

    @property
    def now(self) -> float:
        """A moment after everything that was sent."""
        return self.time - 30 / self.qpm / 24

    def send(self, message: bytes, time: float | None = None) -> None:
        self.follower.hear(self.now if time is None else time, message)

    def play(self, tempos: int | Sequence[float], lost: float = 0.0, doubled: float = 0.0) -> None:
        """Send ticks, as many as said, or with these tempos; the follower is updated in between."""
        for qpm in [self.qpm] * tempos if isinstance(tempos, int) else tempos:
            self.qpm = qpm
            self.truth.append(self.time)
            if self.rng.random() >= lost:
                at = self.time + self.rng.uniform(-self.jitter, self.jitter)
                self.follower.hear(at, F8)
                if self.rng.random() < doubled:
                    self.follower.hear(at + 0.0005, F8)
            self.time += 60 / qpm / 24
            self.look(self.now)

    def look(self, now: float) -> None:
        """The follower learns the time; what it says of the past is kept."""
        self.said += self.follower.update(now)
        self.asked += [(t, self.follower.tick(t)) for t in now - self.rng.uniform(0, 1, 2)]

    def wait(self, seconds: float) -> None:
        """Nothing is sent for a while."""
        for _ in range(int(seconds / 0.005)):
            self.time += 0.005
            self.look(self.now)


def check_past(master: Master) -> None:
    """Ticks never ran backwards, and what was said of the past is still true."""
    begun = master.follower.time(0)
    assert all(master.follower.tick(t) == tick for t, tick in master.asked if t >= begun)
    moments = np.linspace(begun - 1, master.now, 5000)
    assert np.all(np.diff([master.follower.tick(t) for t in moments]) >= 0)


RAMP = [*[90.0] * BAR, *np.linspace(90, 140, 8 * BAR), *[140.0] * BAR]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("tempos", "lost", "doubled"),
    [([120.0] * 8 * BAR, 0, 0), (RAMP, 0, 0), (RAMP, 0.02, 0), (RAMP, 0, 0.05), ([97.0] * 8 * BAR, 0.05, 0.05)],
    ids=["constant", "ramp", "ramp with lost ticks", "ramp with doubled ticks", "both"],
)
def test_stays_with_a_jittery_master(tempos: list[float], lost: float, doubled: float, seed: int) -> None:
    master = Master(tempos[0], jitter=0.003, seed=seed)
    master.send(START)
    errors = []
    for at in range(0, len(tempos), 24):
        master.play(tempos[at : at + 24], lost if at else 0, doubled)
        tick = at + 23.5
        errors.append(master.follower.tick(master.now) - tick)
    late = np.abs(errors[2:]) * 60 / 120 / 24
    assert late.max() < 0.006  # of seconds; losing one tick would be 0.018 and more
    assert np.median(late) < 0.002
    check_past(master)


@pytest.mark.parametrize(("first", "then"), [(90, 120), (120, 90), (60, 180), (180, 60)])
def test_a_leap_of_tempo_loses_no_tick(first: float, then: float) -> None:
    master = Master(first, jitter=0.001)
    master.send(START)
    master.play(BAR)
    master.play([float(then)] * 4 * BAR)
    assert master.follower.tick(master.now) == pytest.approx(5 * BAR - 0.5, abs=0.2)
    assert master.follower.qpm == pytest.approx(then, rel=0.03)
    check_past(master)


def test_ticks_that_come_in_bursts() -> None:
    master = Master()
    master.send(START)
    master.play(BAR)
    for _ in range(40):  # a busy machine hands over four at once
        times = [master.time + k * 0.5 / 24 for k in range(4)]
        for k in range(4):
            master.follower.hear(times[-1] + k * 1e-4, F8)
        master.time = times[-1] + 0.5 / 24
        master.look(master.now)
    assert master.follower.tick(master.now) == pytest.approx(BAR + 160, abs=1.5)


def test_the_first_clock_after_start_is_tick_0() -> None:
    master = Master()
    master.send(START)
    assert not master.follower.rolling
    assert master.follower.time(0) == inf
    start = master.time
    master.play(1)
    assert (master.follower.rolling, master.follower.epoch, master.follower.resume_tick) == (True, 1, 0)
    assert master.follower.time(0) == pytest.approx(start)
    assert master.follower.tick(start - 1) < 0


def test_clock_without_start_sets_the_tempo_and_says_what_is_missing() -> None:
    master = Master(97.0)
    master.play(3 * BAR)
    assert not master.follower.rolling
    assert master.follower.qpm == pytest.approx(97, abs=0.1)
    assert master.said == ["A MIDI clock comes in, but no start: press play on the master."]
    master.send(START)
    start = master.time
    master.play(1)
    # The tempo is known from the first tick on.
    assert master.follower.time(BAR) == pytest.approx(start + 4 * 60 / 97, abs=0.003)


def test_start_without_clock_says_what_is_missing() -> None:
    master = Master()
    master.send(START)
    master.wait(5)
    assert len(master.said) == 1
    assert "sends no MIDI clock" in master.said[0]


@pytest.mark.parametrize("free", [True, False], ids=["clock while stopped", "silent while stopped"])
def test_stop_holds_and_continue_resumes_on_the_bar(free: bool) -> None:
    master = Master(jitter=0.002)
    master.send(START)
    master.play(BAR + 30)
    epoch = master.follower.epoch
    stopped = master.now
    master.send(STOP)
    assert not master.follower.rolling
    assert (master.follower.time(BAR + 31), master.follower.epoch) == (inf, epoch + 1)
    if free:
        master.play(100)
    else:
        master.wait(2)
    held = master.follower.tick(stopped)
    assert held == pytest.approx(BAR + 29.5, abs=0.2)
    assert master.follower.tick(master.now) == held
    master.send(CONTINUE)
    going_on = master.time
    master.play(10)
    assert (master.follower.rolling, master.follower.epoch) == (True, epoch + 2)
    assert master.follower.resume_tick == 2 * BAR
    assert master.follower.time(2 * BAR) == pytest.approx(going_on + 66 * 0.5 / 24, abs=0.015)
    master.play(100)
    assert str(master.follower.position(master.follower.tick(master.now))) == "3.2"
    check_past(master)


@pytest.mark.parametrize("meter", [Meter(0), Meter(0, 3, 4), Meter(0, 6, 8)])
@pytest.mark.parametrize("played", [0, 1, 50, 71, 72, 73, 96])
@pytest.mark.parametrize("place", [0, 1, 11, 12, 40])
@pytest.mark.parametrize("stopped", [True, False])
def test_a_jump_goes_on_at_the_same_place_in_the_bar(meter: Meter, played: int, place: int, stopped: bool) -> None:
    master = Master(meter=meter)
    master.send(START)
    master.play(played + 20)
    reached, epoch = master.follower.tick(master.now), master.follower.epoch
    if not stopped and abs(place * 6 - (played + 20)) < 6:
        pytest.skip("that is no jump")
    if stopped:
        master.send(STOP)
    master.send(song(place))
    if stopped:
        master.send(CONTINUE)
    at = master.time
    master.play(5)
    follower, bar = master.follower, meter.bar_ticks()
    tick = follower.tick(at)
    assert tick >= reached
    assert tick == pytest.approx(round(tick), abs=0.1)
    assert round(tick) % bar == place * 6 % bar
    assert tick - reached < bar + 4
    assert follower.epoch == epoch + 1 + stopped
    assert follower.resume_tick % bar == 0
    assert 0 <= follower.resume_tick - tick + 0.1 < bar + 0.1
    there = follower.position(tick + 1)
    assert (there.bar, there.beat) == follower.timeline.position(place * 6 + 1)[:2]
    check_past(master)


def test_start_again_while_playing_begins_a_bar() -> None:
    master = Master()
    master.send(START)
    master.play(BAR + 40)
    master.send(START)
    at = master.time
    master.play(1)
    assert master.follower.time(2 * BAR) == pytest.approx(at, abs=1e-6)
    assert master.follower.resume_tick == 2 * BAR
    assert str(master.follower.position(2 * BAR + 1)) == "1.1"
    assert str(master.follower.position(BAR + 1)) == "2.1"  # the past is as it was counted


def test_a_song_position_that_is_no_jump_changes_nothing() -> None:
    master = Master()
    master.send(START)
    master.play(50)
    master.send(song(8))  # 48: the sixteenth that is playing
    master.play(10)
    assert master.follower.epoch == 1
    assert master.follower.tick(master.now) == pytest.approx(59.5, abs=0.01)


def test_stop_takes_back_a_start() -> None:
    master = Master()
    master.play(20)
    master.send(START)
    master.send(STOP)
    master.play(20)
    assert not master.follower.rolling
    assert master.follower.epoch == 0


def test_a_clock_that_stops_coming_holds_and_goes_on_when_it_is_back() -> None:
    master = Master(jitter=0.003)
    master.send(START)
    master.play(BAR + 10)
    master.wait(3)
    follower = master.follower
    assert master.said == ["The MIDI clock stopped coming: holding."]
    assert not follower.rolling
    held = follower.tick(master.now)
    master.play(1)
    assert follower.rolling
    master.play(140)
    assert master.said[1:] == ["The MIDI clock is back: playing from the next bar."]
    now = follower.tick(master.now)
    assert (now - (BAR + 10 + 141)) % BAR == pytest.approx(BAR - 0.5, abs=0.4)  # the place in the bar is the master's
    assert follower.resume_tick % BAR == 0
    assert follower.resume_tick >= held
    check_past(master)


def test_a_stop_after_the_clock_was_lost_is_not_undone_by_its_return() -> None:
    master = Master()
    master.send(START)
    master.play(BAR)
    master.wait(2)
    master.send(STOP)
    master.play(BAR)
    assert not master.follower.rolling


def test_short_pauses_are_lost_ticks() -> None:
    master = Master()
    master.send(START)
    master.play(BAR)
    master.play(12, lost=1.0)
    master.play(BAR)
    assert master.said == []
    assert master.follower.tick(master.now) == pytest.approx(2 * BAR + 11.5, abs=0.1)


def test_other_messages_are_none_of_its_business() -> None:
    master = Master()
    master.send(START)
    master.play(20)
    for message in (b"", b"\xf2", b"\xf2\x01", b"\x90\x40\x40", b"\xf1\x10", b"\xfe", b"\xf0\x7e\xf7"):
        master.send(message)
    master.follower.tap(master.now)
    assert master.follower.update(master.now) == [
        "Tapping changes nothing: the tempo comes from elsewhere (MIDI clock)."
    ]
    conductor: Conductor = master.follower
    assert (conductor.rolling, conductor.epoch, conductor.source) == (True, 1, "MIDI clock")


@pytest.mark.parametrize("message", [F8, STOP, START])
def test_messages_that_arrive_after_their_time_leave_the_past_as_it_was(message: bytes) -> None:
    master = Master(jitter=0.003)
    master.send(START)
    master.play(50)
    master.look(late := master.time + 0.004)  # the driver has looked at the clock before it read the port
    before = [master.follower.tick(t) for t in np.linspace(late - 0.1, late, 50)]
    master.send(message, late - 0.004)
    master.send(F8, late - 0.003)
    assert [master.follower.tick(t) for t in np.linspace(late - 0.1, late, 50)] == before


def test_the_tempo_map_says_what_was_played() -> None:
    master = Master(100.0, jitter=0.002)
    master.send(START)
    master.play(2 * BAR)
    knots = master.follower.tempo_map()
    ends = [*(tick for tick, _ in knots[1:]), master.follower.tick(master.now)]
    seconds = sum((end - tick) * per for (tick, per), end in zip(knots, ends, strict=True))
    assert seconds == pytest.approx(master.now - master.follower.time(knots[0][0]), abs=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_a_master_sends_time_never_runs_backwards(seed: int) -> None:
    master = Master(jitter=0.003, seed=seed)
    rng = np.random.default_rng(seed)
    master.send(START)
    master.play(1)
    for _ in range(40):
        deed = rng.integers(8)
        epoch, rolling = master.follower.epoch, master.follower.rolling
        if deed == 0:
            master.send(START)
        elif deed == 1:
            master.send(STOP)
        elif deed == 2:
            master.send(CONTINUE)
        elif deed == 3:
            master.send(song(int(rng.integers(200))))
        elif deed == 4:
            master.wait(rng.uniform(0, 1))
        elif deed == 5:
            master.play([float(rng.uniform(40, 240))] * int(rng.integers(60)))
        else:
            master.play(int(rng.integers(60)), lost=0.05, doubled=0.05)
        assert master.follower.epoch > epoch or master.follower.rolling == rolling
        assert master.follower.resume_tick % BAR == 0
    check_past(master)

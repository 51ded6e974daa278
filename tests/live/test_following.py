"""A whole session that follows a MIDI clock, on the loop-back port: it starts with its master, however fast."""

from pathlib import Path

import pytest
from jam_sources import One, Parrot, Steady

from musegen.live.clock import FakeClock
from musegen.live.follow import FollowedClock
from musegen.live.partner import DirectPartner
from musegen.live.session import Session, Setup
from musegen.live.testing import LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.midi import read_midi
from musegen.piece import Tempo
from musegen.sampling.request import Request

F8, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
BEAT = 24


class Aged(FollowedClock):
    """Hears everything as `age` seconds older than it comes."""

    age = 0.0

    def hear(self, time: float, message: bytes) -> None:
        super().hear(time - self.age, message)


@pytest.mark.parametrize("qpm", [60, 120, 200, 300])
@pytest.mark.parametrize("unheard", [0.0005, 0.0099])
@pytest.mark.parametrize("age", [0.0, 0.0213])
def test_the_first_bar_is_played_with_a_start_that_nobody_announced(
    tmp_path: Path, qpm: float, unheard: float, age: float
) -> None:
    """Start and first tick come together, `unheard` seconds before it next looks, every 10 ms; and everything that
    comes is `age` seconds old, as in a loop of JACK programs."""
    clock, tick = FakeClock(10.0), 60 / qpm / 24
    port, began = LoopbackPort(clock), 11.0 - unheard - age
    port.feed(began + age, START)
    for count in range(8 * BEAT):
        port.feed(began + age + count * tick, F8)
    port.feed(began + age + 8 * BEAT * tick, STOP)
    conductor = Aged(Timeline((Tempo(0, round(60e6 / qpm)),)))
    conductor.age = age
    partner = DirectPartner(Steady(spacing=BEAT))
    session = Session(partner, port, conductor, clock, tmp_path / "jam.mid", setup=Setup(bars=2))
    assert session.run()
    ons = [time for time, message in port.received() if message[0] & 0xF0 == 0x90]
    assert len(ons) == 8
    assert session.performer.rests == session.late == 0
    assert ons[0] - began - age < 0.03
    # It has caught up after a beat or two.
    assert [time - began for time in ons[2:]] == pytest.approx([i * BEAT * tick for i in range(2, 8)], abs=0.001)
    assert hanging(port.received()) == set()


class Master:
    """A master at 120 that plays into a port."""

    TICK = 0.5 / BEAT

    def __init__(self, port: LoopbackPort, time: float) -> None:
        self._port, self.time = port, time

    def order(self, message: bytes) -> None:
        self._port.feed(self.time, message)

    def play(self, beats: float) -> None:
        """F8s for so many beats."""
        for _ in range(round(beats * BEAT)):
            self.order(F8)
            self.time += self.TICK


def followed(tmp_path: Path, clock: FakeClock, port: LoopbackPort, bars: int) -> Session:
    conductor = FollowedClock(Timeline((Tempo(0, 500_000),)))
    return Session(DirectPartner(Steady()), port, conductor, clock, tmp_path / "jam.mid", setup=Setup(bars=bars))


def struck(port: LoopbackPort) -> list[float]:
    return [time for time, message in port.received() if message[0] & 0xF0 == 0x90]


def test_a_stop_is_silence_at_once_and_a_continue_plays_from_the_next_bar(tmp_path: Path) -> None:
    clock = FakeClock(10.0)
    port = LoopbackPort(clock)
    master = Master(port, 11.0)
    master.order(START)
    master.play(5.5)  # into the second bar
    master.order(STOP)
    stopped = master.time
    master.time += 3.0
    again = master.time
    master.order(CONTINUE)
    master.play(30)
    session = followed(tmp_path, clock, port, 4)
    assert session.run()
    assert hanging(port.received()) == set()
    silence = [t for t, m in port.received() if m[0] & 0xF0 == 0xB0 and m[1] == 123]
    assert stopped <= silence[0] < stopped + 0.02
    assert not [t for t in struck(port) if stopped + 0.02 < t < again + 0.5]
    # It stood in beat 6; the next bar line is beat 8 of the master: two and a half beats on.
    resumed = next(t for t in struck(port) if t > again)
    assert resumed == pytest.approx(again + 2.5 * 0.5, abs=0.005)
    recorded = read_midi(session.recorder.path)
    assert max(n.onset for n in recorded) < 4 * 4 * 480, "the stop takes no time in the recording"


def test_a_jump_of_the_master_is_followed_in_the_bar(tmp_path: Path) -> None:
    clock = FakeClock(10.0)
    port = LoopbackPort(clock)
    master = Master(port, 11.0)
    master.order(START)
    master.play(6)  # beat 3 of the second bar
    master.order(bytes((0xF2, 0, 0)))  # a DAW's loop goes back to its beginning
    jumped = master.time
    master.play(30)
    session = followed(tmp_path, clock, port, 6)
    assert session.run()
    assert hanging(port.received()) == set()
    assert session.conductor.position(session.conductor.tick(jumped + 0.25)).bar == 1
    resumed = next(t for t in struck(port) if t > jumped - 0.001)
    assert resumed == pytest.approx(jumped, abs=0.03), "the bar line of the loop is where it plays on"


class Punctual(Parrot):
    """Notes when it was asked to play from where."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.times: list[tuple[float, int]] = []

    def ask(self, request: Request) -> None:
        self.times.append((self._clock.now(), request.start))
        super().ask(request)


def test_while_the_master_stands_still_the_bar_with_which_it_goes_on_is_planned(tmp_path: Path) -> None:
    clock = FakeClock(10.0)
    port, brain = LoopbackPort(clock), Punctual(clock)
    master = Master(port, 11.0)
    master.order(START)
    master.play(1.5)
    master.order(STOP)
    stopped = master.time
    master.time += 3.0
    master.order(CONTINUE)
    master.play(10)
    conductor = FollowedClock(Timeline((Tempo(0, 500_000),)))
    session = Session(DirectPartner(One(brain)), port, conductor, clock, tmp_path / "jam.mid", setup=Setup(bars=2))
    assert session.run()
    asked = [time for time, start in brain.times if start == 4 * BEAT]
    assert asked, "the next bar line was never planned"
    assert stopped <= asked[0] < stopped + 0.02
    assert max(asked) < stopped + 0.02, "it was planned once more"


def test_bars_are_counted_from_where_the_master_begins(tmp_path: Path) -> None:
    clock = FakeClock(10.0)
    port = LoopbackPort(clock)
    master = Master(port, 11.0)
    master.order(bytes((0xF2, 16 * 17 & 0x7F, 16 * 17 >> 7)))  # bar 18
    master.order(CONTINUE)
    master.play(12)
    master.order(STOP)
    assert followed(tmp_path, clock, port, 2).run()
    assert struck(port)[0] == pytest.approx(11.0, abs=0.03)
    assert len(struck(port)) == 8

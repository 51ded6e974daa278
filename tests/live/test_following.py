"""A whole session that follows a MIDI clock, on the loop-back port: it starts with its master, however fast."""

from pathlib import Path

import pytest
from jam_sources import Steady

from musegen.live.clock import FakeClock
from musegen.live.follow import FollowedClock
from musegen.live.partner import DirectPartner
from musegen.live.session import Session, Setup
from musegen.live.testing import LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.piece import Tempo

F8, START, STOP = b"\xf8", b"\xfa", b"\xfc"
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

"""Fault soak: nothing is left sounding and nothing goes unsaid, whatever fails; on the fake clock and on real ports."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest
from jack_rig import JackServer, Receiver, needs_jackd

from benchmarks.soak import KINDS, Soak
from musegen.live.clock import RealClock
from musegen.live.live_port import LivePort
from musegen.live.scheduler import Scheduler


@pytest.mark.parametrize("seed", range(5))
def test_faults_of_every_kind_leave_nothing_stuck_and_nothing_unsaid(seed: int) -> None:
    soak = Soak(seed)
    soak.run(6000)
    assert {kind.__name__ for kind in KINDS} <= set(soak.counts), "a kind of fault did not happen"
    assert soak.counts["notes sounded"] > 1000
    assert soak.counts["notes late"] > 0
    assert (soak.stuck, soak.doubled, soak.errors) == (0, 0, [])


@pytest.mark.jack
@needs_jackd
@pytest.mark.timeout(120)
def test_kills_at_random_moments_leave_nothing_stuck_at_a_real_receiver(
    jack: JackServer, listen: Callable[[JackServer, str], Receiver]
) -> None:
    chance = random.Random(1)
    clock = RealClock()
    port = LivePort("jack", "musegen-soak")
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    scheduler = Scheduler(clock, port)
    news: list[str] = []
    kills, struck, begin = 0, 0, clock.now()
    kill_at = begin + 1.0
    while clock.now() < begin + 14:
        now = clock.now()
        if now >= kill_at and port.up:
            os.kill(port.pid, signal.SIGKILL)
            kills += 1
            kill_at = now + chance.uniform(0.6, 2.0)
        if port.up:
            identity = scheduler.strike(now + chance.uniform(0, 0.3), chance.randrange(4), chance.randrange(40, 80), 80)
            scheduler.release(identity, now + chance.uniform(0.1, 3.0))
            struck += 1
        scheduler.advance()
        news += port.news()
        clock.wait_until(clock.now() + 0.02)
    scheduler.panic()
    time.sleep(0.2)
    port.close()
    received = receiver.stop()
    assert kills >= 5
    assert received.hanging() == set()
    assert sum("killed by SIGKILL" in text for text in news + port.news()) == kills
    assert struck / 4 < len(received.ons()) < struck

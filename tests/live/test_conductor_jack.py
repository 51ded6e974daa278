"""MIDI clock over real JACK ports, with masters and judges that are not musegen's: jack_midi_clock, jack_mclk_dump."""

import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jack_rig import JackServer, needs_jackd

from musegen.live.clock import RealClock
from musegen.live.clock_out import ClockOut
from musegen.live.follow import FollowedClock
from musegen.live.own_time import OwnTime
from musegen.live.ports import open_port
from musegen.live.timeline import Timeline
from musegen.piece import Tempo

pytestmark = [
    pytest.mark.jack,
    needs_jackd,
    pytest.mark.skipif(shutil.which("jack_midi_clock") is None, reason="jack-midi-clock is not installed (apt-get)"),
    pytest.mark.timeout(90),
]


@contextmanager
def running(jack: JackServer, *command: str, out: Path | None = None) -> Iterator[None]:
    """A program beside the test; interrupted at the end."""
    with open(out or "/dev/null", "wb") as log:
        process = subprocess.Popen(command, env=jack.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(2)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def transport(jack: JackServer, *words: str) -> None:
    """Order the JACK transport about."""
    lines = "".join(f"{word}\n" for word in (*words, "quit"))
    subprocess.run(["jack_transport"], input=lines, env=jack.environment, text=True, check=True, capture_output=True)


def connect(jack: JackServer, source: str, target: str) -> None:
    """Connect two ports as soon as both are there."""
    for _ in range(250):
        done = subprocess.run(["jack_connect", source, target], env=jack.environment, capture_output=True)
        if done.returncode == 0:
            return
        time.sleep(0.02)
    raise AssertionError(f"{source} and {target} cannot be connected: {jack.ports()}")


def test_follows_jack_midi_clock(jack: JackServer) -> None:
    port, follower, said = open_port("mgfollow"), FollowedClock(Timeline((Tempo(0, 700_000),))), []
    clicks: list[float] = []

    def run(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for at, message in port.receive():
                follower.hear(at, message)
                if message == b"\xf8" and follower.rolling:
                    clicks.append(at)
            said.extend(follower.update(time.perf_counter()))
            time.sleep(0.005)

    try:
        transport(jack, "stop", "locate 0")
        with running(jack, "jack_midi_clock", "-b", "123", "-P"):
            connect(jack, "jack_midi_clock:mclk_out", port.name.replace(":out", ":in"))
            run(0.3)
            assert not follower.rolling
            transport(jack, "play")
            run(4.0)
            assert follower.rolling
            assert follower.qpm == pytest.approx(123, abs=0.3)
            off = [follower.tick(at) - round(follower.tick(at)) for at in clicks[48:]]
            assert max(map(abs, off)) * 60 / 123 / 24 < 0.003
            assert round(follower.tick(clicks[-1])) == len(clicks) - 1  # no tick was lost
            transport(jack, "stop")
            run(0.5)
            assert not follower.rolling
            held = follower.tick(time.perf_counter())
            transport(jack, "play")
            run(3.5)
            assert follower.rolling
            assert follower.resume_tick % 96 == 0
            assert follower.resume_tick >= held
            assert follower.epoch == 3
        run(1.2)  # it ended without a stop, or with one: either way nothing rolls on
        assert not follower.rolling
    finally:
        transport(jack, "stop", "locate 0")
        port.close()


def test_our_clock_is_120_for_jack_mclk_dump(jack: JackServer, tmp_path: Path) -> None:
    port, clock, log = open_port("mgmaster"), RealClock(), tmp_path / "dump"
    own = OwnTime(Timeline(), clock)
    out = ClockOut(port.send)
    try:
        with running(jack, "stdbuf", "-oL", "jack_mclk_dump", "-n", out=log):
            connect(jack, port.name, "jack_mclk_dump:mclk_in")
            own.start(clock.now() + 0.3)
            end = clock.now() + 6.0
            while clock.now() < end:
                own.update(clock.now())
                out.update(own, clock.now(), clock.now() + port.lookahead)
                time.sleep(0.01)
            own.stop(clock.now())
            out.update(own, clock.now(), clock.now() + port.lookahead)
            time.sleep(0.3)
    finally:
        port.close()
    text = log.read_text(errors="replace")
    tempos = [float(found) for found in re.findall(r"CLK cur: +([\d.]+)\[BPM\]", text)]  # of each interval, unfiltered
    assert len(tempos) > 200, text[-500:]
    # A machine that stands still for a moment may move a few; the rest are exact to the frame.
    exact = sorted(tempos, key=lambda tempo: abs(tempo - 120))[: int(len(tempos) * 0.95)]
    assert statistics.fmean(exact) == pytest.approx(120.0, abs=0.01)
    assert statistics.pstdev(exact) <= 0.05
    assert "START" in text.upper(), text[:500]

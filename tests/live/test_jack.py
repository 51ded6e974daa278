"""Real JACK ports, another process receiving: timing, order, and silence whatever dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from jack_rig import PERIOD, RATE, JackServer, Received, Receiver, needs_jackd

from musegen.errors import PortError
from musegen.live.clock import RealClock
from musegen.live.ports import NoPort, available, open_port
from musegen.live.live_port import LivePort
from musegen.live.scheduler import Scheduler, Sound
from musegen.midi import read_midi

pytestmark = [pytest.mark.jack, needs_jackd, pytest.mark.timeout(60)]

Listen = Callable[[JackServer, str], Receiver]
BEAT = 0.3  # seconds, as in performance.py


class Performance:
    """performance.py as a process, its receiver connected before the first note."""

    def __init__(self, server: JackServer, listen: Listen, recording: Path, source: str, bars: str = "") -> None:
        self.recording = recording
        script = Path(__file__).with_name("performance.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(recording), source, bars],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=server.environment,
        )
        assert self.process.stdout
        assert self.process.stdin
        words = [self.process.stdout.readline().split() for _ in range(3)]
        self.port, self.model, self.sender = words[0][1], int(words[1][1]), int(words[2][1])
        self.receiver = listen(server, self.port)
        self.receiver.wait_ready()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def wait_playing(self) -> None:
        """Until three notes have sounded."""
        assert self.process.stdout
        assert self.process.stdout.readline() == "playing\n"

    def end(self) -> tuple[int, str, str]:
        """Wait for it; the exit status, standard output and standard error."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


Perform = Callable[..., Performance]


@pytest.fixture
def perform(listen: Listen, tmp_path: Path) -> Iterator[Perform]:
    started: list[Performance] = []

    def start(server: JackServer, source: str, bars: str = "") -> Performance:
        started.append(Performance(server, listen, tmp_path / "jam.mid", source, bars))
        return started[-1]

    yield start
    for performance in started:
        performance.kill()


def sounded_and_fell_silent(received: Received, at_least: int) -> None:
    assert len(received.ons()) >= at_least
    assert received.hanging() == set()
    ends = [m for m in received.messages if m[0] & 0xF0 == 0xB0]
    assert {bytes((0xB0, n, 0)) for n in (64, 123, 120)} <= set(ends)


def test_messages_arrive_at_their_frame_in_order(jack: JackServer, listen: Listen) -> None:
    port = open_port("musegen-test")
    assert port.name in jack.ports()
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    clock = RealClock()
    scheduler = Scheduler(clock, port)
    start = clock.now() + 0.3
    # Spaced 10.0137 ms, since 10 ms would keep a fixed place in the period; chords of four every tenth time.
    dues = [start + i * 0.0100137 for i in range(200) for _ in range(4 if i % 10 == 0 else 1)]
    for i, due in enumerate(dues):
        scheduler.play(Sound(due, 0.2, i % 4, 40 + i % 48, 80))
    while not scheduler.idle:
        scheduler.advance()
        clock.wait_until(clock.now() + 0.02)
    clock.wait_until(scheduler.last_time + 0.05)
    port.close()
    received = receiver.stop()
    assert port.name not in jack.ports()
    ons = [(frame, m) for _, frame, m in received.events if m[0] & 0xF0 == 0x90]
    assert len(ons) == len(dues)
    assert received.hanging() == set()
    assert [m[1] for _, m in ons] == [40 + i % 48 for i in range(len(dues))]
    wanted = [round((due - start) * RATE) for due in dues]
    got = [frame - ons[0][0] for frame, _ in ons]
    assert max(abs(g - w) for g, w in zip(got, wanted, strict=True)) <= 3, "frames between notes are not as scheduled"
    chords = [got[i : i + 4] for i in range(0, len(got) - 3, 13)]
    assert all(len(set(c)) == 1 for c in chords), "a chord was spread"
    late = sorted(t - due for (t, _), due in zip(received.ons(), dues, strict=True))
    assert abs(late[len(late) // 2]) < PERIOD / RATE, "received at another time than scheduled"


def test_a_jam_arrives_whole_and_is_recorded(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady(instruments=(0, 160, 512))", "2")
    assert jam.end() == (0, "playing\nlate 0\n", "")
    received = jam.receiver.stop()
    sounded_and_fell_silent(received, 8)
    ons = received.ons()
    assert [m[1] for _, m in ons] == [48 + i for i in range(8)]
    assert [m[0] & 15 for _, m in ons] == [0, 1, 9, 0, 1, 9, 0, 1]
    assert max(abs(b[0] - a[0] - BEAT) for a, b in pairwise(ons)) < 0.0005
    recorded = read_midi(jam.recording)
    assert [(n.onset, n.pitch) for n in recorded] == [(480 * i, 48 + i) for i in range(8)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signals_end_in_silence_and_success(jack: JackServer, perform: Perform, number: int) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    jam.process.send_signal(number)
    assert jam.end() == (0, "late 0\n", "")
    sounded_and_fell_silent(jam.receiver.stop(), 2)
    assert len(read_midi(jam.recording)) >= 2


def test_kill_of_the_model_process_is_silence_and_an_error(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    os.kill(jam.model, signal.SIGKILL)
    killed = time.perf_counter()
    assert jam.end() == (1, "", "musegen: The model process died (killed by SIGKILL).\n")
    received = jam.receiver.stop()
    sounded_and_fell_silent(received, 2)
    assert received.events[-1][0] < killed + 0.3, "the music went on without its model"
    assert len(read_midi(jam.recording)) >= 2


def test_an_error_in_the_model_process_is_one_sentence(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Failing(18)")
    assert jam.end() == (1, "playing\n", "musegen: The model stopped: ValueError: the weights hold a NaN\n")
    sounded_and_fell_silent(jam.receiver.stop(), 2)
    assert len(read_midi(jam.recording)) >= 2


def test_kill_of_the_parent_is_silence(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    time.sleep(1.8)  # long enough for a first save
    jam.process.kill()
    killed = time.perf_counter()
    jam.end()
    wait_for_end(jam.sender)
    wait_for_end(jam.model)
    received = jam.receiver.stop()
    sounded_and_fell_silent(received, 6)
    assert received.events[-1][0] < killed + 0.5
    assert len(read_midi(jam.recording)) >= 2, "kill -9 lost more than a few seconds"


def test_kill_of_the_sender_is_an_error_and_keeps_the_recording(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    os.kill(jam.sender, signal.SIGKILL)
    status, _, err = jam.end()
    assert status == 1
    assert err == "musegen: The MIDI port musegen:out has gone: its sender process ended.\n"
    assert len(read_midi(jam.recording)) >= 2


def test_sigterm_of_the_sender_is_silence(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    os.kill(jam.sender, signal.SIGTERM)
    assert jam.end()[0] == 1
    sounded_and_fell_silent(jam.receiver.stop(), 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_jack_server_is_one_sentence(mortal_jack: JackServer, perform: Perform, number: int) -> None:
    jam = perform(mortal_jack, "Steady()")
    jam.wait_playing()
    mortal_jack.stop(number)
    status, _, err = jam.end()
    assert status == 1
    assert err.startswith("musegen: The JACK server ")
    assert err.endswith("so the port musegen:out has gone.\n")
    assert err.count("\n") == 1
    assert len(read_midi(jam.recording)) >= 2
    wait_for_end(jam.sender)


def test_a_stopped_jack_server_is_noticed(mortal_jack: JackServer, perform: Perform) -> None:
    jam = perform(mortal_jack, "Steady()")
    jam.wait_playing()
    os.kill(mortal_jack.process.pid, signal.SIGSTOP)
    status, _, err = jam.end()
    assert status == 1
    assert err == "musegen: The JACK server stopped answering, so the port musegen:out has gone.\n"


def test_a_named_port_is_connected(jack: JackServer, listen: Listen) -> None:
    receiver = listen(jack, "")
    receiver.wait_ready()
    port = open_port("musegen-test", to="RECEIVER")
    port.send(bytes((0x90, 60, 80)), time.perf_counter() + 0.05)
    time.sleep(0.2)
    port.close()
    assert receiver.stop().messages[:2] == [bytes((0x90, 60, 80)), bytes((0x80, 60, 64))]


def test_a_port_that_is_not_there_is_an_error_that_lists_the_others(jack: JackServer, listen: Listen) -> None:
    listen(jack, "").wait_ready()
    with pytest.raises(PortError, match=r"^There is no MIDI port called 'synth'; there are: .*receiver:in"):
        open_port(to="synth")


def test_available_names_the_system_and_its_ports(jack: JackServer, listen: Listen) -> None:
    listen(jack, "").wait_ready()
    found = available()[0]
    assert (found.key, found.ready, found.virtual) == ("jack", True, True)
    assert "receiver:in" in found.outputs


def test_without_a_server_there_is_no_port_and_none_is_started(no_jack: None) -> None:
    assert isinstance(open_port(), NoPort)
    assert available()[0].missing.startswith("No JACK server is running")
    with pytest.raises(PortError, match=r"^No JACK server is running\.$"):
        LivePort("jack", "musegen")


def test_rtmidi_sends_from_its_own_process_too(jack: JackServer, listen: Listen) -> None:
    """The backend of macOS, Windows and ALSA, on the only system that this kind of machine has for it."""
    pytest.importorskip("rtmidi", reason="python-rtmidi has no wheel for this Python")
    port = LivePort("rtjack", "musegen-rt")
    receiver = listen(jack, "musegen-rt:out")
    receiver.wait_ready()
    clock = RealClock()
    scheduler = Scheduler(clock, port)
    start = clock.now() + 0.3
    for i in range(50):
        scheduler.play(Sound(start + i * 0.0200137, 0.01, 0, 40 + i, 80))
    while clock.now() < start + 0.7:
        scheduler.advance()
        clock.wait_until(clock.now() + 0.02)
    port.close()  # in the middle
    received = receiver.stop()
    assert received.hanging() == set()
    ons = received.ons()
    assert 30 <= len(ons) < 50
    assert [m[1] for _, m in ons] == list(range(40, 40 + len(ons)))
    errors = sorted(t - (start + i * 0.0200137) for i, (t, _) in enumerate(ons))
    assert abs(errors[len(errors) // 2]) < 4 * PERIOD / RATE


def wait_for_end(pid: int) -> None:
    """Until the process has gone; a zombie of somebody else's counts as gone."""
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")

"""Whole jams on real JACK ports, another process receiving: silence and playing on, whatever dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from jack_rig import JackServer, Received, Receiver, needs_jackd

from musegen.live.journal import recover
from musegen.live.live_port import LivePort
from musegen.live.messages import note_off, note_on
from musegen.midi import read_midi

pytestmark = [pytest.mark.jack, needs_jackd, pytest.mark.timeout(90)]

Listen = Callable[[JackServer, str], Receiver]
BEAT = 0.3  # seconds, as in performance.py


class Performance:
    """performance.py as a process, its receiver connected before the first note."""

    def __init__(self, server: JackServer, listen: Listen, recording: Path, source: str, *more: str) -> None:
        self.recording = recording
        script = Path(__file__).with_name("performance.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(recording), source, *more],
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

    def wait_for(self, line: str) -> None:
        """Until it says so."""
        assert self.process.stdout
        while (said := self.process.stdout.readline().rstrip("\n")) != line:
            assert said, f"it ended before it said {line!r}"

    def wait_playing(self) -> None:
        """Until notes sound (again)."""
        self.wait_for("playing")

    def stop(self) -> tuple[int, list[str], str]:
        """Ctrl-C; what `end` returns."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> tuple[int, list[str], str]:
        """Wait for it; the exit status, the lines of standard output that are left, and standard error."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out.splitlines(), err

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


Perform = Callable[..., Performance]


@pytest.fixture
def perform(listen: Listen, tmp_path: Path) -> Iterator[Perform]:
    started: list[Performance] = []

    def start(server: JackServer, source: str, *more: str) -> Performance:
        started.append(Performance(server, listen, tmp_path / "jam.mid", source, *more))
        return started[-1]

    yield start
    for performance in started:
        performance.kill()


def sounded_and_fell_silent(received: Received, at_least: int) -> None:
    assert len(received.ons()) >= at_least
    assert received.hanging() == set()
    ends = [m for m in received.messages if m[0] & 0xF0 == 0xB0]
    assert {bytes((0xB0, n, 0)) for n in (64, 123, 120)} <= set(ends)


def test_a_jam_arrives_whole_and_is_recorded(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady(instruments=(0, 160, 512))", "2")
    assert jam.end() == (0, ["playing", "late 0"], "")
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
    assert jam.end() == (0, ["late 0"], "")
    sounded_and_fell_silent(jam.receiver.stop(), 2)
    assert len(read_midi(jam.recording)) >= 2


def test_a_model_process_that_is_killed_is_started_again_and_plays_on_in_time(
    jack: JackServer, perform: Perform
) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    os.kill(jam.model, signal.SIGKILL)
    jam.wait_for("said The model plays again.")
    jam.wait_playing()
    status, _, err = jam.stop()
    assert (status, err) == (0, "")
    received = jam.receiver.stop()
    sounded_and_fell_silent(received, 6)
    gaps = [(b[0] - a[0]) / BEAT for a, b in pairwise(received.ons())]
    assert all(abs(gap - round(gap)) < 0.01 for gap in gaps), "it left the beat"


def test_an_error_in_the_model_process_is_one_sentence(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Failing(18)")
    status, _, err = jam.end()
    assert (status, err) == (1, "musegen: The model stopped: ValueError: the weights hold a NaN\n")
    received = jam.receiver.stop()
    assert received.hanging() == set()


def test_kill_of_the_parent_is_silence_and_loses_nothing(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    time.sleep(1.0)
    jam.process.kill()
    killed = time.perf_counter()
    jam.end()
    wait_for_end(jam.sender)
    wait_for_end(jam.model)
    received = jam.receiver.stop()
    sounded_and_fell_silent(received, 4)
    assert received.events[-1][0] < killed + 0.5
    assert recover(jam.recording.parent) == [jam.recording]
    assert abs(len(read_midi(jam.recording)) - len(received.ons())) <= 1


def test_kill_of_the_port_process_is_silence_and_it_plays_on(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "Steady()")
    jam.wait_playing()
    os.kill(jam.sender, signal.SIGKILL)
    jam.wait_playing()
    status, _, err = jam.stop()
    assert (status, err) == (0, "")
    received = jam.receiver.stop()
    assert received.hanging() == set()
    ons = received.ons()
    assert len(ons) >= 6
    gaps = [round((b[0] - a[0]) / BEAT, 2) for a, b in pairwise(ons)]
    assert all(abs(gap - round(gap)) < 0.05 for gap in gaps), "it left the beat"
    assert len(read_midi(jam.recording)) >= 6


def test_hands_on_a_keyboard_are_heard_answered_on_the_beat_and_recorded(jack: JackServer, perform: Perform) -> None:
    jam = perform(jack, "One()", "", "answer")
    keys = LivePort("jack", "keys", "musegen:in")
    begin = time.perf_counter() + 0.5
    for i in range(3):
        keys.send(note_on(0, 60, 90), begin + BEAT * i)
        keys.send(note_off(0, 60), begin + BEAT * (i + 0.5))
    time.sleep(begin + 12 * BEAT - time.perf_counter())
    keys.close()
    status, _, err = jam.stop()
    assert (status, err) == (0, "")
    received = jam.receiver.stop()
    assert received.hanging() == set()
    answer = received.ons()
    assert len(answer) in (3, 4)  # as many as the phrase touches beats
    assert {m[1] for _, m in answer} == {67}, "a fifth above what was played"
    waited = answer[0][0] - (begin + 2.5 * BEAT)
    assert BEAT * 0.95 < waited < BEAT * 2.05, "a beat of rest, and on to the next beat"
    assert max(abs(b[0] - a[0] - BEAT) for a, b in pairwise(answer)) < 0.001
    recorded = read_midi(jam.recording)
    assert recorded.part_names[0] == "player"
    assert len(recorded) == 3 + len(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_jack_server_is_no_end_of_the_jam(
    mortal_jack: JackServer, perform: Perform, number: int
) -> None:
    jam = perform(mortal_jack, "Steady()")
    jam.wait_playing()
    mortal_jack.stop(number)
    assert jam.process.stdout
    assert "JACK" in jam.process.stdout.readline()
    status, _, err = jam.stop()
    assert (status, err) == (0, "")
    assert len(read_midi(jam.recording)) >= 2
    wait_for_end(jam.sender)


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

"""A JACK server without a sound card, and a receiver in a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1"}
RATE, PERIOD = 48_000, 256


class JackServer:
    """`jackd -d dummy` under a name of its own. `-S`, because otherwise every xrun loses MIDI."""

    def __init__(self, name: str, log: Path, period: int = PERIOD) -> None:
        self.name = name
        self.environment = {**os.environ, **ENVIRONMENT, "JACK_DEFAULT_SERVER": name, "PYTHONPATH": str(ROOT)}
        command = ["jackd", "--realtime", "-P70", "-S", "-n", name, "-d", "dummy", "-r", str(RATE), "-p", str(period)]
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [*command, "-C", "0", "-P", "0"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.environment,
                start_new_session=True,
            )
        for _ in range(1500):
            if subprocess.run(["jack_lsp"], env=self.environment, capture_output=True).returncode == 0:
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"jackd did not start: {log.read_text(errors='replace')[-500:]}")

    def ports(self) -> list[str]:
        """The names of all its ports."""
        done = subprocess.run(["jack_lsp"], env=self.environment, capture_output=True, text=True)
        return done.stdout.split()

    def connect(self, source: str, destination: str) -> None:
        """Connect two ports as soon as both are there."""
        for _ in range(500):
            done = subprocess.run(["jack_connect", source, destination], env=self.environment, capture_output=True)
            if done.returncode == 0:
                return
            time.sleep(0.02)
        raise AssertionError(f"{source} and {destination} cannot be connected: {self.ports()}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; twice is once."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Received:
    """What a receiver saw: `events` are (seconds on `time.perf_counter`'s clock, frame, message)."""

    def __init__(self, path: Path) -> None:
        data = json.loads(path.read_text())
        self.events = [(seconds, frame, bytes.fromhex(message)) for frame, seconds, message in data["events"]]
        self.messages = [m for _, _, m in self.events]

    def hanging(self) -> set[tuple[int, int]]:
        """(channel, pitch) of each note-on that no note-off follows. Written here, not taken from musegen."""
        sounding = set()
        for message in self.messages:
            kind, key = message[0] & 0xF0, (message[0] & 15, message[1])
            if kind == 0x90 and message[2]:
                assert key not in sounding, f"{key} was struck twice without an off between"
                sounding.add(key)
            elif kind in (0x80, 0x90):
                sounding.discard(key)
        return sounding

    def ons(self) -> list[tuple[float, bytes]]:
        """The note-ons with their times."""
        return [(at, m) for at, _, m in self.events if m[0] & 0xF0 == 0x90]


class Receiver:
    """benchmarks/receiver.py as a process."""

    def __init__(self, server: JackServer, source: str, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.receiver", "receiver", source, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=server.environment,
            cwd=ROOT,
        )

    def wait_ready(self) -> None:
        """Until it is connected."""
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> Received:
        """End it and read what it saw."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        return Received(self._path)

    def kill(self) -> None:
        """End it without asking; twice is once."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


class Player:
    """jack_player.py as a process."""

    def __init__(self, server: JackServer, name: str, mode: str) -> None:
        self.port = f"{name}:out"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("jack_player.py")), name, mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=server.environment,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout
        assert self._out.readline() == "ready\n"

    def play(self, *messages: bytes) -> list[int]:
        """Send them, spaced evenly; returns the frame of each."""
        self._in.write(" ".join(m.hex() for m in messages) + "\n")
        self._in.flush()
        return [int(word) for word in self._out.readline().split()]

    def unplug(self) -> None:
        """End it in order; twice is once."""
        if self._process.poll() is None:
            self._in.close()
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:  # its server has gone
                self._process.kill()
                self._process.wait()
            self._out.close()


def connect(server: JackServer, source: str, destination: str) -> None:
    """As a person would in a patch bay."""
    subprocess.run(["jack_connect", source, destination], env=server.environment, check=True, capture_output=True)


needs_jackd = pytest.mark.skipif(
    shutil.which("jackd") is None, reason="jackd is not installed (apt-get install jackd2; .ci/run does)"
)

"""Ardour 7 as clock master and as recorder: `musegen jam` starts, stops and goes on with it, and sits on its grid."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path

import numpy as np
import pytest
from ardour import CLOCK, PERIOD, TRACK, TRIES, Ardour, Halted, Heard, needs_ardour
from jack_rig import RATE, JackServer, Received, Receiver, needs_jackd
from jam_process import READY, JamProcess

from musegen.midi import read_midi

pytestmark = [pytest.mark.jack, pytest.mark.slow, needs_jackd, needs_ardour, pytest.mark.timeout(240)]

QPM = 132  # neither the seed's tempo, nor a whole number of frames a tick
SECOND = QPM / 60  # in quarters
BAR = 4  # quarters
STOPPING = 0.2  # seconds in which Ardour stops, and we are silent


@pytest.fixture(scope="module")
def wide_jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JackServer]:
    server = JackServer(f"mgdaw{os.getpid()}", tmp_path_factory.mktemp("jack") / "log", PERIOD)
    yield server
    server.stop()


class Studio:
    """Ardour, and a jam that is connected to it both ways by its own options."""

    def __init__(self, server: JackServer, folder: Path, *arguments: str) -> None:
        self.folder, self._server = folder, server
        self._witness: Receiver | None = None
        self.ardour = Ardour(server, folder / "session", QPM)
        options = (
            "--mode",
            "solo",
            "--checkpoint",
            "lstm",
            "--seed",
            "chorale-bwv267",
            "--clock",
            "midi",
            "--seed-number",
            "1",
        )
        ports = ("--input", CLOCK, "--port", TRACK)
        self.jam = JamProcess(server, folder, *options, *ports, *arguments)

    def begin(self) -> None:
        self.jam.wait_for(f"Listening to {CLOCK}")
        self.ardour.do("arm")
        time.sleep(READY)
        self.ardour.do("roll")

    def witness(self) -> Receiver:
        """Somebody else who hears the jam."""
        self.jam.wait_for("Listening to")
        self._witness = Receiver(self._server, "musegen:out", self.folder / "witness.json")
        self._witness.wait_ready()
        return self._witness

    def close(self) -> None:
        if self._witness is not None:
            self._witness.kill()
        self.jam.kill()
        self.ardour.close()


Open = Callable[..., Studio]


@pytest.fixture
def studio(wide_jack: JackServer, tmp_path: Path) -> Iterator[Open]:
    opened: list[Studio] = []

    def start(*arguments: str) -> Studio:
        while opened:
            opened.pop().close()
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        opened.append(Studio(wide_jack, folder, *arguments))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def unless_halted(test: Callable[[Open], None]) -> Callable[[Open], None]:
    """Runs it again when Ardour halted; a halt is no pass and no failure."""

    @wraps(test)
    def run(studio: Open) -> None:
        for _ in range(TRIES):
            try:
                return test(studio)
            except Halted:
                continue
        pytest.skip(f"Ardour lost its JACK server in {TRIES} tries of {TRIES}: nothing was tried")

    return run


def on_grid(notes: list[Heard]) -> bool:
    """Whether they sit on it within 1 ms; a machine that is busy with other things may be late for one in twenty."""
    return bool(np.quantile(abs(off_grid(notes)), 0.95) < 0.001)


def off_grid(notes: list[Heard]) -> np.ndarray:
    """How far the onsets are from Ardour's 24 ticks a quarter, in seconds."""
    ticks = np.array([n.onset for n in notes]) * 24
    return np.asarray((ticks - np.round(ticks)) / 24 / SECOND)


def without_first(notes: list[Heard], beats: float = 0.5) -> list[Heard]:
    """Without those of the beats in which Ardour started: the clock's first pulses come while it does."""
    return [n for n in notes if n.onset - notes[0].onset > beats]


@unless_halted
def test_what_ardour_records_is_on_its_grid_and_is_what_we_recorded(studio: Open) -> None:
    room = studio("--bars", "4")
    room.begin()
    assert room.jam.end() == 0, room.jam.said
    room.ardour.do("stop")
    (notes,) = room.ardour.takes(1)
    error = off_grid(rest := without_first(notes)) * 1000
    print(
        f"{len(rest)} notes: p50 {np.median(abs(error)):.3f}, p99 {np.percentile(abs(error), 99):.3f}, "
        f"max {abs(error).max():.3f} ms off the grid; the first {notes[0].onset / SECOND * 1000:.1f} ms late"
    )
    assert len(notes) > 40
    assert 0 <= notes[0].onset < BAR, "it is to come in with Ardour's first bar"
    assert on_grid(rest)
    assert 12 < notes[-1].onset + notes[-1].duration <= 16.1, "in the last bar"
    (path,) = room.folder.glob("recordings/*.mid")
    ours = read_midi(path)
    assert sorted((round(n.onset * 24), n.pitch) for n in rest) == sorted(
        (round(n.onset / ours.ticks_per_quarter * 24), n.pitch) for n in ours if n.onset > ours.ticks_per_quarter / 2
    )
    tempos = [60e6 / t.microseconds for t in ours.tempos]
    assert tempos[-1] == pytest.approx(QPM, abs=0.1)


@unless_halted
def test_a_stop_in_ardour_is_silence_and_it_goes_on_from_where_ardour_goes_on(studio: Open) -> None:
    room = studio()
    witness = room.witness()  # Ardour's own recording ends with the stop, so it cannot tell
    room.begin()
    room.jam.wait_for("bar   1")
    time.sleep(0.7)
    room.ardour.do("stop")
    stopped = time.perf_counter()
    time.sleep(3.0)
    frame, rolls, _ = room.ardour.where()
    assert not rolls
    bar = 4 * RATE / SECOND
    room.ardour.do(f"locate {round(9 * bar)}")
    time.sleep(0.5)
    room.ardour.do("arm")
    again = time.perf_counter()
    room.ardour.do("roll")
    time.sleep(3.5 * bar / RATE)
    room.ardour.do("stop")
    time.sleep(0.5)
    assert room.jam.stop() == 0, room.jam.said
    received = witness.stop()
    assert received.hanging() == set()
    pause = [m for at, _, m in received.events if stopped + STOPPING < at < again]
    assert pause == [], "something was sent while Ardour stood still"
    assert sounding(received, stopped - 0.1), "nothing was there to be stopped"
    assert sounding(received, stopped + STOPPING) == set()
    first, second = room.ardour.takes(2)
    assert len(first) > 10
    assert max(n.onset for n in first) < frame / RATE * SECOND
    assert len(second) > 20
    assert 9 * BAR <= second[0].onset < 10 * BAR, "it is to come in with Ardour's tenth bar"
    for take in (first, second):
        assert on_grid(without_first(take, 1.5))


def sounding(received: Received, time: float) -> set[tuple[int, int]]:
    """The (channel, pitch) of what sounds at `time`."""
    keys: set[tuple[int, int]] = set()
    for at, _, message in received.events:
        if at <= time and message[0] & 0xE0 == 0x80:
            on = message[0] & 0x10 and message[2]
            (keys.add if on else keys.discard)((message[0] & 15, message[1]))
    return keys

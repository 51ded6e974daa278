"""fluidsynth as the listener: what `musegen jam` plays is heard, and silence is silence, in the audio itself."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from jack_rig import RATE, JackServer, needs_jackd
from jam_process import JamProcess

from musegen.midi import write_midi
from musegen.piece import Meter, Note, Piece, Tempo

SOUNDS = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
pytestmark = [
    pytest.mark.jack,
    pytest.mark.slow,
    needs_jackd,
    pytest.mark.skipif(
        shutil.which("fluidsynth") is None or not SOUNDS.exists(),
        reason="fluidsynth and TimGM6mb are not installed (apt-get install fluidsynth timgm6mb-soundfont)",
    ),
    pytest.mark.timeout(120),
]
LOUD, SILENT = 0.003, 0.0003  # root mean square of full scale: −50 and −70 dB
HEADER = 44  # bytes before the sound in what jack_rec writes
RELEASE = 1.5  # seconds in which a released note and the room around it die away
BEAT = 0.5  # seconds, at 120
PLAY = ("--checkpoint", "lstm", "--seed", "chorale-bwv267", "--tempo", "120")


def free_port() -> int:
    """A TCP port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Room:
    """fluidsynth on `server`, and a recorder of what it sounds like."""

    port = "room:midi_00"

    def __init__(self, server: JackServer, folder: Path) -> None:
        self._wav, self._server = folder / "room.wav", server
        self._programs: list[subprocess.Popen[bytes]] = []
        names = (f"midi.jack.server={server.name}", f"audio.jack.server={server.name}")
        options = (*names, "midi.jack.id=room", "audio.jack.id=room")
        flags = [word for option in options for word in ("-o", option)]
        # As a server (-s), because it ends at once otherwise.
        flags += ["-o", f"shell.port={free_port()}"]
        self._start("fluidsynth", "-i", "-s", "-a", "jack", "-m", "jack", *flags, "-r", str(RATE), str(SOUNDS))
        self._wait(lambda: {self.port, "room:right"} <= set(server.ports()))
        self._start("jack_rec", "-f", str(self._wav), "-d", "100", "-b", "16", "room:left", "room:right")
        self._wait(lambda: self._wav.exists() and self._frames() > RATE // 2)
        # The file grows in pieces, so that the earliest beginning is the true one.
        self._began = min(self._beginning() for _ in range(20))

    def _start(self, *command: str) -> None:
        none = subprocess.DEVNULL
        environment = self._server.environment
        self._programs.append(subprocess.Popen(command, env=environment, stdin=none, stdout=none, stderr=none))

    def _wait(self, ready: Callable[[], bool]) -> None:
        end = time.perf_counter() + 20
        while not ready():
            assert self._programs[-1].poll() is None, f"{self._programs[-1].args} ended"
            assert time.perf_counter() < end, f"{self._programs[-1].args} is not ready"
            time.sleep(0.02)

    def _frames(self) -> int:
        return max(0, self._wav.stat().st_size - HEADER) // 4

    def _beginning(self) -> float:
        time.sleep(0.01)
        return time.perf_counter() - self._frames() / RATE

    def hear(self, begin: float, end: float, step: float = 0.05) -> np.ndarray:
        """The loudness (root mean square; 1 is full scale) of every `step` seconds between two times of the clock."""
        last = round((end - self._began) * RATE)
        self._wait(lambda: self._frames() > last)
        first, size = round((begin - self._began) * RATE), round(step * RATE)
        data = np.frombuffer(self._wav.read_bytes()[HEADER:], "<i2", 2 * last).reshape(-1, 2)[first:] / 32768
        pieces = data[: len(data) // size * size].reshape(-1, 2 * size)
        return np.asarray(np.sqrt((pieces**2).mean(axis=1)))

    def close(self) -> None:
        """End both in order: a program that is killed may hold up the server."""
        for program in reversed(self._programs):
            program.terminate()
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


Start = Callable[..., JamProcess]


@pytest.fixture
def room(jack: JackServer, tmp_path: Path) -> Iterator[Room]:
    room = Room(jack, tmp_path)
    yield room
    room.close()


@pytest.fixture
def jam(jack: JackServer, room: Room, tmp_path: Path) -> Iterator[Start]:
    """Starts jams that play into the room."""
    started: list[JamProcess] = []

    def start(*arguments: str) -> JamProcess:
        started.append(JamProcess(jack, tmp_path, "--port", room.port, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def sounds(room: Room, begin: float, end: float) -> None:
    """The beats between these times are heard, but for a rest here and there."""
    assert np.mean(room.hear(begin, end, BEAT) > LOUD) > 0.8


def falls_silent(room: Room, stopped: float) -> None:
    """It sounded until `stopped`, and then no longer than a room does."""
    sounds(room, stopped - 2 * BEAT, stopped)
    time.sleep(RELEASE + 2.0)
    assert max(room.hear(stopped + RELEASE, stopped + RELEASE + 1.5)) < SILENT


def playing(jam: JamProcess) -> float:
    """Wait into the middle of the notes of the second bar; a time since when something was to be heard."""
    first = jam.wait_for("bar   1")
    time.sleep(2.25 * BEAT)
    return first - 3 * BEAT


def test_every_beat_is_heard_and_ctrl_c_in_the_middle_of_a_chord_is_silence(room: Room, jam: Start) -> None:
    begin = playing(one := jam(*PLAY))
    stopped = time.perf_counter()
    assert one.stop() == 0, one.said
    sounds(room, begin, stopped)
    falls_silent(room, stopped)


def test_the_last_bar_ends_in_silence(room: Room, jam: Start) -> None:
    one = jam(*PLAY, "--bars", "4")
    assert one.end() == 0, one.said
    ended = one.wait_for("bar   4")
    sounds(room, ended - 15 * BEAT, ended - BEAT)
    time.sleep(RELEASE + 2.0)
    assert max(room.hear(ended + RELEASE, ended + RELEASE + 1.5)) < SILENT


def test_kill_of_the_music_process_is_silence(room: Room, jam: Start) -> None:
    begin = playing(one := jam(*PLAY))
    one.process.kill()
    killed = time.perf_counter()
    sounds(room, begin, killed)
    falls_silent(room, killed)


def test_kill_of_the_port_process_plays_on_and_a_stop_is_silence(room: Room, jam: Start) -> None:
    playing(one := jam(*PLAY))
    os.kill(one.child("musegen.live.sender"), signal.SIGKILL)
    one.wait_for("is back")
    time.sleep(8 * BEAT)
    stopped = time.perf_counter()
    assert one.stop() == 0, one.said
    sounds(room, stopped - 6 * BEAT, stopped)
    falls_silent(room, stopped)


def test_both_hands_are_heard(room: Room, jam: Start, tmp_path: Path) -> None:
    notes = [Note(480 * i, 480, pitch, 100) for i, pitch in enumerate((72, 74, 76, 79))]
    piece = Piece.from_notes(notes, 480, tempos=(Tempo(0, 500_000),), meters=(Meter(0, 4, 4),), part_names=("",))
    write_midi(piece, tmp_path / "phrase.mid")
    heard = {}
    for thru in ([], ["--thru"]):
        began = time.perf_counter()
        options = (
            "--player",
            "phrase.mid",
            "--mode",
            "answer",
            "--checkpoint",
            "lstm",
            "--tempo",
            "120",
            "--bars",
            "4",
        )
        one = jam(*options, *thru)
        assert one.end() == 0, one.said
        time.sleep(RELEASE)
        heard[bool(thru)] = room.hear(began, time.perf_counter(), BEAT) > LOUD
    alone, both = (int(heard[thru].sum()) for thru in (False, True))
    assert alone >= 3, "the answer is not heard"
    assert both >= alone + 3, "the player's phrase is not heard"

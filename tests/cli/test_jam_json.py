"""`musegen jam --json` as the studio runs it: a real process, real lines, no MIDI system; `musegen ports --json`."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from musegen.midi import read_midi, write_midi
from musegen.piece import Meter, Note, Piece, Tempo

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ, "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": "mg-no-such-server", "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
}  # fmt: skip
PITCHES = (60, 62, 64, 65)
F_SETPIPE_SZ = 1031  # Linux: fcntl.F_SETPIPE_SZ


class Jam:
    """`musegen jam --json OPTIONS` and what it says."""

    def __init__(self, folder: Path, *options: str, read: bool = True) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "musegen", "jam", "--json", "--record", "takes", *options],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        self.lines: list[dict[str, Any]] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        if read:
            self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._more:
                self.lines.append(json.loads(line))
                self._more.notify()

    def send(self, **command: Any) -> None:
        self.write(json.dumps(command).encode() + b"\n")

    def write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait(self, true: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Until there is something that `true` finds in the lines."""
        with self._more:
            assert self._more.wait_for(true, seconds), f"it never came, but: {self.lines[-3:]}"
            return true()

    def of(self, kind: str) -> list[Any]:
        return [line[kind] for line in list(self.lines) if kind in line]

    def notes(self) -> list[tuple[float, int]]:
        """(time, pitch) of every note-on that went out."""
        return [(at, int(x[2:4], 16)) for line in self.of("midi") for at, x in line if x[0] == "9" and x[4:] != "00"]

    def sounded(self, count: int = 1) -> None:
        """Wait until so many notes have sounded: they are told ahead of their time."""
        self.wait(lambda: [f for f in self.of("frame") if sum(at + 0.1 < f["now"] for at, _ in self.notes()) >= count])

    def end(self) -> tuple[int, str]:
        """Close its input; exit status and standard error."""
        assert self.process.stdin and self.process.stderr
        self.process.stdin.close()
        return self.over()

    def over(self) -> tuple[int, str]:
        """Exit status and standard error, when it has ended by itself."""
        assert self.process.stderr
        status = self.process.wait(60)
        if self._reader.ident:
            self._reader.join(10)
        return status, self.process.stderr.read().decode()

    def recording(self) -> Path:
        (path,) = (self.folder / "takes").glob("jam-*.mid")
        return path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Jam]]:
    jams: list[Jam] = []

    def start(*options: str, **how: bool) -> Jam:
        jams.append(Jam(tmp_path, *options, **how))
        return jams[-1]

    yield start
    for jam in jams:
        if jam.process.poll() is None:
            jam.process.kill()
            jam.process.wait()


@pytest.fixture
def scale(tmp_path: Path) -> str:
    """A bar of quarters at 150 a minute."""
    notes = [Note(480 * i, 240, pitch, 80) for i, pitch in enumerate(PITCHES)]
    write_midi(Piece.from_notes(notes, 480, tempos=(Tempo(0, 400_000),), meters=(Meter(0, 4, 4),)), tmp_path / "s.mid")
    return "s.mid"


def test_a_knob_is_heard_in_what_goes_out_later_and_the_end_of_its_input_saves(
    start: Callable[..., Jam], scale: str
) -> None:
    jam = start("--loop-seed", "--mode", "solo", "--seed", scale)
    jam.wait(lambda: len(jam.notes()) >= 4)
    assert list(jam.lines[0]) == ["hello"]
    first = jam.of("frame")[0]
    assert first["full"] and first["recording"].endswith(jam.of("hello")[0]["recording"])
    jam.send(knob="transpose", value=12)
    later = jam.wait(lambda: [n for n in jam.notes() if n[1] not in PITCHES][:5])
    frame = jam.wait(lambda: [f for f in jam.of("frame") if "knobs" in f and f["knobs"][8]["value"] == 12])
    assert frame[0]["knobs"][8]["text"] == "+12" and "full" not in frame[0]
    assert all(pitch - 12 in PITCHES for _, pitch in later)
    assert all(later[0][0] <= at for at, pitch in jam.notes() if pitch not in PITCHES)
    jam.wait(lambda: [f for f in jam.of("frame") if f["now"] > later[0][0] + 0.1])  # it has sounded
    status, complaint = jam.end()
    assert (status, complaint) == (0, "")
    assert list(jam.lines[-1]) == ["ended"]
    assert jam.lines[-1]["ended"]["error"] == ""
    assert (jam.folder / jam.lines[-1]["ended"]["recording"]).samefile(jam.recording())
    heard = [pitch for _, pitch in sorted(jam.notes())]
    recorded = [int(note.pitch) for note in read_midi(jam.recording())]
    assert later[0][1] in recorded
    assert recorded == heard[: len(recorded)], "all that was told, but for what the end cut off"


def test_messages_are_told_before_they_sound(start: Callable[..., Jam], scale: str) -> None:
    """Their time is later than that of the frame before them: the page can be on time."""
    jam = start("--loop-seed", "--mode", "solo", "--seed", scale)
    jam.wait(lambda: len(jam.notes()) >= 8)
    jam.end()
    ahead, now = [], 0.0
    for line in jam.lines:
        now = line["frame"]["now"] if "frame" in line else now
        ahead += [at - now for at, x in line.get("midi", []) if x[0] == "9"]
    assert sorted(ahead)[len(ahead) // 2] > 0.05


def test_what_is_played_on_the_page_is_answered(start: Callable[..., Jam]) -> None:
    jam = start("--tempo", "160")
    jam.wait(lambda: [f for f in jam.of("frame") if f["rolling"]])
    assert jam.of("frame")[0]["mode"] == "answer", "somebody can always play on the page"
    for pitch in (60, 64, 67, 65, 64):
        jam.send(midi=f"90{pitch:02x}50")
        time.sleep(0.25)
        jam.send(midi=f"80{pitch:02x}40")
    jam.wait(lambda: len(jam.notes()) >= 2)
    player = {n[3] for f in jam.of("frame") for n in f.get("notes", []) if n[6] == 0}
    assert player == {60, 64, 67, 65}
    own = jam.wait(lambda: {n[3] for f in jam.of("frame") for n in f.get("notes", []) if n[6] == 1})
    assert own <= {pitch for _, pitch in jam.notes()} | own
    assert jam.wait(lambda: [f for f in jam.of("frame") if f["speed"] > 0])
    jam.send(do="panic")
    jam.wait(lambda: jam.of("cancel")[-1:] and any("Silence" in text for text in jam.of("say")))
    status, _ = jam.end()
    assert status == 0
    assert {int(note.pitch) for note in read_midi(jam.recording())} >= player


def test_wrong_commands_are_said_and_the_music_goes_on(start: Callable[..., Jam], scale: str) -> None:
    jam = start("--loop-seed", "--mode", "solo", "--seed", scale)
    jam.write(b'\xff\xfe nonsense\n{"knob": "loudness", "value": 1}\n{"do": "fly"}\n{"midi": "90"}\n[]\n{"ping": 3}\n')
    jam.wait(lambda: jam.of("pong"))
    assert jam.of("pong") == [3] and len(jam.of("say")) == 5
    count = len(jam.notes())
    jam.wait(lambda: len(jam.notes()) > count + 2)
    jam.send(full=True)
    jam.wait(lambda: [f for f in jam.of("frame")[1:] if f.get("full")])
    jam.send(do="quit")
    assert jam.over() == (0, "")


def test_a_reader_that_stops_reading_holds_up_nothing(start: Callable[..., Jam], scale: str) -> None:
    """Nobody takes a line from a pipe of one page; the performance comes to its end by itself, on its grid."""
    jam = start("--loop-seed", "--mode", "solo", "--seed", scale, "--bars", "5", read=False)
    assert jam.process.stdout
    if sys.platform == "linux":
        fcntl.fcntl(jam.process.stdout, F_SETPIPE_SZ, 4096)
    status, complaint = jam.over()
    assert (status, complaint) == (0, "")
    notes = [(int(n.onset), int(n.pitch)) for n in read_midi(jam.recording()).at_resolution(24)]
    begin = notes[0][0] - 24 * PITCHES.index(notes[0][1])  # a busy machine may have rested for a bar
    steps = [round((onset - begin) / 24) for onset, _ in notes]
    assert [onset - begin for onset, _ in notes] == pytest.approx([24 * step for step in steps], abs=2)
    assert [pitch for _, pitch in notes] == [PITCHES[step % 4] for step in steps]
    assert notes[-1][1] == PITCHES[-1] and len(notes) >= 8


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM on Windows")
def test_sigterm_ends_it_as_ever(start: Callable[..., Jam], scale: str) -> None:
    jam = start("--loop-seed", "--mode", "solo", "--seed", scale)
    jam.sounded()
    jam.process.send_signal(signal.SIGTERM)
    assert jam.over() == (0, "")
    assert Path(jam.lines[-1]["ended"]["recording"]).name == jam.recording().name


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seed", "nowhere.mid"], "nowhere.mid"),
        (["--checkpoint", "nobody"], "nobody"),
        (["--tempo", "9000"], "--tempo must be"),
        (["--fast"], "--json is for playing in real time: leave out --fast."),
    ],
)
def test_what_cannot_begin_says_why(start: Callable[..., Jam], options: list[str], sentence: str) -> None:
    jam = start(*options)
    status, complaint = jam.over()
    assert status == 1 and complaint.count("\n") == 1
    ended = jam.of("ended")
    assert len(ended) == 1 and sentence in ended[0]["error"] and ended[0]["recording"] == ""
    assert f"musegen: {ended[0]['error']}\n" == complaint


def test_ports_as_json() -> None:
    command = [sys.executable, "-m", "musegen", "ports", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT, timeout=60)
    (systems,) = json.loads(done.stdout).values()
    assert systems and all(
        set(s) == {"name", "ready", "missing", "outputs", "inputs", "virtual"} and (s["ready"] or s["missing"])
        for s in systems
    )

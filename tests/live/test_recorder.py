"""What is written down: both hands, when they played, at the tempo they played at."""

import math
import random
import subprocess
import sys
from pathlib import Path

import mido
import pytest

from musegen.errors import FileError, SettingsError
from musegen.live.follow import FollowedClock
from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.own_time import OwnTime
from musegen.live.recorder import MOST_BARS, Recorder
from musegen.live.take import FINER
from musegen.live.testing import FakeClock, LoopbackPort
from musegen.live.timeline import Timeline
from musegen.midi import read_midi
from musegen.piece import DRUMS, Key, Meter, Note, Piece, Tempo

LINE = Timeline((Tempo(0, 500_000),), (Meter(0, 4, 4),), (Key(0, 2),))
QUARTER = 24 * FINER


class Room:
    """A recorder with a clock, a conductor and a loop-back port; tick 0 is at 10 s, and 48 ticks are a second."""

    def __init__(self, folder: Path, line: Timeline = LINE, begins: float = 10.0) -> None:
        self.clock = FakeClock()
        self.time = OwnTime(line, self.clock)
        self.time.start(begins)
        self.port = LoopbackPort(self.clock)
        self.recorder = Recorder(self.port, self.clock, self.time, folder / "jam.mid", "A jam")

    def model(self, onset: float, end: float, pitch: int, channel: int = 0) -> None:
        """The model's note between two clock times, handed over when it is due."""
        self.until(onset)
        self.recorder.send(note_on(channel, pitch, 90), onset)
        self.recorder.send(note_off(channel, pitch), end)

    def player(self, time: float, message: bytes) -> None:
        """Something the player does at `time`."""
        self.port.feed(time, message)
        self.until(time)

    def until(self, time: float) -> None:
        """Let time pass in the driver's steps."""
        while self.clock.now() < time:
            self.clock.wait_until(min(time, self.clock.now() + 0.02))
            self.time.update(self.clock.now())
            self.recorder.receive()

    def file(self) -> Piece:
        """What is written a second later."""
        self.until(self.clock.now() + 1)
        self.recorder.close()
        return read_midi(self.recorder.path)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_both_hands_have_tracks_of_their_own(room: Room) -> None:
    room.recorder.send(program_change(0, 48), 9.9)
    room.recorder.send(program_change(1, 33), 9.9)
    room.player(9.95, program_change(3, 4))
    room.model(10.0, 11.0, 40, channel=1)
    room.model(10.5, 11.5, 72)
    room.player(11.0, note_on(3, 60, 77))
    room.player(11.25, note_on(9, 36, 99))
    room.player(11.5, note_off(9, 36))
    room.player(12.0, note_off(3, 60))
    piece = room.file()
    assert piece.part_names == ("player", "player 2", "model: ensemble", "model: bass")
    assert sorted(piece) == [
        Note(0, 2 * QUARTER, 40, 90, 33, 3),
        Note(QUARTER, 2 * QUARTER, 72, 90, 48, 2),
        Note(2 * QUARTER, 2 * QUARTER, 60, 77, 4, 0),
        Note(5 * QUARTER // 2, QUARTER // 2, 36, 99, DRUMS, 1),
    ]
    assert piece.metadata.title == "A jam"
    assert piece.keys == (Key(0, 2),)


def test_what_is_received_is_handed_on_and_what_is_sent_goes_out(room: Room) -> None:
    room.port.feed(10.5, note_on(0, 60, 80))
    room.port.feed(10.5, b"\xf8")
    room.clock.wait_until(10.6)
    assert room.recorder.receive() == [(10.5, note_on(0, 60, 80)), (10.5, b"\xf8")]
    room.recorder.send(b"\xfa", 10.7)
    room.model(10.7, 10.8, 50)
    room.until(11.0)
    assert [m for _, m in room.port.received()] == [b"\xfa", note_on(0, 50, 90), note_off(0, 50)]


def test_the_tempo_map_is_as_it_was_played(room: Room) -> None:
    played = []
    for i in range(40):
        time = 10.0 + 0.37 * i
        room.model(time, time + 0.3, 60 + i)
        played.append(time - 10.0)
        if i == 10:
            room.time.set_tempo(137.31)
        if i == 25:
            room.time.set_tempo(61.7)
    piece = room.file()
    assert [t.microseconds for t in piece.tempos] == [500_000, round(60e6 / 137.31), round(60e6 / 61.7)]
    # A tick is at most 2 ms long here: nothing is further off than its rounding.
    assert piece.seconds(piece.notes["onset"]) == pytest.approx(played, abs=0.0015)


def test_a_jittery_master_gives_a_tempo_map_without_its_jitter(tmp_path: Path) -> None:
    clock, rng = FakeClock(), random.Random(1)
    master, port = FollowedClock(LINE), LoopbackPort(clock)
    recorder = Recorder(port, clock, master, tmp_path / "jam.mid")
    asked: list[int] = []
    ask = master.tempo_map
    master.tempo_map = lambda since=-math.inf: asked.append(len(ask(since))) or ask(since)  # type: ignore[method-assign,func-returns-value]
    port.feed(0.5, b"\xfa")
    for tick in range(48 * 60):  # a minute at 120, the second half of it at 100
        due = 1 + tick / 48 if tick < 1440 else 31 + (tick - 1440) / 40
        port.feed(due + rng.uniform(-0.003, 0.003), b"\xf8")
    played: list[float] = []
    while clock.now() < 66.5:
        clock.wait_until(clock.now() + 0.01)
        for time, message in recorder.receive():
            master.hear(time, message)
        master.update(clock.now())
        if master.tick(clock.now()) >= 24 * len(played):
            recorder.send(note_on(0, 60, 90), clock.now())
            recorder.send(note_off(0, 60), clock.now() + 0.2)
            played.append(clock.now())
    recorder.close()
    piece = read_midi(recorder.path)
    assert len(ask()) > 300
    assert 2 <= len(piece.tempos) < 30
    seconds = piece.seconds(piece.notes["onset"])
    assert seconds - seconds[0] == pytest.approx([t - played[0] for t in played], abs=0.005)
    assert max(asked) < 50  # never all of it: that would take longer every hour


def test_a_change_of_tempo_too_small_to_hear_is_not_written(room: Room) -> None:
    for i in range(50):
        room.until(10 + 0.1 * i)
        room.time.set_tempo(120 + 0.02 * (-1) ** i)
    room.model(16, 17, 60)
    assert len(room.file().tempos) == 1


def test_standing_still_takes_no_time(room: Room) -> None:
    room.model(10.0, 10.5, 60)
    room.until(11.0)
    room.time.stop(11.0)
    room.player(14.0, note_on(0, 30, 80))  # trying something out meanwhile
    room.player(14.5, note_off(0, 30))
    room.until(20.0)
    room.time.start(20.0)  # from the next bar line
    room.model(20.0, 20.5, 62)
    piece = room.file()
    assert [(n.onset, n.pitch) for n in piece] == [(0, 60), (4 * QUARTER, 62)]


def test_what_is_played_into_the_count_in_is_a_pickup(room: Room) -> None:
    room.player(9.5, note_on(0, 67, 80))
    room.player(9.75, note_off(0, 67))
    room.player(10.01, note_on(0, 72, 80))
    room.player(11.0, note_off(0, 72))
    piece = room.file()
    assert [(n.onset, n.pitch) for n in piece] == [(3 * QUARTER, 67), (4 * QUARTER + round(0.48 * FINER), 72)]


def test_the_pedal_is_in_the_file(room: Room) -> None:
    room.player(10.0, note_on(2, 60, 80))
    room.player(10.25, control(2, 64, 127))
    room.player(10.25, control(2, 20, 5))  # a knob, not an instrument
    room.player(10.5, note_off(2, 60))
    room.player(11.5, control(2, 64, 0))
    room.recorder.close()
    now, pedal, notes = 0, [], []
    for message in mido.MidiFile(room.recorder.path).tracks[1]:
        now += message.time
        if message.type == "control_change":
            pedal.append((now, message.control, message.value))
        if message.type.startswith("note"):
            notes.append((now, message.type))
    assert pedal == [(QUARTER // 2, 64, 127), (3 * QUARTER, 64, 0)]
    assert notes == [(0, "note_on"), (QUARTER, "note_off")]  # as long as the key was down


def test_a_key_struck_again_ends_its_older_note(room: Room) -> None:
    room.player(10.0, note_on(0, 60, 80))
    room.player(11.0, note_on(0, 60, 70))
    room.player(11.5, note_off(0, 60))
    assert [(n.onset, n.duration) for n in room.file()] == [(0, 2 * QUARTER), (2 * QUARTER, QUARTER)]


def test_what_was_cancelled_is_not_written(room: Room) -> None:
    room.until(10.0)
    room.recorder.send(note_on(0, 60, 80), 10.0)
    room.until(10.1)
    room.recorder.send(note_on(0, 64, 80), 11.0)
    room.recorder.cancel()
    room.until(12.0)
    assert [n.pitch for n in room.file()] == [60]


def test_notes_that_sound_are_in_the_piece_so_far(room: Room) -> None:
    room.model(10.0, 10.5, 60)
    room.player(10.5, note_on(0, 50, 80))
    room.until(11.5)
    assert [(n.onset, n.duration, n.pitch) for n in room.recorder.piece()] == [
        (0, QUARTER, 60),
        (QUARTER, 2 * QUARTER, 50),
    ]


def test_nothing_played_leaves_nothing_behind(room: Room, tmp_path: Path) -> None:
    room.until(12.0)
    room.recorder.close()
    room.recorder.close()
    assert not room.recorder.saved
    assert list(tmp_path.iterdir()) == []


# --- the last bars ---------------------------------------------------------------------------------------------------


def test_keep_writes_the_last_whole_bars_and_what_is_begun(room: Room) -> None:
    for bar in range(4):  # of two seconds
        room.model(10 + 2 * bar, 10.5 + 2 * bar, 60 + bar)
    room.player(16.5, note_on(0, 40, 80))  # from the fourth bar on, still held
    room.player(17.0, control(0, 64, 127))
    room.player(17.5, note_on(0, 41, 80))
    room.model(18.0, 18.5, 64)
    room.player(18.5, note_off(0, 41))  # over the bar line at 18 s
    room.model(20.0, 20.5, 65)
    room.until(21.0)  # in the middle of bar 6
    path = room.recorder.keep(1)
    assert path.name == "kept-jam-bars-5-6.mid"
    kept = read_midi(path)
    assert [(n.onset, n.duration, n.pitch) for n in kept] == [
        (0, 6 * QUARTER, 40),
        (0, QUARTER, 41),
        (0, QUARTER, 64),
        (4 * QUARTER, QUARTER, 65),
    ]
    assert kept.keys == (Key(0, 2),)
    assert kept.part_names == ("player", "model: piano")
    pedal = [m for m in mido.MidiFile(path).tracks[1] if m.type == "control_change"]
    assert [(m.time, m.control, m.value) for m in pedal] == [(0, 64, 127)]
    assert room.recorder.keep(1) != path
    assert len(room.recorder.keep(64).read_bytes()) > len(path.read_bytes())


def test_keep_has_the_tempo_of_its_bars(room: Room) -> None:
    room.model(10.0, 10.5, 60)
    room.until(12.0)
    room.time.set_tempo(90)
    room.model(15.0, 15.5, 62)
    room.until(30.0)
    room.model(31.0, 31.5, 64)
    room.until(32.0)
    assert [t.microseconds for t in read_midi(room.recorder.keep(2)).tempos] == [666_667]


def test_keep_says_what_it_cannot_do(room: Room) -> None:
    with pytest.raises(SettingsError, match="Nothing was played in the last 8 bars"):
        room.recorder.keep()
    for bars in (0, MOST_BARS + 1):
        with pytest.raises(SettingsError, match="1 to 64"):
            room.recorder.keep(bars)


# --- hour ten, and when things go wrong ------------------------------------------------------------------------------


def test_a_long_session_stays_small_in_memory_and_whole_in_the_file(room: Room) -> None:
    held = []
    for i in range(4000):  # four to a bar: 1000 bars
        room.clock.wait_until(10 + i / 2)
        room.recorder.receive()
        room.recorder.send(note_on(0, 40 + i % 40, 90), 10 + i / 2)
        room.recorder.send(note_off(0, 40 + i % 40), 10.4 + i / 2)
        room.port.feed(10.2 + i / 2, control(0, 64, i % 2 * 127))
        held.append(len(room.recorder._take.notes) + len(room.recorder._take.moves))
    assert max(held) == max(held[:600]) <= 2 * 4 * (MOST_BARS + 4)
    assert len(room.file()) == 4000


def test_while_the_port_is_gone_nothing_sounds_and_nothing_is_written(room: Room) -> None:
    room.port.unplug(11.0, until=13.0)
    room.until(10.0)
    room.recorder.send(note_on(0, 60, 90), 10.0)
    room.recorder.send(note_off(0, 60), 14.0)
    room.model(12.0, 12.5, 62)
    room.model(15.0, 15.5, 64)
    piece = room.file()
    assert [(n.onset, n.pitch) for n in piece] == [(0, 60), (10 * QUARTER, 64)]
    assert piece.notes["duration"].tolist() == pytest.approx([2 * QUARTER, QUARTER], abs=20)  # one step of the driver


def test_a_place_that_cannot_be_written_to_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the recording cannot be begun"):
        Room(tmp_path / "file")


FULL = """
import resource, sys, time
from pathlib import Path
from musegen.errors import FileError
from musegen.live.clock import RealClock
from musegen.live.messages import note_off, note_on
from musegen.live.own_time import OwnTime
from musegen.live.recorder import Recorder
from musegen.live.testing import LoopbackPort
from musegen.live.timeline import Timeline

clock = RealClock()
conductor = OwnTime(Timeline(), clock)
conductor.start(clock.now())
recorder = Recorder(LoopbackPort(clock), clock, conductor, Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))  # no file grows beyond it: the disk is full
errors = []
for i in range(100):
    recorder.send(note_on(0, i, 80), clock.now())
    recorder.send(note_off(0, i), clock.now() + 0.001)
    time.sleep(0.005)
    recorder.receive()
    try:
        recorder.check()
    except FileError as error:
        errors.append(str(error))
print(len(errors), errors[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a file")
def test_a_full_disk_is_said_once_and_the_music_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "jam.mid"
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=30, check=True, cwd=root
    )
    assert done.stdout.startswith("1 ")
    assert "jam.journal: the recording cannot be written" in done.stdout
    assert [n.pitch for n in read_midi(path)] == list(range(100))  # the disk had room again before the end

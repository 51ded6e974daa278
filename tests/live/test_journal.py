"""The journal: what is left after kill -9, and what is made of it at the next start."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from musegen.errors import FileError
from musegen.live.journal import Journal, parse, recover
from musegen.live.messages import control, note_off, note_on
from musegen.live.session import new_recording
from musegen.live.timeline import Timeline
from musegen.midi import read_midi
from musegen.piece import Key, Meter, Note, Tempo

LINE = Timeline((Tempo(0, 500_000), Tempo(96, 400_000)), (Meter(0, 3, 4), Meter(72, 4, 4)), (Key(0, -3, True),))

VICTIM = """
import sys, time
from pathlib import Path
from musegen.live.clock import RealClock
from musegen.live.messages import note_off, note_on
from musegen.live.own_time import OwnTime
from musegen.live.recorder import Recorder
from musegen.live.testing import LoopbackPort
from musegen.live.timeline import Timeline

clock = RealClock()
conductor = OwnTime(Timeline(), clock)
conductor.start(clock.now())
port = LoopbackPort(clock)
recorder = Recorder(port, clock, conductor, Path(sys.argv[1]), "Cut short")
recorder.send(note_on(1, 20, 80), clock.now())  # held to the end
for i in range(10_000):
    due = clock.now() + 0.01
    recorder.send(note_on(0, 60 + i % 2, 1 + i % 127), due)
    recorder.send(note_off(0, 60 + i % 2), due + 0.005)
    port.feed(due, note_on(0, 30 + i % 2, 1 + i % 127))
    port.feed(due + 0.005, note_off(0, 30 + i % 2))
    clock.wait_until(due + 0.01)
    conductor.update(clock.now())
    recorder.receive()
    print(i, due, flush=True)
"""


def test_kill_9_loses_nothing_older_than_a_fifth_of_a_second(tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    path = tmp_path / "jam.mid"
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(path)], stdout=subprocess.PIPE, text=True, cwd=root, start_new_session=True
    )
    assert victim.stdout is not None
    try:
        victim.stdout.readline()
        time.sleep(1.5)
        assert recover(tmp_path) == []  # it is alive
    finally:
        died = time.perf_counter()
        victim.kill()
        said = victim.stdout.read().splitlines()
        victim.wait()
        victim.stdout.close()
    old = [i for i, due in (line.split() for line in said) if float(due) + 0.005 < died - 0.2]
    assert len(old) > 20
    assert not path.exists()
    assert recover(tmp_path) == [path]
    piece = read_midi(path)
    assert piece.part_names == ("player", "model: piano", "model: piano 2")
    assert piece.metadata.title == "Cut short"
    for part, lowest in ((0, 30), (1, 60)):
        notes = [n for n in piece if n.part == part]
        struck = [1 + i % 127 for i in range(len(notes))]
        assert [n.velocity for n in notes] == struck  # each of them, in order, up to the last
        assert len(notes) > int(old[-1])
        assert {n.pitch for n in notes} == {lowest, lowest + 1}
    held = next(n for n in piece if n.part == 2)
    assert held.duration / (24 * 20) * 0.5 > float(said[-1].split()[1]) - float(said[0].split()[1]) - 0.5
    assert recover(tmp_path) == []
    assert [p.name for p in tmp_path.iterdir()] == ["jam.mid"]


def written(path: Path) -> Journal:
    journal = Journal(path, "Title", LINE)
    journal.tempo(0, [(0.0, 0.02), (24.0, 0.021)])
    journal.tempo(1, [(48.0, 0.025)])
    journal.message("player", 0.0, note_on(0, 60, 80))
    journal.message("model", 24.0, note_on(0, 40, 70))
    journal.message("player", 24.0, control(0, 64, 100))
    journal.message("player", 48.0, note_off(0, 60))
    journal.add(72.5)
    return journal


def test_what_is_read_is_what_was_added(tmp_path: Path) -> None:
    journal = written(tmp_path / "a.journal")
    for recorded in (journal.read(), parse((tmp_path / "a.journal").read_bytes())):
        assert recorded is not None
        assert (recorded.title, recorded.timeline) == ("Title", LINE)
        assert recorded.knots == [(0.0, 0.02), (48.0, 0.025)]
        assert recorded.end == 72.5
        assert [(n.who, n.onset, n.end, n.pitch) for n in recorded.take.notes] == [("player", 0, 48, 60)]
        assert [(n.who, n.onset, n.end, n.pitch) for n in recorded.take.sounding(72.5)] == [("model", 24, 72.5, 40)]
        assert [(m.tick, m.number, m.value) for m in recorded.take.moves] == [(24, 64, 100)]
    journal.close(remove=True)
    assert not journal.path.exists()


def test_a_journal_cut_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    journal = written(tmp_path / "a.journal")
    journal.flush()
    journal.close(remove=False)
    data = journal.path.read_bytes()
    lines = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for length in range(len(data) + 1):
        whole = sum(end <= length for end in lines)
        recorded = parse(data[:length])
        assert (recorded is None) == (whole == 0)
        if recorded is not None:
            struck = len(recorded.take.notes) + len(recorded.take.sounding(99))
            assert struck == (whole >= 5) + (whole >= 6)


def test_what_was_killed_is_recovered_and_what_is_alive_is_left(tmp_path: Path) -> None:
    alive, dead = written(tmp_path / "alive.journal"), written(tmp_path / "dead.journal")
    for journal in (alive, dead):
        journal.flush()
    dead.close(remove=False)
    assert recover(tmp_path) == [tmp_path / "dead.mid"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alive.journal", "dead.mid"]
    piece = read_midi(tmp_path / "dead.mid")
    assert sorted(piece) == [Note(0, 960, 60, 80, 0, 0), Note(480, 970, 40, 70, 0, 1)]
    assert [(t.tick, t.microseconds) for t in piece.tempos] == [(0, 480_000), (960, 600_000)]
    assert piece.meters == (Meter(0, 3, 4), Meter(1440, 4, 4))
    alive.close(remove=True)


def test_nothing_else_in_the_folder_is_touched(tmp_path: Path) -> None:
    (tmp_path / "diary.journal").write_text("Dear diary,\n")
    (tmp_path / "new.journal").touch()  # another process is just beginning it
    (tmp_path / "old.journal").touch()
    os.utime(tmp_path / "old.journal", (0, 0))
    Journal(tmp_path / "silent.journal", "", Timeline()).close(remove=False)
    assert recover(tmp_path) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["diary.journal", "new.journal"]


def test_two_cannot_write_the_same_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal", "", Timeline())
    with pytest.raises(FileError, match="cannot be begun"):
        Journal(tmp_path / "a.journal", "", Timeline())
    journal.close(remove=True)


def test_two_jams_in_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    now = datetime(2026, 5, 1, 12)
    journal = Journal(new_recording(tmp_path, now).with_suffix(".journal"), "", Timeline())
    assert [p.name for p in (journal.path, new_recording(tmp_path, now))] == [
        "jam-20260501-120000.journal",
        "jam-20260501-120000-2.mid",
    ]
    journal.close(remove=True)


def test_what_cannot_be_made_a_file_stays_a_journal(tmp_path: Path) -> None:
    journal = written(tmp_path / "a.journal")
    journal.flush()
    journal.close(remove=False)
    (tmp_path / "a.mid").mkdir()  # nothing can be written there
    with pytest.raises(FileError, match=r"a\.mid: the file cannot be written"):
        recover(tmp_path)
    (tmp_path / "a.mid").rmdir()
    assert recover(tmp_path) == [tmp_path / "a.mid"]

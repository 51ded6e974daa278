"""`musegen jam` and `musegen ports` as a person runs them: processes, real ports, a real (small) model."""

import argparse
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from jack_rig import ENVIRONMENT, ROOT, JackServer, needs_jackd

from musegen.cli.band import read_seed
from musegen.cli.jam import configure
from musegen.midi import read_midi, write_midi
from musegen.piece import Key, Meter, Note, Piece, Tempo

pytestmark = pytest.mark.timeout(60)

ARPEGGIO = [Note(240 * i, 240, (60, 64, 67, 72, 67, 64)[i % 6], 80) for i in range(24)]


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    piece = Piece.from_notes(
        ARPEGGIO, 480, tempos=(Tempo(0, 375_000),), meters=(Meter(0, 3, 4),), keys=(Key(0, 0),), part_names=("",)
    )
    write_midi(piece, tmp_path / "arpeggio.mid")
    return tmp_path / "arpeggio.mid"


def musegen(folder: Path, *arguments: str, server: str = "mg-no-such-server") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "musegen", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT, "JACK_DEFAULT_SERVER": server, "PYTHONPATH": str(ROOT)},
    )


def done(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    out, err = process.communicate(timeout=40)
    return process.returncode, out.splitlines(), err


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def test_where_there_is_no_midi_system_it_says_so_and_writes_a_recording_and_its_sound(
    seed: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    status, lines, err = done(musegen(tmp_path, "jam", "--seed", str(seed), "--loop-seed", "--bars", "2"))
    assert (status, err) == (0, "")
    assert lines[0].startswith("This machine has no MIDI system")
    assert time.monotonic() - began > 2 * 3 * 0.375, "it is to play in real time"
    recording = only(tmp_path, "recordings/jam-*.mid")
    assert any(f"Recorded 12 notes to recordings/{recording.name}" in x for x in lines)
    piece = read_midi(recording)
    assert [(n.onset, n.duration, n.pitch) for n in piece] == [(n.onset, n.duration, n.pitch) for n in ARPEGGIO[:12]]
    assert (piece.tempos, piece.meters, piece.keys) == ((Tempo(0, 375_000),), (Meter(0, 3, 4),), (Key(0, 0),))
    with wave.open(str(only(tmp_path, "recordings/jam-*.wav"))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        assert sound.getnframes() / sound.getframerate() > 2 * 3 * 0.375
    assert np.abs(samples).max() > 1000


def test_fast_plays_on_with_a_model_and_equal_numbers_give_equal_music(
    seed: Path, tmp_path: Path, untrained: Path
) -> None:
    command = ("jam", "--seed", str(seed), "--checkpoint", str(untrained), "--fast", "--bars", "4", "--no-wav")
    runs = [
        musegen(tmp_path, *command, "--record", f"run{i}", "--key", "D dorian", "--seed-number", str(i // 2))
        for i in range(3)
    ]
    for run in runs:
        status, lines, err = done(run)
        assert (status, err) == (0, "")
        shown = [x for x in lines if x.startswith("bar ")]
        assert 3 <= len(shown) <= 4, "the last may be a rest"
    pieces = [read_midi(only(tmp_path, f"run{i}/*.mid")) for i in range(3)]
    assert pieces[0] == pieces[1]
    assert pieces[0] != pieces[2]
    assert {int(p) % 12 for p in pieces[0].notes["pitch"]} <= {2, 4, 5, 7, 9, 11, 0}
    assert pieces[0].end <= 4 * 3 * 480
    assert not list(tmp_path.glob("run*/*.wav"))


def test_a_file_as_hands_is_answered_and_both_are_recorded(seed: Path, tmp_path: Path, untrained: Path) -> None:
    command = (
        "jam",
        "--player",
        str(seed),
        "--phrase-bars",
        "2",
        "--checkpoint",
        str(untrained),
        "--fast",
        "--bars",
        "4",
    )
    status, lines, err = done(musegen(tmp_path, *command, "--meter", "3/4", "--tempo", "160", "--no-wav"))
    assert (status, err) == (0, "")
    assert lines[0] == "Answering what you play, 4 bars into a recording."
    piece = read_midi(only(tmp_path, "recordings/*.mid"))
    assert piece.part_names[0] == "player"
    hands = [n for n in piece if n.part == 0]
    assert [n.onset for n in hands] == [n.onset for n in ARPEGGIO]
    answers = [n.onset for n in piece if n.part != 0]
    assert answers
    assert min(answers) == 2 * 3 * 480, "on the bar line after two bars"


def test_what_a_killed_jam_left_is_recovered_by_the_next(seed: Path, tmp_path: Path) -> None:
    jam = musegen(tmp_path, "jam", "--seed", str(seed), "--loop-seed")
    assert jam.stdout
    while not jam.stdout.readline().startswith("bar   1"):
        pass
    jam.kill()
    jam.communicate()
    journal = only(tmp_path, "recordings/*.journal")
    status, lines, err = done(musegen(tmp_path, "jam", "--seed", str(seed), "--loop-seed", "--fast", "--bars", "1"))
    assert (status, err) == (0, "")
    assert lines[0] == f"Recovered a recording that was cut short: recordings/{journal.stem}.mid"
    assert len(read_midi(journal.with_suffix(".mid"))) >= 6
    assert not journal.exists()


@pytest.mark.jack
@needs_jackd
def test_ctrl_c_ends_a_jam_well(seed: Path, tmp_path: Path, jack: JackServer) -> None:
    process = musegen(tmp_path, "jam", "--seed", str(seed), "--loop-seed", server=jack.name)
    assert process.stdout
    first = process.stdout.readline()
    assert first == "Playing arpeggio on the MIDI port musegen:out; Ctrl-C stops.\n"
    assert "musegen:out" in jack.ports()
    while not process.stdout.readline().startswith("bar   1"):
        pass
    process.send_signal(signal.SIGINT)
    status, lines, err = done(process)
    assert (status, err) == (0, "")
    assert lines[-1].startswith("Recorded ")
    assert "musegen:out" not in jack.ports()
    assert not list(tmp_path.glob("recordings/*.wav")), "a .wav is for machines without MIDI"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--bars", "0"], "--bars must be at least 1, not 0."),
        (["--tempo", "1000"], "--tempo must be 10 to 400 quarter notes a minute, not 1000."),
        (["--fast", "--port", "x"], "--fast goes to a recording only: leave out --port, --input and --listen."),
        (["--record", "/dev/null/x"], "/dev/null/x: Not a directory"),
        (["--density", "7"], "density is 7; it must lie in -1 … 1."),
        (["--key", "H dur"], "'H dur' is not a key: begin with a note name, as in 'D dorian', 'F# minor' or 'Bb'."),
        (["--channels", "2,17"], "--channels '2,17' is not a list of different channels 1-16, such as 2,3,5."),
        (["--clock", "midi", "--clock-out"], "Only one can conduct: leave out --clock-out or --clock."),
        (["--fast", "--clock", "midi"], "--fast cannot follow another clock: leave out --clock."),
        (["--split", "200"], "--split must be a MIDI pitch, 1 to 127 (60 is middle C), not 200."),
        (["--learn", "volume"], "There is no action 'volume'; the actions are "),
    ],
)
def test_bad_options_are_one_sentence(seed: Path, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    status, lines, err = done(musegen(tmp_path, "jam", "--seed", str(seed), "--loop-seed", *arguments))
    assert (status, lines) == (1, [])
    assert err.startswith(f"musegen: {sentence}")
    assert err.count("\n") == 1


def test_a_model_that_cannot_be_loaded_is_one_sentence_and_records_nothing(
    seed: Path, tmp_path: Path, untrained: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in untrained.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[: 100 if file.suffix == ".safetensors" else None])
    status, lines, err = done(
        musegen(tmp_path, "jam", "--seed", str(seed), "--checkpoint", str(broken), "--fast", "--bars", "4")
    )
    assert status == 1
    assert err.count("\n") == 1
    assert "model.safetensors cannot be read" in err
    assert lines == []
    assert not list(tmp_path.glob("recordings/*"))


@pytest.mark.jack
@needs_jackd
def test_ports_lists_what_is_there(tmp_path: Path, jack: JackServer) -> None:
    status, lines, err = done(musegen(tmp_path, "ports", server=jack.name))
    assert (status, err) == (0, "")
    assert lines[0] == "JACK: ready"


def test_ports_says_what_is_missing(tmp_path: Path) -> None:
    status, lines, err = done(musegen(tmp_path, "ports"))
    assert (status, err) == (0, "")
    assert any("JACK" in x for x in lines)
    assert not any("Traceback" in x for x in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_before_anything_has_begun_is_no_error(seed: Path, tmp_path: Path) -> None:
    """As a terminal sends it: to every process of the command, while it still looks for ports."""
    jam = subprocess.Popen(
        [sys.executable, "-m", "musegen", "jam", "--seed", str(seed), "--loop-seed", "--no-wav"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT, "JACK_DEFAULT_SERVER": "mg-no-such-server", "PYTHONPATH": str(ROOT)},
        process_group=0,
    )
    give_up = time.monotonic() + 20
    while not looking_for_ports(jam.pid) and time.monotonic() < give_up:
        time.sleep(0.002)
    os.killpg(jam.pid, signal.SIGINT)
    status, lines, err = done(jam)
    assert (status, err) == (0, "")
    assert lines[-1] == "Nothing was played, so nothing was recorded."


def looking_for_ports(pid: int) -> bool:
    """Whether the process has started the one that lists ports."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return any(b"musegen.live.sender" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children)


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        ([], "solo"),
        (["--input", "x"], "answer"),
        (["--player", "x"], "answer"),
        (["--input", "x", "--clock", "midi"], "answer"),
        (["--input", "x", "--clock", "midi", "--seed", "jig"], "solo"),
        (["--input", "x", "--mode", "loop"], "loop"),
    ],
)
def test_who_plays_is_answered_and_a_seed_under_a_clock_is_played(arguments: list[str], mode: str) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    args = parser.parse_args(arguments)
    seed = read_seed(args, bool(args.input or args.player))
    assert args.mode == mode
    assert (len(seed) > 0) == (mode == "solo"), "otherwise the hands begin"

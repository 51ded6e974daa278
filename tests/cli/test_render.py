"""`musegen render` from the command line: real files, sounded by real fluidsynth where it is installed."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from musegen import audio
from musegen.cli.main import main
from musegen.midi import write_midi
from musegen.piece import Note, Piece

needs_fluidsynth = pytest.mark.skipif(
    audio.fluidsynth_module() is None, reason="the fluidsynth library is not installed"
)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tune of two seconds, on an organ: A4, then A5."""
    monkeypatch.chdir(tmp_path)
    write_midi(Piece.from_notes([Note(0, 48, 69, 100, 19, 0), Note(48, 48, 81, 100, 19, 0)]), "tune.mid")
    return tmp_path


def sound(path: str) -> tuple[np.ndarray, int]:
    with wave.open(path) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return data.mean(axis=1), file.getframerate()


def loudest(second: np.ndarray) -> int:
    """The frequency, in Hz, with the most power in a second of sound, above 200 Hz."""
    return int(np.abs(np.fft.rfft(second))[200:].argmax()) + 200


def test_without_any_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "tune.mid"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("rendered/tune.wav (") and said.count("\n") == 1
    samples, rate = sound("rendered/tune.wav")
    assert len(samples) == pytest.approx((2 + audio.TAIL) * rate, abs=2)
    first, second = samples[:rate], samples[rate : 2 * rate]
    assert min(abs(loudest(first) - 440 * k) for k in (1, 2, 4)) <= 4
    assert min(abs(loudest(second) - 880 * k) for k in (1, 2, 4)) <= 4
    assert (loudest(first), loudest(second)) != (880, 880)


@needs_fluidsynth
def test_a_soundfont_of_ones_own(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(audio.soundfont_path(), "mine.sf2")
    assert main(["render", "tune.mid", "--soundfont", "mine.sf2"]) == 0
    assert capsys.readouterr().out == "rendered/tune.wav (fluidsynth with mine.sf2)\n"


@needs_fluidsynth
@pytest.mark.parametrize("name", ["tune.mid", "nowhere.sf2"])
def test_what_is_not_a_soundfont(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "tune.mid", "--soundfont", name]) == 1
    said = capfd.readouterr().err
    assert said.splitlines()[-1] == f"musegen: {name} is not a SoundFont that fluidsynth can load (.sf2 or .sf3)."
    assert "fluidsynth:" not in said, "the library printed its own complaint"
    assert not list(Path("rendered").glob("*"))


def test_a_soundfont_without_fluidsynth(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audio, "fluidsynth_module", lambda: None)
    assert main(["render", "tune.mid", "--soundfont", "mine.sf2"]) == 1
    assert "which is not here: for real instruments install the fluidsynth library" in capsys.readouterr().err


def test_several_files(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("tune.mid", "other.mid")
    assert main(["render", "tune.mid", "other.mid", "tune.mid", "--out", "heard"]) == 0
    assert sorted(p.name for p in Path("heard").iterdir()) == ["other.wav", "tune.wav"]
    assert capsys.readouterr().out.startswith("2 files in heard: tune.wav … other.wav (")


def test_two_files_of_one_name_are_not_written_over_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b").mkdir()
    shutil.copy("tune.mid", "b")
    assert main(["render", "tune.mid", "b/tune.mid"]) == 1
    assert "tune.mid and b/tune.mid would both become rendered/tune.wav" in capsys.readouterr().err
    assert not Path("rendered").exists()


@pytest.mark.parametrize("content", [None, b"MThd\x00\x00\x00\x06\x00\x01\x00\x01"], ids=["absent", "cut short"])
def test_what_cannot_be_read(content: bytes | None, capsys: pytest.CaptureFixture[str]) -> None:
    if content:
        Path("bad.mid").write_bytes(content)
    assert main(["render", "bad.mid"]) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("musegen: ")]
    assert "bad.mid" in line
    assert not list(Path("rendered").glob("*"))


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
@pytest.mark.parametrize(("kind", "begins"), [("flac", b"fLaC"), ("ogg", b"OggS")])
def test_other_formats(kind: str, begins: bytes) -> None:
    assert main(["render", "tune.mid", "--format", kind]) == 0
    assert Path(f"rendered/tune.{kind}").read_bytes().startswith(begins)

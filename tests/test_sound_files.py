"""Sound files are read again by another program, sox, and hold what was written."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from musegen import sound_files
from musegen.errors import FileError
from musegen.sound_files import write_sound

RATE = 32_000
HERE = [n for n in ("ffmpeg", "flac", "oggenc", "sox") if shutil.which(n)]
HAVE_SOUNDFILE = importlib.util.find_spec("soundfile") is not None


def tone(seconds: float = 1.0) -> npt.NDArray[np.float64]:
    """A4 on the left, silence on the right, (N, 2)."""
    left = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)
    return np.stack([left, np.zeros_like(left)], axis=1)


def read(path: Path) -> npt.NDArray[np.float64]:
    """A WAV file's samples (N, channels); other formats through sox."""
    if path.suffix != ".wav":
        subprocess.run(["sox", path, "-b", "16", path.with_suffix(".wav")], check=True, capture_output=True)
        path = path.with_suffix(".wav")
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    samples: npt.NDArray[np.float64] = data / 32767
    return samples


def only(monkeypatch: pytest.MonkeyPatch, *programs: str, package: bool = False) -> None:
    """A machine on which nothing else can write sound."""
    which = shutil.which
    monkeypatch.setattr(sound_files.shutil, "which", lambda name: which(name) if name in programs else None)
    if not package:
        monkeypatch.setitem(sys.modules, "soundfile", None)
        monkeypatch.setattr(sound_files, "find_spec", lambda name: None)


def test_wav_is_exact(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", tone(), RATE)
    assert np.abs(read(tmp_path / "a.wav") - tone()).max() <= 0.5 / 32767 + 1e-12


def test_loud_samples_are_turned_down_as_a_whole(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", np.array([[3.0], [-1.5], [0.0]]), RATE)
    assert (read(tmp_path / "a.wav") * 32767).ravel().tolist() == [32767, -16384, 0]


WRITERS = [
    pytest.param(writer, kind, marks=pytest.mark.skipif(not here, reason=f"{writer} is not installed"))
    for kind, writers in (("flac", ("ffmpeg", "flac", "sox")), ("ogg", ("ffmpeg", "oggenc", "sox")))
    for writer, here in [*((w, w in HERE) for w in writers), ("soundfile", HAVE_SOUNDFILE)]
]


@pytest.mark.skipif("sox" not in HERE, reason="sox, which reads the files again, is not installed")
@pytest.mark.parametrize(("writer", "kind"), WRITERS)
def test_every_writer_keeps_the_sound(writer: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, writer, package=writer == "soundfile")
    path = tmp_path / f"a.{kind}"
    write_sound(path, tone(3.0), RATE)
    assert path.read_bytes()[:4] == {"flac": b"fLaC", "ogg": b"OggS"}[kind]
    assert path.stat().st_size < 3 * RATE * 4 / 2, "it is not smaller than WAV by half"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    got, want = read(path), tone(3.0)
    assert got.shape == want.shape
    worst = {"flac": 1e-4, "ogg": 0.02}[kind]
    assert np.sqrt(((got - want) ** 2).mean()) < worst
    assert np.abs(got[:, 1]).max() < 0.01, "the channels ran together"


@pytest.mark.parametrize("kind", ["flac", "ogg"])
def test_a_machine_that_can_write_neither(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    with pytest.raises(FileError, match=f"Nothing here can write {kind.upper()}: run  pip install soundfile"):
        write_sound(tmp_path / f"a.{kind}", tone(), RATE)
    write_sound(tmp_path / "a.wav", tone(), RATE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_an_encoder_that_fails_is_named_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sox").write_text("#!/bin/sh\necho 'no vorbis here' >&2\nexit 2\n")
    (programs / "sox").chmod(0o755)
    only(monkeypatch, "sox")
    monkeypatch.setattr(sound_files.shutil, "which", lambda name: str(programs / name) if name == "sox" else None)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with pytest.raises(FileError, match=r"could not be written as OGG \(sox says: no vorbis here\): choose WAV"):
        write_sound(tmp_path / "a.ogg", tone(), RATE)
    assert not (tmp_path / "a.ogg").exists()


@pytest.mark.parametrize("name", ["a.mp3", "a", "a.mid"])
def test_other_formats_are_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"sound files end in \.wav, \.flac, \.ogg\.$"):
        write_sound(tmp_path / name, tone(), RATE)
    assert not list(tmp_path.iterdir())

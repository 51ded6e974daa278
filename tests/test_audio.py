"""Rendered sound is measured: its length, its pitch, that it is not silence. Real fluidsynth where it is installed."""

from __future__ import annotations

import builtins
import sys
import time
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from musegen import audio
from musegen.errors import FileError, PortError
from musegen.midi import write_midi
from musegen.piece import DRUMS, Note, Piece, Tempo

# A second of A4 on an organ, a second of rest, a second of drums.
ORGAN = Note(0, 48, 69, 100, 19, 0)
PIECE = Piece.from_notes([ORGAN, *[Note(96 + 12 * i, 6, 38, 110, DRUMS, 1) for i in range(4)]])
HAVE_FLUIDSYNTH = audio.fluidsynth_module() is not None
needs_fluidsynth = pytest.mark.skipif(not HAVE_FLUIDSYNTH, reason="the fluidsynth library is not installed")


@pytest.fixture
def no_fluidsynth(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine without the library does: importing pyfluidsynth raises ImportError."""
    real = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> object:
        if name == "fluidsynth" and level == 0:  # pretty_midi has a module of that name inside
            raise ImportError("Couldn't find the FluidSynth library.")
        return real(name, globals, locals, fromlist, level)

    monkeypatch.delitem(sys.modules, "fluidsynth", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)


def load(path: Path) -> npt.NDArray[np.float64]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (audio.RATE, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    mono: npt.NDArray[np.float64] = data.mean(axis=1) / 32768
    return mono


def check(path: Path) -> None:
    """Three seconds of PIECE and a tail: A4 sounds, then little, then drums, then little."""
    sound = load(path)
    assert len(sound) == pytest.approx((2 + 42 / 48 + audio.TAIL) * audio.RATE, abs=2)
    level = [float(np.sqrt((sound[int(a * audio.RATE) : int(b * audio.RATE)] ** 2).mean())) for a, b in SPANS]
    assert level[0] > 0.01
    assert level[2] > 0.005
    assert level[1] < level[0] / 4
    assert level[3] < level[2] / 4
    spectrum = np.abs(np.fft.rfft(sound[: audio.RATE]))
    peak = int(spectrum[20:].argmax()) + 20  # bins are 1 Hz apart
    assert min(abs(peak - 440 * k) for k in (1, 2, 4)) <= 4


SPANS = ((0.1, 0.9), (1.6, 2.0), (2.0, 2.6), (4.0, 4.8))


@needs_fluidsynth
def test_fluidsynth(tmp_path: Path) -> None:
    assert audio.render(PIECE, tmp_path / "a.wav") == "fluidsynth with TimGM6mb.sf2"
    check(tmp_path / "a.wav")


def test_fallback(tmp_path: Path, no_fluidsynth: None) -> None:
    made_by = audio.render(PIECE, tmp_path / "a.wav")
    assert made_by.startswith("plain sine waves")
    assert "install" in made_by
    assert "\n" not in made_by
    check(tmp_path / "a.wav")


def test_a_file_is_rendered(tmp_path: Path) -> None:
    write_midi(PIECE, tmp_path / "a.mid")
    audio.render(tmp_path / "a.mid", tmp_path / "a.wav")
    check(tmp_path / "a.wav")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mid", "a.wav"]


def test_an_empty_piece_is_a_short_silence(tmp_path: Path) -> None:
    audio.render(Piece.from_notes([]), tmp_path / "a.wav")
    sound = load(tmp_path / "a.wav")
    assert len(sound) == pytest.approx(audio.TAIL * audio.RATE, abs=2)
    assert np.abs(sound).max() < 0.001


def test_a_wall_of_sound_does_not_clip(tmp_path: Path) -> None:
    wall = Piece.from_notes([Note(0, 24, 40 + i % 12, 127, 61, i // 12) for i in range(180)])
    audio.render(wall, tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav")) as file:
        data = np.abs(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int))
    assert data.max() > 16_000
    assert (data >= 32767).mean() < 1e-4


def test_what_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="lasts 139 minutes, too long"):
        audio.render(Piece.from_notes([Note(24 * 500, 1, 60)], tempos=(Tempo(0, 16_700_000),)), tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


def test_live_without_the_library(no_fluidsynth: None) -> None:
    with pytest.raises(PortError, match="fluidsynth library is not installed"):
        audio.LiveSynth()


@needs_fluidsynth
def test_live_without_a_card(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PortError, match="No sound device could be opened"):
        audio.LiveSynth(driver="nothing")
    assert capfd.readouterr().err == ""


@needs_fluidsynth
def test_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fluidsynth's own "file" driver is a sound card that writes down what it is given."""
    monkeypatch.chdir(tmp_path)
    synth = audio.LiveSynth(driver="file")
    synth.program(0, 19)
    synth.note_on(0, 69, 100)
    time.sleep(0.3)
    synth.note_off(0, 69)
    synth.all_off()
    synth.close()
    synth.close()
    (recorded,) = tmp_path.iterdir()
    sound = np.frombuffer(recorded.read_bytes()[44:], "<i2")
    assert np.abs(sound.astype(int)).max() > 1000

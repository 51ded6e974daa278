"""Sound as files: WAV by ourselves, FLAC and OGG by whatever on this machine can write them.

The format is the path's suffix. FLAC and OGG (Vorbis) are written by the package soundfile where it is installed,
else by the first of ffmpeg, oggenc or flac, and sox that is there. Knows nothing of notes or synthesisers.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import wave
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from .atomic import write_atomically
from .errors import FileError

Samples = npt.NDArray[np.float64]

FORMATS = ("wav", "flac", "ogg")

_QUALITY = "2"
"""Of Vorbis, −1 to 10: some 48 kbit/s a channel, at which a piano still sounds like one."""

_PROGRAMS = {
    "flac": {
        "ffmpeg": ("-v", "error", "-i", "{wav}", "{out}"),
        "flac": ("--silent", "-o", "{out}", "{wav}"),
        "sox": ("{wav}", "{out}"),
    },
    "ogg": {
        "ffmpeg": ("-v", "error", "-i", "{wav}", "-c:a", "libvorbis", "-q:a", _QUALITY, "{out}"),
        "oggenc": ("-Q", "-q", _QUALITY, "-o", "{out}", "{wav}"),
        "sox": ("{wav}", "-C", _QUALITY, "{out}"),
    },
}
"""For each format, the programs that can write it and their arguments, in the order in which they are tried."""


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that the suffix of `path` names. Raises FileError for any other, and where it cannot be written."""
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise FileError(f"{os.fspath(path)}: sound files end in {', '.join('.' + f for f in FORMATS)}.")
    if kind != "wav" and not _writers(kind):
        programs = " or ".join(_PROGRAMS[kind])
        raise FileError(
            f"Nothing here can write {kind.upper()}: run  pip install soundfile  , install {programs}, or choose WAV."
        )
    return kind


def write_sound(path: str | os.PathLike[str], samples: Samples, rate: int) -> None:
    """Write `samples` (N, channels), full scale ±1, turned down as a whole if they would clip. All or nothing.

    `rate` is in Hz. Raises FileError.
    """
    kind = format_of(path)
    peak = float(np.abs(samples).max(initial=0.0))
    whole = np.round(samples * (32767 / max(peak, 1.0))).astype("<i2")
    data = _wav(whole, rate)
    write_atomically(path, data if kind == "wav" else _encoded(data, kind, os.fspath(path)))


def _wav(samples: npt.NDArray[np.int16], rate: int) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return data.getvalue()


def _writers(kind: str) -> list[str]:
    """What can write `kind` here, the best first."""
    return ["soundfile"] * (find_spec("soundfile") is not None) + [p for p in _PROGRAMS[kind] if shutil.which(p)]


def _encoded(wav: bytes, kind: str, name: str) -> bytes:
    """The WAV file `wav` as `kind`, by the first writer that manages. Raises FileError with what the last one said."""
    said = ""
    for writer in _writers(kind):
        try:
            return _by_package(wav, kind) if writer == "soundfile" else _by_program(writer, wav, kind)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:  # soundfile's are RuntimeErrors
            complaint = getattr(error, "stderr", None)
            lines = (complaint.decode(errors="replace") if complaint else str(error)).strip().splitlines() or [""]
            said = f"{writer} says: {lines[-1]}"
    raise FileError(f"{name} could not be written as {kind.upper()} ({said}): choose WAV.")


_BLOCK = 65_536  # frames: libsndfile's Vorbis encoder overflows its stack on a long piece in one call


def _by_package(wav: bytes, kind: str) -> bytes:
    soundfile = import_module("soundfile")  # so that type checkers need not have it
    data = io.BytesIO()
    with soundfile.SoundFile(io.BytesIO(wav)) as read:
        subtype = "VORBIS" if kind == "ogg" else "PCM_16"
        with soundfile.SoundFile(
            data, "w", samplerate=read.samplerate, channels=read.channels, format=kind.upper(), subtype=subtype
        ) as out:
            for block in read.blocks(_BLOCK):
                out.write(block)
    return data.getvalue()


def _by_program(program: str, wav: bytes, kind: str) -> bytes:
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "sound.wav"), Path(folder, f"sound.{kind}")
        source.write_bytes(wav)
        arguments = [a.format(wav=source, out=target) for a in _PROGRAMS[kind][program]]
        subprocess.run([program, *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return target.read_bytes()

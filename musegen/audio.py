"""Sound: a piece rendered to a file, and a synthesiser that plays live.

Uses fluidsynth (through pyfluidsynth) with the SoundFont that pretty_midi carries, or another, where the fluidsynth
library is installed; without it, rendering falls back to pretty_midi's sine waves and says how to get the
better sound. Knows nothing of ports or of when notes are due.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileError, PortError
from .midi.write import allocate_channels, voices_of
from .piece import DRUMS, Piece
from .sound_files import Samples, format_of, write_sound

RATE = 44_100
TAIL = 2.0
"""Seconds after the last note, in which it dies away."""

LONGEST = 3600.0
"""Seconds. Longer pieces would need gigabytes, and no one waits for them."""

_GAIN = 0.2  # fluidsynth's own default
_DRUM_CHANNEL = 9


def how_to_install() -> str:
    """The line that says how to get the good sound on this system."""
    commands = {
        "linux": "sudo apt install libfluidsynth3 (or your distribution's fluidsynth)",
        "darwin": "brew install fluid-synth",
        "win32": "choco install fluidsynth",
    }
    return f"for real instruments install the fluidsynth library: {commands.get(sys.platform, commands['linux'])}"


def soundfont_path() -> str:
    """The SoundFont that pretty_midi carries (General MIDI, 6 MB). Raises FileError if it is not there."""
    spec = find_spec("pretty_midi")
    folder = os.path.dirname(spec.origin) if spec and spec.origin else ""
    path = os.path.join(folder, "TimGM6mb.sf2")
    if not os.path.isfile(path):
        raise FileError("The SoundFont TimGM6mb.sf2 is not installed: run  pip install --force-reinstall pretty_midi")
    return path


def fluidsynth_module() -> Any | None:
    """pyfluidsynth, or None where it or the library that it needs is not installed."""
    try:
        import fluidsynth
    except (ImportError, OSError):  # it raises either when the library is missing
        return None
    return fluidsynth


def render(
    music: Piece | str | os.PathLike[str],
    path: str | os.PathLike[str],
    rate: int = RATE,
    soundfont: str | os.PathLike[str] | None = None,
) -> str:
    """Render a piece, or the music file at a path, to the .wav, .flac or .ogg `path` (16 bits). All or nothing.

    `soundfont` (.sf2 or .sf3) has the instruments; by default those of `soundfont_path`. Returns a line that says what
    made the sound. Raises FileError (also for music over an hour long).
    """
    format_of(path)  # before the work
    samples, made_by = synthesise(music, rate, soundfont)
    write_sound(path, samples, rate)
    return made_by


def synthesise(
    music: Piece | str | os.PathLike[str], rate: int = RATE, soundfont: str | os.PathLike[str] | None = None
) -> tuple[Samples, str]:
    """The sound of a piece or file, (N, channels) at `rate` Hz, and what made it. Raises as `render`."""
    name = "The piece"
    if not isinstance(music, Piece):
        from .midi.music import read_music

        name, music = os.fspath(music), read_music(music)
    seconds = float(music.seconds(music.end))
    if seconds > LONGEST:
        raise FileError(f"{name} lasts {seconds / 60:.0f} minutes, too long to render (60).")
    fluidsynth = fluidsynth_module()
    if fluidsynth is not None:
        font = os.fspath(soundfont or soundfont_path())
        return _fluid(fluidsynth, music, rate, font), f"fluidsynth with {os.path.basename(font)}"
    if soundfont is not None:
        raise FileError(f"A SoundFont is played by fluidsynth, which is not here: {how_to_install()}.")
    return _sines(music, rate), f"plain sine waves; {how_to_install()}"


Event = tuple[int, int, int, int, int]
"""Sample position, kind (0 off, 1 program, 2 on), channel, and two data values."""


def _events(piece: Piece, rate: int) -> list[Event]:
    """Every message of `piece` in order, at its sample."""
    voices = voices_of(piece)
    events: list[Event] = []
    for voice, channel in zip(voices, allocate_channels(voices), strict=True):
        notes = voice.notes
        onset = piece.seconds(notes["onset"]) * rate
        end = piece.seconds(notes["onset"].astype(np.int64) + notes["duration"]) * rate
        rows = zip(onset.tolist(), end.tolist(), notes["pitch"].tolist(), notes["velocity"].tolist(), strict=True)
        for start, stop, pitch, velocity in rows:
            if channel != _DRUM_CHANNEL:
                # voices may share the channel, and setting a program again costs nothing
                events.append((round(start), 1, channel, voice.program, 0))
            events.append((round(start), 2, channel, pitch, velocity))
            events.append((max(round(stop), round(start) + 1), 0, channel, pitch, 0))
    events.sort(key=lambda e: (e[0], e[1] > 0))  # note-offs first; a program stays before its note
    return events


def _fluid(fluidsynth: Any, piece: Piece, rate: int, font: str) -> Samples:
    """The piece through fluidsynth, (N, 2); again and quieter where 16 bits were not enough."""
    events, length = _events(piece, rate), round((float(piece.seconds(piece.end)) + TAIL) * rate)
    gain, blocks = _GAIN, np.zeros(0, np.int16)
    for gain in (_GAIN, _GAIN / 8):
        blocks = np.concatenate(list(_blocks(fluidsynth, events, length, gain, rate, font)))
        if abs(blocks.astype(np.int32)).max(initial=0) < 32767:
            break
    loudness = 4 * _GAIN / gain / 32768  # a lone piano is quiet at the default gain
    samples: Samples = blocks.reshape(-1, 2).astype(np.float64) * loudness
    return samples


def _blocks(
    fluidsynth: Any, events: list[Event], length: int, gain: float, rate: int, font: str
) -> Iterator[npt.NDArray[np.int16]]:
    synth = fluidsynth.Synth(gain=gain, samplerate=float(rate))
    try:
        _load(synth, font)
        now = 0
        for at, kind, channel, one, two in events:
            if at > now:
                yield synth.get_samples(at - now)
                now = at
            _play(synth, kind, channel, one, two)
        yield synth.get_samples(max(length - now, 1))
    finally:
        synth.delete()


def _load(synth: Any, font: str) -> None:
    with _quiet():
        loaded = os.path.isfile(font) and synth.sfload(font, 1) >= 0
    if not loaded:
        raise FileError(f"{font} is not a SoundFont that fluidsynth can load (.sf2 or .sf3).")


def _play(synth: Any, kind: int, channel: int, one: int, two: int) -> None:
    if kind == 0:
        synth.noteoff(channel, one)
    elif kind == 1:
        synth.program_change(channel, one)
    else:
        synth.noteon(channel, one, two)


def _sines(piece: Piece, rate: int) -> Samples:
    """The piece as pretty_midi's sine waves, drums as bursts of noise, (N, 1)."""
    from .midi.convert import piece_to_pretty_midi

    samples = np.zeros(round((float(piece.seconds(piece.end)) + TAIL) * rate) + 1)
    for instrument in piece_to_pretty_midi(piece).instruments:
        part = _noise(instrument, rate, len(samples)) if instrument.is_drum else instrument.synthesize(rate)
        part = part[: len(samples)]
        samples[: len(part)] += part * (0.2 / 127)  # pretty_midi's full scale is the velocity
    return samples[:, None]


def _noise(instrument: Any, rate: int, length: int) -> Samples:
    """Each drum note as a tenth of a second of noise that dies away; pretty_midi leaves drums silent."""
    burst = np.random.default_rng(0).uniform(-1, 1, rate // 10) * np.exp(-np.linspace(0, 6, rate // 10))
    samples = np.zeros(length + len(burst))
    for note in instrument.notes:
        at = round(note.start * rate)
        samples[at : at + len(burst)] += burst * note.velocity
    return samples


class LiveSynth:
    """fluidsynth on this machine's sound card.

    `driver` is fluidsynth's name for a way to the card ("alsa", "pulseaudio", "coreaudio", "dsound", "jack",
    …); by default the usual ones of the system are tried in turn. Raises PortError where there is no library
    or no card. Not safe from several threads at once.
    """

    def __init__(self, driver: str | None = None, gain: float = 3 * _GAIN, rate: int = RATE) -> None:
        fluidsynth = fluidsynth_module()
        if fluidsynth is None:
            raise PortError(f"The fluidsynth library is not installed, so nothing can be heard: {how_to_install()}.")
        self.driver = ""
        for name in [driver] if driver else _drivers():
            synth = fluidsynth.Synth(gain=gain, samplerate=float(rate))
            with _quiet():
                synth.setting("audio.driver", name)
                # Synth.start would open a MIDI input too, which this is not for.
                synth.audio_driver = fluidsynth.new_fluid_audio_driver(synth.settings, synth.synth)
            if synth.audio_driver:
                self._synth, self.driver = synth, name
                break
            synth.delete()
        else:
            tried = driver or ", ".join(_drivers())
            raise PortError(f"No sound device could be opened (tried {tried}): play to a MIDI port, or render a WAV.")
        try:
            _load(self._synth, soundfont_path())
        except FileError:
            self._synth.delete()
            raise

    def note_on(self, channel: int, pitch: int, velocity: int) -> None:
        """Start a note; channel 0-15 (9: drums), pitch and velocity 0-127."""
        self._synth.noteon(channel, pitch, velocity)

    def note_off(self, channel: int, pitch: int) -> None:
        """End a note."""
        self._synth.noteoff(channel, pitch)

    def program(self, channel: int, program: int) -> None:
        """Give the channel an instrument (0-127); `DRUMS` and the drum channel are left as they are."""
        if program != DRUMS and channel != _DRUM_CHANNEL:
            self._synth.program_change(channel, program)

    def control(self, channel: int, number: int, value: int) -> None:
        """Move a controller (0-127), pedals and mode messages among them."""
        self._synth.cc(channel, number, value)

    def all_off(self) -> None:
        """Silence at once."""
        for channel in range(16):
            self._synth.all_sounds_off(channel)

    def close(self) -> None:
        """Silence, and let the sound card go. May be called twice."""
        if self.driver:
            self.all_off()
            self._synth.delete()
            self.driver = ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing on standard error from C libraries: ALSA prints a page about a card that is not there."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _drivers() -> list[str]:
    if sys.platform == "darwin":
        return ["coreaudio"]
    if sys.platform == "win32":
        return ["wasapi", "dsound", "waveout"]
    return ["pipewire", "pulseaudio", "alsa"]

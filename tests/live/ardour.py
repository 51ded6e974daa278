"""Ardour 7 without a screen, as clock master and recorder (ardour_record.lua does what is asked for here)."""

import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import pytest
from jack_rig import JackServer

from musegen.midi import read_midi

SCRIPT = Path(__file__).with_name("ardour_record.lua")
CLOCK, TRACK = "ardour:MIDI Clock out", "ardour:take/midi_in 1"
PERIOD = 1024  # frames: with fewer it halts too often on a busy machine
TRIES = 4

needs_ardour = pytest.mark.skipif(
    shutil.which("ardour7-lua") is None, reason="Ardour 7 is not installed (apt-get install ardour; .ci/run does)"
)


class Halted(Exception):
    """Ardour lost its JACK server, as it does on a busy machine: nothing was tried."""


class Heard(NamedTuple):
    """A note of a recording; times in quarters on Ardour's time line."""

    onset: float
    duration: float
    pitch: int


class Ardour:
    """A session at `qpm` with the armed MIDI track `take`, on `server`. Every call raises Halted if that happened."""

    def __init__(self, server: JackServer, folder: Path, qpm: float) -> None:
        self._folder = folder
        home = folder.with_name(f"{folder.name}-home")
        home.mkdir()
        self._environment = {**server.environment, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
        self._environment.pop("DISPLAY", None)
        made = subprocess.run(self._command("make"), env=self._environment, capture_output=True, text=True, timeout=60)
        assert "made" in made.stdout, made.stdout + made.stderr
        session = folder / "session.ardour"
        text = session.read_text()
        assert 'npm="120" enpm="120"' in text
        session.write_text(text.replace('npm="120" enpm="120"', f'npm="{qpm:g}" enpm="{qpm:g}"'))
        # On one processor, since its threads wait for one another by spinning.
        pin = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if shutil.which("taskset") else []
        self._process = subprocess.Popen(
            [*pin, "stdbuf", "-oL", *self._command("run")],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self._until("ready")
        except BaseException:
            self.close()
            raise

    def do(self, command: str) -> list[str]:
        """Have a command of ardour_record.lua carried out; the lines it prints."""
        assert self._process.stdin
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Halted from None
        return self._until("ok")

    def where(self) -> tuple[int, bool, bool]:
        """The frame it is at, whether it rolls, and whether it records."""
        _, frame, rolls, records = self.do("where")[-1].split()
        return int(frame), rolls == "true", records == "true"

    def takes(self, count: int) -> list[list[Heard]]:
        """What its track has recorded, a list for each of the `count` times that it rolled: from the saved session."""
        for _ in range(100):
            self.do("save")
            if len(found := self._takes()) == count:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{len(found)} takes instead of {count}")

    def _takes(self) -> list[list[Heard]]:
        root = ET.parse(self._folder / "session.ardour").getroot()
        names = {source.get("id"): source.get("name") for source in root.iter("Source")}
        regions = [r for playlist in root.iter("Playlist") for r in playlist.iter("Region") if r.get("type") == "midi"]
        takes = {}
        for region in regions:
            ticks = int(str(region.get("length")).partition("@b")[2])  # "b<length>@b<position>", 1920 a quarter
            path = self._folder / "interchange" / self._folder.name / "midifiles" / str(names[region.get("source-0")])
            takes[ticks] = self._take(path, ticks / 1920)
        return [takes[ticks] for ticks in sorted(takes)]

    def _take(self, path: Path, position: float) -> list[Heard]:
        piece = read_midi(path)
        quarter = piece.ticks_per_quarter
        return [Heard(position + n.onset / quarter, n.duration / quarter, n.pitch) for n in piece]

    def close(self) -> None:
        """End it; twice is once."""
        if self._process.poll() is None:
            assert self._process.stdin
            self._process.stdin.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _command(self, order: str) -> list[str]:
        return ["ardour7-lua", str(SCRIPT), order, str(self._folder), "session"]

    def _until(self, last: str) -> list[str]:
        lines: list[str] = []
        assert self._process.stdout
        for line in self._process.stdout:
            lines.append(line.rstrip("\n"))
            if "HALTED" in line:
                raise Halted
            assert not line.startswith("failed"), line
            if lines[-1] == last:
                return lines[:-1]
        raise Halted

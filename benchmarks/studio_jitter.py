"""What a page costs the music: the jitter of a jam's notes with a program that reads its frames, against one without.

    python -m benchmarks.studio_jitter [--seconds N] [--period FRAMES]

Starts a JACK server without a sound card and plays sixteenths at 240 quarters a minute twice, from a file: as `musegen
jam` in a pipe, the peer, and as `musegen jam --json` whose thirty frames a second and messages somebody reads. A
receiver in a process of its own (`receiver.py`) says when each note arrived; errors are the distances from the best
even grid. Then the knob `transpose` is turned again and again: how long until the first note with the new pitch
sounds, beside how far ahead notes are final at that moment.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from musegen.midi import write_midi
from musegen.piece import Meter, Note, Piece, Tempo

from .live import jack_server, receiver
from .machine import print_header

STEP = 0.0625  # seconds: a sixteenth
PITCH = 60
TURNS = 20


class Jam:
    """A jam that plays `seed` over and over on the JACK server."""

    def __init__(self, folder: Path, *more: str) -> None:
        options = ["--loop-seed", "--mode", "solo", "--seed", "even.mid", "--no-wav", *more]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "musegen", "jam", *options],
            cwd=folder,
            stdin=subprocess.PIPE if more else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self.notes: deque[tuple[float, int]] = deque()  # (when it sounds, pitch)
        self.lookahead = 0.0
        self.frames = 0
        self._reader = threading.Thread(target=self._read, args=(bool(more),), daemon=True)
        self._reader.start()

    def _read(self, json_lines: bool) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._hear(json.loads(line) if json_lines else {})

    def _hear(self, line: dict[str, Any]) -> None:
        if "frame" in line:
            self.frames += 1
            self.lookahead = line["frame"]["lookahead"]
        self.notes += [(at, int(x[2:4], 16)) for at, x in line.get("midi", []) if x[0] == "9"]

    def turn(self, value: int) -> float:
        """Turn the knob; milliseconds until the first note that is other than before sounds."""
        assert self.process.stdin
        self.notes.clear()
        began = time.perf_counter()
        self.process.stdin.write(json.dumps({"knob": "transpose", "value": value}).encode() + b"\n")
        self.process.stdin.flush()
        while time.perf_counter() - began < 5:
            for at, pitch in list(self.notes):
                if pitch == PITCH + value:
                    return 1000 * (at - began)
            time.sleep(0.005)
        sys.exit("The knob was never heard.")

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.terminate()
        self.process.wait(30)
        self._reader.join(5)


def main() -> None:
    """Measure both, then the knob, and print a table."""
    args = _arguments()
    print_header("JACK-Client", "numpy")
    print(f"server    jackd dummy, synchronous, {args.period} frames; {args.seconds:g} s a run, {STEP * 1000} ms apart")
    print("errors in ms: distance from the best even grid\n")
    print(f"{'contender':<10}{'notes':>7}{'lost':>6}{'p50':>9}{'p99':>9}{'max':>9}{'stalls':>8}")
    with tempfile.TemporaryDirectory() as scratch, jack_server(args.period, Path(scratch)):
        folder = Path(scratch)
        even = [Note(120 * i, 60, PITCH, 80) for i in range(16)]
        piece = Piece.from_notes(even, 480, tempos=(Tempo(0, 250_000),), meters=(Meter(0, 4, 4),))
        write_midi(piece, folder / "even.mid")
        plain = _jitter("plain", Jam(folder), folder, args.seconds)
        jam = Jam(folder, "--json")
        page = _jitter("page", jam, folder, args.seconds, keep=True)
        print(f"{'':<10}page / plain: p99 {page / plain:.2f}×, {jam.frames} frames read\n")
        waits = sorted(jam.turn(12 * (i % 2 == 0)) - jam.lookahead for i in range(TURNS))
        ahead = jam.lookahead
        jam.stop()
    print(f"knob      turned {TURNS} times; look-ahead {ahead:.0f} ms, a note every {1000 * STEP:.0f} ms")
    print(
        f"          first changed note after look-ahead + {waits[TURNS // 2]:.0f} ms (median), + {waits[-1]:.0f} (max)"
    )


def _jitter(name: str, jam: Jam, folder: Path, seconds: float, *, keep: bool = False) -> float:
    """Print what came of this jam's notes; the 99th percentile of their errors in milliseconds."""
    _wait_for_port()
    path = folder / f"{name}.json"
    with receiver("musegen:out", path):
        time.sleep(seconds)
    if not keep:
        jam.stop()
    found = json.loads(path.read_text())
    at = np.array([t for _, t, m in found["events"] if m.startswith("9")])
    steps = np.round((at - at[0]) / STEP)
    errors = 1000 * (at - at[0] - steps * STEP)
    errors = np.abs(errors - np.median(errors))
    p50, p99, most = (float(np.percentile(errors, q)) for q in (50, 99, 100))
    lost = int(steps[-1]) + 1 - len(at)
    print(f"{name:<10}{len(at):>7}{lost:>6}{p50:>9.3f}{p99:>9.3f}{most:>9.3f}{found['stalls']:>8}", flush=True)
    return p99


def _wait_for_port() -> None:
    for _ in range(600):
        if "musegen:out" in subprocess.run(["jack_lsp"], capture_output=True, text=True).stdout.split():
            time.sleep(3.0)  # until it plays
            return
        time.sleep(0.05)
    sys.exit("The jam has no port.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each run is listened to (%(default)s)")
    parser.add_argument("--period", type=int, default=256, help="frames of the server's period (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""How far from its due time a message arrives in another process: musegen's sender against a plain thread.

    python -m benchmarks.live [--messages N] [--period FRAMES] [--checkpoint NAME]

Starts a JACK server without a sound card, and for each contender a receiver in a process of its own
(`receiver.py`). Messages are 10.0137 ms apart: at exactly 10 ms all would fall on the same place of the server's
period. Contenders, each with the generator resting and at full speed:

    musegen     the scheduler and a JACK sender process; the generator runs in the model process
    sleep       what programs do: one process, a thread that calls time.sleep and sends through mido's rtmidi/JACK
                backend; the generator runs beside it in the main thread

The generator draws notes from a shipped checkpoint if there is one, else multiplies matrices in between Python.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from musegen.errors import MusegenError

from .machine import print_header

SPACING = 0.0100137  # seconds
RATE = 48_000
LEAD = 0.5  # seconds from "go" to the first message


def main() -> None:
    """Measure every contender and print a table."""
    args = _arguments()
    if args.peer:
        sleep_and_send(args.peer, args.messages, args.checkpoint)
        return
    print_header("JACK-Client", "python-rtmidi", "mido", "numpy")
    print(f"generator {describe(args.checkpoint)}")
    print(f"server    jackd dummy, synchronous, {RATE} Hz, {args.period} frames = {1000 * args.period / RATE:.2f} ms")
    print(f"messages  {args.messages}, {1000 * SPACING} ms apart; errors in ms: |received − due|\n")
    print(
        f"{'contender':<10}{'generator':<12}{'lost':>6}{'p50':>9}{'p99':>9}{'max':>9}{'  spread p99':>12}{'stalls':>8}"
    )
    with tempfile.TemporaryDirectory() as scratch, jack_server(args.period, Path(scratch)):
        for busy in (False, True):
            results = {}
            for name, contender in (("musegen", musegen), ("sleep", peer)):
                path = Path(scratch, f"{name}{busy}.json")
                start = contender(args, busy, path)
                results[name] = row = Result(path, start, args.messages)
                print(f"{name:<10}{'full speed' if busy else 'resting':<12}{row}", flush=True)
            ratio = results["sleep"].p99 / results["musegen"].p99
            spread = results["sleep"].spread / results["musegen"].spread
            print(f"{'':<10}sleep / musegen: p99 {ratio:.0f}×, spread p99 {spread:.0f}×")


class Result:
    """Errors of one run in milliseconds; `spread` is about the run's own median, so constant latency is left out.

    `stalls` counts the times the machine held up the JACK server itself: a run with any measures the machine.
    """

    def __init__(self, path: Path, start: float, messages: int) -> None:
        found = json.loads(path.read_text())
        # Message i carries its number in pitch and velocity, so a lost one cannot shift the others.
        arrived = {_number(bytes.fromhex(m)): seconds for _, seconds, m in found["events"] if m.startswith("9")}
        errors = np.array([1000 * (at - start - i * SPACING) for i, at in arrived.items() if i < messages])
        self.stalls = found["stalls"]
        self.lost = messages - len(errors)
        self.p50, self.p99, self.max = (float(np.percentile(np.abs(errors), q)) for q in (50, 99, 100))
        self.spread = float(np.percentile(np.abs(errors - np.median(errors)), 99))

    def __str__(self) -> str:
        return f"{self.lost:>6}{self.p50:>9.3f}{self.p99:>9.3f}{self.max:>9.3f}{self.spread:>12.3f}{self.stalls:>8}"


def message(number: int) -> bytes:
    """A note-on that carries `number` (below 128 × 127)."""
    return bytes((0x90, number % 128, number // 128 + 1))


def _number(note_on: bytes) -> int:
    return note_on[1] + 128 * (note_on[2] - 1)


def musegen(args: argparse.Namespace, busy: bool, path: Path) -> float:
    """Send through musegen's own path; returns when message 0 was due."""
    from musegen.live.clock import RealClock
    from musegen.live.ports import open_port
    from musegen.live.scheduler import Scheduler

    port, clock = open_port("bench"), RealClock()
    scheduler = Scheduler(clock, port)
    with receiver(port.name, path), generating(busy, args.checkpoint):
        start = clock.now() + LEAD
        for i in range(args.messages):
            scheduler.send(message(i), start + i * SPACING)
        while scheduler.advance() < float("inf"):
            clock.wait_until(clock.now() + 0.02)
        clock.wait_until(start + args.messages * SPACING + 0.1)
    port.close()
    return start


def peer(args: argparse.Namespace, busy: bool, path: Path) -> float:
    """Run `sleep_and_send` in a process of its own; returns when message 0 was due."""
    command = [sys.executable, "-m", "benchmarks.live", "--peer", "busy" if busy else "idle"]
    process = subprocess.Popen(
        [*command, "--messages", str(args.messages), "--checkpoint", args.checkpoint],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "open\n"
    with receiver("sleep:out", path):
        process.stdin.write("go\n")
        process.stdin.flush()
        start = float(process.stdout.readline())
        process.wait()
    return start


def sleep_and_send(how: str, messages: int, checkpoint: str) -> None:
    """The peer: a thread that sleeps until each message is due and sends it, the generator in the main thread."""
    import mido

    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    out = backend.open_output("out", virtual=True, client_name="sleep")
    notes = generator(checkpoint) if how == "busy" else None
    print("open", flush=True)
    sys.stdin.readline()
    start = time.perf_counter() + LEAD

    def send() -> None:
        for i in range(messages):
            wait = start + i * SPACING - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            out.send(mido.Message.from_bytes(message(i)))

    thread = threading.Thread(target=send)
    thread.start()
    while thread.is_alive():
        if notes is None:
            thread.join()
        else:
            next(notes)
    time.sleep(0.1)
    print(start, flush=True)
    out.close()
    out._rt.delete()  # else the server stalls


@contextmanager
def generating(busy: bool, checkpoint: str) -> Iterator[None]:
    """The generator at full speed in a process of its own, as niced as the model process of a jam."""
    if not busy:
        yield
        return
    context = multiprocessing.get_context("spawn")
    running = context.Event()
    process = context.Process(target=_generate, args=(checkpoint, running), daemon=True)
    process.start()
    running.wait()
    yield
    process.kill()
    process.join()


def _generate(checkpoint: str, running: Any) -> None:
    os.nice(5)
    notes = generator(checkpoint)
    next(notes)
    running.set()
    for _ in notes:
        pass


def generator(checkpoint: str) -> Iterator[object]:
    """Endless work: notes of a real model where there is one."""
    try:
        from musegen.checkpoint import find
        from musegen.midi import read_music
        from musegen.sampling.plan import Plan
        from musegen.sampling.seeds import find_seed
        from musegen.sampling.stream import Stream

        notes = Stream(str(find(checkpoint)), Plan(read_music(find_seed(None)))).open()
    except MusegenError:
        return _work()
    return notes


def describe(checkpoint: str) -> str:
    """What `generator` does here."""
    notes = generator(checkpoint)
    if notes.__qualname__ == "_work":  # type: ignore[attr-defined]
        return f"matrix products in between Python, since there is no checkpoint {checkpoint!r} and seed here"
    next(notes)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 1:
        next(notes)
        count += 1
    return f"notes of the checkpoint {checkpoint!r}, {count} a second when undisturbed"


def _work() -> Iterator[object]:
    """About what decoding a small network does: many small operations, each called from Python."""
    matrix, vector = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32), np.ones(256, np.float32)
    while True:
        for _ in range(100):
            vector = np.tanh(matrix @ vector) + sum(range(50)) * 1e-9
        yield vector


@contextmanager
def receiver(source: str, path: Path) -> Iterator[None]:
    """A receiver connected to `source`; what it saw is at `path` afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.receiver", "receiver", source, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    yield
    process.stdin.close()
    process.wait()


@contextmanager
def jack_server(period: int, folder: Path) -> Iterator[None]:
    """A JACK server of our own, chosen in the environment."""
    if not shutil.which("jackd"):
        sys.exit("benchmarks.live needs jackd: apt-get install jackd2")
    name = f"mgbench{os.getpid()}"
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1", JACK_NO_AUDIO_RESERVATION="1")
    command = ["jackd", "--realtime", "-P70", "-S", "-n", name, "-d", "dummy", "-r", str(RATE), "-p", str(period)]
    with open(folder / "jackd.log", "wb") as log:
        process = subprocess.Popen(
            [*command, "-C", "0", "-P", "0"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while subprocess.run(["jack_lsp"], capture_output=True).returncode:
        time.sleep(0.02)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2200, help="messages a run (%(default)s)")
    parser.add_argument("--period", type=int, default=256, help="frames of the server's period (%(default)s)")
    parser.add_argument("--checkpoint", default="default", help="what generates (%(default)s)")
    parser.add_argument("--peer", choices=("idle", "busy"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""From the end of a phrase to the first note of its answer: 200 phrases through real JACK ports.

    python -m benchmarks.answer [--phrases N] [--checkpoint NAME] [--tempo BPM] [--period FRAMES]

A keyboard (a port process of its own) plays phrases of random length that end anywhere in the beat into `musegen:in`; a
whole session answers them with the model in its process; the keyboard's own input hears `musegen:out`, frame by frame.
An answer is to start on a beat, after a beat of rest: that wait is music. What is measured is how far from that beat
its first note arrives (one period of the server included), and as a peer how long a program takes that asks the model
when the phrase is over: the model reads the phrase and draws a note (the same network, the same machine, in this
process).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from musegen.live.clock import RealClock
from musegen.live.desk import Desk
from musegen.live.live_port import LivePort
from musegen.live.messages import is_on, note_off, note_on
from musegen.live.own_time import OwnTime
from musegen.live.relay import Relay
from musegen.live.session import Session, Setup, hurry
from musegen.live.timeline import Timeline
from musegen.piece import Piece, Tempo
from musegen.sampling.duet import Played
from musegen.sampling.improviser import Improvisation
from musegen.sampling.plan import Plan
from musegen.sampling.request import Request

from .live import RATE, jack_server
from .machine import print_header

BEAT = 24


def main() -> None:
    """Play, answer, and print the distribution."""
    args = _arguments()
    print_header("JACK-Client", "numpy")
    print(f"server    jackd dummy, synchronous, {RATE} Hz, {args.period} frames = {1000 * args.period / RATE:.2f} ms")
    print(f"jam       {args.phrases} phrases at {args.tempo:g} quarters a minute, answered by {args.checkpoint}\n")
    recipe = Improvisation(args.checkpoint, Plan(Piece.from_notes([])))
    asked = _ask_when_over(recipe, args.phrases)
    with tempfile.TemporaryDirectory() as folder, jack_server(args.period, Path(folder)):
        errors, missing, report = _play(args, recipe, Path(folder))
    print(f"{'':<34}{'p50':>9}{'p99':>9}{'max':>9}   ms")
    _row("musegen: |first note − its beat|", errors)
    _row("asked when the phrase is over", asked)
    print(f"answers missing {missing} of {args.phrases}; {report}")
    ratio = np.percentile(asked, 99) / np.percentile(errors, 99)
    print(f"asked when over / musegen: p99 {ratio:.1f}×")


def _row(name: str, values: list[float]) -> None:
    p50, p99, most = (float(np.percentile(values, q)) for q in (50, 99, 100))
    print(f"{name:<34}{p50:9.2f}{p99:9.2f}{most:9.2f}")


def _play(args: argparse.Namespace, recipe: Improvisation, folder: Path) -> tuple[list[float], int, str]:
    clock = RealClock()
    line = Timeline((Tempo(0, round(60e6 / args.tempo)),))
    conductor = OwnTime(line, clock)
    port = LivePort("jack", "musegen")
    keys = LivePort("jack", "keys", "musegen:in", "musegen:out")
    partner = Relay(recipe)
    session = Session(partner, port, conductor, clock, folder / "jam.mid", Desk(), Setup(mode="answer"))
    stop = threading.Event()
    expected: list[int] = []
    hand = threading.Thread(target=_phrases, args=(args.phrases, keys, conductor, expected, stop))
    hurry()
    hand.start()
    session.run(stop)
    hand.join()
    heard = sorted(at for at, message in keys.receive() if is_on(message))
    keys.close()
    errors, missing = [], 0
    for tick in expected:
        beat = conductor.time(tick)
        near = [at - beat for at in heard if -0.02 < at - beat < 0.25]
        if near:
            errors.append(1000 * abs(near[0]))
        else:
            missing += 1
    report = f"late and left out {session.late}, bars rested {session.performer.rests}"
    return errors, missing, report


def _phrases(count: int, keys: LivePort, conductor: OwnTime, expected: list[int], stop: threading.Event) -> None:
    """Play phrases, each after the answer to the one before; note where each answer must begin."""
    chance = random.Random(0)
    while not conductor.rolling:
        time.sleep(0.01)
    tick = 2.0 * BEAT
    for _ in range(count):
        tick += chance.uniform(0, BEAT)
        begin = tick
        for _ in range(chance.randint(2, 5)):
            pitch, length = chance.choice((60, 62, 64, 65, 67, 69, 71, 72)), chance.uniform(4, 11)
            keys.send(note_on(0, pitch, 90), conductor.time(tick))
            keys.send(note_off(0, pitch), conductor.time(tick + length))
            last, tick = tick + length, tick + 12
        # The rule of the answer mode, with ticks as the performer hears them: rounded.
        start = -(-(round(begin) + _length(begin, last) + BEAT) // BEAT) * BEAT
        expected.append(start)
        beats = -(-(round(last)) // BEAT) - round(begin) // BEAT
        tick = start + (beats + 1) * BEAT
        while conductor.tick(time.perf_counter()) < tick - 12:
            time.sleep(0.005)
    time.sleep(1.0)
    stop.set()


def _length(begin: float, last: float) -> int:
    return round(last) - round(begin)


def _ask_when_over(recipe: Improvisation, phrases: int) -> list[float]:
    """Milliseconds from "the phrase is over" to a note for a model that reads the phrase only then."""
    brain, chance = recipe.open(), random.Random(0)
    costs, onset = [], 0
    for number in range(phrases):
        notes = []
        for i in range(chance.randint(2, 5)):
            notes.append(Played(onset + 12 * i, 10, chance.choice((60, 62, 64, 65)), 90, 0, 10 * number + i + 1, False))
        onset = -(-(onset + 12 * len(notes) + BEAT) // BEAT) * BEAT
        began = time.perf_counter()
        for note in notes:
            brain.hear(note)
        brain.ask(Request(number + 1, onset, onset + 48, exact=True))
        brain.next()
        costs.append(1000 * (time.perf_counter() - began))
        while brain.next():
            pass
        brain.idle()
        onset += 3 * BEAT
    return costs


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phrases", type=int, default=200, help="how many (%(default)s)")
    parser.add_argument("--checkpoint", default="default", help="who answers (%(default)s)")
    parser.add_argument("--tempo", type=float, default=180.0, help="quarters a minute (%(default)g)")
    parser.add_argument("--period", type=int, default=256, help="frames of the server's period (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()

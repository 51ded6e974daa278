"""Fault soak: random faults of every kind against the scheduler and a port, and what is left sounding at the receiver.

    python -m benchmarks.soak [--events N] [--seed N] [--real KILLS]

On the fake clock: notes whole and open-ended, doubled, late, re-struck by another channel or transposition of the same
voice, pedals, panic, a clock that stops, stalls of the music process, a player whose notes are passed on, a loop from
output to input, ports that vanish and return mid-note, the death of a port process, and closing in the middle. The
receiver is written here and shares nothing with musegen. With `--real`, the process of a real JACK port is killed so
many times while a note sounds, and what is measured is the time until its off arrives at another client; and how far
from its frame a message is when it comes back through another client, and when it is passed on by thru.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.scheduler import Scheduler, Sound
from musegen.live.testing import FakeClock, LoopbackPort

from .live import jack_server
from .machine import print_header

if TYPE_CHECKING:
    from musegen.live.live_port import LivePort

TAKE = 3000
"""Events from the opening of a port to its closing."""


class Synth:
    """The receiver: what sounds there, by the letter of MIDI 1.0, without the mode messages, which not all obey."""

    def __init__(self) -> None:
        self.down: set[tuple[int, int]] = set()
        self.ringing: set[tuple[int, int]] = set()
        self.pedals: set[int] = set()
        self.struck = self.doubled = 0

    @property
    def stuck(self) -> int:
        """How many notes and pedals are down or sound."""
        return len(self.down | self.ringing) + len(self.pedals)

    def receive(self, messages: Iterable[tuple[float, bytes]]) -> None:
        """Sound."""
        for _, m in messages:
            channel, kind = m[0] & 15, m[0] >> 4
            if kind == 9 and m[2]:
                self.struck += 1
                self.doubled += (channel, m[1]) in self.down
                self.down.add((channel, m[1]))
                self.ringing.discard((channel, m[1]))
            elif kind in (8, 9) and (channel, m[1]) in self.down:
                self.down.remove((channel, m[1]))
                if channel in self.pedals:
                    self.ringing.add((channel, m[1]))
            elif kind == 11 and m[1] == 64 and m[2] >= 64:
                self.pedals.add(channel)
            elif kind == 11 and m[1] == 64:
                self.pedals.discard(channel)
                self.ringing = {key for key in self.ringing if key[0] != channel}


class Soak:
    """One run; `counts` says what happened, `errors` what nobody was told of, `stuck` what sounded on at the end."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = FakeClock()
        self.counts: collections.Counter[str] = collections.Counter()
        self.errors: list[str] = []
        self.stuck = self.doubled = 0
        self._open()

    def run(self, events: int) -> None:
        """Make `events` happen, in takes."""
        kinds, weights = zip(*KINDS.items(), strict=True)
        for done in range(1, events + 1):
            kind = self.random.choices(kinds, weights)[0]
            self.counts[kind.__name__.strip("_")] += 1
            kind(self)
            self._look()
            if done % TAKE == 0 or done == events:
                self._close()
                self._open()

    # --- the music ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        r = self.random
        self.port = LoopbackPort(self.clock, echo=r.random() < 0.5)
        self.scheduler = Scheduler(self.clock, self.port)
        self.thru = r.choice(("off", "on", "changing"))
        self.port.thru(self.thru != "off")
        self.tells = r.random() < 0.5  # whether the driver calls lost(), or leaves it to advance()
        self.synth = Synth()
        self.struck = self.fed = self.heard = self.outages = self.said = 0
        self.channel, self.transpose = 0, 0
        self.open_ended: list[int] = []
        self.last_fed: dict[bytes, float] = {}
        self.back_at = 0.0

    def _pitch(self) -> int:
        return 60 + self.random.randrange(6) + self.transpose

    def strike(self) -> None:
        """A note whose end is not known yet."""
        when = self.clock.now() + self.random.uniform(-0.06, 0.3)
        self.open_ended.append(self.scheduler.strike(when, self.channel, self._pitch(), 80))
        self.struck += 1

    def release(self) -> None:
        """The end of one, now or later; sometimes twice, or of none."""
        if self.open_ended:
            identity = self.random.choice(self.open_ended)
            if self.random.random() < 0.9:
                self.open_ended.remove(identity)
            self.scheduler.release(identity, self.clock.now() + self.random.uniform(-0.2, 0.3))

    def play(self) -> None:
        """A whole note, sometimes doubled, sometimes late."""
        r = self.random
        length = r.choice((0.0, 0.02, 0.3, 2.0))
        sound = Sound(self.clock.now() + r.uniform(-0.05, 0.3), length, self.channel, self._pitch(), 80)
        for _ in range(r.choice((1, 1, 1, 2, 3))):
            self.scheduler.play(sound)
            self.struck += 1

    def controller(self) -> None:
        """The pedal, or another."""
        number, value = self.random.choice(((64, 127), (64, 0), (64, 0), (1, 40)))
        self.scheduler.send(control(self.channel, number, value), self.clock.now() + self.random.uniform(0, 0.3))

    def voice(self) -> None:
        """The voice changes its channel or its transposition while it sounds."""
        self.channel = self.random.randrange(3)
        self.transpose = self.random.randrange(-2, 3)
        self.scheduler.send(program_change(self.channel, self.random.randrange(128)), self.clock.now())

    def player(self) -> None:
        """Somebody plays, on a channel of ours or on another."""
        r = self.random
        channel, pitch, now = r.choice((0, 5)), 60 + r.randrange(8), self.clock.now()
        message = r.choice((note_on(channel, pitch, 71), note_off(channel, pitch), control(channel, 64, 100)))
        if r.random() < 0.1:
            message = control(channel, 64, 0)
        if now - self.last_fed.get(message, -1.0) > 0.1 and now > self.back_at:
            self.last_fed[message] = now
            self.port.feed(now, message)
            self.fed += message[0] & 0xF0 == 0x90

    def time_passes(self) -> None:
        """A few steps of the driver."""
        for _ in range(self.random.randrange(1, 8)):
            self.clock.wait_until(self.clock.now() + 0.02)
            self._look()

    # --- faults ---------------------------------------------------------------------------------------------------

    def panic(self) -> None:
        """Somebody presses panic."""
        self.scheduler.panic()

    def clock_stops(self) -> None:
        """The master stops: silence, and nothing for a while."""
        self.scheduler.panic()
        self.clock.wait_until(self.clock.now() + self.random.uniform(0, 3))

    def stall(self) -> None:
        """The music process gets no turn."""
        self.clock.wait_until(self.clock.now() + self.random.uniform(0.05, 1.0))

    def vanish(self) -> None:
        """The port is unplugged, now or in the middle of what was handed over."""
        self._outage(self.random.choice((0.0, 0.001, 0.1, 1.0, 5.0)))

    def death(self) -> None:
        """The port process is killed; another takes a quarter of a second."""
        self._outage(0.25)

    def _outage(self, seconds: float) -> None:
        now = self.clock.now()
        if now > self.back_at:
            start = now + self.random.uniform(0, 0.05)
            self.back_at = start + seconds
            self.port.unplug(start, self.back_at)
            self.outages += 1

    # --- what is seen -----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if not self.port.up and self.tells:
            self.scheduler.lost()
        if self.random.random() < 0.8:
            self.scheduler.advance()
        self.synth.receive(self.port.drain())
        heard = [m for _, m in self.port.receive() if m[0] & 0xF0 == 0x90]
        self.heard += len(heard)
        if any(m[2] != 71 for m in heard):
            self.errors.append("it heard itself")
        self.said += sum("gone" in t or "is back" in t for t in self.port.news())

    def _close(self) -> None:
        """Close in the middle, as soon as there is a port to close; then nothing may sound, or be unaccounted for."""
        while self.clock.now() <= self.back_at or not self.port.up:
            self.clock.wait_until(self.clock.now() + 0.02)
            self._look()
        if self.random.random() < 0.5:
            self.scheduler.panic()
        self.port.close()
        self.scheduler.lost()  # for its count
        self._look()
        self.stuck += self.synth.stuck
        self.doubled += self.synth.doubled
        kept = self.synth.struck + self.scheduler.late + self.scheduler.dropped + self.port.lost
        self._expect("notes", kept - self.struck, 0 if self.thru != "on" else self.heard, self.thru == "changing")
        self._expect("player's notes", self.heard, self.fed, False)
        self._expect("sentences", self.said, 2 * self.outages, False)
        for name, number in (("struck", self.struck), ("sounded", self.synth.struck), ("late", self.scheduler.late)):
            self.counts[f"notes {name}"] += number
        self.counts["notes dropped or lost"] += self.scheduler.dropped + self.port.lost

    def _expect(self, what: str, found: int, expected: int, at_most: bool) -> None:
        if not (0 <= found <= self.heard if at_most else found == expected):
            self.errors.append(f"{what}: {found} instead of {expected} at {self.clock.now():.3f}")


KINDS = {
    Soak.play: 30,
    Soak.strike: 15,
    Soak.release: 15,
    Soak.time_passes: 15,
    Soak.controller: 8,
    Soak.player: 10,
    Soak.voice: 3,
    Soak.stall: 1,
    Soak.panic: 0.5,
    Soak.clock_stops: 0.5,
    Soak.vanish: 1,
    Soak.death: 0.5,
}


def main() -> None:
    """Soak and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=int, default=0, metavar="KILLS")
    args = parser.parse_args()
    print_header("JACK-Client")
    if args.real:
        with tempfile.TemporaryDirectory() as scratch, jack_server(256, Path(scratch)):
            real(args.real)
        return
    began = time.perf_counter()
    soak = Soak(args.seed)
    soak.run(args.events)
    for name, number in sorted(soak.counts.items()):
        print(f"{name:<24}{number:>9}")
    print(f"\nsimulated {soak.clock.now() / 3600:.1f} h in {time.perf_counter() - began:.0f} s")
    print(f"stuck notes {soak.stuck}, doubled {soak.doubled}, unreported errors {len(soak.errors)}", *soak.errors[:5])


class Witness:
    """A JACK client that notes what comes, and sends even notes back a semitone higher at the same frame."""

    def __init__(self) -> None:
        import jack

        self.client = client = jack.Client("witness", no_start_server=True)
        self.arrived: list[tuple[float, int, bytes]] = []
        """When the callback began, the frame, the message."""
        into, out = client.midi_inports.register("in"), client.midi_outports.register("out")

        @client.set_process_callback
        def process(_: int) -> None:
            now, start = time.perf_counter(), client.last_frame_time
            out.clear_buffer()
            for offset, data in into.incoming_midi_events():
                message = bytes(data)
                self.arrived.append((now, start + offset, message))
                if message[0] & 0xF0 == 0x90 and message[1] % 2 == 0:
                    out.write_midi_event(offset, bytes((message[0], message[1] + 1, message[2])))

        client.activate()

    def wait_for(self, message: bytes, after: float) -> float:
        """When `message` first arrived after that time."""
        while True:
            for at, _, each in reversed(self.arrived):
                if each == message and at > after:
                    return at
            time.sleep(0.001)

    def close(self) -> None:
        """Leave in order."""
        self.client.deactivate()
        self.client.close()


def real(kills: int) -> None:
    """Measure a real port: frames, then kills of its process."""
    from musegen.live.live_port import LivePort

    witness = Witness()
    port = LivePort("jack", "musegen", "witness:in", "witness:out")
    come_back(witness, port)
    pass_on(witness, port)
    kill(witness, port, kills)
    port.close()
    witness.close()


def come_back(witness: Witness, port: LivePort) -> None:
    """How far from its frame a message is when it has gone out and come in again."""
    rate, period, start = witness.client.samplerate, witness.client.blocksize, time.perf_counter() + 0.5
    dues = {bytes((0x90, 2 * i + 1, 80)): start + i * 0.0100137 for i in range(60)}
    for i, due in enumerate(dues.values()):
        port.send(bytes((0x90, 2 * i, 80)), due)
    time.sleep(1.5)
    errors = [abs((at - dues[message]) * rate - period) for at, message in port.receive()]
    print(f"came back: {len(errors)} of {len(dues)}, at most {max(errors):.2f} frames from one period later")


def pass_on(witness: Witness, port: LivePort) -> None:
    """How many frames thru takes: what comes back is passed on, so the witness gets it a second time."""
    port.thru(True)
    late = []
    for pitch in range(0, 100, 10):
        witness.arrived.clear()
        port.send(note_on(2, pitch, 80), time.perf_counter() + 0.02)
        time.sleep(0.1)
        (_, first, _), (_, second, _) = witness.arrived
        late.append(second - first - witness.client.blocksize)
    port.thru(False)
    print(f"thru: {min(late)} to {max(late)} frames beyond the period that the loop itself takes")


def kill(witness: Witness, port: LivePort, times: int) -> None:
    """How long a note sounds on when the port's process is killed."""
    taken: list[float] = []
    for i in range(times):
        port.send(note_on(1, i % 100, 80), time.perf_counter())
        time.sleep(0.3)
        killed = time.perf_counter()
        os.kill(port.pid, signal.SIGKILL)
        taken.append(1000 * (witness.wait_for(note_off(1, i % 100), killed) - killed))
        while not port.up:
            time.sleep(0.001)
        time.sleep(0.3)
    said = sum("killed by SIGKILL" in text for text in port.news())
    print(f"kill -9 of the port process: {times} times, {said} said; the off at the receiver after ", end="")
    print(f"p50 {statistics.median(taken):.0f}, max {max(taken):.0f} ms")


if __name__ == "__main__":
    main()

"""Receives on a JACK MIDI port in a process of its own, and writes down what came at which frame.

    python -m benchmarks.receiver NAME SOURCE FILE     (connects SOURCE, prints "ready", ends with its input)

Shares no code with what it measures. FILE gets JSON: `rate`; `offset`, the median over all cycles of frame_time −
perf_counter × rate, so that (frame − offset) / rate is the time of a frame on the clock of every process of this
machine; and `events`, rows of [frame, hexadecimal message].
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from pathlib import Path
from time import perf_counter, sleep

import jack


def main(name: str, source: str, path: str) -> None:
    """Receive until standard input ends."""
    client = jack.Client(name, no_start_server=True)
    port = client.midi_inports.register("in")
    events: list[tuple[int, str]] = []
    offsets: list[float] = []
    rate = client.samplerate

    @client.set_process_callback
    def process(frames: int) -> None:
        offsets.append(client.frame_time - perf_counter() * rate)
        start = client.last_frame_time
        for at, message in port.incoming_midi_events():
            events.append((start + at, bytes(message).hex()))

    client.activate()
    if source:
        connect(client, source, port)
    print("ready", flush=True)
    sys.stdin.read()
    found = {"rate": rate, "offset": statistics.median(offsets), "events": list(events)}
    temporary = Path(path).with_suffix(".part")
    temporary.write_text(json.dumps(found))
    os.replace(temporary, path)
    os._exit(0)  # a client of a server that has died can hang when it closes; the server drops us either way


def connect(client: jack.Client, source: str, port: jack.OwnMidiPort) -> None:
    """Connect as soon as `source` exists, for ten seconds at most."""
    for _ in range(1000):
        try:
            client.connect(source, port)
            return
        except jack.JackError:
            sleep(0.01)
    sys.exit(f"{source} did not appear")


if __name__ == "__main__":
    main(*sys.argv[1:])

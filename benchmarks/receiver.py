"""Receives on a JACK MIDI port in a process of its own, and writes down what came at which frame.

    python -m benchmarks.receiver NAME SOURCE FILE     (connects SOURCE, prints "ready", ends with its input)

Shares no code with what it measures. FILE gets JSON: `stalls`, how often the server was late; and `events`, rows
of [frame, seconds, hexadecimal message], the seconds on `time.perf_counter`, the clock of every process of this
machine. They come from the times at which the callbacks around that frame began, their median, so that one late
callback does not count. JACK's own frame_time would not do: after a stall of the server it takes ten seconds to
settle, tens of milliseconds off.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
from pathlib import Path
from time import perf_counter, sleep

import jack

NEAR = 50  # cycles before and after


def main(name: str, source: str, path: str) -> None:
    """Receive until standard input ends."""
    client = jack.Client(name, no_start_server=True)
    port = client.midi_inports.register("in")
    events: list[tuple[int, int, str]] = []
    offsets: list[float] = []
    rate = client.samplerate

    @client.set_process_callback
    def process(frames: int) -> None:
        now, start = perf_counter(), client.last_frame_time
        offsets.append(start - now * rate)
        for at, message in port.incoming_midi_events():
            events.append((len(offsets), start + at, bytes(message).hex()))

    stalls: list[float] = []
    client.set_xrun_callback(stalls.append)
    client.activate()
    if source:
        connect(client, source, port)
    print("ready", flush=True)
    sys.stdin.read()

    def seconds(cycle: int, frame: int) -> float:
        return (frame - statistics.median(offsets[max(0, cycle - NEAR) : cycle + NEAR])) / rate

    rows = [(frame, seconds(cycle, frame), message) for cycle, frame, message in list(events)]
    found = {"events": rows, "stalls": len(stalls)}
    temporary = Path(path).with_suffix(".part")
    temporary.write_text(json.dumps(found))
    os.replace(temporary, path)
    # A client that goes without closing stalls the server; if the server has gone, closing may hang.
    closing = threading.Thread(target=client.close, daemon=True)
    closing.start()
    closing.join(1.0)
    os._exit(0)


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

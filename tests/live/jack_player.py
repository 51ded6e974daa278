"""A JACK client in a process of its own, for tests: jack_player.py NAME MODE.

MODE `keyboard` and `program`: what standard input says in lines of hexadecimal, each message SPACING frames after the
one before, goes out of `NAME:out`, which is a physical port or not; prints the frame of each. MODE `shift`: what comes
into `NAME:in` goes out of `NAME:out` a semitone higher, at the same frame; `cable`: as it is. Ends with its input.
"""

import queue
import sys
import time

import jack

SPACING = 777


def main(name: str, mode: str) -> None:
    client = jack.Client(name, no_start_server=True, use_exact_name=True)
    out = client.midi_outports.register("out", is_physical=mode == "keyboard")
    into = client.midi_inports.register("in")
    wanted: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    sent: queue.SimpleQueue[int] = queue.SimpleQueue()
    following = 0

    @client.set_process_callback
    def process(frames: int) -> None:
        nonlocal following
        out.clear_buffer()
        start = client.last_frame_time
        for offset, data in into.incoming_midi_events():
            message = bytearray(bytes(data))
            if mode in ("shift", "cable"):
                message[1] += mode == "shift"
                out.write_midi_event(offset, bytes(message))
        following = max(following, start)
        while following < start + frames and not wanted.empty():
            out.write_midi_event(following - start, wanted.get())
            sent.put(following)
            following += SPACING

    client.activate()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        for word in words:
            wanted.put(bytes.fromhex(word))
        print(*(sent.get() for _ in words), flush=True)
    time.sleep(0.05)
    client.deactivate()
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

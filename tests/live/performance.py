"""A performance as a process of its own, to be killed by tests: performance.py RECORDING SOURCE [BARS [MODE]].

Prints "port NAME", "model PID", "sender PID"; "playing" when the fourth note is handed out, and again ("playing on")
two notes after something went wrong; what a person is told as "said …"; at the end "late N". Exits as `musegen` does.
"""

import sys
import threading
import time
from pathlib import Path

import jam_sources

from musegen.errors import MusegenError
from musegen.live.clock import RealClock
from musegen.live.live_port import LivePort
from musegen.live.model_process import ModelProcess
from musegen.live.own_time import OwnTime
from musegen.live.ports import open_port
from musegen.live.relay import Relay
from musegen.live.session import Session, Setup, stop_signals
from musegen.live.timeline import Timeline
from musegen.piece import Tempo


def main(recording: str, source: str, bars: str = "", mode: str = "solo") -> int:
    with stop_signals() as stop:
        port = open_port()
        assert isinstance(port, LivePort), "no JACK server"
        relay = Relay(eval(source, vars(jam_sources)))
        assert isinstance(relay.current, ModelProcess)
        print(f"port {port.name}", f"model {relay.current.pid}", f"sender {port.pid}", sep="\n", flush=True)
        sys.stdin.readline()  # until the receiver is connected
        clock = RealClock()
        conductor = OwnTime(Timeline((Tempo(0, 300_000),)), clock)
        setup = Setup(mode=mode, bars=int(bars) if bars else None, voices=(0, 160, 512))
        session = Session(relay, port, conductor, clock, Path(recording), setup=setup)
        mark = [4]

        def say(text: str) -> None:
            print(f"said {text}", flush=True)
            mark[0] = session.performer.notes + 4

        def watch() -> None:
            while True:
                if session.performer.notes >= mark[0]:
                    print("playing", flush=True)
                    mark[0] = 10**9
                time.sleep(0.01)

        threading.Thread(target=watch, daemon=True).start()
        try:
            session.run(stop, say)
        except MusegenError as error:
            print(f"musegen: {error}", file=sys.stderr)
            return 1
        print(f"late {session.late}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

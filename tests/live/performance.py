"""A performance as a process of its own, to be stopped and killed by tests: performance.py RECORDING SOURCE [BARS].

Prints "port NAME", "model PID", "sender PID"; when three notes have sounded "playing"; and at the end "late N". Exits
as `musegen` does.
"""

import sys
from pathlib import Path

import jam_sources

from musegen.errors import MusegenError
from musegen.events.codec import TimedNote
from musegen.live.clock import RealClock
from musegen.live.feed import ModelProcess
from musegen.live.performer import Silent
from musegen.live.ports import open_port
from musegen.live.live_port import LivePort
from musegen.live.session import Session, stop_signals
from musegen.live.timeline import Timeline
from musegen.piece import Tempo


class Announcer(Silent):
    """Says when the fourth note is about to sound."""

    notes = 0

    def note(self, note: TimedNote, channel: int) -> None:
        self.notes += 1
        if self.notes == 4:
            print("playing", flush=True)


def main(recording: str, source: str, bars: str = "") -> int:
    with stop_signals() as stop:
        port = open_port()
        assert isinstance(port, LivePort), "no JACK server"
        feed = ModelProcess(eval(source, vars(jam_sources)))
        print(f"port {port.name}", f"model {feed.pid}", f"sender {port.pid}", sep="\n", flush=True)
        sys.stdin.readline()  # until the receiver is connected
        line = Timeline((Tempo(0, 300_000),))
        end = int(bars) if bars else None
        session = Session(feed, port, line, RealClock(), Path(recording), bars=end, listener=Announcer())
        try:
            session.run(stop)
        except MusegenError as error:
            print(f"musegen: {error}", file=sys.stderr)
            return 1
        print(f"late {session.scheduler.late + port.late}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

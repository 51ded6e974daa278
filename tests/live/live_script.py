"""A performance as a process of its own, to be killed by tests: live_script.py [PORT].

Holds four notes, one of them with the pedal, and passes on what comes in. Prints the port's name and its process's id.
"""

import sys
import time

from musegen.live.clock import RealClock
from musegen.live.messages import control
from musegen.live.ports import open_port
from musegen.live.scheduler import Scheduler

port = open_port(to=sys.argv[1] if len(sys.argv) > 1 else None)
port.thru(True)
scheduler = Scheduler(RealClock(), port)
print(port.name, port.pid, flush=True)  # type: ignore[attr-defined]
sys.stdin.readline()
now = time.perf_counter()
scheduler.send(control(2, 64, 127), now)
for channel in range(4):
    scheduler.strike(now + 0.02, channel, 60 + channel, 80)
while True:
    scheduler.advance()
    port.receive()
    time.sleep(0.02)

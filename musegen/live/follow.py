"""Follows a MIDI clock: F8, start, stop, continue and song position (MIDI 1.0 Detailed Specification, System
Common and System Real Time messages).

How the messages are read:

- An F8 is one tick. Lost and doubled ones are recognised by their times (pulse.py).
- After FA the *next* F8 is tick 0 of the master; after FB it is the master's song position.
- FC holds at once. Where the master goes on, we go on from a later tick at the same place in the bar.
- F2 counts sixteenths (6 clocks). The specification allows it only while stopped; programs also send it while they
  play, as a jump, which holds from the next F8 on. One that is less than a sixteenth from where the music is changes
  nothing: masters round it.
- F8 without a start sets the tempo and nothing else: most drum machines send it all the time, playing or not. After
  two seconds it is said that a start is missing.
- F8 that stop coming are a stop; when they return, the music goes on from where the master's count was, without a
  start, because a master that was never stopped sends none after its cable was put back. FA or F2 set the count right.

MIDI clock says nothing of meters: bars are the timeline's. Knows nothing of ports and notes.
"""

from __future__ import annotations

from .course import Course, seconds_per_tick
from .pulse import Pulse
from .timeline import Timeline
from .timemap import Knot

CLOCK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
SIXTEENTH = 6  # ticks
CATCH_UP = 6  # ticks over which a difference to the master is made up for
OUTLOOK = 24  # ticks ahead to which the tempo's change is followed
EXACT = 5e-5  # seconds: smaller differences are not worth a new line of the map …
ROUGH = 0.2  # … nor are smaller ones than this part of the master's jitter
UNANNOUNCED = 0.1  # seconds that may pass between a start and our hearing of it
WAIT = 2.0  # seconds to wait for a start or for a clock before it is said


class FollowedClock(Course):
    """Musical time as a MIDI clock gives it. The timeline's first tempo is the guess before the first ticks."""

    source = "MIDI clock"

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self._pulse = Pulse(seconds_per_tick(timeline.qpm(0)))
        self._count = 0  # the master's tick is the pulse's index plus this
        self._song = 0  # the master's tick with which it goes on
        self._begins = False  # the next F8 is the master's tick `_song`, and the music moves
        self._gone = False  # the clock stopped coming while the music moved
        self._missing: tuple[float, str] | None = None  # when to say that a start or a clock is missing

    @property
    def qpm(self) -> float:
        """The master's tempo as it is estimated now."""
        return 60 / (self._pulse.period * 24)

    def hear(self, time: float, message: bytes) -> None:
        """Take in a message of the master that came at clock `time`."""
        kind = message[0] if message else 0
        if kind == CLOCK:
            self._clock(time)
        elif kind == START:
            self._order(time, 0)
        elif kind == CONTINUE and not self._rolling:
            self._order(time, self._song)
        elif kind == STOP:
            self._stop(time)
        elif kind == SONG_POSITION and len(message) == 3:
            self._locate(time, (message[1] | message[2] << 7) * SIXTEENTH)
        self._past = max(self._past, time)

    def update(self, now: float) -> list[str]:
        """Time has come to `now`: hold if the clock no longer comes."""
        if self._rolling and now - self._pulse.latest > self._pulse.patience:
            if not self._begins:
                self._song = self._next()
            self._halt(now)
            self._gone = True
            self._sentences.append("The MIDI clock stopped coming: holding.")
        if self._missing and now > self._missing[0]:
            self._sentences.append(self._missing[1])
            self._missing = None
        return super().update(now)

    def _clock(self, time: float) -> None:
        if self._gone:
            self._gone, self._begins = False, True
            self._sentences.append("The MIDI clock is back: playing from the next bar.")
        self._pulse.tick(time, self._begins)
        if self._begins:
            self._begins, self._missing = False, None
            self._count = self._song - self._pulse.index
            # A start is not announced: what is due with it is late, and is played before we catch up with the master.
            late = max(time, self._past) - self._pulse.at(0)
            self._roll(time, self._song, self._pulse.at(0) + (late if late < UNANNOUNCED else 0.0), self._pulse.period)
            return  # to steer now, where the map has just leapt, would undo the leap
        if self._pulse.index == 0:
            self._missing = (time + WAIT, "A MIDI clock comes in, but no start: press play on the master.")
        if self._rolling:
            self._steer(max(time, self._past))

    def _order(self, time: float, place: int) -> None:
        """The next F8 is the master's tick `place`."""
        self._song, self._begins, self._gone = place, True, False
        self._missing = (time + WAIT, "The master has started but sends no MIDI clock: switch its clock output on.")

    def _stop(self, time: float) -> None:
        if self._rolling:
            if not self._begins:
                self._song = self._next()
            self._halt(time)
        self._begins = self._gone = False
        self._missing = None

    def _locate(self, time: float, place: int) -> None:
        if self._rolling and not self._begins and abs(place - self._next()) < SIXTEENTH:
            return
        self._song = place
        if self._rolling:
            self._order(time, place)

    def _next(self) -> int:
        """The master's tick that its next F8 is."""
        return self._pulse.index + self._count + 1

    def _expected(self, tick: float) -> float:
        """When the pulse says that our `tick` is."""
        return self._pulse.at(tick + self._jumps[-1][1] - self._count - self._pulse.index)

    def _steer(self, now: float) -> None:
        """Bend the map so that a quarter of a beat from `now` it is where the pulse is, never backwards."""
        tick, period = self._map.tick(now), self._pulse.period
        soon = tick + CATCH_UP
        if abs(self._expected(soon) - self._map.time(soon)) < max(EXACT, ROUGH * self._pulse.jitter):
            return
        early = self._expected(tick) - now
        # Between half and double tempo: a difference too large for that takes longer.
        ticks = max(CATCH_UP, early / period, -2 * early / period)
        pace = max((self._expected(tick + ticks) - now) / ticks, period / 4)
        there = now + ticks * pace
        after = max((self._expected(tick + ticks + OUTLOOK) - there) / OUTLOOK, period / 4)
        self._map.plan([Knot(now, tick, pace), Knot(there, tick + ticks, after)])

"""The performer: turns a feed of notes into sound at the right time (solo playing).

It asks its clock for the timeline: `notes_between` hands out notes by musical time, whoever asks; `run` asks in
step with the clock and gives the scheduler each note a quarter of a second ahead. Knows nothing of models,
processes or MIDI systems. If the feed is behind, it rests for whole bars, so that the music goes on where the bar is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..events.codec import TimedNote
from .channels import Channels
from .clock import Clock
from .feed import Feed
from .scheduler import Scheduler, Sound
from .timeline import Timeline

HORIZON = 0.25
"""How many seconds ahead notes go to the scheduler."""
MARGIN = 0.02  # a note that is due sooner than this cannot be played in time any more
STEP = 0.02  # how often to look, in seconds
BEGIN = 0.3  # from the first notes to their sound
OUTLOOK = 4.0  # how far ahead notes are fetched to be shown, in seconds
PREFILL = 64  # notes, or one bar, to have before beginning
IMPATIENT = 2.0  # seconds without a note until it is said


class Listener(Protocol):
    """Whoever wants to know what is played: a view, a test."""

    def note(self, note: TimedNote, channel: int) -> None:
        """`note` will sound (`onset` is on the timeline, rests included)."""
        ...

    def say(self, text: str) -> None:
        """One line for the person at the machine."""
        ...


class Silent:
    """A listener that does not care."""

    def note(self, note: TimedNote, channel: int) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


class Performer:
    """Plays `feed` on `timeline` through `scheduler`, to the end of the feed or of bar `bars`."""

    def __init__(
        self,
        feed: Feed,
        scheduler: Scheduler,
        timeline: Timeline,
        bars: int | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.timeline = timeline
        self.origin: float | None = None
        """The clock time of tick 0, once it has begun."""
        self.rests = 0
        """Bars rested because the feed was behind."""
        self.notes = 0
        self._feed, self._scheduler = feed, scheduler
        self._clock: Clock = scheduler.clock
        self._listener = listener or Silent()
        self._channels = Channels()
        self._end = float("inf") if bars is None else timeline.bar_start(bars)
        self._ready: deque[TimedNote] = deque()
        self._moved = 0  # ticks rested
        self._dry_since: float | None = None

    @property
    def finished(self) -> bool:
        """Whether all notes have been handed out."""
        return (self._feed.ended and not self._ready) or (
            bool(self._ready) and self._ready[0].onset + self._moved >= self._end
        )

    def planned(self) -> list[TimedNote]:
        """The notes that are known but not handed out yet; any thread may ask."""
        moved = self._moved
        return [n._replace(onset=n.onset + moved) for n in self._ready.copy() if n.onset + moved < self._end]

    def tick_now(self) -> float:
        """Where the music is; negative before it begins."""
        return -1.0 if self.origin is None else self.timeline.tick(self._clock.now() - self.origin)

    def notes_between(self, start: float, end: float) -> list[TimedNote]:
        """The notes not handed out yet with onset before tick `end`.

        `start` is the earliest tick that can still be played: if the next note is older, everything moves on
        by whole bars. On a clock that stands still this waits for the notes; in real time it takes what is ready.
        """
        notes: list[TimedNote] = []
        while self._peek() is not None and not self.finished:
            note = self._ready[0]
            if (onset := note.onset + self._moved) < start:
                onset += self._rest(onset, start)
            if onset >= min(end, self._end):
                break
            self._ready.popleft()
            duration = min(note.duration, self._end - onset)
            notes.append(note._replace(onset=onset, duration=int(duration)))
        return notes

    def run(self, stop: Callable[[], bool] = lambda: False, began: Callable[[float], None] = lambda _: None) -> bool:
        """Play until the end (True) or until `stop()` (False). `began` is told the clock time of tick 0.

        Raises MusegenError if the source fails, PortError if the port goes. Silence is the caller's part.
        """
        if not self._prefill(stop):
            return False
        self.origin = self._clock.now() + BEGIN
        began(self.origin)
        while not self._over():
            if stop():
                return False
            self._step(self._clock.now())
            self._clock.wait_until(self._clock.now() + STEP)
        return True

    def _step(self, now: float) -> None:
        assert self.origin is not None
        self._scheduler.port.check()
        self._feed.check()
        line, since = self.timeline, now - self.origin
        for note in self.notes_between(line.tick(since + MARGIN), line.tick(since + HORIZON)):
            self._place(note)
        self._look_ahead(line.tick(since + OUTLOOK))
        self._scheduler.advance()
        self._complain(now)

    def _place(self, note: TimedNote) -> None:
        assert self.origin is not None
        onset = self.origin + self.timeline.seconds(note.onset)
        # From nominal time, never from the time before: nothing can add up to drift.
        end = self.origin + self.timeline.seconds(note.onset + note.duration)
        channel, before = self._channels.of(note.instrument, note.program)
        for message in before:
            self._scheduler.send(message, onset - MARGIN / 2)
        self._scheduler.play(Sound(onset, end - onset, channel, note.pitch, note.velocity))
        self.notes += 1
        self._listener.note(note, channel)

    def _over(self) -> bool:
        return self.finished and self._scheduler.idle and self._clock.now() > self._scheduler.last_time + STEP

    def _prefill(self, stop: Callable[[], bool]) -> bool:
        """Have the first notes ready, so that the beginning cannot be late. False: stopped meanwhile."""
        bar = self.timeline.bar_start(1)
        while not stop():
            self._feed.check()
            self._scheduler.port.check()
            while len(self._ready) < PREFILL and (note := self._feed.take(not self._clock.realtime)):
                self._ready.append(note)
                if note.onset >= bar:
                    return True
            if self._feed.ended or len(self._ready) >= PREFILL:
                return True
            self._clock.wait_until(self._clock.now() + STEP)
        return False

    def _look_ahead(self, tick: float) -> None:
        """Have the notes up to `tick` as far as they are ready, so that they can be shown before they sound."""
        if not self._clock.realtime:
            return
        while (not self._ready or self._ready[-1].onset + self._moved < tick) and (note := self._feed.take(False)):
            self._ready.append(note)

    def _peek(self) -> TimedNote | None:
        if not self._ready and (note := self._feed.take(not self._clock.realtime)):
            self._ready.append(note)
        return self._ready[0] if self._ready else None

    def _rest(self, onset: float, start: float) -> int:
        """Move on by the bars it takes for `onset` to be at `start` or later; returns the ticks."""
        bar = self.timeline.meter(start).bar_ticks()
        bars = -(-int(-(-(start - onset) // 1)) // bar)
        self._moved += bars * bar
        self.rests += bars
        self._listener.say(f"The model was behind: rested for {bars} bar{'s' if bars > 1 else ''}.")
        return bars * bar

    def _complain(self, now: float) -> None:
        if self._ready or self._feed.ended:
            self._dry_since = None
        elif self._dry_since is None:
            self._dry_since = now
        elif now - self._dry_since > IMPATIENT:
            self._listener.say("Waiting for the model: no notes are ready.")
            self._dry_since = float("inf")

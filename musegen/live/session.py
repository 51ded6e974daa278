"""A session: one performance from the first note to silence, with everything that can go wrong on the way.

Whatever ends it (the last bar, Ctrl-C, SIGTERM, an error of the model), the same things happen in the same order:
silence, the port closed, the model stopped, the recording written.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PortError
from ..sampling.duet import Played
from .channels import Channels
from .chord import HeldChord
from .clock import Clock
from .conductor import Conductor
from .desk import Desk
from .drummer import Drummer
from .journal import SUFFIX
from .link import LinkTime
from .modes import MODES
from .own_time import OwnTime
from .pace import Pace
from .partner import Partner
from .performer import Performer
from .ports import Port
from .recorder import Recorder
from .relay import Relay
from .scheduler import Scheduler
from .stage import Stage

if TYPE_CHECKING:
    from ..engine.humaniser import Humaniser
    from .clock_out import ClockOut

BEGIN = 0.3  # seconds from the first notes to their sound
KEEP_BARS = 8
GETTING_READY = 20.0  # seconds after which the model is late, and the music begins without it


@dataclass(frozen=True)
class Setup:
    """How a session plays: the mode, the instruments of both (`events.attributes`), the seed phrase's notes."""

    mode: str = "solo"
    voices: Sequence[int] = (0,)
    player: int = 0
    seed: Sequence[Played] = ()
    bars: int | None = None  # None: no end
    seed_number: int = 0
    phrase_bars: int = 0  # answer mode: a phrase lasts so many bars; 0: to a rest
    loop_bars: int = 4  # loop mode: how much goes round
    title: str = ""
    count_in: int = 0  # bars
    click: bool = False
    free: bool = False  # nobody hears a beat: whoever begins after a long silence begins a bar
    clock_out: bool = False  # send MIDI clock
    split: int | None = None  # MIDI pitch; chords held below are the harmony
    player_channels: frozenset[int] = frozenset()  # which the model keeps away from
    channels: Sequence[int] = ()  # the model's voices' own, in order; the rest are free ones
    humaniser: Humaniser | None = None  # plays its drums as far as the knob `humanise` says; None: as written
    feel: str | None = None  # of the humaniser's drummers and styles; None: nobody in particular


class Session:
    """Plays with `partner` through `port` by `conductor`'s time, steered by `desk`; records it at `recording`."""

    def __init__(
        self,
        partner: Partner,
        port: Port,
        conductor: Conductor,
        clock: Clock,
        recording: Path,
        desk: Desk | None = None,
        setup: Setup | None = None,
        swap: Callable[[str], None] = lambda name: None,
    ) -> None:
        setup, self.desk = setup or Setup(), desk or Desk()
        self.clock, self._setup, self._partner, self.conductor = clock, setup, partner, conductor
        self._port = port
        self.recorder = Recorder(port, clock, conductor, recording, setup.title)
        self.scheduler = Scheduler(clock, self.recorder)
        self.performer = Performer(
            partner,
            conductor.timeline,
            self.desk,
            setup.mode,
            voices=setup.voices,
            player=setup.player,
            seed=setup.seed,
            bars=setup.bars,
            seed_number=setup.seed_number,
            phrase_bars=setup.phrase_bars,
            loop_bars=setup.loop_bars,
        )
        self.stage = Stage(
            self.performer,
            conductor,
            self.scheduler,
            self.recorder,
            self.desk,
            channels=Channels(setup.channels, setup.player_channels),
            keep=self._keep,
            swap=swap,
            silenced=self._silenced,
            count_in=setup.count_in,
            click=setup.click,
            free=setup.free,
            chord=None if setup.split is None else HeldChord(setup.split),
            drummer=Drummer(setup.humaniser, setup.feel, setup.seed_number),
        )
        self.pace = Pace()
        self._master: ClockOut | None = None
        if setup.clock_out:
            from .clock_out import ClockOut

            self._master = ClockOut(self.scheduler.send)

    @property
    def late(self) -> int:
        """Notes that came too late and were left out."""
        return self.scheduler.late + int(getattr(self._port, "late", 0))

    @property
    def mode(self) -> str:
        """The name of the mode that it plays in."""
        return next(name for name, mode in MODES.items() if type(self.performer.mode) is mode)

    @property
    def checkpoint(self) -> str:
        """Whose model plays, if it has a name."""
        return self._partner.name if isinstance(self._partner, Relay) else ""

    def run(self, stop: threading.Event | None = None, say: Callable[[str], None] = lambda text: None) -> bool:
        """Play; True if it came to its end, False if `stop` was set. `say` is told what a person should know.

        Raises MusegenError (the model), PortError (the port cannot be opened any more) or FileError (the recording),
        always after silence and after saving what can be saved.
        """
        stop = stop or threading.Event()
        try:
            return self._run(stop, say)
        finally:
            self._end()

    def _run(self, stop: threading.Event, say: Callable[[str], None]) -> bool:
        if not self._get_ready(stop):
            return False
        if isinstance(self.conductor, OwnTime | LinkTime):
            self.conductor.start(self.clock.now() + BEGIN + self._counting())
        while not self.stage.over:
            if stop.is_set():
                return False
            self._step()
            for text in self._news():
                say(text)
            self.stage.wait()
        return not self.stage.quit

    def _step(self) -> None:
        if isinstance(self._partner, Relay) and self._partner.take_over():
            self.performer.replaced()
        for cost in self.performer.costs():
            if self.clock.realtime:  # elsewhere notes cost no time, and a bounce must not depend on the machine
                self.pace.add(cost)
        self.stage.commit = self.pace.commit
        a_second = self.conductor.qpm * 24 / 60  # ticks
        self.performer.ahead = round(self.pace.ahead * a_second)
        self.performer.guard = round(self.pace.guard * a_second)
        if self._master is not None:
            self._master.update(self.conductor, now := self.clock.now(), now + self.scheduler.port.lookahead)
        self.stage.step()

    def _get_ready(self, stop: threading.Event) -> bool:
        """Have the first notes before the music begins, so that they cannot be late. False: stopped meanwhile."""
        began = self.clock.now()
        while not (self._partner.ready and self.performer.prepare()):
            if stop.is_set() or self.clock.now() - began > GETTING_READY:
                return not stop.is_set()
            self.recorder.check()
            if not self._partner.ready:
                self._partner.take()  # raises if it never will be
            self.stage.wait()
        return True

    def _counting(self) -> float:
        """Seconds of the count-in."""
        line = self.conductor.timeline
        return self._setup.count_in * line.seconds(line.meters[0].bar_ticks())

    def _news(self) -> list[str]:
        return [*self.stage.news(), *(self._partner.news() if isinstance(self._partner, Relay) else [])]

    def _silenced(self) -> None:
        if self._master is not None:  # ticks that were on their way have been cancelled too
            self._master.stop(self.clock.now())

    def _keep(self) -> None:
        path = self.recorder.keep(KEEP_BARS)
        self.performer.say(f"Kept the last {KEEP_BARS} bars in {path}")

    def _end(self) -> None:
        try:
            with contextlib.suppress(PortError):  # gone for good: its process has ended what sounded
                self.scheduler.panic()
                self._silenced()
                self.scheduler.advance()
            self._partner.close()
            if isinstance(self.conductor, LinkTime):
                self.conductor.close()
        finally:
            self.recorder.close()


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Within it, Ctrl-C, SIGTERM and the end of the terminal set the event instead of ending the program."""
    stop = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, n) for n in names if hasattr(signal, n)]
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hurry() -> None:
    """Ask that the calling thread be preferred to ordinary ones, where the system permits it; and to the other threads.

    A busy machine may otherwise leave it without a turn for longer than the look-ahead; and a view that draws may hold
    the interpreter for five milliseconds, which is Python's default.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()  # what is there by now stays: later collections need not look at it
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)


def new_recording(folder: Path, now: datetime | None = None) -> Path:
    """A name in `folder`, which is made if need be, that no file has yet, from the date and time. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"jam-{now or datetime.now():%Y%m%d-%H%M%S}"
    path, n = folder / f"{stem}.mid", 1
    while path.exists() or path.with_suffix(SUFFIX).exists():  # a journal: another jam is playing
        n += 1
        path = folder / f"{stem}-{n}.mid"
    return path

"""The recorder: a port that passes everything on both ways and keeps it: what is sent is the model's, what is received
the player's.

Every message goes into a journal beside the recording within a twentieth of a second, written by a thread of its own,
so that neither a slow disk nor hour ten holds up the music. Closing makes a Standard MIDI File of the journal, with the
tempo map as it was played. Knows nothing of the model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ..atomic import write_atomically
from ..errors import FileError, SettingsError
from ..piece import Piece
from .clock import Clock
from .conductor import Conductor
from .journal import SUFFIX, Journal
from .ledger import Outbox
from .ports import Port
from .status import Who
from .take import Take, take_bytes, take_piece

WRITE_EVERY = 0.05  # seconds
LOOK_EVERY = 0.1  # seconds; how often the tempo is looked at, and how far on a held note is
MOST_BARS = 64
"""How many bars `keep` can look back."""
SAME_TEMPO = 0.0005  # a smaller change is not looked at more closely
_EARLIEST = -10_000.0  # ticks; JSON knows no infinity


class Recorder:
    """Wraps `port`, whose messages come at times of `clock`; records to `path`. Raises FileError if it cannot.

    On a clock that stands still, everything is written when it is closed.
    """

    def __init__(self, port: Port, clock: Clock, conductor: Conductor, path: Path, title: str = "") -> None:
        self.path = path
        self.lookahead = port.lookahead
        self.saved = False
        """Whether there is a file at `path`."""
        self._port, self._clock, self._conductor, self._title = port, clock, conductor, title
        self._outbox = Outbox()
        self._take = Take()
        self._timeline = conductor.timeline
        self._knots = 0  # of the tempo map, that are in the journal
        self._knot = (float("-inf"), 0.0)  # the latest of them
        self._tempo = (0.0, -1)  # quarters a minute, epoch: when the tempo map was last asked for
        self._looked = float("-inf")
        self._up = True
        self._closed = False
        self._lock = threading.RLock()
        self._trouble: FileError | None = None
        self._journal = Journal(path.with_suffix(SUFFIX), title, self._timeline)
        self._ending = threading.Event()
        self._writer = threading.Thread(target=self._keep_writing, daemon=True)
        if clock.realtime:
            self._writer.start()

    # --- a port -----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The port's name."""
        return self._port.name

    @property
    def up(self) -> bool:
        """Whether the port is there."""
        return self._port.up

    def send(self, message: bytes, time: float) -> None:
        """Pass on and keep."""
        self._port.send(message, time)
        with self._lock:
            if message[0] < 0xF0 and self._port.up:
                self._outbox.push(message, time)
            self._commit(self._clock.now())

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in since the last call; it is the player's."""
        received = self._port.receive()
        with self._lock:
            for time, message in received:
                if message[0] < 0xF0:
                    self._write_down("player", time, message)
            self._commit(self._clock.now())
        return received

    def cancel(self) -> None:
        """Pass on, and forget what was not sent."""
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            self._outbox.cancel(now)
        self._port.cancel()

    def news(self) -> list[str]:
        """The port's."""
        return self._port.news()

    def thru(self, on: bool) -> None:
        """Pass on."""
        self._port.thru(on)

    def listen(self, wake: Callable[[], None]) -> None:
        """Pass on."""
        self._port.listen(wake)

    def check(self) -> None:
        """Raise PortError if the port has gone, FileError once when the recording cannot be written.

        It goes on trying; what could not be written is kept until it can.
        """
        self._port.check()
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def close(self) -> None:
        """Close the port, and make the file of the journal. Twice is once. Raises FileError; the journal stays then."""
        if self._closed:
            return
        self._closed = True
        self._ending.set()
        self._port.close()
        if self._writer.is_alive():
            self._writer.join()
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            self._outbox.silence(now)
            self._commit(float("inf"))
            self._look(now, exactly=True)
        self._save()

    # --- the recording ----------------------------------------------------------------------------------------------

    def piece(self) -> Piece:
        """All that was played so far, without the pedals, until it is closed; what sounds lasts until now."""
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            self._look(now, exactly=True)
            recorded = self._journal.read()
        end = max(recorded.end, self._tick(now))
        return take_piece(recorded.take, float("-inf"), end, recorded.timeline, recorded.knots, recorded.title)[0]

    def keep(self, bars: int = 8) -> Path:
        """Write the last `bars` whole bars and what is begun of this one beside the recording, at once.

        Returns the file. Raises SettingsError if nothing was played in them, or for more than 64 bars; FileError.
        """
        if not 1 <= bars <= MOST_BARS:
            raise SettingsError(f"The last 1 to {MOST_BARS} bars can be kept, not {bars}: the recording has them all.")
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            tick, line = self._tick(now), self._timeline
            last = line.position(tick).bar
            first = max(1, last - bars)
            start = line.bar_start(first - 1)
            midi = take_bytes(self._take, start, tick, line, self._conductor.tempo_map(start), self._title)
        if not midi:
            raise SettingsError(f"Nothing was played in the last {bars} bars, so there is nothing to keep.")
        path = self._unused(f"kept-{self.path.stem}-bars-{first}-{last}")
        write_atomically(path, midi)
        return path

    def _unused(self, stem: str) -> Path:
        path, n = self.path.with_name(f"{stem}.mid"), 1
        while path.exists():
            n += 1
            path = self.path.with_name(f"{stem}-{n}.mid")
        return path

    def _save(self) -> None:
        midi, written = b"", False
        try:
            midi = self._journal.read().midi()
            if midi:
                write_atomically(self.path, midi)
                self.saved = True
            written = True
        finally:
            self._journal.close(remove=written)

    def _keep_writing(self) -> None:
        failed = False
        while not self._ending.wait(WRITE_EVERY):
            try:
                self._journal.flush()
                failed = False
            except FileError as error:
                if not failed:
                    self._trouble = error
                failed = True

    # --- writing down; the caller holds the lock --------------------------------------------------------------------

    def _commit(self, now: float) -> None:
        """Write down what went out by `now`."""
        while taken := self._outbox.take(now, 0.0):
            for at, message in taken:
                self._write_down("model", at, message)
        if self._port.up != self._up:
            self._up = self._port.up
            self._outbox = Outbox()
            for message in [] if self._up else self._take.offs("model"):
                self._write_down("model", now, message)
        if now >= self._looked + LOOK_EVERY and now != float("inf"):
            self._look(now)

    def _write_down(self, who: Who, at: float, message: bytes) -> None:
        tick = self._tick(at)
        if self._take.hear(who, tick, message):
            self._journal.message(who, tick, message)

    def _look(self, now: float, exactly: bool = False) -> None:
        """See how far the music is and whether the tempo has changed, and forget what nobody can ask for."""
        self._looked = now
        conductor, tick = self._conductor, self._tick(now)
        if conductor.timeline is not self._timeline:
            self._timeline = conductor.timeline
            self._journal.timeline(self._timeline)
        qpm, epoch = self._tempo
        if exactly or conductor.epoch != epoch or abs(conductor.qpm - qpm) > SAME_TEMPO * qpm:
            self._tempo = (conductor.qpm, conductor.epoch)
            self._note_tempo()
        if self._take.holding:
            self._journal.add(round(tick, 4))
        line = self._timeline
        self._take.forget(line.bar_start(max(0, line.position(tick).bar - 2 - MOST_BARS)))

    def _note_tempo(self) -> None:
        """Write down what is new in the tempo map; asking for all of it would take longer every hour."""
        knots = self._conductor.tempo_map(self._knot[0])
        if knots and knots != [self._knot]:
            first = max(0, self._knots - 1)
            self._journal.tempo(first, knots)
            self._knots, self._knot = first + len(knots), knots[-1]

    def _tick(self, at: float) -> float:
        return max(_EARLIEST, self._conductor.tick(at))

"""The recorder: a port that passes everything on and keeps it, as a Standard MIDI File with the true timeline.

Saved every few seconds by a thread of its own, each time all or nothing, so that even kill -9 loses only the
last few seconds. Knows nothing of the model: it writes down what was sent, when it was sent.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from ..errors import FileError
from ..piece import DRUMS, Metadata, Note, Piece
from .clock import Clock
from .messages import DRUM_CHANNEL, Key, Outbox, is_off, is_on
from .ports import Port
from .timeline import Timeline

FINER = 20
"""Recorded ticks in one tick of the codec: 480 to the quarter, so that hands are kept as well as models."""
SAVE_EVERY = 2.0  # seconds


class Recorder:
    """Wraps `port`; `save` writes what went through it to `path`. `start` says when the music begins."""

    def __init__(self, port: Port, clock: Clock, timeline: Timeline, path: Path, title: str = "") -> None:
        self.path = path
        self.lookahead = port.lookahead
        self.saved = False
        """Whether there is a file at `path`."""
        self._port, self._clock, self._timeline, self._title = port, clock, timeline, title
        self._origin: float | None = None
        self._outbox = Outbox()
        self._open: dict[Key, tuple[int, int]] = {}  # (onset in fine ticks, velocity)
        self._programs: dict[int, int] = {}
        self._notes: list[Note] = []
        self._unsaved = False
        self._lock = threading.Lock()
        self._trouble: FileError | None = None
        self._ending = threading.Event()
        self._saver = threading.Thread(target=self._keep_saving, daemon=True)

    @property
    def name(self) -> str:
        """The port's name."""
        return self._port.name

    def start(self, origin: float) -> None:
        """Tick 0 is at clock time `origin`."""
        self._origin = origin
        if self._clock.realtime:
            self._saver.start()

    def send(self, message: bytes, time: float) -> None:
        """Pass on and keep."""
        self._port.send(message, time)
        with self._lock:
            self._outbox.push(message, time)
            self._commit(self._clock.now())

    def cancel(self) -> None:
        """Pass on, and forget what was not sent."""
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            self._outbox.cancel(now)
        self._port.cancel()

    def check(self) -> None:
        """Raise PortError if the port has gone, FileError if the recording cannot be saved."""
        self._port.check()
        if self._trouble is not None:
            raise self._trouble

    def close(self) -> None:
        """Close the port and end the recording; `save` may follow."""
        self._ending.set()
        self._port.close()
        if self._saver.is_alive():
            self._saver.join()
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            self._outbox.silence(now)
            self._commit(float("inf"))

    def piece(self) -> Piece:
        """What was sent so far; notes that still sound last until now."""
        with self._lock:
            now = self._clock.now()
            self._commit(now)
            notes = list(self._notes)
            notes += [self._note(key, now) for key in self._open]
        parts = {part: i for i, part in enumerate(sorted({n.part for n in notes}))}
        line = self._timeline
        return Piece.from_notes(
            (n._replace(part=parts[n.part]) for n in notes),
            24 * FINER,
            tempos=tuple(t._replace(tick=t.tick * FINER) for t in line.tempos),
            meters=tuple(m._replace(tick=m.tick * FINER) for m in line.meters),
            keys=tuple(k._replace(tick=k.tick * FINER) for k in line.keys),
            part_names=("",) * len(parts),
            metadata=Metadata(title=self._title),
        )

    def save(self) -> None:
        """Write the file if there is anything new. Raises FileError."""
        from ..midi.write import write_midi

        if self._origin is None:
            return
        self._unsaved = False
        piece = self.piece()
        if not len(piece):
            return
        write_midi(piece, self.path)
        self.saved = True

    def _keep_saving(self) -> None:
        pause = SAVE_EVERY
        while not self._ending.wait(pause):
            began = time.perf_counter()
            try:
                if self._unsaved:
                    self.save()
            except FileError as error:
                self._trouble = error
                return
            # A session of hours takes long to write; it must not take the machine.
            pause = max(SAVE_EVERY, 10 * (time.perf_counter() - began))

    def _commit(self, now: float) -> None:
        """Turn what was sent by `now` into notes. The caller holds the lock."""
        while taken := self._outbox.take(now, 0.0):
            for at, message in taken:
                self._write_down(at, message)

    def _write_down(self, at: float, message: bytes) -> None:
        channel, kind = message[0] & 0x0F, message[0] & 0xF0
        if kind == 0xC0:
            self._programs[channel] = message[1]
        elif is_on(message) or is_off(message):
            key = (channel, message[1])
            if key in self._open:
                self._notes.append(self._note(key, at))
                del self._open[key]
                self._unsaved = True
            if is_on(message):
                self._open[key] = (self._tick(at), message[2])

    def _note(self, key: Key, end: float) -> Note:
        channel, pitch = key
        onset, velocity = self._open[key]
        program = DRUMS if channel == DRUM_CHANNEL else self._programs.get(channel, 0)
        return Note(onset, max(1, self._tick(end) - onset), pitch, velocity, program, channel)

    def _tick(self, at: float) -> int:
        return max(0, round(self._timeline.tick(at - (self._origin or 0.0)) * FINER))

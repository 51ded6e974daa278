"""A file that plays as if it were the keyboard: the same path for tests, demos and hands.

`Hands` is a port around a port: what the file's hands do comes in like what a keyboard does, at its place in the
musical time of whoever conducts. With `thru` it goes out as well. Knows nothing of performers or models.
"""

from __future__ import annotations

from ..piece import DRUMS, TICKS_PER_QUARTER, Piece
from .around import Around
from .clock import Clock
from .conductor import Conductor
from .messages import DRUM_CHANNEL, note_off, note_on, rank
from .ports import Port

DELAY = 0.012  # seconds from a note's time to its way out: it is noticed at a look, and is not to wobble with the looks


class Hands(Around):
    """Plays `piece` into `port`, from its tick 0 on, on `channel` (drums: 10)."""

    def __init__(self, port: Port, piece: Piece, conductor: Conductor, clock: Clock, channel: int = 0) -> None:
        super().__init__(port)
        self._conductor, self._clock = conductor, clock
        self._thru = False
        self._messages = sorted(_messages(piece, channel), key=lambda m: (m[0], rank(m[1])))
        self._place = 0

    @property
    def over(self) -> bool:
        """Whether the file has come to its end."""
        return self._place == len(self._messages)

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in, and what the file's hands have done since."""
        now, played = self._clock.now(), []
        while not self.over and self._conductor.rolling:
            tick, message = self._messages[self._place]
            if (time := self._conductor.time(tick)) > now:
                break
            played.append((time, message))
            self._place += 1
            if self._thru:
                self._port.send(message, time + DELAY)
        return sorted([*self._port.receive(), *played], key=lambda m: m[0])

    def thru(self, on: bool) -> None:
        """Let both the file's hands and what comes in go out."""
        self._thru = on
        self._port.thru(on)


def _messages(piece: Piece, channel: int) -> list[tuple[int, bytes]]:
    out = []
    for note in piece.at_resolution(TICKS_PER_QUARTER):
        on = DRUM_CHANNEL if note.program == DRUMS else channel
        out.append((note.onset, note_on(on, note.pitch, note.velocity)))
        out.append((note.onset + max(1, note.duration), note_off(on, note.pitch)))
    return out

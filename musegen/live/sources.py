"""A file that plays as if it were a model: to try out ports and sounds, and for tests.

Knows nothing of clocks, ports or networks; `sampling.improviser` has the one that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError
from ..events.codec import TimedNote, instruments_of
from ..piece import TICKS_PER_QUARTER, Piece
from ..sampling.duet import Played
from ..sampling.request import Request


@dataclass(frozen=True)
class FileSource:
    """The notes of a file; over and over if `loop`, each time from a bar line."""

    path: Path
    loop: bool = False

    def open(self) -> Script:
        """Read it. Raises FileError if the file cannot be read, SettingsError if it holds no notes."""
        from ..midi.files import read_midi

        piece = read_midi(self.path)
        if not len(piece):
            raise SettingsError(f"{self.path} has no notes to play.")
        return Script(notes_of(piece), int(piece.at_resolution(TICKS_PER_QUARTER).bar_starts()[-1]) if self.loop else 0)


def notes_of(piece: Piece) -> list[TimedNote]:
    """The notes of `piece` on the 24-tick grid."""
    grid = piece.at_resolution(TICKS_PER_QUARTER)
    instruments = instruments_of(grid.notes)[0].tolist()
    return [
        TimedNote(note.onset, note.duration, note.pitch, note.velocity, instrument)
        for note, instrument in zip(grid, instruments, strict=True)
    ]


class Script:
    """A `partner.Brain` that plays `notes` at their places, every `length` ticks again (0: once), whatever it hears."""

    def __init__(self, notes: Sequence[TimedNote], length: int = 0) -> None:
        self._notes, self._length = sorted(notes), length
        self._request: Request | None = None
        self._round = self._index = 0
        self._number = 0

    def hear(self, note: Played) -> None:
        """It does not listen."""

    def end(self, number: int, duration: int) -> None:
        """It does not listen."""

    def reset(self, notes: Sequence[Played]) -> None:
        """It does not remember."""

    def forget(self, start: int) -> None:
        """It does not remember."""

    def idle(self) -> None:
        """It is prepared."""

    def rehearse(self) -> list[float]:
        """It costs nothing."""
        return []

    def news(self) -> list[str]:
        """It says nothing."""
        return []

    def ask(self, request: Request) -> None:
        """Play on from the request's start."""
        self._request = request
        self._round = max(0, request.start) // self._length if self._length else 0
        self._index = 0

    def next(self) -> Played | None:
        """The next note of the file."""
        request = self._request
        if request is None:
            return None
        while self._index < len(self._notes) or self._length:
            if self._index == len(self._notes):
                self._index, self._round = 0, self._round + 1
            note = self._notes[self._index]
            onset = note.onset + self._round * self._length
            if request.end is not None and onset >= request.end:
                return None
            self._index += 1
            if onset >= request.start:
                return self._play(note._replace(onset=onset))
        return None

    def companions(self, request: Request, to: Played) -> list[Played]:
        """An octave below, as long as the note."""
        note = self._play(TimedNote(to.onset, 0, max(0, to.pitch - 12), to.velocity, request.voices[0]))
        return [note._replace(duration=None)]

    def _play(self, note: TimedNote) -> Played:
        self._number -= 1
        return Played(*note, self._number, True)

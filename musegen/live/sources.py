"""Where the notes come from: the contract, and a file that plays as if it were a model.

Knows nothing of clocks, ports or networks; `sampling.stream` has the source that asks a model.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import SettingsError
from ..events.codec import TimedNote, instruments_of
from ..piece import TICKS_PER_QUARTER, Piece


class Source(Protocol):
    """A picklable recipe for a stream of notes; it is opened in the process that makes the notes."""

    def open(self) -> Iterator[TimedNote]:
        """Notes by onset, in ticks at 24 a quarter from the first bar line of what is played; may never end."""
        ...


@dataclass(frozen=True)
class FileSource:
    """The notes of a file, as a stream; over and over if `loop`, each time from a bar line."""

    path: Path
    loop: bool = False

    def open(self) -> Iterator[TimedNote]:
        """The stream. Raises FileError if the file cannot be read, SettingsError if it holds no notes."""
        from ..midi.files import read_midi

        piece = read_midi(self.path)
        if not len(piece):
            raise SettingsError(f"{self.path} has no notes to play.")
        return play(piece, self.loop)


def play(piece: Piece, loop: bool = False) -> Iterator[TimedNote]:
    """The notes of `piece` on the 24-tick grid; over and over if `loop`."""
    grid = piece.at_resolution(TICKS_PER_QUARTER)
    instruments = instruments_of(grid.notes)[0].tolist()
    length = int(grid.bar_starts()[-1])
    for start in itertools.count(0, length) if loop else (0,):
        for note, instrument in zip(grid, instruments, strict=True):
            yield TimedNote(start + note.onset, note.duration, note.pitch, note.velocity, instrument)

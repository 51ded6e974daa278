"""A piece of music as musegen holds it: notes in musical time, plus the maps that give them meaning.

Knows nothing of files, events or models. Notes live in one numpy record array (`NOTE`), sorted, so that
bulk work is vectorised; `Note` is the same row for people to read and write.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import mido
    import pretty_midi

TICKS_PER_QUARTER = 24  # the codec's grid, and MIDI clock's own resolution
DRUMS = 128  # the "program" of everything on channel 10

NOTE = np.dtype(
    {
        "names": ["onset", "duration", "pitch", "velocity", "program", "part"],
        "formats": [np.int32, np.int32, np.uint8, np.uint8, np.uint8, np.int16],
        "offsets": [0, 4, 8, 9, 12, 10],
        "itemsize": 16,
    }
)
"""One note: onset and duration in ticks, pitch 0-127, velocity 1-127, program 0-128, part index.

The fields are aligned and the row is four words, which numpy moves several times faster than 13 packed bytes.
"""

Notes = npt.NDArray[np.void]


class Note(NamedTuple):
    """One note, for people. Units as in `NOTE`."""

    onset: int
    duration: int
    pitch: int
    velocity: int = 80
    program: int = 0
    part: int = 0


class Tempo(NamedTuple):
    """From `tick` on, a quarter note lasts `microseconds` (SMF 1.0, set-tempo meta event)."""

    tick: int
    microseconds: int = 500_000

    @property
    def qpm(self) -> float:
        """Quarter notes per minute."""
        return 60e6 / self.microseconds


class Meter(NamedTuple):
    """From `tick` on, bars hold `numerator` notes of 1/`denominator`."""

    tick: int
    numerator: int = 4
    denominator: int = 4

    def bar_ticks(self, ticks_per_quarter: int = TICKS_PER_QUARTER) -> int:
        """Length of one bar in ticks, at least 1."""
        return max(1, ticks_per_quarter * 4 * self.numerator // self.denominator)

    def beat_ticks(self, ticks_per_quarter: int = TICKS_PER_QUARTER) -> int:
        """Ticks of a beat as people tap it: three eighths or sixteenths where they come in threes (6/8, 9/8, 12/8)."""
        unit = max(1, ticks_per_quarter * 4 // self.denominator)
        return 3 * unit if self.denominator >= 8 and self.numerator % 3 == 0 else unit


class Key(NamedTuple):
    """From `tick` on, the key signature has `fifths` sharps (negative: flats)."""

    tick: int
    fifths: int = 0
    minor: bool = False


@dataclass(frozen=True)
class Metadata:
    """Where a piece comes from. Empty strings mean unknown."""

    title: str = ""
    composer: str = ""
    style: str = ""
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, eq=False)
class Piece:
    """Notes and their timeline.

    `notes` is sorted by onset, part, pitch. Ticks count `ticks_per_quarter` to the quarter note: whatever
    the source file uses, so that reading and writing lose nothing; the codec rounds to 24 and says what
    that changed. `part_names[i]` names part i. `tempos` and `meters` always start at tick 0.
    """

    notes: Notes
    ticks_per_quarter: int = TICKS_PER_QUARTER
    tempos: tuple[Tempo, ...] = (Tempo(0),)
    meters: tuple[Meter, ...] = (Meter(0),)
    keys: tuple[Key, ...] = ()
    part_names: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)

    @classmethod
    def from_notes(
        cls, notes: Iterable[Note | tuple[int, ...]], ticks_per_quarter: int = TICKS_PER_QUARTER, **rest: object
    ) -> Piece:
        """A piece from `Note` rows in any order; `rest` are the other fields."""
        rows = np.array([tuple(Note(*n)) for n in notes], dtype=NOTE)
        return cls(sort_notes(rows), ticks_per_quarter, **rest)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.notes)

    def __iter__(self) -> Iterator[Note]:
        return (Note(*row) for row in self.notes.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Piece):
            return NotImplemented
        names = [f.name for f in dataclasses.fields(self) if f.name != "notes"]
        return all(getattr(self, n) == getattr(other, n) for n in names) and np.array_equal(self.notes, other.notes)

    def to_pretty_midi(self) -> pretty_midi.PrettyMIDI:
        """This piece as a PrettyMIDI, for scripts of your own."""
        from .midi.convert import piece_to_pretty_midi

        return piece_to_pretty_midi(self)

    @staticmethod
    def from_pretty_midi(midi: pretty_midi.PrettyMIDI) -> Piece:
        """The piece in a PrettyMIDI."""
        from .midi.convert import piece_from_pretty_midi

        return piece_from_pretty_midi(midi)

    def to_mido(self) -> mido.MidiFile:
        """This piece as a mido file of messages. Raises MidiError for what MIDI cannot say."""
        from .midi.convert import piece_to_mido

        return piece_to_mido(self)

    @property
    def end(self) -> int:
        """The tick at which the last note ends (0 for an empty piece)."""
        return int((self.notes["onset"] + self.notes["duration"]).max()) if len(self.notes) else 0

    def at_resolution(self, ticks_per_quarter: int) -> Piece:
        """The same music on another tick grid, rounded half up; no note becomes shorter than one tick."""
        if ticks_per_quarter == self.ticks_per_quarter:
            return self
        old = self.ticks_per_quarter
        notes = self.notes.copy()
        notes["onset"] = rescale(notes["onset"], old, ticks_per_quarter)
        notes["duration"] = np.maximum(1, rescale(notes["duration"], old, ticks_per_quarter))
        return dataclasses.replace(
            self,
            notes=sort_notes(notes),
            ticks_per_quarter=ticks_per_quarter,
            tempos=rescale_rows(self.tempos, old, ticks_per_quarter),
            meters=rescale_rows(self.meters, old, ticks_per_quarter),
            keys=rescale_rows(self.keys, old, ticks_per_quarter),
        )

    def between(self, start: int, end: int) -> Piece:
        """The notes whose onset lies in [start, end), moved so that `start` is tick 0; the maps follow."""
        keep = (self.notes["onset"] >= start) & (self.notes["onset"] < end)
        notes = self.notes[keep].copy()
        notes["onset"] -= start
        return dataclasses.replace(
            self,
            notes=notes,
            tempos=_cut(self.tempos, start, end),
            meters=_cut(self.meters, start, end),
            keys=_cut(self.keys, start, end),
        )

    def seconds(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Seconds from the start of the piece to each of `ticks`, through the tempo map."""
        at = np.array([t.tick for t in self.tempos], dtype=np.float64)
        per_tick = np.array([t.microseconds for t in self.tempos], dtype=np.float64) / 1e6 / self.ticks_per_quarter
        before = np.concatenate([[0.0], np.cumsum(np.diff(at) * per_tick[:-1])])
        ticks = np.asarray(ticks, dtype=np.float64)
        i = np.maximum(np.searchsorted(at, ticks, side="right") - 1, 0)
        result: npt.NDArray[np.float64] = before[i] + (ticks - at[i]) * per_tick[i]
        return result

    def bar_starts(self) -> npt.NDArray[np.int64]:
        """The tick of every bar line from 0 to the first one at or after the end of the piece."""
        starts: list[int] = []
        ends = [m.tick for m in self.meters[1:]] + [max(self.end, 1)]
        for meter, end in zip(self.meters, ends, strict=True):
            starts += range(meter.tick, end, meter.bar_ticks(self.ticks_per_quarter))
        last = self.meters[-1]
        bar = last.bar_ticks(self.ticks_per_quarter)
        final = last.tick + -(-max(self.end - last.tick, 1) // bar) * bar
        return np.array([*starts, final], dtype=np.int64)


PITCH_CLASS_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_name(pitch: int) -> str:
    """Such as "C4" for 60 (middle C)."""
    return f"{PITCH_CLASS_NAMES[pitch % 12]}{pitch // 12 - 1}"


def sort_notes(notes: Notes) -> Notes:
    """`notes` by onset, then part, then pitch (a stable sort)."""
    return notes[np.lexsort((notes["pitch"], notes["part"], notes["onset"]))]


def rescale(ticks: npt.NDArray[np.signedinteger[Any]], old: int, new: int) -> npt.NDArray[np.int64]:
    """`ticks` of `old` to the quarter as ticks of `new` to the quarter, rounded half up."""
    result: npt.NDArray[np.int64] = ticks * np.int64(2 * new)
    result += old
    result //= 2 * old
    return result


_Row = TypeVar("_Row", Tempo, Meter, Key)


def rescale_rows(rows: tuple[_Row, ...], old: int, new: int) -> tuple[_Row, ...]:
    """The rows of a tempo, meter or key map on another tick grid; ticks are rounded as `rescale` does."""
    if old == new:
        return rows
    return tuple([r._replace(tick=(r.tick * 2 * new + old) // (2 * old)) if r.tick else r for r in rows])


def _cut(rows: tuple[_Row, ...], start: int, end: int) -> tuple[_Row, ...]:
    before = [r for r in rows if r.tick <= start]
    after = [r for r in rows if start < r.tick < end]
    return tuple(r._replace(tick=max(0, r.tick - start)) for r in before[-1:] + after)

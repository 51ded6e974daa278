"""A take: what the player and the model played, as notes in musical time, and the file that they make.

Pure: from messages and the ticks at which they came. Notes last as long as their keys were down; the pedals are kept
beside them. Knows nothing of ports, clocks or disks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeVar

from ..midi.write import Control, midi_bytes
from ..piece import DRUMS, TICKS_PER_QUARTER, Key, Metadata, Meter, Note, Piece, Tempo
from .messages import DRUM_CHANNEL, is_off, is_on, note_off
from .roll import family
from .status import Who
from .timeline import Timeline

FINER = 20
"""Recorded ticks in one tick of the codec: 480 to the quarter, so that hands are kept as well as models."""
PLAYED_CONTROLS = frozenset((1, 2, 11, 64, 65, 66, 67))
"""What hands, feet and breath move (MIDI 1.0, Table III): modulation, breath, expression and the pedals."""
STOOD_STILL = 0.02  # ticks; a player's note that is shorter was played while the clock was stopped
PICKUP_BARS = 2  # bars before the beginning that are kept: a count-in may be played into
SAME_TIME = 0.002  # seconds that the written tempo map may be off: nobody hears them
_SLOWEST = 2**24 - 1  # microseconds a quarter (SMF 1.0, set tempo)

Knots = Sequence[tuple[float, float]]
"""A tempo map: (tick, seconds per tick from there on)."""


class Heard(NamedTuple):
    """A note as it was played; `onset` and `end` in ticks and fractions of ticks."""

    who: Who
    channel: int
    program: int
    onset: float
    end: float
    pitch: int
    velocity: int


class Moved(NamedTuple):
    """A controller that was moved at `tick`."""

    who: Who
    channel: int
    tick: float
    number: int
    value: int


@dataclass
class Take:
    """The notes and controllers so far: `notes` ended, in order of their ends; others still sound."""

    notes: deque[Heard] = field(default_factory=deque)
    moves: deque[Moved] = field(default_factory=deque)
    _open: dict[tuple[Who, int, int], tuple[float, int]] = field(default_factory=dict)
    _programs: dict[tuple[Who, int], int] = field(default_factory=dict)

    @property
    def holding(self) -> bool:
        """Whether any note sounds."""
        return bool(self._open)

    def hear(self, who: Who, tick: float, message: bytes) -> bool:
        """Take in a message; False if nothing of it is kept."""
        channel, kind = message[0] & 0x0F, message[0] & 0xF0
        if kind == 0xC0:
            self._programs[who, channel] = message[1]
        elif kind == 0xB0 and message[1] in PLAYED_CONTROLS:
            self.moves.append(Moved(who, channel, tick, message[1], message[2]))
        elif is_on(message) or is_off(message):
            key = (who, channel, message[1])
            if key in self._open:  # a key that is struck again ends its older note
                self.notes.append(self._heard(key, tick))
                del self._open[key]
            if is_on(message):
                self._open[key] = (tick, message[2])
        else:
            return False
        return True

    def sounding(self, now: float) -> list[Heard]:
        """The notes that still sound, as if they ended at tick `now`."""
        return [self._heard(key, now) for key in self._open]

    def offs(self, who: Who) -> list[bytes]:
        """What would end the notes of `who` that sound."""
        return [note_off(channel, pitch) for whose, channel, pitch in self._open if whose == who]

    def forget(self, before: float) -> None:
        """Drop what was over before tick `before`, but for where each controller stood."""
        while self.notes and self.notes[0].end < before:
            self.notes.popleft()
        stood: dict[tuple[Who, int, int], Moved] = {}
        while self.moves and self.moves[0].tick < before:
            move = self.moves.popleft()
            stood[move.who, move.channel, move.number] = move
        self.moves.extendleft(m._replace(tick=before) for m in stood.values())

    def _heard(self, key: tuple[Who, int, int], end: float) -> Heard:
        who, channel, pitch = key
        onset, velocity = self._open[key]
        program = DRUMS if channel == DRUM_CHANNEL else self._programs.get((who, channel), 0)
        return Heard(who, channel, program, onset, end, pitch, velocity)


def take_bytes(take: Take, start: float, end: float, timeline: Timeline, knots: Knots, title: str) -> bytes:
    """The notes of `take` from tick `start` to `end` as a Standard MIDI File; empty if there are none.

    Notes that reach over either side are cut. What began before tick 0 is a pickup: it moves everything on by whole
    bars.
    """
    piece, controls = take_piece(take, start, end, timeline, knots, title)
    return midi_bytes(piece, controls) if len(piece) else b""


def take_piece(
    take: Take, start: float, end: float, timeline: Timeline, knots: Knots, title: str
) -> tuple[Piece, dict[int, list[Control]]]:
    """As `take_bytes`: the piece, and for each part its controllers."""
    bar = timeline.meters[0].bar_ticks()
    heard = [*take.notes, *take.sounding(end)]
    heard = [n for n in heard if n.end > max(start, -PICKUP_BARS * bar) and n.onset <= end and not _stood_still(n)]
    if start < 0:
        early = -min((n.onset for n in heard), default=0.0)
        start = -bar * min(PICKUP_BARS, max(0, -int(-early // bar)))
    parts = _parts(heard)
    place = {voice: i for i, voice in enumerate(parts)}
    piece = Piece.from_notes(
        (_note(n, start, end, place[n.who, n.channel]) for n in heard),
        TICKS_PER_QUARTER * FINER,
        tempos=_tempos(knots, start, end) or _cut(timeline.tempos, start),
        meters=_cut(timeline.meters, start),
        keys=_cut(timeline.keys, start),
        part_names=tuple(parts.values()),
        metadata=Metadata(title=title),
    )
    controls: dict[int, list[Control]] = {}
    for move in take.moves:
        if (move.who, move.channel) in place and move.tick <= end:
            at = max(0, round((move.tick - start) * FINER))
            controls.setdefault(place[move.who, move.channel], []).append(Control(at, move.number, move.value))
    return piece, controls


def _stood_still(note: Heard) -> bool:
    return note.who == "player" and note.end - note.onset < STOOD_STILL


def _note(note: Heard, start: float, end: float, part: int) -> Note:
    onset = max(0, round((note.onset - start) * FINER))
    duration = max(1, round((min(note.end, end) - start) * FINER) - onset)
    return Note(onset, duration, note.pitch, note.velocity, note.program, part)


def _parts(heard: Iterable[Heard]) -> dict[tuple[Who, int], str]:
    """The name of each part, the player's first: "player", "model: strings"."""
    programs: dict[tuple[Who, int], int] = {}
    for note in heard:
        programs.setdefault((note.who, note.channel), note.program)
    names: dict[tuple[Who, int], str] = {}
    for who, channel in sorted(programs, key=lambda v: (v[0] != "player", v[1])):
        name = who if who == "player" else f"{who}: {family(programs[who, channel])}"
        again = sum(n == name or n.startswith(f"{name} ") for n in names.values())
        names[who, channel] = f"{name} {again + 1}" if again else name
    return names


def _tempos(knots: Knots, start: float, end: float) -> tuple[Tempo, ...]:
    """The tempo map between two ticks with as few changes as keep everything within SAME_TIME of when it was played.

    A line is drawn through the times of the knots as far as one tempo reaches, the first one's own if it may
    be. What the followed clock's jitter does to the tempo is gone then, and errors do not add up.
    """
    points, seconds = _times(knots, end)
    rows: dict[int, Tempo] = {}  # by tick
    base, i = 0.0, 0  # when the written tempos have knot i
    while i < len(points) - 1:
        low, high, j = 0.0, float("inf"), i + 1
        while j < len(points):
            ticks, passed = points[j] - points[i], seconds[j] - base
            if max(low, (passed - SAME_TIME) / ticks) > min(high, (passed + SAME_TIME) / ticks):
                break
            low, high, j = max(low, (passed - SAME_TIME) / ticks), min(high, (passed + SAME_TIME) / ticks), j + 1
        own = (seconds[i + 1] - seconds[i]) / (points[i + 1] - points[i])
        pace = min(max(own, low), high)
        at = max(0, round((points[i] - start) * FINER)) if rows else 0
        rows[at] = Tempo(at, min(_SLOWEST, max(1, round(pace * TICKS_PER_QUARTER * 1e6))))
        base += pace * (points[j - 1] - points[i])
        i = j - 1
    return tuple(rows.values())


def _times(knots: Knots, end: float) -> tuple[list[float], list[float]]:
    """The ticks at which the tempo changes, and `end`; and the seconds from the first to each."""
    points, seconds = [knots[0][0]] if knots else [], [0.0]
    for (tick, pace), (after, _) in pairwise([*knots, (max(end, knots[-1][0] + 1) if knots else 0.0, 0.0)]):
        if after > tick:
            points.append(after)
            seconds.append(seconds[-1] + (after - tick) * pace)
    return points, seconds


_Row = TypeVar("_Row", Tempo, Meter, Key)


def _cut(rows: tuple[_Row, ...], start: float) -> tuple[_Row, ...]:
    """A map as it is from tick `start` on, which becomes 0, on the finer grid."""
    before = [r for r in rows if r.tick <= max(0.0, start)]
    after = [r for r in rows if r.tick > max(0.0, start)]
    moved = [r._replace(tick=0) for r in before[-1:]] + [
        r._replace(tick=round((r.tick - start) * FINER)) for r in after
    ]
    return tuple(moved)

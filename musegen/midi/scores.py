"""MusicXML, ABC and Humdrum files → Piece, through music21 (the extra `scores`).

Knows nothing of events or corpora. What is read: notes with ties merged, parts apart, programs, sounding
pitch of transposing instruments, tempo, meter, key, dynamics as velocity, repeats played out. Stated
repairs: grace notes and other notes of no length are left out; a piece that begins with a pick-up is moved
so that tick 0 is the start of a full bar with the pick-up at its end; a bar shorter than its meter inside a
piece restarts the bar count (a `Meter` row) unless the next bars complete it; where repeats cannot be
played out the piece is as written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import MissingPackageError, ScoreError
from ..piece import DRUMS, Key, Metadata, Meter, Note, Piece, Tempo
from . import abc
from .notation import write_score as write_score
from .repeats import BarMarks, play_order
from .score_maps import Moment, bar_counts, first_at_zero, key_of, lead, meter_of, tempo_of, times, without_partial_bars

SUFFIXES = (".xml", ".mxl", ".musicxml", ".abc", ".krn")
RESOLUTION = 480  # ticks a quarter, or a multiple where tuplets ask for one
_DRUM_CHANNEL = 9  # General MIDI's tenth
_COMPOUND = ((6, 8), (9, 8), (12, 8))  # meters whose beat is a dotted quarter
_FINEST = 32_640  # the largest multiple of 480 that a MIDI header holds
_DEFAULT_VELOCITY = 80
_MOST_REPEATED = 3  # a minuet with trio and da capo plays 2½ times what is written; music21 can make 100 times of it


def read_score(path: str | Path, qpm: float = 120.0) -> Piece:
    """The piece in a notation file; the first one where an ABC file holds many.

    `qpm` is the tempo of a piece that states none: quarters a minute, or dotted quarters in 6/8, 9/8 and 12/8.
    Raises ScoreError, or MissingPackageError without music21.
    """
    rejected: list[tuple[str, str]] = []
    pieces = read_scores(path, qpm, rejected)
    if not pieces:
        raise ScoreError(rejected[0][1] if rejected else f"{path} holds no music.")
    return pieces[0][1]


def read_scores(
    path: str | Path, qpm: float = 120.0, rejected: list[tuple[str, str]] | None = None
) -> list[tuple[str, Piece]]:
    """(name, piece) of everything in a notation file; an ABC tune is named file:number.

    A tune that cannot be read is appended to `rejected` as (name, reason) where that list is given, and
    raises ScoreError where it is not.
    """
    path = Path(path)
    found: list[tuple[str, Piece]] = []
    for name, load in _loaders(path):
        try:
            piece = _piece(load(), qpm)
            if not len(piece):
                raise ScoreError(f"{path} ({name}) holds no notes.")
        except (ScoreError, *_MUSIC21_FAILURES) as error:
            reason = str(error) if isinstance(error, ScoreError) else _reason(path, name, error)
            if rejected is None:
                raise ScoreError(reason) from error
            rejected.append((name, reason))
        else:
            found.append((name, piece))
    return found


# music21 raises its own exceptions and, on malformed files, whatever Python raised inside it.
_MUSIC21_FAILURES = (Exception,)


def _reason(path: Path, name: str, error: Exception) -> str:
    where = str(path) if name == path.stem else f"{path} ({name})"
    text = " ".join(str(error).split())[:160]
    return f"{where} cannot be read as notation: {type(error).__name__}{': ' + text if text else ''}."


def _loaders(path: Path) -> Iterator[tuple[str, Any]]:
    """(name, function that parses it) of each score in the file."""
    try:
        from music21 import converter
    except ImportError:
        raise MissingPackageError("music21", "Reading MusicXML, ABC and Humdrum", "scores") from None
    if not path.is_file():
        raise ScoreError(f"{path} does not exist or is not a file.")
    if path.suffix.lower() not in SUFFIXES:
        raise ScoreError(f"{path} is not a notation file: expected one of {', '.join(SUFFIXES)}.")
    if path.suffix.lower() != ".abc":

        def parse() -> Any:
            found = converter.Converter()
            found.parseFile(path, forceSource=True, storePickle=False)
            return found.stream

        yield path.stem, parse
        return
    for name, text in abc.tunes(path):

        def parse_tune(text: str = text) -> Any:
            found = converter.Converter()
            found.parseData(text, format="abc")
            return found.stream

        yield name, parse_tune


class _Part(NamedTuple):
    name: str
    elements: list[Moment]  # everything in it, flat, in order
    bars: list[tuple[Fraction, Fraction]]  # start and written length of every bar


def _piece(score: Any, qpm: float) -> Piece:
    from music21 import stream

    if isinstance(score, stream.Opus):
        score = score.scores[0] if len(score.scores) else stream.Score()
    if not score.parts:
        whole = stream.Score()
        whole.insert(0, score)
        whole.metadata = score.metadata
        score = whole
    parts = _played(score)
    flat = [m for p in parts for m in p.elements]
    meters = without_partial_bars(times(flat, "TimeSignature", meter_of))
    bars = max((p.bars for p in parts), key=len, default=[])
    silence = lead(bars, meters)
    raw = [n for i, p in enumerate(parts) for n in _notes(p, i)]
    ppq = _resolution([n[0] for n in raw] + [n[1] for n in raw] + [silence])

    def tick(quarters: Fraction) -> int:
        return math.floor((quarters + silence) * ppq + Fraction(1, 2))

    notes = [Note(tick(n[0]), max(1, tick(n[0] + n[1]) - tick(n[0])), *n[2:]) for n in raw]
    if meters and meters[0][1] in _COMPOUND:
        qpm *= 1.5
    tempos = first_at_zero([(tick(q), v) for q, v in times(flat, "MetronomeMark", tempo_of)], 60e6 / qpm)
    counts = first_at_zero([(tick(q), m) for q, m in bar_counts(bars, meters)], (4, 4))
    keys = [(tick(q), v) for q, v in times(flat, "KeySignature", key_of)]
    return Piece.from_notes(
        notes,
        ppq,
        tempos=tuple(Tempo(t, round(us)) for t, us in tempos),
        meters=tuple(Meter(t, *m) for t, m in counts),
        keys=tuple(Key(t, *k) for t, k in (first_at_zero(keys, keys[0][1]) if keys else [])),
        part_names=tuple(p.name for p in parts),
        metadata=_metadata(score),
    )


def _played(score: Any) -> list[_Part]:
    """The parts at sounding pitch, repeats and endings played out, or as written where the parts disagree on them."""
    written = list(score.parts)
    if any(i.transposition is not None for p in written for i in p.recurse().getElementsByClass("Instrument")):
        written = list(score.toSoundingPitch(inPlace=False).parts)
    if any(p.recurse().getElementsByClass("RepeatExpression") for p in written):
        played = _da_capo(written)
        if played is not None:
            return [_part(p, None, lengths) for p, lengths in zip(played, _lengths(played), strict=True)]
    marks = [_marks(p) for p in written]
    most = max(marks, key=lambda bars: sum(b.ends_repeat for b in bars), default=[])
    order = play_order(most) if all(len(m) == len(most) for m in marks) else None
    return [_part(p, order, lengths) for p, lengths in zip(written, _lengths(written), strict=True)]


def _lengths(parts: list[Any]) -> list[list[Fraction]]:
    """For each part how long each of its bars is: as most parts have it, by their notes and rests.

    music21 also counts signs: a dynamic placed beyond the last note makes the bar longer in that part alone, which
    from there on would play late.
    """
    found = [[_length(bar) for bar in p.getElementsByClass("Measure")] for p in parts]
    if len({len(lengths) for lengths in found}) > 1:
        return found
    common = [_commonest(bar) for bar in zip(*found, strict=True)]
    return [common for _ in parts]


def _commonest(lengths: tuple[Fraction, ...]) -> Fraction:
    """The length that most have; of several, the longest."""
    return max(set(lengths), key=lambda length: (lengths.count(length), length))


def _length(bar: Any) -> Fraction:
    heard = [start + Fraction(e.duration.quarterLength) for start, e in _inside(bar, Fraction(0)) if _is_heard(e)]
    return max(heard, default=Fraction(bar.duration.quarterLength))


def _is_heard(element: Any) -> bool:
    return "GeneralNote" in element.classSet and "ChordSymbol" not in element.classSet


def _da_capo(written: list[Any]) -> list[Any] | None:
    """Parts with da capo, dal segno and coda played out by music21, or None where it fails or runs wild."""
    try:
        played = [p.expandRepeats() for p in written]
    except _MUSIC21_FAILURES:
        return None
    before = [p.duration.quarterLength for p in written]
    after = [p.duration.quarterLength for p in played]
    return played if len(set(after)) == 1 and max(after) <= _MOST_REPEATED * max(before) else None


def _marks(part: Any) -> list[BarMarks]:
    """The repeat signs of a part, bar by bar."""
    endings: dict[int, tuple[int, ...]] = {}
    for bracket in part.recurse().getElementsByClass("RepeatBracket"):
        numbers = tuple(max(1, int(n)) for n in bracket.numberRange or (1,))
        endings |= {id(bar): numbers for bar in bracket.getSpannedElements()}
    marks = []
    for bar in part.getElementsByClass("Measure"):
        left, right = bar.leftBarline, bar.rightBarline
        starts = left is not None and "Repeat" in left.classSet
        ends = right is not None and "Repeat" in right.classSet and right.direction == "end"
        times = min(right.times or 2, _MOST_REPEATED) if ends else 2
        marks.append(BarMarks(starts, ends, times, endings.get(id(bar), ())))
    return marks


def _part(part: Any, order: list[int] | None, lengths: list[Fraction]) -> _Part:
    """A part with its bars in `order` (as written if None), each `lengths` quarters long."""
    # Bar by bar: music21 puts one and the same TimeSignature object into several bars, so that
    # flattening the whole part would find it at the last of its places only.
    written = [(Fraction(part.elementOffset(e)), e) for e in part]
    bars = [(start, e) for start, e in written if "Measure" in e.classSet]
    elements: list[Moment] = []
    for start, outer in written:
        if not outer.isStream:
            elements.append((start, outer))
        elif "Measure" not in outer.classSet:
            elements += _inside(outer, start)
    contents = [_inside(bar, Fraction(0)) for _, bar in bars]
    signs = _signs_before(contents)
    now = bars[0][0] if bars else Fraction(0)
    places, last = [], -1
    for number in range(len(bars)) if order is None else order:
        if number != last + 1:
            elements += [(now, sign) for sign in signs[number]]
        elements += [(now + at, e) for at, e in contents[number]]
        places.append((now, lengths[number]))
        now += lengths[number]
        last = number
    elements.sort(key=lambda moment: moment[0])
    return _Part(str(part.partName or ""), elements, places)


def _inside(outer: Any, start: Fraction) -> list[Moment]:
    flat = outer.flatten()
    return [(start + Fraction(flat.elementOffset(e)), e) for e in flat]


def _signs_before(contents: list[list[Moment]]) -> list[list[Any]]:
    """For each bar, the meter, key, tempo and dynamics in force at its start: to be restated after a jump."""
    kinds = ("TimeSignature", "KeySignature", "MetronomeMark", "Dynamic", "Instrument")
    force: dict[str, Any] = {}
    out = []
    for bar in contents:
        here = {k: e for at, e in bar if at == 0 for k in kinds if k in e.classSet}
        out.append([e for k, e in force.items() if k not in here])
        force |= {k: e for _, e in bar for k in kinds if k in e.classSet}
    return out


def _notes(part: _Part, index: int) -> Iterator[tuple[Any, ...]]:
    """(start, length in quarters, pitch, velocity, program, part) of each sounding note, ties merged."""
    program, velocity = _program(part.name, None), _DEFAULT_VELOCITY
    open_ties: dict[int, list[Any]] = {}
    found: list[list[Any]] = []
    for start, element in part.elements:
        classes = element.classSet
        if "Instrument" in classes:
            program = _program(part.name, element)
        elif "Dynamic" in classes:
            velocity = _velocity(element.volumeScalar)
        if "GeneralNote" not in classes or "Rest" in classes or "ChordSymbol" in classes:
            continue
        length = Fraction(element.duration.quarterLength)
        if length <= 0 or element.duration.isGrace:
            continue
        for pitch, tie in _pitches(element):
            before = open_ties.get(pitch)
            if tie in ("stop", "continue") and before is not None and before[0] + before[1] == start:
                before[1] += length
                row = before
            else:
                stated = element.volume.velocity
                row = [start, length, pitch, stated or velocity, program, index]
                found.append(row)
            if tie in ("start", "continue"):
                open_ties[pitch] = row
            else:
                open_ties.pop(pitch, None)
    return (tuple(row) for row in found)


def _pitches(element: Any) -> Iterator[tuple[int, str | None]]:
    """(MIDI pitch 0-127, kind of tie) of each note in a note or chord; unpitched percussion is a snare."""
    for note in getattr(element, "notes", (element,)):
        tie = note.tie.type if note.tie is not None else None
        if "Unpitched" in note.classSet:
            drum = getattr(note.storedInstrument, "percMapPitch", None)
            yield int(drum if drum is not None else 38), tie
        elif 0 <= round(note.pitch.ps) <= 127:
            yield round(note.pitch.ps), tie


def _program(name: str, stated: Any) -> int:
    """The General MIDI program of an instrument: as the file says, else by the part's name, else piano."""
    from music21 import instrument

    if stated is not None and ("UnpitchedPercussion" in stated.classSet or stated.midiChannel == _DRUM_CHANNEL):
        return DRUMS
    if stated is not None and stated.midiProgram is not None:
        return int(stated.midiProgram)
    if re.match(r"(?i)\s*(soprano|alto|tenor|bass|baritone|voice|cantus|choir|[satb])\b", name):
        return 52  # choir: music21's own guess makes a double bass of "Bass"
    try:
        guess = instrument.fromString(name) if name else None
    except instrument.InstrumentException:
        guess = None
    return int(guess.midiProgram) if guess is not None and guess.midiProgram is not None else 0


def _velocity(scalar: float | None) -> int:
    """Velocity of a dynamic mark: mf (.55) is 80, ppp 53, fff 111."""
    return _DEFAULT_VELOCITY if scalar is None else round(30 + 90 * scalar)


def _resolution(times: list[Fraction]) -> int:
    """Ticks a quarter on which every time is exact, if a MIDI header can hold it."""
    ppq = RESOLUTION
    for bottom in {t.denominator for t in times}:
        if (wider := math.lcm(ppq, bottom)) <= _FINEST:
            ppq = wider
    return ppq


def _metadata(score: Any) -> Metadata:
    data = score.metadata
    if data is None:
        return Metadata()
    title = str(data.title or data.movementName or "")
    if title.lower().endswith(SUFFIXES):  # music21 takes the file's name for want of a title
        title = ""
    return Metadata(title=" ".join(title.split()), composer=" ".join(str(data.composer or "").split()))

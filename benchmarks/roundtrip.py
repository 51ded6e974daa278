"""Whether every piece comes back from a file as it went in: written as MIDI and read again, and so as MusicXML.

    python -m benchmarks.roundtrip SOURCE... [--sample N] [--scores N] [--workers N]

The sources are those of `musegen corpus build`. Through MIDI the whole piece is compared: notes (with velocities,
programs and parts), tempos, meters, keys and the names of parts with notes. MusicXML is compared in what it can say:
each note's onset, duration, pitch and program, part by part, and tempo (to .01), meter, key and names. Prints counts
and names every piece that differs; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from musegen.corpus.sources import Item, list_items, read_item
from musegen.errors import MusegenError
from musegen.midi import read_midi, read_music, write_midi, write_music
from musegen.piece import Piece
from musegen.workers import run_jobs

from .machine import print_header

MIDI, SCORE = "MIDI", "MusicXML"
TIMEOUT = 600.0


@dataclass(frozen=True)
class Job:
    """A file to try, and how many of its pieces to try as MusicXML too."""

    item: Item
    scores: int = 0


@dataclass
class Outcome:
    """Pieces and notes by kind of file, what differed, and how many pieces could not be read in the first place."""

    pieces: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    unread: int = 0

    def add(self, other: Outcome) -> None:
        """Count `other` in."""
        self.pieces += other.pieces
        self.notes += other.notes
        self.failures += other.failures
        self.unread += other.unread


def try_item(job: Job) -> Outcome:
    """Every piece of one file, there and back; runs in a worker."""
    outcome = Outcome()
    rejected: list[tuple[str, str]] = []
    try:
        found = read_item(job.item, rejected)
    except MusegenError:
        return Outcome(unread=1)
    outcome.unread = len(rejected)
    with tempfile.TemporaryDirectory() as folder:
        for number, (title, piece) in enumerate(found):
            kinds = (MIDI, SCORE) if number < job.scores else (MIDI,)
            for kind in kinds:
                differences = there_and_back(piece, kind, Path(folder))
                outcome.pieces[kind] += 1
                outcome.notes[kind] += len(piece)
                if differences:
                    outcome.failures.append(f"{kind}: {job.item.key} ({title}): {', '.join(differences)}")
    return outcome


def there_and_back(piece: Piece, kind: str, folder: Path) -> list[str]:
    """What differs after writing `piece` and reading it again."""
    path = folder / ("piece.mid" if kind == MIDI else "piece.musicxml")
    try:
        if kind == MIDI:
            write_midi(piece, path)
            return list(midi_differences(piece, read_midi(path)))
        write_music(piece, path)
        return list(score_differences(piece, read_music(path)))
    except MusegenError as error:
        return [str(error)]


def midi_differences(piece: Piece, back: Piece) -> Iterator[str]:
    """What of `piece` is not in `back` to the tick."""
    yield from _unlike("notes", list(piece), list(back))
    for name in ("ticks_per_quarter", "tempos", "meters", "keys"):
        yield from _unlike(name, getattr(piece, name), getattr(back, name))
    yield from _unlike("part names", sounding_names(piece), sounding_names(back))
    yield from _unlike("title", piece.metadata.title, back.metadata.title)


def score_differences(piece: Piece, back: Piece) -> Iterator[str]:
    """What of `piece` is not in `back` in quarters, as far as MusicXML can say it."""
    yield from _unlike("notes", notes_in_quarters(piece), notes_in_quarters(back))
    for name in ("meters", "keys"):
        yield from _unlike(name, rows_in_quarters(piece, name), rows_in_quarters(back, name))
    tempos = [[(Fraction(t.tick, p.ticks_per_quarter), round(t.qpm, 1)) for t in p.tempos] for p in (piece, back)]
    yield from _unlike("tempos", *tempos)
    yield from _unlike("part names", sounding_names(piece), sounding_names(back))


def sounding_names(piece: Piece) -> list[str]:
    """The names of the parts that have notes."""
    parts = sorted({n.part for n in piece})
    return [piece.part_names[p] if p < len(piece.part_names) else "" for p in parts]


def notes_in_quarters(piece: Piece) -> list[tuple[int, Fraction, int, Fraction, int]]:
    """(place among the parts that sound, onset, pitch, duration, program) of each note, in order."""
    place = {p: i for i, p in enumerate(sorted({n.part for n in piece}))}
    ppq = piece.ticks_per_quarter
    rows = [(place[n.part], Fraction(n.onset, ppq), n.pitch, Fraction(n.duration, ppq), n.program) for n in piece]
    return sorted(rows)


def rows_in_quarters(piece: Piece, name: str) -> list[tuple[object, ...]]:
    """A map of the piece with its ticks as quarters."""
    return [(Fraction(tick, piece.ticks_per_quarter), *rest) for tick, *rest in getattr(piece, name)]


def _unlike(what: str, before: object, after: object) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        missing, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
        first = next(iter(missing or added), "the order")
        yield f"{what} ({missing.total()} lost, {added.total()} new; first {_short(first)})"
    else:
        yield f"{what} ({before!r} became {after!r})"


def _short(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)


def choose(items: list[Item], sample: int | None) -> list[Item]:
    """At most `sample` of the items of each source, evenly spread."""
    chosen: list[Item] = []
    for source in dict.fromkeys(i.source for i in items):
        mine = [i for i in items if i.source == source]
        count = min(len(mine), sample or len(mine))
        chosen += [mine[n * len(mine) // count] for n in range(count)]
    return chosen


def plan(items: list[Item], scores: int) -> list[Job]:
    """A job an item; `scores` of the items, evenly spread, also try their first piece as MusicXML."""
    count = min(scores, len(items))
    also = {n * len(items) // count for n in range(count)}
    return [Job(item, int(number in also)) for number, item in enumerate(items)]


def main() -> int:
    """Try them all; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="as for  musegen corpus build")
    parser.add_argument("--sample", type=int, help="at most so many files of each source, evenly spread (all)")
    parser.add_argument("--scores", type=int, default=60, help="so many pieces also through MusicXML (60)")
    parser.add_argument("--workers", type=int, help="processes (one a core)")
    args = parser.parse_args()
    print_header("symusic", "music21")
    try:
        jobs = plan(choose(list_items(args.sources), args.sample), args.scores)
    except MusegenError as error:
        print(f"roundtrip: {error}", file=sys.stderr)
        return 1
    total = Outcome()
    for _, outcome in run_jobs(try_item, jobs, args.workers, TIMEOUT, name=lambda job: job.item.key):
        total.add(outcome if isinstance(outcome, Outcome) else Outcome(failures=[str(outcome)]))
    return show(jobs, total)


def show(jobs: list[Job], total: Outcome) -> int:
    """Print what came of it; the exit status."""
    for line in sorted(total.failures):
        print(line)
    for kind in (MIDI, SCORE):
        failed = sum(line.startswith(f"{kind}: ") for line in total.failures)
        print(f"{kind:10}{total.pieces[kind]:6} pieces {total.notes[kind]:9,} notes {failed:5} differ")
    print(f"{len(jobs)} files; {total.unread} pieces were refused when they were first read")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())

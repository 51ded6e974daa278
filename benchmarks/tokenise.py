"""Notes a second from a MIDI file to model input: musegen against MidiTok, and against pretty_midi's bare load.

    python -m benchmarks.tokenise [--small FOLDER] [--large FOLDER] [--rounds N] [--many N] [--json FILE]

Equal content: programs, tempo and meter are read and kept by all, at 24 ticks a quarter, in one process.
Without folders, the small files are Bach chorales (from music21) and the large ones are chorales laid end to
end; musegen writes both. Last, `--many` files (the small ones over and over) go through the worker processes that
`corpus build` uses, one a core, and the resident memory of this process and its workers is read on the way.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from musegen.errors import MusegenError
from musegen.events.attributes import is_note
from musegen.events.codec import EventCodec
from musegen.midi.files import read_midi
from musegen.midi.write import write_midi
from musegen.piece import Piece, sort_notes
from musegen.workers import map_files

from .machine import DEFAULT_ROUNDS, add_json, interleaved, print_header, write_json

CHORALES = 100
CHORALES_END_TO_END = 40
LARGE_FILES = 12
PACKAGES = ("symusic", "miditok", "pretty_midi", "mido", "numpy")
LOOKS = 4  # at the memory


def main() -> None:
    """Measure both sets and print a table."""
    args = _arguments()
    print_header(*PACKAGES)
    with tempfile.TemporaryDirectory() as scratch:
        small, large = args.small, args.large
        if not small or not large:
            chorales = list(_chorales())
            small = small or _write(chorales, Path(scratch, "small"))
            large = large or _write(_end_to_end(chorales), Path(scratch, "large"))
        print(f"{'files':<28}{'notes':>9}  {'contender':<22}{'notes/s':>12}  {'musegen is':>10}")
        files = {title: sorted(Path(at).rglob("*.mid")) for title, at in (("small", small), ("large", large))}
        figures = {
            "tokenise": [row for title in files for row in _compare(title, files[title], args.rounds)],
            "corpus": _many(files["small"], args.many),
        }
    write_json(args.json, figures, PACKAGES)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=Path, help="a folder of small MIDI files, 100 to 300 notes each")
    parser.add_argument("--large", type=Path, help="a folder of large MIDI files, thousands of notes each")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    parser.add_argument("--many", type=int, default=4000, help="how many files all cores read")
    add_json(parser)
    return parser.parse_args()


def _compare(title: str, files: list[Path], rounds: int) -> list[dict[str, object]]:
    notes = sum(len(read_midi(file)) for file in files)
    calls = {name: _over(files, call) for name, call in _contenders().items()}
    seconds = interleaved(calls, rounds)
    rows: list[dict[str, object]] = []
    for name, taken in seconds.items():
        times = taken / seconds["musegen"]
        rows.append({"files": title, "contender": name, "notes_per_second": notes / taken, "ratio": times})
        ratio = "" if name == "musegen" else f"{times:9.1f}×"
        print(f"{f'{title}: {len(files)} files':<28}{notes:>9}  {name:<22}{notes / taken:>12,.0f}  {ratio:>10}")
    return rows


def rows_of(path: str) -> int:
    """How many notes the file at `path` has as events; runs in a worker."""
    return int(is_note(EventCodec().encode(read_midi(path)).rows).sum())


def _many(files: list[Path], many: int) -> list[dict[str, object]]:
    """Rates and memory as `many` files are read by a worker a core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: list[dict[str, object]] = []
    notes, start = 0, 0.0
    print(f"\n{'files read by all cores':<28}{'notes':>9}  {'notes/s':>12}  {'resident MB':>12}")
    for number, (_, each) in enumerate(map_files(rows_of, islice(cycle(files), many), cores)):
        if isinstance(each, MusegenError):
            raise each
        start = start or time.perf_counter()  # the workers have begun: Python's start is `startup`'s figure
        notes += each
        if (number + 1) % (many // LOOKS) == 0:
            rate = notes / (time.perf_counter() - start)
            memory = _resident()
            print(f"{number + 1:<28}{notes:>9}  {rate:>12,.0f}  {memory:>12.1f}")
            row = {"files": number + 1, "notes": notes, "cores": cores, "notes_per_second": rate}
            found.append({**row, "resident_mb": memory})
    return found


def _resident() -> float:
    """Megabytes that this process and its workers hold."""
    processes = [os.getpid(), *(p.pid for p in multiprocessing.active_children())]
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in processes)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _contenders() -> dict[str, Callable[[Path], object]]:
    import pretty_midi
    from miditok import TSD, TokenizerConfig

    codec = EventCodec()
    tokenizer = TSD(
        TokenizerConfig(
            beat_res={(0, 16): 24},
            num_velocities=32,
            use_programs=True,
            use_tempos=True,
            use_time_signatures=True,
            one_token_stream_for_programs=True,
        )
    )
    return {
        "musegen": lambda path: codec.encode(read_midi(path)),
        "MidiTok (TSD)": lambda path: tokenizer(path),
        "pretty_midi, load only": lambda path: pretty_midi.PrettyMIDI(str(path)),
    }


def _over(files: list[Path], call: Callable[[Path], object]) -> Callable[[], None]:
    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for file in files:
                call(file)

    return run


def _chorales() -> Iterable[Piece]:
    from music21 import corpus

    from musegen.midi.scores import read_score

    for path in corpus.getComposer("bach")[:CHORALES]:
        yield read_score(path)


def _end_to_end(pieces: list[Piece]) -> Iterable[Piece]:
    """LARGE_FILES pieces, each of CHORALES_END_TO_END of `pieces` with their first piece's maps."""
    generator = np.random.default_rng(0)
    for _ in range(LARGE_FILES):
        chosen = [pieces[i].at_resolution(480) for i in generator.choice(len(pieces), CHORALES_END_TO_END)]
        notes, start = [], 0
        for piece in chosen:
            moved = piece.notes.copy()
            moved["onset"] += start
            start = int(start + piece.bar_starts()[-1])
            notes.append(moved)
        most = max(chosen, key=lambda piece: len(piece.part_names))
        yield dataclasses.replace(chosen[0], notes=sort_notes(np.concatenate(notes)), part_names=most.part_names)


def _write(pieces: Iterable[Piece], folder: Path) -> Path:
    folder.mkdir()
    for number, piece in enumerate(pieces):
        write_midi(piece, folder / f"{number:03}.mid")
    return folder


if __name__ == "__main__":
    main()

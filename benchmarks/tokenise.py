"""Notes a second from a MIDI file to model input: musegen against MidiTok, and against pretty_midi's bare load.

    python -m benchmarks.tokenise [--small FOLDER] [--large FOLDER] [--rounds N]

Equal content: programs, tempo and meter are read and kept by all, at 24 ticks a quarter, in one process.
Without folders, the small files are Bach chorales (from music21) and the large ones are chorales laid end to
end; musegen writes both.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from musegen.events.codec import EventCodec
from musegen.midi.files import read_midi
from musegen.midi.write import write_midi
from musegen.piece import Piece, sort_notes

from .machine import DEFAULT_ROUNDS, interleaved, print_header

CHORALES = 100
CHORALES_END_TO_END = 40
LARGE_FILES = 12


def main() -> None:
    """Measure both sets and print a table."""
    args = _arguments()
    print_header("symusic", "miditok", "pretty_midi", "mido", "numpy")
    with tempfile.TemporaryDirectory() as scratch:
        small, large = args.small, args.large
        if not small or not large:
            chorales = list(_chorales())
            small = small or _write(chorales, Path(scratch, "small"))
            large = large or _write(_end_to_end(chorales), Path(scratch, "large"))
        print(f"{'files':<28}{'notes':>9}  {'contender':<22}{'notes/s':>12}  {'musegen is':>10}")
        for title, folder in (("small", small), ("large", large)):
            _compare(title, sorted(p for p in Path(folder).rglob("*.mid")), args.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=Path, help="a folder of small MIDI files, 100 to 300 notes each")
    parser.add_argument("--large", type=Path, help="a folder of large MIDI files, thousands of notes each")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    return parser.parse_args()


def _compare(title: str, files: list[Path], rounds: int) -> None:
    notes = sum(len(read_midi(file)) for file in files)
    calls = {name: _over(files, call) for name, call in _contenders().items()}
    seconds = interleaved(calls, rounds)
    for name, taken in seconds.items():
        ratio = "" if name == "musegen" else f"{taken / seconds['musegen']:9.1f}×"
        print(f"{f'{title}: {len(files)} files':<28}{notes:>9}  {name:<22}{notes / taken:>12,.0f}  {ratio:>10}")


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

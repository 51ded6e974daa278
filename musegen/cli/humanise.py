"""`musegen humanise`: have a file's drums played as drummers play, and take it back; all else stays to the tick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..piece import Piece
    from ..sampling.performing import Performance
    from ..sampling.undo import Undone

EXAMPLES = """examples:
  musegen humanise beat.mid                              the drums off the grid and with dynamics: humanised/beat.mid
  musegen humanise beat.mid --amount 0.5 --png           half as much, and a picture of every stroke
  musegen humanise beat.mid --feel funk --seed-number 3  as in funk, another take
  musegen humanise --undo humanised/beat.mid             what was written, bit for bit: humanised/beat-undone.mid
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `humanise`."""
    from ..engine.humaniser import NAME

    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="MIDI or notation, with drums on a grid")
    parser.add_argument("--undo", action="store_true", help="give back what FILE was before it was humanised")
    parser.add_argument("--amount", type=float, default=1.0, metavar="0…1", help="how much (%(default)g)")
    parser.add_argument(
        "--feel", metavar="NAME", help="a drummer or style of the checkpoint (an unknown one lists them)"
    )
    parser.add_argument("--seed-number", type=int, default=0, metavar="N", help="another number, another take")
    parser.add_argument(
        "--best-guess", action="store_true", help="the one likeliest take, which is flatter than drummers"
    )
    parser.add_argument("--checkpoint", default=NAME, help="a shipped name or a folder (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("humanised"), help="folder for the file (%(default)s)")
    parser.add_argument("--wav", action="store_true", help="render the file to sound as well")
    parser.add_argument("--png", action="store_true", help="draw how each stroke is played as well (extra plots)")


def run(args: argparse.Namespace) -> None:
    """Write the file; say where it is and what happened to the drums."""
    from ..errors import SettingsError
    from ..midi import read_music

    path = args.out / (f"{args.file.stem}-undone.mid" if args.undo else f"{args.file.stem}.mid")
    piece, texts = read_music(args.file), _texts(args.file)
    if path.exists() and path.samefile(args.file):
        raise SettingsError(f"{path} would be written over itself: name another folder with --out.")
    (_undo if args.undo else _humanise)(args, piece, texts, path)


def _humanise(args: argparse.Namespace, piece: Piece, texts: list[str], path: Path) -> None:
    from ..engine.humaniser import load_humaniser
    from ..sampling.humanise import perform
    from ..sampling.undo import is_humanised, text_of, undo

    if is_humanised(texts):
        piece = undo(piece, texts).piece
        print(f"{args.file} is a performance already: starting from what was written.")
    number = None if args.best_guess else args.seed_number
    performance = perform(load_humaniser(args.checkpoint), piece, args.amount, args.feel, number)
    _write(performance.piece, path, [text_of(performance)])
    if args.png:
        _draw(performance, path)
    if args.wav:
        _render(performance.piece, path)
    print(f"{path}: {_report(performance)}")


def _undo(args: argparse.Namespace, piece: Piece, texts: list[str], path: Path) -> None:
    from ..sampling.undo import undo

    undone = undo(piece, texts)
    _write(undone.piece, path)
    if args.wav:
        _render(undone.piece, path)
    print(f"{path}: {_what_was_undone(undone)}")


def _texts(path: Path) -> list[str]:
    """The text events of a MIDI file; notation has none."""
    from ..midi.files import read_texts
    from ..midi.music import MIDI

    return read_texts(path) if path.suffix.lower() in MIDI else []


def _write(piece: Piece, path: Path, texts: list[str] | None = None) -> None:
    from ..atomic import write_atomically
    from ..midi import midi_bytes

    data = midi_bytes(piece, texts=texts or ())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)


def _draw(performance: Performance, path: Path) -> None:
    from ..strokes import strokes

    whole = performance.written.at_resolution(performance.ticks_per_quarter)
    strokes(performance.fine, performance.drums, whole, path.with_suffix(".png"), path.stem, performance.steps)


def _render(piece: Piece, path: Path) -> None:
    from ..audio import render

    render(piece, path.with_suffix(".wav"))


_GRIDS = {4: "sixteenths", 3: "triplets", 6: "sixteenth triplets", 8: "thirty-seconds", 12: "sixteenths and triplets"}


def _report(performance: Performance) -> str:
    import numpy as np

    whole = performance.written.at_resolution(performance.ticks_per_quarter)
    late = 1000 * (whole.seconds(performance.drums["onset"]) - whole.seconds(performance.fine["onset"]))
    loud = performance.drums["velocity"]
    grid = _GRIDS.get(performance.steps, f"{performance.steps} steps a quarter")
    return (
        f"{len(late)} drum strokes on {grid}, now {np.abs(late).mean():.0f} ms off on average and at most "
        f"{np.abs(late).max():.0f}, with velocities {loud.min()}-{loud.max()}."
    )


def _what_was_undone(undone: Undone) -> str:
    if not undone.kept:
        grid = _GRIDS[undone.steps]
        return f"the file does not say what was written, so its drums were put on {grid} and keep their velocities."
    if not (undone.changed or undone.removed):
        return "what was written, to the tick and the velocity."
    count = f"{undone.changed} drum notes had been changed since and {undone.removed} taken out"
    return f"what was written; {count}: those are on the grid as they are, or stay out."

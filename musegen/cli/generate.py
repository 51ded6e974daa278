"""`musegen generate`: many continuations of a seed phrase, as files in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import add_file_options, add_sampling_options, plan

EXAMPLES = """examples:
  musegen generate --seed tune.mid                      eight variations of the next eight bars
  musegen generate --seed tune.mid -n 20 --bars 16 --out night --with-seed
  musegen generate --seed tune.mid --key "D dorian" --range 48-84 --temperature 0.9
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `generate`."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-n", type=int, default=8, help="how many files (%(default)s)")
    parser.add_argument("--bars", type=int, default=8, help="new bars in each (%(default)s)")
    parser.add_argument("--with-seed", action="store_true", help="put the seed phrase before the new music")
    add_file_options(parser, "generated")
    parser.add_argument("--seed", metavar="FILE", help="the phrase to play on from: a file or a shipped name")
    add_sampling_options(parser)


def run(args: argparse.Namespace) -> None:
    """Write the files; say where they are."""
    from ..engine.bars import load
    from ..midi import read_music, write_music
    from ..sampling.batch import generate
    from ..sampling.seeds import find_seed
    from .progress import Progress

    seed = find_seed(args.seed)
    what = plan(args, read_music(seed))
    engine = load(args.checkpoint)
    args.out.mkdir(parents=True, exist_ok=True)
    digits = len(str(args.n))
    written = []
    with Progress("generating", "bars") as progress:
        pieces = generate(engine, what, args.n, args.bars, args.with_seed, progress.update)
        for i, piece in enumerate(pieces, 1):
            path = args.out / f"{seed.stem}-{i:0{digits}d}.{args.format}"
            write_music(piece, path)
            written.append(path)
            extras(args, piece, path)
    print(f"{len(written)} files of {args.bars} bars in {args.out}: {written[0].name} … {written[-1].name}")


def extras(args: argparse.Namespace, piece: object, path: Path) -> None:
    """The sound and the picture of a file, where the options ask for them."""
    from ..audio import render
    from ..pictures import piano_roll
    from ..piece import Piece

    assert isinstance(piece, Piece)
    if args.wav:
        render(piece, path.with_suffix(".wav"))
    if args.png:
        piano_roll(piece, path.with_suffix(".png"), path.stem)

"""`musegen infill`: write some of a file anew, from what stands on both sides; all else stays to the tick."""

from __future__ import annotations

import argparse
from pathlib import Path

from .generate import extras
from .options import add_file_options, add_sampling_options, limits, sampler_settings

EXAMPLES = """examples:
  musegen infill song.mid --bars 5-8                     those four bars, by all who play there
  musegen infill song.mid --bars 5-8 --part 2 -n 8       what the second part might play there, eight times
  musegen infill song.mid --part 2 --programs 40         a violin in place of the second part
  musegen infill song.mid --bars 5-8 --keep rhythm       the same rhythm with other notes
  musegen infill song.mid --keep pitch --keep rhythm     another way to play it: only the velocities
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `infill`."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="MIDI or notation")
    parser.add_argument("--bars", metavar="FIRST-LAST", help="these bars, counted from 1 (default: all)")
    parser.add_argument("--part", type=int, metavar="N", help="only this part, counted from 1 (default: all)")
    parser.add_argument(
        "--keep",
        action="append",
        choices=("pitch", "rhythm", "velocity"),
        default=[],
        help="what the notes there keep; may be given twice (default: nothing, not even their number)",
    )
    parser.add_argument("-n", type=int, default=1, help="how many variations (%(default)s)")
    add_file_options(parser, "infilled")
    add_sampling_options(parser, seeded=False)


def run(args: argparse.Namespace) -> None:
    """Write the files; say where they are."""
    from ..engine import load
    from ..midi import read_music, write_music
    from ..sampling.infill import Gap, fillings
    from .progress import Progress

    piece = read_music(args.file)
    bars = _bars(args.bars) if args.bars else None
    settings = sampler_settings(args)
    gap = Gap(piece, bars, args.part, frozenset(args.keep), settings, limits(args), args.seed_number, args.style)
    engine = load(args.checkpoint, exact=True)
    digits, written = len(str(args.n)), []
    with Progress("filling", "bars") as progress:
        for i, filled in enumerate(fillings(engine, gap, args.n, progress.update), 1):
            args.out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{args.file.stem}-{i:0{digits}d}.{args.format}"
            write_music(filled, path)
            written.append(path)
            extras(args, filled, path)
    print(f"{len(written)} files in {args.out}: {written[0].name} … {written[-1].name}")


def _bars(text: str) -> tuple[int, int]:
    from ..errors import SettingsError

    first, dash, last = text.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise SettingsError(f"--bars {text!r} is not a bar or two bars such as 5-8.")
    return int(first), int(last if dash else first)

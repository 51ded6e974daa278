"""`musegen corpus build OUT SOURCE…` or `--preset NAME`, and `musegen corpus show PATH`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_cluster_option

if TYPE_CHECKING:
    from ..cluster import Cluster
    from ..corpus.store import Corpus

_BUILD_HELP = """\
A SOURCE is a folder of .mid .midi .xml .mxl .musicxml .abc .krn files (any depth; its name becomes the style
tag, or write STYLE=FOLDER), or one of
  music21:chorales    Bach's chorales, without those of the JSB-16 benchmark's validation and test sets
  music21:tunes       O'Neill (style irish), Ryan's Mammoth Collection (american), Aird (scottish)
  music21:classical   Haydn, Mozart, Beethoven, Clara and Robert Schumann (styles haydn, mozart, …)
  freedoom            the soundtrack of Freedoom, from the vizdoom package
  groove:FOLDER       the Groove MIDI Dataset: drums, with its own split (styles rock, funk, …; its fills: fill)
  giantmidi:FOLDER    MIDI files of GiantMIDI-Piano (style piano)
  jsb16:FOLDER        train.json and valid.json of JSB-16, with their own splits

A preset is what a shipped checkpoint learnt from: default (the first four), folk (the tunes) or chorale.

examples:
  musegen corpus build --preset default             in corpora/default
  musegen corpus build corpora/mine ~/Music/midi jazz=~/jazz --workers 4
  musegen corpus build corpora/drums groove:~/groove
  musegen corpus build corpora/large ~/midi --cluster 10.0.0.5:6379     read by the machines of a Ray cluster
A build that was stopped goes on where it was when it is run again; a second one does nothing new.
"""

_SHOW_HELP = """\
examples:
  musegen corpus show corpora/default
  musegen corpus show corpora/default --png histograms.png --rejected
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "examples:\n"
        "  musegen corpus build --preset default\n"
        "  musegen corpus build corpora/mine ~/Music/midi jazz=~/jazz\n"
        "  musegen corpus show corpora/mine"
    )
    verbs = parser.add_subparsers(dest="action", required=True, metavar="build|show")
    raw = argparse.RawDescriptionHelpFormatter
    build = verbs.add_parser("build", help="read sources into a corpus folder", epilog=_BUILD_HELP, formatter_class=raw)
    build.add_argument(
        "out", metavar="OUT", type=Path, nargs="?", help="the corpus folder to make or to bring up to date"
    )
    build.add_argument("sources", metavar="SOURCE", nargs="*", help="a folder or a named source (below)")
    build.add_argument("--preset", metavar="NAME", help="instead of sources: those of a shipped checkpoint (below)")
    build.add_argument(
        "--workers", type=_positive, metavar="N", help="processes that read (all cores, or all of the cluster's)"
    )
    add_cluster_option(build, "read")
    show = verbs.add_parser("show", help="print what is in a corpus", epilog=_SHOW_HELP, formatter_class=raw)
    show.add_argument("path", metavar="PATH", type=Path, help="a corpus folder")
    show.add_argument("--png", type=Path, metavar="FILE", help="where to draw the histograms (PATH/histograms.png)")
    show.add_argument("--rejected", action="store_true", help="list every rejected file with its reason")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return number


def run(args: argparse.Namespace) -> None:
    """Do what the verb says."""
    if args.action == "build":
        _build(args)
    else:
        _show(args)


def _build(args: argparse.Namespace) -> None:
    from ..corpus.show import summary
    from ..errors import SettingsError
    from ..presets import sources
    from .options import cluster

    if bool(args.preset) == bool(args.sources) or not (args.preset or args.out):
        raise SettingsError("Say which folder to make, then its sources; or --preset and a name.")
    names = sources(args.preset) if args.preset else [_home(given) for given in args.sources]
    with cluster(args) as there:
        corpus = read(args.out or Path("corpora") / args.preset, names, args.workers, there)
    print(summary(corpus))


def read(out: Path, names: Sequence[str], workers: int | None = None, cluster: Cluster | None = None) -> Corpus:
    """Build a corpus with a progress line. Raises as `corpus.build.build`."""
    from ..corpus.build import build
    from ..workers import run_jobs
    from .progress import Progress

    with Progress("reading", "files") as progress:
        return build(out, names, workers, progress.update, cluster.run_jobs if cluster else run_jobs)


def _home(name: str) -> str:
    """~ in FOLDER, STYLE=FOLDER and groove:FOLDER: the shell leaves the last two alone."""
    return re.sub(r"(?:(?<=^)|(?<=[=:]))~.*", lambda found: os.path.expanduser(found[0]), name, count=1)


def _show(args: argparse.Namespace) -> None:
    from ..corpus import show
    from ..corpus.store import Corpus

    corpus = Corpus.open(args.path)
    print(show.summary(corpus))
    counts = show.histograms(corpus)
    print()
    print(show.blocks(counts))
    if args.rejected:
        print()
        print("\n".join(f"{r['file']} ({r['title']}): {r['reason']}" for r in show.rejected(corpus)))
    target = args.png or args.path / "histograms.png"
    try:
        show.draw(counts, target)
    except ModuleNotFoundError as error:
        if error.name != "matplotlib" or args.png:
            raise
        print("\nNo picture: drawing one needs matplotlib  (pip install 'musegen[plots]').", file=sys.stderr)
    else:
        print(f"\nHistograms drawn in {target}")

"""`musegen evaluate CHECKPOINT…`: does it play music? Figures and pictures beside those of real music, as a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .options import DEFAULT_CHECKPOINT

if TYPE_CHECKING:
    from ..batches.continuations import Contender
    from ..corpus.store import Corpus

EPILOG = """\
Held-out pieces of the corpus begin, the checkpoint plays on, and what it plays is measured beside what really follows:
how likely the held-out music is to it, style by style; how like real music its own is (Yang & Lerch 2018: pitches,
transitions, times, durations, density, polyphony, scale, groove, form); how long the runs of notes are that training
music has too; and whether 64 bars get stuck, fall silent, or drift out of key or meter.

OUT then holds report.md with its pictures (extra plots), report.json, and every continuation as a MIDI file. Stop it
whenever you like: the same command goes on, and what was played and measured before is not done again.

Several checkpoints, or several values after --temperature, --min-p and --top-p, are compared in one report.
Without --corpus, that of the checkpoint is looked for in corpora/; with none, the shipped seeds are played on from, and
the report says what that leaves open.

examples:
  musegen evaluate default                                  the corpus from  musegen corpus build --preset default
  musegen evaluate mymodel --corpus mycorpus --out judged
  musegen evaluate default lstm wavenet --corpus mycorpus          families side by side
  musegen evaluate default --temperature 0.8 0.9 1 --min-p 0 0.05  which setting plays most like real music
"""

SEED_BARS = 4
LONG = 8  # times fewer long continuations than others
LONGER = 4  # times more bars in each


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("checkpoints", nargs="*", metavar="CHECKPOINT", help="shipped names or folders (default)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="its validation and test pieces are played on from")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder for the report (%(default)s)")
    parser.add_argument("-n", type=int, default=200, help="continuations by each (%(default)s)")
    parser.add_argument("--bars", type=int, default=16, help=f"bars of each, after {SEED_BARS} of seed (%(default)s)")
    parser.add_argument("--seed-number", type=int, default=0, metavar="N", help="equal numbers give equal music")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that play (default: one a core)")
    how = parser.add_argument_group("how boldly: one value, or several to compare")
    for name in ("temperature", "top-p", "min-p"):
        how.add_argument(f"--{name}", type=float, nargs="+", metavar="X", help="as in  musegen generate")


def run(args: argparse.Namespace) -> None:
    """Play, measure, write the report; print its summary and where it is."""
    from ..batches import one_thread_each
    from ..errors import SettingsError

    one_thread_each()
    if args.n < 1 or args.bars < 1:
        raise SettingsError(f"{args.n} continuations of {args.bars} bars tell nothing: both must be at least 1.")
    if args.workers is not None and args.workers < 1:
        raise SettingsError(f"{args.workers} processes play nothing: ask for at least 1.")
    from ..corpus.store import Corpus
    from ..evaluation.report import summary
    from .judging import with_corpus, without

    contenders = _contenders(args)
    corpus = Corpus.open(args.corpus) if args.corpus else _own_corpus(args.checkpoints or [DEFAULT_CHECKPOINT])
    try:
        found = with_corpus(args, contenders, corpus) if corpus else without(args, contenders)
    except KeyboardInterrupt:
        print(f"\nStopped: what was played is in {args.out}; the same command goes on.", file=sys.stderr)
        raise
    print(summary(found))
    print(f"the report: {args.out / 'report.md'}")


def _contenders(args: argparse.Namespace) -> list[Contender]:
    """Every checkpoint at every setting, each once."""
    from itertools import product

    from .. import checkpoint as checkpoints
    from ..batches.continuations import Contender
    from ..errors import SettingsError
    from ..models.config import HumaniserConfig
    from ..sampling.sampler import SamplerSettings

    names = args.checkpoints or [DEFAULT_CHECKPOINT]
    for name in names:
        if isinstance(checkpoints.config_of(checkpoints.find(name)), HumaniserConfig):
            raise SettingsError(f"{name} is a humaniser: it makes no notes that could be judged.")
    given = {key: getattr(args, key) for key in ("temperature", "top_p", "min_p") if getattr(args, key)}
    settings = [SamplerSettings(**dict(zip(given, values, strict=True))) for values in product(*given.values())]
    return list(dict.fromkeys(Contender(name, how, args.seed_number) for name in names for how in settings))


def _own_corpus(names: list[str]) -> Corpus | None:
    """The corpus in corpora/ that the first checkpoint learnt from, as its card states it; None if it is not there."""
    from .. import checkpoint as checkpoints
    from ..corpus.store import Corpus

    about = checkpoints.load(checkpoints.find(names[0]), with_weights=False).about
    for path in sorted(Path("corpora").glob("*/corpus.json")):
        corpus = Corpus.open(path.parent)
        if corpus.fingerprint in str(about.get("corpus", "")):
            return corpus
    return None

"""`musegen classify FILE…`: which style a piece is in, by Bayes' rule from a generative model, and by rivals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .options import DEFAULT_CHECKPOINT

if TYPE_CHECKING:
    from ..evaluation.bayes import Verdict

EPILOG = """\
generative   P(style | piece) ∝ P(piece | style) · P(style): the model scores the piece under each of its style tags
features     logistic regression on pitches, steps, durations, onsets in the bar, polyphony, register, instruments
state        logistic regression on the network's mean state
The last two are there once  --fit CORPUS  has put them beside the checkpoint. P(style) is how often the model met the
style in training, or the same for all with  --prior uniform.

Instruments give styles away (a choir sings chorales, an electric guitar plays game music), and so may loudness:
--without-instruments judges the piece as if it were all played on pianos, equally loud and without drums.

--json prints {"checkpoint", "files": [{"file", "prior", "nats", "instrument_nats", "posterior", "best"}]}, each by
style; "nats" is −log P(piece | style), "posterior" and "best" are by classifier.

examples:
  musegen classify tune.mid
  musegen classify mine/*.mid --prior uniform --json
  musegen classify --fit mycorpus --checkpoint mymodel
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `classify`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="*", metavar="FILE", help="MIDI, MusicXML or ABC")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="a shipped name or a folder (%(default)s)")
    parser.add_argument("--prior", default="corpus", metavar="corpus|uniform", help="P(style) (%(default)s)")
    parser.add_argument("--without-instruments", action="store_true", help="judge by pitch and time alone")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--fit", type=Path, metavar="CORPUS", help="fit the two rivals on this corpus first")


def run(args: argparse.Namespace) -> None:
    """Fit if asked; then judge every file and show it as asked."""
    from ..errors import SettingsError
    from ..evaluation.bayes import Classifier, classify

    if not args.files and not args.fit:
        raise SettingsError("musegen classify needs a FILE to judge, or --fit CORPUS.")
    if args.fit:
        _fit(args.checkpoint, args.fit)
    if not args.files:
        return
    classifier = Classifier.open(args.checkpoint)
    instruments = not args.without_instruments
    found = {file: classify(classifier, file, args.prior, instruments) for file in dict.fromkeys(args.files)}
    if args.json:
        _print_json(args.checkpoint, found)
        return
    for file, verdict in found.items():
        _print_table(file, verdict)


def _fit(name: str, corpus: Path) -> None:
    import sys

    from .. import checkpoint as checkpoints
    from ..corpus.store import Corpus
    from ..evaluation.fit_classifiers import fit_classifiers, save
    from .progress import Progress

    folder = checkpoints.find(name)
    checkpoint = checkpoints.load(folder)
    with Progress("summing up", "pieces") as progress:
        fitted = fit_classifiers(checkpoint, Corpus.open(corpus), progress.update)
    print(f"fitted: {save(folder, checkpoint, fitted)}", file=sys.stderr)


def _print_json(checkpoint: str, found: dict[str, Verdict]) -> None:
    import json

    files = [{"file": file, **verdict.to_json()} for file, verdict in found.items()]
    print(json.dumps({"checkpoint": checkpoint, "files": files}, indent=1, ensure_ascii=False))


def _print_table(file: str, verdict: Verdict) -> None:
    names = list(verdict.posterior)
    width = max(8, *(len(s) for s in verdict.styles))
    print(f"{file}: {', '.join(f'{verdict.best(n)} ({n})' for n in names)}")
    print(f"  {'':{width}}  {'P(style)':>9} {'nats':>10}" + "".join(f"{n:>12}" for n in names))
    order = sorted(verdict.styles, key=lambda s: -verdict.posterior[names[0]][s])
    for style in order:
        cells = "".join(f"{100 * verdict.posterior[n][style]:11.2f}%" for n in names)
        print(f"  {style:{width}}  {100 * verdict.prior[style]:8.2f}% {verdict.nats[style]:10.1f}{cells}")

"""`musegen benchmark jsb16|boulanger`: train models on a published benchmark's own data and print its table."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..records.runs import Result

EXAMPLES = """examples:
  musegen benchmark boulanger --data boulanger --set jsb --outputs chain --model lstm
  musegen benchmark boulanger --data boulanger --seeds 0,1,2
  musegen benchmark jsb16 --data jsb16 --model ngram transformer
  musegen benchmark jsb16 --data jsb16 --epochs 5 --out quick      a shorter run, in a folder of its own
Every finished run is kept in --out and not done again; a run that was stopped goes on.
"""

_EVERY_S = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    tables = parser.add_subparsers(dest="table", required=True, metavar="jsb16|boulanger")
    jsb16 = tables.add_parser("jsb16", help="nats a cell of the chorales on the 16th grid (train.json, valid.json)")
    boulanger = tables.add_parser("boulanger", help="nats a frame (JSB_Chorales.npz, Nottingham.npz)")
    for one in (jsb16, boulanger):
        one.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the benchmark's files")
        one.add_argument("--model", nargs="+", metavar="FAMILY", help="the models of the table")
        one.add_argument("--seeds", type=_numbers, default=(0,), metavar="0,1,…", help="one run each (default: 0)")
        one.add_argument("--epochs", type=float, help="passes over the training pieces (default: as recorded)")
        one.add_argument("--out", type=Path, help="where runs are kept (default: records/<table>)")
        one.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    boulanger.add_argument("--set", nargs="+", choices=("jsb", "nottingham"), default=["jsb", "nottingham"])
    boulanger.add_argument("--outputs", nargs="+", choices=("bernoulli", "chain"), default=["bernoulli", "chain"])
    boulanger.add_argument(
        "--choose", action="store_true", help="hold out every tenth training piece and report that, to choose by"
    )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers with commas between") from None


def run(args: argparse.Namespace) -> None:
    """Train what is missing and print the table."""
    from ..errors import SettingsError
    from ..training.device import use_threads

    if args.epochs is not None and args.epochs <= 0:
        raise SettingsError(f"--epochs is {args.epochs:g}; it must be positive.")
    if args.threads:
        use_threads(args.threads)
    args.out = args.out or Path("records") / args.table
    try:
        _jsb16(args) if args.table == "jsb16" else _boulanger(args)
    except KeyboardInterrupt:
        print(f"\nStopped. The same command goes on; finished runs are in {args.out}.", file=sys.stderr)
        raise


def _jsb16(args: argparse.Namespace) -> None:
    from ..evaluation.jsb16 import PUBLISHED
    from ..records.jsb16 import FAMILIES, recipe
    from ..records.runs import run_all
    from ..records.table import table

    recipes = {name: recipe(name) for name in dict.fromkeys(args.model or FAMILIES)}
    show = _Show()
    found = run_all(recipes, args.data, args.out, args.seeds, args.epochs, show.record, show.run)
    columns = {"token_mean": "token-mean", "piece_mean": "piece-mean"}
    columns |= {name: name for name in ("shift", "instrument", "pitch", "duration")}
    print(table("JSB-16, nats a cell of valid.json", found, PUBLISHED, columns))


def _boulanger(args: argparse.Namespace) -> None:
    from ..evaluation.boulanger import PUBLISHED, SETS
    from ..records.boulanger import FAMILIES, recipes
    from ..records.runs import run_all
    from ..records.table import table

    tables = []
    for name in dict.fromkeys(args.set):
        for outputs in dict.fromkeys(args.outputs):
            out = args.out / ("choose" if args.choose else "") / name / outputs
            which = recipes(name, outputs, tuple(dict.fromkeys(args.model or FAMILIES)), args.choose)
            show = _Show(f"{SETS[name]}, {outputs}, ")
            found = run_all(which, args.data, out, args.seeds, args.epochs, show.record, show.run)
            split = next(iter(found.values()))[0].about["split"]
            title = f"{SETS[name]}, {outputs} outputs, nats a frame of {split} (published: of test)"
            columns = {"frame_mean": "frame-mean", "piece_mean": "piece-mean"}
            tables.append(table(title, found, PUBLISHED[name, outputs], columns))
    print("\n\n".join(tables))


class _Show:
    """Progress on stderr: a line that renews itself on a terminal, else now and then a line."""

    def __init__(self, what: str = "") -> None:
        self.what, self.label, self.shown = what, "", float("-inf")

    def run(self, model: str, seed: int, result: Result | None) -> None:
        """A run begins, or is done."""
        self.label = f"{self.what}{model}, seed {seed}"
        if result is None:
            self.shown = time.monotonic()
            return
        name, figure = next(iter(result.figures.items()))
        self._line(f"{self.label}: {name.replace('_', '-')} {figure:.4f}", end="\n")

    def record(self, record: dict[str, Any]) -> None:
        """One step or one epoch of a training."""
        terminal = sys.stderr.isatty()
        if not terminal and time.monotonic() - self.shown < _EVERY_S:
            return
        self.shown = time.monotonic()
        unit = "step" if "step" in record else "epoch"
        left = record["seconds"] / record[unit] * (record["of"] - record[unit]) / 60
        line = f"{self.label}: {unit} {record[unit]}/{record['of']}  train {record['train']:.3f}  {left:.1f} min left"
        self._line(line, end="" if terminal else "\n")

    def _line(self, text: str, end: str) -> None:
        terminal = sys.stderr.isatty()
        print(f"\r{text}\033[K" if terminal else text, end=end, file=sys.stderr, flush=True)

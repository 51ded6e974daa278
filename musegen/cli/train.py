"""`musegen train`: learn a model from a corpus into a checkpoint folder, going on where a killed run stopped."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  musegen corpus build mycorpus ~/midi && musegen train mycorpus --out mymodel
  musegen train mycorpus --out mymodel                      again: goes on where it stopped
  musegen train mycorpus --out mymodel --from transformer   fine-tune a checkpoint on your own music
  torchrun --nproc-per-node 2 -m musegen train mycorpus --out mymodel     several processes or GPUs
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help="a folder made by  musegen corpus build")
    parser.add_argument("--out", type=Path, help="checkpoint folder (default: checkpoints/<model>-<corpus>)")
    parser.add_argument(
        "--model",
        metavar="FAMILY",
        help="rnn, gru, lstm, wavenet or transformer (default: transformer, or that of --from); pixelcnn; or "
        "ngram, mixture or topics, which are fitted rather than trained",
    )
    parser.add_argument("--from", dest="start_from", metavar="CHECKPOINT", help="fine-tune this checkpoint")
    parser.add_argument("--restart", action="store_true", help="forget the run that is in the folder and begin again")
    shape = parser.add_argument_group("shape of the model")
    for name, what in (
        ("width", "of every layer"),
        ("layers", "how many (of wavenet: stacks of dilations)"),
        ("heads", "of attention"),
    ):
        shape.add_argument(f"--{name}", type=int, help=what)
    shape.add_argument("--context", type=int, help="longest window in rows")
    for name, what in (("steps", "a quarter"), ("low", "lowest pitch"), ("pitches", "how many")):
        shape.add_argument(f"--{name}", type=int, help=f"pixelcnn's grid: {what}")
    shape.add_argument("--dropout", type=float)
    shape.add_argument("--components", type=int, help="of mixture, or topics (default: what predicts best)")
    shape.add_argument("--attention", help='of the transformer: "time pitch" (default), "time", "index" or "bias"')
    shape.add_argument("--no-bar", dest="bar", action="store_false", default=None, help="rows do not tell of their bar")
    shape.add_argument("--order", help='of drawing inside a note (default: "pitch velocity duration")')
    how = parser.add_argument_group("how to train")
    for name, kind, what in (
        ("epochs", float, "passes over the corpus"),
        ("batch-rows", int, "rows a step"),
        ("rate", float, "peak learning rate"),
        ("warm-up", int, "steps to the peak"),
        ("weight-decay", float, "of AdamW"),
        ("average", float, "decay of the weights' moving average"),
        ("transpose", int, "semitones of augmentation each way"),
        ("louder", float, "share by which velocities vary"),
        ("rename", float, "how often a piece is played by other programs"),
        ("tag-rate", float, "how often a piece shows its style tag"),
        ("hold", float, "how often notes are heard as still held, as when playing live"),
        ("infill", float, "how often a window has a hole to fill from both sides, for  musegen infill"),
        ("evaluate-every", int, "steps between looks at the held-out pieces"),
        ("patience", int, "looks without a better figure before stopping"),
        ("seed", int, "seed number: equal runs give equal weights"),
    ):
        how.add_argument(f"--{name}", type=kind, help=what)
    how.add_argument("--precision", choices=("auto", "float32", "bfloat16"))
    how.add_argument("--device", choices=("auto", "cpu", "cuda"))
    how.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    how.add_argument("--tensorboard", type=Path, metavar="DIR", help="also write the curves there (extra tensorboard)")


def run(args: argparse.Namespace) -> None:
    """Train, with a progress line; say where the checkpoint is."""
    from ..corpus.store import Corpus
    from ..models.config import BASELINES, RollConfig

    if args.model in BASELINES:
        from .fit import fit_baseline

        fit_baseline(args)
        return

    from ..training import loop, rolls
    from ..training.device import use_threads

    if args.threads:
        use_threads(args.threads)
    corpus = Corpus.open(args.corpus)
    start_from = _start_from(args)
    config = _model(args, start_from)
    bars = isinstance(config, RollConfig)
    settings = _settings(args, rolls.DEFAULTS if bars else {})
    out = args.out or Path("checkpoints") / f"{config.family}-{args.corpus.resolve().name}"
    if args.restart:
        _forget(out)
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started, one speaks
    if first:
        weights = rolls.size(config) if bars else loop.size(config)
        print(f"{config.family}, {weights / 1e6:.2f} million weights → {out}", flush=True)
    try:
        with _Reporter(args.tensorboard if first else None) as report:
            tell = report if first else lambda record: None
            if bars:
                images = rolls.Images.of_corpus(corpus, config)
                best = rolls.train_rolls(images, config, settings, out, start_from, tell)
            else:
                best = loop.train(corpus, config, settings, out, start_from, tell)
    except KeyboardInterrupt:
        print(f"\nStopped. The same command goes on; {out} holds the best so far.", file=sys.stderr)
        raise
    if not first:
        return
    _draw_curve(out)
    print(f"best: {best.metrics['valid']['total']:.4f} nats/note held out, at step {best.about['steps']}, in {out}")


def _start_from(args: argparse.Namespace) -> Any:
    from .. import checkpoint

    return checkpoint.load(checkpoint.find(args.start_from)) if args.start_from else None


_SHAPE = (
    *("width", "layers", "heads", "context", "dropout", "attention", "bar", "order"),
    *("steps", "low", "pitches", "components"),
)


def _model(args: argparse.Namespace, start_from: Any) -> Any:
    import dataclasses

    from ..errors import SettingsError
    from ..models.config import BASELINES, ModelConfig, RollConfig
    from ..models.pasts import FAMILIES

    family = args.model or (start_from.config.family if start_from else ModelConfig.family)
    if family not in FAMILIES and family != RollConfig.family:
        every = ", ".join([*FAMILIES, RollConfig.family, *BASELINES])
        raise SettingsError(f"Unknown model {family!r}; choose one of {every}.")
    kind = RollConfig if family == RollConfig.family else ModelConfig
    known = {f.name for f in dataclasses.fields(kind)}
    given = {k: getattr(args, k) for k in _SHAPE if getattr(args, k) is not None}
    if strange := sorted(set(given) - known):
        raise SettingsError(f"A {family} has no --{strange[0]}: leave it out.")
    given["family"] = family
    if start_from is None:
        return kind(**given)
    start_from.shape(kind)
    fixed = {k: v for k, v in given.items() if k != "dropout" and v != getattr(start_from.config, k)}
    if fixed:
        name = next(iter(fixed))
        option = {"family": "model", "bar": "no-bar"}.get(name, name)
        raise SettingsError(f"--{option} cannot be changed when fine-tuning with --from: leave it out.")
    return dataclasses.replace(start_from.config, **given)


def _settings(args: argparse.Namespace, defaults: dict[str, Any]) -> Any:
    import dataclasses

    from ..training.settings import TrainSettings

    names = [f.name for f in dataclasses.fields(TrainSettings)]
    given = {k: getattr(args, k) for k in names if getattr(args, k, None) is not None}
    return TrainSettings(**(defaults | given))


def _forget(folder: Path) -> None:
    from ..training.progress import FILE, LOG

    for name in (FILE, LOG):
        (folder / name).unlink(missing_ok=True)


class _Reporter:
    """Shows each step: a line that renews itself on a terminal, else a line a look at the held-out pieces."""

    def __init__(self, tensorboard: Path | None) -> None:
        from ..training.tensorboard import Curves

        self.curves = Curves(tensorboard) if tensorboard is not None else None
        self.best = float("inf")

    def __enter__(self) -> _Reporter:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.curves is not None:
            self.curves.close()

    def __call__(self, record: dict[str, Any]) -> None:
        self.best = min(self.best, record.get("valid", self.best))
        if self.curves is not None:
            self.curves.add(record)
        left = record["seconds"] / record["step"] * (record["of"] - record["step"])
        line = (
            f"step {record['step']}/{record['of']}  train {record['train']:.3f}  best held out {self.best:.3f} "
            f"nats/note  {left / 60:.1f} min left"
        )
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="\n" if "valid" in record else "", file=sys.stderr, flush=True)
        elif "valid" in record:
            print(line, file=sys.stderr, flush=True)


def _draw_curve(folder: Path) -> None:
    from ..errors import MissingPackageError
    from ..training.progress import read_log

    try:
        from ..pictures import loss_curve

        loss_curve(read_log(folder), folder / "loss.png")
    except MissingPackageError as error:
        print(f"(no picture of the loss: {error})", file=sys.stderr)

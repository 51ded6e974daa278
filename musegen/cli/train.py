"""`musegen train`: learn a model from a corpus into a checkpoint folder, going on where a killed run stopped."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import recipe
from .reporter import Reporter

EXAMPLES = """examples:
  musegen train --preset folk                               as a shipped checkpoint was trained; goes on if stopped
  musegen train ~/waltzes --from default --out waltzes      fine-tune a checkpoint on your own music: minutes
  musegen train ~/waltzes --from default --out waltzes      again: goes on where it stopped
  musegen corpus build mycorpus ~/midi jazz=~/jazz && musegen train mycorpus --out mymodel     from nothing: hours
  torchrun --nproc-per-node 2 -m musegen train mycorpus --out mymodel     several processes or GPUs; for a model
                                                            that one cannot hold, with --parallel fsdp
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    parser.epilog = f"{EXAMPLES}\n{recipe.overview()}"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "corpus",
        type=Path,
        metavar="CORPUS",
        nargs="?",
        help="a folder of music, one made by  musegen corpus build, or one of drum performances (default: that of "
        "--preset, in corpora)",
    )
    parser.add_argument("--preset", metavar="NAME", help="the corpus and the options of a shipped checkpoint (below)")
    parser.add_argument("--out", type=Path, help="checkpoint folder (default: checkpoints/<model>-<corpus>)")
    parser.add_argument(
        "--model",
        metavar="FAMILY",
        help="rnn, gru, lstm, wavenet or transformer (default: transformer, or that of --from); pixelcnn; gan; "
        "humaniser, of a folder of drum performances such as the Groove MIDI Dataset; or ngram, "
        "mixture or topics, which are fitted rather than trained",
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
    shape.add_argument("--tracks", type=int, help="of a gan: 5 (default) for a band, 1 for tunes and chorales")
    shape.add_argument("--neurons", help="of a gan: deterministic (default) or stochastic")
    shape.add_argument("--latent", type=int, help="of a gan: numbers from which each bar, and the phrase, are made")
    shape.add_argument("--spectral", action=argparse.BooleanOptionalAction, help="spectral norm in a gan's judge")
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
        ("weight-decay", float, "of matrices"),
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
    for name, of_gan, what in (
        ("iterations", int, "of Algorithm 1"),
        ("batch", int, "phrases a minibatch"),
        ("k", int, "minibatches for the discriminator to each for the generator"),
        ("loss", str, "minimax, non-saturating, wgan-gp or hinge (default)"),
        ("momentum", float, "of either rule"),
        ("penalty", float, "weight of the gradient penalty"),
    ):
        how.add_argument(f"--{name}", type=of_gan, help=f"of a gan: {what}")
    how.add_argument("--rule", help="adamw (default) or muon; of a gan momentum, as in the paper, or adam (default)")
    how.add_argument("--eta", type=float, help="of gan, humaniser: weight of the adversary beside a distance; 0: none")
    how.add_argument("--rates", type=float, nargs=2, metavar=("D", "G"), help="of a gan: both networks' learning rates")
    how.add_argument("--precision", choices=("auto", "float32", "bfloat16"))
    how.add_argument("--device", choices=("auto", "cpu", "cuda"))
    how.add_argument("--parallel", choices=("ddp", "fsdp"), help="whether a process of torchrun holds all or a part")
    how.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    how.add_argument("--tensorboard", type=Path, metavar="DIR", help="also write the curves there (extra tensorboard)")


def run(args: argparse.Namespace) -> None:
    """Train, with a progress line; say where the checkpoint is."""
    from .. import checkpoint
    from ..errors import SettingsError
    from ..models.config import BASELINES

    if args.preset:
        for stage in recipe.stages(args):
            _train(stage)
        if _speaks():
            checkpoint.tell(stage.out, recipe=recipe.command(args))
    elif args.corpus is None:
        raise SettingsError("Give a corpus to learn from, or --preset and a name (see  musegen train --help).")
    elif args.model in BASELINES:
        from .fit import fit_baseline

        fit_baseline(args)
    else:
        _train(args)


def _speaks() -> bool:
    """Whether this process is the one of those started by torchrun that speaks."""
    return os.environ.get("RANK", "0") == "0"


def _train(args: argparse.Namespace) -> None:
    """One run."""
    from ..training.device import use_threads

    if args.threads:
        use_threads(args.threads)
    start_from = _start_from(args)
    config = _model(args, start_from)
    out = args.out or Path("checkpoints") / f"{config.family}-{args.corpus.resolve().name}"
    corpus = _corpus(args.corpus, config, out)
    first = _speaks()
    train, weights = _trainer(args, corpus, config, start_from, out)
    if args.restart:
        _forget(out)
    if first:
        print(f"{config.family}, {weights} million weights → {out}", flush=True)
    try:
        with Reporter(args.tensorboard if first else None) as report:
            best = train(report if first else lambda record: None)
    except KeyboardInterrupt:
        print(f"\nStopped. The same command goes on; {out} holds the best so far.", file=sys.stderr)
        raise
    if first:
        _close(best, out)
        _remember(corpus, out, args.start_from)


def _remember(corpus: Any, out: Path, start_from: str | Path | None) -> None:
    """What the model has learnt from, beside it, so that `generate --unique` can tell copies."""
    from .. import checkpoint
    from ..batches.copies import Known
    from ..corpus.store import Corpus

    if isinstance(corpus, Corpus):
        known = Known.of_corpus(corpus)
        before = Known.load(checkpoint.find(start_from)) if start_from else None
        (known.after(before) if before else known).save(out)


def _trainer(
    args: argparse.Namespace, corpus: Any, config: Any, start_from: Any, out: Path
) -> tuple[Callable[[Any], Any], str]:
    """What trains the model when it is given a report, and the model's millions of weights."""
    from ..models.config import GanConfig, HumaniserConfig, RollConfig
    from ..training.settings import GameSettings, TrainSettings, fine_tuning

    if isinstance(config, HumaniserConfig):
        from ..training import humaniser

        play = _settings(args, GameSettings, config, humaniser.DEFAULTS)
        sizes = " + ".join(f"{n / 1e6:.2f}" for n in humaniser.size(config))
        return (
            lambda report: humaniser.train_humaniser(corpus, config, play, out, start_from, report),
            sizes,
        )
    if isinstance(config, GanConfig):
        from ..training import gan

        game = _settings(args, GameSettings, config, gan.DEFAULTS)
        sizes = " + ".join(f"{n / 1e6:.2f}" for n in gan.size(config))
        return lambda report: gan.train_gan(corpus, config, game, out, report), sizes
    if isinstance(config, RollConfig):
        from ..training import rolls

        images = _settings(args, TrainSettings, config, rolls.DEFAULTS)
        return (
            lambda report: rolls.train_rolls(
                rolls.Images.of_corpus(corpus, config), config, images, out, start_from, report
            ),
            f"{rolls.size(config) / 1e6:.2f}",
        )
    from ..training import loop

    rows = sum(corpus.entries[i].length for i in corpus.pieces("train"))
    defaults = fine_tuning(rows, config.infill) if start_from else {}
    settings = _settings(args, TrainSettings, config, defaults)
    return (
        lambda report: loop.train(corpus, config, settings, out, start_from, report),
        f"{loop.size(config) / 1e6:.2f}",
    )


def _close(best: Any, out: Path) -> None:
    """What is said, and for likelihoods drawn, of the checkpoint that was kept."""
    kept = f"step {best.about['steps']}, in {out}"
    if "phrases" in best.metrics:
        figures = best.metrics["phrases"]
        gaps = ", ".join(f"{name} {value:.3f}" for name, value in figures["gaps"].items())
        diversity = f"diversity {figures['diversity']:.2f} of the music's"
        print(f"kept: {kept}; from the training music: {gaps}; {diversity}")
        return
    if "valid" not in best.metrics:
        print(f"kept: {kept}, the last: nothing was held out to choose by")
        return
    valid = best.metrics["valid"]
    if "guess" in valid:
        guess, drawn = valid["guess"], valid["drawn"]
        errors = f"{guess['moment_error']:.1f} ms and {guess['velocity_error']:.1f} velocities"
        distances = f"{drawn['moment_distance']:.1f} ms and {drawn['velocity_distance']:.1f}"
        print(f"kept: {kept}; held out, the best guess is off by {errors}, what is drawn lies {distances} away")
        return
    _draw_curve(out)
    print(f"best: {valid['total']:.4f} nats/note held out, at {kept}")


def _corpus(folder: Path, config: Any, out: Path) -> Any:
    """What there is to learn from: performances for a humaniser, else a corpus; of music it is made, in `out`."""
    from ..models.config import HumaniserConfig

    if isinstance(config, HumaniserConfig):
        from ..corpus.groove import read_grooves

        return read_grooves(folder)
    from ..corpus.own import is_own_music
    from ..corpus.store import Corpus

    alone = os.environ.get("WORLD_SIZE", "1") == "1"  # several processes would build the same
    return _own_corpus(folder, out / "corpus") if alone and is_own_music(folder) else Corpus.open(folder)


def _own_corpus(folder: Path, place: Path) -> Any:
    """The corpus of the music in `folder`; says what is in it."""
    from ..corpus.own import EVERY, own_corpus
    from .progress import Progress

    with Progress("reading", "files") as progress:
        corpus = own_corpus(folder, place, progress.update)
    learnt, held_out = (len(corpus.pieces(split)) for split in ("train", "valid"))
    if held_out:
        print(f"{folder}: {learnt} pieces to learn from, {held_out} held out to judge by")
    else:
        print(f"{folder}: {learnt} pieces; from {EVERY} different tunes on some would be held out to judge by")
    if lost := corpus.settings["rejected"]:
        print(f"{lost} more left out:  musegen corpus show {place} --rejected  says why")
    return corpus


def _start_from(args: argparse.Namespace) -> Any:
    from .. import checkpoint

    return checkpoint.load(checkpoint.find(args.start_from)) if args.start_from else None


_SHAPE = (
    *("width", "layers", "heads", "context", "dropout", "attention", "bar", "order"),
    *("steps", "low", "pitches", "components"),
    *("tracks", "neurons", "latent", "spectral"),
)


def _model(args: argparse.Namespace, start_from: Any) -> Any:
    import dataclasses

    from ..errors import SettingsError
    from ..models.config import BASELINES, GanConfig, HumaniserConfig, ModelConfig, RollConfig
    from ..models.pasts import FAMILIES

    family = args.model or (start_from.config.family if start_from else ModelConfig.family)
    others = {kind.family: kind for kind in (RollConfig, GanConfig, HumaniserConfig)}
    if family not in FAMILIES and family not in others:
        every = ", ".join([*FAMILIES, *others, *BASELINES])
        raise SettingsError(f"Unknown model {family!r}; choose one of {every}.")
    if family == GanConfig.family and start_from is not None:
        raise SettingsError("A gan cannot be fine-tuned: a checkpoint has no discriminator. Leave out --from.")
    kind = others.get(family, ModelConfig)
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


def _settings(args: argparse.Namespace, kind: Any, config: Any, defaults: dict[str, Any]) -> Any:
    import dataclasses

    from ..errors import SettingsError
    from ..training.settings import GameSettings, TrainSettings

    names = dict.fromkeys(f.name for each in (TrainSettings, GameSettings) for f in dataclasses.fields(each))
    given = {k: getattr(args, k) for k in names if getattr(args, k, None) is not None}
    if strange := set(given) - {f.name for f in dataclasses.fields(kind)}:
        option = min(strange).replace("_", "-")
        raise SettingsError(f"A {config.family} has no --{option}: leave it out.")
    if "rates" in given:
        given["rates"] = tuple(given["rates"])
    return kind(**(defaults | given))


def _forget(folder: Path) -> None:
    from ..training.progress import FILE, LOG

    for name in (FILE, LOG):
        (folder / name).unlink(missing_ok=True)


def _draw_curve(folder: Path) -> None:
    from ..errors import MissingPackageError
    from ..training.progress import read_log

    try:
        from ..pictures import loss_curve

        loss_curve(read_log(folder), folder / "loss.png")
    except MissingPackageError as error:
        print(f"(no picture of the loss: {error})", file=sys.stderr)

"""`musegen train --model ngram|mixture|topics`: what is counted or fitted instead of trained by gradients."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_USED = ("corpus", "out", "model", "components", "seed", "restart")
"""The options of `train` that mean something here (there is never anything to go on from: --restart is no change)."""


def fit_baseline(args: argparse.Namespace) -> None:
    """Fit, measure on the held-out pieces, write the checkpoint; say where it is. Raises SettingsError for others."""
    from ..corpus.store import Corpus
    from ..errors import SettingsError
    from ..evaluation.likelihood import with_figures
    from ..models.config import BaselineConfig
    from ..training.baselines import fit

    for name, value in vars(args).items():
        if name not in _USED and value is not None:
            option = {"bar": "no-bar", "start_from": "from"}.get(name, name).replace("_", "-")
            raise SettingsError(f"--{option} is for networks, and {args.model} is none: leave it out.")
    if args.model == "ngram" and args.components is not None:
        raise SettingsError("ngram has no --components: leave it out.")
    corpus = Corpus.open(args.corpus)
    out = args.out or Path("checkpoints") / f"{args.model}-{args.corpus.resolve().name}"
    print(f"{args.model} → {out}", flush=True)
    checkpoint = with_figures(fit(corpus, args.model, args.components, args.seed or 0), corpus)
    checkpoint.save(out)
    if args.model == "topics":
        _show_topics(checkpoint, out)
    weights = checkpoint.about["weights"] / 1e6
    components = checkpoint.shape(BaselineConfig).components
    chosen = f", {components} components" if components else ""
    metrics = checkpoint.metrics
    figures = ", ".join(f"{split} {metrics[split]['total']:.4f}" for split in ("valid", "test") if split in metrics)
    print(f"{weights:.2f} million weights{chosen}; nats/note held out: {figures or 'none'}; in {out}")


def _show_topics(checkpoint: Any, out: Path) -> None:
    """A line a topic, and the picture of all."""
    from ..errors import MissingPackageError
    from ..models.baselines.topics import nearest
    from ..pictures import topic_profiles
    from ..piece import PITCH_CLASS_NAMES

    words = checkpoint.weights["words"]
    names = [f"{PITCH_CLASS_NAMES[root]} {kind}" for root, kind in map(nearest, words)]
    for number, (name, profile) in enumerate(zip(names, words, strict=True), 1):
        best = "  ".join(f"{PITCH_CLASS_NAMES[c]} {profile[c]:.2f}" for c in profile.argsort()[:-6:-1])
        print(f"topic {number:2}  like {name:18} {best}")
    try:
        topic_profiles(words, names, out / "topics.png")
    except MissingPackageError as error:
        print(f"(no picture of the topics: {error})", file=sys.stderr)

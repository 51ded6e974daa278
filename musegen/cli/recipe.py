"""`musegen train --preset NAME`: what the preset fills in of what was not typed, and what the card says of it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..presets import CORPORA, GROOVE, PRESETS, Preset, preset, sources

_NOT_HOW = ("corpus", "out", "preset", "seed", "restart", "tensorboard", "device", "threads", "parallel")
"""Options that change where and on what it is learnt, not what."""


def overview() -> str:
    """A line a preset, for --help."""
    lines = "\n".join(f"  {name:10} {found.what}" for name, found in PRESETS.items())
    return f"""presets, each the recipe of the shipped checkpoint of that name; options beside it count before its own:
{lines}
"""


def stages(args: argparse.Namespace) -> list[argparse.Namespace]:
    """The runs that `args` and their preset ask for, in order: the last is what was asked for, and starts from the one
    before. Builds the preset's corpus if it is not there. Raises SettingsError where it cannot be, CorpusError.
    """
    chosen = preset(args.preset)
    corpus = _corpus(args.preset, chosen, args.corpus)
    family = args.model or chosen.options["model"]
    out = args.out or Path("checkpoints") / f"{family}-{corpus.resolve().name}"
    last = {"corpus": corpus, "out": out}
    if not chosen.first or args.start_from:
        return [_filled(args, chosen.options, **last)]
    first = _filled(args, chosen.first, corpus=corpus, out=out.with_name(f"{out.name}-first"))
    return [first, _filled(args, chosen.options, **last, start_from=first.out)]


def _filled(args: argparse.Namespace, options: Mapping[str, Any], **fixed: Any) -> argparse.Namespace:
    typed = {name: value for name, value in vars(args).items() if value is not None}
    return argparse.Namespace(**{**vars(args), **options, **typed, **fixed})


def _corpus(name: str, chosen: Preset, given: Path | None) -> Path:
    """The folder to learn from: the one that is given, or the preset's corpus, built if need be.

    Where the corpus is made of Groove, and no corpus but a folder is given, that is Groove.
    """
    from ..errors import SettingsError
    from .corpus import read

    known = not chosen.corpus or CORPORA[chosen.corpus]
    if given is not None and (known or (given / "corpus.json").is_file()):
        return given
    if not chosen.corpus:
        raise SettingsError(
            f"The preset {name} learns from the folder of the Groove MIDI Dataset ({GROOVE}): give it as well, as in  "
            f"musegen train groove --preset {name}"
        )
    folder = Path("corpora") / chosen.corpus
    if given is None and (folder / "corpus.json").is_file():
        return folder
    names = (f"groove:{given}",) if given is not None else sources(chosen.corpus)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # of many processes none may build alone
        raise SettingsError(f"There is no {folder} yet: run  musegen corpus build  first.")
    read(folder, names)
    return folder


def command(args: argparse.Namespace) -> str:
    """What the card says how the checkpoint was made, from the options as they were typed."""
    of_groove = PRESETS[args.preset].corpus in ("", "drums")
    folder = "GROOVE " if of_groove else "" if args.corpus is None else "CORPUS "
    seed = f" --seed {args.seed}" if args.seed else ""
    typed = {k: v for k, v in vars(args).items() if k not in _NOT_HOW and v is not None}
    but = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in typed.items())
    return f"musegen train {folder}--preset {args.preset}{seed}" + (f", but {but}" if but else "")

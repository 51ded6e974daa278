"""`musegen generate`: many continuations of a seed phrase, as files in a folder."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from .options import add_cluster_option, add_file_options, add_sampling_options, cluster, plan

if TYPE_CHECKING:
    from ..batches.files import Batch
    from ..engine.bars import BarMaker
    from ..engine.base import Engine
    from ..piece import Piece
    from ..sampling.plan import Plan

EXAMPLES = """examples:
  musegen generate --seed tune.mid                      eight variations of the next eight bars
  musegen generate --seed tune.mid -n 20 --bars 16 --with-seed
  musegen generate --seed tune.mid -n 1000 --unique --best 50 --out night     killed? the same command goes on
  musegen generate --seed tune.mid -n 100000 --cluster 10.0.0.5:6379          by the machines of a Ray cluster
  musegen generate --seed tune.mid --key "D dorian" --range 48-84 --temperature 0.9
  musegen generate --checkpoint gan                     bars from noise; with --seed they go on from it
  musegen generate --checkpoint gan --seed a.mid --walk b.mid --bars 4 --png
  musegen generate --checkpoint gan --seed melody.mid --accompany       a band under it; its own notes stay
"""

_NOT_PLAYED = ("training.safetensors", "phrases.safetensors")
"""Files of a checkpoint that those who play do without."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `generate`."""
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-n", type=int, default=8, help="how many files (%(default)s)")
    parser.add_argument("--bars", type=int, help="new bars in each (8)")
    parser.add_argument("--with-seed", action="store_true", help="put the seed phrase before the new music")
    parser.add_argument(
        "--best",
        type=int,
        metavar="K",
        help="keep the K that are as likely as music after such a seed is (no loops, no accidents) in the folder, the "
        "rest in others/ within it",
    )
    parser.add_argument(
        "--unique", action="store_true", help="leave out copies of the training music and of each other; draw others"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that play (default: one a core)")
    add_cluster_option(parser, "play")
    add_file_options(parser, "generated")
    parser.add_argument(
        "--seed",
        metavar="FILE",
        help="the phrase to play on from: a file or a shipped name (default: a shipped one, and for models of whole "
        "bars none)",
    )
    parser.add_argument(
        "--walk",
        metavar="FILE",
        nargs="?",
        const="",
        help="gan: the files are steps through its latents from the seed to this one (without FILE: through the noise "
        "alone); --png draws them in one picture",
    )
    parser.add_argument(
        "--accompany",
        action="store_true",
        help="gan: play the tracks that the seed has not (of drums, piano, guitar, bass, strings; --programs picks) to "
        "the whole of it, which stays as it is",
    )
    add_sampling_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the files; say where they are."""
    from ..batches import one_thread_each

    one_thread_each()
    from ..engine.bars import load

    model = load(args.checkpoint)
    seed, stem = _seed(args.seed, model)
    args.bars = _bars(args, seed)
    what = plan(args, seed)
    if args.accompany or args.walk is not None:
        for name in ("best", "unique", "workers", "cluster"):
            if getattr(args, name):
                raise SettingsError(f"--{name} is for variations: leave it out, or --walk and --accompany.")
        _write_all(args, model, seed, what, stem)
        return 0
    return _variations(args, what, stem)


def _write_all(args: argparse.Namespace, model: Engine | BarMaker, seed: Piece, what: Plan, stem: str) -> None:
    """The steps of a walk, or accompaniments, as files."""
    from ..midi import write_music
    from .progress import Progress

    written = []
    with Progress("generating", "bars") as progress:
        if args.accompany:
            stem += "-accompanied"
            pieces = _accompanied(args, model, seed, what, progress.update)
        else:
            stem += "-walk"
            pieces = _walk(args, model, what, args.out / f"{stem}.png", progress.update)
        for i, piece in enumerate(pieces, 1):
            args.out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{stem}-{i:0{len(str(args.n))}d}.{args.format}"
            write_music(piece, path)
            written.append(path)
            extras(args, piece, path)
    print(f"{len(written)} files of {args.bars} bars in {args.out}: {written[0].name} … {written[-1].name}")


def _variations(args: argparse.Namespace, what: Plan, stem: str) -> int:
    """As many files as asked for that go on from the seed: those that are not there yet."""
    from ..batches.files import write_files
    from ..batches.group import Run
    from ..checkpoint import find
    from .progress import Progress

    run, done, began = Run(args.checkpoint, what, args.bars, args.with_seed, args.format), 0, time.monotonic()
    with cluster(args) as there, Progress("generating", "files") as progress:
        runner = None
        if there:
            run = replace(run, carried=there.carry(find(args.checkpoint), leave=_NOT_PLAYED))
            runner = partial(there.run_jobs, together=1)

        def tell(files: int, wanted: int, notes: int) -> None:
            nonlocal done
            done = files
            progress.update(files, wanted, f"{notes / max(1e-3, time.monotonic() - began):,.0f} notes/s" * bool(notes))

        try:
            how = {"unique": args.unique, "best": args.best, "workers": args.workers}
            batch = write_files(run, args.out, args.n, stem, **how, runner=runner, tell=tell)
        except KeyboardInterrupt:
            progress.close()
            print(f"Stopped: {done} of {args.n} files are in {args.out}; the same command goes on.", file=sys.stderr)
            return 130
    _render(args, batch.paths())
    _say(args, batch, stem)
    return 0


def _render(args: argparse.Namespace, paths: list[Path]) -> None:
    """The sound and the picture of each file that has none yet, where the options ask for them."""
    from ..midi import read_music
    from .progress import Progress

    wanted = [kind for kind in ("wav", "png") if getattr(args, kind)]
    missing = [p for p in paths if not all(p.with_suffix(f".{kind}").exists() for kind in wanted)]
    if not missing:
        return
    with Progress("rendering", "files") as progress:
        for done, path in enumerate(missing, 1):
            extras(args, read_music(path), path)
            progress.update(done, len(missing))


def _say(args: argparse.Namespace, batch: Batch, stem: str) -> None:
    """What is where now, and how to have more."""
    names = [path.name for path in batch.paths()]
    which, apart = f"{len(names)} file{'s' * (len(names) != 1)}", ""
    if args.best is not None:
        which = f"the {len(names)} of {len(batch.pieces)} files nearest to {batch.target:.2f} nats a note, "
        which += "as after the seed,"
        apart = f"; the rest in {args.out / 'others'}" * (len(names) < len(batch.pieces))
    span = f": {' … '.join(dict.fromkeys((names[0], names[-1])))}" if names else ""
    print(f"{which} of {args.bars} bars in {args.out}{span}{apart}")
    if batch.pieces and batch.pieces[0].file.rpartition("-")[0] != stem:
        print(f"({stem}-… are of other settings and stay as they are)")
    if not batch.made and len(batch.pieces) == args.n:
        print(f"(all were there already: others with --seed-number {args.seed_number + 1}, more with -n {2 * args.n})")
    if batch.left_out:
        print(f"({batch.left_out} more were copies and are left out: see {args.out / 'manifest.csv'})")
    if len(batch.pieces) < args.n:
        print(f"(only {len(batch.pieces)} of {args.n}: the music repeats itself; try a higher --temperature)")


def _seed(name: str | None, model: Engine | BarMaker) -> tuple[Piece, str]:
    """The seed phrase and what to call it; if none is named, a shipped one, and none for who needs none."""
    from ..engine.bars import BarMaker
    from ..midi import read_music
    from ..piece import Piece
    from ..sampling.seeds import find_seed

    if name is None and isinstance(model, BarMaker):
        return Piece.from_notes([]), "noise"
    path = find_seed(name)
    return read_music(path), path.stem


def _bars(args: argparse.Namespace, seed: Piece) -> int:
    """How many bars each file has that are new: as many as asked for, or all where the seed is accompanied."""
    if not args.accompany:
        return 8 if args.bars is None else int(args.bars)
    for name in ("bars", "seed_bars", "walk"):
        if getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise SettingsError(f"--accompany plays to the whole seed, bar for bar: leave out {option}.")
    return len(seed.bar_starts()) - 1


def _accompanied(
    args: argparse.Namespace,
    model: Engine | BarMaker,
    seed: Piece,
    what: Plan,
    tell: Callable[[int, int], None],
) -> Iterator[Piece]:
    from ..sampling.accompany import accompanied

    return accompanied(model, seed, what, args.n, tell)


def _walk(
    args: argparse.Namespace, model: Engine | BarMaker, what: Plan, picture: Path, tell: Callable[[int, int], None]
) -> Iterator[Piece]:
    """The steps of a walk; one picture of all of them, if any is asked for."""
    from ..engine.bars import BarMaker
    from ..sampling.walk import phrases_of, walk

    if not isinstance(model, BarMaker):
        raise SettingsError("Only a gan has latents to walk through: name one with --checkpoint.")
    to = _seed(args.walk, model)[0] if args.walk else what.seed
    steps = list(walk(model, what, to, args.n, args.bars, args.with_seed, tell))
    if args.png:
        from ..walls import roll_wall

        args.png = False  # of the single files
        args.out.mkdir(parents=True, exist_ok=True)
        names = [f"{100 * step.way:.0f} %" for step in steps]
        roll_wall(phrases_of(steps, args.bars), picture, "A walk through the latents", names)
    return iter([step.piece for step in steps])


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

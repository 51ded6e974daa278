"""What fine-tuning on a folder of a few files does, by how many they are.

    python -m benchmarks.finetune ~/giantmidi --out bench/finetune

FOLDER holds MIDI files, of which every third judges and the first of the others are learnt from. Each run is the
musician's: `musegen train FOLDER --from CHECKPOINT`, with no other option but `--rate` if it is given here. The files
that judge say nats a note, and how like their own continuations (8 bars after 4) those of the model are, by
descriptors (`musegen.evaluation.distances`: offset 0 and overlap 1 are real music). Copying is the longest run of
notes, median and most of the continuations, that the files learnt from have too. With `--corpus` it is also said what
was forgotten.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from musegen.checkpoint import find, load
from musegen.corpus.store import Corpus
from musegen.engine.bars import load as load_engine
from musegen.evaluation.copying import Learnt
from musegen.evaluation.descriptors import describe
from musegen.evaluation.distances import Described, compare, mean_likeness
from musegen.evaluation.likelihood import nats_of
from musegen.events.codec import EventCodec
from musegen.events.derived import ModelRows, derive
from musegen.midi.music import read_music
from musegen.models.long_pieces import summary
from musegen.piece import Piece
from musegen.sampling.simple import generate

SEED_BARS, BARS = 4, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="MIDI files, some forty of them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--rate", type=float, help="of learning, instead of the musician's")
    parser.add_argument("--files", type=int, nargs="+", default=[3, 5, 20])
    parser.add_argument("--corpus", type=Path, help="of the checkpoint: how much of it is forgotten")
    parser.add_argument("--seeds", type=int, default=16, help="continuations")
    args = parser.parse_args()
    files = sorted(args.folder.rglob("*.mid*"))
    judge, learn = files[::3], [path for i, path in enumerate(files) if i % 3]
    print(f"{machine()}\npython -m benchmarks.finetune {' '.join(sys.argv[1:])}\n", flush=True)
    others = [read_music(path) for path in judge]
    seeds, real = continued(others, args.seeds)
    old = [] if args.corpus is None else held_out(args.corpus)
    print("| files | minutes (CPU) | nats/note | in its style | offset | overlap | longest copied | the old corpus |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    ceiling = mean_likeness(compare(described(real[::2]), described(real[1::2])))
    print(f"| real music, one half to the other | | | | {ceiling.offset:.2f} | {ceiling.overlap:.2f} | | |")
    row("0", "", args.checkpoint, others, seeds, real, old, None)
    for count in args.files:
        folder = some_of(learn, count, args.out / f"{count}" / args.folder.name)
        took = train(folder, args.checkpoint, args.out / f"tuned-{count}", args.rate)
        learnt = Learnt([read_music(path) for path in sorted(folder.iterdir())])
        row(str(count), took, str(args.out / f"tuned-{count}"), others, seeds, real, old, learnt)


def some_of(files: list[Path], count: int, target: Path) -> Path:
    """A folder with the first `count` of some files."""
    target.mkdir(parents=True, exist_ok=True)
    for path in files[:count]:
        shutil.copy(path, target)
    return target


def train(folder: Path, checkpoint: str, out: Path, rate: float | None) -> str:
    """Fine-tune as a musician would; minutes that it took, and minutes of CPU."""
    began, before = time.monotonic(), _cpu()
    command = [sys.executable, "-m", "musegen", "train", str(folder), "--from", checkpoint, "--out", str(out)]
    command += [] if rate is None else ["--rate", str(rate)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return f"{(time.monotonic() - began) / 60:.1f} ({(_cpu() - before) / 60:.1f})"


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(
    name: str,
    took: str,
    checkpoint: str,
    others: list[Piece],
    seeds: list[Piece],
    real: list[Piece],
    old: list[ModelRows],
    learnt: Learnt | None,
) -> None:
    """Print a line of the table."""
    styled = learnt is not None
    plain = nats(checkpoint, [rows_of(piece) for piece in others])
    tagged = nats(checkpoint, [rows_of(piece, tag=0) for piece in others]) if styled else float("nan")
    forgotten = nats(checkpoint, old) if old else float("nan")
    engine = load_engine(find(checkpoint))
    made = [generate(engine, seed, bars=BARS, seed_number=i)[0] for i, seed in enumerate(seeds)]
    like = mean_likeness(compare(described(real), described(made)))
    copied = (
        ""
        if learnt is None
        else "{:.0f}, {} (real {:.0f}, {})".format(
            *(f(learnt.longest(music)) for music in (made, real) for f in (np.median, np.max))
        )
    )
    print(
        f"| {name} | {took} | {plain:.3f} | {tagged:.3f} | {like.offset:.2f} | {like.overlap:.2f} | {copied} | "
        f"{forgotten:.3f} |",
        flush=True,
    )


def rows_of(piece: Piece, tag: int | None = None) -> ModelRows:
    """A piece as a model sees it, with a style tag or without."""
    events = EventCodec().encode(piece, () if tag is None else (tag,))
    return derive(events.rows, events.meters)


def nats(checkpoint: str, pieces: list[ModelRows]) -> float:
    """Nats a note of a set of pieces."""
    return summary(nats_of(load(find(checkpoint)), pieces), pieces)["total"]


def continued(pieces: list[Piece], count: int) -> tuple[list[Piece], list[Piece]]:
    """Seeds of `SEED_BARS`, and the `BARS` after each: from successive places of each piece in turn."""
    found = []
    for first in range(0, 400, BARS):
        for piece in pieces:
            bars = [int(b) for b in piece.bar_starts()]
            if first + SEED_BARS + BARS < len(bars):
                edges = bars[first], bars[first + SEED_BARS], bars[first + SEED_BARS + BARS]
                pair = piece.between(*edges[:2]), piece.between(*edges[1:])
                if all(len(part) >= 2 * SEED_BARS for part in pair):
                    found.append(pair)
    return [a for a, _ in found[:count]], [b for _, b in found[:count]]


def described(pieces: list[Piece]) -> Described:
    """Their descriptors; all are of one style."""
    return Described([describe(piece) for piece in pieces], [""] * len(pieces))


def held_out(folder: Path, most: int = 20) -> list[ModelRows]:
    """Some held-out pieces of a corpus, from all over it."""
    corpus = Corpus.open(folder)
    some = corpus.pieces("valid")
    return [derive(corpus.rows(i), corpus.meters(i)) for i in some[:: max(1, len(some) // most)]]


if __name__ == "__main__":
    main()

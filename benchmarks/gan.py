"""Bars from noise beside the music they learnt from (P3): six metrics, copies and diversity.

    python -m benchmarks.gan CORPUS [--gan FOLDER] [--tracks 5|1] [--phrases N] [--seeds N] [--model NAME] [--wall FILE]

Each contender plays phrases of four bars on the gan's tracks; a metric's gap is |its mean − the training phrases'|, and
beside it stands the gap published with binary neurons (Dong & Yang 2018), on another corpus. Contenders: as many
training phrases (how much a mean moves by chance); the corpus's held-out phrases; the gan, from noise alone and going
on from the first half of held-out phrases (its own two bars are measured); a note-by-note model going on from held-out
phrases; and chance, where each cell of a track sounds as often as in training, whatever sounds beside it. The distance
to the nearest training phrase, in any key, says whether contenders copy. Tonal distances say whether the gan hears
what it is given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.machine import print_header
from musegen.checkpoint import load as load_checkpoint
from musegen.corpus.phrases import Phrases
from musegen.corpus.store import Corpus
from musegen.engine.bars import load as load_model
from musegen.engine.gan import GanNetwork
from musegen.evaluation.bar_metrics import PUBLISHED_GAPS, BarMetrics, gaps, measure, tonal_distance, track_gaps
from musegen.evaluation.phrase_likeness import CopyCheck, Neighbours, diversity
from musegen.events.phrases import BARS, GRID, STEPS, bars_of, piece_of
from musegen.events.roll import SILENT, Cells, of_sounding
from musegen.events.tracks import TRACKS
from musegen.sampling.batch import generate
from musegen.sampling.plan import Limits, Plan
from musegen.walls import roll_wall

CHUNK = 64
NAMES = ("EB", "UPC", "QN", "PP", "DP", "TD")


def chunks(phrases: Phrases) -> Iterator[Cells]:
    """All of `phrases`, some at a time."""
    for i in range(0, len(phrases), CHUNK):
        yield phrases.dense(np.arange(i, min(i + CHUNK, len(phrases))))


def from_noise(network: GanNetwork, n: int, rng: np.random.Generator) -> Cells:
    """`n` phrases that the gan plays from noise alone."""
    shape = (network.config.tracks, BARS, STEPS, GRID.pitches)
    return np.concatenate([
        _played(network, np.zeros((min(CHUNK, n - i), *shape), np.uint8), False, rng) for i in range(0, n, CHUNK)
    ])  # fmt: skip


def going_on(network: GanNetwork, known: Cells, rng: np.random.Generator) -> Cells:
    """The second halves (n, K, 2, 96, 84) that the gan plays after the first halves of `known`."""
    parts = [_played(network, known[i : i + CHUNK], True, rng) for i in range(0, len(known), CHUNK)]
    return np.concatenate(parts)[:, :, BARS // 2 :]


def _played(network: GanNetwork, given: Cells, half: bool, rng: np.random.Generator) -> Cells:
    mask = np.zeros(given.shape[:3], np.bool_)
    mask[:, :, : BARS // 2] = half
    noise = rng.standard_normal((len(given), network.config.noise)).astype(np.float32)
    return network.phrases(noise, given, mask, rng)


def note_by_note(name: str, seeds: Cells, variations: int) -> Cells:
    """Four bars after each of `seeds`, `variations` times, by the model `name`; without limits of range or voices."""
    engine, tracks, found = load_model(name), seeds.shape[1], []
    for i, seed in enumerate(seeds):
        plan = Plan(piece_of(seed), limits=Limits(low=0, high=127, voices=0), seed_number=i)
        for piece in generate(engine, plan, variations, BARS):
            cells = bars_of(piece, tracks).cells[:BARS]  # a last bar that is silent may be missing
            cells = np.concatenate([cells, np.zeros((BARS - len(cells), *cells.shape[1:]), np.uint8)])
            found.append(cells.transpose(1, 0, 2, 3))
    return np.stack(found)


def _following(network: GanNetwork, known: Cells, rng: np.random.Generator) -> None:
    """How far what a gan plays is, in harmony, from what it was given, beside real music and another phrase."""
    if network.config.tracks < len(TRACKS):
        return
    half, lead = BARS // 2, len(TRACKS) - 1
    known = known[(known[:, lead] != SILENT).any((1, 2, 3)) & (known[:, 1:lead] != SILENT).any((1, 2, 3, 4))]
    other = np.roll(known, 1, 0)
    mask = np.zeros(known.shape[:3], np.bool_)
    mask[:, lead] = True
    noise = rng.standard_normal((len(known), network.config.noise)).astype(np.float32)
    with_lead = network.phrases(noise, known, mask, rng)[:, 1:lead]
    after = going_on(network, known, rng)[:, 1:]
    rows = (
        (f"given {TRACKS[lead]}", known[:, lead:], other[:, lead:], with_lead, known[:, 1:lead]),
        ("given 2 bars", known[:, 1:, :half], other[:, 1:, :half], after, known[:, 1:, half:]),
    )
    print(f"\n{'tonal distance to what it was given':38}{'given':>9}{'another':>9}{'real music':>12}")
    for name, given, another, made, real in rows:
        each = (tonal_distance(given, made), tonal_distance(another, made), tonal_distance(given, real))
        print(f"{name:38}{each[0]:9.2f}{each[1]:9.2f}{each[2]:12.2f}")


def by_chance(training: Phrases, n: int, rng: np.random.Generator) -> Cells:
    """`n` phrases in which each cell of each track and pitch sounds as often as in training, whatever else sounds."""
    often = np.zeros((training.tracks, GRID.pitches))
    for cells in chunks(training):
        often += (cells != SILENT).sum((0, 2, 3))
    often /= len(training) * BARS * STEPS
    sounding = rng.random((n, training.tracks, BARS * STEPS, GRID.pitches), np.float32) < often[:, None]
    return np.stack([of_sounding(s) for s in sounding]).reshape(n, training.tracks, BARS, STEPS, GRID.pitches)


def main() -> None:
    """Print the tables."""
    args = _arguments()
    print_header("numpy")
    rng = np.random.default_rng(args.seed)
    network = GanNetwork(load_checkpoint(args.gan)) if args.gan else None
    tracks = network.config.tracks if network else args.tracks
    corpus = Corpus.open(args.corpus)
    training = Phrases.of_corpus(corpus, tracks, "train")
    held = [Phrases.of_corpus(corpus, tracks, split) for split in ("valid", "test")]
    print(training, *held, sep="\n")
    held_out = np.concatenate([cells for phrases in held for cells in chunks(phrases)])
    some = held_out[rng.permutation(len(held_out))]
    drawn = training.dense(rng.permutation(len(training))[: args.phrases])
    contenders: dict[str, Cells] = {"training music, a draw": drawn, "held-out music": held_out}
    if network:
        known = some[np.arange(args.phrases) % len(some)]
        contenders["gan, from noise"] = from_noise(network, args.phrases, rng)
        contenders["gan, after 2 bars"] = going_on(network, known, rng)
    if args.seeds:
        contenders[f"{args.model}, after 4"] = note_by_note(args.model, some[: args.seeds], args.variations)
    contenders["chance"] = by_chance(training, min(args.phrases, 128), rng)
    _metrics(measure(chunks(training)), {name: measure(cells) for name, cells in contenders.items()})
    if network:
        _following(network, training.dense(rng.permutation(len(training))[:128]), rng)
    _copies(training, contenders, rng)
    if args.wall and network:
        roll_wall(contenders["gan, from noise"][:16], args.wall, "From noise")


def _metrics(training: BarMetrics, others: Mapping[str, BarMetrics]) -> None:
    print(f"\n{'mean':28}" + "".join(f"{n:>9}" for n in NAMES))
    for name, found in {"training music": training, **others}.items():
        print(f"{name:28}" + _row(found.summary()))
    print(f"\n{'|mean − training|':28}" + "".join(f"{n:>9}" for n in NAMES))
    print(f"{'published':28}" + _row(PUBLISHED_GAPS, 2))
    for name, found in others.items():
        print(f"{name:28}" + _row(gaps(found, training)))
    if len(training.empty_bars) == 1:
        return
    print(f"\n{'the same track by track':28}" + "".join(f"{n:>9}" for n in NAMES[:4]))
    for name, found in others.items():
        print(f"{name:28}" + _row(track_gaps(found, training)).rstrip(" –"))
    print(f"\n{'each track: EB UPC QN PP':28}" + "".join(f"{t:>23}" for t in TRACKS))
    for name, found in {"training music": training, **others}.items():
        each = zip(found.empty_bars, found.pitch_classes, found.qualified, found.polyphonicity, strict=True)
        print(f"{name:28}" + "".join(f"{e:7.2f}{u:6.2f}{q:5.2f}{p:5.2f}" for e, u, q, p in each).replace("nan", "  –"))


def _row(figures: Mapping[str, float], digits: int = 3) -> str:
    return "".join(f"{figures[n]:9.{digits}f}" if n in figures else f"{'–':>9}" for n in NAMES)


def _copies(training: Phrases, contenders: Mapping[str, Cells], rng: np.random.Generator) -> None:
    """Nearest neighbours of whole phrases and of bars, and how many different phrases a batch holds."""
    data = training.dense(rng.permutation(len(training))[:CHUNK])
    index, bars = Neighbours(chunks(training)), Neighbours(c[:, :, :1] for c in chunks(training))
    whole: dict[str, npt.NDArray[np.float64]] = {}
    single: dict[str, npt.NDArray[np.float64]] = {}
    for name, cells in contenders.items():
        cells = cells[:256]
        if cells.shape[2] == BARS:
            whole[name] = index.nearest(cells)[0]
        each = cells.transpose(0, 2, 1, 3, 4).reshape(-1, cells.shape[1], 1, STEPS, GRID.pitches)
        each = each[(each != SILENT).any((1, 2, 3, 4))]
        single[name] = bars.nearest(each[rng.permutation(len(each))[:256]])[0]
    for kind, found in (("phrases", whole), ("bars", single)):
        print(f"\nnearest of {len(index)} training {kind}, over 13 keys (0: the same, 1: no note in common)")
        print(f"{'':28}{'median':>9}{'least':>9}{'closer':>9}{'copies':>9}")
        for name, distances in found.items():
            check = CopyCheck(distances, found["held-out music"])
            print(
                f"{name:28}{np.median(distances):9.2f}{distances.min():9.2f}{check.suspicious:9.0%}{check.copies:9.1%}"
            )
    print("closer: than 95 % of the held-out music is; copies: the same notes on the same 16ths")
    print(f"\ndiversity of {CHUNK} phrases (1: as many different ones as in training)")
    for name, cells in contenders.items():
        if cells.shape[2] == BARS:
            print(f"{name:28}{diversity(cells[rng.permutation(len(cells))], data):.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--gan", help="a checkpoint folder or the name of a shipped one; none: without it")
    parser.add_argument("--tracks", type=int, default=len(TRACKS), help="without a gan: 5 or 1 (%(default)s)")
    parser.add_argument("--phrases", type=int, default=512, help="of the gan, and at most so many by chance")
    parser.add_argument("--model", default="default", help="that plays note by note (%(default)s)")
    parser.add_argument("--seeds", type=int, default=24, help="that it goes on from; 0: leave it out")
    parser.add_argument("--variations", type=int, default=4, help="of each")
    parser.add_argument("--wall", type=Path, help="draw sixteen of the gan's phrases to this PNG")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What `musegen evaluate` does: have contenders play, hear them beside real music, write the report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .. import checkpoint as checkpoints
from ..atomic import write_atomically
from ..batches.continuations import Contender, Wanted, continuations
from ..corpus.store import Corpus
from ..engine.bars import BarMaker, load
from ..errors import SettingsError
from ..evaluation.by_style import Row, nats_by_style
from ..evaluation.copying import Learnt
from ..evaluation.descriptors import describe
from ..evaluation.distances import Described
from ..evaluation.report import PICTURES, Findings, markdown
from ..evaluation.verdict import Judge, Verdict
from ..evaluation.windows import Window, cut, held_out, spread, trained_on
from ..events.codec import EventCodec, Events
from ..midi import read_music
from ..piece import TICKS_PER_QUARTER, Piece
from ..sampling.seeds import seeds
from .evaluate import LONG, LONGER, SEED_BARS
from .progress import Progress


def with_corpus(args: argparse.Namespace, contenders: Sequence[Contender], corpus: Corpus) -> Findings:
    """The findings on each of `contenders` beside the held-out pieces of `corpus`; the report is in `args.out`."""
    windows = held_out(corpus, args.n, SEED_BARS, args.bars)
    long_ones = held_out(corpus, max(1, args.n // LONG), SEED_BARS, args.bars)
    judge = Judge(
        windows, trained_on(corpus, windows, SEED_BARS, args.bars), _long_music(args, corpus), _learnt(corpus)
    )
    verdicts = [judge.real_music(LONGER * args.bars)]
    verdicts += [_verdict(args, judge, contender, long_ones) for contender in contenders]
    names = dict.fromkeys(c.checkpoint for c in contenders)
    tables = {Path(name).name: table for name in names if (table := _likelihoods(args, name, corpus))}
    said = [
        f"Played on from {SEED_BARS} bars of {len(windows)} held-out places of {corpus.path.name} (fingerprint "
        f"{corpus.fingerprint}), without a style tag; seed number {args.seed_number}. Every continuation is in "
        "continuations/.",
        *filter(None, (_strange(name, corpus) for name in names)),
    ]
    return _written(args, Findings(_title(contenders), said, tables, verdicts, args.bars, LONGER * args.bars))


def without(args: argparse.Namespace, contenders: Sequence[Contender]) -> Findings:
    """The findings where there is no corpus: on continuations of the shipped seeds."""
    shipped = [(path.stem, read_music(path).at_resolution(TICKS_PER_QUARTER)) for path in seeds()]
    rounds = -(-args.n // len(shipped))
    windows = [_window(f"{stem}-{k + 1:03d}", seed) for k in range(rounds) for stem, seed in shipped][: args.n]
    judge = Judge(windows)
    verdicts = [Verdict("the seeds", Described([describe(seed) for _, seed in shipped], [""] * len(shipped)))]
    long_ones = windows[: max(1, args.n // LONG)]
    verdicts += [_verdict(args, judge, contender, long_ones) for contender in contenders]
    said = [
        f"Played on from the {len(shipped)} shipped seeds; seed number {args.seed_number}. Every continuation is in "
        "continuations/.",
        "There is no corpus here, so this does not say how likely held-out music is, how like real music this is, nor "
        "whether it copies: make the corpus with  musegen corpus build --preset default  and give it with --corpus.",
        *(f"Held-out figures, as the card of {name} states them: {_card(name)}." for name in _names(contenders)),
    ]
    return _written(args, Findings(_title(contenders), said, {}, verdicts, args.bars, LONGER * args.bars))


def _verdict(args: argparse.Namespace, judge: Judge, contender: Contender, long_ones: Sequence[Window]) -> Verdict:
    """Have a contender play what it can, and judge it."""
    model = load(contender.checkpoint)
    mine, longer = (_playable(model, windows) for windows in (judge.windows, long_ones))
    if not mine or not longer:
        raise SettingsError(f"{contender.name} cannot play on from any of the seeds: none is in a meter that it knows.")
    bars, folder = LONGER * args.bars, contender.folder(args.out / "continuations")
    wanted = [Wanted(w.name, w.seed, args.bars, i) for i, w in enumerate(mine)]
    wanted += [Wanted(f"long-{w.name}", w.seed, bars, len(mine) + i) for i, w in enumerate(longer)]
    with Progress(f"{contender.name}: playing", "continuations") as progress:
        pieces = continuations(contender, wanted, folder / f"{args.bars}-bars", args.workers, progress.update)
    played = {w.name: piece for w, piece in zip(mine, pieces, strict=False)}
    return judge.of(contender.name, played, longer, pieces[len(mine) :], bars)


def _playable(model: object, windows: Sequence[Window]) -> list[Window]:
    """The windows whose meter a model of bars knows."""
    if not isinstance(model, BarMaker) or not model.bar:
        return list(windows)
    ticks = model.bar * model.config.grid.ticks
    return [w for w in windows if w.piece.meters[-1].bar_ticks() == ticks]


def _likelihoods(args: argparse.Namespace, name: str, corpus: Corpus) -> Mapping[str, Row] | None:
    """Its table of nats, as it was found out before if it was; None for a model of whole bars."""
    digest = checkpoints.digest_of(checkpoints.find(name))
    kept = args.out / f"likelihood-{digest[:8]}-{corpus.fingerprint[:8]}.json"
    if kept.exists():
        found: dict[str, Row] = json.loads(kept.read_text())
        return found
    engine = load(name, exact=True)
    if isinstance(engine, BarMaker):
        return None
    with Progress(f"{Path(name).name}: likelihood", "pieces") as progress:
        found = nats_by_style(engine, corpus, progress.update)
    args.out.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, _json(found))
    return found


def _learnt(corpus: Corpus) -> Learnt:
    return Learnt(_decoded(corpus, i) for i in corpus.pieces("train"))


def _decoded(corpus: Corpus, number: int) -> Piece:
    return EventCodec().decode(Events(corpus.rows(number), corpus.tempos(number), corpus.meters(number)))


def _long_music(args: argparse.Namespace, corpus: Corpus) -> list[Window]:
    """Real music as long as the long continuations: held-out pieces, and as many others as there are too few."""
    count, bars = max(1, args.n // LONG), LONGER * args.bars
    found = spread(corpus, ("valid", "test"), count, SEED_BARS, bars)
    return found + spread(corpus, ("train",), count - len(found), SEED_BARS, bars)


def _window(name: str, seed: Piece) -> Window:
    end = int(seed.bar_starts()[-1])
    return Window(name, "", cut(seed, 0, end), end)


def _strange(name: str, corpus: Corpus) -> str:
    """A warning, if a checkpoint states that it learnt from another corpus."""
    stated = checkpoints.load(checkpoints.find(name), with_weights=False).about.get("corpus", "")
    if not stated or corpus.fingerprint in str(stated):
        return ""
    return (
        f"**{Path(name).name} learnt from another corpus ({stated}): what is held out here it may have learnt, and its "
        "figures may be better than they should be.**"
    )


def _card(name: str) -> str:
    metrics = checkpoints.load(checkpoints.find(name), with_weights=False).metrics
    said = [f"{m['total']:.3f} nats a note ({split})" for split in ("valid", "test") if (m := metrics.get(split))]
    return ", ".join(said) or "none"


def _names(contenders: Sequence[Contender]) -> list[str]:
    return list(dict.fromkeys(c.checkpoint for c in contenders))


def _title(contenders: Sequence[Contender]) -> str:
    return f"What {', '.join(Path(name).name for name in _names(contenders))} plays"


def _written(args: argparse.Namespace, found: Findings) -> Findings:
    """The report in its folder, with pictures where they can be drawn."""
    args.out.mkdir(parents=True, exist_ok=True)
    if find_spec("matplotlib"):
        found = replace(found, drawn=_draw(args.out, found))
    else:
        found = replace(found, said=[*found.said, "There are no pictures: they need  pip install 'musegen[plots]'."])
    figures = {"likelihood": found.likelihoods, "players": {v.name: v.to_json() for v in found.verdicts}}
    write_atomically(args.out / "report.json", _json(figures))
    write_atomically(args.out / "report.md", markdown(found).encode())
    return found


def _draw(folder: Path, found: Findings) -> list[str]:
    """The pictures that there is something for; their names."""
    from .. import charts

    each = {
        "likelihood": (found.likelihoods, partial(charts.likelihoods, found.likelihoods)),
        "likeness": (any(v.likeness for v in found.verdicts), partial(charts.overlaps, found.verdicts)),
        "histograms": (found.verdicts, partial(charts.means, found.verdicts)),
        "copying": (any(len(v.runs) for v in found.verdicts), partial(charts.runs, found.verdicts)),
        "long-run": (any(v.courses for v in found.verdicts), partial(charts.courses, found.verdicts)),
    }
    drawn = [name for name in PICTURES if each[name][0]]
    for name in drawn:
        each[name][1](folder / f"{name}.png")
    return drawn


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()

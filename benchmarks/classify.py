"""Macro-F1 and confusion matrices of classifiers of style: generative by Bayes' rule, discriminative beside them.

    python -m benchmarks.classify CORPUS CHECKPOINT [--splits title piece] [--json OUT]

split `title`  the corpus's own: fitted on train, judged on valid and test; no tune is on both sides
split `piece`  one in ten pieces of each style by lot is judged, so variants of a tune may be on both sides; there
               the network, which learnt from most of them, is left out

classifiers    network     P(x|y) by the checkpoint under each style tag
               n-grams     P(x|y) by a Witten–Bell n-gram of each style
               features    logistic regression on summary features
               state       logistic regression on the network's mean state
views          as it is; without the instrument's nats; on pianos (refitted on pieces without programs, drums, loudness)

The network scores up to 2,048 rows of a piece; features and state are of as much of its beginning as the network hears
at once. P(y) is the training pieces' shares. Macro-F1 is over the styles that have judged pieces; the figure by source
counts a style as right within its source, that of uniform P(y) is macro-F1 where every style is as likely beforehand.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.machine import print_header
from musegen.checkpoint import Checkpoint, find, load
from musegen.corpus.store import Corpus
from musegen.engine.base import Engine, of_checkpoint
from musegen.evaluation import linear
from musegen.evaluation.bayes import FEATURES, nats_by_style
from musegen.evaluation.features import features
from musegen.evaluation.fit_classifiers import rows_of, summaries_of
from musegen.events import attributes as at
from musegen.events.codec import Rows
from musegen.events.derived import derive
from musegen.models.baselines.ngram import NGram
from musegen.models.config import ModelConfig
from musegen.piece import Meter

SEED = 0
Array = np.ndarray
AS_IS, NO_INSTRUMENT, PIANOS = "as it is", "without instrument nats", "on pianos"


@dataclass(frozen=True)
class Split:
    """Numbers of the pieces to fit on and to judge."""

    name: str
    fit: list[int]
    judge: list[int]


@dataclass
class Figures:
    """What one classifier did: its predictions, and the scores of them."""

    classifier: str
    view: str
    split: str
    guesses: list[str]
    macro_f1: float = 0.0
    accuracy: float = 0.0
    source_f1: float = 0.0
    uniform_f1: float = 0.0
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)


def main() -> None:
    """Print a table, then a confusion matrix of each classifier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoint")
    parser.add_argument("--splits", nargs="+", choices=("title", "piece"), default=["title", "piece"])
    parser.add_argument(
        "--most", type=int, help="fit on at most so many pieces of a style, judge a third: a quick look"
    )
    parser.add_argument("--json", type=Path, help="also write every figure there")
    args = parser.parse_args()
    print_header("numpy", "scikit-learn")
    corpus, checkpoint = Corpus.open(args.corpus), load(find(args.checkpoint))
    if checkpoint.styles != corpus.styles:
        raise SystemExit(f"The checkpoint's styles {checkpoint.styles} are not the corpus's {corpus.styles}.")
    found: list[Figures] = []
    for name in args.splits:
        split = by_title(corpus) if name == "title" else by_piece(corpus)
        if args.most:
            split = Split(name, few(corpus, split.fit, args.most), few(corpus, split.judge, max(1, args.most // 3)))
        found += judge(corpus, checkpoint, split)
    if args.json:
        args.json.write_text(json.dumps([vars(f) for f in found], indent=1) + "\n")


def by_title(corpus: Corpus) -> Split:
    """The corpus's own split, which follows tunes."""
    return Split("title", corpus.pieces("train"), sorted(corpus.pieces("valid") + corpus.pieces("test")))


def by_piece(corpus: Corpus) -> Split:
    """A tenth of the pieces of each style, at least one, by lot."""
    rng, judged = np.random.default_rng(SEED), set()
    for style in corpus.styles:
        pieces = [i for i, e in enumerate(corpus.entries) if e.style == style]
        judged |= set(rng.permutation(pieces)[: max(1, len(pieces) // 10)].tolist())
    return Split("piece", [i for i in range(len(corpus)) if i not in judged], sorted(judged))


def few(corpus: Corpus, pieces: list[int], most: int) -> list[int]:
    """At most `most` pieces of each style, by lot."""
    rng = np.random.default_rng(SEED)
    each = [[i for i in pieces if corpus.entries[i].style == style] for style in corpus.styles]
    return sorted(i for these in each for i in rng.permutation(these)[:most].tolist())


def judge(corpus: Corpus, checkpoint: Checkpoint, split: Split) -> list[Figures]:
    """Every classifier in every view on one split."""
    engine = of_checkpoint(checkpoint)
    truth = [corpus.entries[i].style for i in split.judge]
    counts = Counter(corpus.entries[i].style for i in split.fit)
    print(f"\nsplit by {split.name}: {len(split.fit)} pieces to fit on, {len(truth)} judged: {dict(Counter(truth))}")
    prior = np.log(np.array([max(counts[s], 1e-9) for s in corpus.styles]) / len(split.fit))
    found: list[Figures] = []

    def add(classifier: str, view: str, logs: Array, began: float) -> None:
        guesses = [corpus.styles[i] for i in (logs + prior).argmax(1)]
        figures = scored(Figures(classifier, view, split.name, guesses), truth, corpus)
        figures.uniform_f1 = macro_f1(truth, [corpus.styles[i] for i in logs.argmax(1)])
        found.append(figures)
        print(
            f"  {classifier:10} {view:24} macro-F1 {figures.macro_f1:.3f}  accuracy {figures.accuracy:.3f}  "
            f"by source: macro-F1 {figures.source_f1:.3f}  uniform P(y): {figures.uniform_f1:.3f}   "
            f"({time.monotonic() - began:.0f} s)",
            flush=True,
        )

    for view in (AS_IS, PIANOS):
        began, pianos = time.monotonic(), view == PIANOS
        generative: list[tuple[str, Callable[[], Array]]] = []
        if split.name == "title":
            generative.append(("network", lambda p=pianos: network(engine, corpus, split, p)))
        generative.append(("n-grams", lambda p=pianos: ngrams(corpus, split, p, engine)))
        for name, nats_of in generative:
            began, nats = time.monotonic(), nats_of()
            add(name, view, -nats.sum(2), began)
            if not pianos:
                add(name, NO_INSTRUMENT, nats[..., at.INSTRUMENT] - nats.sum(2), began)
        began = time.monotonic()
        read = [summed_up(engine, corpus, split, pieces, pianos) for pieces in (split.fit, split.judge)]
        styles = [corpus.entries[i].style for i in split.fit]
        for name in read[0]:
            fitted = linear.fit(read[0][name], styles)
            logs = np.full((len(truth), len(corpus.styles)), -np.inf)
            logs[:, [corpus.styles.index(c) for c in fitted.classes]] = fitted.likelihoods(read[1][name])
            add(name, view, logs, began)
    for figures in found:
        print_confusion(figures)
    return found


def summed_up(engine: Engine, corpus: Corpus, split: Split, pieces: list[int], pianos: bool) -> dict[str, Array]:
    """What the discriminative classifiers read: by name, (pieces, numbers)."""
    if split.name == "title":
        return summaries_of(engine, corpus, pieces, pianos)
    beginnings = _Beginnings(corpus, pianos, reach(engine), pieces)
    return {FEATURES: np.stack([features(beginnings.rows(i), corpus.meters(i)) for i in pieces])}


def reach(engine: Engine) -> int:
    """How many rows of a piece everybody reads."""
    assert isinstance(engine.config, ModelConfig)  # only a network has style tags
    return engine.config.context


def network(engine: Engine, corpus: Corpus, split: Split, pianos: bool) -> Array:
    """−log P(x | y) by the tagged network: (pieces, styles, 5)."""
    return np.stack([nats_by_style(engine, rows_of(corpus, i, pianos), corpus.meters(i)) for i in split.judge])


def ngrams(corpus: Corpus, split: Split, pianos: bool, engine: Engine) -> Array:
    """−log P(x | y) by an n-gram of each style: (pieces, styles, 5)."""
    beginnings = _Beginnings(corpus, pianos, reach(engine), [])
    out = np.full((len(split.judge), len(corpus.styles), len(at.ATTRIBUTES)), 1e9)
    judged = [derive(beginnings.rows(i), corpus.meters(i)) for i in split.judge]
    for s, style in enumerate(corpus.styles):
        beginnings.numbers = [i for i in split.fit if corpus.entries[i].style == style]
        if beginnings.numbers:
            model = NGram().fit(beginnings)
            out[:, s] = [model.nats(rows).sum(0) for rows in judged]
    return out


@dataclass
class _Beginnings:
    """The beginnings of some pieces, as an n-gram wants a corpus."""

    corpus: Corpus
    pianos: bool
    length: int
    numbers: list[int]

    def pieces(self, split: str) -> list[int]:
        return self.numbers

    def rows(self, i: int) -> Rows:
        return rows_of(self.corpus, i, self.pianos)[: self.length]

    def meters(self, i: int) -> tuple[Meter, ...]:
        return self.corpus.meters(i)


def scored(figures: Figures, truth: Sequence[str], corpus: Corpus) -> Figures:
    """Fill in macro-F1, accuracy and the confusion matrix."""
    source = {e.style: e.source for e in corpus.entries}
    figures.macro_f1 = macro_f1(truth, figures.guesses)
    figures.source_f1 = macro_f1([source[t] for t in truth], [source[g] for g in figures.guesses])
    figures.accuracy = float(np.mean([t == g for t, g in zip(truth, figures.guesses, strict=True)]))
    pairs = Counter(zip(truth, figures.guesses, strict=True))
    figures.confusion = {t: {g: pairs[t, g] for g in corpus.styles} for t in corpus.styles if t in truth}
    return figures


def macro_f1(truth: Sequence[str], guesses: Sequence[str]) -> float:
    """The mean over the classes in `truth` of 2 · right / (judged + guessed)."""
    judged, guessed = Counter(truth), Counter(guesses)
    right = Counter(t for t, g in zip(truth, guesses, strict=True) if t == g)
    return float(np.mean([2 * right[c] / (judged[c] + guessed[c]) for c in judged]))


def print_confusion(figures: Figures) -> None:
    """Rows: the true style; columns: the guess."""
    columns = list(next(iter(figures.confusion.values())))
    print(f"\n  {figures.classifier}, {figures.view}, split by {figures.split}; rows true, columns guessed")
    print(f"  {'':11}" + "".join(f"{c:>11}" for c in columns))
    for style, row in figures.confusion.items():
        print(f"  {style:11}" + "".join(f"{row[c] or '·':>11}" for c in columns))


if __name__ == "__main__":
    main()

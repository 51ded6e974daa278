"""The figures of `benchmarks/classify.py`: their sums, and splits that keep fitting and judging apart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks import classify
from musegen.checkpoint import Checkpoint
from musegen.corpus.build import build
from musegen.corpus.store import Corpus
from musegen.evaluation.bayes import Classifier
from musegen.midi import write_music
from musegen.models.config import ModelConfig

from ..small_corpus import tune
from .test_classify import leaping

CONFIG = ModelConfig("lstm", width=16, layers=1, head_width=16, slot_width=8, context=128)


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Forty tunes of each of two styles."""
    folder = tmp_path_factory.mktemp("styles")
    for style, make in (("walking", tune), ("leaping", leaping)):
        (folder / style).mkdir()
        for i in range(40):
            write_music(make(i), folder / style / f"{i:02d}.mid")
    return build(folder / "corpus", [f"{s}={folder / s}" for s in ("walking", "leaping")], workers=1)


def test_macro_f1_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth, guesses = rng.choice(list("abcd"), (2, 30))
        wanted = metrics.f1_score(truth, guesses, labels=sorted(set(truth)), average="macro", zero_division=0)
        assert classify.macro_f1(truth.tolist(), guesses.tolist()) == pytest.approx(wanted)


def test_splits_keep_fitting_and_judging_apart(styles: Corpus) -> None:
    by_title, by_piece = classify.by_title(styles), classify.by_piece(styles)
    for split in (by_title, by_piece):
        assert not set(split.fit) & set(split.judge)
        assert sorted(split.fit + split.judge) == list(range(len(styles)))
    tunes = [{styles.entries[i].tune for i in some} for some in (by_title.fit, by_title.judge)]
    assert not tunes[0] & tunes[1]
    assert Counter(styles.entries[i].style for i in by_piece.judge) == {"walking": 4, "leaping": 4}
    assert classify.by_piece(styles) == by_piece
    few = classify.few(styles, by_title.fit, 5)
    assert Counter(styles.entries[i].style for i in few) == {"walking": 5, "leaping": 5}


def test_the_table(styles: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    """Fresh weights know no style; n-grams, features and even the state of a random network tell them apart."""
    import torch

    from musegen.models.base import build as build_model

    torch.manual_seed(0)
    weights = {k: v.numpy() for k, v in build_model(CONFIG).state_dict().items()}
    checkpoint = Checkpoint(CONFIG, weights, styles.styles, {"pieces of each style": {"walking": 30, "leaping": 30}})
    assert Classifier(checkpoint).prior()["walking"] == 0.5
    found = classify.judge(styles, checkpoint, classify.by_title(styles))
    figures = {(f.classifier, f.view): f for f in found}
    both = [classify.AS_IS, classify.PIANOS]
    assert set(figures) == {
        *((name, view) for name in ("network", "n-grams", "features", "state") for view in both),
        *((name, classify.NO_INSTRUMENT) for name in ("network", "n-grams")),
    }
    judged = len(classify.by_title(styles).judge)
    for (name, _), f in figures.items():
        assert sum(sum(row.values()) for row in f.confusion.values()) == judged
        if name != "network":
            assert f.macro_f1 == f.accuracy == 1
    shown = capsys.readouterr().out
    assert shown.count("macro-F1") == 2 * len(found) and "rows true, columns guessed" in shown


def test_another_corpus_is_refused(styles: Corpus, untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["classify", str(styles.path), str(untrained)])
    with pytest.raises(SystemExit, match="are not the corpus's"):
        classify.main()

"""Mixture and topics are the distributions they say they are: sums, drawing, saving, and one answer by every way."""

from __future__ import annotations

import itertools
from math import lgamma
from pathlib import Path

import numpy as np
import pytest

from musegen.checkpoint import Checkpoint, load
from musegen.corpus.store import Corpus
from musegen.engine.base import of_checkpoint
from musegen.engine.likelihood import nats_of_pieces
from musegen.errors import CheckpointError, CorpusError, SettingsError
from musegen.evaluation.likelihood import held_out, nats_of
from musegen.events import attributes as at
from musegen.events import derived
from musegen.models.baselines.base import Baseline, build
from musegen.models.baselines.contexts import Walk
from musegen.models.baselines.mixture import EDGES, Mixture
from musegen.models.baselines.ngram import NGram
from musegen.models.baselines.topics import CHAINS, Topics, nearest, words_of_bars
from musegen.models.config import BASELINES, BaselineConfig
from musegen.sampling.continuation import Continuation
from musegen.sampling.sampler import SamplerSettings
from musegen.training.baselines import fit

FEW = {"ngram": None, "mixture": 6, "topics": 3}


@pytest.fixture(scope="module")
def fitted(corpus: Corpus) -> dict[str, Checkpoint]:
    return {family: fit(corpus, family, FEW[family]) for family in BASELINES}


@pytest.fixture(params=BASELINES)
def checkpoint(request: pytest.FixtureRequest, fitted: dict[str, Checkpoint]) -> Checkpoint:
    return fitted[request.param]


def model_of(checkpoint: Checkpoint) -> Baseline:
    return build(checkpoint.shape(BaselineConfig), checkpoint.weights)


def piece(corpus: Corpus, number: int = 0) -> derived.ModelRows:
    i = corpus.pieces("valid")[number]
    return derived.derive(corpus.rows(i), corpus.meters(i))


def chi_square(observed: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The statistic over cells that expect at least 5, and the bound that chance passes once in some ten thousand."""
    enough = expected >= 5
    statistic = float(((observed - expected)[enough] ** 2 / expected[enough]).sum())
    degrees = int(enough.sum()) - 1
    return statistic, degrees + 4 * (2 * degrees) ** 0.5


def test_every_attribute_sums_to_one_after_any_past(checkpoint: Checkpoint, corpus: Corpus) -> None:
    engine, rows = of_checkpoint(checkpoint), piece(corpus)
    contexts = engine.contexts(rows[None, :-1])[0]
    notes = np.flatnonzero(at.is_note(rows[1:]))[::5]
    for column in range(5):
        p = np.exp(engine.logits(column, contexts[notes], rows[notes + 1], None).astype(np.float64))
        assert p.shape == (len(notes), at.ATTRIBUTES[column].outputs)
        assert np.allclose(p.sum(1), 1, atol=1e-5)
        assert (p > 0).all()


def test_the_engine_gives_the_nats_of_the_model_and_steps_as_it_leaps(checkpoint: Checkpoint, corpus: Corpus) -> None:
    engine, rows = of_checkpoint(checkpoint), piece(corpus)
    (all_at_once,) = nats_of(checkpoint, [rows])
    (through_engine,) = nats_of_pieces(engine, [rows])
    # The n-gram's nats are an upper bound by the little that it gives to pitches that there are not.
    assert np.allclose(through_engine, all_at_once, atol=0.05 if checkpoint.config.family == "ngram" else 1e-4)
    context, state = engine.start(rows[None, :3])
    for n in range(3, 20):
        leapt, _ = engine.start(rows[None, :n])
        for column in range(5):
            step = engine.logits(column, context, rows[n : n + 1], None)
            assert np.array_equal(step, engine.logits(column, leapt, rows[n : n + 1], None))
        context, state = engine.advance(rows[n : n + 1], state)


def test_a_state_that_was_kept_is_a_place_to_go_back_to(checkpoint: Checkpoint, corpus: Corpus) -> None:
    engine, rows = of_checkpoint(checkpoint), piece(corpus)
    context, state = engine.start(rows[None, :6])
    before = [engine.logits(c, context, rows[6:7], None) for c in range(5)]
    mark = list(state)
    for n in range(6, 12):
        _, state = engine.advance(rows[n : n + 1], state)
    again, _ = engine.advance(rows[6:7], mark)
    straight, _ = engine.start(rows[None, :7])
    assert all(np.array_equal(b, engine.logits(c, context, rows[6:7], None)) for c, b in enumerate(before))
    assert np.array_equal(engine.logits(2, again, rows[7:8], None), engine.logits(2, straight, rows[7:8], None))


def test_a_held_note_is_no_obstacle(checkpoint: Checkpoint, corpus: Corpus) -> None:
    engine, rows = of_checkpoint(checkpoint), piece(corpus).copy()
    rows[4, at.DURATION] = at.ATTRIBUTES[at.DURATION].none
    context, _ = engine.start(rows[None, :8])
    assert np.isfinite(engine.logits(at.PITCH, context, rows[8:9], None)).all()


def test_saved_and_loaded_it_gives_the_same_nats(checkpoint: Checkpoint, corpus: Corpus, tmp_path: Path) -> None:
    checkpoint.save(tmp_path)
    again = load(tmp_path)
    assert again.config == checkpoint.config
    assert held_out(again, corpus, "valid") == held_out(checkpoint, corpus, "valid")


def test_what_does_not_fit_is_a_sentence(checkpoint: Checkpoint) -> None:
    some = next(iter(checkpoint.weights))
    with pytest.raises(CheckpointError, match=f"'{some}' is missing"):
        build(checkpoint.shape(BaselineConfig), {k: v for k, v in checkpoint.weights.items() if k != some})
    if checkpoint.config.family != "ngram":
        with pytest.raises(CheckpointError, match="the shape"):
            build(BaselineConfig(checkpoint.config.family, 50), checkpoint.weights)


@pytest.mark.parametrize("family", ["mixture", "topics"])
def test_the_engine_draws_as_often_as_the_model_says(
    family: str, fitted: dict[str, Checkpoint], corpus: Corpus
) -> None:
    i = corpus.pieces("valid")[0]
    engine, rows = of_checkpoint(fitted[family]), corpus.rows(i)[:14]
    generators = [np.random.default_rng([5, n]) for n in range(800)]
    settings = SamplerSettings(temperature=1.0, top_p=1.0)
    music = Continuation(engine, rows, corpus.meters(i), settings, (), generators)
    first = derived.derive(rows, corpus.meters(i))[None]
    context, _ = engine.start(first)
    expected = np.exp(engine.logits(at.SHIFT, context, first[:, 0], None))[0] * len(generators)
    drawn = music.next()
    statistic, bound = chi_square(np.bincount(drawn[:, at.SHIFT], minlength=len(expected)), expected)
    assert statistic < bound


def test_a_better_number_of_components_is_found(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musegen.training.mixture.COMPONENTS", (1, 8))
    monkeypatch.setattr("musegen.training.mixture.MOST_NOTES", 1500)
    chosen = fit(corpus, "mixture")
    assert chosen.shape(BaselineConfig).components == 8
    assert held_out(chosen, corpus, "valid")["total"] < held_out(fit(corpus, "mixture", 1), corpus, "valid")["total"]


def test_more_components_than_notes_are_refused(corpus: Corpus) -> None:
    with pytest.raises(SettingsError, match="90000 components cannot be fitted to"):
        fit(corpus, "mixture", 90_000)
    with pytest.raises(SettingsError, match="topics of 0 components"):
        fit(corpus, "topics", 0)


# --- the mixture ----------------------------------------------------------------------------------------------------


def made_mixture() -> Mixture:
    """Two components, far apart in shift and pitch, of two instruments."""
    instruments = np.full((2, at.INSTRUMENTS), 1e-9)
    instruments[0, 0] = instruments[1, 128] = 1
    return Mixture(
        np.array([0.3, 0.7]),
        np.array([[np.log(1.0), 48.0, 10.0, np.log(24.0)], [np.log(13.0), 72.0, 20.0, np.log(12.0)]]),
        np.array([[0.3, 3.0, 2.0, 0.4], [0.2, 5.0, 1.0, 0.5]]),
        instruments / instruments.sum(1, keepdims=True),
        np.array([0.9, 0.02, 0.02, 0.02, 0.01, 0.01, 0.02]),
    )


def test_what_is_drawn_tells_which_component_it_is() -> None:
    model, target = made_mixture(), np.zeros((2, derived.WIDTH), np.int32)
    shift = model.probabilities(at.SHIFT, [Walk(), Walk()], target)[0]
    assert shift[: at.LONGEST_SHIFT].sum() == pytest.approx(0.9)
    assert shift[0] == pytest.approx(0.9 * 0.3, rel=0.15)
    target[:, at.SHIFT] = 0, 12
    low, high = model.probabilities(at.INSTRUMENT, [Walk(), Walk()], target)
    assert low[0] > 0.999 and high[128] > 0.999


def test_two_steps_draw_what_the_chain_rule_says() -> None:
    model, rng = made_mixture(), np.random.default_rng(3)
    notes = model.draw(20_000, rng)
    rows = np.zeros((len(notes), derived.WIDTH), np.int32)
    rows[:, :5] = notes
    # Of each attribute alone …
    for column in (at.PITCH, at.DURATION):
        expected = sum(w * b for w, b in zip(model.weights, model._boxes[column], strict=True)) * len(notes)
        statistic, bound = chi_square(np.bincount(notes[:, column], minlength=len(expected)), expected)
        assert statistic < bound
    # … and of the pitch given the shift, by the chain.
    given = np.flatnonzero(notes[:, at.SHIFT] == 12)
    target = rows[given[:1]]
    expected = model.probabilities(at.PITCH, [Walk()], target)[0] * len(given)
    statistic, bound = chi_square(np.bincount(notes[given, at.PITCH], minlength=128), expected)
    assert statistic < bound
    # The attributes' nats add up to those of the note: its probability under the two components.
    joint = sum(
        w * np.prod([model._boxes[c][k][notes[:, c]] for c in range(5)], axis=0) for k, w in enumerate(model.weights)
    )
    assert np.allclose(model.nats(rows).sum(1), -np.log(0.9 * joint), atol=1e-6)


def test_a_box_is_the_integral_over_it() -> None:
    model = made_mixture()
    edges = EDGES[at.PITCH]
    x = np.linspace(edges[0], edges[-1], 128 * 200 + 1)
    density = np.exp(-0.5 * ((x - 72) / 5) ** 2) / (5 * np.sqrt(2 * np.pi))
    by_hand = [np.trapezoid(density[i * 200 : (i + 1) * 200 + 1], x[i * 200 : (i + 1) * 200 + 1]) for i in range(128)]
    assert np.allclose(model._boxes[at.PITCH][1], by_hand, atol=1e-7)


# --- the topics ----------------------------------------------------------------------------------------------------


def made_topics() -> Topics:
    """Three topics with a little of everything: C major, F sharp major, and all twelve."""
    words = np.full((3, 12), 0.02)
    words[0, [0, 4, 7]] += 1
    words[1, [6, 10, 1]] += 1
    words[2] += 0.3
    return Topics(words / words.sum(1, keepdims=True), np.full(3, 0.4), NGram(chains=CHAINS))


def exact(model: Topics, bar: list[int]) -> np.ndarray:
    """P of the next pitch class with every assignment of topics to the bar's notes summed over."""
    total = np.zeros(len(model.prior))
    for topics in itertools.product(range(len(model.prior)), repeat=len(bar)):
        counts = np.bincount(np.array(topics, int), minlength=len(model.prior))
        dirichlet = sum(lgamma(a + n) - lgamma(a) for a, n in zip(model.prior, counts, strict=True))
        chance = np.prod([model.words[z, w] for z, w in zip(topics, bar, strict=True)]) * np.exp(dirichlet)
        total += chance * (model.prior + counts)
    result: np.ndarray = total / total.sum() @ model.words
    return result


@pytest.mark.parametrize(
    ("bar", "off"), [([], 1e-9), ([7], 1e-9), ([0, 4], 0.02), ([0, 6, 0], 0.05), ([0, 4, 7, 4, 0, 2], 0.02)]
)
def test_the_posterior_is_near_the_exact_one(bar: list[int], off: float) -> None:
    model = made_topics()
    (found,) = model.classes(np.bincount(np.array(bar, int), minlength=12)[None])
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - exact(model, bar)).max() <= off


def test_four_steps_draw_what_the_posterior_says() -> None:
    model, rng = made_topics(), np.random.default_rng(1)
    bars = np.array([model.draw_bar(2, rng) for _ in range(5_000)])
    first = bars[:, 0]
    prior = model.classes(np.zeros((1, 12), np.int64))[0]
    statistic, bound = chi_square(np.bincount(first, minlength=12), prior * len(bars))
    assert statistic < bound
    second = bars[first == 4, 1]
    given = model.classes(np.eye(12, dtype=np.int64)[[4]])[0]
    statistic, bound = chi_square(np.bincount(second, minlength=12), given * len(second))
    assert statistic < bound


def test_a_bar_is_a_document_and_the_next_begins_anew(corpus: Corpus) -> None:
    rows = piece(corpus)
    bars = words_of_bars(rows)
    tuned = at.is_note(rows) & (rows[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT)
    number = rows[:, derived.TIME] // 96  # the tunes are in 4/4
    by_hand = [np.bincount(rows[tuned & (number == b), at.PITCH] % 12, minlength=12) for b in np.unique(number[tuned])]
    assert np.array_equal(bars, by_hand)


def test_topics_are_named_by_what_they_are_like() -> None:
    assert [nearest(w) for w in made_topics().words[:2]] == [(0, "major"), (6, "major")]
    scale = np.isin(np.arange(12), [2, 4, 6, 7, 9, 11, 1]) / 7
    assert nearest(scale)[1].endswith("scale")


def test_a_corpus_of_drums_has_no_topics(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drums:
        pieces, meters = corpus.pieces, corpus.meters

        def rows(self, i: int) -> np.ndarray:
            rows = corpus.rows(i).copy()
            rows[at.is_note(rows), at.INSTRUMENT] = at.DRUM_INSTRUMENT
            return rows

    from musegen.training.topics import fit_topics

    with pytest.raises(CorpusError, match="no bar with a note that is not a drum"):
        fit_topics(Drums())

"""Four voices: what is counted, what the network may see, and that both are distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from musegen.models.config import ModelConfig
from musegen.models.voices.batches import pad, semitones, to_cells, transposed, weighed
from musegen.models.voices.counting import expect, in_reach, nats_by_shares, shares_of
from musegen.models.voices.features import CHAINS, ORDER, PITCHES, REST, VALUES, Cells, levels, places, to_absolute
from musegen.models.voices.likelihood import nats_of_voices
from musegen.models.voices.network import VoicesConfig, VoicesModel

PAST = ModelConfig(width=16, layers=1, heads=2, context=64, dropout=0.0)


def chorale(seed: int, length: int = 40) -> Cells:
    """Voices that move by steps, now and then, and sometimes rest."""
    rng = np.random.default_rng(seed)
    out = np.empty((length, 4), np.int64)
    now = np.array([35, 28, 21, 14])
    for t in range(length):
        moves = rng.random(4) < (0.8 if t % 4 == 0 else 0.1)
        now = np.clip(now + moves * rng.integers(-2, 3, 4), 0, PITCHES - 1)
        out[t] = np.where(rng.random(4) < 0.03, REST, now)
    return out


def small(counts: bool, seed: int = 0) -> VoicesModel:
    torch.manual_seed(seed)
    config = VoicesConfig(PAST, 16, 12, counts, hidden_dropout=0, gate_dropout=0, feature_dropout=0)
    model = VoicesModel(config).eval()
    for gate in model.gates:  # away from equal shares, so that a leak through them would show
        torch.nn.init.normal_(gate.out.weight, std=0.3)
    return model


def test_values_are_relative_and_come_back() -> None:
    piece = chorale(1)
    for place, voice in zip(places(piece), ORDER, strict=True):
        np.testing.assert_array_equal(to_absolute(place.values, place.reference), piece[:, voice])


@pytest.mark.parametrize("voice", range(4))
def test_contexts_know_only_what_came_before(voice: int) -> None:
    piece, t = chorale(2), 20
    changed = piece.copy()
    changed[t, voice] = (changed[t, voice] + 5) % PITCHES
    for n, (a, b) in enumerate(zip(places(piece), places(changed), strict=True)):
        may_know = n > ORDER.index(voice)
        for chain in range(len(CHAINS)):
            for x, y in zip(levels(a, chain), levels(b, chain), strict=True):
                np.testing.assert_array_equal(x[: t + (not may_know)], y[: t + (not may_know)])
        longest = [list(levels(p, 0))[-1] for p in (a, b)]
        assert (longest[0][t] != longest[1][t]) == may_know
        assert (longest[0][t + 1 :] != longest[1][t + 1 :]).any()


def test_contexts_are_the_same_in_every_key() -> None:
    piece = np.where(chorale(3) == REST, 20, chorale(3))
    for a, b in zip(places(piece), places(transposed(piece, 2)), strict=True):
        for chain in range(len(CHAINS)):
            x, y = list(levels(a, chain))[-1], list(levels(b, chain))[-1]
            np.testing.assert_array_equal(x[1:], y[1:])  # the first frame is told from fixed pitches


def test_what_is_expected_is_a_distribution() -> None:
    a, b, c = (chorale(i) for i in range(3))
    for e in expect([a, b], [c])[0]:
        np.testing.assert_allclose(np.exp(e.logs.astype(np.float64)).sum(-1), 1, atol=5e-3)  # kept as float16
    for logs, _ in weighed(expect([a, b], [c]), [0]):
        assert logs.shape[-1] == VALUES
        torch.testing.assert_close(logs.exp().sum(-1), torch.ones(logs.shape[:-1]))


def test_a_counted_piece_is_expected_as_if_it_were_new() -> None:
    a, b, c = (chorale(i, 60) for i in range(3))
    for mine, new in zip(expect([a, b, c])[1], expect([a, c], [b])[0], strict=True):
        np.testing.assert_array_equal(mine.logs, new.logs)
        np.testing.assert_array_equal(mine.trust, new.trust)


def test_what_returns_in_a_piece_is_expected() -> None:
    phrase = chorale(7, 48)
    twice = np.concatenate([phrase, phrase])
    expected = expect([chorale(8), chorale(9)], [twice])
    nats = nats_by_shares(expected[0], shares_of(expect([chorale(8), chorale(9)])))
    assert nats[:48].sum() > 2 * nats[48:].sum()


def test_counts_alone_are_a_distribution_over_the_cells_there_are() -> None:
    pieces = [chorale(i) for i in range(3)]
    shares = shares_of(expect(pieces))
    np.testing.assert_allclose(shares.sum(1), 1)
    expected = expect(pieces, [chorale(5)])[0]
    total = np.zeros(40)
    for value in range(2 * PITCHES):
        there = in_reach(expected[2].reference)[:, value]
        each = [e._replace(values=np.full(40, value)) for e in expected]
        total += np.where(there, np.exp(-nats_by_shares(each, shares)[:, 2]), 0)
    np.testing.assert_allclose(total, 1, atol=1e-6)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("voice", range(4))
def test_the_network_sees_only_what_came_before(counts: bool, voice: int) -> None:
    model, others, t = small(counts), [chorale(i) for i in range(3)], 17
    piece = chorale(6)
    changed = piece.copy()
    changed[t, voice] = (changed[t, voice] + 3) % PITCHES
    logits = []
    for p in (piece, changed):
        counted = weighed(expect(others, [p]), [0]) if counts else ()
        with torch.no_grad():
            logits.append(model.logits(pad([p])[0], counted))
    for n, (a, b) in enumerate(zip(*logits, strict=True)):
        knows = n > ORDER.index(voice)
        torch.testing.assert_close(a[0, : t + (not knows)], b[0, : t + (not knows)], atol=1e-5, rtol=1e-5)
        assert not torch.allclose(a[0, t + (not knows)], b[0, t + (not knows)], atol=1e-5)


def test_nats_are_of_the_logits_and_padding_changes_nothing() -> None:
    model, short, long = small(False), chorale(1, 20), chorale(2, 33)
    cells, real = pad([short, long])
    assert real.sum(1).tolist() == [20, 33]
    with torch.no_grad():
        nats = model.nats(cells)
    for piece, found in zip((short, long), nats, strict=True):
        alone = nats_of_voices([model], [piece])[0]
        np.testing.assert_allclose(alone, found[: len(piece)].numpy(), atol=1e-4)
        logits = model.logits(pad([piece])[0])
        for n, voice in enumerate(ORDER):
            by_hand = -logits[n][0].log_softmax(-1)[torch.arange(len(piece)), torch.from_numpy(piece[:, voice])]
            np.testing.assert_allclose(alone[:, n], by_hand.detach().numpy(), atol=1e-4)


def test_models_together_are_the_mean_of_their_probabilities() -> None:
    models, piece = [small(False, 1), small(False, 2)], chorale(4)
    each = [np.exp(-nats_of_voices([m], [piece])[0]) for m in models]
    np.testing.assert_allclose(np.exp(-nats_of_voices(models, [piece])[0]), np.mean(each, 0), rtol=1e-4)


def test_expectations_move_with_the_key() -> None:
    others, piece = [chorale(1), chorale(2)], np.clip(chorale(3), 6, 38)
    expected = expect(others, [piece])
    here, up = weighed(expected, [0]), weighed(expected, [3])
    for (a, _), (b, _) in zip(here, up, strict=True):
        inner = a[..., 5:30] - a[..., 20:21], b[..., 8:33] - b[..., 23:24]  # up to what falls off the grid's ends
        torch.testing.assert_close(*inner, atol=1e-2, rtol=1e-2)


def test_frames_become_cells_and_move_within_the_grid() -> None:
    cells = to_cells([[71, 64, -1, 50], [72, 64, 57, 36]], 36, -1)
    assert cells.tolist() == [[35, 28, REST, 14], [36, 28, 21, 0]]
    rng = np.random.default_rng(0)
    drawn = {semitones(cells, 6, rng) for _ in range(200)}
    assert drawn == set(range(7)), "not down: the bass is at the bottom"

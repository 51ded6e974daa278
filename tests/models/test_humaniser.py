"""The humaniser's networks: notes see their surroundings and nothing else, windows do not mix, noise is its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from musegen.events.drums import DrumRows
from musegen.models.config import HumaniserConfig, config_from_dict
from musegen.models.humaniser import Critic, DrumBatch, Humaniser, Noise, previous

CONFIG = HumaniserConfig(width=12, layers=2, noise=3, tags=2)
REACH = 2 * (1 + 2)  # sixteenths to each side that two layers see


def rows(steps: list[int], drums: list[int] | None = None) -> DrumRows:
    n, step = len(steps), np.array(steps)
    drum = np.array(drums or [0] * n)
    return DrumRows(step, np.zeros(n, int), step % 16, drum, drum, np.full(n, 120.0))


def network(kind: type[Humaniser] | type[Critic] = Humaniser) -> torch.nn.Module:
    torch.manual_seed(0)
    built = kind(CONFIG)
    for weight in built.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return built


def play(windows: list[DrumRows], noise: bool = False) -> torch.Tensor:
    batch = DrumBatch.of(windows, torch.zeros(len(windows), 2), 64)
    drawn = Noise.draw(batch, 3, torch.Generator().manual_seed(1)) if noise else None
    with torch.no_grad():
        return torch.stack(network()(batch, drawn), 1)


def test_windows_do_not_mix() -> None:
    one, other = rows([0, 4, 4, 9], [0, 1, 2, 0]), rows([3, 5, 20], [1, 1, 0])
    together = play([one, other])
    torch.testing.assert_close(together[:4], play([one]))
    torch.testing.assert_close(together[4:], play([other]))


def test_where_a_window_begins_in_the_piece_does_not_matter() -> None:
    one = rows([0, 4, 4, 9], [0, 1, 2, 0])
    torch.testing.assert_close(play([one]), play([replace(one, step=one.step + 160)]))


def test_notes_see_both_sides_and_no_further_but_for_the_whole() -> None:
    """The gradient of the middle note's surroundings reaches REACH sixteenths."""
    built = network()
    batch = DrumBatch.of([rows(list(range(30)))], torch.zeros(1, 2))
    notes = built.notes(batch).detach().requires_grad_()
    here, _ = built.around(notes, batch)
    here[15].sum().backward()
    seen = notes.grad.abs().sum(1).nonzero()[:, 0].tolist()
    assert seen == list(range(15 - REACH, 15 + REACH + 1))


def test_answers_stay_in_bounds() -> None:
    fast = replace(rows([0, 1, 2]), tempo=np.array([60.0, 200.0, 400.0]))
    built = network()
    for weight in built.parameters():
        weight.data *= 30
    batch = DrumBatch.of([fast], torch.zeros(1, 2))
    moment, velocity = built(batch, Noise.draw(batch, 3))
    assert (moment.abs() <= torch.tensor(fast.half_step) + 1e-3).all()
    assert ((velocity >= 0) & (velocity <= 127.5)).all()


def test_without_an_adversary_noise_moves_nothing() -> None:
    torch.manual_seed(0)
    built = Humaniser(CONFIG)
    batch = DrumBatch.of([rows([0, 2, 4])], torch.zeros(1, 2))
    for guess, drawn in zip(built(batch), built(batch, Noise.draw(batch, 3)), strict=True):
        assert torch.equal(guess, drawn)


def test_each_kind_of_noise_moves_what_it_belongs_to() -> None:
    built = network()
    batch = DrumBatch.of([rows([0, 0, 40], [0, 1, 0]), rows([0])], torch.zeros(2, 2), 64)
    before = Noise(torch.zeros(2, 3), torch.zeros(2, 64, 3), torch.zeros(4, 3))

    def moved(**changed: torch.Tensor) -> list[int]:
        with torch.no_grad():
            a, b = (built(batch, n)[0] for n in (before, before._replace(**changed)))
        return (a != b).nonzero()[:, 0].tolist()

    of_window, of_step, of_note = (torch.zeros_like(t) for t in before)
    of_window[0], of_step[0, 1], of_note[1] = 1, 1, 1
    assert moved(window=of_window) == [0, 1, 2]
    assert moved(step=of_step) == [0, 1]  # and what is near
    assert moved(note=of_note) == [1]


def test_noise_of_a_minibatch_goes_to_its_own_window() -> None:
    batch = DrumBatch.of([rows([0, 1]), rows([0, 1, 2])], torch.zeros(2, 2), 8)
    z = torch.arange(2 * (1 + 8 + 4)).float().reshape(2, -1, 1)
    noise = Noise.of(z, batch)
    assert noise.window[:, 0].tolist() == [0, 13]
    assert noise.step[1, :, 0].tolist() == list(range(14, 22))
    assert noise.note[:, 0].tolist() == [9, 10, 22, 23, 24]


def test_the_note_before() -> None:
    group, cell = np.array([0, 1, 0, 0, 1]), np.array([0, 0, 2, 5, 7])
    assert previous(group, cell).tolist() == [0, 1, 0, 2, 1]


def test_the_critic_hears_how_neighbours_differ() -> None:
    """The same moments in another order are judged differently at notes whose own moment is the same."""
    critic = network(Critic)
    batch = DrumBatch.of([rows([0, 40])], torch.zeros(1, 2), 64)
    velocity = torch.full((2,), 60.0)
    critic.whole[2].weight.data.zero_()  # what is judged note by note is left …
    critic.hidden.weight.data[:, 2 * CONFIG.width :].zero_()  # … and not by what it hears of the whole
    logits = [critic(batch, torch.tensor([first, 5.0]), velocity)[1] for first in (5.0, 30.0)]
    assert (logits[0] - logits[1]).abs() > 1e-3


def test_the_critic_judges_windows_by_themselves() -> None:
    critic = network(Critic)
    both = DrumBatch.of([rows([0, 4]), rows([0, 4])], torch.zeros(2, 2), 8)
    one = DrumBatch.of([rows([0, 4])], torch.zeros(1, 2), 8)
    moment, velocity = torch.tensor([1.0, 2, 30, 4]), torch.tensor([50.0, 60, 70, 80])
    torch.testing.assert_close(critic(both, moment, velocity)[:2], critic(one, moment[:2], velocity[:2]))


def test_shape_from_json() -> None:
    assert config_from_dict({"family": "humaniser", "width": 8, "tags": 2}) == HumaniserConfig(width=8, tags=2)
    with pytest.raises(Exception, match="width is 0"):
        config_from_dict({"family": "humaniser", "width": 0})

"""Errors and distances of performances, against cases counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.corpus.groove import Groove
from musegen.evaluation.humanising import Played, Table, cell_of, correlation, figures, mean, wasserstein
from musegen.events.drums import DrumRows


def groove(drum: list[int], step: list[int], moment: list[float], velocity: list[float]) -> Groove:
    n, steps = len(drum), np.array(step)
    rows = DrumRows(steps, np.zeros(n, int), steps % 16, np.array(drum), np.zeros(n, int), np.full(n, 120.0))
    return Groove("", "valid", (), rows, np.array(moment), np.array(velocity))


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ([0], [3], 3),
        ([1, 2, 3], [3, 1, 2], 0),
        ([0, 1], [0, 3], 1),  # one half moves by 2
        ([0, 0, 0, 4], [1], 1.5),  # three quarters move by 1, one by 3
        ([0, 2], [1, 1, 1], 1),
        ([0, 1, 2, 3], [0, 3], 0.5),  # 1 → 0 and 2 → 3, a quarter each by 1
        ([5, 5], [5], 0),
    ],
)
def test_wasserstein(one: list[float], other: list[float], distance: float) -> None:
    a, b = np.array(one, float), np.array(other, float)
    assert wasserstein(a, b) == pytest.approx(distance)
    assert wasserstein(b, a) == pytest.approx(distance)
    assert wasserstein(2 * a + 7, 2 * b + 7) == pytest.approx(2 * distance)


def test_figures_by_hand() -> None:
    real = groove([0, 0, 1, 1], [0, 16, 4, 4], [0, 4, -10, -20], [100, 80, 60, 40])
    made = Played(np.array([2.0, 2.0, -10, -10]), np.array([90.0, 90, 60, 40]))
    found = figures([real], [made])
    assert found.moment_error == pytest.approx((2 + 2 + 0 + 10) / 4)
    assert found.velocity_error == pytest.approx((10 + 10 + 0 + 0) / 4)
    # kick: {0, 4} from {2, 2}: 2; snare: {−10, −20} from {−10, −10}: 5
    assert found.moment_distance == pytest.approx((2 * 2 + 2 * 5) / 4)
    assert found.velocity_distance == pytest.approx((2 * 10 + 2 * 0) / 4)
    assert found.moment_spread == 0
    assert found.velocity_spread == pytest.approx(10 / (10 + 10))
    assert found.velocity_r == pytest.approx(np.corrcoef([100, 80, 60, 40], [90, 90, 60, 40])[0, 1])


def test_a_performance_in_another_order_is_as_near() -> None:
    """Unlike errors, distances do not mind which of a cell's notes is which."""
    real = groove([0] * 4, [0, 16, 32, 48], [1, 5, 9, 20], [50, 60, 70, 80])
    turned = figures([real], [Played(real.moment[::-1].copy(), real.velocity[::-1].copy())])
    assert turned.moment_distance == turned.velocity_distance == 0 and turned.moment_error > 5
    assert turned.moment_spread == turned.velocity_spread == 1


def test_cells_keep_drums_and_places_apart() -> None:
    real = groove([0, 1, 1], [0, 0, 17], [0, 0, 0], [1, 1, 1])
    assert cell_of(real).tolist() == [0, 16, 17]


def test_constant_velocities_do_not_correlate() -> None:
    assert correlation(np.array([1.0, 1, 1]), np.array([1.0, 2, 3])) == 0


def test_mean_of_figures() -> None:
    real = groove([0, 0], [0, 16], [0, 0], [10, 20])
    both = [figures([real], [Played(np.full(2, x), real.velocity)]) for x in (2.0, 4.0)]
    assert mean(both).moment_error == 3 and mean(both).velocity_r == pytest.approx(1)


class TestTable:
    learnt = groove([0, 0, 1], [0, 16, 4], [2, 4, -8], [100, 120, 50])

    def test_guess(self) -> None:
        asked = groove([0, 0, 1, 2], [0, 1, 4, 0], [0] * 4, [0] * 4)
        guess = Table([self.learnt]).guess(asked)
        # a kick where none was: as kicks are; a hi-hat, of which there was none: as all are
        assert guess.moment == pytest.approx([3, 3, -8, -2 / 3])
        assert guess.velocity == pytest.approx([110, 110, 50, 90])

    def test_draws_are_whole_notes_of_the_cell(self) -> None:
        asked = groove([0] * 50, [0] * 50, [0] * 50, [0] * 50)
        drawn = Table([self.learnt]).draw(asked, np.random.default_rng(0))
        assert set(zip(drawn.moment.tolist(), drawn.velocity.tolist(), strict=True)) == {(2, 100), (4, 120)}

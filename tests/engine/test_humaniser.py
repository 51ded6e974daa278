"""The humaniser in numpy: the same answers as in torch, and noise that depends on the place alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from musegen.checkpoint import Checkpoint
from musegen.engine.humaniser import Humaniser, normal
from musegen.errors import CheckpointError, SettingsError
from musegen.events.drums import DrumRows
from musegen.models.config import BaselineConfig, HumaniserConfig

torch = pytest.importorskip("torch")

from musegen.models.humaniser import DrumBatch, Noise  # noqa: E402
from musegen.models.humaniser import Humaniser as Network  # noqa: E402

from ..small_humaniser import CONFIG, FEELS, checkpoint, humaniser  # noqa: E402


def network(config: HumaniserConfig = CONFIG) -> Network:
    """The same in torch."""
    built = Network(config)
    built.load_state_dict({name: torch.from_numpy(w) for name, w in checkpoint(config).weights.items()})
    return built


def rows(n: int = 70, seed: int = 0, first: int = 40) -> DrumRows:
    rng = np.random.default_rng(seed)
    step = np.sort(rng.integers(first, first + 48, n))
    draw = [rng.integers(low, high, n) for low, high in ((-1, 2), (0, 9), (0, 23))]
    return DrumRows(step, draw[0], step % 16, draw[1], draw[2], rng.uniform(60, 180, n))


def in_torch(
    built: Network, seen: DrumRows, tags: list[float], seed_number: int | None
) -> tuple[np.ndarray, np.ndarray]:
    batch = DrumBatch.of([seen], torch.tensor([tags]))
    noise = None
    if seed_number is not None:
        steps = int(seen.step.min()) + np.arange(int(batch.steps))
        note = ((seen.step * 4 + seen.lean + 1) * 9 + seen.drum) * 23 + seen.stroke
        numbers = (np.array([0]), steps * 4 + 1, note * 4 + 2)
        size = built.config.noise
        window, step, each = (torch.from_numpy(normal(seed_number, k, size)) for k in numbers)
        noise = Noise(window, step[None], each)
    with torch.no_grad():
        moment, velocity = built(batch, noise)
    return moment.numpy(), velocity.numpy()


@pytest.mark.parametrize("seed_number", [None, 0, 7])
@pytest.mark.parametrize("feel", [None, "drummer1", "jazz"])
def test_numpy_equals_torch(seed_number: int | None, feel: str | None) -> None:
    built, seen = network(), rows()
    tags = [float(f == feel) for f in FEELS]
    wanted = in_torch(built, seen, tags, seed_number)
    found = humaniser().perform(seen, feel, seed_number)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4)
    assert wanted[0].std() > 1 and wanted[1].std() > 1, "the network answers each note alike: the test says nothing"


def test_without_tags_and_without_notes() -> None:
    bare = replace(CONFIG, tags=0)
    built = network(bare)
    found = Humaniser(checkpoint(bare)).perform(rows(), None, 3)
    np.testing.assert_allclose(found[0], in_torch(built, rows(), [], 3)[0], atol=1e-4, rtol=1e-4)
    assert [len(x) for x in Humaniser(checkpoint(bare)).perform(rows(0))] == [0, 0]


def test_chance_feel_and_the_lack_of_both_matter() -> None:
    player, seen = humaniser(), rows()
    takes = [
        player.perform(seen, feel, number)[0]
        for feel, number in ((None, None), (None, 1), (None, 2), ("funk", 1), ("funk", None))
    ]
    assert all(np.abs(a - b).max() > 0.5 for i, a in enumerate(takes) for b in takes[:i])
    assert np.array_equal(player.perform(seen, "funk", 1)[0], takes[3])


def test_what_is_far_away_does_not_change_the_noise_of_a_note() -> None:
    """A jam and a file see different pieces of the music: what differs is what they see, not what chance says."""
    keys = np.arange(1000)
    assert np.array_equal(normal(5, keys, 7)[300:400], normal(5, keys[300:400], 7))
    numbers = normal(5, keys, 16)
    assert abs(numbers.mean()) < 0.02 and abs(numbers.std() - 1) < 0.02
    for other in (normal(6, keys, 16), normal(5, keys + 1000, 16), numbers[:, ::-1], np.roll(numbers, 1, axis=0)):
        assert abs(float((numbers * other).mean())) < 0.02


def test_the_limits_of_the_answers() -> None:
    moments, velocities = humaniser().perform(rows(), None, 4)
    assert (np.abs(moments) <= rows().half_step).all()
    assert ((velocities > 0) & (velocities < 127.5)).all()


def test_unknown_feels_and_other_checkpoints_are_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"no feel 'polka'; this humaniser knows drummer1, funk, jazz\.$"):
        humaniser().perform(rows(), "polka")
    with pytest.raises(CheckpointError, match="humaniser"):
        Humaniser(Checkpoint(BaselineConfig(), {}))
    with pytest.raises(CheckpointError, match="lacks the weights"):
        Humaniser(Checkpoint(CONFIG, {}))

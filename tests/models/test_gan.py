"""The bar GAN's networks: their form, what is pasted, who sees whom, where gradients go, and the player's copy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from musegen.checkpoint import Checkpoint
from musegen.engine.gan import GanNetwork
from musegen.errors import CheckpointError, SettingsError
from musegen.events.roll import HOLD, ONSET, SILENT, Cells
from musegen.models.config import GanConfig, config_from_dict
from musegen.models.gan import form
from musegen.models.gan.discriminator import Discriminator
from musegen.models.gan.generator import Generator
from musegen.models.gan.layers import binary

CONFIG = GanConfig(tracks=3, latent=4, width=6, layers=2)
FINE = dataclasses.replace(CONFIG, grain=1, steps=8, pitches=24)
TRIPLETS = dataclasses.replace(CONFIG, grain=2)


def phrases(n: int, config: GanConfig, seed: int = 0) -> Cells:
    """Rolls of random notes of 1 to 20 steps."""
    rng = np.random.default_rng(seed)
    lanes = np.full((n, config.tracks, config.pitches, config.bars * config.bar), SILENT, np.uint8)
    for lane in lanes.reshape(-1, lanes.shape[-1]):
        for start in np.sort(rng.integers(len(lane), size=rng.integers(4))):
            lane[start : start + rng.integers(1, 20)] = HOLD
            lane[start] = ONSET
    return lanes.swapaxes(2, 3).reshape(n, config.tracks, config.bars, config.bar, config.pitches)


def generator(config: GanConfig, seed: int = 0) -> Generator:
    """With biases such that about a sixth of the cells sound, and a flow that moves latents."""
    torch.manual_seed(seed)
    made = Generator(config)
    torch.nn.init.normal_(made.lean, -1, 0.3)
    for layer in made.flow.layers:
        torch.nn.init.normal_(layer.last.weight, std=0.2)
    return made


def placed(config: GanConfig) -> Generator:
    """With a mixture that was fitted to some latents."""
    made, rng = generator(config), np.random.default_rng(5)
    points = rng.normal(size=(200, config.noise)).astype(np.float32) * 2
    made.mixture.fit(points, np.full_like(points, 0.5), 0)
    return made


def noise(n: int, config: GanConfig, seed: int = 1) -> torch.Tensor:
    return torch.randn(n, config.noise, generator=torch.Generator().manual_seed(seed))


def inputs(n: int, config: GanConfig, known: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Real beats, and a mask that knows a share of the bars."""
    rng = np.random.default_rng(3)
    mask = (rng.random((n, config.tracks, config.bars)) < known).astype(np.float32)
    return torch.from_numpy(form.to_beats(phrases(n, config), config)), torch.from_numpy(mask)


@pytest.mark.parametrize("neurons", ["deterministic", "stochastic"])
def test_phrases_are_binary_and_begin_only_what_sounds(neurons: str) -> None:
    config = dataclasses.replace(CONFIG, neurons=neurons)
    made = generator(config)(noise(3, config), *inputs(3, config))
    assert made.shape == (3, 3, 16, 672)
    assert set(made.unique().tolist()) == {0.0, 1.0}
    sounding, begins = made.chunk(2, -1)
    assert (begins <= sounding).all()
    assert begins.sum() > 0


def test_stochastic_neurons_differ_and_deterministic_do_not() -> None:
    def twice(neurons: str) -> bool:
        config = dataclasses.replace(CONFIG, neurons=neurons)
        network = generator(config)
        return bool(
            (network(noise(1, config), *inputs(1, config)) == network(noise(1, config), *inputs(1, config))).all()
        )

    assert twice("deterministic")
    assert not twice("stochastic")


def test_a_stochastic_neuron_fires_with_its_chance() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([-2.0, 0.0, 1.5, 40.0]).repeat(20000, 1)
    share = binary(logits, torch.rand_like(logits)).mean(0)
    expected = torch.sigmoid(logits[0])
    expected[2:] *= expected[:2]  # the second half needs the first
    assert torch.allclose(share, expected, atol=0.015)


def test_the_gradient_through_a_neuron_is_the_slope_of_its_chance() -> None:
    logits = torch.tensor([-2.0, 0.5, 1.5, -0.3], requires_grad=True)
    (binary(logits) * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    chance = torch.sigmoid(logits.detach())
    slope = chance * (1 - chance) * torch.tensor([1.0, 2.0, 0.0, 4.0])  # the third's note does not sound
    assert logits.grad is not None and torch.allclose(logits.grad, slope)


def test_gradients_reach_every_latent_and_every_weight() -> None:
    torch.manual_seed(0)
    network, critic = generator(CONFIG), Discriminator(CONFIG)
    z, (given, mask) = noise(4, CONFIG).requires_grad_(), inputs(4, CONFIG, 0.3)
    mean, spread = network.encode(given)
    (critic(network(z, given, mask), mask).sum() + (mean * spread).sum()).backward()
    assert z.grad is not None and (z.grad.abs().sum(0) > 0).all()
    for name, weight in [*network.named_parameters(), *critic.named_parameters()]:
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_a_bars_latent_moves_its_bar_most() -> None:
    network, z, known = generator(CONFIG), noise(1, CONFIG), inputs(1, CONFIG)
    other = z.clone()
    other[:, 3 * CONFIG.latent : 4 * CONFIG.latent] += 3  # of bar 2, counted from 0
    moved = (network.logits(other, *known) - network.logits(z, *known)).abs().view(1, 3, 4, -1).mean((0, 1, 3))
    assert moved.argmax() == 2


def test_what_is_known_is_pasted() -> None:
    given, mask = inputs(4, CONFIG, 0.5)
    made = generator(CONFIG)(noise(4, CONFIG), given, mask)
    bars = mask.bool()
    assert (made.view(4, 3, 4, -1)[bars] == given.view(4, 3, 4, -1)[bars]).all()
    assert (made.view(4, 3, 4, -1)[~bars] != given.view(4, 3, 4, -1)[~bars]).any()


def test_what_is_not_known_is_not_seen() -> None:
    given, mask = inputs(2, CONFIG, 0.5)
    network, hidden = generator(CONFIG), given.clone()
    hidden.view(2, 3, 4, -1)[~mask.bool()] = 1
    assert (network(noise(2, CONFIG), given, mask) == network(noise(2, CONFIG), hidden, mask)).all()


def test_what_is_known_changes_the_rest() -> None:
    given, mask = inputs(1, CONFIG)
    mask[:, 0] = 1
    network, z = generator(CONFIG), noise(1, CONFIG)
    assert (network.logits(z, given, mask) - network.logits(z, given * 0, mask))[:, 1:].abs().max() > 1e-3


def test_chords_are_shares_of_what_tuned_tracks_play() -> None:
    cells = np.full((1, 3, 4, CONFIG.bar, CONFIG.pitches), SILENT, np.uint8)
    beat = CONFIG.steps
    cells[0, 0, 0, :, 40 - CONFIG.low] = HOLD  # drums do not count
    cells[0, 1, 0, :beat, 60 - CONFIG.low] = HOLD  # a beat of C
    cells[0, 2, 0, :beat, 76 - CONFIG.low] = HOLD  # and of E
    cells[0, 1, 1, :beat, 67 - CONFIG.low] = HOLD  # a beat of G
    patches = form.to_beats(cells, CONFIG)
    n = CONFIG.steps // CONFIG.grain  # numbers in a beat of one note
    here, before, whole = form.chords(patches, CONFIG)
    assert here.shape == (1, 16, 12) and whole.shape == (1, 1, 12)
    assert (before[:, 8:] == here[:, :8]).all() and not before[:, :8].any()
    first = np.full(12, -2 * n / 12 / (2 * n + 1))
    first[[0, 4]] += n / (2 * n + 1)
    assert here[0, 0] == pytest.approx(first, abs=1e-6)
    assert not here[0, 1:4].any() and here[0, 4].argmax() == 7
    assert sorted(whole[0, 0].argsort()[-3:]) == [0, 4, 7]
    same = form.chords(torch.from_numpy(patches), CONFIG)
    assert all(np.allclose(a, b) for a, b in zip(same, (here, before, whole), strict=True))


def test_an_untrained_generator_leans_to_the_chords_that_are_known() -> None:
    """Given a C major chord in one track, the other tuned tracks play more of its notes; drums do as they did."""
    cells = np.full((64, 5, 4, GanConfig().bar, 84), SILENT, np.uint8)
    for pitch in (48, 52, 55):
        cells[:, 4, :, :, pitch - 24] = HOLD
    config, given = GanConfig(), torch.from_numpy(form.to_beats(cells, GanConfig()))
    torch.manual_seed(0)
    network, z = Generator(config), noise(64, config)
    torch.nn.init.normal_(network.blend.bias)
    torch.nn.init.constant_(network.lean, -1)
    mask = torch.zeros(64, 5, 4)
    shares = []
    for known in (0, 1):
        mask[:, 4] = known
        made = network(z, given, mask).detach()[:, 1:4, ..., : form.numbers(config) // 2]
        classes = made.reshape(-1, 12).sum(0)
        shares.append(float(classes[[0, 4, 7]].sum() / classes.sum()))
    assert shares[0] < 0.35 and shares[1] > shares[0] + 0.2
    before = network.chords.detach()[0]
    assert not before.any()


def test_private_layers_are_private() -> None:
    network, z, known = generator(CONFIG), noise(1, CONFIG), inputs(1, CONFIG)
    before = network.logits(z, *known).detach()
    with torch.no_grad():
        network.out.bias[1] += 1
        network.blend.weight.view(3, -1, network.blend.weight.shape[1])[1] += 1
    changed = (network.logits(z, *known) != before).flatten(2).any(2)[0]
    assert changed.tolist() == [False, True, False]


def test_it_begins_with_what_music_is_made_of() -> None:
    """Each track's beats, and how often it plays what: a beat that it hears comes back through its basis."""
    real = form.to_beats(phrases(60, CONFIG), CONFIG)
    network = Generator(CONFIG)
    before = network.lean.detach().clone()
    network.begin_with(real)
    sounds = torch.sigmoid(network.lean.detach())[..., :336].mean((1, 2)).numpy()
    assert np.allclose(sounds, real[..., :336].mean((0, 2, 3)), rtol=0.05) and not torch.equal(before, network.lean)
    rows = real[:, 1].reshape(-1, real.shape[-1])
    spread = np.cov(rows[rows.any(1)].T)
    basis = network.out.weight.detach().view(3, real.shape[-1], -1)[1].numpy()
    kept = np.linalg.eigvalsh(spread)[-basis.shape[1] :].sum()
    assert (basis**2).sum() == pytest.approx(16 * kept, rel=0.01), "the largest components"


def test_a_balanced_generator_is_as_dense_as_music() -> None:
    real = form.to_beats(phrases(40, CONFIG), CONFIG)
    network, z, nothing = generator(CONFIG), noise(64, CONFIG), (torch.zeros(64, 3, 16, 672), torch.zeros(64, 3, 4))
    share = torch.from_numpy(real.reshape(40, 3, -1, 2, 336).mean((0, 2, 4)))
    before = network(z, *nothing).detach().view(64, 3, 16, 2, 336).mean((0, 2, 4))
    network.balance(network.logits(z, *nothing).detach(), share)
    after = network(z, *nothing).detach().view(64, 3, 16, 2, 336).mean((0, 2, 4))
    assert torch.allclose(after, share, rtol=0.02) and not torch.allclose(before, share, rtol=0.5)


def test_from_nothing_the_mixture_draws_and_beside_music_the_flow() -> None:
    network, z = placed(CONFIG), noise(2, CONFIG)
    given, mask = inputs(2, CONFIG)
    mask[1, 0] = 1
    given = given * network.spread(mask)
    drawn = network.logits(z, given, mask)
    network.mixture.mean += 1
    moved = network.logits(z, given, mask) - drawn
    assert moved[0].abs().max() > 1e-3 and not moved[1].any()


def test_the_discriminator_notices_one_note_and_a_batch_all_alike() -> None:
    torch.manual_seed(0)
    critic = Discriminator(CONFIG).eval()  # in training, spectral norms change with every call
    given, mask = inputs(4, CONFIG)
    other = given.clone()
    other[0, 1, 5, 40] = 1 - other[0, 1, 5, 40]
    assert critic(given, mask).shape == (4,)
    assert (critic(given, mask) - critic(other, mask))[0].abs() > 0
    alone = critic(given[:1].expand(4, -1, -1, -1), mask[:1].expand(4, -1, -1))
    assert (alone[0] - critic(given, mask)[0]).abs() > 1e-5  # the first phrase is the same, those beside it are not


@pytest.mark.parametrize("spectral", [True, False])
def test_spectral_norm_is_an_option(spectral: bool) -> None:
    torch.manual_seed(0)
    critic = Discriminator(dataclasses.replace(CONFIG, spectral=spectral))
    with torch.no_grad():
        critic.listen.bar.weight.mul_(1)  # reading it is what normalises
        for _ in range(50):
            critic(*inputs(2, CONFIG))
        norm = float(torch.linalg.matrix_norm(critic.listen.bar.weight, 2))
    assert (abs(norm - 1) < 1e-2) == spectral


@pytest.mark.parametrize("config", [CONFIG, FINE, dataclasses.replace(CONFIG, tracks=1)])
@pytest.mark.parametrize("known", [0.0, 0.4])
def test_the_players_copy_is_the_same(config: GanConfig, known: float) -> None:
    network, n = placed(config), 3
    player = GanNetwork(Checkpoint(config, {k: v.numpy() for k, v in network.state_dict().items()}))
    z, cells = noise(n, config), phrases(n, config)
    _, mask = inputs(n, config, known)
    mask[0, 0] = known > 0
    heard = np.where(mask.numpy()[..., None, None] > 0, cells, 0).astype(np.uint8)
    home = form.semitones_home(heard, mask.numpy(), form.home_from(z.numpy()), config)
    assert home.any()
    given = torch.from_numpy(form.to_beats(form.moved(heard, home, config), config)) * network.spread(mask)
    with torch.no_grad():
        logits = network.logits(z, given, mask).numpy()
        fitting = player._fitting(z.numpy(), given.numpy(), mask.numpy())
        whole = mask.numpy().all(2).any(1)
        assert (np.isnan(fitting).all(1) == whole).all()
        flow = network.flow(z, network.hear(given, mask).context).numpy()
        latents = torch.from_numpy(np.where(whole[:, None], flow, fitting))
        made = binary(network.decode(latents, network.hear(given, mask))).numpy()
        assert np.allclose(network.mixture(z).numpy(), fitting, atol=1e-5) == (known == 0)
    assert np.abs(player.logits(z.numpy(), given.numpy(), mask.numpy()) - logits).max() < 1e-4
    drawn = player.phrases(z.numpy(), cells, mask.numpy())
    np.testing.assert_array_equal(drawn, form.complete(made, cells, mask.numpy(), config, home))
    where = mask.numpy() > 0
    np.testing.assert_array_equal(drawn[where], cells[where])
    assert (drawn[~where] == ONSET).any()


def test_what_is_known_says_which_component_it_is_of() -> None:
    """Bayes' rule: two bars that a component's mean plays are explained by that component, whatever the noise."""
    config = dataclasses.replace(CONFIG, latent=8, width=32)
    network = placed(config)
    torch.nn.init.normal_(network.blend.weight, std=2.0)
    torch.nn.init.normal_(network.phrase.weight, std=2.0)
    player = GanNetwork(Checkpoint(config, {k: v.numpy() for k, v in network.state_dict().items()}))
    means = network.mixture.mean[:40:5]
    nothing, mask = torch.zeros(8, 3, 16, 672), torch.zeros(8, 3, 4)
    played = binary(network.decode(means, network.hear(nothing, mask))).detach()
    mask[:, :, :2] = 1
    fitting = player._fitting(
        np.zeros((8, config.noise), np.float32), (played * network.spread(mask)).numpy(), mask.numpy()
    )
    found = np.isclose(fitting, means.numpy(), atol=1e-4).all(1)
    assert found.sum() >= 6, "of 8: now and then another explains what it plays as well"


def test_a_player_answers_in_the_key_that_it_is_given() -> None:
    """Moved home, what is known moves what is played along, and no drum."""
    network, cells = generator(CONFIG), phrases(2, CONFIG)
    player = GanNetwork(Checkpoint(CONFIG, {k: v.numpy() for k, v in network.state_dict().items()}))
    mask, z = np.zeros((2, 3, 4)), noise(2, CONFIG).numpy()
    mask[:, 1] = 1
    home = form.semitones_home(cells, mask, 0, CONFIG)
    assert home.all()
    one, other = player.phrases(z, cells, mask), player.phrases(z, form.moved(cells, home, CONFIG), mask)
    np.testing.assert_array_equal(other[:, 0], one[:, 0])
    np.testing.assert_array_equal(form.moved(one, home, CONFIG)[:, 2, ..., 24:-12], other[:, 2, ..., 24:-12])
    assert not np.array_equal(one[:, 2], other[:, 2])


def test_no_hold_that_was_made_follows_silence() -> None:
    network, cells = generator(CONFIG), phrases(2, CONFIG)
    player = GanNetwork(Checkpoint(CONFIG, {k: v.numpy() for k, v in network.state_dict().items()}))
    made = player.phrases(noise(2, CONFIG).numpy(), cells, np.zeros((2, 3, 4)))
    line = made.reshape(2, 3, -1, 84)
    assert not ((line[:, :, 1:] == HOLD) & (line[:, :, :-1] == SILENT)).any()
    assert not (line[:, :, 0] == HOLD).any()


def test_the_players_stochastic_neurons_obey_their_generator() -> None:
    config = dataclasses.replace(CONFIG, neurons="stochastic")
    player = GanNetwork(Checkpoint(config, {k: v.numpy() for k, v in generator(config).state_dict().items()}))
    z, cells, mask = noise(1, config).numpy(), phrases(1, config), np.zeros((1, 3, 4))

    def drawn(seed: int | None) -> Cells:
        return player.phrases(z, cells, mask, None if seed is None else np.random.default_rng(seed))

    assert (drawn(1) == drawn(1)).all() and (drawn(None) == drawn(None)).all()
    assert (drawn(1) != drawn(2)).any()


def test_masks_of_every_kind_are_drawn() -> None:
    masks = form.draw_masks(4000, GanConfig(), np.random.default_rng(0))
    tracks, bars = masks.all(2).sum(1), masks.all(1)
    assert abs((masks.sum((1, 2)) == 0).mean() - 0.5) < 0.05
    assert (tracks == 1).any() and (tracks == 4).any()
    assert (bars == [True, True, False, False]).all(1).any()
    going_on = masks.any(2).all(1) & (tracks > 0) & bars[:, 0] & ~bars[:, 3]
    assert (tracks[going_on] == 1).any() and (tracks[going_on] == 4).any(), "as when an accompaniment goes on"
    assert not masks.all((1, 2)).any()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"neurons": "spiking"}, "Unknown neurons 'spiking'; choose one of deterministic, stochastic"),
        ({"latent": 0}, "latent is 0; it must be at least 1"),
        ({"latent": 5}, "latent is 5; it must be even"),
        ({"steps": 8}, "multiples of 6 and 12"),
        ({"pitches": 80}, "multiples of 6 and 12"),
    ],
)
def test_errors_of_settings(values: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        GanConfig(**values)  # type: ignore[arg-type]
    assert said in str(caught.value)
    with pytest.raises(CheckpointError) as caught_too:
        config_from_dict({"family": "gan", **values})
    assert said in str(caught_too.value)


def test_settings_of_another_family() -> None:
    assert config_from_dict({"family": "gan", "tracks": 1}) == GanConfig(tracks=1)
    with pytest.raises(CheckpointError, match="Unknown model setting 'heads'; the known ones are family, tracks"):
        config_from_dict({"family": "gan", "heads": 2})
    with pytest.raises(CheckpointError, match="of the family transformer; this needs a gan"):
        GanNetwork(Checkpoint(config_from_dict({"family": "transformer"}), {}))

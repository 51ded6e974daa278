"""Models of whole bars play on from a seed: ordinary notes, by the seed's players, within the limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from musegen.checkpoint import Checkpoint
from musegen.cli.main import main
from musegen.engine.bars import BarMaker, Wanted, load
from musegen.errors import CheckpointError, SettingsError
from musegen.events.roll import HOLD, ONSET, SILENT, Cells
from musegen.midi import read_music, write_music
from musegen.models.config import RollConfig
from musegen.models.images import Image
from musegen.models.pixelcnn import PixelCNN
from musegen.piece import DRUMS, Meter, Note, Piece
from musegen.sampling.batch import generate
from musegen.sampling.plan import Limits, Plan
from musegen.sampling.sampler import SamplerSettings

from ..small_corpus import tune

CONFIG = RollConfig(width=8, layers=2, low=30, pitches=60, dropout=0.0)
VOICES = replace(CONFIG, states=2, tracks=2, one_note=True)


def maker_of(folder: Path, config: RollConfig = CONFIG) -> Path:
    """A checkpoint of fresh weights, which play a few notes anywhere and like to hold them."""
    torch.manual_seed(0)
    model = PixelCNN(config)
    if config.states > HOLD:
        for head in model.heads:
            with torch.no_grad():
                head.out.bias[HOLD] += 4.0
    weights = {k: v.numpy() for k, v in model.state_dict().items()}
    Checkpoint(config, weights).save(folder)
    return folder


def notes_of(maker: object, plan: Plan, n: int = 2, bars: int = 1) -> list[Piece]:
    assert isinstance(maker, BarMaker)
    return list(generate(maker, plan, n, bars))


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> BarMaker:
    found = load(maker_of(tmp_path_factory.mktemp("maker")))
    assert isinstance(found, BarMaker)
    return found


def test_limits_hold(maker: BarMaker) -> None:
    limits = Limits(key="D dorian", low=50, high=70, voices=1, grid=12, note_bars=0.125)
    free, held = (notes_of(maker, Plan(tune(3, 2), limits=x)) for x in (Limits(voices=0), limits))
    for piece in held:
        notes = piece.notes
        assert len(notes) and set(notes["pitch"] % 12) <= {0, 2, 4, 5, 7, 9, 11}
        assert notes["pitch"].min() >= 50 and notes["pitch"].max() <= 70
        assert not (notes["onset"] % 12).any() and notes["duration"].max() <= 12
        sounding = [((notes["onset"] <= t) & (t < notes["onset"] + notes["duration"])).sum() for t in range(96)]
        assert max(sounding) == 1
    loose = np.concatenate([p.notes for p in free])
    assert loose["pitch"].max() > 70 and (loose["onset"] % 12).any() and loose["duration"].max() > 12


def test_equal_plans_give_equal_music_and_each_number_its_own(maker: BarMaker) -> None:
    plan = Plan(tune(3, 2))
    two, three = notes_of(maker, plan), notes_of(maker, plan, n=3)
    assert two == three[:2] and two[0] != two[1]
    assert notes_of(maker, replace(plan, seed_number=1)) != two
    cold = replace(plan, settings=SamplerSettings(temperature=0))
    assert notes_of(maker, cold, 1) == notes_of(maker, replace(cold, seed_number=1), 1), "0 takes the likeliest"


def test_the_seed_lies_above(maker: BarMaker) -> None:
    seen: list[Image] = []

    class Listening:
        config, styles = maker.config, maker.styles
        nats = maker.nats

        obeys, hears, at_once, bar = maker.obeys, maker.hears, 1, 0

        def draw(self, wanted: Wanted) -> Cells:
            steps = len(wanted.place)
            seen.append(wanted.above._replace(notes=steps))
            wanted.tell(steps)
            cells = np.zeros((len(wanted.generators), steps, 60, 1), np.uint8)
            cells[:, 0, 30], cells[:, 1, 30], cells[:, 4, 30] = ONSET, HOLD, ONSET
            return cells

    seed = Piece.from_notes([(0, 24, 60), (66, 6, 62)], meters=(Meter(0, 3, 4),))
    (piece,) = notes_of(Listening(), Plan(seed), 1, 2)
    assert [(n.onset, n.duration, n.pitch) for n in piece] == [(0, 12, 60), (24, 6, 60)]
    cells, place, steps = seen[0]
    assert steps == 24 and cells.shape == (12, 60, 1) and place.tolist() == [[t, 12 - t] for t in range(12)]
    assert cells[:, 30, 0].tolist() == [ONSET, HOLD, HOLD, HOLD, *[SILENT] * 8] and cells[11, 32, 0] == ONSET


def test_the_seeds_own_players_play(maker: BarMaker, tmp_path: Path) -> None:
    seed = tune(3, 2)
    anyhow = Limits(voices=0)
    drums = np.array([(0, 6, 38, 90, DRUMS, 2)], seed.notes.dtype)
    piece = notes_of(maker, Plan(replace(seed, notes=np.concatenate([seed.notes, drums])), limits=anyhow))[0]
    by = {int(p): piece.notes[piece.notes["part"] == p] for p in set(piece.notes["part"].tolist())}
    assert set(by) == {0, 1} and set(by[0]["program"]) == {0} and set(by[1]["program"]) == {32}
    assert by[0]["pitch"].mean() > by[1]["pitch"].mean() + 6
    assert set(by[0]["velocity"]) == {82}
    other = notes_of(maker, Plan(seed, limits=Limits(programs=(40,))))[0]
    assert set(other.notes["program"]) == {40}
    voices = load(maker_of(tmp_path / "voices", VOICES))
    for part in (0, 1):
        notes = notes_of(voices, Plan(seed, limits=anyhow))[0].notes
        own = notes[notes["part"] == part]
        assert len(own) and (own["onset"][1:] >= (own["onset"] + own["duration"])[:-1]).all(), "a voice is one note"


def test_nats_of_a_piece_are_of_its_roll(maker: BarMaker) -> None:
    piece = tune(3, 2)
    nats = maker.nats(piece)
    assert nats.steps.shape == (32,) and nats.notes == len(piece) and nats.per_note * len(piece) > 0
    doubled = replace(piece, notes=np.concatenate([piece.notes, piece.notes]))
    np.testing.assert_allclose(maker.nats(doubled).steps, nats.steps)


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Plan(Piece.from_notes([(0, 6, 38, 90, DRUMS)])), "tuned notes only"),
        (Plan(tune(3, 2), limits=Limits(programs=(DRUMS,))), "tuned notes only"),
        (Plan(tune(3, 2), limits=Limits(low=100, high=110)), "plays 30-89"),
        (Plan(tune(3, 2), style="jazz"), "has no style"),
        (Plan(Piece.from_notes([(0, 3, 60)], meters=(Meter(0, 1, 32),))), "do not fit"),
    ],
)
def test_what_it_cannot_play_is_said(maker: BarMaker, plan: Plan, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        notes_of(maker, plan)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, seed = maker_of(tmp_path / "maker"), tmp_path / "seed.mid"
    write_music(tune(100, 2), seed)
    command = ["generate", "--seed", str(seed), "-n", "2", "--bars", "1", "--checkpoint", str(folder), "--with-seed"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert len(read_music(tmp_path / "out" / "seed-1.mid")) > len(tune(100, 2))
    jam = ["jam", "--fast", "--record", str(tmp_path / "jam"), "--checkpoint", str(folder), "--seed", str(seed)]
    assert main([*jam, "--bars", "2", "--mode", "solo", "--no-wav", "--temperature", "1.1"]) == 0
    (recording,) = (tmp_path / "jam").glob("*.mid")
    assert len(read_music(recording))
    capsys.readouterr()
    assert main(["infill", str(seed), "--bars", "1", "--checkpoint", str(folder)]) == 1
    error = capsys.readouterr().err
    assert "note by note" in error and len(error.strip().splitlines()) == 1


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = PixelCNN(CONFIG)
    weights = {k: v.numpy() for k, v in model.state_dict().items()}
    Checkpoint(replace(CONFIG, width=9), weights).save(tmp_path)
    with pytest.raises(CheckpointError, match="do not fit"):
        load(tmp_path)


def test_the_drawn_notes_are_ordinary(maker: BarMaker) -> None:
    for piece in notes_of(maker, Plan(tune(3, 2)), bars=2):
        assert isinstance(next(iter(piece)), Note) and piece.end <= 192
        assert len(piece) and (piece.notes["duration"] >= 6).all()

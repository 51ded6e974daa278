"""A small real gan for tests: fresh weights, which play about as many notes as written tunes have, and hear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from musegen.checkpoint import Checkpoint
from musegen.events.roll import Grid, from_piece
from musegen.events.tracks import by_track
from musegen.models.config import GanConfig
from musegen.models.gan import form
from musegen.models.gan.generator import Generator
from musegen.piece import DRUMS, Piece

from .small_corpus import tune


def small_gan(folder: Path, tracks: int = 5) -> Path:
    """Its checkpoint in `folder`. It plays low and high, over five tracks or one."""
    config = GanConfig(tracks=tracks, latent=8, width=8, layers=1)
    torch.manual_seed(0)
    model = Generator(config)
    with torch.no_grad():
        model.phrase.weight.mul_(6)  # noise is heard
        model.bars.weight.mul_(6)
    beats = form.to_beats(np.stack([_phrase(band(seed), config) for seed in range(4)]), config)
    model.begin_with(beats)
    share = torch.from_numpy(beats.reshape(4, tracks, -1, form.CHANNELS, beats.shape[3] // 2).mean((0, 2, 4)))
    nothing = torch.zeros(64, *beats.shape[1:]), torch.zeros(64, tracks, config.bars)
    model.balance(model.logits(torch.randn(64, config.noise), *nothing), share)
    Checkpoint(config, {k: v.numpy() for k, v in model.state_dict().items()}).save(folder)
    return folder


def band(seed: int, bars: int = 4) -> Piece:
    """A tune and its bass, with chords of guitar and strings and a drum on each beat."""
    rest = [(beat * 24, 12, 36 + 2 * (beat % 2), 90, DRUMS, 2) for beat in range(4 * bars)]
    rest += [(bar * 96, 90, pitch, 60, program, 3) for bar in range(bars) for pitch in (55, 64) for program in (25, 48)]
    return Piece.from_notes([*tune(seed, bars), *rest])


def _phrase(piece: Piece, config: GanConfig) -> np.ndarray:
    steps = config.bars * config.bar
    roll = by_track(from_piece(piece, Grid(config.steps, config.low, config.pitches), steps), config.tracks)
    return roll.cells[:, :steps].reshape(config.tracks, config.bars, config.bar, config.pitches)

"""A small humaniser with random weights, large enough that every note is moved and has a velocity of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musegen.checkpoint import Checkpoint
from musegen.engine.humaniser import LOUDEST, MOMENT, Humaniser
from musegen.events.drums import DrumRows
from musegen.models.config import HumaniserConfig

FEELS = ("drummer1", "funk", "jazz")
CONFIG = HumaniserConfig(width=24, layers=3, noise=5, tags=len(FEELS))


def shapes(config: HumaniserConfig) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight."""
    w, z = config.width, config.noise
    tables = {f"notes.{name}.weight": (n, w) for name, n in (("drum", 9), ("stroke", 23), ("lean", 3), ("place", 16))}
    wide = {f"around.layers.{i}": (w, w, 5) for i in range(config.layers)}
    both = {"notes.tempo": (w, 1), "hidden": (w, 3 * w), "guess": (2, w), "from_hidden": (w, w), "mixed": (w, w)}
    both |= {"moved": (2, w), **wide}
    out = tables | {f"{name}.weight": shape for name, shape in both.items()}
    out |= {f"{name}.bias": shape[:1] for name, shape in both.items()}
    out |= {"noise_window.weight": (w, z), "noise_step.weight": (w, z, 5), "noise_note.weight": (w, z)}
    return out | ({"notes.tag.weight": (w, config.tags)} if config.tags else {})


def checkpoint(config: HumaniserConfig = CONFIG, seed: int = 1, spread: float = 0.6) -> Checkpoint:
    """Normal weights, such that moments have the mean 0 and `spread` times 25 ms about it, and velocities 64 and 25."""
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(0, 0.25, shape).astype(np.float32) for name, shape in shapes(config).items()}
    last = ("guess.weight", "guess.bias", "moved.weight", "moved.bias")
    weights["noise_window.weight"] *= 0.2  # so that notes differ more from each other than takes do
    weights["hidden.weight"][:, 2 * config.width :] *= 0.2
    weights["noise_note.weight"] *= 4
    for name in last:
        weights[name] *= 0.01  # where moments and velocities are in proportion to what they come from
    step = np.arange(128)
    drum = np.where(step % 4 == 0, step // 4 % 2, 2)
    rows = DrumRows(step, 0 * step, step % 16, drum, np.array([0, 1, 4])[drum], np.full(128, 120.0))
    moments, velocities = Humaniser(Checkpoint(config, weights)).perform(rows, None, 0)
    answers = np.stack([moments / MOMENT, np.log(velocities / (LOUDEST - velocities))])
    scale = np.array([spread, 0.8]) / answers.std(axis=1)
    for name in last:
        weights[name] = (weights[name].T * scale).T.astype(np.float32)
    weights["guess.bias"] -= (answers.mean(axis=1) * scale).astype(np.float32)
    return Checkpoint(config, weights, FEELS[: config.tags])


def humaniser(seed: int = 1, spread: float = 0.6) -> Humaniser:
    """One that plays."""
    return Humaniser(checkpoint(seed=seed, spread=spread))


def folder(path: Path) -> Path:
    """A checkpoint folder at `path`."""
    checkpoint().save(path)
    return path

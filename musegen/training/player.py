"""The player file of a checkpoint: written when it is saved, and only if it plays what the model would.

On real events the float32 graph's contexts must be torch's to 1e-3, and the 8-bit graph must be next to it: in the
distributions of all notes (KL ≤ 1e-3 nats a note) and in nats a note (0.5 %). A network that 8 bits would change more
gets a player in float32.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..atomic import write_atomically
from ..checkpoint import PLAYER, Checkpoint, find, load
from ..corpus.windows import Lesson, with_tag
from ..engine.base import Engine
from ..errors import CheckpointError, MissingPackageError
from ..events import attributes as at
from ..events.codec import EventCodec
from ..events.derived import ModelRows, derive
from ..models.base import SequenceModel, build, load_weights
from ..models.config import ModelConfig
from ..shipped import seeds_folder

CONTEXTS, KL, NATS = 1e-3, 1e-3, 5e-3  # the most that contexts may differ, distributions a note, nats a note (share)
CHECKED_ROWS = 512  # of real events


class Difference(NamedTuple):
    """How far one player is from another, on the same notes."""

    kl: float  # nats a note, of the reference from the other
    nats: float  # of nats a note, as a share of the reference's


def require() -> None:
    """Raises MissingPackageError where no player can be written: before a long training rather than after it."""
    for package in ("onnx", "onnxruntime"):
        if find_spec(package) is None:
            raise MissingPackageError(package, "Writing a checkpoint's player", "train")


def export(checkpoint: Checkpoint, pieces: Sequence[ModelRows], model: SequenceModel | None = None) -> bytes:
    """The contents of player.onnx, checked on `pieces` (N, WIDTH) of real events.

    `model` is the checkpoint's network in torch, where it is at hand. Raises CheckpointError if the graph does not
    do what torch does, MissingPackageError without onnx.
    """
    require()
    from ..engine.graphs.build import build as build_graphs
    from ..engine.players import engine_of

    windows = _windows(pieces, checkpoint.shape(ModelConfig).context, len(checkpoint.styles))
    exact = engine_of(checkpoint, build_graphs(checkpoint, 32))
    apart = _apart(exact, (model or _in_torch(checkpoint)).eval(), windows)
    if not apart <= CONTEXTS:
        raise CheckpointError(
            f"The player's contexts would differ from torch's by {apart:.1g} (at most {CONTEXTS:g}): nothing is saved."
        )
    small = build_graphs(checkpoint, 8)
    found = difference(exact, engine_of(checkpoint, small), windows)
    return small if found.kl <= KL and abs(found.nats) <= NATS else build_graphs(checkpoint, 32)


def export_folder(name: str | os.PathLike[str]) -> Path:
    """Write the player of a checkpoint that is there (a folder, or the name of a shipped one), checked on the shipped
    seed phrases. Raises as `export`."""
    folder = find(name)
    checkpoint, path = load(folder), folder / PLAYER
    write_atomically(path, export(checkpoint, seed_phrases()))
    return path


def seed_phrases() -> list[ModelRows]:
    """The shipped seed phrases as model rows."""
    from ..midi.music import read_music

    pieces = [read_music(path) for path in sorted(seeds_folder().glob("*.mid"))]
    return [derive(EventCodec().encode(piece).rows, piece.meters) for piece in pieces]


def difference(reference: Engine, other: Engine, windows: Sequence[ModelRows]) -> Difference:
    """How far `other` is from `reference` on all that is predicted in `windows` (T, WIDTH)."""
    kl, nats, theirs, notes = 0.0, 0.0, 0.0, 0
    for rows in windows:
        target = rows[1:]
        spoken = [(e, e.contexts(rows[None, :-1])[0], e.situation(target)) for e in (reference, other)]
        notes += int(at.is_note(target).sum())
        for i in range(len(at.ATTRIBUTES)):
            some = target[:, at.SHIFT] <= at.END if i == at.SHIFT else at.is_note(target)
            if not some.any():
                continue
            chosen = target[some]
            p, q = (
                _log_softmax(e.logits(i, c[some], chosen, None if i == at.SHIFT else s[some])) for e, c, s in spoken
            )
            kl += float((np.exp(p) * (p - q)).sum())
            each = np.arange(len(chosen)), chosen[:, i]
            nats, theirs = nats - float(p[each].sum()), theirs - float(q[each].sum())
    return Difference(kl / max(1, notes), theirs / nats - 1 if nats else 0.0)


def _apart(engine: Engine, model: SequenceModel, windows: Sequence[ModelRows]) -> float:
    with torch.inference_mode():
        ours = [model(torch.from_numpy(w[None])).float().cpu().numpy() for w in windows]
    return max(
        (float(np.abs(engine.contexts(w[None]) - o).max()) for w, o in zip(windows, ours, strict=True)), default=0
    )


def _windows(pieces: Sequence[ModelRows], context: int, styles: int) -> list[ModelRows]:
    """The beginnings of some pieces, CHECKED_ROWS in all: every other one in one of the checkpoint's styles."""
    windows, left = list[ModelRows](), CHECKED_ROWS
    for number, piece in enumerate(pieces):
        piece = piece[:context]
        if styles and number % 2 == 0:
            known = np.zeros((len(piece), len(at.ATTRIBUTES)), np.bool_)
            piece = with_tag(Lesson(piece, piece, known), number // 2 % styles, begins=True).rows
        window = piece[: min(context, left)]
        if len(window) > 1:
            windows.append(window)
            left -= len(window)
    return windows


def _in_torch(checkpoint: Checkpoint) -> SequenceModel:
    model = build(checkpoint.shape(ModelConfig)).eval()
    load_weights(model, checkpoint)
    return model


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    wide -= wide.max(1, keepdims=True)
    result: np.ndarray = wide - np.log(np.exp(wide).sum(1, keepdims=True))
    return result

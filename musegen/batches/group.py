"""The unit of a batch: a group of consecutive numbers, made by one thread as a pure function of the run and the number.

Equal runs and numbers give equal bytes, in whatever process and whatever else is made beside it: the groups' bounds
depend on the numbers alone, because a product of eight rows with a matrix may differ in its last bit from one of seven.
Knows nothing of folders, pools or what is kept.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path

from .. import checkpoint as checkpoints
from ..engine.bars import BarMaker, load
from ..engine.base import Engine
from ..engine.likelihood import nats_of_pieces
from ..engine.styles import tags_of
from ..errors import CheckpointError
from ..evaluation.density import density_of_roll
from ..events import attributes as at
from ..events.codec import EventCodec
from ..events.derived import derive
from ..models.config import GanConfig
from ..piece import Piece
from ..sampling.batch import GROUP, check, variations
from ..sampling.plan import Plan
from .copies import Hashes, phrases

_ALWAYS = ("config.json", "model.safetensors")
_DECIDING = (*_ALWAYS, "player.onnx")
"""The files of a checkpoint that decide what it plays."""


@dataclass(frozen=True, eq=False)
class Run:
    """What is drawn, whatever the number of pieces: a checkpoint (a folder or a shipped name), a plan, so many bars.

    Data: it can be sent to another process or machine, where `checkpoint` must name the same weights or they be
    `carried`.
    """

    checkpoint: str
    plan: Plan
    bars: int = 8
    with_seed: bool = False
    format: str = "mid"  # or musicxml
    carried: os.PathLike[str] | None = None  # where the checkpoint's files are for who plays, if not there

    def key(self) -> str:
        """16 hex digits that change with anything that changes the files: weights, seed, settings, bars."""
        plan, seed = self.plan, self.plan.seed
        music = [seed.notes.tolist(), seed.tempos, seed.meters, seed.keys, seed.part_names, seed.metadata]
        settings = [astuple(plan.settings), astuple(plan.limits), plan.seed_number, plan.style]
        whole = [digest_of(self.checkpoint), music, settings, self.bars, self.with_seed, self.format]
        return hashlib.sha256(repr(whole).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Made:
    """One piece: its number from 1, the bytes of its file, how many notes are new, and what tells it from others.

    `nats` is −log P a note of what the file holds, at temperature 1, as `musegen score` says it; None for a model
    without a likelihood. `phrases` are the hashes of the short phrases in its new notes (see `copies`).
    """

    number: int
    data: bytes
    notes: int
    nats: float | None
    phrases: Hashes


def make_group(run: Run, group: int, tell: Callable[[int], None] = lambda bars: None) -> list[Made]:
    """The pieces of the `numbers_of` a group; `tell` is called with the bars that all have.

    The checkpoint is read once in a process. Raises SettingsError, CheckpointError.
    """
    place = run.checkpoint if run.carried is None else os.fspath(run.carried)
    plan, numbers, weights = run.plan, numbers_of(group), digest_of(place)
    model = model_of(place, weights, exact=False)
    check(model, plan, len(numbers), run.bars)
    from_0 = range(numbers.start - 1, numbers.stop - 1)
    pieces = list(variations(model, plan, from_0, run.bars, run.with_seed, tell))
    new = [p.between(plan.origin, p.end + 1) if run.with_seed else p for p in pieces]
    judge = model if isinstance(model, BarMaker) else model_of(place, weights, exact=True)
    nats = likelihoods(judge, pieces, plan.style)
    each = zip(numbers, pieces, new, nats, strict=True)
    return [Made(i, music_bytes(p, run.format), len(n), value, phrases(n)) for i, p, n, value in each]


def numbers_of(group: int) -> range:
    """The numbers, from 1, of a group's pieces: always so many, whatever is wanted of them.

    8, 8, 16, and then GROUP each: a step costs little more for many rows than for few, but who asks for eight pieces
    does not wait for thirty-two, and no more than twice what is wanted is drawn.
    """
    starts = (0, 8, 16)
    first, after = (starts[g] if g < len(starts) else GROUP * (g - 2) for g in (group, group + 1))
    return range(first + 1, after + 1)


def groups_of(numbers: range) -> range:
    """The groups that hold the pieces of these numbers (from 1, ascending, not none)."""
    first, last = (i // 8 if i < 16 else 2 + i // GROUP for i in (numbers[0] - 1, numbers[-1] - 1))
    return range(first, last + 1)


def likelihoods(model: Engine | BarMaker, pieces: list[Piece], style: str = "") -> list[float | None]:
    """Nats a note of each piece under the model; None where it has no likelihood or the piece no notes."""
    if isinstance(model, BarMaker):
        if isinstance(model.config, GanConfig):
            return [None] * len(pieces)
        return [density_of_roll(model, p).per_note if len(p) else None for p in pieces]
    codec, tags = EventCodec(), tags_of(model.styles, style)
    rows = [derive(events.rows, events.meters) for events in (codec.encode(p, tags) for p in pieces)]
    notes = [int(at.is_note(r).sum()) for r in rows]
    totals = [float(nats.sum()) for nats in nats_of_pieces(model, rows)]
    return [total / n if n else None for total, n in zip(totals, notes, strict=True)]


def music_bytes(piece: Piece, kind: str) -> bytes:
    """`piece` as the bytes of a file: `mid` or `musicxml`."""
    if kind == "mid":
        from ..midi.write import midi_bytes

        return midi_bytes(piece)
    from ..midi.music import write_music

    with tempfile.TemporaryDirectory() as folder:  # music21 writes to files
        path = Path(folder) / f"piece.{kind}"
        write_music(piece, path)
        return path.read_bytes()


def digest_of(checkpoint: str | os.PathLike[str]) -> str:
    """16 hex digits that change with the weights or the shape of a checkpoint (a folder or a shipped name)."""
    folder = checkpoints.find(checkpoint)
    whole = hashlib.sha256()
    for name in _DECIDING:
        if name not in _ALWAYS and not (folder / name).exists():
            continue
        try:
            with open(folder / name, "rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise CheckpointError(
                f"{folder / name} cannot be read ({error.strerror}): copy the folder again."
            ) from None
    return whole.hexdigest()[:16]


@lru_cache(maxsize=2)
def model_of(checkpoint: str, weights: str, exact: bool) -> Engine | BarMaker:
    """The model that plays, or the one that says likelihoods; read once for each state of the checkpoint."""
    return load(checkpoint, exact)

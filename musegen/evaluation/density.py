"""How likely a piece is under a model, and which of its notes are surprising: −log P in nats, by the chain rule.

    −log P(piece) = Σ_t Σ_attribute −log P(attribute of x_t | earlier attributes of x_t, x_<t)

Every term is there, so sums over attributes and over notes (with the end of the piece) are the same total.
Knows nothing of files written or pictures drawn.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.bars import BarMaker, load
from ..engine.base import Engine
from ..engine.likelihood import nats_of_pieces
from ..engine.styles import tags_of
from ..errors import MusegenError, SettingsError
from ..events import attributes as at
from ..events.codec import EventCodec, instruments_of
from ..events.derived import derive
from ..events.roll import from_piece
from ..midi.music import read_music
from ..models.long_pieces import Nats
from ..piece import DRUMS, Piece, pitch_name

SPREAD = np.linspace(0, 1, 21)
"""The quantiles by which a checkpoint remembers how surprising single held-out pieces were."""

NAMES = tuple(a.name for a in at.ATTRIBUTES)


@dataclass(frozen=True, eq=False)
class Density:
    """The nats of one piece under one model.

    `piece` is what was scored: rounded to 24 ticks a quarter and the codec's bins. `notes` (N, 5) has −log P of
    each attribute of each of its notes; a long silence before a note counts to the note's shift. `end` is
    −log P of the piece ending where it does. `names` are what the columns of `notes` stand for.
    """

    piece: Piece
    notes: Nats
    end: float
    names: tuple[str, ...] = NAMES

    @property
    def total(self) -> float:
        """−log P of the whole piece."""
        return float(self.notes.sum()) + self.end

    @property
    def by_attribute(self) -> dict[str, float]:
        """−log P of each attribute over the whole piece, the end in the first; they add up to `total`."""
        sums = self.notes.sum(0)
        sums[0] += self.end
        return {name: float(value) for name, value in zip(self.names, sums, strict=True)}

    @property
    def per_note(self) -> float:
        """Nats a note: the figure that checkpoints state of their held-out pieces."""
        return self.total / len(self.piece)

    @property
    def perplexity(self) -> float:
        """e to the nats a note: among how many equally likely notes the model wavers."""
        return float(np.exp(self.per_note))

    @property
    def seconds(self) -> float:
        """How long the piece lasts."""
        return float(self.piece.seconds([self.piece.end])[0])

    @property
    def per_second(self) -> float:
        """Nats a second of music."""
        return self.total / max(self.seconds, 1e-9)

    def most_surprising(self, count: int = 10) -> list[int]:
        """The places in `piece.notes` of the notes with the most nats, the worst first."""
        return [int(i) for i in np.argsort(-self.notes.sum(1), kind="stable")[:count]]

    def note(self, i: int) -> dict[str, Any]:
        """Note `i` for people and scripts: bar and beat (from 1), part, program, pitch, name, seconds, and its nats."""
        n = self.piece.notes[i]
        bar, beat = where(self.piece, int(n["onset"]))
        program, part = int(n["program"]), int(n["part"])
        names = self.piece.part_names
        nats = {name: round(float(v), 5) for name, v in zip(self.names, self.notes[i], strict=True)}
        return {
            "bar": bar,
            "beat": beat,
            "onset": int(n["onset"]),
            "seconds": round(float(self.piece.seconds([n["onset"]])[0]), 4),
            "part": (names[part] if part < len(names) else "") or ("drums" if program == DRUMS else f"part {part + 1}"),
            "program": program,
            "pitch": int(n["pitch"]),
            "name": f"key {n['pitch']}" if program == DRUMS else pitch_name(int(n["pitch"])),
            "nats": {"total": round(float(self.notes[i].sum()), 5), **nats},
        }

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values (see `musegen score --help` for the keys)."""
        return {
            "notes": len(self.piece),
            "seconds": round(self.seconds, 3),
            "nats": {"total": self.total, **self.by_attribute, "end": self.end},
            "nats_per_note": self.per_note,
            "nats_per_second": self.per_second,
            "perplexity": self.perplexity,
            "each": [self.note(i) for i in range(len(self.piece))],
        }


def score(model: Engine | BarMaker | str, piece: Piece | str | os.PathLike[str], style: str = "") -> Density:
    """How likely `piece` (or the file of that name) is under `model`, a loaded one or a checkpoint's name.

    `style` is a style tag to condition on. Raises FileError, CheckpointError, SettingsError, and MusegenError for a
    piece without notes.
    """
    music = piece if isinstance(piece, Piece) else read_music(piece)
    engine = load(model, exact=True) if isinstance(model, str) else model
    if isinstance(engine, BarMaker) and style:
        raise SettingsError("A model of whole bars has no style tags: leave --style out.")
    if not len(music):
        raise MusegenError(f"{_name(piece)} has no notes, so there is nothing to score.")
    if not isinstance(engine, BarMaker):
        return density(engine, music, tags_of(engine.styles, style))
    found = density_of_roll(engine, music)
    if not len(found.piece):
        raise MusegenError(f"{_name(piece)} has no notes that the model's roll holds, so there is nothing to score.")
    return found


def percentile(metrics: Mapping[str, Any], split: str, per_note: float) -> float | None:
    """How many in a hundred of a split's pieces have fewer nats per note; None where the checkpoint does not say."""
    spread = metrics.get(f"spread of {split}")
    return float(np.interp(per_note, spread, 100 * SPREAD)) if isinstance(spread, list) and spread else None


def density(engine: Engine, piece: Piece, tags: tuple[int, ...] = ()) -> Density:
    """The nats of `piece`, conditioned on style `tags`."""
    codec = EventCodec()
    events = codec.encode(piece, tags)
    (nats,) = nats_of_pieces(engine, [derive(events.rows, events.meters)])
    shown = dataclasses.replace(codec.decode(events), part_names=_part_names(piece))
    return Density(shown, *per_note(events.rows[1:], nats))


def density_of_roll(model: BarMaker, piece: Piece) -> Density:
    """The nats of `piece` as a roll, where each step has nats rather than each note.

    The nats of the steps since notes last began, up to those that begin now, are theirs in equal shares.
    """
    grid = model.config.grid
    roll = from_piece(piece, grid)
    shown = (roll.merged() if model.config.tracks == 1 else roll).to_piece()
    steps = model.nats(piece).steps
    begins, sharing = np.unique(shown.notes["onset"] // grid.ticks, return_counts=True)
    until = np.add.reduceat(np.append(steps, 0.0), np.append(0, begins + 1))  # after the last of them: the end
    each = np.repeat(until[:-1] / sharing, sharing)
    return Density(shown, each[:, None], float(until[-1]), ("steps",))


def per_note(rows: np.ndarray, nats: Nats) -> tuple[Nats, float]:
    """Nats (N, 5) of event rows (N, 5) as those of each note, skips counted to the next one, and of the end."""
    note = at.is_note(rows)
    owner = np.cumsum(note) - note  # how many notes are over before each row: the number of the note it leads to
    each = np.zeros((int(note.sum()) + 1, nats.shape[1]))
    np.add.at(each, owner, nats)
    return each[:-1], float(each[-1].sum())


def where(piece: Piece, tick: int) -> tuple[int, float]:
    """(bar, beat) of a tick, both from 1; beats as people tap them (`Meter.beat_ticks`)."""
    starts = piece.bar_starts()
    bar = int(np.searchsorted(starts, tick, side="right")) - 1
    meter = [m for m in piece.meters if m.tick <= tick][-1]
    return bar + 1, round(1 + (tick - int(starts[bar])) / meter.beat_ticks(piece.ticks_per_quarter), 3)


def _part_names(piece: Piece) -> tuple[str, ...]:
    """The names of the decoded piece's parts, which are its instruments in order: that of the first part of each."""
    instrument, _ = instruments_of(piece.notes)
    first = np.unique(instrument, return_index=True)[1]
    parts = piece.notes["part"][first].tolist()
    return tuple(piece.part_names[p] if p < len(piece.part_names) else "" for p in parts)


def _name(piece: Piece | str | os.PathLike[str]) -> str:
    return "This piece" if isinstance(piece, Piece) else os.fspath(piece)

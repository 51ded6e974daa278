"""One take, or one group of them, made in a worker process by what makes them on the command line.

Equal orders and numbers give equal bytes: take k of a continuation is file k of `musegen generate`, take k of the
others what `infill` and `humanise` write with a seed number k - 1 higher. Knows nothing of queues or requests.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ..engine.bars import BarMaker
from ..engine.base import Engine
from ..errors import CheckpointError, SettingsError
from ..midi.files import read_midi, read_midi_bytes, read_texts
from ..midi.write import midi_bytes
from ..piece import Piece
from .helper import give_way
from .pieces import Shown, show


@dataclass(frozen=True)
class Order:
    """What is to be made of the MIDI file at `path`, called `stem`, by a checkpoint (a folder or a shipped name).

    `span` are bars from and to, both included, counted from 1; `part` is counted from 0, as in a piece; `amount` is how
    much of it is humanised or varied.
    """

    kind: str
    path: str
    stem: str
    checkpoint: str
    n: int = 1
    bars: int = 8
    span: tuple[int, int] | None = None
    part: int | None = None
    keep: str = ""
    temperature: float | None = None
    key: str = ""
    feel: str = ""
    amount: float = 1.0
    seed_number: int = 0
    with_seed: bool = False

    def units(self) -> list[Unit]:
        """What workers do at a time, in order: a group of continuations, or one take of the others."""
        if self.kind != "continue":
            return [Unit(self, number) for number in range(1, self.n + 1)]
        from ..batches.group import groups_of

        return [Unit(self, group) for group in groups_of(range(1, self.n + 1))]


class Unit(NamedTuple):
    """A group's or a take's number of an order."""

    order: Order
    number: int


class Take(NamedTuple):
    """A piece that was made: its number from 1, what is shown of it, its MIDI bytes, −log P a note if there is one."""

    number: int
    shown: Shown
    midi: bytes
    nats: float | None


Shares = ctypes.Array[ctypes.c_double]
"""How much of a unit is made, in takes, at its number's place: memory that workers share with whoever watches them."""

Tell = Callable[[float], None]
"""Is told how much is made, 0 to 1."""


def make(shares: Shares, unit: Unit) -> list[Take]:
    """The takes of a unit. Raises SettingsError, CheckpointError, FileError and MusegenError with a sentence."""
    give_way()
    takes = 1 if unit.order.kind != "continue" else _size(unit)

    def tell(share: float) -> None:
        shares[unit.number % len(shares)] = takes * min(1.0, share)

    makers = {"continue": _continued, "infill": _infilled, "humanise": _humanised, "vary": _varied}
    return list(makers[unit.order.kind](*unit, tell))


def _size(unit: Unit) -> int:
    """How many of a group's pieces are wanted."""
    from ..batches.group import numbers_of

    return sum(number <= unit.order.n for number in numbers_of(unit.number))


def _take(order: Order, number: int, midi: bytes, nats: float | None) -> Take:
    name = f"{order.stem}-{order.kind}-{number:0{len(str(order.n))}d}.mid"
    return Take(number, show(read_midi_bytes(midi, name), name), midi, nats)


def _continued(order: Order, group: int, tell: Tell) -> Iterator[Take]:
    from ..batches.group import Run, make_group
    from ..sampling.plan import Limits, Plan
    from ..sampling.sampler import SamplerSettings

    settings = SamplerSettings() if order.temperature is None else SamplerSettings(order.temperature)
    plan = Plan(read_midi(order.path), settings, Limits(order.key), order.seed_number)
    run = Run(order.checkpoint, plan, order.bars, order.with_seed)
    for made in make_group(run, group, lambda bars: tell(bars / order.bars)):
        if made.number <= order.n and made.notes:
            yield _take(order, made.number, made.data, made.nats)


def _infilled(order: Order, number: int, tell: Tell) -> Iterator[Take]:
    filled = _fill(order, read_midi(order.path), number, order.span, tell)
    yield _take(order, number, midi_bytes(filled), _nats(order, filled))


def _fill(order: Order, piece: Piece, number: int, span: tuple[int, int] | None, tell: Tell) -> Piece:
    """`piece` with the bars of `span` written anew."""
    from ..sampling.infill import Gap, fillings
    from ..sampling.plan import Limits
    from ..sampling.sampler import SamplerSettings

    settings = SamplerSettings() if order.temperature is None else SamplerSettings(order.temperature)
    part = None if order.part is None else order.part + 1
    keep = frozenset([order.keep] if order.keep else [])
    gap = Gap(piece, span, part, keep, settings, Limits(order.key), order.seed_number + number - 1)
    (filled,) = fillings(_engine(order), gap, 1, lambda done, total: tell(done / max(1, total)))
    return filled


def _engine(order: Order) -> Engine:
    from ..batches.group import digest_of, model_of

    engine = model_of(order.checkpoint, digest_of(order.checkpoint), exact=True)
    if isinstance(engine, BarMaker):
        raise CheckpointError("This checkpoint makes whole bars and cannot fill gaps: choose another, such as default.")
    return engine


def _nats(order: Order, piece: Piece) -> float | None:
    from ..batches.group import likelihoods

    return likelihoods(_engine(order), [piece])[0]


def _varied(order: Order, number: int, tell: Tell) -> Iterator[Take]:
    """Some of the bars anew, each from all that stands around it; a musician still knows the piece by the others."""
    piece = read_midi(order.path)
    spans = varied_bars(piece, order, number)
    for done, span in enumerate(spans):
        piece = _fill(order, piece, number, span, partial(_tell_more, tell, done, len(spans)))
    yield _take(order, number, midi_bytes(piece), _nats(order, piece))


def _tell_more(tell: Tell, done: int, parts: int, share: float) -> None:
    """So much of the part after the `done` ones is made."""
    tell((done + share) / parts)


def varied_bars(piece: Piece, order: Order, number: int) -> list[tuple[int, int]]:
    """The bars that take `number` varies, as spans: `amount` of those with notes in them, but never the first."""
    from ..sampling.infill import Gap

    part = None if order.part is None else order.part + 1
    whole = Gap(piece, order.span, part)
    first, last = whole.bars or (1, len(piece.bar_starts()) - 1)
    full = [bar for bar in range(first, last + 1) if replace(whole, bars=(bar, bar)).inside.any()]
    if not full:
        raise SettingsError("There is no note in those bars that could be varied.")
    choice = full[1:] or full
    how_many = min(len(choice), max(1, round(order.amount * len(full))))
    chance = np.random.default_rng([order.seed_number, number])
    chosen = sorted(chance.permutation(choice)[:how_many].tolist())
    spans: list[tuple[int, int]] = []
    for bar in chosen:
        if spans and spans[-1][1] == bar - 1:
            spans[-1] = spans[-1][0], bar
        else:
            spans.append((bar, bar))
    return spans


def _humanised(order: Order, number: int, tell: Tell) -> Iterator[Take]:
    from ..engine.humaniser import load_humaniser
    from ..sampling.humanise import perform
    from ..sampling.undo import is_humanised, text_of, undo

    piece, texts = read_midi(order.path), read_texts(order.path)
    if is_humanised(texts):
        piece = undo(piece, texts).piece
    humaniser = load_humaniser(order.checkpoint)
    played = perform(humaniser, piece, order.amount, order.feel or None, order.seed_number + number - 1)
    yield _take(order, number, midi_bytes(played.piece, texts=[text_of(played)]), None)

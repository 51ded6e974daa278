"""A walk through a gan's latents: phrases on the way from one seed to another, each with what it is drawn from.

A gan has no way back from music to noise, so both ends are drawn: the first is what `generate` makes of the first seed
and its number, the last what it makes of the second seed and the next number. On the way the noise goes along a great
circle (Shoemake 1985), which keeps it as long as noise is (White 2016), and the given bars change note by note: at the
share t of the way a share of t of the second seed's notes are there and so many of the first's are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..engine.bars import BarMaker
from ..engine.base import Floats
from ..engine.phrases import PhraseMaker
from ..errors import SettingsError
from ..events.roll import Cells
from ..piece import Piece, sort_notes
from .bars import above, check, heard_in, wanted
from .batch import played_on
from .cast import cast, notes_of, voices
from .plan import Plan

_ORDER = 2**32 - 1  # in place of a piece's number: the random numbers by which notes come and go


class Step(NamedTuple):
    """What is played at the share `way` (0 … 1) of a walk: its rows (T, P, K), and the piece that they make."""

    way: float
    cells: Cells
    piece: Piece


def walk(
    maker: BarMaker,
    plan: Plan,
    to: Piece,
    n: int,
    bars: int,
    with_seed: bool = False,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Step]:
    """`n` steps of `bars` bars from the plan's seed to the seed `to`, all played by the first one's instruments.

    Equal arguments give equal steps. Either seed may be empty. Raises SettingsError for another model than a gan, or
    seeds that it cannot go on from.
    """
    if not isinstance(maker, PhraseMaker):
        raise SettingsError(f"Only a gan has latents to walk through; this checkpoint is a {maker.config.family}.")
    if n < 2 or bars < 1:
        raise SettingsError(f"A walk of {n} steps of {bars} bars is none: it needs at least 2 steps of 1 bar.")
    other = replace(plan, seed=to)
    for each in (plan, other):
        check(maker, each)
    players = cast(maker.config, voices(maker.config, plan), heard_in(plan.seed))
    ways = [i / (n - 1) for i in range(n)]
    want = wanted(maker, plan, players, bars, [], lambda done: tell(done * n, bars * n))
    ends = [maker.noise(np.random.default_rng([plan.seed_number + i, 0]), len(want.place)) for i in range(2)]
    noise = np.stack([between(ends[0], ends[1], way) for way in ways])
    given = [crossed(plan, other, way) for way in ways]
    drawn = maker.draw_from(noise, [above(maker, piece, origin_of(plan, other)) for piece in given], want)
    for way, cells in zip(ways, drawn, strict=True):
        yield Step(way, cells, played_on(plan, notes_of(cells, maker.config, players), bars, with_seed))


def phrases_of(steps: Sequence[Step], bars: int) -> Cells:
    """The rows of all steps as `walls.roll_wall` draws them: (n, K, bars, steps, P)."""
    rows = np.stack([step.cells.transpose(2, 0, 1) for step in steps])
    return rows.reshape(*rows.shape[:2], bars, -1, rows.shape[-1])


def between(first: Floats, second: Floats, way: float) -> Floats:
    """Rows (…, Z) a share `way` along the great circle from those of `first` to those of `second`."""
    length = np.linalg.norm(first, axis=-1, keepdims=True) * np.linalg.norm(second, axis=-1, keepdims=True)
    angle = np.arccos(np.clip((first * second).sum(-1, keepdims=True) / length, -1, 1))
    straight = np.sin(angle) < 1e-6
    shares = [np.where(straight, w, np.sin(w * angle) / np.where(straight, 1, np.sin(angle))) for w in (1 - way, way)]
    return (shares[0] * first + shares[1] * second).astype(np.float32)


def crossed(first: Plan, second: Plan, way: float) -> Piece:
    """The first plan's seed with some of its notes gone and some of the second's come.

    Both end at the bar line `origin_of` them.
    """
    origin, meters = origin_of(first, second), first.seed.meters
    kept = []
    for i, plan in enumerate((first, second)):
        chance = np.random.default_rng([first.seed_number, _ORDER, i]).random(len(plan.seed))
        notes = plan.seed.notes[chance >= way if i == 0 else chance < way].copy()
        notes["onset"] += origin - plan.origin
        kept.append(notes)
    if origin > first.origin:
        meters = (meters[-1]._replace(tick=0),)
    return replace(first.seed, notes=sort_notes(np.concatenate(kept)), meters=meters)


def origin_of(first: Plan, second: Plan) -> int:
    """The tick at which the longer one of two plans' seeds ends."""
    return max(first.origin, second.origin)

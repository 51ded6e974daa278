"""Play on from a seed with a model that makes whole bars (`engine.bars`): the seed's roll above, new bars below.

The model draws rolls; who plays which note is settled afterwards (`cast`). Of the plan's limits key, range, voices,
grid and longest note hold; there is no longest silence. In a band, whose tracks lie where the seed may have none, range
and voices hold only where they are named. Without a seed the music comes from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from ..engine.bars import BarLimits, BarMaker, Wanted
from ..errors import SettingsError
from ..events.codec import TimedNote, instruments_of
from ..events.roll import bar_place, from_piece
from ..events.tracks import TRACKS
from ..models.images import Image, of_roll
from ..piece import Piece
from .cast import Cast, Heard, cast, notes_of, of_band, voices
from .plan import Plan
from .sampler import SamplerSettings


def play_on(
    maker: BarMaker, plan: Plan, numbers: range, bars: int, tell: Callable[[int], None] = lambda bars: None
) -> Iterator[list[TimedNote]]:
    """The notes of each numbered piece, counted from the plan's origin. `tell` hears how many bars are done.

    Raises SettingsError where the model cannot play what the plan asks for.
    """
    check(maker, plan)
    players = cast(maker.config, voices(maker.config, plan), heard_in(plan.seed))
    generators = [np.random.default_rng([plan.seed_number, i]) for i in numbers]
    for cells in maker.draw(wanted(maker, plan, players, bars, generators, tell)):
        yield notes_of(cells, maker.config, players)


def wanted(
    maker: BarMaker,
    plan: Plan,
    players: Cast,
    bars: int,
    generators: list[np.random.Generator],
    tell: Callable[[int], None] = lambda bars: None,
) -> Wanted:
    """`bars` bars after the plan's seed, for `players`."""
    grid, each = maker.config.grid, plan.bar // maker.config.grid.ticks
    start, steps = plan.origin // grid.ticks, bars * each
    place = bar_place(plan.seed.meters, grid, start, steps)
    limits = bar_limits(maker, plan, players, plan.origin, steps, reach(maker, plan))
    return Wanted(above(maker, plan.seed, plan.origin), place, limits, generators, lambda t: tell(t // each))


def check(maker: BarMaker, plan: Plan) -> None:
    """Raises SettingsError, in one sentence, for what `maker` cannot do."""
    if plan.style:
        plan.prompt(maker.styles)
    usual, family = SamplerSettings(), maker.config.family
    for field in fields(SamplerSettings):
        if field.name not in maker.obeys and getattr(plan.settings, field.name) != getattr(usual, field.name):
            option = f"--{field.name.replace('_', '-')}"
            knows = "what it may be told is key, range, programs, voices and grid"
            raise SettingsError(f"A {family} draws whole bars and knows no {option[2:]}: leave {option} out; {knows}.")
    grid = maker.config.grid
    if maker.bar and plan.bar != maker.bar * grid.ticks:
        meter = plan.seed.meters[-1]
        raise SettingsError(
            f"A {family} plays bars of 4/4 only, and here they are of {meter.numerator}/{meter.denominator}: take "
            "another seed or meter."
        )
    if plan.origin % grid.ticks or plan.bar % grid.ticks:
        raise SettingsError(
            f"Bars of {plan.bar} ticks do not fit the {grid.steps} steps a quarter of this model: take another seed."
        )


def above(maker: BarMaker, piece: Piece, end: int) -> Image:
    """What the model hears of `piece` (24 ticks a quarter) before tick `end`: the roll up to there."""
    steps = end // maker.config.grid.ticks
    whole = of_roll(from_piece(piece, maker.config.grid, steps), maker.config)
    return whole._replace(cells=whole.cells[:steps], place=whole.place[:steps])


def reach(maker: BarMaker, plan: Plan, heard: Sequence[int] = ()) -> frozenset[int]:
    """The pitches that tuned tracks may play: near the seed's or those `heard`; in a band all, if no range is named."""
    if of_band(maker.config):
        plan, heard = replace(plan, seed=Piece.from_notes([])), ()
    return plan.pitches(heard)


def bar_limits(
    maker: BarMaker, plan: Plan, players: Cast, origin: int, steps: int, allowed: frozenset[int]
) -> BarLimits:
    """The plan's limits on so many steps from tick `origin` on; tuned tracks begin notes on `allowed` pitches.

    Raises SettingsError if no pitch is left.
    """
    grid, limits, band = maker.config.grid, plan.limits, of_band(maker.config)
    pitches = np.arange(grid.low, grid.low + grid.pitches)
    may_pitch = np.repeat(np.isin(pitches, list(allowed))[:, None], maker.config.tracks, 1)
    if not may_pitch.any():
        raise SettingsError(
            f"No pitch is left to play: this model plays {grid.low}-{grid.low + grid.pitches - 1}; widen range and key."
        )
    if band:
        may_pitch[:, TRACKS.index("drums")] = np.isin(pitches, list(plan.drum_keys()))
    may_pitch &= np.array([bool(parts) for parts in players])
    on_grid = (origin + np.arange(steps) * grid.ticks) % limits.grid == 0 if limits.grid else np.ones(steps, np.bool_)
    longest = max(1, int(limits.note_bars * plan.bar) // grid.ticks)
    most = limits.voices or 0 if band or not len(plan.seed) else plan.voices()
    return BarLimits(on_grid[:, None, None] & may_pitch, most, longest, plan.settings.temperature)


def heard_in(piece: Piece) -> list[Heard]:
    """Every note of `piece`, as far as casting needs it."""
    notes = piece.notes
    each = zip(instruments_of(notes)[0].tolist(), notes["pitch"].tolist(), notes["velocity"].tolist(), strict=True)
    return [Heard(*note) for note in each]

"""Play on from a seed with a model that makes whole bars (`engine.bars`): the seed's roll above, new bars below.

The model draws one roll; who plays which note is settled afterwards, by the seed's own parts. Of the plan's limits
key, range, voices, grid and longest note hold; there is no longest silence, and one temperature for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..engine.bars import BarLimits, BarMaker
from ..errors import SettingsError
from ..events import attributes as at
from ..events.codec import EventCodec, TimedNote
from ..events.roll import Cells, Roll, Track, bar_place, from_piece, of_sounding
from ..models.images import of_roll
from ..piece import DRUMS, Note
from .plan import Plan


def play_on(
    maker: BarMaker, plan: Plan, numbers: range, bars: int, tell: Callable[[int], None] = lambda bars: None
) -> Iterator[list[TimedNote]]:
    """The notes of each numbered piece, counted from the plan's origin. `tell` hears how many bars are done.

    Raises SettingsError where the model cannot play what the plan asks for.
    """
    if plan.style:
        plan.prompt(maker.styles)
    players, grid = _players(plan), maker.config.grid
    if plan.origin % grid.ticks or plan.bar % grid.ticks:
        raise SettingsError(
            f"Bars of {plan.bar} ticks do not fit the {grid.steps} steps a quarter of this model: take another seed."
        )
    start, steps = plan.origin // grid.ticks, bars * plan.bar // grid.ticks
    before = of_roll(from_piece(plan.seed, grid, start), maker.config)
    before = before._replace(cells=before.cells[:start], place=before.place[:start])
    place = bar_place(plan.seed.meters, grid, start, steps)
    generators = [np.random.default_rng([plan.seed_number, i]) for i in numbers]
    each_bar = plan.bar // grid.ticks
    drawn = maker.draw(before, place, _limits(maker, plan, start, steps), generators, lambda t: tell(t // each_bar))
    for cells in drawn:
        yield _notes(cells.transpose(2, 0, 1), maker, players)


def _limits(maker: BarMaker, plan: Plan, start: int, steps: int) -> BarLimits:
    grid, limits = maker.config.grid, plan.limits
    allowed = np.isin(np.arange(grid.low, grid.low + grid.pitches), list(plan.pitches()))
    if not allowed.any():
        raise SettingsError(
            f"No pitch is left to play: this model plays {grid.low}-{grid.low + grid.pitches - 1}; widen range and key."
        )
    tick = (start + np.arange(steps)) * grid.ticks
    on_grid = tick % limits.grid == 0 if limits.grid else np.ones(steps, np.bool_)
    longest = max(1, int(limits.note_bars * plan.bar) // grid.ticks)
    return BarLimits(on_grid[:, None] & allowed, plan.voices(), longest, plan.settings.temperature)


def _players(plan: Plan) -> dict[int, tuple[float, int]]:
    """Who plays: instrument → mean pitch and velocity in the seed, the highest first."""
    rows = EventCodec().encode(plan.seed).rows
    rows = rows[at.is_note(rows) & (rows[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT)]
    if not len(rows):
        raise SettingsError("This model plays tuned notes only, and the seed has none: give another seed.")
    allowed = {i for i in plan.instruments() if i // at.COPIES != DRUMS}
    known = sorted(allowed & set(rows[:, at.INSTRUMENT].tolist())) or sorted(allowed)[:1]
    if not known:
        raise SettingsError("This model plays tuned notes only: name another program than the drums.")
    homes = {}
    for instrument in known:
        own = rows[rows[:, at.INSTRUMENT] == instrument]
        own = own if len(own) else rows
        loudness = own[:, at.VELOCITY].mean() * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
        homes[instrument] = (float(own[:, at.PITCH].mean()), round(float(loudness)))
    return dict(sorted(homes.items(), key=lambda item: -item[1][0]))


def _notes(cells: Cells, maker: BarMaker, players: dict[int, tuple[float, int]]) -> list[TimedNote]:
    """The notes of a roll (K, T, P), each with its player: its track's, or where all share a track the fittest."""
    if maker.config.states == 2:
        cells = of_sounding(cells != 0)
    tracks = tuple(Track(part=i) for i in range(len(cells)))
    notes = list(Roll(cells, maker.config.grid, tracks).to_piece())
    if len(cells) > 1:
        own = list(players)
        each = [own[min(n.part, len(own) - 1)] for n in notes]
    else:
        each = _shared_out(notes, {i: home for i, (home, _) in players.items()})
    return [TimedNote(n.onset, n.duration, n.pitch, players[i][1], i) for n, i in zip(notes, each, strict=True)]


def _shared_out(notes: list[Note], homes: dict[int, float]) -> list[int]:
    """A player for each note (by onset, then pitch): chords from the top, to whoever is free and at home nearest."""
    instruments, free_from = list(homes), dict.fromkeys(homes, 0)
    each = dict.fromkeys(range(len(notes)), instruments[0])
    for i in sorted(each, key=lambda i: (notes[i].onset, -notes[i].pitch)):
        note = notes[i]
        waiting = [p for p in instruments if free_from[p] <= note.onset] or instruments
        together = sum(n.onset == note.onset and n.pitch < note.pitch for n in notes[max(0, i - 16) : i])
        # As many are left over for the notes below it in its chord as those need.
        among = waiting[: max(1, len(waiting) - together)]
        each[i] = min(among, key=lambda p: abs(homes[p] - note.pitch))
        free_from[each[i]] = note.onset + note.duration
    return [each[i] for i in range(len(notes))]

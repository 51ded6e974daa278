"""Many continuations of one seed at once, as pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..engine.bars import BarMaker
from ..engine.base import Engine
from ..errors import SettingsError
from ..events import derived
from ..events.codec import Decoder, TimedNote, instruments_of
from ..piece import Note, Piece, sort_notes
from .bars import play_on
from .continuation import Continuation
from .plan import Plan

GROUP = 32
"""At most so many sequences are drawn side by side: fewer share less of what a step costs (benchmarks/batches)."""


def generate(
    engine: Engine | BarMaker,
    plan: Plan,
    n: int,
    bars: int,
    with_seed: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Piece]:
    """`n` pieces of `bars` bars that go on from the plan's seed, equal for equal plans and `n`.

    `with_seed` puts the seed before the new music; otherwise the new music begins at tick 0. Tempo, meter
    and key are the seed's. A model of whole bars needs no notes in it. `progress` is called with the bars done and
    wanted.
    """
    check(engine, plan, n, bars)
    for first in range(0, n, GROUP):
        numbers = range(first, min(n, first + GROUP))

        def tell(done: int, first: int = first, count: int = len(numbers)) -> None:
            progress(first * bars + done * count, n * bars)

        yield from variations(engine, plan, numbers, bars, with_seed, tell)


def check(engine: Engine | BarMaker, plan: Plan, n: int, bars: int) -> None:
    """Raises SettingsError where there is nothing to go on from, or no music is asked for."""
    if not len(plan.seed) and not isinstance(engine, BarMaker):
        raise SettingsError("The seed phrase holds no notes: give a file with some music in it.")
    if n < 1 or bars < 1:
        raise SettingsError(f"{n} pieces of {bars} bars cannot be written: both must be at least 1.")


def variations(
    engine: Engine | BarMaker,
    plan: Plan,
    numbers: range,
    bars: int,
    with_seed: bool = False,
    tell: Callable[[int], None] = lambda bars: None,
) -> Iterator[Piece]:
    """The pieces of those numbers (from 0), drawn side by side. `tell` is called with the bars that all have."""
    if isinstance(engine, BarMaker):
        each = play_on(engine, plan, numbers, bars, tell)
    else:
        each = _batch(engine, plan, numbers, bars, tell)
    for notes in each:
        yield played_on(plan, notes, bars, with_seed)


def _batch(
    engine: Engine, plan: Plan, numbers: range, bars: int, tell: Callable[[int], None]
) -> Iterator[list[TimedNote]]:
    """The notes of each numbered piece up to the last bar's end, counted from the plan's origin."""
    generators = [np.random.default_rng([plan.seed_number, i]) for i in numbers]
    prompt = plan.prompt(engine.styles)
    music = Continuation(engine, prompt, plan.seed.meters, plan.settings, plan.constraints(), generators)
    start, end = int(music.tracker.now[0]), plan.origin + bars * plan.bar
    taken: list[derived.ModelRows] = []
    while (music.tracker.now < end).any():
        taken.append(music.next())
        tell(min(bars, max(0, (int(music.tracker.now.min()) - plan.origin) // plan.bar)))
    for rows in np.stack(taken, axis=1):
        decoder = Decoder(start - plan.origin)
        kept = rows[rows[:, derived.TIME] < end, :5].astype(np.int16)
        yield list(filter(None, map(decoder.push, kept)))


def played_on(plan: Plan, timed: Iterable[TimedNote], bars: int, with_seed: bool) -> Piece:
    """The notes in the seed's own parts, none ringing on past the last bar."""
    seed, end = plan.seed, bars * plan.bar
    new = in_parts(seed, timed, end)
    title = f"{seed.metadata.title or 'seed'}, played on" if len(seed) else "from noise"
    metadata = replace(seed.metadata, title=title)
    rest = seed.between(plan.origin, plan.origin + end)  # the maps as they stand after the seed
    if not with_seed:
        return replace(rest, notes=new.notes, part_names=new.part_names, metadata=metadata)
    moved = new.notes.copy()
    moved["onset"] += plan.origin
    both = sort_notes(np.concatenate([seed.notes, moved]))
    return replace(seed, notes=both, part_names=new.part_names, metadata=metadata)


def in_parts(seed: Piece, timed: Iterable[TimedNote], end: int) -> Piece:
    """Only the notes, in the parts of `seed` that their instruments have or in new ones, none ringing on past `end`.

    24 ticks a quarter; `part_names` are of the seed's parts and the new ones.
    """
    instruments, _ = instruments_of(seed.notes)
    part_of = dict(zip(instruments.tolist(), seed.notes["part"].tolist(), strict=True))
    notes = []
    for note in timed:
        part = part_of.setdefault(note.instrument, max(part_of.values(), default=-1) + 1)
        length = min(note.duration, end - note.onset)
        notes.append(Note(note.onset, length, note.pitch, note.velocity, note.program, part))
    names = seed.part_names + ("",) * (1 + max(part_of.values(), default=-1) - len(seed.part_names))
    return Piece.from_notes(notes, part_names=names)

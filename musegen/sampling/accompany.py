"""`musegen.accompany`: a gan plays the tracks of a band that a piece has not, to those that it has, from end to end.

The piece stays as it is, note for note in the file's own ticks: what is new is put beside it, in parts of its own. Of
the limits key, range, programs, voices, grid and longest note hold, for the new notes. Knows bars of 4/4 only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ..engine.bars import BarMaker, load
from ..engine.base import Engine
from ..engine.phrases import PhraseMaker
from ..errors import SettingsError
from ..events import attributes as at
from ..events.codec import TimedNote
from ..events.tracks import TRACKS, track_of
from ..midi.music import read_music
from ..piece import TICKS_PER_QUARTER, Piece, rescale, sort_notes
from .bars import above, bar_limits, check, heard_in, reach
from .batch import in_parts
from .cast import Cast, cast, notes_of, of_band, voices
from .plan import Limits, Plan


def accompany(
    model: Engine | BarMaker | str,
    piece: Piece | str | os.PathLike[str],
    n: int = 1,
    *,
    seed_number: int = 0,
    limits: Limits | None = None,
) -> list[Piece]:
    """`n` versions of `piece` with the tracks that it has not played to it by a gan; equal arguments give equal pieces.

    The tracks are drums, piano, guitar, bass and strings; `limits.programs` picks among those that are missing. What is
    in `piece` stays to the tick. `model` is what `musegen.load` returned, or a checkpoint's name. Raises FileError,
    CheckpointError or SettingsError.
    """
    music = piece if isinstance(piece, Piece) else read_music(piece)
    plan = Plan(music, limits=limits or Limits(), seed_number=seed_number)
    return list(accompanied(load(model) if isinstance(model, str) else model, music, plan, n))


def accompanied(
    maker: Engine | BarMaker,
    piece: Piece,
    plan: Plan,
    n: int,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Piece]:
    """As `accompany`, by a `plan` whose seed is `piece`. `tell` is called with the bars done and wanted."""
    if not isinstance(maker, PhraseMaker) or not of_band(maker.config):
        raise SettingsError("Only a gan of five tracks hears some and plays the others: name it with --checkpoint gan.")
    if n < 1:
        raise SettingsError(f"{n} variations cannot be written: ask for at least 1.")
    _check_seed(maker, plan)
    players = missing(maker, plan)
    music = above(maker, plan.seed, plan.origin).cells
    limits = bar_limits(maker, plan, players, 0, len(music), reach(maker, plan))
    new, bars = np.array([bool(parts) for parts in players]), len(music) // maker.bar
    for i in range(n):
        noise = maker.noise(np.random.default_rng([plan.seed_number, i]), len(music))
        cells = maker.play_to(music, new, noise, limits)
        yield _beside(piece, plan, notes_of(cells, maker.config, players))
        tell((i + 1) * bars, n * bars)


def missing(maker: PhraseMaker, plan: Plan) -> Cast:
    """Who plays each track that the plan's seed has not. Raises SettingsError where there is none."""
    own = {int(track_of(note.instrument // at.COPIES)) for note in heard_in(plan.seed)}
    whole = cast(maker.config, voices(maker.config, plan), heard_in(plan.seed))
    players = tuple({} if k in own else parts for k, parts in enumerate(whole))
    if not any(players):
        have = ", ".join(TRACKS[k] for k in sorted(own))
        other = "name other programs" if plan.limits.programs else "take a seed without some of them"
        raise SettingsError(f"The seed has its own {have}, so that nothing is left to add: {other}.")
    return players


def _check_seed(maker: PhraseMaker, plan: Plan) -> None:
    if not len(plan.seed):
        raise SettingsError("There is nothing to accompany: give a seed with some music in it.")
    check(maker, plan)
    odd = np.flatnonzero(np.diff(plan.seed.bar_starts()) != plan.bar)
    if len(odd):
        raise SettingsError(
            f"A gan plays bars of 4/4 only, and bar {odd[0] + 1} of the seed is none: take a seed without it."
        )


def _beside(piece: Piece, plan: Plan, timed: list[TimedNote]) -> Piece:
    """`piece`, and the new notes, whose onsets are in ticks of the codec."""
    new = in_parts(plan.seed, timed, plan.origin)
    notes, onset = new.notes.copy(), new.notes["onset"]
    start, end = (rescale(t, TICKS_PER_QUARTER, piece.ticks_per_quarter) for t in (onset, onset + notes["duration"]))
    notes["onset"], notes["duration"] = start, np.maximum(1, end - start)
    title = f"{piece.metadata.title or 'seed'}, accompanied"
    both, metadata = sort_notes(np.concatenate([piece.notes, notes])), replace(piece.metadata, title=title)
    return replace(piece, notes=both, part_names=new.part_names, metadata=metadata)

"""Who plays what a model of whole bars has drawn: its tracks are cast with instruments, and cells become notes.

A gan's five tracks are a band's (`events.tracks`); all tuned instruments share a model's only track, and voices go
from the highest instrument down. Knows nothing of networks or clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..checkpoint import config_of, find
from ..errors import SettingsError
from ..events import attributes as at
from ..events.codec import TimedNote
from ..events.roll import Cells, Roll, Track, of_sounding
from ..events.tracks import PROGRAMS, TRACKS, track_of
from ..models.config import GanConfig, RollConfig
from ..piece import DRUMS, Note
from .plan import Plan

Shape = RollConfig | GanConfig
HOMES = (40, 62, 54, 38, 60)
"""The pitch about which each of the five TRACKS plays where nothing says."""
VELOCITY = 80


class Part(NamedTuple):
    """How an instrument plays: about which pitch, how loud."""

    home: float
    velocity: int


Cast = tuple[dict[int, Part], ...]
"""For each track who plays it: instruments (`events.attributes`), the highest first; none: nobody does."""


class Heard(NamedTuple):
    """What is known of a note that was played: enough to play like it."""

    instrument: int
    pitch: int
    velocity: int


def maker_of_bars(checkpoint: str) -> Shape | None:
    """What a checkpoint (a folder or a shipped name) is if it makes whole bars. Raises CheckpointError."""
    config = config_of(find(checkpoint))
    return config if isinstance(config, Shape) else None


def of_band(config: Shape) -> bool:
    """Whether the model's tracks are those of a band."""
    return isinstance(config, GanConfig) and config.tracks == len(TRACKS)


def voices(config: Shape, plan: Plan) -> tuple[int, ...]:
    """The instruments that play: those that `plan` names, else the seed's own, and in a band one for every track.

    Raises SettingsError where none is left.
    """
    own = sorted(Plan(plan.seed).instruments())
    found = [i for p in plan.limits.programs for i in _of_program(p, own)] or own
    if not plan.limits.programs and of_band(config):
        missing = set(range(len(TRACKS))) - {_track(i) for i in own}
        found = sorted([*own, *(min(PROGRAMS[k] * at.COPIES, at.DRUM_INSTRUMENT) for k in missing)])
    if not of_band(config):
        named = found
        found = [i for i in named if i // at.COPIES != DRUMS]
        if named and not found:
            raise SettingsError("This model plays tuned notes only: name a program or take a seed that is not drums.")
    return tuple(found) or (0,)


def cast(config: Shape, instruments: Iterable[int], heard: Sequence[Heard]) -> Cast:
    """The tracks cast with `instruments`, which play as they did among what was `heard`, or else like the others."""
    loudness = round(float(np.mean([n.velocity for n in heard]))) if heard else VELOCITY
    parts = {}
    for i in dict.fromkeys(instruments):
        own = [n for n in heard if n.instrument == i]
        home = float(np.mean([n.pitch for n in own])) if own else HOMES[_track(i)]
        parts[i] = Part(home, round(float(np.mean([n.velocity for n in own]))) if own else loudness)
    parts = dict(sorted(parts.items(), key=lambda item: -item[1].home))
    if of_band(config):
        return tuple({i: p for i, p in parts.items() if _track(i) == k} for k in range(config.tracks))
    tuned = {i: p for i, p in parts.items() if i // at.COPIES != DRUMS}
    if config.tracks == 1:
        return (tuned,)
    each = list(tuned.items())
    return tuple(dict([each[min(k, len(each) - 1)]]) for k in range(config.tracks)) if each else ({},) * config.tracks


def notes_of(cells: Cells, config: Shape, players: Cast) -> list[TimedNote]:
    """The notes of new rows (T, P, K), by onset, each with its player; onsets in ticks from the first row."""
    rows = cells.transpose(2, 0, 1)
    if isinstance(config, RollConfig) and config.states == 2:
        rows = of_sounding(rows != 0)
    notes = list(Roll(rows, config.grid, tuple(Track(part=k) for k in range(len(rows)))).to_piece())
    found = []
    for track, parts in enumerate(players):
        own = [n for n in notes if n.part == track] if parts else []
        each = _shared_out(own, {i: part.home for i, part in parts.items()})
        found += [TimedNote(n.onset, n.duration, n.pitch, parts[i].velocity, i) for n, i in zip(own, each, strict=True)]
    return sorted(found)


def _shared_out(notes: list[Note], homes: dict[int, float]) -> list[int]:
    """A player for each note (by onset, then pitch): chords from the top, to whoever is free and at home nearest."""
    free_from = dict.fromkeys(homes, 0)
    each = dict.fromkeys(range(len(notes)), -1)
    for i in sorted(each, key=lambda i: (notes[i].onset, -notes[i].pitch)):
        note = notes[i]
        waiting = [p for p in homes if free_from[p] <= note.onset] or list(homes)
        together = sum(n.onset == note.onset and n.pitch < note.pitch for n in notes[max(0, i - 16) : i])
        # As many are left over for the notes below it in its chord as those need.
        among = waiting[: max(1, len(waiting) - together)]
        each[i] = min(among, key=lambda p: abs(homes[p] - note.pitch))
        free_from[each[i]] = note.onset + note.duration
    return list(each.values())


def _of_program(program: int, own: Sequence[int]) -> list[int]:
    """The instruments of a program: the seed's own parts that play it, or one."""
    return [i for i in own if i // at.COPIES == program] or [min(program * at.COPIES, at.DRUM_INSTRUMENT)]


def _track(instrument: int) -> int:
    return int(track_of(instrument // at.COPIES))

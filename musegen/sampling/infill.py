"""`musegen.infill`: write a span, a voice or an attribute of a piece anew, from what stands on both sides.

What is kept comes out as it went in, note for note in the file's own ticks: the network's rounded notes are put beside
the piece's own and never in their place. That is checked of every piece that leaves here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..engine.base import Engine, load
from ..errors import CheckpointError, MusegenError, SettingsError
from ..events import attributes as at
from ..events.codec import EventCodec, instruments_of
from ..events.holes import Hole
from ..midi.music import read_music
from ..piece import NOTE, TICKS_PER_QUARTER, Notes, Piece, rescale, rescale_rows, sort_notes
from . import beside
from .beside import AtOnce, Unsounding
from .constraints import Constraint, Grid, Instruments, Longest, PitchSet, Polyphony, in_order
from .filling import Around, fill
from .plan import Limits, Plan, most_at_once
from .sampler import SamplerSettings

_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Gap:
    """What of a piece is to be written anew: bars from and to, both included, counted from 1; a part, from 1; or all.

    `keep` names what its notes keep: pitch, rhythm (onsets and durations), velocity; none: not even their number.
    """

    piece: Piece
    bars: tuple[int, int] | None = None
    part: int | None = None
    keep: frozenset[str] = frozenset()
    settings: SamplerSettings = field(default_factory=SamplerSettings)
    limits: Limits = field(default_factory=Limits)
    seed_number: int = 0
    style: str = ""

    def __post_init__(self) -> None:
        if not len(self.piece):
            raise SettingsError("The piece holds no notes: give a file with some music in it.")
        last, parts = len(self.piece.bar_starts()) - 1, int(self.piece.notes["part"].max()) + 1
        first, end = self.bars or (1, last)
        if not 1 <= first <= end <= last:
            raise SettingsError(f"The bars {first}-{end} are not in the piece, which has bars 1-{last}.")
        if self.part is not None and not 1 <= self.part <= parts:
            raise SettingsError(f"There is no part {self.part}: the piece has parts 1-{parts}.")
        if self.keep and self.limits.programs:
            raise SettingsError("Notes that keep an attribute keep their instrument, too: leave out the programs.")
        if self.keep and not self.inside.any():
            raise SettingsError("There is no note in those bars of which anything could be kept.")
        self.hole()

    @property
    def ticks(self) -> tuple[int, int]:
        """Where the gap begins and ends, in the piece's own ticks."""
        lines = self.piece.bar_starts()
        first, last = self.bars or (1, len(lines) - 1)
        return int(lines[first - 1]), int(lines[last])

    @property
    def inside(self) -> _Bools:
        """Which of the piece's notes are in the gap.

        Those whose nearest place on the grid of 24 a quarter is: a down-beat played a little early belongs to its bar.
        """
        return self._inside(self.piece.notes)

    def _inside(self, notes: Notes) -> _Bools:
        onset = self._on_grid(notes["onset"].astype(np.int64))
        start, end = self._on_grid(np.array(self.ticks))
        there: _Bools = (onset >= start) & (onset < end)
        if self.part is not None:
            there &= np.isin(notes["part"], [self.part - 1, *self._new_parts(notes)])
        return there

    def _new_parts(self, notes: Notes) -> list[int]:
        before = int(self.piece.notes["part"].max())
        return [int(p) for p in np.unique(notes["part"]) if p > before]

    def _on_grid(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return rescale(ticks, self.piece.ticks_per_quarter, TICKS_PER_QUARTER)

    def hole(self) -> Hole:
        """The gap on the codec's grid."""
        start, end = (int(t) for t in self._on_grid(np.array(self.ticks)))
        listed = self.instruments() if self.part is not None or self.limits.programs else ()
        return Hole(start, end, listed, self.keep)

    def instruments(self) -> tuple[int, ...]:
        """Who may play in the gap: the programs of the limits, or else those who play there or in that part."""
        notes = self.piece.notes
        mine, _ = instruments_of(notes)
        there = self.inside if self.inside.any() else np.ones(len(notes), np.bool_)
        if self.part is not None:
            there = notes["part"] == self.part - 1
            shared = set(np.unique(mine[there]).tolist()) & set(np.unique(mine[~there]).tolist())
            if shared:
                raise SettingsError(
                    f"More than {at.COPIES} parts play program {min(shared) // at.COPIES}, and the network cannot tell "
                    f"part {self.part} from the others of them: fill all parts, or change programs first."
                )
        own = set(np.unique(mine[there]).tolist())
        if not self.limits.programs:
            return tuple(sorted(own))
        others = set(np.unique(mine[~self.inside]).tolist()) - own
        return tuple(sorted({i for p in self.limits.programs for i in _of_program(p, own, others)}))

    def constraints(self) -> tuple[Constraint, ...]:
        """The limits, as for any music (`Plan`); the range is that of the part, where one part is filled."""
        of_part = self.piece.notes["part"] == (self.part or 1) - 1
        seed = replace(self.piece, notes=self.piece.notes[of_part]) if self.part is not None else self.piece
        plan = Plan(seed if len(seed) else self.piece, self.settings, self.limits)
        whole, bar = Plan(self.piece, self.settings, self.limits), plan.bar
        out: list[Constraint] = [
            Unsounding(),
            Instruments(frozenset(self.instruments())),
            PitchSet(plan.pitches(), plan.drum_keys()),
            *whole.own_ranges(),
            Longest(max(1, int(self.limits.note_bars * bar))),
        ]
        out += in_order(tuple(out))
        most = self._at_once()
        out += [AtOnce(most, at.SHIFT), AtOnce(most, at.INSTRUMENT)]
        if voices := whole.voices():
            out.append(Polyphony(voices))
        if self.limits.grid:
            out.append(Grid(self.limits.grid))
        return tuple(out)

    def _at_once(self) -> tuple[tuple[int, int], ...]:
        """How many notes each instrument may sound at once: as many as anywhere in the piece; a new one, any number."""
        mine, _ = instruments_of(self.piece.notes)
        notes = {i: self.piece.notes[mine == i] for i in self.instruments()}
        return tuple((i, most_at_once(n["onset"], n["duration"]) if len(n) else 128) for i, n in notes.items())


def fillings(
    engine: Engine, gap: Gap, n: int = 1, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Piece]:
    """`n` ways to fill the gap, equal for equal gaps. `progress` is told bars done and wanted.

    Raises CheckpointError for a network that has not learnt it, SettingsError for an unknown style.
    """
    if not getattr(engine.config, "infill", False):
        raise CheckpointError(
            "This checkpoint has not learnt to fill gaps: train it with  musegen train … --infill 0.25  (or --from it)."
        )
    if n < 1:
        raise SettingsError(f"{n} variations cannot be written: ask for at least 1.")
    piece, hole = gap.piece, gap.hole()
    onset, rows, places, _ = EventCodec().on_grid(piece)
    rows[:, at.SHIFT] = 0
    inside = gap.inside[places]
    meters = rescale_rows(piece.meters, piece.ticks_per_quarter, TICKS_PER_QUARTER)
    lines = tuple(int(t) for t in gap._on_grid(piece.bar_starts()))
    head = Plan(piece, style=gap.style).prompt(engine.styles)
    head = head[: 2 if gap.style else 1]
    rest = max(1, int(gap.limits.rest_bars * meters[-1].bar_ticks()))
    around = Around(engine, head, meters, lines, gap.settings, gap.constraints(), rest)
    notes = beside.Notes(rows, onset)
    bars = sum(hole.start < t <= hole.end for t in lines)
    for i in range(n):
        generator = np.random.default_rng([gap.seed_number, i])

        def tell(tick: int, i: int = i) -> None:
            progress(i * bars + sum(hole.start < t <= tick for t in lines), n * bars)

        new = fill(around, notes.where(~inside), notes.where(inside), hole, generator, tell)
        filled = _put_in(gap, new, places[inside])
        check(gap, filled, places[inside])
        yield filled


def infill(
    model: Engine | str,
    piece: Piece | str | os.PathLike[str],
    bars: tuple[int, int] | None = None,
    part: int | None = None,
    keep: str | Iterable[str] = (),
    n: int = 1,
    *,
    seed_number: int = 0,
    settings: SamplerSettings | None = None,
    limits: Limits | None = None,
    style: str = "",
) -> list[Piece]:
    """`n` versions of `piece` with some of it written anew; equal arguments give equal pieces.

    `bars` (5, 8): those four bars, counted from 1; None: all. `part` 2: only the second; None: all. `keep`: what the
    notes there keep of "pitch", "rhythm", "velocity". All else is as it was, to the tick. `model` is what
    `musegen.load` returned, or a checkpoint's name. Raises FileError, CheckpointError or SettingsError.
    """
    music = piece if isinstance(piece, Piece) else read_music(piece)
    kept = frozenset([keep] if isinstance(keep, str) else keep)
    gap = Gap(music, bars, part, kept, settings or SamplerSettings(), limits or Limits(), seed_number, style)
    return list(fillings(load(model, exact=True) if isinstance(model, str) else model, gap, n))


def _put_in(gap: Gap, new: beside.Notes, places: npt.NDArray[np.int64]) -> Piece:
    """The piece with `new` notes for those in the gap; `places` are those of the notes that keep an attribute."""
    piece = gap.piece
    old, kept = piece.notes[gap.inside], piece.notes[~gap.inside]
    if gap.keep:
        written = piece.notes[places].copy()
    else:
        written = np.zeros(len(new.now), NOTE)
        written["pitch"], written["program"] = new.rows[:, at.PITCH], new.rows[:, at.INSTRUMENT] // at.COPIES
        written["part"] = _parts(piece, new.rows[:, at.INSTRUMENT])
    if "rhythm" not in gap.keep:
        ticks = [rescale(t, TICKS_PER_QUARTER, piece.ticks_per_quarter) for t in
                 (new.now, at.DURATIONS[new.rows[:, at.DURATION]])]  # fmt: skip
        start, end = gap.ticks
        written["onset"] = np.clip(ticks[0], start, end - 1)
        rings = np.full(1 + max(old["part"].max(initial=0), written["part"].max(initial=0)), end)
        np.maximum.at(rings, old["part"], old["onset"] + old["duration"])  # as far as the part rang before
        written["duration"] = np.clip(ticks[1], 1, rings[written["part"]] - written["onset"])
    if "pitch" not in gap.keep:
        written["pitch"] = new.rows[:, at.PITCH]
    if "velocity" not in gap.keep:
        written["velocity"] = new.rows[:, at.VELOCITY] * at.VELOCITY_STEP + at.VELOCITY_STEP // 2
    if "rhythm" not in gap.keep:
        _release_keys(written, kept)
    names = piece.part_names + ("",) * (1 + int(written["part"].max(initial=0)) - len(piece.part_names))
    return replace(piece, notes=sort_notes(np.concatenate([kept, written])), part_names=names)


def _parts(piece: Piece, instruments: npt.NDArray[np.int16]) -> list[int]:
    """The part of each instrument: its own, or a new one."""
    of, _ = instruments_of(piece.notes)
    part_of: dict[int, int] = dict(zip(of.tolist(), piece.notes["part"].tolist(), strict=True))
    return [part_of.setdefault(int(i), 1 + max(part_of.values())) for i in instruments]


def _release_keys(written: Notes, kept: Notes) -> None:
    """No new note sounds on when its key is pressed again: whoever reads the file could not tell the two apart."""
    both = np.concatenate([written, kept])
    for note in written:
        same = (both["part"] == note["part"]) & (both["pitch"] == note["pitch"]) & (both["onset"] > note["onset"])
        note["duration"] = min(int(note["duration"]), int((both["onset"][same] - note["onset"]).min(initial=2**30)))


def check(gap: Gap, filled: Piece, places: npt.NDArray[np.int64]) -> None:
    """Raise MusegenError if anything of `filled` differs that was to be kept; `places` as in `_put_in`."""
    before, after = gap.piece, filled
    same = np.array_equal(sort_notes(before.notes[~gap.inside]), sort_notes(after.notes[~gap._inside(after.notes)]))
    maps = ("ticks_per_quarter", "tempos", "meters", "keys", "metadata")
    same = same and all(getattr(before, name) == getattr(after, name) for name in maps)
    old, new = before.notes[places], after.notes[gap._inside(after.notes)]
    fields = {"pitch": ["pitch"], "rhythm": ["onset", "duration"], "velocity": ["velocity"]}
    for name in gap.keep:
        columns = ["program", "part", *fields[name]]
        same = same and np.array_equal(np.sort(old[columns]), np.sort(new[columns]))
    if not same:
        raise MusegenError("Something that was to be kept has changed: please report this file and this command.")


def _of_program(program: int, own: set[int], others: set[int]) -> list[int]:
    """The instruments of a program that may play: those that do, or else the first that nobody has."""
    every = range(program * at.COPIES, min((program + 1) * at.COPIES, at.INSTRUMENTS))
    return [i for i in every if i in own] or [i for i in every if i not in others][:1] or [every[-1]]

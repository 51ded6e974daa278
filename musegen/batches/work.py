"""The pieces of one call, number by number: what is there stays, what is not is made, copies are left out.

A piece's line is in the manifest before its file is in the folder: a process that is killed between the two makes that
file again. Knows nothing of options or screens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import fields
from functools import partial
from itertools import count

import numpy as np

from ..atomic import write_atomically
from ..errors import FileError, MusegenError
from ..midi.music import read_music
from ..piece import TICKS_PER_QUARTER
from ..sampling.plan import Limits
from ..sampling.sampler import SamplerSettings
from ..workers import Runner
from . import one_thread_each
from .best import OTHERS, place_of
from .copies import Hashes, Known, likeness, phrases
from .group import Made, Run, digest_of, groups_of, make_group, numbers_of
from .manifest import Manifest, Row

TRIES = 4
"""How many pieces are drawn, at most, for each that is wanted, where copies are left out."""

ALIKE = 0.5
"""Two pieces that share more of their phrases than this are one piece twice."""

_LIMIT_S = 3600.0  # for one group; a slow machine with a large model is no reason to give up
_LIMIT_BYTES = 8 * 2**30

Tell = Callable[[int, int, int], None]
"""Called with the pieces that are there, the pieces wanted, and the notes drawn in this call."""


class Work:
    """One call of `write_files`: what is there, and what is yet to be made."""

    def __init__(self, run: Run, manifest: Manifest, n: int, stem: str, known: Known | None, tell: Tell) -> None:
        self.run, self.manifest, self.n, self.known, self.tell = run, manifest, n, known, tell
        self.folder, self.key = manifest.path.parent, run.key() + ("u" if known else "")
        self.rows = {row.number: row for row in manifest.of(self.key)}
        self.stem, self.seed = _free_stem(manifest, self.key, stem, run.format), stem
        self.weights, self.settings = digest_of(run.checkpoint), _settings(run, known is not None)
        self.last = n if known is None else TRIES * n + 8
        self.heard: Hashes = phrases(run.plan.seed) if known else np.zeros(0, np.uint64)
        self.kept: list[Row] = []
        self.told: list[frozenset[int]] = []
        self.made = self.notes = self.here = 0

    def to_make(self) -> int:
        """How many groups are to be made at least."""
        kept = sum(not row.left_out for row in self.rows.values())
        return len(self.groups(max(self.rows, default=0) + max(0, self.n - kept)))

    def groups(self, last: int) -> list[int]:
        """The groups of the numbers up to `last` that are not whole, in order."""
        return [g for g in groups_of(range(1, last + 1)) if any(self.open(i) for i in numbers_of(g) if i <= last)]

    def open(self, number: int) -> bool:
        """Whether a piece is yet to be made: no line, or no file."""
        row = self.rows.get(number)
        return row is None or not (row.left_out or place_of(self.folder, row.file).exists())

    def run_through(self, runner: Runner | None, workers: int | None) -> list[Row]:
        """Every number in turn, until `n` pieces are kept; their rows. Without a `runner`, all in this process."""
        groups = self.groups(self.last)
        results = _in_order(runner, self.run, groups, workers) if runner else self.make_here(groups)
        made: dict[int, Made] = {}
        try:
            for number in range(1, self.last + 1):
                if len(self.kept) == self.n:
                    break
                if not self.open(number):
                    self.keep_old(self.rows[number])
                    continue
                while number not in made:
                    made = {piece.number: piece for piece in _next(results)}
                    self.notes += sum(piece.notes for piece in made.values())
                self.take(made[number])
                self.tell(len(self.kept), self.n, self.notes)
        finally:
            results.close()
        self.tell(len(self.kept), self.n, self.notes)
        return self.kept

    def make_here(self, groups: list[int]) -> Generator[list[Made], None, None]:
        """What the groups give; says between its ends how far each is."""
        for group in groups:
            self.here = len(numbers_of(group))
            yield make_group(self.run, group, self.tell_bars)

    def tell_bars(self, bars: int) -> None:
        """So many bars of a group are drawn."""
        done = len(self.kept) + bars * self.here // self.run.bars
        self.tell(min(self.n, done), self.n, self.notes)

    def keep_old(self, row: Row) -> None:
        """A piece of an earlier call stays as it is."""
        if row.left_out:
            return
        self.kept.append(row)
        if self.known is not None:
            piece = read_music(place_of(self.folder, row.file)).at_resolution(TICKS_PER_QUARTER)
            start = self.run.plan.origin if self.run.with_seed else 0
            self.told.append(self.own(phrases(piece.between(start, piece.end + 1))))

    def take(self, piece: Made) -> None:
        """Keep a new piece, its line in the manifest first; or write there why not."""
        row = self.rows.get(piece.number)
        if row is None:
            reason = self.reason(piece)
            row = self.row(piece, reason)
            self.manifest.add(row)
            if reason:
                return
        write_atomically(self.folder / row.file, piece.data)
        self.kept.append(row)
        self.made += 1
        if self.known is not None:
            self.told.append(self.own(piece.phrases))

    def own(self, hashes: Hashes) -> frozenset[int]:
        """The phrases of a piece that are not the seed's."""
        return frozenset(hashes[(hashes != 0) & ~np.isin(hashes, self.heard)].tolist())

    def reason(self, piece: Made) -> str:
        """Why a piece is left out; empty for one that is kept."""
        if self.known is None:
            return ""
        if self.known.copied(piece.phrases, self.heard):
            longest, share = self.known.overlap(piece.phrases, self.heard)
            return f"copied: {share:.0%} of its phrases and {longest} notes in a row are training music"
        mine = self.own(piece.phrases)
        for row, other in zip(self.kept, self.told, strict=True):
            if likeness(mine, other) > ALIKE:
                return f"too like {row.file}"
        return ""

    def row(self, piece: Made, reason: str) -> Row:
        """The manifest's line of a piece."""
        name = f"{self.stem}-{piece.number:0{len(str(self.n))}d}.{self.run.format}"
        nats = "" if piece.nats is None else f"{piece.nats:.4f}"
        plan = self.run.plan
        return Row(
            "" if reason else name, piece.number, nats, piece.notes, self.run.bars, self.seed, plan.seed_number,
            self.run.checkpoint, self.settings, reason, self.weights, self.key,
        )  # fmt: skip


def _free_stem(manifest: Manifest, key: str, stem: str, kind: str) -> str:
    """What this run's files are called before their numbers: STEM, or STEM-b and so on beside other runs' files."""
    for row in manifest.of(key):
        if row.file:
            return row.file.rpartition("-")[0]
    folder = manifest.path.parent
    names = {row.file for row in manifest.rows}
    names |= {p.name for place in (folder, folder / OTHERS) if place.is_dir() for p in place.iterdir()}
    for i in count():
        own = stem if i == 0 else f"{stem}-{chr(97 + i) if i < 26 else f'z{i}'}"
        ours = re.compile(rf"{re.escape(own)}-\d+\.{kind}")
        if not any(ours.fullmatch(name) for name in names):
            return own
    raise AssertionError("counting has no end")


def _settings(run: Run, unique: bool) -> str:
    """What is not as usual, for people."""
    plan, said = run.plan, []
    for mine, usual in ((plan.settings, SamplerSettings()), (plan.limits, Limits())):
        for each in fields(mine):
            if (value := getattr(mine, each.name)) != getattr(usual, each.name):
                said.append(f"{each.name} {value}")
    said += [f"style {plan.style}"] * bool(plan.style) + ["with the seed"] * run.with_seed + ["unique"] * unique
    return ", ".join(said)


def _next(results: Iterator[list[Made]]) -> list[Made]:
    """The next group. Raises FileError where whoever makes them has given up without a word."""
    found = next(results, None)
    if found is None:
        raise FileError("Not every piece was made: the processes that make them ended too early.")
    return found


def _in_order(runner: Runner, run: Run, groups: list[int], workers: int | None) -> Generator[list[Made], None, None]:
    """What the groups give, in their order, whatever order they are done in. A group that is lost is made again."""

    def name(group: int) -> str:
        return f"The pieces {numbers_of(group)[0]}-{numbers_of(group)[-1]}"

    one_thread_each()
    function: Callable[[int], list[Made]] = partial(make_group, run)
    early: dict[int, list[Made]] = {}
    turn = 0
    for number, answer in runner(function, groups, workers, _LIMIT_S, _LIMIT_BYTES, name):
        if type(answer) is FileError:
            ((_, answer),) = runner(function, [groups[number]], 1, _LIMIT_S, _LIMIT_BYTES, name)
        if isinstance(answer, MusegenError):
            raise answer
        early[number] = answer
        while turn in early:
            yield early.pop(turn)
            turn += 1

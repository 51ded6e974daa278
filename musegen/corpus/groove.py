"""Drum performances: MIDI files played to a click, taken apart into what is written and how it was played.

    grooves = read_grooves("groove")          the Groove MIDI Dataset, or any folder of drum MIDI files

Every onset is rounded to its nearest 16th (half up); that place is what is *written*, and the milliseconds from there
and the velocity are how it was *played*. Only 4/4 is read, and of the dataset the long performances ("beat", no fills)
with its own split (Gillick et al. 2019, "Learning to Groove with Inverse Sequence Transformations"; CC BY 4.0). Swing
and triplets are so written as 16ths that are played off their places. Knows nothing of networks.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import CorpusError, FileError, MusegenError
from ..events.drums import DRUM_OF_PITCH, STROKE_OF_PITCH, DrumRows
from ..piece import DRUMS, Piece, rescale
from .datasets import GROOVE, INFO, LICENCE, SPLITS, groove_rows
from .sources import MIDI_SUFFIXES

Floats = npt.NDArray[np.float64]

HELD_OUT = 0.1  # share of the files of a folder that has no split of its own


@dataclass(frozen=True, eq=False)
class Groove:
    """One performance. `rows` (N,): what is written, in the order of the score; `moment` (N,): milliseconds behind (or,
    negative, ahead of) the place there; `velocity` (N,): 1–127. `triplets`: the same written on thirds of a quarter
    with its own moments, if it is nearer to those. `tags`: whom and what it is played like.
    """

    name: str
    split: str
    tags: tuple[str, ...]
    rows: DrumRows
    moment: Floats
    velocity: Floats
    triplets: Groove | None = None

    def __len__(self) -> int:
        return len(self.rows)


class Grooves(NamedTuple):
    """What a folder holds. `left_out`: why files were not taken, and how many for each reason."""

    train: list[Groove]
    valid: list[Groove]
    left_out: Counter[str]
    credit: str
    licence: str

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag of a performance to learn from, sorted."""
        return tuple(sorted({tag for groove in self.train for tag in groove.tags}))


class _Listed(NamedTuple):
    path: Path
    name: str
    split: str
    tags: tuple[str, ...]


def read_grooves(folder: str | os.PathLike[str]) -> Grooves:
    """Every performance in `folder`. Raises CorpusError where there are none to learn from.

    With an info.csv, the dataset as it is published. Without, all MIDI files below: a subfolder's name is the tag of
    what is in it, and a stable hash of the name holds out one in ten.
    """
    from ..midi import read_midi  # here, so that training needs no MIDI library

    place = Path(folder)
    if not place.is_dir():
        raise CorpusError(f"{place} is not a folder: give one of drum performances as MIDI files.")
    left_out: Counter[str] = Counter()
    found: dict[str, list[Groove]] = {"train": [], "valid": [], "test": []}
    published = (place / INFO).is_file()
    for listed in _published(place, left_out) if published else _any(place):
        try:
            groove = groove_of(read_midi(listed.path), listed.name, listed.split, listed.tags)
        except FileError:
            left_out["cannot be read"] += 1
            continue
        except MusegenError as error:
            left_out[str(error)] += 1
            continue
        found[groove.split].append(groove)
    if not found["train"] or not found["valid"]:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common()) or "it holds no MIDI files"
        raise CorpusError(
            f"{place} has {len(found['train'])} drum performances to learn from and {len(found['valid'])} to judge by, "
            f"and needs some of both ({why})."
        )
    credit, licence = (GROOVE, LICENCE) if published else (str(place), "not stated: as the owner of the folder allows")
    return Grooves(found["train"], found["valid"], left_out, credit, licence)


def _published(place: Path, left_out: Counter[str]) -> Iterator[_Listed]:
    """What info.csv lists: long performances in 4/4 that are there."""
    for row in groove_rows(place):
        if row["beat_type"] != "beat":
            left_out["fills"] += 1
        elif row["time_signature"] != "4-4":
            left_out["not in 4/4"] += 1
        else:
            name, tags = row["midi_filename"], (row["drummer"], row["style"].split("/")[0])
            yield _Listed(place / name, name, SPLITS[row["split"]], tags)


def _any(place: Path) -> Iterator[_Listed]:
    """Every MIDI file below `place`."""
    for path in sorted(p for p in place.rglob("*") if p.suffix.lower() in MIDI_SUFFIXES and p.is_file()):
        name = path.relative_to(place).as_posix()
        share = int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) / 16**12
        yield _Listed(path, name, "valid" if share < HELD_OUT else "train", tuple(name.split("/")[:-1][:1]))


def groove_of(piece: Piece, name: str = "", split: str = "train", tags: tuple[str, ...] = ()) -> Groove:
    """The drums of a performance in 4/4. Raises MusegenError with a few words where there is nothing to learn."""
    drums = piece.notes["program"] == DRUMS
    if not drums.any():
        raise MusegenError("without drums")
    if any((m.numerator, m.denominator) != (4, 4) for m in piece.meters):
        raise MusegenError("not in 4/4")
    straight = _written(piece, 4, name, split, tags)
    if np.ptp(straight.velocity) == 0 or (np.abs(straight.moment) < 0.5).mean() > 0.9:
        raise MusegenError("written rather than played")
    thirds = _written(piece, 3, name, split, tags)
    nearer = np.abs(thirds.moment).mean() / 4 < np.abs(straight.moment).mean() / 3  # each in steps of its own grid
    return replace(straight, triplets=thirds) if nearer else straight


def _written(piece: Piece, steps: int, name: str, split: str, tags: tuple[str, ...]) -> Groove:
    """The drums as if written on a grid of `steps` a quarter, in the order of that score."""
    played = piece.notes[piece.notes["program"] == DRUMS]
    written = played.copy()
    resolution = piece.ticks_per_quarter
    written["onset"] = rescale(rescale(played["onset"], resolution, steps), steps, resolution)
    order = np.lexsort((STROKE_OF_PITCH[written["pitch"]], DRUM_OF_PITCH[written["pitch"]], written["onset"]))
    written, played = written[order], played[order]
    moment = 1000 * (piece.seconds(played["onset"]) - piece.seconds(written["onset"]))
    last = int(written["onset"].max()) + 1
    bars = np.arange(0, last + 4 * resolution, 4 * resolution, dtype=np.int64)
    rows = DrumRows.of_notes(written, resolution, bars, piece.tempos)
    return Groove(name, split, tags, rows, moment, played["velocity"].astype(np.float64))

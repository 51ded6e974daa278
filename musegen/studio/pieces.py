"""What the page shows of a piece: its notes as plain numbers, and how surprising each of them is.

All of it happens in worker processes (see `helper` and `making`), because the files are strangers'. Knows nothing of
requests or of where files are kept.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import CheckpointError, FileError, MidiError
from ..midi.music import MIDI, read_music
from ..midi.write import midi_bytes
from ..piece import DRUMS, PITCH_CLASS_NAMES, TICKS_PER_QUARTER, Key, Notes, Piece, rescale
from ..sampling.keys import count, estimate
from .helper import give_way

MOST_NOTES, MOST_BARS = 50_000, 4_000
"""What a page can show and scroll; an hour of dense piano."""

MOST_BYTES = 4 * 2**20
"""Of a view: what else a file may be full of, such as changes of tempo."""

_LONGEST_TEXT = 120


@dataclass(frozen=True)
class Upload:
    """A file to be read, under a name of our own, and what the person calls it."""

    path: str
    name: str


class Shown(NamedTuple):
    """A piece under its new id: `view` is the JSON of protocol.ts' `PieceView`."""

    id: str
    name: str
    view: bytes
    notes: int


class Reading(NamedTuple):
    """A file that was read: what is shown of it, and its bytes as MIDI."""

    shown: Shown
    midi: bytes


def read(upload: Upload) -> Reading:
    """Read a file of any kind, for people: its own bytes if they are MIDI, else made into it. Raises MusegenError."""
    try:
        piece = read_music(upload.path)
    except FileError as error:
        kind = MidiError if isinstance(error, MidiError) else FileError  # nothing foreign has run amok
        ours, theirs = os.path.splitext(upload.path)[0], os.path.splitext(upload.name)[0]
        text = str(error).replace(upload.path, upload.name).replace(os.path.basename(ours), theirs)
        raise kind(text) from None
    shown = show(piece, upload.name)
    if os.path.splitext(upload.path)[1] not in MIDI:
        return Reading(shown, midi_bytes(piece))
    with open(upload.path, "rb") as file:
        return Reading(shown, file.read())


def show(piece: Piece, name: str) -> Shown:
    """`piece` as the page draws it. Raises FileError where it has no notes or more than a page can show."""
    _check(piece, name)
    id = secrets.token_urlsafe(12)
    view = json.dumps({"id": id, "name": name, **_view(piece)}, ensure_ascii=False, separators=(",", ":")).encode()
    if len(view) > MOST_BYTES:
        raise FileError(f"{name} holds more changes of tempo, meter and players than the page can show.")
    return Shown(id, name, view, len(piece))


def _check(piece: Piece, name: str) -> None:
    if not len(piece):
        raise FileError(f"{name} holds no notes.")
    ends = [*(m.tick for m in piece.meters[1:]), max(piece.end, piece.meters[-1].tick)]
    spans = zip(piece.meters, ends, strict=True)
    bars = sum(max(0, end - m.tick) // m.bar_ticks(piece.ticks_per_quarter) for m, end in spans)
    if len(piece) > MOST_NOTES or bars > MOST_BARS:
        raise FileError(
            f"{name} has {len(piece):,} notes in {bars:,} bars; the page shows up to {MOST_NOTES:,} notes and "
            f"{MOST_BARS:,} bars: take a part of it."
        )


def _view(piece: Piece) -> dict[str, Any]:
    shown = on_grid(piece)
    columns = [shown.notes[name].tolist() for name in ("onset", "duration", "pitch", "velocity", "program", "part")]
    return {
        "title": piece.metadata.title[:_LONGEST_TEXT],
        "notes": list(zip(*columns, strict=True)),
        "parts": _parts(piece),
        "meters": [list(m) for m in shown.meters],
        "tempos": _changes([(t.tick, round(t.qpm, 3)) for t in shown.tempos]),
        "key": _key(piece),
        "end": shown.end,
        "bars": rescale(piece.bar_starts(), piece.ticks_per_quarter, TICKS_PER_QUARTER).tolist(),
        "seconds": round(float(piece.seconds([piece.end])[0]), 3),
    }


def on_grid(piece: Piece) -> Piece:
    """`piece` on the page's ticks: its notes there are in the order of a view's."""
    return piece.at_resolution(TICKS_PER_QUARTER)


def _changes(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows (tick, value …) of a map that change it: the last of those at one tick, if it says anything new."""
    kept: list[tuple[Any, ...]] = []
    for row in {row[0]: row for row in rows}.values():
        if not kept or kept[-1][1:] != row[1:]:
            kept.append(row)
    return kept


def _parts(piece: Piece) -> list[dict[str, Any]]:
    found = []
    for part in np.unique(piece.notes["part"]).tolist():
        programs = Counter(piece.notes["program"][piece.notes["part"] == part].tolist())
        name = piece.part_names[part][:_LONGEST_TEXT] if part < len(piece.part_names) else ""
        found.append({"part": part, "name": name, "program": programs.most_common(1)[0][0], "notes": programs.total()})
    return found


def _key(piece: Piece) -> str:
    """The key that the file begins in, or the one that its notes fit best; empty: hard to say."""
    if piece.keys:
        return key_name(piece.keys[0])
    pitched: Notes = piece.notes[piece.notes["program"] != DRUMS]
    return estimate(count(pitched["pitch"].astype(int).tolist()))


def key_name(key: Key) -> str:
    """Such as "E♭ major" or "D minor"."""
    tonic = (7 * key.fifths + (9 if key.minor else 0)) % 12
    return f"{PITCH_CLASS_NAMES[tonic]} {'minor' if key.minor else 'major'}"


@dataclass(frozen=True)
class Question:
    """How surprising is the MIDI file at `path` to a checkpoint (a folder or a shipped name), `called` so?"""

    path: str
    name: str
    checkpoint: str
    called: str


def surprise(question: Question) -> dict[str, Any]:
    """protocol.ts' `Surprise`. Notes that are there twice surprise once. Raises CheckpointError, FileError."""
    from ..batches.group import digest_of, model_of
    from ..engine.bars import BarMaker
    from ..evaluation.density import density
    from ..events.codec import EventCodec

    give_way()
    if not judges(question.checkpoint):
        raise CheckpointError(f"{question.called} cannot say how likely a note is: choose another checkpoint.")
    engine = model_of(question.checkpoint, digest_of(question.checkpoint), exact=True)
    assert not isinstance(engine, BarMaker)  # `judges` has seen to that
    piece = on_grid(read_music(question.path))
    found = density(engine, piece)
    _, _, places, _ = EventCodec().on_grid(piece)
    nats = np.zeros(len(piece))
    nats[places] = found.notes.sum(1)
    return {"checkpoint": question.called, "nats": np.round(nats, 4).tolist(), "mean": round(found.per_note, 4)}


def judges(checkpoint: str | os.PathLike[str]) -> bool:
    """Whether it says how likely each note is, in numpy. Raises CheckpointError."""
    from ..checkpoint import config_of, find
    from ..engine.base import ENGINES

    return config_of(find(checkpoint)).family in ENGINES

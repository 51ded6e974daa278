"""Datasets that a user has in a folder: which files to take, their style, split and licence.

    groove:FOLDER       the Groove MIDI Dataset as it is published, with its info.csv
    giantmidi:FOLDER    MIDI files of GiantMIDI-Piano

Neither is of a size to come with musegen; both are CC BY 4.0, so their authors are named in the card of whatever
learns from them. Knows nothing of events.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import CorpusError
from ..piece import DRUMS, Piece
from .sources import MIDI_SUFFIXES, Item

INFO = "info.csv"
COLUMNS = ("drummer", "style", "beat_type", "time_signature", "midi_filename", "split")
SPLITS = {"train": "train", "validation": "valid", "test": "test"}
LICENCE = "CC BY 4.0"
GROOVE = (
    "Groove MIDI Dataset (Magenta, Google LLC): J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman, Learning to "
    "Groove with Inverse Sequence Transformations, ICML 2019 (https://magenta.tensorflow.org/datasets/groove)"
)
GIANTMIDI = (
    "GiantMIDI-Piano: Q. Kong, B. Li, J. Chen, Y. Wang, GiantMIDI-Piano: A large-scale MIDI dataset for classical "
    "piano music, TISMIR 5(1), 2022 (https://github.com/bytedance/GiantMIDI-Piano)"
)
FILL = "fill"
"""The style of the dataset's fills. They are half its files and a bar long: under the style of the beat that they
interrupt, every second piece of that style would be one."""

_KIT = {22: 42, 26: 46, 58: 43}
"""What General MIDI calls the strokes of the dataset's kit that it lacks or that mean something else there: both edges
of the hi-hat, and the rim of the floor tom (58 would be a vibraslap)."""


def groove_rows(folder: Path) -> list[dict[str, str]]:
    """The lines of the dataset's info.csv, in its order. Raises CorpusError."""
    file = folder / INFO
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except FileNotFoundError:
        raise CorpusError(f"{folder} is not the Groove MIDI Dataset: it holds no {INFO}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{file} cannot be read ({error}).") from error
    if missing := [c for c in COLUMNS if not rows or c not in rows[0] or None in (r[c] for r in rows)]:
        raise CorpusError(f"{file} lacks the column {missing[0]}: it is not that of the Groove MIDI Dataset.")
    if strange := [r["split"] for r in rows if r["split"] not in SPLITS]:
        raise CorpusError(f"{file} has the split {strange[0]!r}; known: {', '.join(SPLITS)}.")
    return rows


def groove(folder: Path) -> Iterator[Item]:
    """The performances of the Groove MIDI Dataset, with its own split. Raises CorpusError."""
    for row in groove_rows(folder):
        name = row["midi_filename"]
        style = FILL if row["beat_type"] == "fill" else row["style"].partition("/")[0]
        key = f"groove/{Path(name).with_suffix('').as_posix()}"
        player = row["drummer"]
        title = f"{row['style']}, {row['beat_type']}, {row['time_signature'].replace('-', '/')}"
        yield Item(
            key, folder / name, "groove", style, f"{LICENCE}: {GROOVE}", player, title=title, split=SPLITS[row["split"]]
        )


def giantmidi(folder: Path) -> Iterator[Item]:
    """The files of GiantMIDI-Piano in `folder`; their names begin with the composer and end with a recording's id."""
    if not folder.is_dir():
        raise CorpusError(f"There is no folder {folder}: giantmidi:FOLDER is one of GiantMIDI-Piano's MIDI files.")
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in MIDI_SUFFIXES and p.is_file()):
        composer = re.split(r"[,_]", path.stem)[0].strip()
        key = f"giantmidi/{path.relative_to(folder).with_suffix('').as_posix()}"
        yield Item(key, path, "giantmidi", "piano", f"{LICENCE}: {GIANTMIDI}", composer)


def general_midi(piece: Piece) -> Piece:
    """`piece` with the strokes of the dataset's drum kit as General MIDI numbers them."""
    table = np.arange(128, dtype=np.uint8)
    table[list(_KIT)] = list(_KIT.values())
    notes = piece.notes.copy()
    drums = notes["program"] == DRUMS
    notes["pitch"][drums] = table[notes["pitch"][drums]]
    return dataclasses.replace(piece, notes=notes[np.lexsort((notes["pitch"], notes["part"], notes["onset"]))])

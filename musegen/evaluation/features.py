"""What a classifier that is no model of music is told of a piece: a few dozen shares and means.

Two views. `as it is` has the instruments, and with them much that is no style: choirs sing chorales, game music has
electric guitars. `without_instruments` is the same piece on pianos at one loudness without drums; what is left is pitch
and time.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events import derived
from ..events.codec import EventCodec, Events, Rows, onsets
from ..piece import DRUMS, Meter, Piece

Vector = npt.NDArray[np.float64]

LOUDNESS = 82
_PHASES, _STEP = 16, 6  # places in a bar, in sixteenths; later ones count to the last
_LEAPS = 12  # semitones; larger steps count as this
_LENGTHS = np.array([3, 6, 8, 12, 16, 18, 24, 36, 48, 72, 96])  # ticks: upper ends of the bins of duration and gap


def without_instruments(piece: Piece) -> Piece:
    """`piece` on pianos, a part each, all notes equally loud, drums left out (unless there is nothing else)."""
    tuned = piece.notes[piece.notes["program"] != DRUMS]
    notes = (tuned if len(tuned) else piece.notes).copy()
    notes["program"], notes["velocity"] = 0, LOUDNESS
    return dataclasses.replace(piece, notes=notes)


def rows_without_instruments(rows: Rows, meters: tuple[Meter, ...]) -> Rows:
    """The same for event rows."""
    codec = EventCodec()
    return codec.encode(without_instruments(codec.decode(Events(rows, meters=meters)))).rows


def names() -> list[str]:
    """What each place of `features` is."""
    out = [f"pitch class {i} above the commonest" for i in range(12)]
    out += [f"step {i:+d}" for i in range(-_LEAPS, _LEAPS + 1)]
    out += [f"duration ≤ {e}" for e in [*_LENGTHS.tolist(), "∞"]]
    out += [f"gap ≤ {e}" for e in [*_LENGTHS.tolist(), "∞"]]
    out += [f"onset at sixteenth {i} of the bar" for i in range(_PHASES)]
    out += [f"meter {i}" for i in range(derived.METER_CLASSES)]
    out += [f"{n} notes together" for n in range(1, 7)]
    out += ["mean pitch", "spread of pitch", "lowest", "highest", "log notes", "notes a quarter", "instruments"]
    out += [f"family {i}" for i in range(16)] + ["drums", "mean loudness", "spread of loudness"]
    return out


def features(rows: Rows, meters: tuple[Meter, ...]) -> Vector:
    """Summary of a piece's event rows (N, 5) with at least one note."""
    note = at.is_note(rows)
    now, notes = onsets(rows)[note], rows[note].astype(np.int64)
    tuned = notes[:, at.INSTRUMENT] != at.DRUM_INSTRUMENT
    pitch = notes[tuned if tuned.any() else slice(None), at.PITCH]
    classes = np.bincount(pitch % 12, minlength=12)
    bar, meter = derived.bar_position(now, meters)
    starts, together = np.unique(now, return_counts=True)
    duration = at.DURATIONS[notes[:, at.DURATION]]
    velocity = notes[:, at.VELOCITY] * at.VELOCITY_STEP
    programs = notes[:, at.INSTRUMENT] // at.COPIES
    length = max(1, int((now + duration).max() - now[0])) / 24
    parts = [
        _shares(np.roll(classes, -int(classes.argmax()))),
        _shares(np.bincount(_steps(notes[tuned]) + _LEAPS, minlength=2 * _LEAPS + 1)),
        _shares(np.bincount(np.searchsorted(_LENGTHS, duration), minlength=len(_LENGTHS) + 1)),
        _shares(np.bincount(np.searchsorted(_LENGTHS, np.diff(starts)), minlength=len(_LENGTHS) + 1)),
        _shares(np.bincount(np.minimum(bar // _STEP, _PHASES - 1), minlength=_PHASES)),
        _shares(np.bincount(meter, minlength=derived.METER_CLASSES)),
        _shares(np.bincount(np.minimum(together, 6) - 1, minlength=6)),
        [pitch.mean() / 12, pitch.std() / 12, pitch.min() / 12, pitch.max() / 12],
        [np.log(len(notes)), len(notes) / length, len(np.unique(notes[:, at.INSTRUMENT]))],
        _shares(np.bincount(programs // 8, minlength=17)),  # drums, program 128, are the seventeenth family
        [velocity.mean() / 32, velocity.std() / 32],
    ]
    return np.concatenate([np.asarray(p, np.float64) for p in parts])


def _shares(counts: npt.NDArray[np.int64]) -> Vector:
    result: Vector = counts / max(1, counts.sum())
    return result


def _steps(notes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The melodic steps of each instrument, −_LEAPS … _LEAPS semitones."""
    order = np.argsort(notes[:, at.INSTRUMENT], kind="stable")
    notes = notes[order]
    same = np.diff(notes[:, at.INSTRUMENT]) == 0
    steps: npt.NDArray[np.int64] = np.clip(np.diff(notes[:, at.PITCH])[same], -_LEAPS, _LEAPS)
    return steps

"""What a voice's next cell may depend on, and the chains of contexts that are counted.

A piece is an array (T, 4) of cells: soprano, alto, tenor, bass of each 16th, 0 … PITCHES-1 for MIDI pitches from LOW,
REST for silence. Frames follow each other; inside one the voices are scored in ORDER, each given those before it. All
pitches in contexts are relative to the voice's own last one, so that a piece teaches every key at once. numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Cells = npt.NDArray[np.int64]

LOW, PITCHES = 36, 46
REST = PITCHES
VALUES = PITCHES + 1
VOICES = 4
ORDER = (0, 3, 1, 2)  # the melody, what it stands on, then the middle: each is surer than the one before
STEPS = 2 * PITCHES  # values relative to a pitch: -45 … 45, and a rest
_FIRST = (35, 28, 21, 14)  # what a voice's first pitch is relative to
_NEVER, _SILENT = 99, 98  # among relative pitches
_BEAT, _BAR = 4, 16  # 16ths
_HOLD = 12  # longer holds are told apart only by their place in the beat
_FADE = 0.97  # a frame, of the pitch classes that say the key

# Krumhansl & Kessler 1982: how well each pitch class fits a major and a minor key.
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_PROFILES = np.array([np.roll((p - p.mean()) / p.std(), k) for p in (_MAJOR, _MINOR) for k in range(12)])

_STATE = "own start held beat"
CHAINS: tuple[tuple[str, ...], ...] = (
    (_STATE, "moved", "harmony", "o1", "key", "o2"),
    (_STATE, "moved", "lead", "second", "rest", "o1 key", "o2"),
    (_STATE, "o1", "o2", "o3", "o4", "o5", "o6"),
    (_STATE, "key", "o1", "bar", "o2", "o3", "d1"),
    (_STATE, "d1", "d2", "moved", "bar", "d3 d4"),
    (_STATE, "helds", "moved", "harmony", "o1"),
    (_STATE, "moved", "key", "harmony", "o1", "o2"),
    ("own start", "moved key", "classes", "held beat", "o1"),
    (_STATE, "moved", "o1 d1", "known", "key", "o2 d2"),
    (_STATE, "moves moved", "key", "o1", "before"),
    (_STATE, "moved bar", "key", "classes", "o1", "helds"),
    (_STATE, "o1 d1", "o2 d2", "o3 d3", "o4 d4"),
    (_STATE, "before", "moved", "moves", "o1", "helds"),
    (_STATE, "key", "d1 o1", "known", "moved", "helds"),
)
"""Each adds its names, level by level, to a context that begins with nothing."""


class Place(NamedTuple):
    """A voice of a piece, ready to be counted: features by name, values relative to `reference`, all (T,)."""

    features: dict[str, npt.NDArray[np.int64] | Keys]
    values: Ints  # 0 … STEPS-1
    reference: Ints  # 0 … PITCHES-1


def places(piece: Cells) -> list[Place]:
    """The four voices of a piece (T, 4), in ORDER."""
    past = _Past(piece)
    return [_place(piece, past, n) for n in range(VOICES)]


def mix(key: Keys, value: npt.NDArray[np.integer]) -> Keys:
    """A 64-bit hash of keys and one more number each (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        x = (key + np.uint64(0x9E3779B97F4A7C15)) ^ (value.astype(np.uint64) * np.uint64(0xD1342543DE82EF95))
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Keys = x ^ (x >> np.uint64(31))
    return mixed


def levels(place: Place, chain: int) -> Iterator[Keys]:
    """The key (T,) of every level of a chain, the shortest first."""
    key = np.full(len(place.values), chain, np.uint64)
    yield key
    for names in CHAINS[chain]:
        for name in names.split():
            key = mix(key, place.features[name])
        yield key


def to_absolute(values: Ints, reference: Ints) -> Cells:
    """Cells from values relative to `reference`."""
    return np.where(values == STEPS - 1, REST, values - (PITCHES - 1) + reference)


class _Past:
    """What the frames before each one were, voice by voice."""

    def __init__(self, piece: Cells) -> None:
        each = [_notes(voice) for voice in piece.T]
        self.pitches, self.lengths, self.held = (np.stack(x, 1) for x in zip(*each, strict=True))
        self.last = self.pitches[:, :, 0]  # the cell of the frame before
        sounding = np.where((self.last >= 0) & (self.last < PITCHES), self.last, -1)
        since = np.maximum.accumulate(np.where(sounding >= 0, np.arange(len(piece))[:, None], -1), axis=0)
        found = np.take_along_axis(sounding, np.maximum(since, 0), 0)
        self.reference = np.where(since >= 0, found, _FIRST)
        self.key = _keys(piece)


def _notes(cells: Ints) -> tuple[Ints, Ints, Ints]:
    """Before each frame: the latest pitches (T, 7), the lengths (T, 4) of the notes that are over, how long the
    latest has been held (T,); -99 where there is none."""
    n = len(cells)
    new = np.append(True, cells[1:] != cells[:-1])[:n]
    starts = np.flatnonzero(new)
    latest = np.append(-1, np.cumsum(new)[:-1] - 1)
    lengths = np.diff(np.append(starts, n))

    def back(values: Ints, k: int) -> Ints:
        return np.where(latest >= k, values[np.maximum(latest - k, 0)], -99)

    held = np.where(latest >= 0, np.arange(n) - starts[np.maximum(latest, 0)], 0)
    pitches = np.stack([back(cells[starts], k) for k in range(7)], 1)
    return pitches, np.stack([back(lengths, k) for k in range(1, 5)], 1), held


def _keys(piece: Cells) -> Ints:
    """The key (T,) before each frame: 0-11 major, 12-23 minor, 24 not known."""
    sounds = np.zeros((len(piece), 12))
    for voice in piece.T:
        at = np.flatnonzero(voice < PITCHES)
        np.add.at(sounds, (at, (voice[at] + LOW) % 12), 1)
    faded, sums = np.zeros(12), np.zeros((len(piece), 12))
    for t in range(1, len(piece)):
        faded = _FADE * faded + sounds[t - 1]
        sums[t] = faded
    return np.where(sums.any(1), (sums @ _PROFILES.T).argmax(1), 24)


def _place(piece: Cells, past: _Past, n: int) -> Place:
    voice, known, others = ORDER[n], ORDER[:n], [w for w in ORDER if w != ORDER[n]]
    reference, t = past.reference[:, voice], np.arange(len(piece))

    def relative(cells: Ints) -> Ints:
        return np.where((cells >= 0) & (cells < PITCHES), cells - reference, np.where(cells == REST, _SILENT, _NEVER))

    now = {w: relative(piece[:, w] if w in known else past.last[:, w]) for w in others}
    held, nothing = past.held[:, voice], np.zeros(len(piece), np.uint64)
    features: dict[str, npt.NDArray[np.int64] | Keys] = {
        "own": (past.last[:, voice] == REST).astype(np.int64),
        "start": np.minimum(t, 1),
        "held": np.where(held < _HOLD, held, _HOLD + held % _BEAT),
        "beat": t % _BEAT,
        "bar": t % _BAR,
        "key": np.where(past.key < 24, (past.key - reference - LOW) % 12 + past.key // 12 * 12, 30),
        "moved": sum((piece[:, w] != past.last[:, w]) * 2**i for i, w in enumerate(known)) + np.zeros_like(t),
        "harmony": _hashed(nothing, [now[w] for w in others]),
        "classes": _hashed(nothing, [np.where(now[w] < _SILENT, now[w] % 12, now[w]) for w in others]),
        "before": _hashed(nothing, [relative(past.last[:, w]) for w in ORDER]),
        "helds": _hashed(nothing, [np.minimum(past.held[:, w], 9) for w in ORDER]),
        "moves": _hashed(nothing, [_motion(past.last[:, w], piece[:, w]) for w in known]),
        "lead": now[others[0]],
        "second": now[others[1]],
        "known": _hashed(nothing, [now[w] for w in known or others]),
        "rest": _hashed(nothing, [now[w] for w in others if w not in known] or [now[w] for w in known]),
    }
    features |= {f"d{k}": past.lengths[:, voice, k - 1] for k in range(1, 5)}
    features |= {f"o{k}": relative(past.pitches[:, voice, k]) for k in range(1, 7)}
    cells = piece[:, voice]
    return Place(features, np.where(cells < PITCHES, cells - reference + PITCHES - 1, STEPS - 1), reference)


def _motion(before: Ints, now: Ints) -> Ints:
    both = (before >= 0) & (before < PITCHES) & (now < PITCHES)
    return np.where(both, now - before, _NEVER)


def _hashed(key: Keys, values: list[Ints]) -> Keys:
    for value in values:
        key = mix(key, value)
    return key

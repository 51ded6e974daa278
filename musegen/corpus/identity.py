"""When are two pieces the same? Fingerprints of event rows that ignore key, tempo, loudness and instrument.

Knows nothing of files. Three strengths: `exact` (same notes: a duplicate), `relative` (same notes in some
key), and *sketches*: the smallest hashes of a piece's short phrases (Broder 1997, "On the resemblance and
containment of documents"), so that variants of one tune find each other without comparing every pair.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..events import attributes as at
from ..events.codec import Rows, onsets

SKETCH = 64  # hashes kept of each piece
_MELODY_PHRASE = 6  # intervals
_TEXTURE_PHRASE = 4  # onsets
_GENERIC_TITLES = 8  # a title that more pieces than this carry ("Menuetto") identifies none of them


class Identity(NamedTuple):
    """Fingerprints of one piece: two hex strings and two sorted lists of hashes."""

    exact: str
    relative: str
    melody: list[int]
    texture: list[int]


def identify(rows: Rows) -> Identity:
    """The fingerprints of a piece given as event rows (N, 5)."""
    note = at.is_note(rows)
    onset, rows = onsets(rows)[note], rows[note].astype(np.int64)
    start = onset - onset[0] if len(onset) else onset
    table = np.stack([start, rows[:, at.PITCH], rows[:, at.DURATION], rows[:, at.INSTRUMENT] == at.DRUM_INSTRUMENT])
    tuned = table[3] == 0
    relative = table.copy()
    relative[1, tuned] -= relative[1, tuned].min(initial=127)
    tops, columns = _columns(start[tuned], rows[tuned, at.PITCH])
    return Identity(
        _digest(table), _digest(relative), _sketch(_phrases(np.diff(tops), _MELODY_PHRASE)), _texture(tops, columns)
    )


def _digest(table: npt.NDArray[np.int64]) -> str:
    order = np.lexsort(table[::-1])
    return hashlib.sha256(np.ascontiguousarray(table[:, order]).tobytes()).hexdigest()[:32]


def _columns(
    onset: npt.NDArray[np.int64], pitch: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int64]]]:
    """The highest pitch struck at each onset, and all the pitches struck at it."""
    starts, where = np.unique(onset, return_inverse=True)
    order = np.lexsort((pitch, where))
    columns = np.split(pitch[order], np.searchsorted(where[order], np.arange(1, len(starts)))) if len(starts) else []
    return np.array([c[-1] for c in columns], dtype=np.int64), columns


def _phrases(steps: npt.NDArray[np.int64], length: int) -> list[bytes]:
    if len(steps) < length:
        return [steps.tobytes()] if len(steps) else []
    return [w.tobytes() for w in np.lib.stride_tricks.sliding_window_view(steps, length)]


def _texture(tops: npt.NDArray[np.int64], columns: list[npt.NDArray[np.int64]]) -> list[int]:
    """Sketch of whole chords: each onset is its pitches below the top and the top's step from the onset before."""
    steps = np.diff(tops, prepend=tops[:1])
    words = [bytes([int(s) & 255]) + bytes((c[-1] - c).astype(np.uint8)) for s, c in zip(steps, columns, strict=True)]
    words = words[1:]
    return _sketch([b"|".join(words[i : i + _TEXTURE_PHRASE]) for i in range(max(1, len(words) - _TEXTURE_PHRASE + 1))])


def _sketch(phrases: list[bytes]) -> list[int]:
    hashes = {int.from_bytes(hashlib.blake2b(p, digest_size=6).digest(), "big") for p in phrases}
    return sorted(hashes)[:SKETCH]


def resemblance(one: list[int], other: list[int]) -> float:
    """How alike two sketches are, 0 to 1: the share of the shorter one that is in the other."""
    if not one or not other:
        return 0.0
    return len(set(one) & set(other)) / min(len(one), len(other))


def title_key(title: str) -> str:
    """A title without case, articles, punctuation and the kind of dance; "" where nothing is left."""
    words = re.sub(r"\(.*?\)|\[.*?\]|'s\b", " ", title.lower()).replace("'", "")
    words = re.sub(r"[^\w\s]|_", " ", words)
    dull = {"the", "a", "an", "reel", "jig", "hornpipe", "strathspey", "polka", "march", "waltz", "air", "or", "no"}
    return " ".join(w for w in words.split() if w not in dull)


class _Groups:
    """Union-find over piece numbers."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        a, b = self.root(i), self.root(j)
        self.parent[max(a, b)] = min(a, b)


def tunes(identities: list[Identity], titles: list[str], alike: float = 0.35) -> list[str]:
    """For each piece the name of the tune it is a variant of: pieces with one name must share a split.

    Pieces belong together when they are transpositions of each other, share a title that is not generic, or
    share at least `alike` of their melody sketch. The name is the smallest `relative` hash of the group.
    """
    groups = _Groups(len(identities))
    keys = (([i.relative for i in identities], len(identities)), ([title_key(t) for t in titles], _GENERIC_TITLES))
    for values, limit in keys:
        members: dict[str, list[int]] = {}
        for number, value in enumerate(values):
            if value:
                members.setdefault(value, []).append(number)
        for together in members.values():
            for other in together[1:] if len(together) <= limit else ():
                groups.join(together[0], other)
    for number, other in alike_pairs([i.melody for i in identities], alike):
        groups.join(number, other)
    names: dict[int, str] = {}
    for number, identity in enumerate(identities):
        root = groups.root(number)
        names[root] = min(names.get(root, identity.relative), identity.relative)
    return [names[groups.root(number)] for number in range(len(identities))]


def alike_pairs(sketches: list[list[int]], alike: float) -> list[tuple[int, int]]:
    """Pairs of sketches whose `resemblance` is at least `alike`, through an index of their hashes."""
    index: dict[int, list[int]] = {}
    pairs = []
    for number, sketch in enumerate(sketches):
        shared: dict[int, int] = {}
        for value in sketch:
            for other in index.get(value, ()):
                shared[other] = shared.get(other, 0) + 1
            index.setdefault(value, []).append(number)
        for other, count in shared.items():
            if count >= alike * min(len(sketch), len(sketches[other])) and count >= 4:
                pairs.append((other, number))
    return pairs

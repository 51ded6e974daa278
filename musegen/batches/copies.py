"""Whether music is a copy: of what a checkpoint learnt from, or of another piece. By melody and rhythm, in any key.

A *phrase* is NOTES successive notes of one part, the highest where several begin together, told by their intervals and
the times between them; drums have none, for their patterns are everybody's. A checkpoint's training phrases are kept
beside it as a Bloom filter (Bloom 1970: never forgets one, and seldom takes a strange one for known): a megabyte stands
for the corpus. Two pieces are alike by the phrases that they share (Broder 1997). Knows nothing of models. numpy only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..atomic import write_atomically
from ..corpus.store import Corpus
from ..errors import CheckpointError
from ..events import attributes as at
from ..events.codec import EventCodec, Events, Rows, onsets
from ..piece import Piece

FILE = "phrases.safetensors"
NOTES = 7
"""How many notes a phrase has."""

FEWEST = 8
"""Phrases of its own that a piece must have before their share means anything."""

Hashes = npt.NDArray[np.uint64]
"""The hashes of a piece's phrases in order, part after part, with a 0 between two parts."""

_FORMAT = 1
_GAP = 192  # ticks; a longer silence, two bars of 4/4, ends a phrase
_PROBES = 4  # bits a phrase sets
_BITS_EACH = 12  # bits of the filter a phrase: with four probes .65 % of strange phrases seem known
_ODD = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # the constants of splitmix64 (Steele et al. 2014)


def phrases(piece: Piece) -> Hashes:
    """The phrases of a piece."""
    return phrases_of_rows(EventCodec().encode(piece).rows)


def phrases_of_rows(rows: Rows) -> Hashes:
    """The phrases of event rows (N, 5)."""
    note = at.is_note(rows)
    table = np.stack([rows[note, at.INSTRUMENT], onsets(rows)[note], rows[note, at.PITCH]]).astype(np.int64)
    table = table[:, table[0] != at.DRUM_INSTRUMENT]
    instrument, onset, pitch = table[:, np.lexsort((table[2], table[1], table[0]))]
    top = np.append((np.diff(instrument) != 0) | (np.diff(onset) != 0), True)[: len(onset)]
    out: list[Hashes] = []
    for part in np.unique(instrument):
        mine = top & (instrument == part)
        apart = np.diff(onset[mine])
        steps = (np.diff(pitch[mine]) + 128) * 256 + np.minimum(apart, _GAP)
        for some in np.split(steps, np.flatnonzero(apart >= _GAP) + 1):
            out += [_hashed(some), np.zeros(1, np.uint64)]
    return np.concatenate(out[:-1]) if out else np.zeros(0, np.uint64)


def _hashed(steps: npt.NDArray[np.int64]) -> Hashes:
    """A hash of each NOTES - 1 successive steps, none of them 0."""
    count = len(steps) - NOTES + 2
    if count <= 0:
        return np.zeros(0, np.uint64)
    value = np.zeros(count, np.uint64)
    for i in range(NOTES - 1):
        value = _mixed(value + steps[i : i + count].astype(np.uint64))
    return np.maximum(value, np.uint64(1))


def _mixed(value: Hashes) -> Hashes:
    value = value + np.uint64(_ODD[0])
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_ODD[1])
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_ODD[2])
    return value ^ (value >> np.uint64(31))


def longest_run(hashes: Hashes, known: npt.NDArray[np.bool_]) -> int:
    """How many notes the longest run of `known` phrases (N,) spans; a phrase that comes again in it counts once."""
    inside = known & (hashes != 0)
    run = np.cumsum(np.diff(inside, prepend=False) & inside)[inside]  # the number of the run that each is in
    if not len(run):
        return 0
    each = np.unique(np.stack([run.astype(np.uint64), hashes[inside]]), axis=1)[0]
    return int(np.bincount(each.astype(np.int64)).max()) + NOTES - 1


def likeness(one: frozenset[int], other: frozenset[int]) -> float:
    """What share of the phrases of the piece with fewer the other has as well, 0 to 1; 0 for fewer than FEWEST, unless
    they are all the same."""
    if one and one == other:
        return 1.0
    fewer = min(len(one), len(other))
    return len(one & other) / fewer if fewer >= FEWEST else 0.0


@dataclass(frozen=True, eq=False)
class Known:
    """The phrases of the music that a checkpoint learnt from. `bits` is the filter, eight bits a byte; a fine-tuned
    checkpoint has besides the filters of those that it comes from, `before`.

    `longest` and `share` say how many notes in a row, and what share of their phrases, 99 in 100 held-out pieces of
    eight bars have of that music by custom or chance: what has more is a copy.
    """

    bits: npt.NDArray[np.uint8]
    longest: int = 24
    share: float = 0.9
    before: tuple[npt.NDArray[np.uint8], ...] = ()

    @classmethod
    def of_corpus(cls, corpus: Corpus) -> Known:
        """Of the pieces in the corpus's training split; what is usual is measured on those of its validation split."""
        known = cls.of_phrases(_Learnt(corpus))
        usual = np.array([known.overlap(new, seed) for seed, new in _held_out(corpus)])
        if not len(usual):
            return known
        longest, share = np.quantile(usual, 0.99, axis=0)
        return cls(known.bits, max(NOTES, int(longest)), min(0.99, float(share)))

    @classmethod
    def of_phrases(cls, pieces: Iterable[Hashes]) -> Known:
        """Of so many pieces' phrases; `pieces` is gone through twice, and never all in memory."""
        bits = np.zeros(max(1, _distinct(pieces) * _BITS_EACH // 8), np.uint8)
        for hashes in pieces:
            for place in _places(hashes[hashes != 0], len(bits)):
                np.bitwise_or.at(bits, place >> 3, (1 << (place & 7)).astype(np.uint8))
        return cls(bits)

    def after(self, before: Known) -> Known:
        """What is known to a checkpoint that was fine-tuned from one that knew `before`. Of what is usual, the more:
        the little music of a fine-tuning says little of that."""
        longest, share = max(self.longest, before.longest), max(self.share, before.share)
        return Known(self.bits, longest, share, (before.bits, *before.before))

    def overlap(self, new: Hashes, seed: Hashes) -> tuple[int, float]:
        """How many notes in a row of `new` are known, and what share of its phrases; those of the seed do not count.

        A piece of fewer than FEWEST phrases has no share to speak of: 0.
        """
        own = ~np.isin(new, seed)
        each = np.unique(new[own & (new != 0)])
        share = float(self.holds(each).mean()) if len(each) >= FEWEST else 0.0
        return longest_run(new, own & self.holds(new)), share

    def copied(self, new: Hashes, seed: Hashes) -> bool:
        """Whether `new` has more of the known music than music has by itself, not counting what `seed` has too."""
        longest, share = self.overlap(new, seed)
        return longest > self.longest or share > self.share

    def holds(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of the phrases (N,) are known; about one strange one in 150 seems so as well."""
        found = np.zeros(len(hashes), np.bool_)
        for bits in (self.bits, *self.before):
            here = hashes != 0
            for place in _places(hashes, len(bits)):
                here = here & ((bits[place >> 3] >> (place & 7)) & 1 == 1)
            found |= here
        return found

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Put it beside a checkpoint's weights. Raises FileError."""
        from safetensors.numpy import save

        path = Path(folder) / FILE
        scale = np.array([_FORMAT, NOTES, self.longest, self.share], np.float64)
        filters = {_filter(i): bits for i, bits in enumerate((self.bits, *self.before))}
        write_atomically(path, save({**filters, "scale": scale}))
        return path

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Known | None:
        """What stands beside a checkpoint; None where nothing does. Raises CheckpointError for a damaged file."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(folder) / FILE
        if not path.is_file():
            return None
        try:
            found = load_file(path)
            version, notes, longest, share = found.pop("scale").tolist()
            bits, *before = (found[_filter(i)] for i in range(max(1, len(found))))
            right = all(each.dtype == np.uint8 and each.ndim == 1 and len(each) for each in (bits, *before))
            if (version, notes) != (_FORMAT, NOTES) or not right:
                raise ValueError("it is of another musegen")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise CheckpointError(f"{path} cannot be read ({error}): copy it again or make it anew.") from None
        return cls(bits, int(longest), share, tuple(before))


def _filter(number: int) -> str:
    """What the filters of a file are called: bits, bits before 1, …"""
    return f"bits before {number}" if number else "bits"


class _Learnt:
    """The phrases of each piece of a corpus's training split, as often as they are asked for."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def __iter__(self) -> Iterator[Hashes]:
        return (phrases_of_rows(self._corpus.rows(i)) for i in self._corpus.pieces("train"))


def _distinct(pieces: Iterable[Hashes], most: int = 100_000) -> int:
    """About how many different hashes there are: counted among every 2^k-th of them (Wegman; Flajolet 1990)."""
    every, seen, new = np.uint64(1), np.zeros(0, np.uint64), 0
    waiting: list[Hashes] = []

    def settle() -> None:
        nonlocal every, seen, new
        seen, new = np.unique(np.concatenate([seen, *waiting])), 0
        waiting.clear()
        while len(seen) > most:
            every *= np.uint64(2)
            seen = seen[seen % every == 0]

    for hashes in pieces:
        waiting.append(hashes[(hashes != 0) & (hashes % every == 0)])
        new += len(waiting[-1])
        if new > most:
            settle()
    settle()
    return len(seen) * int(every)


def _places(hashes: Hashes, size: int) -> Iterator[npt.NDArray[np.int64]]:
    """Which bits of a filter of `size` bytes stand for each hash: two halves make them all (Kirsch & Mitzenmacher
    2006)."""
    one, two = hashes & np.uint64(0xFFFFFFFF), hashes >> np.uint64(32) | np.uint64(1)
    for i in range(_PROBES):
        yield ((one + np.uint64(i) * two) % np.uint64(8 * size)).astype(np.int64)


def _held_out(corpus: Corpus) -> Iterator[tuple[Hashes, Hashes]]:
    """Four bars and the eight after them, again and again, of the pieces of the validation split."""
    codec = EventCodec()
    for i in corpus.pieces("valid"):
        piece = codec.decode(Events(corpus.rows(i), meters=corpus.meters(i)))
        bars = [int(b) for b in piece.bar_starts()]
        for first in range(0, len(bars) - 12, 8):
            seed, new = piece.between(bars[first], bars[first + 4]), piece.between(bars[first + 4], bars[first + 12])
            yield phrases(seed), phrases(new)

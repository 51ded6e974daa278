"""Places in real music to go on from, and what really follows there: how a model's continuations meet real ones.

A *window* is a few bars of seed and the bars after them, cut out of a piece at bar lines. A set of windows is spread
evenly over the corpus's styles, and is a pure function of the corpus and of what is asked. Knows nothing of models.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..corpus.store import Corpus
from ..errors import CorpusError
from ..events.codec import EventCodec, Events
from ..piece import TICKS_PER_QUARTER, Piece
from .descriptors import LAGS, Values, describe

EACH = 4
"""At most so many windows are of one piece."""

_WHOLE = tuple(f"self-similarity at {lag}" for lag in LAGS)


@dataclass(frozen=True, eq=False)
class Window:
    """Bars of a piece, from its tick 0: the seed up to tick `origin`, then what really follows. `name` is for files."""

    name: str
    style: str
    piece: Piece
    origin: int

    @property
    def seed(self) -> Piece:
        """The bars to go on from."""
        return self.piece.between(0, self.origin)


def held_out(corpus: Corpus, n: int, seed_bars: int, bars: int) -> list[Window]:
    """At most `n` windows of the validation and test pieces, as many of each style as there are.

    Raises CorpusError where no piece is long enough.
    """
    found = spread(corpus, ("valid", "test"), n, seed_bars, bars)
    if not found:
        raise CorpusError(
            f"No held-out piece of {corpus.path} has {seed_bars + bars} bars with music in them: ask for fewer with "
            "--bars."
        )
    return found


def spread(corpus: Corpus, splits: tuple[str, ...], n: int, seed_bars: int, bars: int) -> list[Window]:
    """At most `n` windows of pieces in `splits`, as many of each style as there are."""
    streams = _streams(corpus, splits, seed_bars, bars)
    found: list[Window] = []
    while streams and len(found) < n:
        for style, stream in list(streams.items())[: n - len(found)]:
            window = next(stream, None)
            if window is None:
                del streams[style]
            else:
                found.append(window)
    return sorted(found, key=lambda w: w.name)


def trained_on(corpus: Corpus, like: Sequence[Window], seed_bars: int, bars: int) -> list[Window]:
    """Windows of the training pieces, as many of each style as `like` has, or all there are."""
    streams = _streams(corpus, ("train",), seed_bars, bars)
    wanted = Counter(w.style for w in like)
    return [w for style, count in sorted(wanted.items()) for _, w in zip(range(count), streams[style], strict=False)]


def describe_window(piece: Piece, origin: int) -> dict[str, Values]:
    """The descriptors of what begins at or after `origin`; those of bars some way apart count the seed's as well."""
    whole, new = describe(piece), describe(piece.between(origin, piece.end + 1))
    return {name: (whole if name in _WHOLE else new)[name] for name in whole}


def cut(piece: Piece, start: int, end: int) -> Piece:
    """The notes that begin in [start, end), none of which rings on past `end`; `start` becomes tick 0."""
    part = piece.between(start, end)
    part.notes["duration"] = np.minimum(part.notes["duration"], end - start - part.notes["onset"])
    return part


def _streams(corpus: Corpus, splits: tuple[str, ...], seed_bars: int, bars: int) -> dict[str, Iterator[Window]]:
    """Each style's windows: the first of every piece, then the second of every piece, and so on."""
    numbers = sorted((i for split in splits for i in corpus.pieces(split)), key=partial(_chance, corpus))
    styles = sorted({corpus.entries[i].style for i in numbers})
    of = {style: [i for i in numbers if corpus.entries[i].style == style] for style in styles}
    return {style: _of_style(corpus, of[style], seed_bars, bars) for style in styles}


def _chance(corpus: Corpus, number: int) -> bytes:
    """A place in an order that nothing in the music decides, and that stays."""
    return hashlib.sha256(corpus.entries[number].file.encode()).digest()


def _of_style(corpus: Corpus, numbers: list[int], seed_bars: int, bars: int) -> Iterator[Window]:
    for turn in range(EACH):
        for number in numbers:
            entry = corpus.entries[number]
            events = Events(corpus.rows(number), entry.tempos, entry.meters)
            windows = _of_piece(EventCodec().decode(events), seed_bars, bars)
            for k, (first, piece, origin) in enumerate(windows):
                if k == turn:
                    metadata = replace(piece.metadata, title=entry.title, style=entry.style)
                    name = f"{entry.style or 'piece'}-{number:05d}-{first + 1:03d}"
                    yield Window(name, entry.style, replace(piece, metadata=metadata), origin)
                    break


def _of_piece(piece: Piece, seed_bars: int, bars: int) -> Iterator[tuple[int, Piece, int]]:
    """(first bar, window, origin) of windows that follow each other.

    Of one meter, with music in the seed's last bar and after it: only there does a continuation begin where the music
    does, and have a meter to keep.
    """
    assert piece.ticks_per_quarter == TICKS_PER_QUARTER
    starts = piece.bar_starts()
    for first in range(0, len(starts) - seed_bars - bars, seed_bars + bars):
        begin, origin, end = (int(starts[first + n]) for n in (0, seed_bars, seed_bars + bars))
        window, last = cut(piece, begin, end), int(starts[first + seed_bars - 1])
        window = replace(window, notes=_ended(window, origin - begin))
        onsets = window.notes["onset"] + begin
        if len(window.meters) == 1 and ((onsets >= last) & (onsets < origin)).any() and (onsets >= origin).any():
            yield first, window, origin - begin


def _ended(window: Piece, origin: int) -> np.ndarray:
    """The notes, those of the seed no longer than it."""
    notes = window.notes.copy()
    seed = notes["onset"] < origin
    notes["duration"][seed] = np.minimum(notes["duration"][seed], origin - notes["onset"][seed])
    return notes

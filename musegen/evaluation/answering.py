"""How an answer fits its question: key, meter, density and how it ends. Pure functions of two phrases.

What real music does after the same question is the measure of all of it: none of these is meant to be 1. Knows nothing
of models, performers or files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
_DIATONIC = np.stack([np.roll(_MAJOR, k) for k in range(12)])  # (signature, pitch class)


@dataclass(frozen=True, eq=False)
class Phrase:
    """Tuned notes (N,) between ticks `start` and `end`, 24 a quarter, bar lines at multiples of `bar`.

    `notes` (N, 3) are onset, duration and pitch, by onset; a note is cut where the phrase ends.
    """

    notes: Ints
    start: int
    end: int
    bar: int
    beat: int

    @classmethod
    def of(cls, notes: Iterable[tuple[int, int, int]], start: int, end: int, bar: int, beat: int) -> Phrase:
        """The notes (onset, duration, pitch) that begin between `start` and `end`."""
        rows = np.array(sorted(n for n in notes if start <= n[0] < end), np.int64).reshape(-1, 3)
        rows[:, 1] = np.minimum(rows[:, 1], end - rows[:, 0])
        return cls(rows, start, end, bar, beat)

    @property
    def onsets(self) -> Ints:
        """The ticks at which something begins, each once."""
        return np.unique(self.notes[:, 0])

    @property
    def pitches(self) -> Ints:
        """The pitch of each note."""
        return self.notes[:, 2]


def in_scale(phrase: Phrase, question: Phrase) -> float:
    """The share of `phrase`'s notes in the diatonic scale that holds most of `question`'s notes.

    Where several hold as many, the mean of their shares: what the question leaves open is held against nobody.
    """
    asked, played = (np.bincount(p.pitches % 12, minlength=12) for p in (question, phrase))
    fits = _DIATONIC @ asked
    return float((_DIATONIC[fits == fits.max()] @ played).mean() / max(1, played.sum()))


def notes_a_bar(phrase: Phrase) -> Ints:
    """How many notes begin in each bar's length from the phrase's start on; what is left over at the end is no bar."""
    bars = (phrase.end - phrase.start) // phrase.bar
    index = (phrase.notes[:, 0] - phrase.start) // phrase.bar
    return np.bincount(index[index < bars], minlength=bars)


def within_range(phrase: Phrase, question: Phrase) -> float:
    """The share of `phrase`'s bars that hold as many notes as some bar of `question`, or a number between two."""
    asked, played = notes_a_bar(question), notes_a_bar(phrase)
    return float(((played >= asked.min()) & (played <= asked.max())).mean()) if len(asked) * len(played) else 0.0


def mean_within_range(phrase: Phrase, question: Phrase) -> float:
    """1 if `phrase` holds as many notes a bar as some bar of `question`, or a number between two; else 0."""
    asked = notes_a_bar(question)
    mean = len(phrase.notes) * phrase.bar / (phrase.end - phrase.start)
    return float(len(asked) > 0 and asked.min() <= mean <= asked.max())


def same_places(phrase: Phrase, question: Phrase) -> float:
    """The overlap of both histograms of where in the bar notes begin: 1: alike, 0: nothing is shared."""
    a, b = (np.bincount(p.onsets % p.bar, minlength=p.bar) / max(1, len(p.onsets)) for p in (phrase, question))
    return float(np.minimum(a, b).sum())


def struck(phrase: Phrase, every: int) -> float:
    """The share of the lines every `every` ticks (beats, bars) within the phrase at which a note begins."""
    lines = np.arange(-(-phrase.start // every) * every, phrase.end, every)
    return float(np.isin(lines, phrase.onsets).mean()) if len(lines) else 0.0


def on_beat(phrase: Phrase) -> float:
    """The share of the onsets that are on a beat."""
    return float((phrase.onsets % phrase.beat == 0).mean()) if len(phrase.notes) else 0.0


def longest_silence(phrase: Phrase) -> float:
    """In beats: the longest time without a sounding note."""
    ends = np.maximum.accumulate(np.concatenate([[phrase.start], phrase.notes[:, :2].sum(1)]))
    begins = np.concatenate([phrase.notes[:, 0], [phrase.end]])
    return float(np.maximum(begins - ends, 0).max()) / phrase.beat


def cadential(phrase: Phrase, home: frozenset[int]) -> Bools:
    """Which of `phrase.onsets` are like the end of a phrase whose key's triad has the pitch classes `home`.

    On a beat; its highest or its lowest note in the triad; and as long as half of the phrase's notes at least. The last
    one says whether the phrase ends so; the mean, how often chance would end it so.
    """
    usual = np.median(phrase.notes[:, 1]) if len(phrase.notes) else 0
    out = np.zeros(len(phrase.onsets), np.bool_)
    for i, onset in enumerate(phrase.onsets.tolist()):
        chord = phrase.notes[phrase.notes[:, 0] == onset]
        at_rest = bool({int(chord[0, 2]) % 12, int(chord[-1, 2]) % 12} & home)
        out[i] = onset % phrase.beat == 0 and at_rest and chord[:, 1].max() >= usual
    return out

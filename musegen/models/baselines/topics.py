"""A topic model (LDA; Blei, Ng & Jordan 2003): a bar is a document, its pitch classes are the words.

Four steps: a bar draws its mixture of topics, θ ~ Dirichlet(α), and how many notes it has; each note draws a topic,
z ~ θ, and a word, w ~ φ_z: a pitch class. The octave is drawn from how often the instrument plays each pitch; rhythm
(and with it the number of notes), instruments and loudness from frequencies given one thing (CHAINS).

θ and z are not kept but summed over: P(w | the bar so far) = Σ_k E[θ_k] φ_k(w), with E[θ] from `mixtures`. Drawing
from this note by note is drawing by the four steps (`draw_bar`) up to how exact E[θ] is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import CheckpointError
from ...events import attributes as at
from ...events.derived import ModelRows
from ..config import BaselineConfig
from .contexts import Walk, places
from .counts import Chain, Floats, Ints
from .ngram import NGram

CHAINS: dict[str, tuple[Chain, ...]] = {
    "shift": (("bar",),),
    "instrument": (("i1",),),
    "pitch": (("instrument",),),
    "velocity": (("instrument",),),
    "duration": (("instrument",),),
}
"""What is counted beside the topics: each attribute given one thing."""

_ROUNDS = 10
_CLASS = np.arange(128) % 12
_SAME = (_CLASS[:, None] == np.arange(12)).astype(float)  # (128, 12)

_CHORDS = {
    "major": (0, 4, 7), "minor": (0, 3, 7), "dominant seventh": (0, 4, 7, 10), "minor seventh": (0, 3, 7, 10),
    "diminished": (0, 3, 6), "fifth": (0, 7), "note": (0,),
    "major scale": (0, 2, 4, 5, 7, 9, 11), "minor scale": (0, 2, 3, 5, 7, 8, 11), "major pentatonic": (0, 2, 4, 7, 9),
}  # fmt: skip


class Topics:
    """`words` (K, 12): each topic's pitch classes; `prior` (K,): α; `rest`: what is counted."""

    def __init__(self, words: Floats, prior: Floats, rest: NGram) -> None:
        self.config = BaselineConfig("topics", len(words))
        self.words, self.prior, self.rest = words, prior, rest

    def mixtures(self, bars: Ints) -> Floats:
        """E[θ] (B, K) given how often each pitch class was struck so far in each of `bars` (B, 12).

        The zeroth-order collapsed variational fixed point (Asuncion et al. 2009, CVB0), a fixed number of rounds:
        a word's responsibilities are φ_k(w) · (α_k + those of the bar's other words). Exact for one word, close for
        more, and whatever it finds is a proper distribution.
        """
        struck, counts = (bars > 0)[..., None], bars[:, None, :].astype(float)
        share = self.words.T * self.prior
        share = np.repeat(share[None] / share.sum(-1, keepdims=True), len(bars), 0)
        for _ in range(_ROUNDS):
            gamma = self.prior + counts @ share
            share = self.words.T * (gamma - struck * share)
            share /= share.sum(-1, keepdims=True)
        gamma = (self.prior + counts @ share)[:, 0]
        result: Floats = gamma / gamma.sum(1, keepdims=True)
        return result

    def classes(self, bars: Ints) -> Floats:
        """P of the next pitch class (B, 12) given those struck so far in each of `bars` (B, 12)."""
        result: Floats = self.mixtures(bars) @ self.words
        return result

    def draw_bar(self, count: int, rng: np.random.Generator) -> Ints:
        """`count` pitch classes by the four steps of the definition."""
        theta = rng.dirichlet(self.prior)
        topics = rng.choice(len(theta), count, p=theta)
        return np.array([rng.choice(12, p=self.words[z]) for z in topics], np.int64)

    def nats(self, rows: ModelRows) -> Floats:
        """−log P of every attribute of a piece's rows (N, WIDTH): (N, 5) in nats, 0 for what is not predicted."""
        out, walk = self.rest.nats(rows), Walk()
        bars = np.zeros((len(rows), 12), np.int64)
        for n, (now, phase, row) in enumerate(places(rows)):
            bars[n] = counts_of(walk.words_before(now, phase))
            walk.push(now, phase, row)
        note = np.flatnonzero(at.is_note(rows))
        if len(note):
            p = self._pitches(self._registers(rows[note]), self.classes(bars[note]), rows[note])
            out[note, at.PITCH] = -np.log(p[np.arange(len(note)), rows[note, at.PITCH]])
        return out

    def probabilities(self, column: int, past: Sequence[Walk], target: ModelRows) -> Floats:
        """P of every value of attribute `column` of the next rows (B, WIDTH), given those drawn before it: (B, V)."""
        counted = self.rest.probabilities(column, past, target)
        if column != at.PITCH:
            return counted
        each = zip(past, places(target), strict=True)
        bars = np.stack([counts_of(walk.words_before(now, phase)) for walk, (now, phase, _) in each])
        return self._pitches(counted, self.classes(bars), target)

    def _registers(self, rows: ModelRows) -> Floats:
        """How often each instrument plays each pitch: (B, 128)."""
        kinds, which = np.unique(rows[:, at.INSTRUMENT], return_inverse=True)
        target = np.repeat(rows[:1], len(kinds), 0)
        target[:, at.INSTRUMENT] = kinds
        return self.rest.probabilities(at.PITCH, [Walk()] * len(kinds), target)[which]

    def _pitches(self, counted: Floats, classes: Floats, rows: ModelRows) -> Floats:
        """P of each pitch (B, 128): its class by the topics (B, 12), its octave, and drums, as counted (B, 128)."""
        octave = counted / (counted @ _SAME)[:, _CLASS]
        drums = rows[:, at.INSTRUMENT, None] == at.DRUM_INSTRUMENT
        result: Floats = np.where(drums, counted, octave * classes[:, _CLASS])
        return result

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is to the model, by name."""
        return {"words": self.words, "prior": self.prior, **self.rest.arrays()}

    @classmethod
    def from_arrays(cls, config: BaselineConfig, arrays: Mapping[str, np.ndarray]) -> Topics:
        """What `arrays` wrote. Raises CheckpointError where shapes do not fit, KeyError for a missing array."""
        shape = (config.components, 12)
        if arrays["words"].shape != shape or arrays["prior"].shape != shape[:1]:
            raise CheckpointError(f"The checkpoint's topics have the shape {arrays['words'].shape}, not {shape}.")
        return cls(arrays["words"], arrays["prior"], NGram.from_arrays(BaselineConfig("ngram"), arrays, CHAINS))


def words_of_bars(rows: ModelRows) -> Ints:
    """How often each pitch class is struck in each bar (bars, 12) of a piece's rows (N, WIDTH), empty ones left out."""
    bars: list[Ints] = []
    walk = Walk()
    for now, phase, row in places(rows):
        if walk.words and not walk.words_before(now, phase):
            bars.append(counts_of(walk.words))
        walk.push(now, phase, row)
    if walk.words:
        bars.append(counts_of(walk.words))
    return np.stack(bars) if bars else np.zeros((0, 12), np.int64)


def counts_of(words: Sequence[int]) -> Ints:
    """How often each pitch class is among `words`: (12,)."""
    return np.bincount(np.array(words, np.int64), minlength=12)


def nearest(profile: Floats) -> tuple[int, str]:
    """The chord or scale whose notes a topic (12,) is most like, by the cosine: its root (0 C … 11 B) and its kind."""
    shapes = [(root, kind, np.isin(np.arange(12), (np.array(notes) + root) % 12))
              for kind, notes in _CHORDS.items() for root in range(12)]  # fmt: skip
    root, kind, _ = max(shapes, key=lambda s: float(profile @ s[2]) / float(np.sqrt(s[2].sum())))
    return root, kind

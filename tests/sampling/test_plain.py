"""What is computed in few steps equals what is computed plainly, value by value, to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.derived import Tracker
from musegen.sampling.constraints import Only, PitchSet, Polyphony, Span, combine
from musegen.sampling.sampler import SamplerSettings, choose_in_numpy

SEEDS = st.integers(0, 2**32 - 1)


def plainly(logits: np.ndarray, settings: SamplerSettings, temperature: float, chance: float) -> int:
    """One value of `logits` (V,): rank, cut, sum up."""
    if temperature == 0:
        return int(logits.argmax())
    p = np.exp((logits - logits.max()).astype(np.float64) / temperature)
    p[p < settings.min_p] = 0
    p /= p.sum()
    above = 0.0
    for rank, value in enumerate(sorted(range(len(p)), key=lambda v: -p[v])):
        share = p[value]
        if above >= settings.top_p or (settings.top_k and rank >= settings.top_k):
            p[value] = 0
        above += share
    heights = np.cumsum(p)
    return int(np.searchsorted(heights, min(chance * heights[-1], np.nextafter(heights[-1], 0)), side="right"))


@settings(deadline=None)
@given(
    SEEDS,
    st.integers(1, 5),
    st.sampled_from([2, 32, 102, 513]),
    st.sampled_from([0.0, 0.3, 0.9, 2.0]),
    st.sampled_from([1.0, 0.95, 0.5, 0.01]),
    st.sampled_from([0, 1, 3, 600]),
    st.sampled_from([0.0, 0.1]),
)
def test_choose(seed: int, rows: int, values: int, heat: float, top_p: float, top_k: int, min_p: float) -> None:
    rng = np.random.default_rng(seed)
    logits = np.round(rng.normal(0, 3, (rows, values)) * 2).astype(np.float32) / 2  # coarse: many are equal
    logits[rng.random(logits.shape) < 0.3] = -np.inf
    logits[:, 0] = 0
    chance, chosen = rng.random(rows), SamplerSettings(top_p=top_p, top_k=top_k, min_p=min_p)
    wanted = [plainly(row, chosen, heat, c) for row, c in zip(logits, chance, strict=True)]
    assert choose_in_numpy(logits, chosen, heat, chance).tolist() == wanted


class Mask:
    """Any mask on any attribute."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask, self.attribute = mask, at.PITCH

    def bias(self, target: np.ndarray, tracker: Tracker) -> np.ndarray:
        return self.mask


@given(SEEDS, st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.02, 0.9])), max_size=4))
def test_the_later_masks_yield_row_by_row(seed: int, rows: int, shapes: list[tuple[bool, float]]) -> None:
    rng = np.random.default_rng(seed)
    masks = [rng.random((1 if same else rows, 128)) < share for same, share in shapes]
    target = np.zeros((rows, derived.WIDTH), np.int32)
    allowed, bias = combine([Mask(m) for m in masks], at.PITCH, target, Tracker(rows))
    assert bias is None and (allowed is None) == (not masks)
    for row in range(rows if masks else 0):
        wanted = set(range(128))
        for mask in masks:
            wanted = wanted & set(np.flatnonzero(np.broadcast_to(mask, (rows, 128))[row])) or wanted
        assert allowed is not None and set(np.flatnonzero(np.broadcast_to(allowed, (rows, 128))[row])) == wanted


def played(seed: int, rows: int, length: int) -> tuple[Tracker, np.ndarray, np.ndarray]:
    """A tracker that heard some notes, and the onset and end of each (length, rows)."""
    rng, tracker = np.random.default_rng(seed), Tracker(rows)
    onsets, ends = np.zeros((2, length, rows), np.int64)
    for step in range(length):
        note = [rng.integers(0, n, rows) for n in (40, 9, 128, 32, 161)]  # the last of the durations: held
        now = tracker.push(np.stack(note, 1).astype(np.int16))[:, derived.TIME]
        held = note[4] == len(at.DURATIONS)
        onsets[step] = now
        ends[step] = np.where(held, 2**40, now + at.DURATIONS[np.minimum(note[4], len(at.DURATIONS) - 1)])
    return tracker, onsets, ends


@given(SEEDS, st.integers(1, 3), st.integers(0, 40), st.integers(1, 30))
def test_voices_are_counted_in_each_sequence(seed: int, rows: int, length: int, voices: int) -> None:
    tracker, _, ends = played(seed, rows, length)
    mask = Polyphony(voices).bias(np.zeros((rows, derived.WIDTH), np.int32), tracker)
    assert mask[:, at.LONGEST_SHIFT :].all(), "what is no note needs no voice"
    for row in range(rows):
        for wait in range(at.LONGEST_SHIFT):
            sounding = (ends[-derived.LOOKBACK :, row] > tracker.now[row] + wait).sum()
            assert mask[row, wait] == (sounding < voices)


@given(SEEDS, st.integers(1, 3), st.integers(0, 9), st.integers(0, 400), st.integers(1, 300), st.booleans())
def test_the_span(seed: int, rows: int, length: int, start: int, rest: int, endless: bool) -> None:
    tracker, onsets, ends = played(seed, rows, length)
    mask = Span(start, rest, endless).bias(np.zeros((rows, derived.WIDTH), np.int32), tracker)
    known = np.where(ends < 2**40, ends, onsets)
    for row in range(rows):
        now, silent = int(tracker.now[row]), max([0, *known[:, row]])
        latest = max(silent, start) + rest
        notes = [start <= now + wait <= max(latest, now) for wait in range(at.LONGEST_SHIFT)]
        skips = [now + skip <= latest for skip in at.SKIPS]
        assert mask[row].tolist() == [*notes, *skips, not endless and bool((tracker.now >= start).all())]


def test_what_is_kept_for_the_next_note_cannot_be_changed() -> None:
    target = np.zeros((1, derived.WIDTH), np.int32)
    mask = Only(at.PITCH, 60).bias(target, Tracker(1))
    assert not mask.flags.writeable and mask.shape == (1, 128)
    target[:, at.INSTRUMENT] = at.DRUM_INSTRUMENT
    assert PitchSet(frozenset({60})).bias(target, Tracker(1)).all(), "drums have no key"
    target[:, at.INSTRUMENT] = 0
    assert PitchSet(frozenset({60})).bias(target, Tracker(1)).sum() == 1

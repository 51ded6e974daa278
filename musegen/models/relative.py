"""How families see distances between rows, in plain numbers that torch and the numpy engines share.

A *spot* is where a row is: its index, its onset in ticks (24 a quarter), its MIDI pitch (128 where there is none).
"""

from __future__ import annotations

import math

FARTHEST = (2047, 3456, 36)
"""Rows, ticks (nine 4/4 bars, twelve 3/4 bars) and semitones beyond which attention's biases see no difference."""

METERS = (96, 72)  # ticks of a 4/4 and of a 3/4 bar


def dilations(stacks: int, context: int) -> list[int]:
    """1, 2, 4, … `stacks` times over, as many as a kernel of 2 needs to see `context` rows back."""
    doublings = 1
    while 1 + stacks * (2**doublings - 1) < context:
        doublings += 1
    return [2**i for i in range(doublings)] * stacks


def turning_rates(pairs: int, attention: str) -> list[list[float]]:
    """Radians per row, per tick and per semitone of each rotary pair: three lists of `pairs` numbers.

    Each pair turns with one of them; `attention` says which share the pairs, in equal parts, index first. Index
    periods run from 4 to 2048 rows, time from 12 ticks (an eighth) to 3072 (eight 4/4 bars), pitch from 3 semitones
    to 96 by way of the octave.
    """
    parts = 1 + ("time" in attention) + ("pitch" in attention)
    time = -(-pairs // parts) if parts > 1 else 0
    pitch = pairs // parts if parts > 2 else 0
    index = pairs - time - pitch

    def spread(first: float, last: float, n: int) -> list[float]:
        return [2 * math.pi / (first * (last / first) ** (i / max(1, n - 1))) for i in range(n)]

    return [
        [*spread(4, 2048, index), *[0.0] * (time + pitch)],
        [*[0.0] * index, *spread(12, 3072, time), *[0.0] * pitch],
        [*[0.0] * (index + time), *spread(3, 96, pitch)],
    ]


def bias_lookups() -> list[list[list[int]]]:
    """Which learned biases make up that of a distance: for rows, ticks and semitones, lists of places in tables.

    Place n of a list is for the distance n − FARTHEST; the bias is the sum over the lists. Distances share a bias the
    more the greater they are (buckets, Raffel et al. 2020). Those in ticks have one for their length and one for
    their remainder in a bar of each meter, so that "the same beat" is known however many bars ago. The last
    list, of the semitones, has one place more, for where there is no pitch.
    """
    rows, ticks, pitches = (range(-far, far + 1) for far in FARTHEST)
    return [
        [[_bucket(n) for n in rows]],
        [[_bucket(n) for n in ticks], *([n % bar for n in ticks] for bar in METERS)],
        [list(range(len(pitches) + 1))],
    ]


def _bucket(distance: int) -> int:
    """−15 … 15 each for itself, then four to the octave; those to come, which causal rows rarely see, at odd places."""
    far = abs(distance)
    size = far if far < 16 else 16 + int(4 * math.log2(far / 16))
    return 2 * size - (distance < 0)

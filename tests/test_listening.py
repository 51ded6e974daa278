"""The figures by which sounds are judged unheard: against what BS.1770-4 and its test signals (EBU Tech 3341) say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.listening import bands, longest_silence, loudness, notes_a_second
from musegen.piece import Note, Piece, Tempo
from musegen.sound_files import Samples


def tone(decibels: float, seconds: float, frequency: float = 997.0, rate: int = 48_000, channels: int = 2) -> Samples:
    wave = 10 ** (decibels / 20) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000])
def test_a_tone_has_its_loudness_at_any_rate(rate: int) -> None:
    assert loudness(tone(0, 3, rate=rate, channels=1), rate) == pytest.approx(-3.01, abs=0.05)
    assert loudness(tone(-23, 3, rate=rate), rate) == pytest.approx(-23, abs=0.1)  # Tech 3341, case 1


def test_quiet_stretches_are_gated() -> None:
    """Case 3 of Tech 3341, shortened: some seconds at −36, more at −23, some at −36 dBFS are −23 LUFS."""
    whole = np.concatenate([tone(-36, 5), tone(-23, 20), tone(-36, 5)])
    assert loudness(whole, 48_000) == pytest.approx(-23, abs=0.1)
    assert loudness(np.concatenate([tone(-23, 10), tone(-200, 20)]), 48_000) == pytest.approx(-23, abs=0.15)
    assert loudness(np.zeros((48_000, 2)), 48_000) == float("-inf")


def test_low_notes_weigh_less_and_high_ones_more() -> None:
    """Of the K-weighting: −1.1 dB or so at 100 Hz and +3.3 at 5 kHz beside 1 kHz, the response of its two filters."""
    level = {f: loudness(tone(-20, 3, f), 48_000) for f in (30.0, 100.0, 1000.0, 5000.0)}
    assert level[30] < level[100] - 3
    assert level[1000] - level[100] == pytest.approx(1.7, abs=0.5)
    assert level[5000] - level[1000] == pytest.approx(3.3, abs=0.3)


def test_silence_is_the_longest_one_before_the_end() -> None:
    sound = np.concatenate([tone(-20, 1), tone(-90, 0.5), tone(-20, 1), tone(-90, 1.5), tone(-20, 1), tone(-90, 9)])
    assert longest_silence(sound, 48_000, 5.0) == pytest.approx(1.5, abs=0.06)
    assert longest_silence(sound, 48_000, 2.4) == pytest.approx(0.5, abs=0.06)


def test_bands() -> None:
    sound = tone(-20, 1, 100) + 2 * tone(-20, 1, 1000) + tone(-20, 1, 8000)
    assert bands(sound, 48_000) == pytest.approx((1 / 6, 4 / 6, 1 / 6), abs=1e-3)


def test_notes_a_second_follow_the_tempo() -> None:
    piece = Piece.from_notes([Note(24 * i, 24, 60) for i in range(8)], tempos=(Tempo(0, 500_000), Tempo(96, 1_000_000)))
    assert notes_a_second(piece, 0, 96) == pytest.approx(2.0)
    assert notes_a_second(piece, 96, 192) == pytest.approx(1.0)

"""Listening by proxy: what a sound and its notes are like in numbers, for those who cannot hear them.

Loudness is that of ITU-R BS.1770-4 (K-weighting, gated blocks of 400 ms), in LUFS; the filters are those of the
recommendation's analogue prototypes at any rate, applied to the whole spectrum at once. Knows nothing of where the
sound came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musegen.piece import Piece
from musegen.sound_files import Samples

Floats = npt.NDArray[np.float64]

SILENT = -60.0  # dB below full scale: under the noise of any room
WINDOW = 0.05  # seconds over which silence is judged
BANDS = (250.0, 2000.0)  # Hz that part low, middle and high
_BLOCK, _HOP = 0.4, 0.1
_ABSOLUTE, _RELATIVE = -70.0, -10.0


@dataclass(frozen=True)
class Heard:
    """What a sound is like: LUFS, dB of the highest sample, seconds of the longest silence between its notes, and the
    shares of its power below, between and above BANDS."""

    loudness: float
    peak: float
    silence: float
    bands: tuple[float, float, float]


def listen(samples: Samples, rate: int, first: float, last: float) -> Heard:
    """`samples` (N, channels) at `rate` Hz, of which the first and the last note begin at these seconds."""
    peak = 20 * float(np.log10(np.abs(samples).max(initial=1e-9)))
    silence = longest_silence(samples[round(first * rate) :], rate, last - first)
    return Heard(loudness(samples, rate), peak, silence, bands(samples, rate))


def loudness(samples: Samples, rate: int) -> float:
    """Integrated loudness of (N, channels) in LUFS: 997 Hz at full scale in one channel is −3.01; silence is −inf."""
    weighted = _k_weighted(samples, rate)
    block, hop = round(_BLOCK * rate), round(_HOP * rate)
    whole = np.concatenate([np.zeros((1, weighted.shape[1])), np.cumsum(weighted**2, axis=0)])
    starts = np.arange(0, max(len(weighted) - block, 0) + 1, hop)
    power = ((whole[np.minimum(starts + block, len(weighted))] - whole[starts]) / block).sum(1)
    loud = power[_lufs(power) > _ABSOLUTE]
    if not len(loud):
        return float("-inf")
    gated = loud[_lufs(loud) > _lufs(loud.mean()) + _RELATIVE]
    return float(_lufs(gated.mean()))


def _lufs(power: Floats | np.floating) -> Floats:
    found: Floats = -0.691 + 10 * np.log10(np.maximum(power, 1e-20))
    return found


def _k_weighted(samples: Samples, rate: int) -> Samples:
    """Through the shelf and the high-pass of BS.1770, by their response at every frequency."""
    size = 1 << (len(samples) + rate).bit_length()  # quick, with room for what rings on before it would come round
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    shelf, high = _shelf(rate), _high_pass(rate)
    response = np.prod([np.polyval(b[::-1], z) / np.polyval(a[::-1], z) for b, a in (shelf, high)], axis=0)
    spectrum = np.fft.rfft(samples, size, axis=0) * response[:, None]
    found: Samples = np.fft.irfft(spectrum, size, axis=0)[: len(samples)]
    return found


def _shelf(rate: int) -> tuple[list[float], list[float]]:
    """The high shelf, +4 dB from 1.7 kHz on: coefficients of z⁻⁰, z⁻¹, z⁻² above and below the line."""
    k, q = np.tan(np.pi * 1681.974450955533 / rate), 0.7071752369554196
    gain = 10 ** (3.999843853973347 / 20)
    mid, low = gain**0.4996667741545416, 1 + k / q + k * k
    above = [(gain + mid * k / q + k * k) / low, 2 * (k * k - gain) / low, (gain - mid * k / q + k * k) / low]
    return above, [1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low]


def _high_pass(rate: int) -> tuple[list[float], list[float]]:
    """The high-pass at 38 Hz; its gain is left as the recommendation prints it, (1, −2, 1)."""
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    low = 1 + k / q + k * k
    return [1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / low, (1 - k / q + k * k) / low]


def longest_silence(samples: Samples, rate: int, until: float) -> float:
    """Seconds of the longest stretch below SILENT before `until` seconds."""
    size = round(WINDOW * rate)
    mono = samples[: round(until * rate)].mean(axis=1)
    windows = mono[: len(mono) // size * size].reshape(-1, size)
    level = 20 * np.log10(np.maximum(np.sqrt((windows**2).mean(1)), 1e-9))
    longest = run = 0
    for quiet in level < SILENT:
        run = run + 1 if quiet else 0
        longest = max(longest, run)
    return longest * WINDOW


def bands(samples: Samples, rate: int) -> tuple[float, float, float]:
    """The shares of the power of a sound that are low, middle and high (BANDS)."""
    power = np.abs(np.fft.rfft(samples.mean(axis=1))) ** 2
    place = np.searchsorted(BANDS, np.fft.rfftfreq(len(samples), 1 / rate))
    shares = np.bincount(place, power, minlength=3) / max(float(power.sum()), 1e-20)
    return float(shares[0]), float(shares[1]), float(shares[2])


def notes_a_second(piece: Piece, start: int, end: int) -> float:
    """How many notes begin in a second between two ticks of `piece`."""
    first, last = piece.seconds([start, end])
    onset = piece.notes["onset"]
    return float(((onset >= start) & (onset < end)).sum() / max(last - first, 1e-9))


def spectrograms(sounds: Sequence[tuple[str, Samples]], rate: int, path: Path) -> None:
    """Draw (name, samples) side by side to the PNG `path`: time across, frequency up (log), level as lightness."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = -(-len(sounds) // 2)
    figure = Figure(figsize=(11, 1.75 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    each = list(figure.subplots(lines, 2, squeeze=False).flat)
    for axes, (name, samples) in zip(each, sounds, strict=False):
        axes.specgram(samples.mean(axis=1), NFFT=2048, Fs=rate, noverlap=1024, vmin=-140, vmax=-40, cmap="magma")
        axes.set_yscale("log")
        axes.set_ylim(40, rate / 2)
        axes.set_yticks([100, 1000, 10_000], ["100", "1k", "10k Hz"], fontsize=7)
        axes.set_title(name, loc="left", fontsize=9)
        axes.tick_params(labelsize=7)
    for axes in each[len(sounds) :]:
        axes.set_visible(False)
    figure.savefig(path, dpi=90)

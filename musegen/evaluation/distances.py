"""How like each other two sets of music are, descriptor by descriptor: the relative measures of Yang & Lerch 2018.

Every pair of pieces within the real set has a distance (intra-set), every pair of a real and a made piece another
(inter-set). Where the made music is like the real, both distances are distributed alike: their densities, smoothed by
Gaussian kernels, overlap wholly (OA 1) and neither says anything of the other (KL 0). Distances say little of where a
set lies as long as it lies within the other, so there is a second measure: by how many standard deviations the means
differ. Only pieces of the same style are compared, so that what tells a chorale from a jig hides nothing. Knows
nothing of music. numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Column = tuple[Floats, npt.NDArray[np.str_]]
"""One descriptor (N, D) of N pieces, and the style of each (N,)."""

FEWEST = 8
"""Pieces of each set that must have a descriptor before their distances mean anything."""

_POINTS = 512  # of the grid on which densities stand
_FLOOR = 1e-6  # a density below this share of its height counts as this much: a kernel's tail is no evidence
_SEED = 0  # of the resampling, so that equal sets give equal figures


@dataclass(frozen=True, eq=False)
class Described:
    """A set of pieces: their descriptors by name, and each one's style."""

    values: Sequence[Mapping[str, Floats]]
    styles: Sequence[str]

    def column(self, name: str) -> Column:
        """One descriptor (N, D) of the pieces that have it, and their styles (N,)."""
        rows = [(v[name], s) for v, s in zip(self.values, self.styles, strict=True) if not np.isnan(v[name]).any()]
        values = np.stack([v for v, _ in rows]) if rows else np.zeros((0, 1))
        return values, np.array([s for _, s in rows], np.str_)


@dataclass(frozen=True)
class Likeness:
    """Of one descriptor: how much the densities of intra-set and inter-set distances overlap (0-1), KL(intra ‖ inter)
    in nats, how far the means lie apart in standard deviations of real pieces of a style (see `offset`), the mean
    distance within the made set over that within the real (below 1: less varied), and the overlaps of sets that are
    drawn from these with replacement."""

    overlap: float
    kl: float
    offset: float
    variety: float
    resampled: tuple[float, ...] = ()

    @property
    def error(self) -> float:
        """The standard error of the overlap, by bootstrap over pieces."""
        return float(np.std(self.resampled)) if self.resampled else 0.0


def compare(real: Described, made: Described, resamples: int = 20) -> dict[str, Likeness]:
    """The likeness of each descriptor that FEWEST pieces of both sets have."""
    names = list(real.values[0]) if real.values else []
    found = {name: likeness(real.column(name), made.column(name), resamples) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def mean_likeness(each: Mapping[str, Likeness]) -> Likeness:
    """The means over the descriptors: one figure for the whole. Raises ValueError for none."""
    if not each:
        raise ValueError("There is no descriptor to take the mean of.")
    rows = [(x.overlap, x.kl, x.offset, x.variety) for x in each.values()]
    overlap, kl, apart, variety = np.mean(rows, 0).tolist()
    return Likeness(overlap, kl, apart, variety, tuple(np.mean([x.resampled for x in each.values()], 0).tolist()))


def likeness(real: Column, made: Column, resamples: int = 20) -> Likeness | None:
    """Of columns as `Described.column` gives them; None where there are too few pieces, or no two of a style."""
    if min(len(real[0]), len(made[0])) < FEWEST:
        return None
    within, between, own = _distances(real, real), _distances(real, made), _distances(made, made)
    np.fill_diagonal(within, np.nan)  # nor is a piece that is drawn twice paired with itself
    whole = _figures(within, between)
    if whole is None:
        return None
    rng = np.random.default_rng(_SEED)
    again = []
    for _ in range(resamples):
        a, b = (rng.integers(0, len(x), len(x)) for x in (real[0], made[0]))
        again.append(_figures(within[np.ix_(a, a)], between[np.ix_(a, b)]))
    usual = float(_pairs(within).mean())
    variety = _mean(_pairs(own)) / usual if usual > 0 else 1.0
    return Likeness(*whole, offset(real, made), variety, tuple(whole[0] if f is None else f[0] for f in again))


def offset(real: Column, made: Column) -> float:
    """‖Σ_s w_s (mean of made in s − mean of real in s)‖ / σ over styles s that both have, w_s their share of the made.

    σ² is the mean squared distance of real pieces from their style's mean. Of one number it is |Cohen's d|.
    """
    both = [s for s in np.unique(made[1]) if s in real[1]]
    if not both:
        return 0.0
    weights = np.array([(made[1] == s).sum() for s in both], np.float64)
    apart = np.array([made[0][made[1] == s].mean(0) - real[0][real[1] == s].mean(0) for s in both])
    scatter = np.concatenate([real[0][real[1] == s] - real[0][real[1] == s].mean(0) for s in both])
    sigma = float(np.sqrt((scatter**2).sum(1).mean()))
    away = float(np.linalg.norm(weights @ apart / weights.sum()))
    return away / sigma if sigma > 0 else 0.0 if away == 0 else float("inf")


def _distances(a: Column, b: Column) -> Floats:
    """Euclidean distances (N, M), NaN between different styles."""
    squares = (a[0] ** 2).sum(1)[:, None] + (b[0] ** 2).sum(1) - 2 * a[0] @ b[0].T
    return np.where(a[1][:, None] == b[1], np.sqrt(np.maximum(squares, 0)), np.nan)


def _figures(within: Floats, between: Floats) -> tuple[float, float] | None:
    """Overlap and KL of the distances of pairs within a set (N, N) and between two (N, M)."""
    intra, inter = _pairs(within), between[~np.isnan(between)]
    if len(intra) < 2 or len(inter) < 2:
        return None
    top = max(float(intra.max()), float(inter.max())) or 1.0
    width = float(intra.std()) * len(intra) ** -0.2  # Scott's rule
    f, g = density(intra, top, width), density(inter, top, width)
    kl = float((f * np.log(np.maximum(f, _FLOOR) / np.maximum(g, _FLOOR))).mean())
    return float(np.minimum(f, g).mean()), max(0.0, kl)


def density(values: Floats, top: float, width: float) -> Floats:
    """The density of `values` in [0, top] on a grid of that interval, by a Gaussian kernel of σ `width`; its mean is 1.

    What the kernel would put below 0 is reflected: no distance is negative.
    """
    counts = np.histogram(values, _POINTS, (0, top))[0].astype(np.float64)
    width = max(1.0, width / top * _POINTS)  # in points
    reach = min(_POINTS - 1, int(np.ceil(4 * width)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    smooth = np.convolve(np.pad(counts, reach, "symmetric"), kernel, "valid")
    result: Floats = smooth / smooth.mean()
    return result


def _pairs(square: Floats) -> Floats:
    """The distances above the diagonal that there are."""
    upper = square[np.triu_indices(len(square), 1)]
    return upper[~np.isnan(upper)]


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0

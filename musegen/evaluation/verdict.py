"""What is found out about music that somebody plays, beside real music: everything that a report is made of.

    judge = Judge(windows, learnt, long_ones)
    judge.of("default", windows, pieces, long_windows, long_pieces)      a `Verdict`
    judge.real_music()                                                    that of the real music itself: the ceiling

Knows nothing of models, files or how a report looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..piece import Piece
from .copying import Learnt
from .degeneration import CURVES, STUCK, Course, course_of, mean_course
from .descriptors import Values
from .distances import Described, Likeness, compare, mean_likeness
from .windows import Window, describe_window

REAL = "real music"


@dataclass(frozen=True, eq=False)
class Verdict:
    """On one player. `likeness` is by descriptor, against real music after the same seeds; `runs` (N,) are the notes of
    each continuation's longest run that training music has too; `courses` are of the long continuations. Each is empty
    where it could not be found out: without a corpus there is no real music, and no training music.
    """

    name: str
    described: Described
    likeness: Mapping[str, Likeness] = field(default_factory=dict)
    runs: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    courses: Sequence[Course] = ()

    @property
    def whole(self) -> Likeness | None:
        """The mean over the descriptors."""
        return mean_likeness(self.likeness) if self.likeness else None

    def mean(self, name: str) -> Values:
        """A descriptor's mean over the pieces that have it (D,); NaN where none has."""
        values, _ = self.described.column(name)
        return values.mean(0) if len(values) else np.full(1, np.nan)

    def to_json(self) -> dict[str, object]:
        """All figures as plain values."""
        whole = self.whole
        each = {k: {"overlap": v.overlap, "error": v.error, "kl": v.kl, "offset": v.offset, "variety": v.variety}
                for k, v in self.likeness.items()}  # fmt: skip
        return {
            "continuations": len(self.described.values),
            "overlap": whole and whole.overlap,
            "error": whole and whole.error,
            "kl": whole and whole.kl,
            "offset": whole and whole.offset,
            "variety": whole and whole.variety,
            "descriptors": each,
            "longest runs": self.runs.tolist(),
            "loops": [c.loop for c in self.courses],
            "rests": [c.rest for c in self.courses],
            "stuck": float(np.mean([c.stuck for c in self.courses])) if self.courses else None,
            **{name: _plain(mean_course(self.courses, name)) for name in CURVES if self.courses},
        }


@dataclass(frozen=True, eq=False)
class Judge:
    """Real music to hear others beside: what follows the seeds of `windows`, and `long_ones` for the long run.

    `others` are windows of training music, which say how like each other two sets of real music are; `learnt` is the
    training music.
    """

    windows: Sequence[Window]
    others: Sequence[Window] = ()
    long_ones: Sequence[Window] = ()
    learnt: Learnt | None = None

    def of(
        self,
        name: str,
        pieces: Mapping[str, Piece],
        long_windows: Sequence[Window] = (),
        long_pieces: Sequence[Piece] = (),
        bars: int = 64,
    ) -> Verdict:
        """On the `pieces` that go on from windows, by the window's name, and those of `bars` bars that go on from
        `long_windows`. Real music is heard after the same seeds only."""
        mine = [w for w in self.windows if w.name in pieces]
        made = [pieces[w.name] for w in mine]
        described = _described(mine, made)
        likeness = compare(_described(mine, [w.piece for w in mine]), described) if self.others else {}
        courses = [_course(w, p, bars) for w, p in zip(long_windows, long_pieces, strict=True)]
        return Verdict(name, described, likeness, self._runs(mine, made), courses)

    def real_music(self, bars: int = 64) -> Verdict:
        """On real music: training pieces against the held-out ones in likeness, the held-out ones in all else."""
        truth = [w.piece for w in self.windows]
        held = _described(self.windows, truth)
        other = compare(held, _described(self.others, [w.piece for w in self.others])) if self.others else {}
        courses = [_course(w, w.piece, bars) for w in self.long_ones]
        return Verdict(REAL, held, other, self._runs(self.windows, truth), courses)

    def _runs(self, windows: Sequence[Window], pieces: Sequence[Piece]) -> npt.NDArray[np.int64]:
        if self.learnt is None:
            return np.zeros(0, np.int64)
        return self.learnt.longest([p.between(w.origin, p.end + 1) for w, p in zip(windows, pieces, strict=True)])


def above(verdict: Verdict, real: Verdict, quantile: float = 0.95) -> float:
    """The share of continuations whose longest run is longer than that of so large a share of real pieces."""
    if not len(real.runs) or not len(verdict.runs):
        return float("nan")
    return float((verdict.runs > np.quantile(real.runs, quantile)).mean())


def stuck(courses: Sequence[Course]) -> str:
    """Such as "2 of 24": how many repeat and repeat for STUCK bars."""
    return f"{sum(c.loop >= STUCK for c in courses)} of {len(courses)}"


def _described(windows: Sequence[Window], pieces: Sequence[Piece]) -> Described:
    values = [describe_window(p, w.origin) for w, p in zip(windows, pieces, strict=True)]
    return Described(values, [w.style for w in windows])


def _course(window: Window, piece: Piece, bars: int) -> Course:
    return course_of(piece, window.origin, window.piece.meters[-1].bar_ticks(), bars)


def _plain(values: Values) -> list[float | None]:
    return [None if v != v else round(float(v), 4) for v in values]

"""Plays the model's drum notes as a drummer would: a little off the grid, and each with a velocity of its own.

The stage asks when notes become final. Strokes may come early, so with a drummer they become final a little sooner.
What the model has planned and played stays as it is written, so its memory, and drawing anew, know nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..engine.humaniser import REACH, Humaniser
from ..events.attributes import COPIES
from ..events.drums import BAR, DrumRows
from ..piece import DRUMS, NOTE, TICKS_PER_QUARTER, Tempo
from ..sampling.controls import Controls
from ..sampling.duet import Played
from ..sampling.humanise import play_bar
from .conductor import Conductor
from .performer import Performer
from .timeline import Timeline

EARLIEST = 0.05  # seconds by which a stroke may be early
STEP = TICKS_PER_QUARTER // 4  # ticks of a 16th, the grid that strokes belong to
LOOSE = 0.98  # of half the way to the next place: so that two strokes never meet
APART = 0.001  # seconds at least between two places, whatever happens
LOUDER = 1.6  # the velocity knob at its ends multiplies or divides by this


class Stroke(NamedTuple):
    """How a drum note is played: the clock time of its beginning, in seconds, and its velocity."""

    time: float
    velocity: int


class Drummer:
    """Plays with `humaniser` (None: exactly as written) in the `feel` of one of its drummers or styles.

    Equal seed numbers play equal music alike.
    """

    def __init__(self, humaniser: Humaniser | None = None, feel: str | None = None, seed_number: int = 0) -> None:
        self._humaniser, self._feel, self._seed_number = humaniser, feel, seed_number
        self._place = -1  # the last tick at which a drum was struck
        self._latest = float("-inf")  # when the last stroke so far sounds
        self._said = False

    def reach(self, performer: Performer, amount: float) -> float:
        """How many seconds sooner notes must become final."""
        return EARLIEST if amount > 0 and self._humaniser is not None and _has_drums(performer) else 0.0

    def begin(self) -> None:
        """Time was broken: what was played so far stands before nothing any more."""
        self._place, self._latest = -1, float("-inf")

    def news(self, performer: Performer, amount: float) -> list[str]:
        """What is to be said, once, where nothing can be humanised though `amount` asks for it."""
        if self._said or amount <= 0 or (self._humaniser is not None and _has_drums(performer)):
            return []
        self._said = True
        if self._humaniser is None:
            return ["Nothing is humanised: there is no humaniser checkpoint."]
        return ["Nothing is humanised: only drums can be, and it plays none (a seed with drums has it play them)."]

    def strokes(
        self, notes: Sequence[Played], performer: Performer, conductor: Conductor, controls: Controls, final: float
    ) -> dict[int, Stroke]:
        """How those of `notes` that are the model's drums are played, by number; `final` is now + commit, in seconds.

        No stroke is moved to before `final`, to before the bar line from which the music goes on, or past another; one
        that would be stays on time.
        """
        drums = [n for n in notes if _is_drum(n) and n.duration is not None]
        if not drums or self._humaniser is None or controls.humanise <= 0:
            return {}
        following = sorted({n.onset for n in performer.planned() if _is_drum(n)})
        answers = self._answers(drums, performer, conductor)
        out: dict[int, Stroke] = {}
        for place in sorted({n.onset for n in drums}):
            here = [n for n in drums if n.onset == place]
            after = next((t for t in [*sorted({n.onset for n in drums}), *following] if t > place), None)
            times = self._times(place, after, here, answers, conductor, controls.humanise, final)
            for note in here:
                loud = answers[note.number][1] * LOUDER**controls.velocity
                velocity = round(note.velocity + controls.humanise * (loud - note.velocity))
                out[note.number] = Stroke(times[note.pitch], min(max(velocity, 1), 127))
            self._place, self._latest = place, max(times.values())
        return out

    def _times(
        self,
        place: int,
        after: int | None,
        notes: Iterable[Played],
        answers: dict[int, tuple[float, float]],
        conductor: Conductor,
        amount: float,
        final: float,
    ) -> dict[int, float]:
        """When each pitch of the `notes` at `place` sounds; `after` is the next tick with a drum, if it is known."""
        time = conductor.time
        on, half = time(place), STEP / 2
        before = place - half if self._place < 0 else max(place - half, (place + self._place) / 2)
        behind = place + half if after is None else min(place + half, (place + after) / 2)
        early, late = LOOSE * (on - time(before)), LOOSE * (time(behind) - on)
        early = max(0.0, min(early, EARLIEST, on - time(conductor.resume_tick)))
        least = self._latest + APART
        out: dict[int, float] = {}
        for note in notes:
            moved = on + min(max(amount * answers[note.number][0], -early), late)
            out.setdefault(note.pitch, max(on if moved < final else moved, least))
        return out

    def _answers(
        self, notes: Sequence[Played], performer: Performer, conductor: Conductor
    ) -> dict[int, tuple[float, float]]:
        """Seconds late and velocity of each of `notes`, by number."""
        assert self._humaniser is not None
        margin = (REACH + BAR + 1) * STEP
        start, end = min(n.onset for n in notes) - margin, max(n.onset for n in notes) + margin
        known = [*performer.history.between(start, end), *performer.planned()]
        seen = sorted((n for n in known if _is_drum(n) and n.onset < end), key=lambda n: n.place)
        rows, wanted = rows_of(seen, performer.timeline, conductor.qpm), {n.number for n in notes}
        bars = {int(rows.step[i]) // BAR for i, n in enumerate(seen) if n.number in wanted}
        out: dict[int, tuple[float, float]] = {}
        for bar in bars:
            places, moments, velocities = play_bar(self._humaniser, rows, bar, self._feel, self._seed_number)
            for place, moment, velocity in zip(places.tolist(), moments.tolist(), velocities.tolist(), strict=True):
                out[seen[place].number] = moment / 1000, velocity
        return out


def rows_of(notes: Sequence[Played], timeline: Timeline, qpm: float) -> DrumRows:
    """Drum `notes` (from tick 0 on) as a humaniser reads them, all at the tempo of now."""
    table = np.zeros(len(notes), NOTE)
    table["onset"], table["pitch"] = [n.onset for n in notes], [n.pitch for n in notes]
    first = timeline.position(min((n.onset for n in notes), default=0)).bar - 1
    last = timeline.position(max((n.onset for n in notes), default=0)).bar
    bars = np.array([timeline.bar_start(bar) for bar in range(first, last + 1)], np.int64)
    return DrumRows.of_notes(table, TICKS_PER_QUARTER, bars, (Tempo(0, round(60e6 / qpm)),))


def _is_drum(note: Played) -> bool:
    return note.own and note.program == DRUMS and note.onset >= 0


def _has_drums(performer: Performer) -> bool:
    return any(voice // COPIES == DRUMS for voice in performer.voices)

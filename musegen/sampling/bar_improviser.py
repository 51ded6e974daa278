"""An improviser whose model makes whole bars (`engine.bars`): the next bar from what both players played in the last.

A bar is made when the notes before it have been handed out, so as far ahead as the performer plans. Its random numbers
are the bar's own, so that a bar that is asked for again, after the same music, is the same. What such a model cannot do
is said (`news`) and does not end the music. Knows nothing of clocks or processes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..engine.bars import BarMaker, Wanted
from ..events.codec import TimedNote
from ..events.roll import Cells, bar_place
from ..piece import Meter
from .bars import above, bar_limits, check, reach
from .cast import Cast, cast, notes_of
from .controls import Controls, pitch_classes_of
from .duet import Played
from .keys import count, estimate
from .plan import Plan
from .recall import Recall
from .request import Request

EMPTY = 3  # how often a bar without notes is made again, with other random numbers
SILENT_BARS = 16  # after which it has no more to play
REMEMBERED = 16  # bars that are kept in case they are asked for again
REHEARSED, REHEARSAL_SECONDS = 3, 0.3  # bars that are made to learn what they cost, and how long at most
LOUDER = 32  # velocities from the middle of the knob to its end
MODES = "answer, accompany and solo"
DEAF = ("density", "register", "duck")  # knobs that no model of whole bars turns by


class BarImproviser:
    """A `live.partner.Brain` over a `BarMaker`. Raises SettingsError for a plan that it cannot play."""

    def __init__(self, maker: BarMaker, plan: Plan) -> None:
        check(maker, plan)
        meter = plan.seed.meters[-1]
        self._maker, self._plan, self._recall = maker, plan, Recall(plan)
        steps = max(plan.bar // maker.config.grid.ticks, maker.at_once)
        self._place = bar_place((Meter(0, meter.numerator, meter.denominator),), maker.config.grid, 0, steps)
        self._hears = -(-maker.hears * maker.config.grid.ticks // plan.bar)  # bars
        self._request: Request | None = None
        self._ready: deque[TimedNote] = deque()
        self._line = 0  # the bar that is made next
        self._cast: Cast = ()
        self._key = ""
        self._number = 0
        self._known: dict[bytes, Cells] = {}
        self._news: list[str] = []
        self._said: set[str] = set()

    def hear(self, note: Played) -> None:
        """`note` was played."""
        self._recall.hear(note)

    def end(self, number: int, duration: int) -> None:
        """A held note ended."""
        self._recall.end(number, duration)

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""
        self._recall.reset(notes)
        # The model's numbers are negative and fall; those of another brain before this one stay taken.
        self._number = min([self._number, *(n.number for n in notes)])

    def forget(self, start: int) -> None:
        """What is planned from `start` on will not be played."""
        self._recall.forget_plan(start)
        self._request = None
        self._ready.clear()

    def idle(self) -> None:
        """Hearing costs nothing."""

    def news(self) -> list[str]:
        """Sentences for the person since the last call."""
        news, self._news = self._news, []
        return news

    def rehearse(self) -> list[float]:
        """Make a few bars and forget them; what each of their notes cost, in seconds, without those of the first bar.

        A bar's first note costs the whole bar.
        """
        costs: list[tuple[int, float]] = []
        self.ask(Request(0, 0))
        first, start = self._line, time.perf_counter()
        while time.perf_counter() - start < REHEARSAL_SECONDS and self._line <= first + REHEARSED * self._plan.bar:
            began = time.perf_counter()
            if self.next() is None:
                break
            costs.append((self._line, time.perf_counter() - began))
        self.forget(0)
        later = [cost for line, cost in costs if line > costs[0][0]]
        return later or [cost for _, cost in costs]

    def ask(self, request: Request) -> None:
        """From now on `next` answers `request`."""
        self.forget(request.start)
        if request.template:
            self._say(f"A {self._family} makes whole bars and cannot loop: it plays in {MODES}.")
            return
        self._request = request
        self._line = request.start // self._plan.bar * self._plan.bar
        self._cast = cast(self._maker.config, request.voices, self._recall.player())
        self._listen_to(request.controls)

    def next(self) -> Played | None:
        """The next note of the request; None where it ends."""
        request, bars = self._request, 0
        while request is not None and not self._ready:
            if bars == SILENT_BARS or (request.end is not None and self._line >= request.end):
                self._request = None
                return None
            self._ready.extend(self._bar(request))
            bars += 1
        return self._play(self._ready.popleft()) if self._ready else None

    def companions(self, request: Request, to: Played) -> list[Played]:
        """None: that takes a model that plays note by note."""
        self._say(f"A {self._family} makes whole bars and cannot join single notes: it plays in {MODES}.")
        return []

    # --- bars -------------------------------------------------------------------------------------------------------

    @property
    def _family(self) -> str:
        return self._maker.config.family

    def _bar(self, request: Request) -> list[TimedNote]:
        """The notes of the next bar, within the request."""
        line, bar = self._line, self._plan.bar
        self._line += bar
        # An answer that begins within a bar goes on from that bar, as far as it was played.
        late = request.exact and line < request.start
        cells = self._made(request, line, line + bar if late else line)
        timed = [n._replace(onset=n.onset + line) for n in notes_of(cells, self._maker.config, self._cast)]
        timed = [n for n in timed if n.onset < line + bar]
        if request.exact and line <= request.start:
            timed = _from_exactly(timed, request.start)
        louder = round(LOUDER * request.controls.velocity)
        last = line + bar if request.end is None else request.end
        return [
            n._replace(velocity=min(127, max(1, n.velocity + louder))) for n in timed if request.start <= n.onset < last
        ]

    def _made(self, request: Request, line: int, heard: int) -> Cells:
        """The rows of the bar at `line`, after the bars before `heard`."""
        maker, plan, controls = self._maker, self._plan, request.controls
        piece, ticks = self._recall.bars(heard, self._hears, request.start if heard > line else line)
        image = above(maker, piece, ticks)
        boldly = replace(plan, settings=replace(plan.settings, temperature=controls.temperature))
        limits = bar_limits(maker, boldly, self._cast, plan.origin + line, len(self._place), self._pitches(controls))
        index = (line - request.chance_from // plan.bar * plan.bar) // plan.bar
        chance = (request.seed_number, max(0, index))
        situation = repr((chance, limits.voices, limits.temperature)).encode()
        situation += image.cells.tobytes() + b"|" + limits.may_begin.tobytes()
        if situation not in self._known:
            generator = np.random.default_rng(chance)
            for _ in range(1 + EMPTY):
                cells = maker.draw(Wanted(image, self._place, limits, [generator]))[0]
                if cells[: plan.bar // maker.config.grid.ticks].any():
                    break
            self._known[situation] = cells
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return self._known[situation]

    def _pitches(self, controls: Controls) -> frozenset[int]:
        """What tuned tracks may play: within the range, and of those what the chord or the key allows."""
        near = reach(self._maker, self._plan, [n.pitch for n in self._recall.player()])
        heard = self._recall.tuned()
        self._key = estimate(count(heard), self._key)
        classes = pitch_classes_of(controls, self._key)
        return frozenset(p for p in near if p % 12 in classes) or near

    def _play(self, note: TimedNote) -> Played:
        self._number -= 1
        played = Played(*note, self._number, True)
        self._recall.hear(played)
        return played

    # --- what it cannot do ------------------------------------------------------------------------------------------

    def _listen_to(self, controls: Controls) -> None:
        """Say which knobs that were turned change nothing."""
        usual = Controls()
        deaf = [*DEAF, *(["temperature"] if "temperature" not in self._maker.obeys else [])]
        turned = [name for name in deaf if getattr(controls, name) != getattr(usual, name)]
        if turned:
            self._say(f"A {self._family} makes whole bars: the knob {turned[0]} changes nothing in them.")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._news.append(text)


def _from_exactly(notes: list[TimedNote], start: int) -> list[TimedNote]:
    """`notes` with something that begins at `start`: what sounds then is struck then, or the next chord early."""
    if any(n.onset == start for n in notes):
        return notes
    if ringing := [n for n in notes if n.onset < start < n.onset + n.duration]:
        return [*(n._replace(onset=start, duration=n.onset + n.duration - start) for n in ringing), *notes]
    later = [n.onset for n in notes if n.onset > start]
    chord = min(later) if later else max((n.onset for n in notes), default=start)
    early = [n._replace(onset=start, duration=n.duration + max(0, chord - start)) for n in notes if n.onset == chord]
    return [*early, *(n for n in notes if n.onset > max(chord, start))]

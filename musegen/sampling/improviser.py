"""An improviser: a model that plays along in a duet, as a performer asks it to.

It joins the memory (`duet`), the limits of a plan and the live steering (`controls`) into drawn notes.
Knows nothing of clocks or processes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..engine.bars import BarMaker, load
from ..engine.base import Engine
from ..piece import DRUMS, Piece
from .bar_improviser import BarImproviser
from .biases import homes, in_key
from .cadence import Close
from .constraints import At, Constraint, PitchSet
from .controls import Controls, steering
from .duet import Duet, Played
from .keys import AUTO, count, estimate, triad
from .ostinato import KEPT, WayOut
from .plan import Plan
from .question import Question, Rhythm
from .request import Request, Step

HEARD = 32  # the player's latest notes, by which the key, the range and the number of voices are judged
REHEARSED, REHEARSAL_SECONDS = 12, 0.3  # how many notes are drawn to learn their cost, and how long at most
RECENT = 2 * KEPT  # notes among which the model's own may be stuck
MOST_ENDED = 32  # held notes whose ends may wait
ENDINGS = 4  # how many are drawn of an answer's last bar
BELOW = 17  # semitones below a note within which its companions lie
CONSONANT = (3, 4, 5, 7, 8, 9, 12, 15, 16)  # thirds, fourth, fifth, sixths, octave, tenths: in semitones


@dataclass(frozen=True, eq=False)
class Improvisation:
    """A checkpoint (a folder or a shipped name) that plays along after `plan`'s seed, which may be empty."""

    checkpoint: str
    plan: Plan

    def open(self) -> Improviser | BarImproviser:
        """Load it. Raises CheckpointError or SettingsError."""
        model = load(self.checkpoint)
        return BarImproviser(model, self.plan) if isinstance(model, BarMaker) else Improviser(model, self.plan)


class Improviser:
    """A `live.partner.Brain` with a network that plays note by note."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._plan = plan
        self._duet = Duet(engine, plan.prompt(engine.styles), plan.origin, plan.seed.meters, plan.settings)
        self._homes = homes(plan.prompt(engine.styles))
        self._seeded = tuned_pitches(plan.seed)[-HEARD:]
        self._key = ""  # the player's or else the seed's, as far as it is known
        self._request: Request | None = None
        self._template: deque[Step] = deque()
        self._ended: list[tuple[int, int]] = []  # (number, duration), not told yet
        self._fresh = False  # nothing of the request has been drawn
        self._question = Question((), plan.bar)  # that the request answers …
        self._rhythm: tuple[Rhythm, ...] = ()  # … and what it takes from it
        self._close: deque[Played] | None = None  # what is left of the request's end, once that has been drawn

    def hear(self, note: Played) -> None:
        """`note` was played."""
        self._duet.hear(note)

    def end(self, number: int, duration: int) -> None:
        """A held note ended. While something is planned this waits until it is planned anew.

        A correction means to take in all that follows again, and what follows is soon replaced.
        """
        self._ended.append((number, duration))
        if self._request is None or len(self._ended) > MOST_ENDED:
            self._correct()

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""
        self._ended.clear()
        self._duet.reset(notes)

    def forget(self, start: int) -> None:
        """What is planned from `start` on will not be played."""
        self._duet.forget_plan(start)
        self._request = None
        self._close = None
        self._correct()

    def idle(self) -> None:
        """Take in what was played, so that an answer costs only itself."""
        self._duet.catch_up()

    def news(self) -> list[str]:
        """There is nothing that it cannot do."""
        return []

    def rehearse(self) -> list[float]:
        """Draw a few notes and forget them; what each cost, in seconds, without the first, which reads the seed."""
        costs: list[float] = []
        self.ask(Request(0, 0))
        while len(costs) < REHEARSED and sum(costs) < REHEARSAL_SECONDS:
            began = time.perf_counter()
            if self.next() is None:
                break
            costs.append(time.perf_counter() - began)
        self.forget(0)
        return costs[1:]

    def ask(self, request: Request) -> None:
        """From now on `next` answers `request`."""
        self._duet.forget_plan(request.start)
        self._correct()
        self._request, self._fresh = request, True
        self._close = None
        self._question = Question.before(request, self._duet.notes, self._plan.bar)
        self._rhythm = self._question.rhythm()
        self._template = deque(s for s in request.template if s.onset >= request.start)

    def next(self) -> Played | None:
        """The next note of the request; None where it ends."""
        request = self._request
        if request is None:
            return None
        if request.template:
            return self._follow(request)
        note = self._note(request) if self._close is None else None
        if note is not None and note.onset >= self._closing(request):
            self._duet.forget_plan(note.onset)
            self._close = deque(self._ending(request))
        if self._close:
            note = self._close.popleft()
        self._fresh = False
        if note is None:
            self._request = None
        return note

    def _closing(self, request: Request) -> float:
        """Where the end of the request begins: its last bar, or half of what is shorter than two."""
        if request.end is None:
            return float("inf")
        return max(request.end - self._plan.bar, (request.start + request.end) / 2)

    def _ending(self, request: Request) -> list[Played]:
        """The end of the request: of several that are drawn, the one that ends best, cut where it does."""
        assert request.end is not None
        drawn: list[list[Played]] = []
        best: tuple[float, list[Played]] = (-float("inf"), [])
        share = (request.end - self._closing(request)) / self._plan.bar
        fewest = share * self._question.fewest
        close = Close(request.end, self._plan.seed.meters[-1], self._home(request.controls), fewest)
        for k in range(ENDINGS):
            notes: list[Played] = []
            while (note := self._note(request, k)) is not None:
                notes.append(note)
                if (at_rest := close.rest(notes)) is not None:
                    best = max(best, (at_rest + self._duet.ending(), notes.copy()), key=lambda b: b[0])
            drawn.append(notes)
            if notes:
                self._duet.forget_plan(notes[0].onset)
        return [
            self._duet.play(n.onset, n.duration or 1, n.pitch, n.velocity, n.instrument)
            for n in close.ringing(best[1] or drawn[0])
        ]

    def _note(self, request: Request, another: int = 0) -> Played | None:
        """The next note before the request's end, or `another` one."""
        first: list[Constraint] = [WayOut.after([n for n in self._duet.notes[-RECENT:] if n.own])]
        if self._fresh and request.exact:
            first.append(At(request.start + self._plan.origin))
        end = float("inf") if request.end is None else request.end
        return self._draw(request, first, end, another=another)

    def companions(self, request: Request, to: Played) -> list[Played]:
        """Notes that begin with `to`, below it and in the player's key, and end when it ends.

        Until a key can be told they are consonant with `to`.
        """
        if not request.controls.key:
            request = replace(request, controls=replace(request.controls, key=AUTO))
        steps = CONSONANT if not self._key and request.controls.key == AUTO else range(3, BELOW)
        pitches = frozenset(to.pitch - step for step in steps if to.pitch >= step)
        notes: list[Played] = []
        for _ in range(request.controls.companions):
            free = pitches - {n.pitch for n in notes}
            if not free:
                break
            where: list[Constraint] = [At(to.onset + self._plan.origin), PitchSet(free)]
            note = self._draw(request, where, float("inf"), held=True)
            if note is not None:
                notes.append(note)
        return notes

    def _correct(self) -> None:
        for number, duration in self._ended:
            self._duet.end(number, duration)
        self._ended.clear()

    def _follow(self, request: Request) -> Played | None:
        if not self._template:
            self._request = None
            return None
        step = self._template.popleft()
        if step.pitch is not None:
            return self._duet.play(step.onset, step.duration, step.pitch, step.velocity, step.instrument)
        where: list[Constraint] = [At(step.onset + self._plan.origin)]
        return self._draw(replace(request, voices=(step.instrument,)), where, float("inf"))

    def _draw(
        self, request: Request, first: list[Constraint], end: float, held: bool = False, another: int = 0
    ) -> Played | None:
        notes = self._duet.notes
        last = notes[-1].onset if notes else 0
        together = sum(n.onset == last for n in notes[-16:])
        chance = (request.seed_number, max(0, last - request.chance_from), together, *([another] if another else []))
        settings = replace(self._duet.settings, temperature=request.controls.temperature)
        return self._duet.draw((*first, *self._constraints(request)), settings, chance, end, held)

    def _home(self, controls: Controls) -> frozenset[int]:
        """The pitch classes on which a phrase may come to rest; none where no key is known."""
        key = self._key if controls.key in ("", AUTO) else controls.key
        return controls.harmony or (triad(key) if key else frozenset())

    def _constraints(self, request: Request) -> tuple[Constraint, ...]:
        plan, controls = self._plan, request.controls
        heard = [n for n in self._duet.notes[-4 * HEARD :] if not n.own and n.program != DRUMS][-HEARD:]
        pitches = [n.pitch for n in heard] or self._seeded
        self._key = estimate(count(pitches), self._key)
        free = not (controls.key or controls.harmony or plan.limits.key)
        return plan.constraints(
            start=request.start + plan.origin,
            instruments=frozenset(request.voices),
            heard=[(n.onset, n.duration or plan.bar, n.pitch) for n in heard],
            steering=(
                *steering(controls, request.busy, self._key, self._homes),
                *(in_key(self._key, pitches) if free else ()),
                *self._rhythm,
            ),
            register=controls.register,
        )


def tuned_pitches(piece: Piece) -> list[int]:
    """The pitches of the notes of `piece` in order, drums apart."""
    pitches: list[int] = piece.notes[piece.notes["program"] != DRUMS]["pitch"].tolist()
    return pitches

"""Partners: whoever plays along, behind one contract.

A `Brain` is told what has been played and asked for more, note by note. `model_process.ModelProcess` runs it in a
process of its own, so that neither a network nor a crash can disturb the music; `DirectPartner` runs it here, for tests
and for playing faster than real time. What a brain knows is a copy: the performer's own record of the notes is the
truth, so that a partner can be exchanged for another at any moment. Knows nothing of clocks or ports.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from ..sampling.duet import Played
from ..sampling.request import Request


class Brain(Protocol):
    """What plays along: a model with its memory, a file, a script."""

    def hear(self, note: Played) -> None:
        """`note` was played (`duration` None: it is still held)."""

    def end(self, number: int, duration: int) -> None:
        """The held note `number` lasted `duration` ticks."""

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""

    def forget(self, start: int) -> None:
        """What it has planned from tick `start` on will not be played."""

    def ask(self, request: Request) -> None:
        """From now on `next` answers this. What it has planned from its start on will not be played."""

    def next(self) -> Played | None:
        """The next note of the request; None where it ends."""

    def companions(self, request: Request, to: Played) -> list[Played]:
        """Notes to sound together with `to`, which was heard; they end when it ends."""

    def idle(self) -> None:
        """There is time to prepare."""

    def rehearse(self) -> list[float]:
        """Draw a few notes that nobody will hear; what each cost, in seconds. None where notes cost nothing."""

    def news(self) -> list[str]:
        """Sentences for the person since the last call: what it was asked for and cannot do."""


class Source(Protocol):
    """A picklable recipe for a brain; it is opened in the process where the brain lives."""

    def open(self) -> Brain:
        """The brain. Raises MusegenError."""


REHEARSAL, NEWS = -1, -2  # the numbers of requests that nobody made


class Answer(NamedTuple):
    """A note of request `request`, or its end (`note` None). `to`: the number of the note it accompanies.

    Of the request REHEARSAL only what a note cost is told, of NEWS only what is `said`.
    """

    request: int
    note: Played | None
    to: int | None = None
    seconds: float = 0.0  # what it cost
    said: str = ""  # a sentence for the person


class Partner(Protocol):
    """Hands out what a brain plays."""

    @property
    def ready(self) -> bool:
        """Whether the brain is there."""

    def hear(self, note: Played) -> None:
        """As `Brain.hear`; so are `end`, `reset` and `forget`."""

    def end(self, number: int, duration: int) -> None: ...

    def reset(self, notes: Sequence[Played]) -> None: ...

    def forget(self, start: int) -> None: ...

    def ask(self, request: Request) -> None:
        """Answer this from now on; answers to older requests may still come."""

    def companions(self, request: Request, to: Played) -> None:
        """Answer with notes to sound with `to`."""

    def until(self, tick: int) -> None:
        """Notes up to `tick` may be drawn."""

    def take(self) -> list[Answer]:
        """The answers since the last call. Raises MusegenError if no more can come."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` (from any thread) when there is something to take."""

    def close(self) -> None:
        """Stop. Never raises; twice is once."""


class Worker:
    """Obeys commands and draws notes as far as is permitted."""

    def __init__(self, source: Source) -> None:
        self._brain = source.open()
        self._request: Request | None = None
        self._until, self._last = -(10**9), -(10**9)

    @property
    def busy(self) -> bool:
        """Whether there is a note to draw."""
        return self._request is not None and self._last < self._until

    def obey(self, command: str, *values: Any) -> list[Answer]:
        """Do as told; the answers, if any."""
        if command == "until":
            self._until = values[0]
        elif command == "forget":
            self._request = None
            self._brain.forget(values[0])
        elif command == "ask":
            self._request = values[0]
            self._last = values[0].start - 1
            self._brain.ask(values[0])
        elif command == "companions":
            began = time.perf_counter()
            notes = self._brain.companions(*values)
            cost = (time.perf_counter() - began) / max(1, len(notes))
            return [*self._news(), *(Answer(values[0].number, note, values[1].number, cost) for note in notes)]
        else:
            getattr(self._brain, command)(*values)
        return self._news()

    def draw(self) -> Answer:
        """One more note."""
        assert self._request is not None
        began = time.perf_counter()
        note = self._brain.next()
        number, cost = self._request.number, time.perf_counter() - began
        if note is None:
            self._request = None
        else:
            self._last = note.onset
        return Answer(number, note, None, cost)

    def idle(self) -> None:
        """Prepare."""
        self._brain.idle()

    def rehearse(self) -> list[Answer]:
        """What notes will cost, before the music needs to know."""
        return [Answer(REHEARSAL, None, None, cost) for cost in self._brain.rehearse()]

    def _news(self) -> list[Answer]:
        return [Answer(NEWS, None, said=text) for text in self._brain.news()]


class Teller:
    """The half of a partner that passes commands on."""

    def hear(self, note: Played) -> None:
        """`note` was played."""
        self._tell("hear", note)

    def end(self, number: int, duration: int) -> None:
        """A held note ended."""
        self._tell("end", number, duration)

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""
        self._tell("reset", list(notes))

    def forget(self, start: int) -> None:
        """What is planned from `start` on will not be played."""
        self._tell("forget", start)

    def ask(self, request: Request) -> None:
        """Answer this from now on."""
        self._tell("ask", request)

    def companions(self, request: Request, to: Played) -> None:
        """Answer with notes to sound with `to`."""
        self._tell("companions", request, to)

    def until(self, tick: int) -> None:
        """Notes up to `tick` may be drawn."""
        self._tell("until", tick)

    def _tell(self, command: str, *values: Any) -> None:
        raise TypeError(f"{type(self).__name__} passes nothing on")


class DirectPartner(Teller):
    """A brain in this process: every answer is there when it is taken."""

    ready = True

    def __init__(self, source: Source) -> None:
        self._worker = Worker(source)
        self._answers: list[Answer] = []

    def take(self) -> list[Answer]:
        """All answers that are permitted."""
        while self._worker.busy:
            self._answers.append(self._worker.draw())
        answers, self._answers = self._answers, []
        return answers

    def listen(self, wake: Callable[[], None]) -> None:
        """Nothing comes by itself."""

    def close(self) -> None:
        """Nothing to stop."""

    def _tell(self, command: str, *values: Any) -> None:
        self._answers += self._worker.obey(command, *values)

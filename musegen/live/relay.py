"""A relay of partners: another one takes over without a gap, by choice or because the one who played has died.

The newcomer gets ready in its own process while the old one plays on; then the performer tells it what was played.
Knows nothing of clocks or ports.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..errors import MusegenError
from ..sampling.duet import Played
from ..sampling.request import Request
from .model_process import ModelDied, ModelProcess
from .partner import Answer, Partner, Source

DEATHS = 3  # in so many seconds, then it is no accident:
SHORTLY = 60.0


class Relay:
    """A `Partner` that is the process of `source`, called `name`, or of what `swap` named since."""

    def __init__(self, source: Source, start: Callable[[Source], Partner] = ModelProcess, name: str = "") -> None:
        self._start, self._source = start, source
        self.name = self._next_name = name
        """Who plays."""
        self._current: Partner = start(source)
        self._next: Partner | None = None
        self._next_source = source
        self._after = ""
        self._wake: Callable[[], None] = lambda: None
        self._news: list[str] = []
        self._deaths: list[float] = []

    @property
    def ready(self) -> bool:
        """Whether the one who plays is there."""
        return self._current.ready

    @property
    def current(self) -> Partner:
        """The one who plays."""
        return self._current

    def swap(self, source: Source, name: str) -> None:
        """Have `source`, called `name`, take over as soon as it is ready; the latest wins."""
        if self._next is not None:
            self._next.close()
        self._next_source, self._next_name, self._after = source, name, f"Playing with {name} now."
        self._next = self._start(source)
        self._next.listen(self._wake)

    def take_over(self) -> bool:
        """Whether another one plays from now on, who must be told everything. To be called often."""
        if self._next is None:
            return False
        try:
            self._next.take()  # raises if it could not be opened
        except MusegenError as error:
            self._next.close()
            self._next = None
            if not self._current.ready or self._dead():
                raise
            self._news.append(f"{error} The old one plays on.")
            return False
        if not self._next.ready:
            return False
        old, self._current, self._next = self._current, self._next, None
        self._source, self.name = self._next_source, self._next_name
        old.close()
        self._news.append(self._after)
        return True

    def news(self) -> list[str]:
        """Sentences for the person since the last call."""
        news, self._news = self._news, []
        return news

    def take(self) -> list[Answer]:
        """The answers of the one who plays; none while a dead one is being replaced.

        Raises MusegenError if it failed, or dies again and again.
        """
        try:
            return self._current.take()
        except ModelDied as death:
            if self._next is None:
                self._replace(death)
            return []

    def _dead(self) -> bool:
        try:
            self._current.take()
        except MusegenError:
            return True
        return False

    def _replace(self, death: ModelDied) -> None:
        now = time.monotonic()
        self._deaths = [d for d in self._deaths if now - d < SHORTLY] + [now]
        if len(self._deaths) >= DEATHS or not self._current.ready:
            raise death
        self._news.append(f"{death} Starting it again.")
        self._next_source, self._next_name, self._after = self._source, self.name, "The model plays again."
        self._next = self._start(self._source)
        self._next.listen(self._wake)

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` when there is something to take."""
        self._wake = wake
        for partner in (self._current, self._next):
            if partner is not None:
                partner.listen(wake)

    def close(self) -> None:
        """Stop all."""
        for partner in (self._current, self._next):
            if partner is not None:
                partner.close()

    def hear(self, note: Played) -> None:
        """`note` was played."""
        self._current.hear(note)

    def end(self, number: int, duration: int) -> None:
        """A held note ended."""
        self._current.end(number, duration)

    def reset(self, notes: Sequence[Played]) -> None:
        """Only `notes` were played."""
        self._current.reset(notes)

    def forget(self, start: int) -> None:
        """What is planned from `start` on will not be played."""
        self._current.forget(start)

    def ask(self, request: Request) -> None:
        """Answer this from now on."""
        self._current.ask(request)

    def companions(self, request: Request, to: Played) -> None:
        """Answer with notes to sound with `to`."""
        self._current.companions(request, to)

    def until(self, tick: int) -> None:
        """Notes up to `tick` may be drawn."""
        self._current.until(tick)

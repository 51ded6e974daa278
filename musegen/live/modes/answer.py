"""Answer: call and response. The player's phrase ends at a rest; the answer has its length and starts on a beat.

    listening ──a beat of silence is on its way──▶ ready ──the beat comes──▶ answering ──its end──▶ listening

The answer is drawn while the silence is still half as long as it must be, so that its first note is there on the
beat; a key that is struck before takes it back. A player who cuts in is not played over: the answer stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Mode

if TYPE_CHECKING:
    from ...sampling.duet import Played
    from ..performer import Performer

LYING = 2  # bars after which a key that is still held counts as released


class Answer(Mode):
    """A phrase ends at a rest, or after the performer's `phrase_bars` bars (trading fours) if they are not 0."""

    def __init__(self) -> None:
        self._begin: int | None = None  # the phrase's first onset
        self._next: int | None = None  # where the next phrase begins, if its pick-up has been heard
        self._last = 0  # its last release, or the latest onset if that is later
        self._struck = 0
        self._start = self._end = 0  # of the answer
        self._question = 0
        self._go("listening")

    def enter(self, p: Performer, start: int) -> None:
        """Listen."""
        self._begin = None
        self._go("listening")

    def struck(self, p: Performer, note: Played) -> None:
        """The phrase begins or goes on; an answer gives way, but not where both have agreed on so many bars."""
        if p.phrase_bars and self.state != "listening":
            if note.onset < self._start:
                p.ask_again()  # the phrase is still being played
            elif self._next is None and note.onset >= self._end - p.bar // 2:
                self._next = self._end  # a pick-up to the next phrase
            return
        if self.state != "listening":
            p.drop()
            if self.state == "answering":
                self._begin = None
            self._go("listening")
        if self._begin is None:
            self._begin = note.onset
        self._struck = self._last = note.onset

    def released(self, p: Performer, note: Played) -> None:
        """Silence may begin."""
        self._last = max(self._last, note.onset + (note.duration or 0))

    def step(self, p: Performer, now: float) -> None:
        """Decide whether the phrase has ended, or the answer."""
        if self.state == "listening" and self._begin is not None and not p.resting:
            self._decide(p, now)
        elif self.state == "ready" and now >= self._start:
            self._go("answering")
        elif self.state == "answering" and now >= self._end:
            self._begin, self._next = self._next, None
            self._go("listening")

    def turned(self, p: Performer) -> None:
        """An answer that is being played takes the new values on."""
        if self.state != "listening":
            p.ask_again()

    def phrase_start(self, p: Performer) -> int:
        """Where the question began that was answered last, or that is being played."""
        return p.bar_before(self._question if self._begin is None else self._begin)

    def retake(self, p: Performer, start: int) -> None:
        """Answer the same phrase again."""
        length = self._end - self._start
        if length <= 0:
            return
        p.forget_own(self._start, start)
        self._start, self._end = start, start + length
        p.ask(start, self._end, exact=True)
        self._go("ready")

    def _decide(self, p: Performer, now: float) -> None:
        assert self._begin is not None
        rest = p.beat
        if p.phrase_bars:
            end = p.bar_before(self._begin) + p.phrase_bars * p.bar
            if now < end - rest / 2:
                return
            self._ask(p, end, end - p.bar_before(self._begin))
            return
        if p.player.held and now < self._struck + LYING * p.bar:
            return
        last = self._struck + LYING * p.bar if p.player.held else self._last
        if now >= last + rest / 2:
            first = self._begin // p.beat * p.beat
            self._ask(p, p.next_beat(max(last + rest, now)), p.next_beat(last) - first)

    def _ask(self, p: Performer, start: int, length: int) -> None:
        self._question = self._begin or 0
        self._start, self._end = start, start + max(length, p.beat)
        p.ask(self._start, self._end, exact=True)
        self._go("ready")

    def _go(self, state: str) -> None:
        self.state = state

"""Watches what our port is connected to, for every MIDI system alike, and tells the parent what changed.

Used only in port processes. Knows nothing of any MIDI system: it is told what is there.
"""

from __future__ import annotations

from collections.abc import Collection

from . import wire
from .mailbox import Mailbox
from .wiring import Change, Wiring, same_port


class Watch:
    """Both ends of the port of `opening`."""

    def __init__(self, opening: wire.Opening, mailbox: Mailbox) -> None:
        self._source, self._client, self._mailbox = opening.source, opening.name, mailbox
        self._to = Wiring((opening.to, *opening.outputs))
        self._from = Wiring(opening.inputs)
        self._opened = self._lost = False
        self._told: dict[str, object] = {}

    @property
    def state(self) -> dict[str, object]:
        """What the parent must know."""
        return {"outputs": self._to.remembered, "inputs": self._from.remembered, "lost": self._to.lost}

    def opened(self) -> None:
        """All that could be connected at once has been; from here on changes are worth saying."""
        self._to.quiet = self._from.quiet = False
        self._lost = self._to.lost
        self._told = self.state
        self._opened = True

    def outputs(self, now: float, there: Collection[str], joined: Collection[str]) -> list[str]:
        """At `now` (seconds) we can send to `there` and do send to `joined`; returns what to connect."""
        change = self._to.look(now, there, joined)
        if self._opened:
            was_lost, self._lost = self._lost, self._to.lost
            if self._lost and not was_lost:
                self._mailbox.post(0.0, wire.SHUT)
            elif change and not was_lost:
                self._mailbox.report("outputs", gone=change.gone, back=change.back)
            until = "holding until it returns." if self._lost else "it is connected again when it returns."
            self._say([f"{name} has gone: {until}" for name in change.gone])
            self._say([f"{name} is back." for name in change.back])
            self._tell()
        return change.join

    def inputs(self, now: float, there: Collection[str], joined: Collection[str], offer: Collection[str]) -> list[str]:
        """At `now` we can listen to `there` and do listen to `joined`; `offer` is what nobody need ask for."""
        if self._source:
            found = same_port(self._source, there)
            offer = [found] if found else []
        change: Change = self._from.look(now, there, joined, offer)
        self._say([f"Listening to {name}." for name in change.new if not name.startswith(f"{self._client}:")])
        if self._opened:
            if change.gone:
                self._mailbox.post(0.0, wire.LET_GO)
            self._say([f"{name} has gone: what it held is released." for name in change.gone])
            self._say([f"{name} is back: listening to it." for name in change.back])
            self._tell()
        return change.join

    def _say(self, texts: list[str]) -> None:
        for text in texts:
            self._mailbox.report("news", text=text)

    def _tell(self) -> None:
        if self.state != self._told:
            self._told = self.state
            self._mailbox.report("wiring", **self._told)

"""Which ports one end of ours is connected to, and which it waits for: connections outlive the ports they lead to.

Pure: it is told what is there and what is connected, and says what to connect. Knows nothing of any MIDI system.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

DECIDE_AFTER = 0.5
"""Seconds. A connection ends before its port does; only then is it known which of the two was meant."""
_NUMBERS = re.compile(r"( \d+(:\d+)?)$")  # ALSA's client and port, Windows' place in the list: new at every plugging


@dataclass
class Change:
    """What to do and what to say: `join` these; those have `gone`, are `back`, or are `new`."""

    join: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.gone or self.back or self.new)


class Wiring:
    """One end of our port. While it is `quiet`, `wanted` connections from before are made again without a word."""

    def __init__(self, wanted: Iterable[str] = ()) -> None:
        self.joined: set[str] = set()
        self.waiting = {name for name in wanted if name}
        self._unsure: dict[str, float] = {}  # connections that ended, though both ports are there: since when
        self._refused: set[str] = set()  # what somebody has disconnected
        self.quiet = True

    @property
    def lost(self) -> bool:
        """Whether all that it was connected to has vanished."""
        return bool(self.waiting) and not self.joined

    @property
    def remembered(self) -> list[str]:
        """What to connect again in another life."""
        return sorted(self.joined | self.waiting | set(self._unsure))

    def look(self, now: float, there: Collection[str], joined: Collection[str], offer: Collection[str] = ()) -> Change:
        """At `now` (seconds) these ports are `there`, those are connected; connect what is on `offer` if it may be."""
        change = Change()
        for name in sorted(set(joined) - self.joined):
            self._came(name, change)
        for name in self.joined - set(joined):
            self._unsure[name] = now
        self.joined = set(joined)
        for name, since in list(self._unsure.items()):
            if name not in there:
                self._forget_doubt(name, self.waiting)
                change.gone.append(name)
            elif now - since > DECIDE_AFTER:
                self._forget_doubt(name, self._refused)
        self._refused &= set(there)
        change.join += [found for name in sorted(self.waiting) if (found := same_port(name, there))]
        doubtful = self.joined | self._refused | set(self._unsure) | set(change.join)
        change.join += [name for name in offer if name not in doubtful]
        return change

    def _came(self, name: str, change: Change) -> None:
        old = same_port(name, self.waiting) or (name if self._unsure.pop(name, None) else None)
        if old is None:
            change.new.append(name)
            return
        if old in self.waiting:
            self.waiting.discard(old)
            if not self.quiet:
                change.back.append(name)

    def _forget_doubt(self, name: str, then: set[str]) -> None:
        del self._unsure[name]
        then.add(name)


def same_port(wanted: str, ports: Collection[str]) -> str | None:
    """The port called `wanted`, else the only one whose name differs in nothing but the numbers at its end."""
    if wanted in ports:
        return wanted
    bare = _NUMBERS.sub("", wanted)
    same = [port for port in ports if _NUMBERS.sub("", port) == bare]
    return same[0] if len(same) == 1 else None

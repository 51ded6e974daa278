"""Musical time shared over the local network: Ableton Link (the extra `link`).

Follows the session's tempo, its beat within the bar (the quantum is the timeline's bar), and its start and stop. All
peers of a session are equal: a start or a tempo from here reaches them too. Knows nothing of MIDI.
"""

from __future__ import annotations

from typing import Any

from ..errors import MissingPackageError
from ..piece import TICKS_PER_QUARTER
from .clock import Clock
from .host import HostTime
from .timeline import Timeline

SURE = 1e-4  # seconds that reading both clocks may take at most to compare them


class LinkTime(HostTime):
    """A peer of the Link session on this network; alone, the timeline's first tempo holds.

    Begins at `start`, or when a peer starts, with negative ticks up to the session's next bar line. Raises
    MissingPackageError without the extra `link`.
    """

    source = "Ableton Link"

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        try:
            from link import Link
        except ImportError:
            raise MissingPackageError("LinkPython-extern", "Ableton Link", "link") from None
        super().__init__(timeline)
        self._clock = clock
        self._link: Any = Link(timeline.qpm(0))
        self._link.startStopSyncEnabled = True
        self._link.enabled = True
        self._bar = timeline.meter(0).bar_ticks()
        self._behind = 0.0  # Link's clock less ours, in seconds
        self._compare()
        self._playing = False  # what the session said last
        self._wanted = False
        self._peers = 0

    @property
    def peers(self) -> int:
        """How many others there are."""
        return int(self._link.numPeers())

    def start(self, time: float) -> None:
        """Play from the session's next bar line after clock `time` on; peers that listen to starts start too."""
        self._say_playing(True, time)

    def stop(self, time: float) -> None:
        """Stand still from clock `time` on; peers that listen to stops stop too."""
        self._say_playing(False, time)
        super().stop(time)

    def set_tempo(self, qpm: float) -> None:
        """Propose a tempo to the session, which is the tempo of all then."""
        state = self._link.captureSessionState()
        state.setTempo(qpm, self._micros(self._clock.now()))
        self._link.commitSessionState(state)

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False

    def update(self, now: float) -> list[str]:
        """Time has come to `now`: look where the session is."""
        self._compare()
        state = self._link.captureSessionState()
        playing = bool(state.isPlaying()) and self._micros(now) >= int(state.timeForIsPlaying())
        if playing != self._playing:
            self._playing = self._wanted = playing
        if self._wanted:
            self.at(self._place(state, now), now, float(state.tempo()))
        elif self._rolling:
            super().stop(now)
        if self.peers != self._peers:
            self._peers = self.peers
            self._sentences.append(
                f"Ableton Link: {self._peers} other{'' if self._peers == 1 else 's'} in the session."
            )
        self._qpm = float(state.tempo())
        return super().update(now)

    def _place(self, state: Any, now: float) -> float:
        """The session's tick at `now`. Of its bars only the beginnings mean anything: whole bars are ours to count."""
        tick = float(state.beatAtTime(self._micros(now), self._bar / TICKS_PER_QUARTER)) * TICKS_PER_QUARTER
        if not self._map.begun:
            return tick % self._bar - self._bar
        if not self._rolling:
            return tick % self._bar
        ours = self._map.tick(now) + self._jumps[-1][1]
        return ours + (tick - ours + self._bar / 2) % self._bar - self._bar / 2

    def _say_playing(self, playing: bool, time: float) -> None:
        self._wanted = self._playing = playing
        state = self._link.captureSessionState()
        state.setIsPlaying(playing, self._micros(time))
        self._link.commitSessionState(state)

    def _micros(self, time: float) -> int:
        """Link's clock at our clock `time`, in its microseconds."""
        return round((time + self._behind) * 1e6)

    def _compare(self) -> None:
        """Measure how far Link's clock is from ours, unless we were interrupted between the two."""
        before = self._clock.now()
        theirs = self._link.clock().micros() / 1e6
        after = self._clock.now()
        if after - before < SURE or not self._behind:
            self._behind = theirs - (before + after) / 2

"""Ableton Link with a real second peer, over this machine's network."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from musegen.errors import MissingPackageError
from musegen.live.clock import RealClock
from musegen.live.link import LinkTime
from musegen.live.timeline import Timeline
from musegen.piece import Meter, Tempo

BAR = 72


class Session:
    """Ours, and a peer made with nothing of musegen; 3/4."""

    def __init__(self, package: Any) -> None:
        self.peer = package.Link(133)
        self.peer.startStopSyncEnabled = True
        self.peer.enabled = True
        self.clock = RealClock()
        self.ours = LinkTime(Timeline((Tempo(0, 600_000),), (Meter(0, 3, 4),)), self.clock)
        self.said: list[str] = []

    def run(self, seconds: float) -> None:
        """Update as a driver does."""
        end = self.clock.now() + seconds
        while (now := self.clock.now()) < end:
            self.said += self.ours.update(now)
            time.sleep(0.005)

    def set(self, tempo: float | None = None, playing: bool | None = None) -> None:
        """The peer changes the session."""
        state, now = self.peer.captureSessionState(), self.peer.clock().micros()
        if tempo is not None:
            state.setTempo(tempo, now)
        if playing is not None:
            state.setIsPlaying(playing, now)
        self.peer.commitSessionState(state)

    def apart(self) -> float:
        """Seconds between our place in the bar and the peer's."""
        before = self.clock.now()
        beat = self.peer.captureSessionState().phaseAtTime(self.peer.clock().micros(), BAR / 24)
        now = (before + self.clock.now()) / 2
        ticks = (self.ours.tick(now) - beat * 24 + BAR / 2) % BAR - BAR / 2
        return abs(ticks) * 60 / self.ours.qpm / 24


@pytest.fixture
def session() -> Iterator[Session]:
    package = pytest.importorskip("link", reason="LinkPython-extern is not installed (pip install 'musegen[link]')")
    made = Session(package)
    try:
        for _ in range(80):
            made.run(0.1)
            if made.ours.peers and made.peer.numPeers():
                break
        else:
            pytest.skip("two Link peers do not find each other here: the network passes no multicast")
        made.run(1.5)  # until both measure the same
        yield made
    finally:
        made.ours.close()
        made.peer.enabled = False


def test_follows_start_beat_tempo_and_stop_of_a_peer(session: Session) -> None:
    ours = session.ours
    assert any("1 other in the session" in said for said in session.said)
    assert (ours.rolling, ours.epoch) == (False, 0)
    session.set(tempo=120.0, playing=True)
    session.run(0.5)
    assert ours.rolling
    assert ours.resume_tick == 0
    assert -BAR <= ours.tick(session.clock.now() - 0.3) < 24  # a count-in up to the session's bar line
    assert ours.qpm == pytest.approx(120, rel=1e-4)
    assert session.apart() < 0.002
    asked = [(t, ours.tick(t)) for t in (session.clock.now() - k / 50 for k in range(1, 10))]
    session.set(tempo=180.0)
    session.run(1.5)
    assert ours.qpm == pytest.approx(180, rel=1e-4)
    assert session.apart() < 0.002
    assert ours.epoch == 1
    assert all(ours.tick(t) == tick for t, tick in asked)
    state, now = session.peer.captureSessionState(), session.peer.clock().micros()
    state.forceBeatAtTime(state.beatAtTime(now, 3) + 1.0, now, 3)  # the peer moves everybody by a beat
    session.peer.commitSessionState(state)
    session.run(0.5)
    assert session.apart() < 0.002
    assert (ours.rolling, ours.epoch) == (True, 2)
    session.set(playing=False)
    session.run(0.3)
    assert (ours.rolling, ours.epoch) == (False, 3)


def test_starts_stops_and_sets_the_tempo_for_the_others(session: Session) -> None:
    session.ours.start(session.clock.now())
    session.ours.set_tempo(97.0)
    session.run(0.5)
    state = session.peer.captureSessionState()
    assert state.isPlaying()
    assert state.tempo() == pytest.approx(97, rel=1e-4)
    assert session.ours.rolling
    session.ours.stop(session.clock.now())
    session.run(0.3)
    assert not session.peer.captureSessionState().isPlaying()
    assert not session.ours.rolling


def test_without_the_package_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with pytest.raises(MissingPackageError, match=r"musegen\[link\]"):
        LinkTime(Timeline(), RealClock())

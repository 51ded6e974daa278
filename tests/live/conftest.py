"""Fixtures for tests on real ports: a JACK server without a sound card, and receivers."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # jam_sources and jack_rig, here and in model processes

from jack_rig import JackServer, Player, Receiver

from musegen.live.live_port import LivePort
from musegen.live.ports import open_port


@pytest.fixture(scope="session")
def shared_jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JackServer]:
    """One server for all tests that leave it alive."""
    server = JackServer(f"mgtest{os.getpid()}", tmp_path_factory.mktemp("jack") / "log")
    yield server
    server.stop()


@pytest.fixture
def jack(shared_jack: JackServer, monkeypatch: pytest.MonkeyPatch) -> JackServer:
    """The shared server, chosen in this process's environment."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", shared_jack.name)
    return shared_jack


@pytest.fixture
def mortal_jack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    """A server of the test's own, to be killed."""
    server = JackServer(f"mgmort{os.getpid()}", tmp_path / "jack.log")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    yield server
    server.stop(signal.SIGKILL)
    # A killed server keeps one of the eight places that JACK has for servers, until one of its name ends in order.
    JackServer(server.name, tmp_path / "again.log").stop()


@pytest.fixture
def no_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where no JACK server runs."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "mg-no-such-server")


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[[JackServer, str], Receiver]]:
    """Starts receivers: `listen(server, source)`."""
    started: list[Receiver] = []

    def start(server: JackServer, source: str) -> Receiver:
        started.append(Receiver(server, source, tmp_path / f"received{len(started)}.json"))
        return started[-1]

    yield start
    for receiver in started:
        receiver.kill()


@pytest.fixture
def play_on() -> Iterator[Callable[[JackServer, str, str], Player]]:
    """Starts players: `play_on(server, name, mode)`."""
    started: list[Player] = []

    def start(server: JackServer, name: str, mode: str = "keyboard") -> Player:
        started.append(Player(server, name, mode))
        return started[-1]

    yield start
    for player in started:
        player.unplug()


@pytest.fixture
def live() -> Iterator[Callable[..., LivePort]]:
    """Opens ports through `open_port`, and closes them."""
    opened: list[LivePort] = []

    def start(**options: str) -> LivePort:
        port = open_port(**options)  # type: ignore[arg-type]
        assert isinstance(port, LivePort)
        opened.append(port)
        return port

    yield start
    for port in opened:
        port.close()

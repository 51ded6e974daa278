"""OSC over real UDP: every address, answers, and messages that make no sense."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("pythonosc", reason="python-osc is not installed")

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from musegen.errors import PortError
from musegen.live.desk import Desk
from musegen.live.knobs import ACTIONS, KNOBS, MODES
from musegen.live.osc import OscServer


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def server(desk: Desk) -> Iterator[OscServer]:
    made = OscServer(desk, port=0)
    yield made
    made.close()


@pytest.fixture
def client(server: OscServer) -> SimpleUDPClient:
    return SimpleUDPClient("127.0.0.1", server.port)


def until(what: Callable[[], bool]) -> None:
    """Wait for `what`: the message is on its way."""
    for _ in range(500):
        if what():
            return
        time.sleep(0.01)
    pytest.fail("nothing came")


def test_knobs_turn(desk: Desk, client: SimpleUDPClient) -> None:
    client.send_message("/musegen/density", 0.5)
    client.send_message("/musegen/register", -5)
    client.send_message("/musegen/temperature", 99.0)
    client.send_message("/musegen/key", "D dorian")
    client.send_message("/musegen/harmony", [0, 4, 7])
    until(lambda: bool(desk.controls.harmony))
    controls = desk.controls
    assert (controls.density, controls.register, controls.temperature) == (0.5, -5.0, 2.0)
    assert (controls.key, controls.harmony) == ("D dorian", {0, 4, 7})
    client.send_message("/musegen/harmony", [])
    until(lambda: not desk.controls.harmony)


def test_actions_and_buttons(desk: Desk, client: SimpleUDPClient) -> None:
    for mode in MODES:
        client.send_message("/musegen/mode", mode)
    client.send_message("/musegen/keep", [])
    client.send_message("/musegen/undo", 1.0)
    client.send_message("/musegen/undo", 0.0)  # the button is released
    client.send_message("/musegen/checkpoint", "lstm")
    got: list[tuple[str, str]] = []
    until(lambda: got.extend(desk.actions()) or len(got) == len(MODES) + 3)  # type: ignore[func-returns-value]
    assert got == [*(("mode", m) for m in MODES), ("keep", ""), ("undo", ""), ("checkpoint", "lstm")]


def test_every_action_has_an_address(desk: Desk, client: SimpleUDPClient, server: OscServer) -> None:
    for action in ACTIONS:
        arguments = {"mode": "loop", "program": [1, 33], "channel": [2, 5]}
        client.send_message(f"/musegen/{action}", arguments.get(action, []))
    got: list[tuple[str, str]] = []
    until(lambda: got.extend(desk.actions()) or len(got) == len(ACTIONS) - 1)  # type: ignore[func-returns-value]
    assert {a for a, _ in got} == set(ACTIONS) - {"learn"}
    assert {("program", "1 33"), ("channel", "2 5"), ("mode", "loop")} <= set(got)
    assert desk.learning and server.bad == 0


def test_bundles(desk: Desk, client: SimpleUDPClient) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for name in ("duck", "vary"):
        message = OscMessageBuilder(f"/musegen/{name}")
        message.add_arg(0.75)
        bundle.add_content(message.build())
    client.send(bundle.build())
    until(lambda: desk.controls.duck == desk.controls.vary == 0.75)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_state_is_answered(desk: Desk, server: OscServer, elsewhere: bool) -> None:
    desk.set("density", -0.25)
    desk.set("key", "auto")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for end in (asker, other):
            end.bind(("127.0.0.1", 0))
            end.settimeout(5)
        ask = OscMessageBuilder("/musegen/state")
        if elsewhere:
            ask.add_arg(other.getsockname()[1])
        asker.sendto(ask.build().dgram, ("127.0.0.1", server.port))
        answers = [OscMessage((other if elsewhere else asker).recv(65_536)) for _ in KNOBS]
    said = {m.address: m.params[0] for m in answers}
    assert set(said) == {f"/musegen/{name}" for name in KNOBS}
    assert (said["/musegen/density"], said["/musegen/key"]) == (-0.25, "auto")


BAD = [
    b"",
    b"\0",
    b"hello",
    b"/musegen/density\0\0\0\0,f\0\0\x00",  # the number is cut off
    b"#bundle\0",
    b"#bundle\0" + b"\xff" * 20,
    b"/\xff\xfe\0,\0\0\0",
]
WRONG: list[tuple[str, object]] = [
    ("/musegen/nothing", 1.0),
    ("/elsewhere", 1.0),
    ("/musegen/density", "much"),
    ("/musegen/density", float("nan")),
    ("/musegen/density", []),
    ("/musegen/key", 3),
    ("/musegen/key", "H"),
    ("/musegen/mode", "jazz"),
    ("/musegen/harmony", ["C"]),
    ("/musegen/harmony", [float("nan")]),
    ("/musegen/state", "here"),
    ("/musegen/state", 70_000),
]


def test_what_makes_no_sense_is_counted_and_complained_of_once(
    desk: Desk, server: OscServer, client: SimpleUDPClient
) -> None:
    for address, value in WRONG:
        client.send_message(address, value)  # type: ignore[arg-type]
    until(lambda: server.bad == len(WRONG))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        for data in BAD:
            rude.sendto(data, ("127.0.0.1", server.port))
    client.send_message("/musegen/duck", 0.5)
    until(lambda: desk.controls.duck == 0.5)
    assert server.bad >= len(WRONG) + len(BAD) - 1
    (complaint,) = desk.news()
    assert complaint.startswith("An OSC message was not understood") and complaint.endswith("are left out.")
    assert desk.version == 1, "nothing else changed"


def test_a_port_in_use_is_one_sentence(server: OscServer) -> None:
    with pytest.raises(PortError, match=f"OSC cannot listen on port {server.port} .*: choose another with  --osc"):
        OscServer(Desk(), server.port)
    with pytest.raises(PortError, match="port 70000"):
        OscServer(Desk(), 70_000)


def test_closing_frees_the_port(desk: Desk) -> None:
    first = OscServer(desk, 0)
    port = first.port
    first.close()
    first.close()
    OscServer(desk, port).close()


def test_oscsend(desk: Desk, server: OscServer) -> None:
    """Another implementation: liblo."""
    if not shutil.which("oscsend"):
        pytest.skip("oscsend (Debian: liblo-tools) is not installed")
    for arguments in (["density", "f", "0.5"], ["mode", "s", "loop"], ["register", "i", "7"], ["keep"]):
        subprocess.run(
            ["oscsend", "localhost", str(server.port), "/musegen/" + arguments[0], *arguments[1:]],
            check=True,
            timeout=20,
        )
    until(lambda: desk.controls.register == 7)
    until(lambda: len(desk._actions) == 2)
    assert desk.controls.density == 0.5 and desk.actions() == [("mode", "loop"), ("keep", "")]

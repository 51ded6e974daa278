"""`musegen studio` as a person starts it: a real server, real sockets, and people who mean it no good."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra studio is not installed")
pytest.importorskip("websockets", reason="the extra studio is not installed")

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from benchmarks.studio_rig import ROOT, Studio, free_port
from musegen.errors import SettingsError
from musegen.studio.app import create_app
from musegen.studio.jam import Jam
from musegen.studio.pages import MOST
from musegen.studio.server import address, listen, server_of, warning
from musegen.studio.settings import StudioSettings

from .conftest import TOKEN


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One for the tests that leave it as it is."""
    made = Studio(tmp_path_factory.mktemp("studio"))
    made.start()
    yield made
    assert made.stop() == 0, made.said
    assert "Traceback" not in made.said, made.said


def token_of(studio: Studio) -> str:
    return studio.url.partition("token=")[2]


def about(studio: Studio) -> httpx.Response:
    """It still answers."""
    bearer = {"Authorization": f"Bearer {token_of(studio)}"}
    return httpx.get(f"{studio.origin}/api/about", headers=bearer, timeout=30)


def join(studio: Studio, **options: Any) -> ClientConnection:
    """A page's socket."""
    bearer = {"Authorization": f"Bearer {token_of(studio)}"}
    return connect(f"ws://127.0.0.1:{studio.port}/ws", additional_headers=bearer, **options)


def test_the_printed_address_opens_the_page(studio: Studio) -> None:
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        answer = browser.get(studio.url)
        assert answer.status_code in (200, 503) and token_of(studio) not in str(answer.url)
        assert browser.get(f"{studio.origin}/api/about").status_code == 200
    assert httpx.get(studio.origin).status_code == 401


def test_garbage_instead_of_requests_breaks_nothing(studio: Studio) -> None:
    for garbage in (b"\0" * 1000, b"GET / HTTP/1.1\r\n" * 500, b"GET /" + b"x" * 2**17, b"\xff\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", studio.port), 10) as line:
            line.settimeout(10)
            told = b""
            with suppress(OSError):  # it may hang up before all is said
                line.sendall(garbage)
                line.shutdown(socket.SHUT_WR)
                told = line.recv(2**16)
        assert b"the page" not in told and b" 200 " not in told
    assert about(studio).status_code == 200


def test_a_message_too_long_ends_its_own_socket_alone(studio: Studio) -> None:
    with join(studio) as other, join(studio) as page:
        page.send("x" * 2**20)
        with pytest.raises(ConnectionClosed):
            list(iter(lambda: page.recv(timeout=30), None))
        other.send('{"do": "panic"}')
        while "say" not in (line := json.loads(other.recv(timeout=30))):
            pass
    assert "No jam" in line["say"]


def test_as_many_sockets_as_somebody_likes_to_open(studio: Studio) -> None:
    with ExitStack() as stack:
        pages = [stack.enter_context(join(studio)) for _ in range(MOST)]
        assert all("hello" in page.recv(timeout=30) for page in pages)
        extra = stack.enter_context(join(studio))
        with pytest.raises(ConnectionClosed) as closed:
            extra.recv(timeout=30)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
        assert about(studio).status_code == 200
    with join(studio) as page:  # there is room again
        assert "hello" in page.recv(timeout=30)


def test_a_socket_without_the_token_is_not_even_opened(studio: Studio) -> None:
    for headers in ({}, {"Origin": studio.origin}, {"Authorization": "Bearer x"}):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{studio.port}/ws", additional_headers=headers)
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_well_with_a_page_open_and_comes_back_as_it_was(tmp_path: Path, number: int) -> None:
    studio = Studio(tmp_path)
    url = studio.start()
    with join(studio):
        assert studio.stop(number) in (0, -signal.SIGTERM)
    assert "Traceback" not in studio.said and "rror" not in studio.said, studio.said
    assert studio.start() == url
    studio.kill()
    (kept,) = (tmp_path / "home").rglob("studio-token")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().strip() == url.partition("token=")[2]


def test_a_port_that_is_taken_is_left_alone_and_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        studio = Studio(tmp_path, taken.getsockname()[1])
        url = studio.start()
        try:
            assert f"Port {studio.port} is taken" in studio.said
            assert f":{studio.port}/" not in url
        finally:
            assert studio.stop() == 0


def test_where_it_cannot_listen() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", free_port())  # RFC 5737: nobody's
    with pytest.raises(SettingsError, match="no-such-name"):
        listen("no-such-name.invalid", free_port())


def test_addresses_and_what_they_open() -> None:
    assert address(StudioSettings(), "abc") == "http://127.0.0.1:8765/?token=abc"
    assert address(StudioSettings(host="::1", port=9)) == "http://[::1]:9/"
    assert address(StudioSettings(host="0.0.0.0")) == "http://127.0.0.1:8765/"
    assert all(word in warning(StudioSettings(host="0.0.0.0")) for word in ("0.0.0.0", "network", "encrypted"))


@pytest.mark.parametrize("options", [["--port", "99999"], ["--port", "x"], ["--host", ""]])
def test_bad_options_are_a_sentence(tmp_path: Path, options: list[str]) -> None:
    done = run_studio(tmp_path, *options)
    assert done.returncode == 1 and done.stderr.startswith("musegen: ") and done.stderr.count("\n") == 1


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    block = "import sys; sys.modules['fastapi'] = None; from musegen.cli.main import main; sys.exit(main(['studio']))"
    done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "pip install 'musegen[studio]'" in done.stderr and done.stderr.count("\n") == 1


def run_studio(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "musegen", "studio", "--no-open", *options]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "PATH": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


FLOOD = """
import json, sys, threading, time
full = threading.Event()
def listen():
    for line in sys.stdin:
        full.set()
    print(json.dumps({"ended": {"error": "", "recording": ""}}), flush=True)
    import os; os._exit(0)
print(json.dumps({"hello": {"version": "x"}}), flush=True)
threading.Thread(target=listen).start()
for number in range(10**9):
    frame = {"tick": number, "mode": "x" * 50000}
    if full.is_set():
        full.clear()
        frame["full"] = True
    print(json.dumps({"frame": frame}), flush=True)
    time.sleep(0.005)
"""


def test_a_page_that_stops_reading_holds_nobody_up_and_catches_up(tmp_path: Path) -> None:
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    app = create_app(StudioSettings(port=port, page=tmp_path), TOKEN)
    app.state.bridge.jam = Jam(app.state.bridge.pages.tell, [sys.executable, "-c", FLOOD])
    server = server_of(app)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    try:
        at = f"ws://127.0.0.1:{port}/ws"
        with (
            connect(at, additional_headers=bearer, max_queue=1, close_timeout=0.5) as slow,
            connect(at, additional_headers=bearer, close_timeout=0.5) as quick,
        ):
            started = httpx.post(f"http://127.0.0.1:{port}/api/jam", headers=bearer, json={}, timeout=30)
            assert started.json()["state"] == "starting"
            ticks = frames(quick, 400)
            assert ticks[-1] - ticks[0] < 600, "who reads is not held up by who does not"
            late = frames(slow, 250)
            jump = next(i for i in range(1, 250) if late[i] != late[i - 1] + 1)
            assert late[jump] - late[jump - 1] > 100, "what was missed is not sent after all"
            assert late[jump:] == list(range(late[jump], late[jump] + 250 - jump)), "and then it follows again"
            ended = httpx.delete(f"http://127.0.0.1:{port}/api/jam", headers=bearer, timeout=60)
            assert ended.json() == {"state": "ended", "settings": {}, "error": ""}
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def frames(page: ClientConnection, count: int) -> list[int]:
    """The ticks of the next frames."""
    ticks: list[int] = []
    end = time.monotonic() + 120
    while len(ticks) < count:
        assert time.monotonic() < end
        line = json.loads(page.recv(timeout=30))
        if "frame" in line:
            ticks.append(line["frame"]["tick"])
    return ticks

"""What another site can do to the studio from the same browser, its cookie included: nothing.

The other site is on this machine's own address at another port, which browsers count as the same *site*: the cookie is
sent along, and only the studio's own look at Origin and Host stands in the way.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks.studio_rig import Studio

from .conftest import REBOUND, Opener

READ = "(at) => fetch(at + '/api/about', { credentials: 'include' }).then((a) => a.text(), () => 'refused')"
SOCKET = """
(at) => new Promise((tell) => {
  const socket = new WebSocket(at.replace('http', 'ws') + '/ws');
  socket.onopen = () => tell('open');
  socket.onclose = () => tell('refused');
})
"""
BLIND = """
(at) => fetch(at + '/api/jam', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"mode": "solo"}' })
  .then(() => 'sent', () => 'refused')
"""
FORM = """
(at) => {
  const sent = `<input name='{"mode": "solo", "x": "' value='"}'>`; // text/plain: what arrives is almost JSON
  document.body.innerHTML = `<form method=post enctype=text/plain action="${at}/api/jam">${sent}</form>`;
  document.forms[0].submit();
}
"""


class Evil(BaseHTTPRequestHandler):
    """A site with one empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another site</title><body>")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    """The address of another site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visited(open_page: Opener, evil: str) -> tuple[Any, Any]:
    """The studio's page, and the other site's in the same profile, so that it has the studio's cookie."""
    watched = open_page()
    other = watched.context.new_page()
    other.goto(evil)
    return watched.page, other


def test_its_scripts_read_nothing(visited: tuple[Any, Any], studio: Studio) -> None:
    own, other = visited
    assert "version" in own.evaluate(READ, studio.origin)
    assert other.evaluate(READ, studio.origin) == "refused"


def test_its_scripts_open_no_socket(visited: tuple[Any, Any], studio: Studio) -> None:
    own, other = visited
    assert own.evaluate(SOCKET, studio.origin) == "open"
    assert other.evaluate(SOCKET, studio.origin) == "refused"


def test_what_it_sends_blindly_does_nothing(visited: tuple[Any, Any], studio: Studio) -> None:
    own, other = visited
    other.evaluate(BLIND, studio.origin)
    with other.expect_navigation() as left:
        other.evaluate(FORM, studio.origin)
    assert left.value.status == 403
    assert own.evaluate("fetch('/api/jam').then((a) => a.json())")["state"] == "none"


def test_it_cannot_frame_the_studio(visited: tuple[Any, Any], studio: Studio) -> None:
    _, other = visited
    with other.expect_console_message(lambda said: "frame-ancestors" in said.text):
        other.evaluate("(at) => { document.body.innerHTML = `<iframe src='${at}/'>`; }", studio.origin)
    assert not other.frames[1].url.startswith(studio.origin)


def test_a_name_that_comes_to_mean_this_machine_gets_no_answer(browser: Any, studio: Studio) -> None:
    """DNS rebinding: the other site's name is 127.0.0.1 now, so what is served there is of its scripts' own origin."""
    page = browser.new_page()
    token = studio.url.partition("token=")[2]
    for path in ("/", f"/?token={token}", "/api/about"):
        answer = page.goto(f"http://{REBOUND}:{studio.port}{path}")
        assert answer.status in (400, 421), path
        assert "set-cookie" not in answer.headers
    page.close()

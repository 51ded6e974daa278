"""Who may talk to the studio. Every door is tried by somebody who should not come in, and by somebody who should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from musegen.studio.app import create_app
from musegen.studio.security import MAX_BODY, is_loopback
from musegen.studio.settings import StudioSettings
from musegen.studio.tokens import token_at

from .conftest import ORIGIN, SOCKET, TOKEN

READ = ["/", "/api/about", "/api/jam", "/api/ports", "/api/recordings", "/api/docs", "/api/openapi.json"]
COOKIE = f"musegen-8765={TOKEN}"


@pytest.mark.parametrize("path", [*READ, "/sound/font.sf2", "/nothing/here"])
def test_without_the_token_nothing_is_told(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "the address that musegen studio printed" in answer.text


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], f"{TOKEN}x", "é" * 20])
def test_a_wrong_token_is_none(stranger: TestClient, wrong: str) -> None:
    assert stranger.get("/api/about", headers={"Authorization": f"Bearer {wrong}".encode()}).status_code == 401
    assert stranger.get("/api/about", headers={"Cookie": f"musegen-8765={wrong}".encode()}).status_code == 401
    assert stranger.get("/", params={"token": wrong}).status_code == 401
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(SOCKET, headers={"Origin": ORIGIN}):
        pass


def test_an_api_address_takes_no_token_that_logs_and_histories_would_keep(stranger: TestClient) -> None:
    assert stranger.get("/api/about", params={"token": TOKEN}).status_code == 401
    with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(f"{SOCKET}?token={TOKEN}"):
        pass


def test_the_printed_address_leads_to_the_page_and_away_from_the_token(stranger: TestClient) -> None:
    first = stranger.get("/", params={"token": TOKEN}, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "musegen-8765=", "path=/"))
    assert "the page" in stranger.get("/").text


def test_the_cookie_of_a_studio_at_another_port_is_another(stranger: TestClient) -> None:
    assert stranger.get("/api/about", headers={"Cookie": f"musegen-8766={TOKEN}"}).status_code == 401
    assert stranger.get("/api/about", headers={"Cookie": COOKIE}).status_code == 200


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8765",
    "127.0.0.1.evil.example:8765",
    "localhost.evil.example",
    "192.168.1.7:8765",
    "0.0.0.0:8765",
    "8.8.8.8",
    "evil.example#127.0.0.1",
    "127.0.0.1@evil.example",
    "[::1",
    "",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_somebody_elses_dns_may_point_here_is_refused(script: TestClient, host: str) -> None:
    for path in READ:
        assert script.get(path, headers={"Host": host}).status_code == 421
    with pytest.raises(WebSocketDisconnect), script.websocket_connect(SOCKET, headers={"Host": host}):
        pass


def test_nobody_has_two_names(script: TestClient) -> None:
    hosts = [("Host", "127.0.0.1:8765"), ("Host", "evil.example")]
    assert script.get("/api/about", headers=hosts).status_code == 421
    assert script.get("/api/about", headers=hosts[:1]).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST", "[::1]:8765", "127.0.0.1:9000"])
def test_this_machine_has_these_names(script: TestClient, host: str) -> None:
    assert script.get("/api/about", headers={"Host": host}).status_code == 200


FOREIGN_ORIGINS = [
    "https://evil.example",
    "http://127.0.0.1:3000",
    "http://127.0.0.1",
    "http://localhost:8765",  # the same machine, but not the page that was opened
    "http://127.0.0.1:8765.evil.example",
    "null",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_another_sites_page_is_refused_even_with_the_cookie(page: TestClient, origin: str) -> None:
    headers = {"Origin": origin}
    assert page.get("/api/about", headers=headers).status_code == 403
    assert page.post("/api/jam", headers=headers, json={}).status_code == 403
    assert page.delete("/api/jam", headers=headers).status_code == 403
    assert page.options("/api/jam", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), page.websocket_connect(SOCKET, headers=headers):
        pass


def test_a_page_that_does_not_say_where_it_comes_from_changes_nothing(page: TestClient) -> None:
    del page.headers["Origin"]
    assert page.get("/api/jam").status_code == 200
    assert page.delete("/api/jam").status_code == 403
    assert page.post("/api/jam/command", json={"do": "panic"}).status_code == 403
    with pytest.raises(WebSocketDisconnect), page.websocket_connect(SOCKET):
        pass


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_picture_or_frame_of_ours_is_refused_but_not_a_link_to_the_page(
    page: TestClient, site: str
) -> None:
    del page.headers["Origin"]
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert page.get("/api/about", headers=headers).status_code == 403
    assert page.get("/api/about", headers={**headers, "Sec-Fetch-Mode": "navigate"}).status_code == 403
    assert page.get("/", headers={**headers, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert page.get("/api/about", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_our_own_page_and_scripts_come_in(page: TestClient) -> None:
    assert page.delete("/api/jam").json()["state"] == "none"
    with page.websocket_connect(SOCKET, headers={"Origin": ORIGIN}) as socket:
        assert "hello" in socket.receive_json()
    page.headers.clear()
    page.cookies.clear()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert page.delete("/api/jam", headers=bearer).status_code == 200
    with page.websocket_connect(SOCKET, headers=bearer) as socket:
        assert "hello" in socket.receive_json()


@pytest.mark.parametrize("path", ["/", "/api/about", "/api/nothing", "/nothing", "/sound/font.sf2"])
def test_every_answer_says_what_a_browser_must_not_do(script: TestClient, path: str) -> None:
    for headers in ({}, {"Authorization": ""}):
        answer = script.get(path, headers=headers)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "cache-control" in answer.headers
        assert "access-control-allow-origin" not in answer.headers


CLIMBING = [
    "../secret.mid",
    "..%2fsecret.mid",
    "%2e%2e%2fsecret.mid",
    "..%5csecret.mid",
    "%2fetc%2fpasswd",
    "....//secret.mid",
    "secret.mid%00",
]


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("where", ["/", "/api/recordings/", "/sound/", "/assets/"])
def test_no_name_climbs_out_of_its_folder(script: TestClient, settings: StudioSettings, where: str, name: str) -> None:
    settings.record.mkdir()
    for folder in (settings.record.parent, settings.page.parent):
        (folder / "secret.mid").write_text("a secret")
    answer = script.get(f"{where}{name}")
    assert answer.status_code in (404, 400, 422) and "secret" not in answer.text.replace("secret.mid", "")
    assert "root:" not in answer.text


def test_a_link_out_of_the_page_leads_nowhere(script: TestClient, settings: StudioSettings) -> None:
    (settings.page.parent / "secret").write_text("a secret")
    (settings.page / "link").symlink_to(settings.page.parent / "secret")
    assert script.get("/link").status_code == 404


def test_a_body_that_says_it_is_too_large_is_not_read(script: TestClient) -> None:
    answer = script.post("/api/jam", content=b"{}", headers={"Content-Length": str(MAX_BODY + 1)})
    assert answer.status_code == 413 and "5 MB" in answer.json()["error"]
    for length in ("-1", "9" * 5000, "²", ""):
        headers = {"Content-Length": length.encode("latin-1")}
        assert script.post("/api/jam", content=b"{}", headers=headers).status_code == 413


def test_a_body_that_never_ends_is_cut_off() -> None:
    """Asked as a server asks, to see how much is taken of it."""
    import asyncio

    taken, sent = 0, []
    header = {"host": "127.0.0.1:8765", "authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    scope = {
        "type": "http", "method": "POST", "path": "/api/jam", "raw_path": b"/api/jam", "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in header.items()], "scheme": "http", "root_path": "",
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        nonlocal taken
        taken += 2**16
        assert taken < 2 * MAX_BODY, "it reads for ever"
        return {"type": "http.request", "body": b" " * 2**16, "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(create_app(StudioSettings(), TOKEN)(scope, receive, send))
    assert sent[0]["status"] == 413
    assert taken <= MAX_BODY + 2**17


@pytest.fixture
def open_to_all(settings: StudioSettings) -> Iterator[TestClient]:
    """`--host 0.0.0.0`."""
    opened = StudioSettings(**{**vars(settings), "host": "0.0.0.0"})
    with TestClient(create_app(opened, TOKEN), base_url="http://192.168.1.7:8765") as client:
        yield client


def test_beyond_loopback_the_token_is_demanded_and_foreign_names_are_refused(open_to_all: TestClient) -> None:
    assert open_to_all.get("/api/about").status_code == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert open_to_all.get("/api/about", headers=bearer).status_code == 200
    assert open_to_all.get("/api/about", headers={**bearer, "Host": "evil.example"}).status_code == 421
    assert open_to_all.delete("/api/jam", headers={**bearer, "Origin": "http://192.168.1.8:8765"}).status_code == 403


def test_what_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "localhost.example", "example.org", "")))


def test_the_token_is_kept_for_its_owner_alone_and_made_anew_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "studio-token"
    token = token_at(path)
    assert len(token) >= 40 and path.stat().st_mode & 0o777 == 0o600
    assert token_at(path) == token
    other = token_at(path, renew=True)
    assert other != token and token_at(path) == other
    assert path.stat().st_mode & 0o777 == 0o600 and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("broken", [b"", b"short", b"\xff\xfe\x00", b"a b c" * 20])
def test_a_broken_token_is_replaced(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "studio-token"
    path.write_bytes(broken)
    token = token_at(path)
    assert len(token) >= 40 and token_at(path) == token

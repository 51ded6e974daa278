"""The application: what it says of itself, errors, recordings, and what a page is told that does not keep up."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from musegen.live.knobs import ACTIONS, KNOBS, MODES
from musegen.studio.app import create_app
from musegen.studio.pages import MOST, Page, Pages
from musegen.studio.settings import StudioSettings

from .conftest import ORIGIN, SOCKET, TOKEN


def test_about_lists_what_a_jam_can_do(script: TestClient) -> None:
    about = script.get("/api/about").json()
    assert [knob["name"] for knob in about["knobs"]] == list(KNOBS)
    assert about["modes"] == list(MODES) and about["actions"] == ACTIONS


def test_the_ports_of_this_machine_are_listed(script: TestClient) -> None:
    for system in script.get("/api/ports").json()["systems"]:
        assert set(system) == {"name", "ready", "missing", "outputs", "inputs", "virtual"}
        assert system["ready"] or system["missing"]


def test_the_instruments_are_served_and_kept_by_the_browser(script: TestClient) -> None:
    answer = script.get("/sound/font.sf2")
    assert answer.content[:4] == b"RIFF" and answer.content[8:12] == b"sfbk"
    assert "max-age" in answer.headers["cache-control"]
    again = script.get("/sound/font.sf2", headers={"Range": "bytes=8-11"})
    assert again.content == b"sfbk"


def test_every_address_is_documented_without_anything_from_elsewhere(script: TestClient) -> None:
    description = script.get("/api/openapi.json").json()
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} does not say what it does"
    manual = script.get("/api/docs").text
    assert all(path in manual for path in description["paths"])
    assert "http://" not in manual and "https://" not in manual and "<script" not in manual


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("GET", "/api/nothing", None, 404, "nothing"),
        ("PUT", "/api/jam", {}, 405, "cannot"),
        ("POST", "/api/jam", {"tempo": 4}, 422, "tempo"),
        ("POST", "/api/jam", {"tempo": "fast"}, 422, "tempo"),
        ("POST", "/api/jam", {"surprise": 1}, 422, "surprise"),
        ("POST", "/api/jam", {"seed": "no-such-seed"}, 400, "no-such-seed"),
        ("POST", "/api/jam", {"checkpoint": "../../etc"}, 400, "checkpoint"),
        ("POST", "/api/jam", {"checkpoint": "someone/theirs"}, 400, "checkpoint"),
        ("POST", "/api/jam", {"knobs": {"volume": 1}}, 400, "volume"),
        ("POST", "/api/jam", {"knobs": {"key": "H flat"}}, 400, "H flat"),
        ("POST", "/api/jam", {"port": "a\nb"}, 422, "port"),
        ("POST", "/api/jam/command", {"do": "panic"}, 409, "jam"),
    ],
)
def test_errors_are_sentences(
    script: TestClient, method: str, path: str, body: dict[str, Any] | None, status: int, word: str
) -> None:
    answer = script.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    sentence = answer.json()["error"]
    assert word in sentence and sentence.endswith((".", "!", "?")) and "Traceback" not in sentence


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"nan", b'{"tempo": NaN}', b'{"tempo": 1e999}', b"\xff\x00"])
def test_garbage_for_settings_is_refused_in_a_sentence(script: TestClient, body: bytes) -> None:
    answer = script.post("/api/jam", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and answer.json()["error"].endswith(".")
    assert script.get("/api/jam").json()["state"] == "none"


def test_a_fault_of_ours_is_told_without_its_inside(settings: StudioSettings) -> None:
    app = create_app(settings, TOKEN)
    app.state.bridge.jam.view = lambda: 1 / 0
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        answer = client.get("/api/jam", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 500
    assert "went wrong" in answer.json()["error"] and "division" not in answer.text


def test_recordings_are_listed_newest_first_and_downloaded(script: TestClient, settings: StudioSettings) -> None:
    assert script.get("/api/recordings").json() == []
    settings.record.mkdir()
    for age, name in enumerate(("new.mid", "old ü.mid", "older.wav", "jam.journal", ".hidden.mid.part")):
        path = settings.record / name
        path.write_bytes(b"MThd" + bytes(age))
        os.utime(path, (1000 - age, 1000 - age))
    rows = script.get("/api/recordings").json()
    assert [row["name"] for row in rows] == ["new.mid", "old ü.mid", "older.wav"]
    assert [row["bytes"] for row in rows] == [4, 5, 6]
    answer = script.get("/api/recordings/old ü.mid")
    assert answer.content == b"MThd\0" and answer.headers["content-disposition"].startswith("attachment")
    assert script.get("/api/recordings/jam.journal").status_code == 404


def test_a_page_is_greeted_with_what_it_must_know(page: TestClient) -> None:
    with page.websocket_connect(SOCKET) as socket:
        assert [next(iter(socket.receive_json())) for _ in range(2)] == ["hello", "jam"]
        assert "systems" in socket.receive_json()["ports"]


@pytest.mark.parametrize("garbage", ["", "{", "[]", "3", '"x"', "{}", '{"knob": 1, "do": "x"}', "[" * 4000, "x" * 9999])
def test_garbage_on_the_socket_is_answered_with_a_sentence(page: TestClient, garbage: str) -> None:
    with page.websocket_connect(SOCKET) as socket:
        for text in (garbage, '{"do": "panic"}'):
            socket.send_text(text)
        said = []
        while len(said) < 2:
            line = socket.receive_json()
            said += [line["say"]] if "say" in line else []
    assert all(sentence.endswith(".") for sentence in said)
    assert "No jam" in said[1]


def test_binary_garbage_is_garbage_too(page: TestClient) -> None:
    with page.websocket_connect(SOCKET) as socket:
        socket.send_bytes(b"\xff\x00")
        while "say" not in (line := socket.receive_json()):
            pass
    assert "not a command" in line["say"]


def test_keys_tried_before_a_jam_are_no_mistake(page: TestClient) -> None:
    with page.websocket_connect(SOCKET) as socket:
        for text in ('{"midi": "903c64"}', '{"full": true}', '{"ping": 1}', "{"):
            socket.send_text(text)
        lines = []
        while not lines or "say" not in lines[-1]:
            lines.append(socket.receive_json())
    assert "not a command" in lines[-1]["say"], "the first complaint is about the last command"


def frame(number: int, full: bool = False, size: int = 0) -> str:
    return json.dumps({"frame": {**({"full": True} if full else {}), "tick": number, "mode": "x" * size}})


async def drained(page: Page) -> list[dict[str, Any]]:
    """Everything that waits."""
    lines = []
    while True:
        try:
            lines.append(json.loads(await asyncio.wait_for(page.take(), 0.05)))
        except TimeoutError:
            return lines


def test_a_page_that_does_not_keep_up_misses_frames_and_goes_on_from_a_full_one() -> None:
    async def scene() -> None:
        asked = []
        pages = Pages(lambda: asked.append(True))
        slow, quick = pages.join(), pages.join()
        seen = []
        for number in range(100):
            pages.tell("frame", frame(number, size=10_000))
            seen += await drained(quick) if number % 10 == 9 else []
        pages.tell("cancel", '{"cancel": true}')
        first = await drained(slow)
        kept = [line["frame"]["tick"] for line in first[:-1]]
        assert kept == list(range(len(kept))) and 10 < len(kept) < 50, "the first ones, and then nothing new"
        assert first[-1] == {"cancel": True}, "what matters is not lost"
        assert [line["frame"]["tick"] for line in seen] == list(range(100)), "the quick one never waits"
        assert not asked
        pages.tell("frame", frame(100))
        assert asked, "now that it could follow again"
        assert not await drained(slow), "what has changed since a frame that it never saw is of no use"
        pages.tell("frame", frame(101, full=True))
        pages.tell("frame", frame(102))
        assert [line["frame"]["tick"] for line in await drained(slow)] == [101, 102]

    asyncio.run(scene())


def test_a_page_that_misses_the_ends_of_notes_is_silenced_once_each_time() -> None:
    async def scene() -> None:
        page = Page()
        for _ in range(2):
            page.put("frame", frame(0, size=2**19))
            for _ in range(3):
                page.put("midi", '{"midi": [[1, "803c00"]]}')
            lines = await drained(page)
            assert lines[1:] == [{"cancel": True}], "once: no note that began is to sound for ever"
            page.put("midi", '{"midi": [[2, "903c40"]]}')
            assert "midi" in (await drained(page))[0]

    asyncio.run(scene())


def test_a_page_that_never_reads_is_let_go() -> None:
    page = Page()
    for _ in range(100):
        page.put("say", "x" * 2**17)
    assert page.gone


def test_each_page_hears_its_own_pong() -> None:
    async def scene() -> None:
        pages = Pages(lambda: None)
        one, other = pages.join(), pages.join()
        numbers = [pages.ping(one, 5.5), pages.ping(other, 5.5)]
        assert len(set(numbers)) == 2
        pages.tell("pong", json.dumps({"pong": numbers[1], "now": 7.0}))
        assert await drained(other) == [{"pong": 5.5, "now": 7.0}]
        assert await drained(one) == []
        pages.tell("pong", json.dumps({"pong": numbers[1], "now": 8.0}))
        assert await drained(other) == [], "answered once"

    asyncio.run(scene())


def test_more_pages_than_anybody_has_are_turned_away(page: TestClient) -> None:
    app: Any = page.app
    for _ in range(MOST):
        app.state.bridge.pages.join()
    with page.websocket_connect(SOCKET) as socket:
        closed = socket.receive()
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013) and "close one" in closed["reason"]


def test_the_studio_loads_no_torch_and_no_music21() -> None:
    code = "import sys, musegen.studio.app\nprint([m for m in ('torch', 'music21', 'matplotlib') if m in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr

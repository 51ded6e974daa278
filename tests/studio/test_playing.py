"""A jam through the studio, with a shipped model: played, steered, ended, killed. Nothing here is stood in for."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra studio is not installed")
pytest.importorskip("websockets", reason="the extra studio is not installed")

import httpx
from websockets.sync.client import ClientConnection, connect

from benchmarks.studio_rig import Studio
from musegen.midi.music import read_music

pytestmark = pytest.mark.slow


class Visitor:
    """A page of a studio: its socket, and its requests."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        bearer = {"Authorization": f"Bearer {studio.url.partition('token=')[2]}"}
        self._open = ExitStack()
        self._http = self._open.enter_context(httpx.Client(base_url=studio.origin, headers=bearer, timeout=90))
        connecting = connect(f"ws://127.0.0.1:{studio.port}/ws", additional_headers=bearer)
        self.socket: ClientConnection = self._open.enter_context(connecting)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._http.request(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def send(self, **command: Any) -> None:
        self.socket.send(json.dumps(command))

    def until(self, right: Callable[[dict[str, Any]], bool], seconds: float = 90.0) -> dict[str, Any]:
        """The first line from now on that is right."""
        end = time.monotonic() + seconds
        while True:
            assert time.monotonic() < end, "it never came"
            line: dict[str, Any] = json.loads(self.socket.recv(timeout=seconds))
            if right(line):
                return line

    def jam(self, **settings: Any) -> None:
        """Start one, and wait until it plays."""
        assert self.ask("POST", "/api/jam", json=settings)["state"] == "starting"
        self.until(lambda line: line.get("jam", {}).get("state") == "playing")

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def visitor(studio: Studio) -> Iterator[Visitor]:
    made = Visitor(studio)
    yield made
    made.close()


def models_note(line: dict[str, Any]) -> bool:
    return any(note[6] == 1 for note in line.get("frame", {}).get("notes", []))


def note_on(line: dict[str, Any]) -> bool:
    return any(message.startswith("9") and message[4:] != "00" for _, message in line.get("midi", []))


def recorded(folder: Path) -> list[Path]:
    return sorted(folder.glob("recordings/*.mid"))


def test_a_jam_is_seen_heard_steered_ended_and_kept(visitor: Visitor) -> None:
    visitor.jam(mode="solo", seed="reel", knobs={"density": 0.5})
    visitor.until(note_on)
    visitor.until(models_note)
    visitor.send(knob="register", value=5)
    visitor.until(lambda line: any(knob["value"] == 5 for knob in line.get("frame", {}).get("knobs", [])))
    visitor.ask("POST", "/api/jam/command", json={"do": "mode", "argument": "accompany"})
    visitor.until(lambda line: line.get("frame", {}).get("mode") == "accompany")
    visitor.send(ping=41.5)
    assert visitor.until(lambda line: "pong" in line)["pong"] == 41.5
    assert visitor.ask("DELETE", "/api/jam")["error"] == ""
    ended = visitor.until(lambda line: "ended" in line)["ended"]
    (row,) = visitor.ask("GET", "/api/recordings")
    assert Path(ended["recording"]).name == row["name"]
    (path,) = recorded(visitor.studio.folder)
    assert visitor.ask("GET", f"/api/recordings/{row['name']}") == path.read_bytes()
    assert len(read_music(path)) > 0


def test_keys_on_the_page_are_answered(visitor: Visitor) -> None:
    visitor.jam(mode="answer", phrase_bars=1, tempo=180)
    visitor.until(lambda line: line.get("frame", {}).get("tick", 0) > 0)
    for pitch in (60, 62, 64, 65, 67, 65, 64, 62):
        visitor.send(midi=bytes([0x90, pitch, 100]).hex())
        time.sleep(0.15)
        visitor.send(midi=bytes([0x80, pitch, 0]).hex())
    seen: list[int] = []

    def both(line: dict[str, Any]) -> bool:
        seen.extend(note[6] for note in line.get("frame", {}).get("notes", []))
        return 0 in seen and 1 in seen

    visitor.until(both)
    assert seen.index(0) < seen.index(1), "first the player's notes, then the model's"


def test_a_key_that_the_last_page_held_is_lifted_when_it_goes(visitor: Visitor) -> None:
    def held(line: dict[str, Any]) -> list[bool]:
        return [note[2] is None for note in line.get("frame", {}).get("notes", []) if note[3] == 60 and note[6] == 0]

    visitor.jam(mode="answer")
    visitor.until(lambda line: line.get("frame", {}).get("tick", 0) > 0)
    visitor.send(midi="903c64")
    assert visitor.until(lambda line: bool(held(line)))
    visitor.close()
    other = Visitor(visitor.studio)
    try:
        other.until(lambda line: held(line) == [False], 20.0)
    finally:
        other.close()


def test_a_second_jam_is_refused_while_one_plays(visitor: Visitor) -> None:
    visitor.jam(mode="solo")
    answer = visitor._http.post("/api/jam", json={})
    assert answer.status_code == 409 and "stop it first" in answer.json()["error"]


def test_a_jam_that_cannot_begin_says_why_on_the_page(visitor: Visitor) -> None:
    visitor.ask("POST", "/api/jam", json={"mode": "solo", "port": "No Such Port"})
    told = visitor.until(lambda line: line.get("jam", {}).get("state") == "ended")["jam"]
    assert "No Such Port" in told["error"] and "Traceback" not in told["error"]
    assert visitor.ask("GET", "/api/jam") == told


def test_a_jam_that_is_killed_is_told_and_leaves_room_for_another(visitor: Visitor) -> None:
    visitor.jam(mode="solo")
    visitor.until(note_on)
    (jam,) = children_of(visitor.studio)
    os.kill(jam, signal.SIGKILL)
    told = visitor.until(lambda line: line.get("jam", {}).get("state") == "ended")["jam"]
    assert "broke off" in told["error"]
    visitor.jam(mode="solo")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_server_is_the_end_of_the_jam_and_its_recording_is_kept(visitor: Visitor, number: int) -> None:
    visitor.jam(mode="solo", seed="reel")
    visitor.until(models_note)
    visitor.until(lambda line: line.get("frame", {}).get("tick", 0) > 48)  # and it has sounded
    (jam,) = children_of(visitor.studio)
    assert visitor.studio.process is not None
    visitor.studio.process.send_signal(number)
    visitor.studio.process.wait(60)
    end = time.monotonic() + 60
    while alive(jam):
        assert time.monotonic() < end, "the jam plays on"
        time.sleep(0.1)
    (path,) = recorded(visitor.studio.folder)
    assert len(read_music(path)) > 0


def children_of(studio: Studio) -> list[int]:
    """The jams of a studio."""
    assert studio.process is not None
    children = Path(f"/proc/{studio.process.pid}/task/{studio.process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list a process's children")
    pids = [int(pid) for pid in children.read_text().split()]
    return [pid for pid in pids if b"jam" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


def alive(pid: int) -> bool:
    """Whether it runs; a process that has ended and was not taken note of does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

"""Checkpoints by the name of a Hugging Face repository: from its client's cache, from a Hub that runs here, or not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from musegen import hub
from musegen.checkpoint import find
from musegen.cli.main import main
from musegen.errors import CheckpointError, MissingPackageError

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed (pip install 'musegen[hub]')")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STRANGE = "pytorch_model.bin"
"""A file of a repository that whoever unpickles it would run."""

PLAY = """
import sys, musegen
model = musegen.from_pretrained("somebody/tunes")
from musegen.cli.main import main
sys.exit(main(["generate", "--checkpoint", "somebody/tunes", "-n", "1", "--bars", "1", "--out", sys.argv[1]]))
"""


def away(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a process whose cache of the Hub is in `home`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    return {**kept, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", **settings}


def run(code: str, *args: str | Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_a_repository_in_the_cache_plays_without_a_network(untrained: Path, tmp_path: Path) -> None:
    """Laid out as the Hub's client lays it: blobs, and a snapshot of links to them."""
    place = tmp_path / "hub" / "models--somebody--tunes"
    snapshot = place / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (place / "blobs").mkdir()
    for number, file in enumerate(sorted(untrained.iterdir())):
        shutil.copy(file, place / "blobs" / str(number))
        (snapshot / file.name).symlink_to(Path("..", "..", "blobs", str(number)))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(COMMIT)
    found = run(PLAY, tmp_path / "out", environment=away(tmp_path, HF_HUB_OFFLINE="1"))
    assert found.returncode == 0, found.stderr
    assert len(list((tmp_path / "out").glob("*.mid"))) == 1


def test_what_was_never_fetched_is_a_sentence_without_a_network(tmp_path: Path) -> None:
    code = "import sys; from musegen.cli.main import main; sys.exit(main(sys.argv[1:]))"
    found = run(
        code, "generate", "--checkpoint", "somebody/tunes", environment=away(tmp_path, HF_HUB_OFFLINE="1")
    )  # fmt: skip
    assert found.returncode == 1
    assert "somebody/tunes was never fetched from the Hugging Face Hub" in found.stderr
    assert "Traceback" not in found.stderr


class _Hub(BaseHTTPRequestHandler):
    """As much of the Hub as its client asks for to fetch a repository."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        files = sorted(self.folder.iterdir())
        if path.startswith("/api/models/somebody/tunes/tree/"):
            tree = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name} for f in files]
            return self._send(json.dumps(tree).encode(), body)
        if path.startswith("/api/models/somebody/tunes"):
            siblings = [{"rfilename": f.name} for f in files]
            return self._send(json.dumps({"id": "somebody/tunes", "sha": COMMIT, "siblings": siblings}).encode(), body)
        name = path.rpartition("/")[2]
        if path.startswith("/somebody/tunes/resolve/") and (self.folder / name).is_file():
            self.asked.append(name)
            return self._send((self.folder / name).read_bytes(), body)
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _send(self, content: bytes, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hash(content):x}"')
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def hub_here(untrained: Path, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A Hub with one repository: its address, and which files are asked for."""
    folder = tmp_path / "repository"
    shutil.copytree(untrained, folder)
    (folder / STRANGE).write_bytes(b"\x80\x04.")
    (folder / "training.safetensors").write_bytes(b"of use to nobody else")
    handler = type("Hub", (_Hub,), {"folder": folder, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        server.shutdown()


def test_a_repository_is_fetched_and_nothing_of_it_that_would_be_unpickled(
    hub_here: tuple[str, list[str]], untrained: Path, tmp_path: Path
) -> None:
    address, asked = hub_here
    environment = away(tmp_path / "home", HF_ENDPOINT=address)
    found = run(PLAY, tmp_path / "out", environment=environment)
    assert found.returncode == 0, found.stderr
    assert len(list((tmp_path / "out").glob("*.mid"))) == 1
    assert set(asked) == {f.name for f in untrained.iterdir()} and STRANGE not in asked
    assert not list((tmp_path / "home").rglob(STRANGE))
    code = "import sys, musegen; musegen.from_pretrained('nobody/nothing')"
    found = run(code, environment=environment)
    assert "The Hugging Face Hub has no repository nobody/nothing" in found.stderr


@pytest.mark.parametrize(
    ("name", "might_be"),
    [("somebody/tunes", True), ("default", False), ("a/b/c", False), ("../mine", False), ("/tmp/mine", False)],
)
def test_what_may_name_a_repository(name: str, might_be: bool) -> None:
    assert hub.is_repository(name) == might_be


def test_without_the_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingPackageError, match=r"somebody/tunes is no folder .* pip install 'musegen\[hub\]'"):
        find("somebody/tunes")


def test_a_folder_that_is_missing_from_one_that_is_there_is_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("musegen.checkpoint.fetched", None)
    with pytest.raises(CheckpointError, match="There is no checkpoint 'runs/mine': give a folder"):
        find("runs/mine")
    assert main(["generate", "--checkpoint", "runs/mine"]) == 1
    assert "org/name of a Hugging Face repository" in capsys.readouterr().err

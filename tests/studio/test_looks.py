"""Checkpoints, training runs and corpora, as the page sees them: whole, damaged, and while they grow."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from musegen.corpus.show import histograms
from musegen.corpus.store import Corpus
from musegen.shipped import checkpoints_folder
from musegen.studio import runs

from .scripts import error, script_in


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("looks")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    with script_in(folder) as found:
        yield found


def log(folder: Path, name: str, records: list[dict[str, Any]], rest: str = "") -> Path:
    """A run's folder with such a log."""
    run = folder / "runs" / name
    run.mkdir(parents=True, exist_ok=True)
    (run / runs.LOG).write_text("".join(f"{json.dumps(record)}\n" for record in records) + rest)
    return run


def steps(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    return [{"step": i, "of": 100, "train": 10 - i / 20, "seconds": 6.0 * i, **more} for i in range(first, last + 1)]


def test_the_shipped_checkpoints_and_their_cards(client: TestClient) -> None:
    found = {view["name"]: view for view in client.get("/api/checkpoints").json()}
    assert next(iter(found)) == "default"
    assert set(found) == {path.parent.name for path in checkpoints_folder().glob("*/config.json")}
    for name, view in found.items():
        card = client.get(f"/api/checkpoints/{name}").json()
        assert card.pop("card") == (checkpoints_folder() / name / "README.md").read_text()
        assert card == view
        metrics = json.loads((checkpoints_folder() / name / "metrics.json").read_text())
        totals = {k: round(v["total"], 4) for k, v in metrics.items() if isinstance(v, dict) and "total" in v}
        assert view["figures"] == totals
        assert view["plays"] == (name != "humaniser")
        assert view["likelihood"] == (name not in ("humaniser", "gan"))
    config = json.loads((checkpoints_folder() / "default" / "config.json").read_text())
    assert found["default"]["family"] == config["model"]["family"]
    assert found["default"]["styles"] == config["styles"]
    words = (checkpoints_folder() / "default" / "README.md").read_text()
    assert f"{found['default']['parameters'] / 1e6:.1f} million weights" in words


def test_a_checkpoint_of_ones_own_is_there_and_a_damaged_one_is_not(client: TestClient, folder: Path) -> None:
    own = folder / "checkpoints" / "waltzes"
    shutil.copytree(checkpoints_folder() / "drums", own)
    broken = folder / "checkpoints" / "broken"
    shutil.copytree(checkpoints_folder() / "drums", broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    names = [view["name"] for view in client.get("/api/checkpoints").json()]
    assert "waltzes" in names
    assert "broken" not in names
    assert "copy the folder again" in error(client.get("/api/checkpoints/broken"), 400)
    (own / "README.md").unlink()
    assert client.get("/api/checkpoints/waltzes").json()["card"] == ""
    shutil.rmtree(broken)


@pytest.mark.parametrize("kind", ["checkpoints", "runs", "corpora"])
@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fetc", "%2e%2e", "..", "a" * 5000, "%00"])
def test_a_name_is_never_a_path(client: TestClient, folder: Path, kind: str, name: str) -> None:
    (folder / runs.LOG).write_text('{"step": 1}\n')
    answer = client.get(f"/api/{kind}/{name}")
    assert answer.status_code == 404, answer.text[:200]
    assert "step" not in answer.text
    assert len(answer.text) < 1000


def test_a_run_is_followed_while_it_grows(client: TestClient, folder: Path) -> None:
    run = log(folder, "growing", steps(1, 40), '{"step": 41, "tra')
    first = client.get("/api/runs/growing").json()
    assert [point["step"] for point in first["points"]] == list(range(1, 41))
    assert first["points"][0] == {"step": 1, "of": 100, "train": 9.95, "seconds": 6.0}
    again = client.get("/api/runs/growing", params={"after": first["next"]}).json()
    assert again == {"points": [], "next": first["next"]}
    with (run / runs.LOG).open("a") as file:
        file.write('in": 7.95, "valid": 8.5, "seconds": 246}\n')
    more = client.get("/api/runs/growing", params={"after": first["next"]}).json()
    assert more["points"] == [{"step": 41, "train": 7.95, "valid": 8.5, "seconds": 246}]
    assert more["next"] == (run / runs.LOG).stat().st_size


def test_a_run_that_begins_again_is_read_from_its_beginning(client: TestClient, folder: Path) -> None:
    log(folder, "again", steps(1, 40))
    after = client.get("/api/runs/again").json()["next"]
    log(folder, "again", steps(1, 3))
    found = client.get("/api/runs/again", params={"after": after}).json()
    assert [point["step"] for point in found["points"]] == [1, 2, 3]
    assert found["next"] < after
    log(folder, "again", steps(1, 3, longer="lines"), "")
    found = client.get("/api/runs/again", params={"after": found["next"]}).json()  # in the middle of a line now
    assert [point["step"] for point in found["points"]] == [1, 2, 3]


def test_a_run_can_be_played_while_it_trains(client: TestClient, folder: Path) -> None:
    run = log(folder, "young", steps(1, 5))
    assert "young" not in [view["name"] for view in client.get("/api/checkpoints").json()]
    shutil.copytree(checkpoints_folder() / "drums", run, dirs_exist_ok=True)
    assert "young" in [view["name"] for view in client.get("/api/checkpoints").json()]


def test_how_runs_stand(client: TestClient, folder: Path) -> None:
    log(folder, "training", [*steps(1, 30), {**steps(31, 31)[0], "valid": 3.21}, *steps(32, 35)])
    log(folder, "finished", steps(1, 100))
    old = log(folder, "stopped", [{"step": 5, "of": 9, "V": -1.5, "seconds": 30}]) / runs.LOG
    os.utime(old, (time.time() - 1e6, time.time() - 1e6))
    log(folder, "empty", [])
    own = folder / "checkpoints" / "lstm-mine"
    own.mkdir(parents=True)
    (own / runs.LOG).write_text(json.dumps(steps(7, 7)[0]) + "\n")
    found = {view["name"]: view for view in client.get("/api/runs").json()}
    assert found["training"] == {"name": "training", "state": "training", "steps": 35, "minutes": 3.5, "last": 3.21}
    assert found["finished"] == {"name": "finished", "state": "finished", "steps": 100, "minutes": 10, "last": 5}
    assert found["stopped"] == {"name": "stopped", "state": "stopped", "steps": 5, "minutes": 0.5, "last": -1.5}
    assert found["empty"] == {"name": "empty", "state": "training", "steps": 0, "minutes": 0, "last": None}
    assert found["lstm-mine"]["steps"] == 7
    assert list(found)[-1] == "stopped"


def test_a_log_of_nonsense_shows_what_sense_there_is(client: TestClient, folder: Path) -> None:
    odd = ['{"step": 1, "train": NaN, "valid": 2}', "[]", "nonsense", '{"step": 2, "guess": {"error": 3}, "on": true}']
    deep = "[" * 100_000
    log(folder, "odd", [], "".join(f"{line}\n" for line in [*odd, deep, '{"step": 3, "big": 1e999}']))
    found = client.get("/api/runs/odd").json()
    assert found["points"] == [{"step": 1, "valid": 2}, {"step": 2, "guess error": 3}, {"step": 3}]
    assert any(view["name"] == "odd" for view in client.get("/api/runs").json())


def test_a_long_log_is_thinned_and_keeps_what_is_rare() -> None:
    points = [{"step": i, "train": float(i % 2)} for i in range(1, 20_001)]
    for i in range(100, 20_001, 100):
        points[i - 1]["valid"] = i / 7
    thin = runs.thinned(points)
    assert len(thin) <= runs.MOST_POINTS + 200 + 1
    assert [point["valid"] for point in thin if "valid" in point] == [i / 7 for i in range(100, 20_001, 100)]
    assert [point["step"] for point in thin if "valid" in point] == list(range(100, 20_001, 100))
    assert {point["step"] for point in thin} >= {20_000}
    assert all(0.3 < point["train"] < 0.7 for point in thin if "valid" not in point)  # means, not chance
    assert runs.thinned(points[:50]) == points[:50]


def test_a_corpus_is_counted(client: TestClient, folder: Path, corpus: Corpus) -> None:
    shutil.copytree(corpus.path, folder / "corpora" / "tunes")
    (folder / "corpora" / "damaged").mkdir()
    (folder / "corpora" / "damaged" / "corpus.json").write_text("{")
    (listed,) = client.get("/api/corpora").json()
    found = client.get("/api/corpora/tunes").json()
    assert listed == {**found, "histograms": {}}
    assert (found["name"], found["pieces"]) == ("tunes", len(corpus))
    assert found["fingerprint"] == corpus.fingerprint
    assert found["notes"] == sum(entry.notes for entry in corpus.entries)
    assert found["splits"] == {split: len(corpus.pieces(split)) for split in ("train", "valid", "test")}
    assert sum(found["styles"].values()) == len(corpus)
    for title, counts, labels in histograms(corpus):
        shown = found["histograms"][title]
        every = dict(zip(labels, counts.tolist(), strict=True))
        assert all(every[edge] == count for edge, count in zip(shown["edges"], shown["counts"], strict=True))
        assert sum(shown["counts"]) == counts.sum()
    assert "build the corpus again" in error(client.get("/api/corpora/damaged"), 400)


def test_a_corpus_that_grows_is_counted_again(client: TestClient, folder: Path, corpus: Corpus) -> None:
    target = folder / "corpora" / "grown"
    shutil.copytree(corpus.path, target)
    whole = client.get("/api/corpora/grown").json()
    lines = (target / "manifest.jsonl").read_text().splitlines(keepends=True)
    (target / "manifest.jsonl").write_text("".join(lines[:-5]))
    assert client.get("/api/corpora/grown").json()["pieces"] == whole["pieces"] - 5


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names of folders are UTF-8 here")
def test_a_folder_whose_name_is_no_text_hides_no_other(tmp_path: Path, corpus: Corpus) -> None:
    for kind, file in (("runs", runs.LOG), ("corpora", "corpus.json"), ("checkpoints", "config.json")):
        for name in (b"good", b"\xff\xfe"):
            folder = Path(os.fsdecode(bytes(tmp_path) + b"/" + kind.encode() + b"/" + name))
            folder.mkdir(parents=True)
            (folder / file).write_text("{}\n")
    shutil.copytree(corpus.path, tmp_path / "corpora" / "good", dirs_exist_ok=True)
    shutil.copytree(checkpoints_folder() / "drums", tmp_path / "checkpoints" / "good", dirs_exist_ok=True)
    with script_in(tmp_path) as client:
        for kind in ("runs", "corpora", "checkpoints"):
            assert "good" in [view["name"] for view in client.get(f"/api/{kind}").json()]
            client.get(f"/api/{kind}/nothing")


def test_where_there_is_nothing_nothing_is_shown(tmp_path: Path) -> None:
    with script_in(tmp_path) as client:
        assert client.get("/api/runs").json() == []
        assert client.get("/api/corpora").json() == []
        assert client.get("/api/checkpoints").json()


def test_every_address_is_documented_with_what_it_answers(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    refusal = {"$ref": "#/components/schemas/Problem"}
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            assert said["description"], (method, path)
            assert said["responses"]["4XX"]["content"]["application/json"]["schema"] == refusal, (method, path)
            assert "422" not in said["responses"], (method, path)  # FastAPI's own errors look otherwise than ours
    schemas = described["components"]["schemas"]
    assert {"PieceView", "Surprise", "TakesWanted", "JobView", "RunLog", "CorpusView", "CheckpointCard"} <= set(schemas)
    assert schemas["Problem"]["required"] == ["error"]

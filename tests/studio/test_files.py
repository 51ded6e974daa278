"""Files come in, are shown as they are, and say how surprising they are."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from musegen.engine.bars import load
from musegen.evaluation.density import score
from musegen.midi.files import read_midi_bytes
from musegen.midi.music import read_music
from musegen.midi.write import midi_bytes
from musegen.piece import Key, Meter, Note, Piece, Tempo
from musegen.sampling.seeds import seeds
from musegen.studio.pieces import key_name, show
from musegen.studio.store import GoneError, Store

from .scripts import brought, error, script_in

TUNE = b"X:1\nT:A tune\nM:3/4\nL:1/4\nQ:1/4=90\nK:Dm\nDEF|A2d|\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with script_in(tmp_path_factory.mktemp("files")) as found:
        yield found


def test_the_shipped_seeds_are_listed_and_brought(client: TestClient) -> None:
    listed = client.get("/api/seeds").json()
    assert [seed["name"] for seed in listed] == [path.stem for path in seeds()]
    assert all(seed["title"] for seed in listed)
    view = brought(client, "game-e4m8")
    piece = read_music(next(path for path in seeds() if path.stem == "game-e4m8")).at_resolution(24)
    assert [tuple(note) for note in view["notes"]] == [tuple(note) for note in piece]
    assert view["bars"] == piece.bar_starts().tolist()
    assert view["end"] == piece.end
    assert {part["program"] for part in view["parts"]} >= {128}
    assert sum(part["notes"] for part in view["parts"]) == len(piece)
    assert client.get(f"/api/files/{view['id']}").json() == view
    assert "nothing" in error(client.post("/api/files", params={"seed": "nothing"}), 404)


def test_bars_meters_and_tempos_are_those_of_the_file(client: TestClient) -> None:
    piece = Piece.from_notes(
        [Note(0, 480, 60), Note(1440, 960, 62), Note(2400, 1, 64)],
        480,
        meters=(Meter(0, 3, 4), Meter(1440, 2, 4)),
        tempos=(Tempo(0, 600_000), Tempo(1440, 400_000), Tempo(1441, 400_000)),
        keys=(Key(0, -1, True),),
        part_names=("Flöte",),
    )
    view = client.post("/api/files", params={"name": "two.mid"}, content=midi_bytes(piece)).json()
    assert view["bars"] == [0, 72, 120, 168]
    assert view["meters"] == [[0, 3, 4], [72, 2, 4]]
    assert view["tempos"] == [[0, 100.0], [72, 150.0]]
    assert (view["key"], view["parts"][0]["name"]) == ("D minor", "Flöte")
    assert view["seconds"] == pytest.approx(3 * 0.6 + (961 / 480) * 0.4, abs=0.01)


def test_notation_becomes_midi(client: TestClient) -> None:
    pytest.importorskip("music21", reason="the extra scores is not installed")
    view = client.post("/api/files", files={"file": ("tune.abc", TUNE)}).json()
    assert [note[2] for note in view["notes"]] == [62, 64, 65, 69, 74]
    assert (view["title"], view["key"], view["bars"], view["tempos"]) == (
        "A tune",
        "D minor",
        [0, 72, 144],
        [[0, 90.0]],
    )
    answer = client.get(f"/api/files/{view['id']}/mid")
    assert answer.headers["content-disposition"] == 'attachment; filename="tune.mid"'
    assert [note.pitch for note in read_midi_bytes(answer.content)] == [62, 64, 65, 69, 74]


@pytest.mark.parametrize("fifths", range(-7, 8))
def test_a_signature_is_said_as_a_key_that_can_be_asked_for(fifths: int) -> None:
    from musegen.sampling.keys import pitch_classes

    scale = frozenset((7 * fifths + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11))
    assert pitch_classes(key_name(Key(0, fifths))) == scale
    assert pitch_classes(key_name(Key(0, fifths, True))) == scale


def test_a_file_without_a_signature_is_in_the_key_of_its_notes(client: TestClient) -> None:
    scale = [Note(24 * i, 24, pitch) for i, pitch in enumerate((57, 59, 60, 62, 64, 65, 68, 69, 64, 60, 57))]
    view = client.post("/api/files", params={"name": "a.mid"}, content=midi_bytes(Piece.from_notes(scale))).json()
    assert view["key"] == "A minor"


def test_surprises_are_those_that_score_gives_in_the_order_of_the_view(client: TestClient) -> None:
    """Two players strike one key together, so that a note is heard once, and parts are not in the model's order."""
    piece = Piece.from_notes(
        [Note(24 * i, 24, 60 + (5 * i) % 12, 80, 40, 0) for i in range(12)]
        + [Note(24 * i, 24, 48, 80, 0, 1) for i in range(0, 12, 2)]
        + [Note(0, 24, 48, 90, 0, 1)],
    )
    view = client.post("/api/files", params={"name": "two.mid"}, content=midi_bytes(piece)).json()
    found = client.get(f"/api/files/{view['id']}/surprise", params={"checkpoint": "default"}).json()
    assert len(found["nats"]) == len(view["notes"])
    density = score(load("default", exact=True), piece)
    expected = {
        (int(n["onset"]), int(n["pitch"]), int(n["program"])): nats
        for n, nats in zip(density.piece.notes, density.notes.sum(1), strict=True)
    }
    heard = set()
    for note, nats in zip(view["notes"], found["nats"], strict=True):
        key = (note[0], note[2], note[4])
        assert nats == pytest.approx(0 if key in heard else expected[key], abs=1e-3)
        heard.add(key)
    assert heard == set(expected)
    assert found["mean"] == pytest.approx(density.per_note, abs=1e-3)
    assert np.ptp(found["nats"]) > 0.5


def test_who_cannot_judge_says_so(client: TestClient) -> None:
    view = brought(client, "reel")
    for name in ("gan", "humaniser"):
        asked = client.get(f"/api/files/{view['id']}/surprise", params={"checkpoint": name})
        assert "cannot say how likely" in error(asked, 400)
    for name in ("../default", "/etc", "nobody/nothing", ""):
        asked = client.get(f"/api/files/{view['id']}/surprise", params={"checkpoint": name})
        assert "no checkpoint" in error(asked, 400)


@pytest.mark.parametrize("id", ["nothing", "..%2f..%2fetc%2fpasswd", "%00", "a" * 500])
def test_an_unknown_id_is_no_file(client: TestClient, id: str) -> None:
    for rest in ("", "/mid", "/surprise"):
        error(client.get(f"/api/files/{id}{rest}"), 404)


def test_an_empty_form_and_a_file_without_notes_are_refused(client: TestClient) -> None:
    assert '"file"' in error(client.post("/api/files", files={"other": ("tune.mid", b"x")}), 400)
    silent = midi_bytes(Piece.from_notes([]))
    assert "holds no notes" in error(client.post("/api/files", params={"name": "rest.mid"}, content=silent), 400)


def test_the_server_reads_no_file_itself(client: TestClient) -> None:
    """What music21 and torch would cost, the workers have."""
    brought(client, "jig")
    worker = client.app.state.workshop.reader._pool.workers[0].process  # type: ignore[attr-defined]
    assert worker.pid is not None
    assert worker.is_alive()
    before = set(sys.modules)
    client.post("/api/files", files={"file": ("tune.abc", TUNE)})
    assert not {name for name in set(sys.modules) - before if name.split(".")[0] in ("music21", "torch")}


def test_the_files_used_longest_ago_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musegen.studio.store.MOST_FILES", 3)
    store = Store()
    piece = Piece.from_notes([Note(0, 24, 60)])
    kept = [store.add(show(piece, f"{i}.mid"), midi_bytes(piece)) for i in range(3)]
    store.get(kept[0].id)
    store.add(show(piece, "3.mid"), midi_bytes(piece))
    with pytest.raises(GoneError):
        store.get(kept[1].id)
    assert not kept[1].path.exists()
    assert store.get(kept[0].id).path.read_bytes() == midi_bytes(piece)
    monkeypatch.setattr("musegen.studio.store.MOST_BYTES", kept[0].size * 2)
    store.add(show(piece, "4.mid"), midi_bytes(piece))
    assert len(list(store.folder.glob("*.mid"))) == 2
    store.close()
    assert not store.folder.exists()


def test_what_a_killed_studio_left_is_deleted_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fcntl")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os, musegen.studio.store as s\nk = s.Store()\nprint(k.folder, flush=True)\nos.kill(os.getpid(), 9)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    left = Path(done.stdout.strip())
    assert left.parent == tmp_path
    assert left.is_dir()
    other = tmp_path / "musegen-studio-notours"
    other.mkdir()
    mine = Store()
    assert not left.exists()
    again = Store()
    assert mine.folder.is_dir()
    assert other.is_dir()
    for store in (mine, again):
        store.close()
        assert not store.folder.exists()


def test_all_that_is_kept_ends_with_the_server(tmp_path: Path) -> None:
    with script_in(tmp_path) as client:
        brought(client, "reel")
        workshop = client.app.state.workshop  # type: ignore[attr-defined]
        worker = workshop.reader._pool.workers[0].process
        assert list(workshop.store.folder.glob("*.mid"))
    assert not workshop.store.folder.exists()
    with pytest.raises(ValueError, match="closed"):
        worker.is_alive()

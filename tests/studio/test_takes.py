"""Takes: asked for, made in worker processes as the command line makes them, watched, stopped and downloaded."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from benchmarks import studio_rig
from musegen.batches.simple import generate_files
from musegen.engine.humaniser import load_humaniser
from musegen.midi.files import read_midi, read_midi_bytes
from musegen.midi.write import midi_bytes
from musegen.piece import DRUMS, Note, Piece
from musegen.sampling.humanise import perform
from musegen.sampling.infill import infill
from musegen.sampling.keys import pitch_classes
from musegen.sampling.sampler import SamplerSettings
from musegen.sampling.seeds import find_seed
from musegen.studio.making import Order, make, varied_bars

from .scripts import brought, error, script_in, watched

Notes = list[tuple[int, ...]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with script_in(tmp_path_factory.mktemp("takes")) as found:
        yield found


def ask(client: TestClient, file: str, **wanted: Any) -> dict[str, Any]:
    """The job, when it is done."""
    answer = client.post("/api/takes", json={"file": file, **wanted})
    assert answer.status_code == 201, answer.text
    found = watched(client, answer.json())
    assert found["state"] == "done", found
    assert found["progress"] == 1
    return found


def midis(client: TestClient, job: dict[str, Any]) -> list[bytes]:
    """The takes' files."""
    return [client.get(f"/api/files/{take['file']}/mid").content for take in job["takes"]]


def test_continuations_are_those_of_the_command_line(client: TestClient, tmp_path: Path) -> None:
    file = brought(client, "reel")["id"]
    job = ask(client, file, kind="continue", n=3, bars=2, temperature=0.8, seed_number=5)
    assert (job["done"], job["total"]) == (3, 3)
    assert [take["name"] for take in job["takes"]] == [f"reel-continue-{i}.mid" for i in (1, 2, 3)]
    expected = generate_files(
        "default", find_seed("reel"), tmp_path, 3, 2, seed_number=5, settings=SamplerSettings(0.8), workers=1
    )
    assert midis(client, job) == [path.read_bytes() for path in expected]
    assert all(take["nats"] > 0 for take in job["takes"])
    view = client.get(f"/api/files/{job['takes'][0]['file']}").json()
    assert len(view["notes"]) == job["takes"][0]["notes"] > 0
    assert view["name"] == "reel-continue-1.mid"


def test_a_key_is_kept_to_and_the_seed_put_before(client: TestClient) -> None:
    seed = brought(client, "reel")
    job = ask(client, seed["id"], kind="continue", bars=2, key="A dorian", with_seed=True)
    (view,) = [client.get(f"/api/files/{take['file']}").json() for take in job["takes"]]
    new = view["notes"][len(seed["notes"]) :]
    assert view["notes"][: len(seed["notes"])] == seed["notes"]
    assert new
    assert {note[2] % 12 for note in new} <= pitch_classes("A dorian")


def test_infilling_leaves_everything_else_as_it_was(client: TestClient) -> None:
    view = brought(client, "chorale-minor")
    job = ask(client, view["id"], kind="infill", n=2, from_bar=2, to_bar=2, seed_number=3)
    start, end = view["bars"][1], view["bars"][2]
    outside = [note for note in view["notes"] if not start <= note[0] < end]
    takes = [client.get(f"/api/files/{take['file']}").json()["notes"] for take in job["takes"]]
    for notes in takes:
        assert [note for note in notes if not start <= note[0] < end] == outside
        assert notes != view["notes"]
    assert takes[0] != takes[1]
    piece = read_midi(find_seed("chorale-minor"))
    expected = [infill("default", piece, (2, 2), seed_number=number)[0] for number in (3, 4)]
    assert midis(client, job) == [midi_bytes(piece) for piece in expected]


def test_one_part_can_be_filled_and_keep_its_rhythm(client: TestClient) -> None:
    view = brought(client, "chorale-minor")
    job = ask(client, view["id"], kind="infill", from_bar=1, to_bar=4, part=1, keep="rhythm")
    (notes,) = [client.get(f"/api/files/{take['file']}").json()["notes"] for take in job["takes"]]
    assert [note for note in notes if note[5] != 1] == [note for note in view["notes"] if note[5] != 1]
    mine, before = ([tuple(note) for note in some if note[5] == 1] for some in (notes, view["notes"]))
    assert [note[:2] for note in mine] == [note[:2] for note in before]
    assert [note[2] for note in mine] != [note[2] for note in before]


def test_varying_leaves_bars_by_which_the_piece_is_known(client: TestClient) -> None:
    view = brought(client, "reel")
    job = ask(client, view["id"], kind="vary", n=2)
    lines = view["bars"]

    def bars(notes: Notes) -> list[Notes]:
        return [[note for note in notes if start <= note[0] < end] for start, end in pairwise(lines)]

    before = bars(view["notes"])
    changed = []
    for take in job["takes"]:
        after = bars(client.get(f"/api/files/{take['file']}").json()["notes"])
        changed.append([i for i, (one, other) in enumerate(zip(before, after, strict=True), 1) if one != other])
        for one, other in zip(before, after, strict=True):
            assert [note[:2] for note in one] == [note[:2] for note in other]  # the rhythm
    piece, order = read_midi(find_seed("reel")), Order("vary", "", "reel", "default", keep="rhythm", amount=0.5)
    for number, some in enumerate(changed, 1):
        spans = varied_bars(piece, order, number)
        assert set(some) <= {bar for first, last in spans for bar in range(first, last + 1)}
        assert some
        assert 1 not in some
    assert changed[0] != changed[1]


def test_how_many_bars_are_varied() -> None:
    piece = Piece.from_notes([Note(96 * bar, 24, 60) for bar in (0, 1, 2, 3, 5, 6, 7)])  # bar 5 is empty
    order = Order("vary", "", "", "")

    def chosen(**given: Any) -> list[set[int]]:
        each = [varied_bars(piece, replace(order, **given), number) for number in range(1, 30)]
        return [{bar for first, last in spans for bar in range(first, last + 1)} for spans in each]

    assert {len(bars) for bars in chosen(amount=0.5)} == {4}
    assert set().union(*chosen(amount=0.5)) == {2, 3, 4, 6, 7, 8}
    assert set(map(frozenset, chosen(amount=1.0))) == {frozenset({2, 3, 4, 6, 7, 8})}
    assert {len(bars) for bars in chosen(amount=0.0)} == {1}
    assert set().union(*chosen(amount=0.5, span=(3, 6))) == {4, 6}
    assert chosen(span=(2, 2))[0] == {2}


def test_drums_are_humanised_and_can_be_undone(client: TestClient) -> None:
    beat = Piece.from_notes([Note(12 * i, 12, (36, 42)[i % 2], 80, DRUMS) for i in range(32)])
    answer = client.post("/api/files", params={"name": "beat.mid"}, content=midi_bytes(beat))
    job = ask(client, answer.json()["id"], kind="humanise", n=2, feel="funk", amount=0.7, seed_number=2)
    first, second = (read_midi_bytes(data) for data in midis(client, job))
    humaniser = load_humaniser("humaniser")
    for played, number in ((first, 2), (second, 3)):
        assert list(played) == list(perform(humaniser, beat, 0.7, "funk", number).piece)
    again = ask(client, job["takes"][0]["file"], kind="humanise", feel="funk", amount=0.7, seed_number=3)
    assert list(read_midi_bytes(midis(client, again)[0])) == list(second)  # from what was written, not twice


WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "bars to fill that nobody chose": ({"kind": "infill"}, 400, "Choose the bars"),
    "a key that is none": ({"kind": "continue", "key": "H lydian"}, 400, "is not a key"),
    "too many fillings": ({"kind": "infill", "from_bar": 1, "n": 65}, 400, "up to 64"),
    "too many continuations": ({"kind": "continue", "n": 1001}, 422, "less than or equal to 1000"),
    "a checkpoint that is a path": ({"kind": "continue", "checkpoint": "../../etc"}, 400, "no checkpoint"),
    "a temperature of the sun": ({"kind": "continue", "temperature": 5800}, 422, "less than or equal to 10"),
    "a kind that is none": ({"kind": "delete"}, 422, "kind"),
    "what is not known": ({"kind": "continue", "out": "/etc"}, 422, "out"),
    "a file that is not there": ({"kind": "continue", "file": "nothing"}, 404, "not here any more"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_said_at_once(client: TestClient, case: str) -> None:
    wanted, status, words = WRONG[case]
    file = brought(client, "reel")["id"]
    assert words in error(client.post("/api/takes", json={"file": file, **wanted}), status)


FAILS: dict[str, tuple[dict[str, Any], str]] = {
    "bars that are not there": ({"kind": "infill", "from_bar": 90, "to_bar": 91}, "bars 1-8"),
    "no drums": ({"kind": "humanise"}, "There are no drums"),
    "who cannot fill": ({"kind": "infill", "from_bar": 1, "checkpoint": "gan"}, "cannot fill"),
    "who makes no notes": ({"kind": "continue", "checkpoint": "humaniser"}, "makes no notes"),
    "who cannot humanise": ({"kind": "humanise", "checkpoint": "default"}, "needs a humaniser"),
}


@pytest.mark.parametrize("case", FAILS)
def test_what_fails_says_why(client: TestClient, case: str) -> None:
    wanted, words = FAILS[case]
    file = brought(client, "reel")["id"]
    job = watched(client, client.post("/api/takes", json={"file": file, **wanted}).json())
    assert (job["state"], job["takes"]) == ("failed", [])
    assert words in job["error"]
    error(client.get(f"/api/takes/{job['id']}/zip"), 404)


@pytest.mark.slow
def test_a_batch_shows_how_far_it_is_and_is_stopped_and_downloaded(client: TestClient) -> None:
    file = brought(client, "jig")["id"]
    job = client.post("/api/takes", json={"file": file, "kind": "continue", "n": 1000, "bars": 2}).json()
    queued = client.post("/api/takes", json={"file": file, "kind": "continue", "n": 1000}).json()
    done = [0]
    while not done[-1]:
        now = client.get(f"/api/takes/{job['id']}").json()
        assert now["state"] in ("queued", "running"), now
        assert now["done"] / 1000 <= now["progress"] < 1
        assert now["done"] >= done[-1]
        done.append(now["done"])
        time.sleep(0.1)
    assert client.delete(f"/api/takes/{queued['id']}").json()["state"] == "stopped"
    stopped = client.delete(f"/api/takes/{job['id']}").json()
    assert stopped["state"] == "stopped"
    assert 0 < stopped["done"] < 1000
    answer = client.get(f"/api/takes/{job['id']}/zip")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''jig-continue.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [take["name"] for take in stopped["takes"]]
        assert [archive.read(name) for name in archive.namelist()] == midis(client, stopped)
    listed = client.get("/api/takes").json()
    assert [each["id"] for each in listed[:2]] == [queued["id"], job["id"]]
    ask(client, file, kind="continue", bars=1)  # and the next is made


class Heard(list[float]):
    """Shares that remember what they have been, one after another."""

    def __init__(self) -> None:
        super().__init__([0.0])
        self.each: list[float] = []

    def __setitem__(self, place: Any, value: Any) -> None:
        self.each.append(value)
        super().__setitem__(place, value)


@pytest.mark.parametrize(
    ("order", "whole", "between"),
    [
        (Order("continue", "reel", "reel", "default", n=6, bars=4), 6, 3),
        (Order("infill", "reel", "reel", "default", span=(2, 5)), 1, 0),  # a gap is filled many bars at a time
        (Order("vary", "reel", "reel", "default", keep="rhythm", amount=0.8), 1, 1),
    ],
    ids=["continue", "infill", "vary"],
)
def test_bars_count_on_the_way(order: Order, whole: int, between: int) -> None:
    shares = Heard()
    make(shares, replace(order, path=str(find_seed("reel"))).units()[0])  # type: ignore[arg-type]
    assert shares.each == sorted(shares.each)
    assert len({round(share, 3) for share in shares.each if 0 < share < whole}) >= between
    assert shares.each[-1] == pytest.approx(whole)


@pytest.mark.slow
def test_a_small_order_need_not_wait_for_a_large_one(client: TestClient, tmp_path: Path) -> None:
    file = brought(client, "jig")["id"]
    large = client.post("/api/takes", json={"file": file, "kind": "continue", "n": 40, "bars": 4}).json()
    while not client.get(f"/api/takes/{large['id']}").json()["progress"]:
        time.sleep(0.05)
    ask(client, file, kind="infill", from_bar=2)
    now = client.get(f"/api/takes/{large['id']}").json()
    assert now["state"] == "running"
    assert now["done"] < 40
    done = watched(client, now)
    assert (done["state"], done["done"]) == ("done", 40)
    expected = generate_files("default", find_seed("jig"), tmp_path, 40, 4, workers=1)
    assert midis(client, done) == [path.read_bytes() for path in expected]


def test_too_many_orders_are_refused(client: TestClient) -> None:
    file = brought(client, "jig")["id"]
    wanted = {"file": file, "kind": "continue", "n": 1000, "bars": 64}
    answers = [client.post("/api/takes", json=wanted) for _ in range(12)]
    assert "being made already" in error(answers[-1], 429)
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(made) == 8
    for job in reversed(made):
        assert client.delete(f"/api/takes/{job['id']}").json()["state"] == "stopped"


@pytest.mark.parametrize("id", ["nothing", "..%2f..%2fetc", "a" * 300])
def test_an_unknown_order_is_forgotten(client: TestClient, id: str) -> None:
    error(client.get(f"/api/takes/{id}"), 404)
    error(client.delete(f"/api/takes/{id}"), 404)
    error(client.get(f"/api/takes/{id}/zip"), 404)


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_job_only(client: TestClient) -> None:
    file = brought(client, "jig")["id"]
    job = client.post("/api/takes", json={"file": file, "kind": "continue", "n": 500, "bars": 8}).json()
    workshop = client.app.state.workshop  # type: ignore[attr-defined]
    while not client.get(f"/api/takes/{job['id']}").json()["progress"]:
        time.sleep(0.05)
    worker = workshop.jobs._pool.workers[0].process
    if hasattr(os, "getpriority"):
        assert os.getpriority(os.PRIO_PROCESS, worker.pid) >= 10  # a jam goes first
    worker.kill()
    failed = watched(client, client.get(f"/api/takes/{job['id']}").json())
    assert failed["state"] == "failed"
    assert "the process that made it died" in failed["error"]
    ask(client, file, kind="continue", bars=1)


@pytest.mark.slow
def test_what_a_failed_order_left_undone_is_not_taken_for_the_next(client: TestClient) -> None:
    file = brought(client, "jig")["id"]
    pool = client.app.state.workshop.jobs._pool  # type: ignore[attr-defined]
    before, pool.count = pool.count, 2
    wanted = {"file": file, "kind": "infill", "from_bar": 90, "n": 16}
    failed = watched(client, client.post("/api/takes", json=wanted).json())
    assert failed["state"] == "failed"
    job = ask(client, file, kind="vary", n=2)
    assert [take["name"] for take in job["takes"]] == ["jig-vary-1.mid", "jig-vary-2.mid"]
    pool.count = before


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {int(child) for task in tasks for child in (task / "children").read_text().split()}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="/proc says which processes there are")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_studio_that_ends_in_the_middle(tmp_path: Path, number: int) -> None:
    with studio_rig.studio(tmp_path) as server:
        headers = {"Authorization": f"Bearer {server.url.partition('token=')[2]}"}
        assert server.process is not None
        with httpx.Client(base_url=server.origin, headers=headers, timeout=60) as client:
            file = client.post("/api/files", params={"seed": "jig"}).json()["id"]
            job = client.post("/api/takes", json={"file": file, "kind": "continue", "n": 1000, "bars": 64}).json()
            while not client.get(f"/api/takes/{job['id']}").json()["progress"]:
                time.sleep(0.1)
        workers = children(server.process.pid)
        assert len(workers) >= 2
        if number == signal.SIGKILL:
            server.kill()
        else:
            server.stop(number)
            assert "Traceback" not in server.said
        end = time.monotonic() + 20
        while alive := {pid for pid in workers if Path(f"/proc/{pid}/cmdline").exists() and _runs(pid)}:
            assert time.monotonic() < end, alive
            time.sleep(0.1)


def _runs(pid: int) -> bool:
    """Whether it is more than an entry of a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


KINDS_OF_WORK = """
import sys
from musegen.studio.making import Order, make
from musegen.studio.pieces import Question, Upload, read, surprise
from musegen.sampling.seeds import find_seed
reel = str(find_seed("reel"))
read(Upload(reel, "reel.mid"))
surprise(Question(reel, "reel.mid", "default", "default"))
for order in (
    Order("continue", reel, "reel", "default", bars=1),
    Order("continue", reel, "reel", "folk", bars=1),
    Order("infill", reel, "reel", "default", span=(2, 2)),
    Order("vary", reel, "reel", "default", span=(2, 2)),
):
    assert make([0.0], order.units()[0])
print(*[name for name in ("torch", "music21", "matplotlib", "fastapi", "pydantic") if name in sys.modules])
"""


def test_the_workers_need_no_torch() -> None:
    """Nor anything of the server's."""
    done = subprocess.run([sys.executable, "-c", KINDS_OF_WORK], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-800:]
    assert done.stdout.split() == []

"""The same work on a real Ray cluster of two machines' worth of processes, one of which dies half way."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from musegen import cluster as clusters
from musegen.cli.main import main
from musegen.cluster import connect
from musegen.corpus.build import build as build_here
from musegen.errors import ClusterError, MissingPackageError
from musegen.midi import write_midi
from musegen.piece import Note, Piece
from musegen.workers import run_jobs

from .small_cluster import SmallCluster, small_cluster
from .small_corpus import tune
from .test_workers import behave

pytestmark = pytest.mark.timeout(600)  # Ray starts dozens of processes, slowly where others work
linux = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def cluster() -> Iterator[SmallCluster]:
    pytest.importorskip("ray", reason="needs the extra cluster")
    with small_cluster() as found:
        yield found


HOSTILE = ["a", "crash", "b", "hang", "c", "flood", "raise", "leave", "refuse", "lack", "d"]
DRIVER = """
import json, os, sys
from functools import partial
from pathlib import Path
from musegen import cluster as clusters
from musegen.corpus.build import build as build_here
from musegen.errors import ClusterError
from tests.test_cluster import read_carried
from tests.test_workers import behave

if __name__ == "__main__":
    address, folder, jobs, found = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]), {}
    with clusters.connect(address) as cluster:
        done = cluster.run_jobs(behave, jobs, timeout=2.0, together=2)
        found["hostile"] = {jobs[number]: str(answer) for number, answer in done}
        carried = cluster.carry(folder)
        assert not Path(carried).exists()
        found["carried"] = sorted(answer for _, answer in cluster.run_jobs(partial(read_carried, carried), range(4)))
        other = {**clusters.software(), "numpy": "0.1"}
        clusters.software = lambda: other
        try:
            list(cluster.run_jobs(behave, ["a"]))
        except ClusterError as error:
            found["other software"] = str(error)
    print(json.dumps(found))
"""


def read_carried(folder: clusters.Carried, number: int) -> str:
    """What the folder holds where this runs."""
    text = " ".join(f"{p.name}={p.read_text()}" for p in sorted(Path(folder).iterdir()))
    return f"{number} {Path(folder).name} {text}"


@linux
@pytest.mark.slow
def test_jobs_fare_as_on_one_machine_and_folders_travel(cluster: SmallCluster, tmp_path: Path) -> None:
    (tmp_path / "driver.py").write_text(DRIVER)
    folder = tmp_path / f"weights-{tmp_path.name}"
    folder.mkdir()
    for name in ("config.json", "model"):
        (folder / name).write_text(f"{name} of {os.getpid()}")
    ran = cluster.run(tmp_path / "driver.py", cluster.address, folder, json.dumps(HOSTILE))
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout)
    here = {HOSTILE[number]: str(answer) for number, answer in run_jobs(behave, HOSTILE, workers=1, timeout=2.0)}
    assert found["hostile"] == here
    held = f"config.json=config.json of {os.getpid()} model=model of {os.getpid()}"
    assert found["carried"] == [f"{n} {folder.name} {held}" for n in range(4)]
    assert found["other software"].startswith("numpy is ")
    assert "and 0.1 where the jobs come from: install the same everywhere" in found["other software"]


def write_tunes(folder: Path, tunes: int = 160, notes: int = 800) -> Path:
    """Files that take a while to read, and some that cannot be read."""
    (folder / "deep").mkdir(parents=True)
    for seed in range(tunes):
        pitches = 60 + np.cumsum(np.random.default_rng(seed).integers(-4, 5, notes)) % 24
        rows = [Note(24 * i, 24, int(p), 64 + 4 * (i % 8), 0, 0) for i, p in enumerate(pitches)]
        write_midi(Piece.from_notes(rows, part_names=("tune",)), folder / ("deep" if seed % 3 else ".") / f"{seed}.mid")
    (folder / "100-broken.mid").write_bytes(b"not a MIDI file")
    (folder / "deep" / "100-broken.abc").write_bytes(b"X:1\nK:no such key\nzzz|]\n")
    return folder


def contents(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.iterdir()) if p.is_file()}


def until(true: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@linux
@pytest.mark.slow
def test_a_corpus_loses_nothing_with_a_machine(cluster: SmallCluster, tmp_path: Path) -> None:
    music = write_tunes(tmp_path / "music")
    build = ["-m", "musegen", "corpus", "build"]
    alone = cluster.run(*build, tmp_path / "alone", music)
    assert alone.returncode == 0, alone.stderr[-2000:]
    log = tmp_path / "out" / ".build" / "journal.jsonl"
    driver = cluster.start(*build, tmp_path / "out", music, "--cluster", cluster.address)
    until(lambda: log.exists() and log.read_bytes().count(b"\n") > 20 and all(map(cluster.works, cluster.machines)))
    cluster.lose(cluster.machines[0])
    read = log.read_bytes().count(b"\n") - 1
    told = driver.communicate(timeout=240)
    assert driver.returncode == 0, told[1][-2000:]
    assert 20 <= read < 162, "the machine was to be lost half way"
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")
    assert json.loads((tmp_path / "out" / "corpus.json").read_text())["rejected"] == 2


@linux
@pytest.mark.slow
def test_a_batch_loses_nothing_with_a_machine_and_plays_a_checkpoint_that_travels(
    cluster: SmallCluster, untrained: Path, tmp_path: Path
) -> None:
    write_midi(tune(1), tmp_path / "tune.mid")
    generate = ["-m", "musegen", "generate", "--seed", tmp_path / "tune.mid", "--checkpoint", untrained, "-n", "80"]
    alone = cluster.run(*generate, "--out", tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr[-2000:]
    cluster.heal()
    out = tmp_path / "out"
    driver = cluster.start(*generate, "--out", out, "--cluster", cluster.address)
    until(lambda: len(list(out.glob("*.mid"))) > 0 and all(map(cluster.works, cluster.machines)))
    cluster.lose(cluster.machines[1])
    there = len(list(out.glob("*.mid")))
    told = driver.communicate(timeout=240)
    assert driver.returncode == 0, told[1][-2000:]
    assert 0 < there < 80, "the machine was to be lost half way"
    assert contents(out) == contents(tmp_path / "alone")
    assert len(list(out.glob("*.mid"))) == 80
    travelled = [p.parent.name for p in Path(cluster.temporary).rglob("model.safetensors")]
    assert travelled == [untrained.name]


@linux
@pytest.mark.slow
def test_a_cluster_that_loses_all_machines_is_given_up(cluster: SmallCluster, tmp_path: Path) -> None:
    (tmp_path / "driver.py").write_text(
        "import sys\nfrom musegen import cluster\nfrom musegen.cli.main import main\n"
        "cluster.PATIENCE = 1.0\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    music, log = write_tunes(tmp_path / "music"), tmp_path / "out" / ".build" / "journal.jsonl"
    build = [tmp_path / "driver.py", "corpus", "build", tmp_path / "out", music, "--cluster", cluster.address]
    driver = cluster.start(*build)
    until(lambda: log.exists() and log.read_bytes().count(b"\n") > 8)
    for machine in cluster.machines:
        cluster.lose(machine)  # one of them has been lost before
    error = driver.communicate(timeout=240)[1]
    assert driver.returncode == 1
    last = error.strip().splitlines()[-1]
    assert last.startswith(
        f"musegen: The Ray cluster at {cluster.address} has had no processor for 1 s: start machines"
    )
    assert "Traceback" not in error
    read = log.read_bytes().count(b"\n") - 1
    assert 8 <= read < 162
    seen: list[int] = []
    corpus = build_here(tmp_path / "out", [str(music)], report=lambda done, total: seen.append(done))
    assert seen[0] == read, "what the cluster has read is kept"
    assert len(corpus) == 160


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1 (Connection refused): start one with  ray start --head"),
        ("ray://127.0.0.1:1", "No Ray cluster answers at ray://127.0.0.1:1 (Connection refused)"),
        ("nonsense", "'nonsense' is no address of a Ray cluster: give HOST:PORT, ray://HOST:PORT or auto."),
        ("127.0.0.1:70000", "'127.0.0.1:70000' is no address"),
    ],
)
def test_without_a_cluster_one_sentence(
    address: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="needs the extra cluster")
    music = write_tunes(tmp_path / "music", tunes=1, notes=9)
    assert main(["corpus", "build", str(tmp_path / "out"), str(music), "--cluster", address]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_walk_stays_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--checkpoint", "gan", "--walk", "--cluster", "auto"]) == 1
    assert "--cluster is for variations" in capsys.readouterr().err


def test_without_ray_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingPackageError, match=r"needs the package ray.*pip install 'musegen\[cluster\]'"),
        connect("auto"),
    ):
        pass


def test_what_ray_says_becomes_one_sentence() -> None:
    mismatch = RuntimeError("Version mismatch: The cluster was started with:\n Ray: 2.9\n This process: Ray: 2.60")
    assert "has another Ray or Python than this machine" in clusters._why_not("h:1", mismatch)
    assert clusters._why_not("auto", ConnectionError("Could not find any running Ray instance.")) == (
        "No Ray cluster runs on this machine: start one with  ray start --head  or give its address."
    )
    assert str(ClusterError(clusters._why_not("h:1", ValueError("a\nb")))) == (
        "No Ray cluster answers at h:1 (ValueError: a b)."
    )

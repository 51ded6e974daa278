"""Worker processes: real crashes, hangs and floods of memory, in real processes."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from musegen.errors import FileError, MissingPackageError, MusegenError, SettingsError
from musegen.midi import read_many, write_midi
from musegen.piece import Note, Piece
from musegen.workers import AHEAD, Pool, map_files, run_jobs


def behave(path: str) -> str:
    """Do what the path says."""
    if path == "crash":
        ctypes.string_at(0)
    elif path == "hang":
        time.sleep(60)
    elif path == "flood":
        return str(len(bytearray(4 * 2**30)))
    elif path == "leave":
        os._exit(3)
    elif path == "raise":
        raise ZeroDivisionError("a\nb")
    elif path == "refuse":
        raise SettingsError("No.")
    elif path == "lack":
        raise MissingPackageError("music21", "Reading notation", "scores")
    elif path == "slow":
        time.sleep(1.5)
    return path.upper()


def test_each_file_loses_only_itself() -> None:
    paths = ["a", "crash", "b", "hang", "c", "flood", "raise", "leave", "refuse", "lack", "d"]
    results = dict(map_files(behave, paths, workers=2, timeout=2.0))
    assert list(results) == paths
    assert [results[p] for p in "abcd"] == ["A", "B", "C", "D"]
    expected = {
        "crash": "the process that read it died (signal 11, SIGSEGV)",
        "hang": "it took longer than 2 s",
        "flood": "too much memory",
        "raise": "reading it failed (ZeroDivisionError: a b)",
        "leave": "the process that read it died (exit status 3)",
        "refuse": "No.",
        "lack": "needs the package music21",
    }
    for path, reason in expected.items():
        error = results[path]
        assert isinstance(error, MusegenError)
        assert reason in str(error)
    assert isinstance(results["refuse"], SettingsError)
    assert isinstance(results["lack"], MissingPackageError)


def test_order_is_kept_and_no_process_is_left() -> None:
    paths = [f"{i}" for i in range(300)]
    assert [p for p, _ in map_files(behave, iter(paths), workers=2)] == paths
    stopped = map_files(behave, paths, workers=2)
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_results_come_as_they_finish_or_in_order() -> None:
    jobs = ["slow", "a", "b", "c"]
    assert [n for n, _ in run_jobs(behave, jobs, workers=2)] == [1, 2, 3, 0]
    assert [p for p, _ in map_files(behave, jobs, workers=2)] == jobs


def test_jobs_of_any_kind_are_named_in_errors() -> None:
    results = dict(run_jobs(halve, [(1, 2), (0, 3), (4, 4)], workers=1, name=lambda job: f"job {job[1]}"))
    assert (results[0], results[2]) == (0.5, 0.125)
    assert str(results[1]) == "job 3: reading it failed (ZeroDivisionError: float division by zero); it was left out."


def halve(job: tuple[int, int]) -> float:
    return 0.5 / job[0]


def test_files_are_begun_only_so_far_ahead_of_a_slow_one() -> None:
    taken = 0

    def paths() -> Iterator[str]:
        nonlocal taken
        for taken in range(1, 400):
            yield "slow" if taken == 1 else str(taken)

    results = map_files(behave, paths(), workers=2)
    assert next(results) == ("slow", "SLOW")
    assert AHEAD < taken <= 2 * AHEAD + 4
    assert len(list(results)) == 398


PARENT = """
import sys
from tests.test_workers import behave
from musegen.workers import map_files

if __name__ == "__main__":
    for path, result in map_files(behave, ["a", "b", "hang", "hang", "c"], workers=2):
        print(path, flush=True)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks for processes in /proc")
def test_kill_9_of_the_parent_leaves_no_process(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}) as parent:
        assert parent.stdout
        assert [parent.stdout.readline() for _ in range(2)] == ["a\n", "b\n"]
        time.sleep(0.5)  # both workers hang now, or are about to
        children = [int(c) for c in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]
        assert len(children) >= 2
        parent.kill()
    deadline = time.monotonic() + 10
    while left := [c for c in children if alive(c)]:
        assert time.monotonic() < deadline, f"{left} live on"
        time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("jobs", [[], ["a"]])
def test_no_more_workers_than_jobs(jobs: list[str]) -> None:
    before = set(multiprocessing.active_children())
    most = 0
    for path, result in map_files(behave, jobs, workers=3):
        most = len(set(multiprocessing.active_children()) - before)
        assert result == path.upper()
    assert most == len(jobs)


def test_read_many(tmp_path: Path) -> None:
    piece = Piece.from_notes([Note(0, 24, 60)], part_names=("",))
    write_midi(piece, tmp_path / "a.mid")
    (tmp_path / "b.mid").write_bytes(b"MThd")
    (_, first), (path, second) = read_many([tmp_path / "a.mid", tmp_path / "b.mid"], workers=1)
    assert first == piece
    assert path.endswith("b.mid")
    assert isinstance(second, FileError)


@pytest.mark.parametrize("workers", [0, None])
def test_some_number_of_workers(workers: int | None) -> None:
    assert [r for _, r in map_files(behave, ["a"], workers=workers)] == ["A"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_a_worker_is_deaf_to_ctrl_c_from_its_first_moment() -> None:
    pool = Pool(_pid, 1, 60.0, 2**31, str)
    try:
        pool.start()  # it still imports
        status = Path(f"/proc/{pool.workers[0].process.pid}/status").read_text()
        blocked = int(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16)
        assert blocked & 1 << (signal.SIGINT - 1)
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT}, "the parent hears it again"
    finally:
        pool.close()


def _pid(job: str) -> int:
    return os.getpid()

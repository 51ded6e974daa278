"""`musegen generate -n MANY` in a real process: killed, interrupted, and asked again."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musegen.cli.main import main
from musegen.cli.progress import Progress
from musegen.midi import read_music, write_music

from ..batches.conftest import manifest, music
from ..small_corpus import tune

N = 240


def command(untrained: Path, seed: Path, out: Path, *more: str) -> list[str]:
    rest = ["--checkpoint", str(untrained), "-n", str(N), "--bars", "2", "--out", str(out)]
    return ["generate", "--seed", str(seed), *rest, *more]


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "seed.mid"
    write_music(tune(100, 4), path)
    return path


def start(arguments: list[str], out: Path, files: int) -> subprocess.Popen[str]:
    """The command in a process of its own, once so many files are there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "musegen", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while len(list(out.glob("*.mid"))) < files:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.005)
    return process


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process is there and no mere zombie."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for the processes")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_kill_9_loses_nothing_and_makes_nothing_twice(
    untrained: Path, seed: Path, tmp_path: Path, workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for files in (5, 40):
        process = start(command(untrained, seed, killed, "--workers", workers), killed, files)
        players = children(process.pid)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while any(map(alive, players)):
            assert time.monotonic() < deadline, "a worker outlives the process it worked for"
            time.sleep(0.02)
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in killed.glob("*.mid")}
    assert 40 <= len(before) < N, "it was done before it was killed"
    (killed / ".seed-041.mid.1-1.part").write_bytes(b"MThd")  # what a kill in the middle of a write leaves
    assert main(command(untrained, seed, killed, "--workers", workers)) == 0
    assert main(command(untrained, seed, whole)) == 0
    after = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in killed.glob("*.mid")}
    assert {name: after[name] for name in before} == before
    assert music(killed) == music(whole) and len(music(whole)) == N
    assert manifest(killed) == manifest(whole)
    assert sorted(p.name for p in killed.iterdir() if p.name not in after) == ["manifest.csv"]
    capsys.readouterr()
    assert main(command(untrained, seed, killed)) == 0
    assert "all were there already" in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(untrained: Path, seed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(command(untrained, seed, out, "--workers", "2"), out, 9)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    last = error.strip().splitlines()[-1]
    there = len(music(out))
    assert process.returncode == 130 and "Traceback" not in error
    assert last == f"Stopped: {there} of {N} files are in {out}; the same command goes on."
    assert all(len(read_music(p)) for p in out.glob("*.mid")) and len(manifest(out)) in (there, there + 1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_says_files_notes_a_second_and_what_is_left() -> None:
    screen, log = Terminal(), io.StringIO()
    for stream in (screen, log):
        with Progress("generating", "files", stream) as progress:
            progress.update(0, 100)
            time.sleep(0.02)
            progress.update(25, 100, "1,590 notes/s")
            assert "25/100 files, 1,590 notes/s, 0:00 left" in progress.line(0.1)
    assert screen.getvalue().count("\r") >= 2 and log.getvalue().count("\n") == 1


def test_walks_and_wishes_that_do_not_go_together(
    untrained: Path, seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more, sentence in (
        (["--best", "0"], "ask for 1 to"),
        (["--best", str(N + 1)], "ask for 1 to"),
        (["--unique"], "does not say what music it learnt from"),
        (["--walk", "--best", "3"], "--best is for variations"),
        (["--workers", "-1"], "at least 1"),
    ):
        assert main(command(untrained, seed, tmp_path / "out", *more)) == 1
        error = capsys.readouterr().err
        assert sentence in error and len(error.strip().splitlines()) == 1 and not (tmp_path / "out").exists()


def test_best_and_what_is_rendered_of_it(
    untrained: Path, seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    few = [*command(untrained, seed, out), "-n", "6", "--best", "2", "--png"]
    assert main(few) == 0
    said = capsys.readouterr().out
    assert "the 2 of 6 files nearest to" in said and "others" in said
    assert len(list(out.glob("*.mid"))) == 2 == len(list(out.glob("*.png"))) and len(list(out.glob("others/*"))) == 4
    before = {p: p.stat().st_mtime_ns for p in out.glob("*.png")}
    assert main(few) == 0 and {p: p.stat().st_mtime_ns for p in out.glob("*.png")} == before


def test_a_gan_has_no_best_but_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["generate", "--checkpoint", "gan", "-n", "10", "--bars", "4", "--out", str(out), "--best", "2"]) == 1
    assert "likelihood" in capsys.readouterr().err
    assert main(["generate", "--checkpoint", "gan", "-n", "10", "--bars", "4", "--out", str(out)]) == 0
    assert len(music(out)) == 10 and {line["nats_per_note"] for line in manifest(out)} == {""}

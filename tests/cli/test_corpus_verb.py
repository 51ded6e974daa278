"""`musegen corpus`, as a user runs it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from musegen.cli.main import main
from musegen.cli.progress import Progress, clock
from musegen.midi.write import write_midi
from musegen.piece import Note, Piece


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "ballads"
    folder.mkdir()
    for seed in range(6):
        notes = [Note(24 * i, 24, 50 + (i * (seed + 2)) % 23) for i in range(30)]
        write_midi(Piece.from_notes(notes), folder / f"{seed}.mid")
    (folder / "bad.mid").write_bytes(b"?")
    return folder


def test_build_then_show(music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["corpus", "build", str(out), str(music), "--workers", "2"]) == 0
    captured = capsys.readouterr()
    assert "6 pieces, 180 notes" in captured.out
    assert "7/7 files" in captured.err
    assert captured.err.count("\n") == 1
    assert main(["corpus", "show", str(out), "--rejected"]) == 0
    shown = capsys.readouterr().out
    assert "ballads" in shown
    assert "rejected: 1" in shown
    assert "ballads/bad.mid" in shown
    assert re.search(r"pitch .*█", shown)


def test_show_draws_a_png(music: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    main(["corpus", "build", str(out), str(music)])
    assert main(["corpus", "show", str(out), "--png", str(tmp_path / "h.png")]) == 0
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "arguments",
    [
        ["corpus", "show", "{tmp}"],
        ["corpus", "build", "{tmp}/out", "{tmp}/none"],
        ["corpus", "build", "{tmp}/ballads", "{tmp}/ballads"],
        ["corpus", "build", "{tmp}/out"],
        ["corpus", "build", "{tmp}/out", "{tmp}/ballads", "--workers", "0"],
        ["corpus"],
    ],
)
def test_mistakes_are_one_line(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main([a.format(tmp=tmp_path) for a in arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("musegen: ")
    assert error.count("\n") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_redrawn_on_a_terminal_and_quiet_elsewhere() -> None:
    for stream, lines in ((Terminal(), 2), (io.StringIO(), 1)):
        with Progress("reading", "files", stream) as progress:
            progress.update(0, 4)
            progress.update(4, 4)
        assert len(re.findall("reading", stream.getvalue())) >= lines
        assert stream.getvalue().count("\n") == 1
        assert "4/4 files" in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_progress_counts_the_rate_from_where_it_began() -> None:
    progress = Progress("x", stream=io.StringIO())
    progress.update(100, 200)
    progress.update(110, 200)
    line = progress.line(10.0)
    assert "110/200" in line
    assert "1/s" in line
    assert "1:30 left" in line


def test_clock() -> None:
    assert [clock(s) for s in (7, 225, 3753)] == ["0:07", "3:45", "1:02:33"]

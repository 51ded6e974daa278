"""Worker processes: real crashes, hangs and floods of memory, in real processes."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from musegen.errors import FileError, MusegenError, SettingsError
from musegen.midi import read_many, write_midi
from musegen.midi.workers import map_files
from musegen.piece import Note, Piece


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
    return path.upper()


def test_each_file_loses_only_itself() -> None:
    paths = ["a", "crash", "b", "hang", "c", "flood", "raise", "leave", "refuse", "d"]
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
    }
    for path, reason in expected.items():
        error = results[path]
        assert isinstance(error, MusegenError)
        assert reason in str(error)
    assert isinstance(results["refuse"], SettingsError)


def test_order_is_kept_and_no_process_is_left() -> None:
    paths = [f"{i}" for i in range(300)]
    assert [p for p, _ in map_files(behave, iter(paths), workers=2)] == paths
    stopped = map_files(behave, paths, workers=2)
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_nothing_to_do() -> None:
    assert list(map_files(behave, [], workers=2)) == []


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

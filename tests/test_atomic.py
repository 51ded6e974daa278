"""Writing all or nothing, under real failures of a real disk."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from musegen.atomic import write_atomically
from musegen.errors import FileError


def test_the_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / ("long name " * 24 + ".mid")
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(FileError, match=r"folder: the file cannot be written \("):
        write_atomically(tmp_path / "folder", b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    with pytest.raises(FileError, match=r"no/x: the file cannot be written \(No such file or directory\)\."):
        write_atomically(tmp_path / "no" / "x", b"data")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    (tmp_path / f".x.{os.getpid()}-{threading.get_native_id()}.part").symlink_to("/dev/full")
    with pytest.raises(FileError, match="No space left on device"):
        write_atomically(path, bytes(100_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "x"
    contents = [bytes([i]) * 300_000 for i in range(4)]

    def write(data: bytes) -> None:
        for _ in range(20):
            write_atomically(path, data)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    seen = set()
    while any(t.is_alive() for t in threads):
        if path.exists():
            seen.add(path.read_bytes())
    assert seen <= set(contents)
    assert list(tmp_path.iterdir()) == [path]

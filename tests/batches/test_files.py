"""Batches as files: the same bytes however they are made, nothing made twice, nothing lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import musegen
from musegen.batches.best import ON
from musegen.batches.copies import Known, phrases
from musegen.batches.files import write_files
from musegen.batches.group import Run, groups_of, make_group, numbers_of
from musegen.batches.manifest import Manifest
from musegen.cli.main import main
from musegen.errors import FileError, SettingsError
from musegen.evaluation.density import score
from musegen.midi import read_music, write_music
from musegen.workers import run_jobs

from ..sampling.test_bars import maker_of
from ..small_corpus import tune
from .conftest import manifest, music


def backwards(function: Callable[[Any], Any], jobs: Iterable[Any], *_: object) -> Iterator[tuple[int, Any]]:
    """A runner whose results come in the worst order."""
    for number, job in reversed(list(enumerate(jobs))):
        yield number, function(job)


def stamps(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in folder.rglob("*.mid")}


def test_groups_hold_every_number_once() -> None:
    assert [len(numbers_of(g)) for g in range(6)] == [8, 8, 16, 32, 32, 32]
    for last in range(1, 200):
        numbers = [i for g in groups_of(range(1, last + 1)) for i in numbers_of(g)]
        assert numbers == list(range(1, numbers[-1] + 1)) and last <= numbers[-1] < max(9, last + 32)
    for number in range(1, 200):
        (group,) = groups_of(range(number, number + 1))
        assert number in numbers_of(group)
    assert list(groups_of(range(32, 66))) == [2, 3, 4]


def test_processes_and_their_order_change_no_byte(run: Run, tmp_path: Path) -> None:
    n = 67
    write_files(run, tmp_path / "one", n, workers=1)
    write_files(run, tmp_path / "two", n, workers=2)
    write_files(run, tmp_path / "three", n, runner=backwards)
    one = music(tmp_path / "one")
    assert list(one) == [f"piece-{i:02d}.mid" for i in range(1, n + 1)] and len(set(one.values())) == n
    assert music(tmp_path / "two") == one == music(tmp_path / "three")
    lines = manifest(tmp_path / "one")
    assert [line["file"] for line in lines] == list(one)
    assert lines == manifest(tmp_path / "two") == manifest(tmp_path / "three")


def test_a_second_call_makes_only_what_is_missing(run: Run, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    write_files(run, whole, 20)
    few = tmp_path / "few"
    assert write_files(run, few, 9).made == 9
    (few / "piece-4.mid").unlink()
    before = stamps(few)
    assert write_files(run, few, 20).made == 12
    after = stamps(few)
    assert {name: after[name] for name in before} == before
    assert sorted(music(few).values()) == sorted(music(whole).values())
    assert [line["number"] for line in manifest(few)] == [str(i) for i in range(1, 21)]
    again = write_files(run, few, 20)
    assert again.made == 0 and stamps(few) == after and len(again.paths()) == 20


def test_other_settings_have_other_names_and_lose_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "piece-3.mid").write_bytes(b"somebody's own")
    first = write_files(run, tmp_path, 3)
    other = replace(run, plan=replace(run.plan, seed_number=7))
    second = write_files(other, tmp_path, 3)
    assert [row.file for row in first.pieces] == [f"piece-b-{i}.mid" for i in (1, 2, 3)]
    assert [row.file for row in second.pieces] == [f"piece-c-{i}.mid" for i in (1, 2, 3)]
    assert (tmp_path / "piece-3.mid").read_bytes() == b"somebody's own"
    before = stamps(tmp_path)
    assert write_files(run, tmp_path, 3).made == write_files(other, tmp_path, 3).made == 0
    assert stamps(tmp_path) == before


@pytest.mark.parametrize("torn", [b"piece-6.mid,6,", b"piece-6.mid"])
def test_a_torn_line_is_made_whole(run: Run, tmp_path: Path, torn: bytes) -> None:
    write_files(run, tmp_path, 5)
    whole, lines = music(tmp_path), manifest(tmp_path)
    with open(tmp_path / "manifest.csv", "ab") as file:
        file.write(torn)
    write_files(run, tmp_path, 6)
    assert manifest(tmp_path)[:5] == lines and [line["number"] for line in manifest(tmp_path)[5:]] == ["6"]
    assert {k: v for k, v in music(tmp_path).items() if k in whole} == whole


def test_a_line_without_its_file_is_a_file_to_make(run: Run, tmp_path: Path) -> None:
    """As a process leaves it that is killed between the two."""
    write_files(run, tmp_path, 3)
    whole = music(tmp_path)
    (tmp_path / "piece-3.mid").unlink()
    write_files(run, tmp_path, 3)
    assert music(tmp_path) == whole and len(manifest(tmp_path)) == 3


@pytest.mark.parametrize("with_seed", [False, True])
def test_the_likelihood_is_what_score_says(trained: Path, run: Run, tmp_path: Path, with_seed: bool) -> None:
    batch = write_files(replace(run, checkpoint=str(trained), with_seed=with_seed), tmp_path, 3)
    for row, path in zip(batch.pieces, batch.paths(), strict=True):
        assert row.nats == pytest.approx(score(str(trained), path).per_note, abs=2e-4)
        assert row.notes == len(read_music(path)) - with_seed * len(run.plan.seed)


def test_the_likelihood_of_a_model_of_bars_too(run: Run, tmp_path: Path) -> None:
    folder = str(maker_of(tmp_path / "maker"))
    batch = write_files(replace(run, checkpoint=folder, bars=1), tmp_path / "out", 2, best=1)
    assert len(batch.pieces) == 2 and len(batch.best) == 1
    for row in batch.pieces:
        (path,) = (tmp_path / "out").rglob(row.file)
        assert row.nats == pytest.approx(score(folder, path).per_note, abs=2e-4)


def test_the_best_are_nearest_to_the_seed_and_the_rest_stay_beside(trained: Path, run: Run, tmp_path: Path) -> None:
    run = replace(run, checkpoint=str(trained))
    batch = write_files(run, tmp_path, 12, best=3)
    target = ON * score(str(trained), run.plan.seed).per_note
    assert batch.target == pytest.approx(target, abs=1e-3)
    distance = {row.file: abs((row.nats or 0) - target) for row in batch.pieces}
    nearest = sorted(distance, key=lambda name: distance[name])
    assert {p.name for p in tmp_path.glob("*.mid")} == set(nearest[:3])
    assert {p.name for p in (tmp_path / "others").iterdir()} == set(nearest[3:])
    before = stamps(tmp_path)
    assert write_files(run, tmp_path, 12, best=5).made == 0
    assert {p.name for p in tmp_path.glob("*.mid")} == set(nearest[:5]) and stamps(tmp_path) == before
    write_files(run, tmp_path, 12)
    assert len(list(tmp_path.glob("*.mid"))) == 12 and not (tmp_path / "others").exists()


def known(run: Run, numbers: Iterable[int]) -> Path:
    """Have the checkpoint's training music be what it will play as these numbers."""
    made = [piece for g in range(3) for piece in make_group(run, g) if piece.number in numbers]
    assert all(len(piece.phrases) > 8 for piece in made)
    return Known.of_phrases([piece.phrases for piece in made]).save(run.checkpoint)


@pytest.fixture
def longer(trained: Path, run: Run, tmp_path: Path) -> Run:
    """Six bars of tunes, so that there are phrases, and a checkpoint of one's own to put a file beside."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(trained, folder)
    return replace(run, checkpoint=str(folder), bars=6)


def test_copies_of_training_music_are_replaced(longer: Run, tmp_path: Path) -> None:
    known(longer, {2, 5})
    plain = write_files(longer, tmp_path / "plain", 8)
    batch = write_files(longer, tmp_path / "unique", 8, unique=True)
    assert [row.number for row in plain.pieces] == list(range(1, 9))
    assert [row.number for row in batch.pieces] == [1, 3, 4, 6, 7, 8, 9, 10] and batch.left_out == 2
    lines = {line["number"]: line for line in manifest(tmp_path / "unique")}
    assert lines["2"]["left_out"].startswith("copied: 100% of its phrases") and not lines["2"]["file"]
    before = stamps(tmp_path / "unique")
    again = write_files(longer, tmp_path / "unique", 9, unique=True)
    assert [row.number for row in again.pieces] == [1, 3, 4, 6, 7, 8, 9, 10, 11]
    assert before.items() <= stamps(tmp_path / "unique").items()


def test_pieces_like_an_earlier_one_are_replaced_after_a_stop_too(longer: Run, tmp_path: Path) -> None:
    """A cold model plays the same again and again."""
    known(longer, set())
    cold = replace(longer, plan=replace(longer.plan, settings=replace(longer.plan.settings, temperature=0.0)))
    batch = write_files(cold, tmp_path / "cold", 3, unique=True)
    assert [row.number for row in batch.pieces] == [1] and batch.left_out > 3
    (tmp_path / "stopped").mkdir()
    lines = (tmp_path / "cold" / "manifest.csv").read_bytes().splitlines(keepends=True)
    (tmp_path / "stopped" / "manifest.csv").write_bytes(b"".join(lines[:2]))
    (tmp_path / "stopped" / "piece-1.mid").write_bytes((tmp_path / "cold" / "piece-1.mid").read_bytes())
    write_files(cold, tmp_path / "stopped", 3, unique=True)
    assert music(tmp_path / "stopped") == music(tmp_path / "cold")
    assert manifest(tmp_path / "stopped") == manifest(tmp_path / "cold")


def test_phrases_of_a_file_are_those_of_the_music(longer: Run, tmp_path: Path) -> None:
    """What is read back after a stop is told apart as what was just drawn."""
    seeded = replace(longer, with_seed=True)
    made = make_group(longer, 0)
    for kind in (longer, seeded):
        batch = write_files(kind, tmp_path / f"{kind.with_seed}", 4)
        for path, piece in zip(batch.paths(), made, strict=False):
            read = read_music(path).at_resolution(24)
            new = read.between(kind.plan.origin * kind.with_seed, read.end + 1)
            assert phrases(new).tolist() == piece.phrases.tolist()


def lost_once(marker: Path) -> Any:
    """A runner with processes, the first of which is lost with its group."""

    def runner(function: Any, jobs: Any, *rest: Any) -> Iterator[tuple[int, Any]]:
        for number, answer in run_jobs(function, jobs, *rest):
            if not marker.exists():
                marker.touch()
                yield number, FileError("lost")
            else:
                yield number, answer

    return runner


def test_a_group_that_is_lost_is_made_again(run: Run, tmp_path: Path) -> None:
    write_files(run, tmp_path / "a", 16, runner=lost_once(tmp_path / "marker"))
    write_files(run, tmp_path / "b", 16)
    assert (tmp_path / "marker").exists() and music(tmp_path / "a") == music(tmp_path / "b")


def test_a_runner_that_gives_up_is_said(run: Run, tmp_path: Path) -> None:
    def lazy(function: Callable[[Any], Any], jobs: Iterable[Any], *_: object) -> Iterator[tuple[int, Any]]:
        yield 0, function(next(iter(jobs)))

    with pytest.raises(FileError, match="Not every piece was made"):
        write_files(run, tmp_path, 16, runner=lazy)
    assert len(music(tmp_path)) == 8 == len(manifest(tmp_path))


def test_a_folder_that_is_none_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match="cannot be written"):
        write_files(run, tmp_path / "file", 1)
    assert (tmp_path / "file").read_text() == "mine"


def test_from_a_script_as_from_the_command_line(trained: Path, tmp_path: Path) -> None:
    write_music(tune(100, 4), tmp_path / "a.mid")
    options = {"n": 4, "bars": 2, "seed_number": 3}
    paths = musegen.generate_files(str(trained), tmp_path / "a.mid", tmp_path / "script", **options)  # type: ignore[arg-type]
    asked = ["--seed", str(tmp_path / "a.mid"), "-n", "4", "--bars", "2", "--seed-number", "3"]
    assert main(["generate", "--checkpoint", str(trained), *asked, "--out", str(tmp_path / "verb")]) == 0
    assert [p.name for p in paths] == [f"a-{i}.mid" for i in range(1, 5)]
    assert music(tmp_path / "script") == music(tmp_path / "verb")
    assert manifest(tmp_path / "script") == manifest(tmp_path / "verb")


def test_a_run_of_other_weights_is_another(run: Run, longer: Run) -> None:
    same = replace(longer, bars=run.bars)
    assert same.key() == replace(same).key() != longer.key() and same.key() != run.key()
    path, before = Path(longer.checkpoint, "model.safetensors"), same.key()
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    assert replace(same).key() != before


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"n": 0}, "at least 1"),
        ({"best": 9}, "ask for 1 to 8"),
        ({"best": 0}, "ask for 1 to 8"),
        ({"unique": True}, "does not say what music it learnt from"),
    ],
)
def test_wrong_wishes_are_one_sentence_and_no_folder(
    run: Run, tmp_path: Path, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        write_files(run, tmp_path / "out", **{"n": 8, **more})
    assert not (tmp_path / "out").exists()


def test_a_wish_that_only_the_model_can_refuse_leaves_no_folder(run: Run, tmp_path: Path) -> None:
    strange = replace(run, plan=replace(run.plan, style="jazz"))
    for workers in (1, 2):
        with pytest.raises(SettingsError, match="jazz"):
            write_files(strange, tmp_path / "out", 40, workers=workers)
        assert not (tmp_path / "out").exists()


def test_a_strange_manifest_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileError, match=r"not a manifest of this musegen"):
        write_files(run, tmp_path, 1)
    assert (tmp_path / "manifest.csv").read_text() == "a,b\n1,2\n" and not music(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fcntl")
def test_two_at_once_do_not_share_a_folder(run: Run, tmp_path: Path) -> None:
    with Manifest(tmp_path), pytest.raises(FileError, match="Another musegen is writing"):
        write_files(run, tmp_path, 1)

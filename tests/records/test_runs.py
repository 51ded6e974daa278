"""Every run of a table is done once and kept; the table says what was found beside what was published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from musegen.errors import SettingsError
from musegen.records.runs import Job, Recipe, Result, run_all
from musegen.records.table import table


def counting(done: list[tuple[str, int]], figure: Callable[[int], float] = lambda seed: 2.0 + seed) -> Recipe:
    def run(job: Job) -> Result:
        done.append((job.model, job.seed))
        return Result({"mean": figure(job.seed)}, {"minutes": 1.0, "weights": 1234})

    return Recipe(run)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    done: list[tuple[str, int]] = []
    recipes = {"a": counting(done), "floor": Recipe(counting(done).run, seeded=False)}
    first = run_all(recipes, tmp_path, tmp_path / "out", (0, 3))
    assert done == [("a", 0), ("a", 3), ("floor", 0)]
    assert [r.figures["mean"] for r in first["a"]] == [2.0, 5.0]
    again = run_all(recipes, tmp_path, tmp_path / "out", (0, 3, 4))
    assert done[3:] == [("a", 4)]
    assert again["a"][:2] == first["a"]


def test_a_run_that_fails_is_begun_again(tmp_path: Path) -> None:
    def run(job: Job) -> Result:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all({"a": Recipe(run)}, tmp_path, tmp_path / "out", (0,))
    done: list[tuple[str, int]] = []
    run_all({"a": counting(done)}, tmp_path, tmp_path / "out", (0,))
    assert done == [("a", 0)]


def test_runs_of_other_lengths_or_data_do_not_mix(tmp_path: Path) -> None:
    run_all({"a": counting([])}, tmp_path, tmp_path / "out", (0,), epochs=3)
    with pytest.raises(SettingsError, match="a run with another epochs"):
        run_all({"a": counting([])}, tmp_path, tmp_path / "out", (0,), epochs=4)
    with pytest.raises(SettingsError, match="a run with another data"):
        run_all({"a": counting([])}, tmp_path / "other", tmp_path / "out", (0,), epochs=3)


@pytest.mark.parametrize("text", ["{", "{}", "[]", json.dumps({"run": 3})])
def test_a_damaged_result_is_one_sentence(tmp_path: Path, text: str) -> None:
    run_all({"a": counting([])}, tmp_path, tmp_path / "out", (0,))
    (tmp_path / "out/a/seed-0/result.json").write_text(text)
    with pytest.raises(SettingsError, match="is not a result"):
        run_all({"a": counting([])}, tmp_path, tmp_path / "out", (0,))


def test_the_table_has_seeds_together_and_the_best_first(tmp_path: Path) -> None:
    recipes = {"worse": counting([], lambda seed: 4.0), "better": counting([], lambda seed: 2.0 + 0.1 * seed)}
    found = run_all(recipes, tmp_path, tmp_path / "out", (0, 1, 2))
    lines = table("Title", found, (("TCN", 3.07),), {"mean": "nats", "other": "other"}).splitlines()
    assert lines[0] == "Title"
    assert lines[1].split() == ["model", "nats", "other", "seeds", "minutes", "weights"]
    assert lines[2].split() == ["better", "2.100", "±0.100", "3", "1.0", "1,234"]
    assert lines[3].split() == ["TCN", "(published)", "3.070"]
    assert lines[4].split() == ["worse", "4.000", "±0.000", "3", "1.0", "1,234"]

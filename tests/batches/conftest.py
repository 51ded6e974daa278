"""A run of a small model that has learnt nothing, and folders to compare."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from musegen.batches.group import Run
from musegen.sampling.plan import Plan

from ..small_corpus import tune


@pytest.fixture
def run(untrained: Path) -> Run:
    return Run(str(untrained), Plan(tune(100, 4)), bars=2)


def music(folder: Path) -> dict[str, bytes]:
    """The files of music in a folder and those within it, by their path in it."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.mid"))}


def manifest(folder: Path) -> list[dict[str, str]]:
    """The lines of a folder's manifest."""
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

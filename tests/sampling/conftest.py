"""A small gan with random weights, for whoever plays with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from musegen.engine.bars import load
from musegen.engine.phrases import PhraseMaker

from ..small_gan import small_gan


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_gan(tmp_path_factory.mktemp("gan"))


@pytest.fixture(scope="module")
def maker(folder: Path) -> PhraseMaker:
    found = load(folder)
    assert isinstance(found, PhraseMaker)
    return found

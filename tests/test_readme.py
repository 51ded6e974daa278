"""README's recipes, run as they stand: every block marked `test`, in a folder with `tune.mid` and `groove.mid`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from musegen.cli.main import VERBS
from musegen.shipped import seeds_folder

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(sh|python) test\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LEAVES = [
    *("recordings/*.mid", "answer/*.mid", "batch/*.mid", "filled/*.mid", "humanised/*.mid", "band/*.mid"),
    *("surprise.png", "out.mid"),
]
"""What each block must have written, in the order of the blocks."""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a tune and a groove in it, as a reader of README would have."""
    seed = min(seeds_folder().glob("*.mid"))
    shutil.copy(seed, tmp_path / "tune.mid")
    shutil.copy(ROOT / "midi_samples" / "generated" / "groove.mid", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("block", "leaves"), list(zip(BLOCKS, LEAVES, strict=True)), ids=LEAVES)
def test_a_recipe_works_as_written(block: tuple[str, str], leaves: str, desk: Path) -> None:
    language, text = block
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["sh", "-e", "-c", text] if language == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(
        command, cwd=desk, env=here, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    written = list(desk.glob(leaves))
    many = re.search(r"--best (\d+)", text) or re.search(r"-n (\d+)", text)
    assert len(written) == (int(many[1]) if many else 1)
    begins = {".mid": b"MThd", ".png": b"\x89PNG"}
    assert all(path.read_bytes().startswith(begins[path.suffix]) for path in written)


def test_every_command_in_readme_is_one_that_exists() -> None:
    named = set(re.findall(r"(?:^|`)musegen ([a-z]+)", README, re.MULTILINE))
    assert named <= set(VERBS)
    assert named >= {"jam", "generate", "infill", "score", "classify", "train", "corpus", "ports"}


@pytest.mark.parametrize("line", [x for x in README.splitlines() if x.startswith("musegen ")])
def test_every_option_in_readme_exists(line: str) -> None:
    verb = line.split()[1]
    rest = line.split()[2:3] if verb == "corpus" else []
    shown = subprocess.run(
        [sys.executable, "-m", "musegen", verb, *rest, "--help"], capture_output=True, text=True, timeout=60
    ).stdout
    for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", line):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown), f"{option} is not an option of {verb}"


def test_make_targets_in_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^    make (\w+)", README, re.MULTILINE)
    assert {"jam", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_links_and_pictures_of_readme_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= 140

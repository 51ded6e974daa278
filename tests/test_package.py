"""The package as others see it: public names, versions, and what an installation carries."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import musegen
from musegen import shipped
from musegen.errors import FileError

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]


def name_of(requirement: str) -> str:
    return re.split(r"[\s<>=;\[!~]", requirement)[0].lower()


@pytest.mark.parametrize("name", musegen.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(musegen, name) is not None
    assert name in dir(musegen)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Peace'"):
        musegen.Peace  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(musegen.__file__).read_text())
    checking = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = {(a.asname, n.module) for n in checking.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert seen == set(musegen._HOME.items())


def test_all_is_every_extra() -> None:
    listed = re.fullmatch(r"musegen\[(.*)\]", EXTRAS["all"][0])
    assert listed
    assert set(listed[1].split(",")) == set(EXTRAS) - {"all"}


def test_every_direct_dependency_is_pinned_in_constraints() -> None:
    wanted = [*PYPROJECT["project"]["dependencies"], *(r for e, rs in EXTRAS.items() if e != "all" for r in rs)]
    pinned = {name_of(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    assert pinned == {name_of(r) for r in wanted}


def test_rtmidi_is_asked_for_only_where_it_has_wheels() -> None:
    rtmidi = [r for r in PYPROJECT["project"]["dependencies"] if name_of(r) == "python-rtmidi"]
    assert rtmidi == ["python-rtmidi>=1.5.8; python_version < '3.13'"]


def test_player_has_no_torch() -> None:
    player = {name_of(r) for r in PYPROJECT["project"]["dependencies"]}
    assert not player & {"torch", "music21", "matplotlib", "tensorboard", "vizdoom"}


def test_shipped_folders_of_a_checkout() -> None:
    assert shipped.checkpoints_folder() == ROOT / "checkpoints"
    assert shipped.seeds_folder() == ROOT / "midi_samples" / "seeds"


def test_shipped_folders_of_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "musegen"
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    with pytest.raises(FileError, match="has no seeds: install it again"):
        shipped.seeds_folder()
    (package / "_shipped" / "seeds").mkdir(parents=True)
    assert shipped.seeds_folder() == package / "_shipped" / "seeds"


def test_the_wheel_carries_both_folders() -> None:
    carried = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert carried == {
        "checkpoints": "musegen/_shipped/checkpoints",
        "midi_samples/seeds": "musegen/_shipped/seeds",
    }
    assert all((ROOT / folder).is_dir() for folder in carried)

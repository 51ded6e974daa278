"""The import rules: who may import whom, and what stays out of the player, read from the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "musegen"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"errors", "atomic", "workers", "piece", "shipped"}
MODEL_SIDE = {"models", "checkpoint"}
MAY_IMPORT = {
    "errors": set(),
    "atomic": {"errors"},
    "workers": {"errors"},
    "cluster": {"errors", "workers"},
    "shipped": {"errors"},
    "hub": {"errors"},
    "presets": {"errors"},
    "piece": {"errors"},
    "midi": BASE,
    "events": {*BASE, "midi"},
    "corpus": {*BASE, "midi", "events", "pictures"},
    "audio": {*BASE, "midi", "sound_files"},
    "sound_files": {"errors", "atomic"},
    "models": {
        "errors",
        "atomic",
        "piece",
        "events",
    },  # of piece, the value types that the events' own interface speaks
    "checkpoint": {*BASE, "hub", "events", "models"},
    "engine": {*BASE, "events", *MODEL_SIDE},
    "training": {*BASE, "events", "corpus", "engine", "evaluation", "pictures", "walls", *MODEL_SIDE},
    "sampling": {*BASE, "midi", "events", "engine", *MODEL_SIDE},
    "batches": {*BASE, "midi", "events", "corpus", "engine", "sampling", "evaluation", *MODEL_SIDE},
    "evaluation": {*BASE, "midi", "events", "corpus", "engine", *MODEL_SIDE},
    "records": {*BASE, "events", "corpus", "evaluation", "training", *MODEL_SIDE},
    "live": {*BASE, "midi", "audio", "events", "engine", "sampling", "checkpoint"},
    "pictures": BASE,
    "strokes": {*BASE, "pictures"},
    "walls": {*BASE, "events", "evaluation", "pictures"},
    "distributions": {*BASE, "pictures"},
    "charts": {*BASE, "evaluation", "pictures"},
    "studio": {
        *BASE,
        "midi",
        "audio",
        "events",
        "corpus",
        "engine",
        "sampling",
        "batches",
        "evaluation",
        "charts",
        "live",
        *MODEL_SIDE,
    },
}
"""What each part of the package may import of the others (itself always; `cli` everything)."""

INSIDE_FUNCTIONS = {
    "piece": {"midi"},  # Piece.to_pretty_midi() and its like
    "training": {"midi"},  # the seed phrases, on which the player of an older checkpoint is checked
}
"""What a part may import besides, but only when a function of it runs."""

TORCH_HOMES = ("models/", "training/", "engine/torch_engine.py", "engine/torch_roll.py")
"""The only places that may name torch at all, even inside a function."""

SKLEARN_HOMES = ("training/mixture.py", "training/topics.py", "evaluation/linear.py")
"""The only places that may name scikit-learn, and inside a function."""

TRAINING_FILES = (
    "errors.py",
    "atomic.py",
    "checkpoint.py",
    "corpus/store.py",
    "corpus/windows.py",
    "models/",
    "training/",
)
TRAINING_PACKAGES = {"torch", "numpy", "safetensors", "musegen", *sys.stdlib_module_names}
"""The training path runs where nothing else is installed."""

HEAVY = (
    "torch",
    "sklearn",
    "ray",
    "music21",
    "matplotlib",
    "symusic",
    "numpy",
    "mido",
    "pretty_midi",
    "rtmidi",
    "jack",
    "fluidsynth",
)


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """The part of the package that a file belongs to: `midi/files.py` → midi, `piece.py` → piece."""
    return relative(path).split("/")[0].removesuffix(".py")


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """Absolute dotted names of everything that `path` imports, TYPE_CHECKING blocks left out."""
    tree = ast.parse(path.read_text())
    package = ["musegen", *relative(path).split("/")[:-1]]
    found: set[str] = set()
    for node in _statements(tree.body, top_level_only):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def _statements(body: list[ast.stmt], top_level_only: bool) -> list[ast.AST]:
    found: list[ast.AST] = []
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if top_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        found.append(node)
        for inner in ("body", "orelse", "finalbody"):
            found += _statements(getattr(node, inner, []), top_level_only)
        for handler in getattr(node, "handlers", []):
            found += _statements(handler.body, top_level_only)
    return found


def test_every_part_is_listed() -> None:
    known = {*MAY_IMPORT, "cli", "__init__", "__main__"}
    assert {part_of(path) for path in MODULES} <= known, "give the new part its place in MAY_IMPORT"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_imports_follow_the_layers(path: Path) -> None:
    part = part_of(path)
    if part in {"cli", "__init__", "__main__"}:
        return
    allowed = {part, *MAY_IMPORT[part]}
    later = allowed | INSIDE_FUNCTIONS.get(part, set())
    for top_level_only, may in ((True, allowed), (False, later)):
        used = {name.split(".")[1] for name in imports(path, top_level_only) if name.startswith("musegen.")}
        assert not (used & {*MAY_IMPORT, "cli"}) - may, f"{relative(path)} may import only {sorted(may)} of musegen"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_torch_stays_at_home(path: Path) -> None:
    if not relative(path).startswith(TORCH_HOMES):
        assert not {name for name in imports(path) if name.split(".")[0] == "torch"}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_scikit_learn_fits_and_does_nothing_else(path: Path) -> None:
    """So that what was fitted plays, scores and classifies where numpy alone is installed."""
    inside = () if relative(path).startswith(SKLEARN_HOMES) else imports(path)
    named = {name for name in (*imports(path, top_level_only=True), *inside) if name.split(".")[0] == "sklearn"}
    assert not named


def test_the_older_models_play_in_numpy() -> None:
    code = "import musegen.engine.baselines, musegen.models.baselines.ngram, musegen.models.baselines.mixture"
    assert loaded_after(f"{code}\nimport musegen.models.baselines.topics") == ["numpy"]


@pytest.mark.parametrize("path", [p for p in MODULES if relative(p).startswith(TRAINING_FILES)], ids=relative)
def test_training_path_needs_little(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path, top_level_only=True)}
    assert roots <= TRAINING_PACKAGES


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(code: str) -> list[str]:
    """Which of HEAVY are in sys.modules after `code`."""
    return run_python(f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])").split()


@pytest.mark.parametrize(
    "code",
    [
        "import musegen",
        "import musegen, musegen.errors, musegen.shipped; dir(musegen)",
        "from musegen.cli.main import main\nsys.stdout, out = sys.stderr, sys.stdout\nmain([])\nsys.stdout = out",
    ],
    ids=["import musegen", "dir", "musegen --help"],
)
def test_starts_without_heavy_packages(code: str) -> None:
    assert loaded_after(code) == []


def test_a_name_loads_only_what_it_needs() -> None:
    assert loaded_after("import musegen; musegen.Piece; musegen.EventCodec") == ["numpy"]


@pytest.mark.parametrize("name", ["clock", "scheduler", "ports"])
def test_live_timing_runs_without_torch(name: str) -> None:
    if not (PACKAGE / "live" / f"{name}.py").exists():
        pytest.skip(f"live/{name}.py is not written yet")
    assert "torch" not in loaded_after(f"import musegen.live.{name}")


BLOCK = """
import sys

class OnlyThese:
    allowed = {allowed!r}
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in self.allowed or root in sys.stdlib_module_names:
            return None
        frame = sys._getframe()
        while frame:  # torch itself may look for optional packages; only ours may not
            owner = frame.f_globals.get("__name__", "").partition(".")[0]
            if owner == "musegen":
                raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
            if owner in ("torch", "numpy"):
                break
            frame = frame.f_back
        return None

sys.meta_path.insert(0, OnlyThese())
"""


def test_training_path_imports_where_little_is_installed() -> None:
    pytest.importorskip("torch")
    allowed = {"torch", "numpy", "safetensors", "musegen"}
    modules = [relative(p) for p in MODULES if relative(p).startswith(TRAINING_FILES)]
    names = ["musegen." + m.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for m in modules]
    code = BLOCK.format(allowed=allowed) + "\n".join(f"import {name}" for name in names)
    third_party = "\nprint(*sorted({m.partition('.')[0] for m in sys.modules} & {'symusic', 'mido', 'music21'}))"
    assert run_python(code + third_party).split() == []


def test_the_block_blocks() -> None:
    code = BLOCK.format(allowed={"musegen"}) + "import musegen; musegen.Piece"
    with pytest.raises(AssertionError, match="numpy is blocked"):
        run_python(code)

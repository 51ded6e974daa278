"""The `musegen` command itself: verbs are found, errors are one sentence, nothing ends in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import pytest

import musegen
from musegen.cli import main as cli
from musegen.errors import FileError


def musegen_command(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "musegen", *args], text=True, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int | None]], None]:
    """Registers a verb `probe [--number N]` that calls the function it is given."""

    def register(action: Callable[[], int | None]) -> None:
        module = ModuleType("musegen.cli.probe")

        def configure(parser: ArgumentParser) -> None:
            parser.add_argument("--number", type=int)

        def run(args: Namespace) -> int | None:
            return action()

        module.configure, module.run = configure, run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "musegen.cli.probe", module)
        monkeypatch.setitem(cli.VERBS, "probe", "a verb of this test")

    return register


def raising(error: BaseException) -> Callable[[], int | None]:
    def action() -> int | None:
        raise error

    return action


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_help_lists_every_verb(argv: list[str]) -> None:
    done = musegen_command(*argv, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for name, help_line in cli.VERBS.items():
        assert any(line.split()[:1] == [name] and line.endswith(help_line) for line in lines)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert not end.value.code
    assert capsys.readouterr().out == f"musegen {musegen.__version__}\n"


@pytest.mark.parametrize("name", cli.VERBS)
def test_every_verb_keeps_the_contract(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(f"musegen.cli.{name}")
    assert callable(module.configure)
    assert callable(module.run)
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert not end.value.code
    assert capsys.readouterr().out.startswith(f"usage: musegen {name}")


@pytest.mark.parametrize("name", cli.VERBS)
def test_help_of_a_verb_loads_no_torch(name: str) -> None:
    code = (
        "import sys\nfrom musegen.cli.main import main\ntry:\n    main([sys.argv[1], '--help'])\n"
        "except SystemExit: pass\nprint('heavy:', *[m for m in ('torch', 'music21', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "heavy:"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["jamm"], "musegen: There is no verb 'jamm': did you mean  musegen jam ?\n"),
        (["genrate"], "musegen: There is no verb 'genrate': did you mean  musegen generate ?\n"),
        (["--bogus"], "musegen: unrecognized arguments: --bogus (see  musegen --help)\n"),
        (["probe", "--number", "x"], "argument --number: invalid int value: 'x' (see  musegen probe --help)\n"),
        (["probe", "--num", "1"], "unrecognized arguments: --num 1 (see  musegen probe --help)\n"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    argv: list[str],
    sentence: str,
    verb: Callable[[Callable[[], int | None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb(lambda: 0)
    assert cli.main(argv) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(sentence)
    assert err.count("\n") == 1


def test_an_unlike_verb_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zzz"]) == 1
    assert "the verbs are jam, generate," in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (FileError("No such tune."), 1, "musegen: No such tune.\n"),
        (KeyboardInterrupt(), 130, ""),
        (FileNotFoundError(2, "No such file or directory", "a.mid"), 1, "musegen: a.mid: No such file or directory\n"),
        (
            ModuleNotFoundError("No module named 'music21'", name="music21.converter"),
            1,
            "musegen: musegen probe needs the package music21, which is not installed: "
            "run  pip install 'musegen[scores]'\n",
        ),
    ],
    ids=["MusegenError", "Ctrl-C", "OSError", "missing package"],
)
def test_errors_become_sentences(
    error: BaseException,
    status: int,
    printed: str,
    verb: Callable[[Callable[[], int | None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb(raising(error))
    assert cli.main(["probe"]) == status
    assert capsys.readouterr().err == printed


@pytest.mark.parametrize("error", [ValueError("a bug"), ModuleNotFoundError("x", name="musegen.gone")])
def test_a_bug_stays_a_traceback(error: Exception, verb: Callable[[Callable[[], int | None]], None]) -> None:
    verb(raising(error))
    with pytest.raises(type(error)):
        cli.main(["probe"])


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_exit_status_of_a_verb(
    returned: int | None, status: int, verb: Callable[[Callable[[], int | None]], None]
) -> None:
    verb(lambda: returned)
    assert cli.main(["probe"]) == status


def test_a_closed_pipe_is_silent() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
        done = musegen_command("--help", stdout=write_end, stderr=subprocess.PIPE, env=buffered)
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")

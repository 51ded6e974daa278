"""How long a musician waits: seconds from process start to help, and to the model's first note.

    python -m benchmarks.startup [--checkpoint NAME]... [--rounds N]

Everything is a fresh process, timed from outside until it ends; the first note is drawn by a shipped
checkpoint after the shipped seed phrase has been read. `import torch` is there to compare with, where it is installed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

from .machine import DEFAULT_ROUNDS, interleaved, print_header

FIRST_NOTE = """
import sys
from musegen.midi.music import read_music
from musegen.sampling.plan import Plan
from musegen.sampling.seeds import find_seed
from musegen.sampling.stream import Stream

note = next(Stream(sys.argv[1], Plan(read_music(find_seed(None)))).open())
assert note.duration > 0 and "torch" not in sys.modules
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", action="append", help="a shipped name or a folder (transformer and lstm)")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    args = parser.parse_args()
    print_header("numpy", "symusic", "torch")
    commands = {"python, nothing else": ["-c", "pass"], "musegen --help": ["-m", "musegen", "--help"]}
    for checkpoint in args.checkpoint or ["transformer", "lstm"]:
        commands[f"first note of {checkpoint}"] = ["-c", FIRST_NOTE, checkpoint]
    if find_spec("torch"):
        commands["import torch"] = ["-c", "import torch"]
    seconds = interleaved({name: _process(command) for name, command in commands.items()}, args.rounds)
    print(f"{'from process start to':<28}{'seconds':>9}  {'of import torch':>15}")
    for name, taken in seconds.items():
        share = f"{taken / seconds['import torch']:.0%}" if "import torch" in seconds else ""
        print(f"{name:<28}{taken:>9.3f}  {share:>15}")


def _process(arguments: list[str]) -> Callable[[], object]:
    return partial(subprocess.run, [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

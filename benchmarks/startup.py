"""How long a musician waits: seconds from process start to help, and to the model's first note.

    python -m benchmarks.startup [--checkpoint NAME]... [--rounds N] [--clock cpu] [--json FILE]

Everything is a fresh process, timed from outside until it ends, its bytecode compiled as an installed package's is; the
first note is drawn by a shipped checkpoint after the shipped seed phrase has been read. `import torch` is there to
compare with, where it is installed. MB: the most resident memory that the process had.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from typing import NamedTuple

from .machine import DEFAULT_ROUNDS, add_json, print_header, write_json

PACKAGES = ("numpy", "onnxruntime", "symusic", "torch")

FIRST_NOTE = """
import sys
from musegen.midi.music import read_music
from musegen.sampling.plan import Plan
from musegen.sampling.seeds import find_seed
from musegen.sampling.stream import Stream

note = next(Stream(sys.argv[1], Plan(read_music(find_seed(None)))).open())
assert note.duration > 0 and "torch" not in sys.modules
"""


class Taken(NamedTuple):
    """What a process took."""

    wall: float  # seconds
    cpu: float  # seconds of its own work
    memory: float  # MB at most


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", action="append", help="a shipped name or a folder (default and lstm)")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="by which to compare; cpu where others use the machine"
    )
    add_json(parser)
    args = parser.parse_args()
    print_header(*PACKAGES)
    commands = {"python, nothing else": ["-c", "pass"], "musegen --help": ["-m", "musegen", "--help"]}
    for checkpoint in args.checkpoint or ["default", "lstm"]:
        commands[f"first note of {checkpoint}"] = ["-c", FIRST_NOTE, checkpoint]
    if find_spec("torch"):
        commands["import torch"] = ["-c", "import torch"]
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as bytecode:
        for turn in range(args.rounds + 1):
            for name, command in commands.items():
                found = _process(command, bytecode)
                if turn:  # the first compiles
                    taken[name].append(found)
    medians = {name: Taken(*map(statistics.median, zip(*each, strict=True))) for name, each in taken.items()}
    rows = []
    print(f"{'from process start to':<28}{'seconds':>9}{'cpu s':>8}{'MB':>6}  {'of import torch':>15}")
    for name, found in medians.items():
        peer = medians.get("import torch")
        share = getattr(found, args.clock) / getattr(peer, args.clock) if peer else 0.0
        print(
            f"{name:<28}{found.wall:>9.3f}{found.cpu:>8.3f}{found.memory:>6.0f}  {f'{share:.0%}' if peer else '':>15}"
        )
        rows.append({"until": name, **found._asdict(), "of import torch": share, "clock": args.clock})
    write_json(args.json, {"startup": rows}, PACKAGES)


def _process(arguments: list[str], bytecode: str) -> Taken:
    """What a fresh process took that keeps its bytecode in the folder `bytecode`."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": bytecode, "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} ended with status {child.returncode}")
    return Taken(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


if __name__ == "__main__":
    main()

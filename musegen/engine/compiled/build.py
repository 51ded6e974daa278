"""Compiles kernel.c beside itself, where a C compiler makes what the kernel asks for; nothing is lost where none does.

    python musegen/engine/compiled/build.py

The wheel's build (hatch_build.py) does the same. Needs GCC 12 or clang 15, and an x86-64 processor. Imports nothing of
musegen, so that a build can run it with nothing installed.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_FLAGS = {
    "avx512vnni": ["-mavx512f", "-mavx512bw", "-mavx512vnni", "-mfma"],
    "avxvnni": ["-mavx2", "-mfma", "-mavxvnni"],
}
"""What is compiled for: servers and AMD since Zen 4, and Intel's processors since Alder Lake."""


def build() -> list[Path]:
    """Compile; the libraries that were made."""
    if platform.machine().lower() not in ("x86_64", "amd64") or platform.system() == "Windows":
        return []
    return [path for name, flags in _FLAGS.items() if _compiled(path := _HERE / f"kernel-{name}.so", flags)]


def _compiled(path: Path, flags: list[str]) -> bool:
    """Whether `path` was made. One that is loaded stays as it is in memory: the new one takes its name at the end."""
    command = [*shlex.split(os.environ.get("CC", "cc")), "-O3", "-std=gnu11", "-shared", "-fPIC", *flags]
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        subprocess.run([*command, "-o", str(scratch), str(_HERE / "kernel.c"), "-lm"], check=True, capture_output=True)
        scratch.replace(path)
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        scratch.unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    print("\n".join(map(str, build())) or "There is no C compiler here that can make the kernel: onnxruntime plays.")

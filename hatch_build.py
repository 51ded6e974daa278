"""The wheel's build: compiles the kernel where a compiler can; where none can, the wheel is pure Python."""

from __future__ import annotations

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = "musegen/engine/compiled"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the kernel's libraries to the wheel, which then belongs to one kind of machine, and to any Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before files are gathered; an editable install finds the libraries where they were made."""
        made: list[Path] = runpy.run_path(str(Path(self.root, COMPILED, "build.py")))["build"]()
        if made:
            build_data["artifacts"] += [f"{COMPILED}/{path.name}" for path in made]
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

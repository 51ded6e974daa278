"""The studio's token: the secret in the address it prints, kept in the user's folder so that a bookmark lives on.

Only its owner can read the file. Knows nothing of who asks for the token.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from ..errors import FileError
from ..live.learn import default_path

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def token_path() -> Path:
    """Where the token is kept."""
    return default_path().with_name("studio-token")


def token_at(path: Path, renew: bool = False) -> str:
    """The token in the file at `path`; a new one, kept there, where there is none yet or to `renew` it.

    Raises FileError.
    """
    try:
        if not renew:
            kept = _read(path)
            if _TOKEN.fullmatch(kept):
                return kept
        token = secrets.token_urlsafe(32)
        _write(path, token)
    except OSError as error:
        raise FileError(f"{path}: the studio's token cannot be kept there ({error.strerror}).") from None
    return token


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""


def _write(path: Path, token: str) -> None:
    """All or nothing, and never for a moment readable by anybody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{token}\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

"""Checkpoints in Hugging Face repositories: the folder of one, fetched by the Hub's own client.

Only a checkpoint's own files are asked for, none of which is ever unpickled. Knows nothing of what is in them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from .errors import CheckpointError, MissingPackageError

FILES = (
    *("config.json", "metrics.json", "README.md", "player.onnx"),
    *("model.safetensors", "phrases.safetensors", "classifier.safetensors"),
)
"""What is fetched of a repository."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def is_repository(name: str) -> bool:
    """Whether `name` could be one of a repository, such as org/name."""
    return _REPOSITORY.fullmatch(name) is not None and not name.startswith(".")


@cache
def fetched(repository: str) -> Path:
    """The folder of the newest checkpoint in `repository` (org/name), which the Hub's client keeps (HF_HOME).

    Without a network it is the one fetched before. Raises MissingPackageError without the client, CheckpointError
    where nothing can be fetched.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
    except ImportError:
        raise MissingPackageError(
            "huggingface_hub", f"{repository} is no folder with a checkpoint; fetching it", "hub"
        ) from None
    try:
        folder = Path(snapshot_download(repository, allow_patterns=list(FILES)))
    except (RepositoryNotFoundError, HFValidationError):
        raise CheckpointError(
            f"The Hugging Face Hub has no repository {repository} that you may read: see the name, or log in with  "
            "hf auth login."
        ) from None
    except LocalEntryNotFoundError:
        raise CheckpointError(
            f"{repository} was never fetched from the Hugging Face Hub, which cannot be reached now: look at the "
            "network (and at HF_HUB_OFFLINE), or copy the folder here and give its path."
        ) from None
    except Exception as error:  # the client lets its network library's own errors through, and the disk's
        raise CheckpointError(
            f"{repository} cannot be fetched from the Hugging Face Hub ({str(error).splitlines()[0]})."
        ) from error
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"The repository {repository} holds no checkpoint of musegen: it has no config.json.")
    return folder

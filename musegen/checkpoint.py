"""A checkpoint: a folder with config.json, model.safetensors, README.md (the model card) and metrics.json, and for a
sequence model player.onnx, which is made from the weights and knows whose they are (`digest`).

Knows the files, not the networks: weights are a dict of numpy arrays, so that a player reads them without
torch. Nothing unpickles. Writing goes through temporary names, config.json last.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .atomic import write_atomically
from .errors import CheckpointError, FileError
from .events import attributes as at
from .events import derived
from .hub import fetched, is_repository
from .models.config import Config, GanConfig, HumaniserConfig, ModelConfig, RollConfig, config_from_dict
from .shipped import checkpoints_folder

FORMAT_VERSION = 1
PLAYER = "player.onnx"  # the network as the player runs it, where its family has one
Weights = dict[str, np.ndarray]
_Kind = TypeVar("_Kind", bound=Config)


@dataclass(frozen=True)
class Checkpoint:
    """A trained model as data. `about` says how it came to be; `metrics` holds its held-out figures."""

    config: Config
    weights: Weights
    styles: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    def shape(self, kind: type[_Kind]) -> _Kind:
        """Its config, for code that runs models of one kind. Raises CheckpointError if it is of another."""
        if not isinstance(self.config, kind):
            wanted = {
                ModelConfig: "a network that plays note by note",
                RollConfig: "a model of bars",
                GanConfig: "a gan",
                HumaniserConfig: "a humaniser",
            }.get(kind, "a baseline")
            raise CheckpointError(f"The checkpoint is of the family {self.config.family}; this needs {wanted}.")
        return self.config

    def digest(self) -> str:
        """SHA-256 of model.safetensors as it is saved: whose weights they are."""
        from safetensors.numpy import save

        return hashlib.sha256(save(self.weights)).hexdigest()

    def save(self, folder: str | os.PathLike[str], player: bytes | None = None) -> None:
        """Write the folder, making it if need be, with the contents of player.onnx where there are any.

        Raises CheckpointError if it cannot be written.
        """
        from safetensors.numpy import save

        path = Path(folder)
        config = {
            "format_version": FORMAT_VERSION,
            "vocabulary": vocabulary(),
            "model": dataclasses.asdict(self.config),
            "styles": list(self.styles),
            "about": self.about,
        }
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / PLAYER).unlink(missing_ok=True)  # first: it would be of other weights
            write_atomically(path / "model.safetensors", save(self.weights))
            if player is not None:
                write_atomically(path / PLAYER, player)
            write_atomically(path / "metrics.json", _json(self.metrics))
            write_atomically(path / "README.md", card(path.name, self).encode())
            write_atomically(path / "config.json", _json(config))
        except OSError as error:
            raise CheckpointError(f"Cannot write the checkpoint {path}: {error.strerror}.") from error
        except FileError as error:
            raise CheckpointError(str(error)) from error


def tell(folder: str | os.PathLike[str], metrics: Mapping[str, Any] | None = None, **facts: str) -> None:
    """Add to what a checkpoint says of how it came to be and of its figures, in its card too; nothing else changes.

    Raises CheckpointError.
    """
    path = Path(folder)
    found = load(path)
    about, figures = {**found.about, **facts}, {**found.metrics, **(metrics or {})}
    told = dataclasses.replace(found, about=about, metrics=figures)
    try:
        write_atomically(path / "README.md", card(path.name, told).encode())
        write_atomically(path / "metrics.json", _json(figures))
        write_atomically(path / "config.json", _json({**_settings(path), "about": about}))
    except (OSError, FileError) as error:
        raise CheckpointError(f"Cannot write the checkpoint {path}: {error}") from error


def load(folder: str | os.PathLike[str], with_weights: bool = True) -> Checkpoint:
    """Read a checkpoint folder. Raises CheckpointError with what is wrong and what to do."""
    path, config = Path(folder), _settings(Path(folder))
    weights = _weights(path / "model.safetensors") if with_weights else {}
    model = config_from_dict(config["model"])
    return Checkpoint(model, weights, tuple(config["styles"]), config["about"], _read_json(path, "metrics.json"))


def _weights(path: Path) -> Weights:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights: Weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): copy the folder again.") from error
    return weights


def digest_of(folder: str | os.PathLike[str]) -> str:
    """`Checkpoint.digest` of a folder, from its file as it is. Raises CheckpointError if it cannot be read."""
    path = Path(folder, "model.safetensors")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): copy the folder again.") from error


def config_of(folder: str | os.PathLike[str]) -> Config:
    """What a checkpoint folder's model is built from, without reading its weights. Raises CheckpointError."""
    return config_from_dict(_settings(Path(folder))["model"])


def _settings(path: Path) -> dict[str, Any]:
    """The contents of config.json, checked against what this musegen knows."""
    config = _read_json(path, "config.json")
    if config.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has checkpoint format {config.get('format_version')}, this musegen reads format "
            f"{FORMAT_VERSION}: use the version of musegen that wrote it, or train again."
        )
    known = {"format_version", "vocabulary", "model", "styles", "about"}
    if unknown := sorted(set(config) - known):
        raise CheckpointError(f"{path}/config.json has the unknown key {unknown[0]!r}; known: {', '.join(known)}.")
    if config["vocabulary"] != vocabulary():
        raise CheckpointError(f"{path} was trained with another event vocabulary than this musegen's: train it again.")
    return config


def find(name: str | os.PathLike[str]) -> Path:
    """The folder of a checkpoint: a path to one, the name of a shipped one, or a Hugging Face repository's (org/name).

    Raises CheckpointError where there is none, MissingPackageError without the client for repositories.
    """
    path = Path(name)
    if (path / "config.json").is_file():
        return path
    shipped = checkpoints_folder()
    if (shipped / path / "config.json").is_file():
        return shipped / path
    if is_repository(str(name)) and not path.parent.is_dir():
        return fetched(str(name))
    names = sorted(p.parent.name for p in shipped.glob("*/config.json"))
    known = ", ".join(names) or "none"
    raise CheckpointError(
        f"There is no checkpoint {str(name)!r}: give a folder with a config.json, one of {known}, or org/name of a "
        "Hugging Face repository."
    )


def vocabulary() -> dict[str, Any]:
    """What a checkpoint must agree on with the code that runs it."""
    return {
        "attributes": {a.name: [a.outputs, a.inputs] for a in at.ATTRIBUTES},
        "durations": at.DURATIONS.tolist(),
        "skips": at.SKIPS.tolist(),
        "meters": [f"{n}/{d}" for n, d in derived.METERS],
        "slots": derived.SLOT_COUNT,
        "lookback": derived.LOOKBACK,
        "key_rows": derived.KEY_ROWS,
        "recent": derived.RECENT_COUNT,
        "style in force": True,
    }


def card(name: str, checkpoint: Checkpoint) -> str:
    """The model card: what it is, what it learnt from, its figures."""
    about, metrics = checkpoint.about, checkpoint.metrics
    size = sum(w.size for w in checkpoint.weights.values())
    lines = [
        f"# {name}",
        "",
        f"A `{checkpoint.config.family}` of {size / 1e6:.1f} million weights, made by musegen.",
        "",
    ]
    lines += [f"- **{key.replace('_', ' ')}**: {_in_words(value)}" for key, value in about.items()]
    for split, values in metrics.items():
        if isinstance(values, dict) and "total" in values:
            each = ", ".join(f"{k} {v:.3f}" for k, v in values.items() if k not in ("total", "notes"))
            lines.append(f"- **{split}**: {values['total']:.3f} nats/note ({each})")
    return "\n".join(lines) + "\n"


def _in_words(value: Any) -> str:
    """A fact of a card; those of the checkpoint that it was fine-tuned from are facts in facts."""
    if not isinstance(value, dict):
        return str(value)
    deep = any(isinstance(v, str | dict) for v in value.values())
    return ("; " if deep else ", ").join(f"{k.replace('_', ' ')} {_in_words(v)}" for k, v in value.items())


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _read_json(path: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((path / name).read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not a checkpoint: it has no {name}.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}/{name} cannot be read ({error}): copy the folder again.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}/{name} does not hold a JSON object: copy the folder again.")
    return value

"""Finds the engine that runs a checkpoint's player file. Imports onnxruntime, and with it nothing of onnx."""

from __future__ import annotations

from pathlib import Path

from .. import checkpoint as checkpoints
from ..checkpoint import PLAYER, Checkpoint
from ..errors import CheckpointError
from ..models.config import ModelConfig
from .onnx_engine import OnnxEngine, Player, read_player
from .onnx_recurrent import RecurrentEngine, WaveNetEngine
from .onnx_transformer import TransformerEngine

_ENGINES: dict[str, type[OnnxEngine]] = {  # type: ignore[type-arg]
    "transformer": TransformerEngine,
    "wavenet": WaveNetEngine,
    **dict.fromkeys(("rnn", "gru", "lstm"), RecurrentEngine),
}


def of_folder(folder: Path) -> OnnxEngine:  # type: ignore[type-arg]
    """The engine of a checkpoint's own player, its weights left unread.

    Raises CheckpointError if the player is damaged, or was made from other weights: it would play another model.
    """
    checkpoint, path = checkpoints.load(folder, with_weights=False), folder / PLAYER
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): copy the folder again.") from error
    player = read_player(contents, path)
    if player.about.get("weights") != checkpoints.digest_of(folder):
        raise CheckpointError(
            f"{path} was made from other weights than the model.safetensors beside it: delete it, and the checkpoint "
            "plays without."
        )
    return _engine(checkpoint, player)


def engine_of(checkpoint: Checkpoint, contents: bytes) -> OnnxEngine:  # type: ignore[type-arg]
    """The engine of a checkpoint with the contents of a player.onnx. Raises CheckpointError if they are none."""
    return _engine(checkpoint, read_player(contents))


def _engine(checkpoint: Checkpoint, player: Player) -> OnnxEngine:  # type: ignore[type-arg]
    config = checkpoint.shape(ModelConfig)
    return _ENGINES[config.family](config, checkpoint.styles, player)

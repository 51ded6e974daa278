"""Tensors of which each process holds a part, as FSDP leaves them, and plain ones, under one set of verbs.

Those in parts are torch's DTensors (Zhao et al. 2023, "PyTorch FSDP", and torch.distributed.fsdp.fully_shard). Knows
nothing of networks.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def part(tensor: Tensor) -> Tensor:
    """What this process holds of `tensor`: a view, so that it can be changed in place."""
    return cast(Tensor, cast(Any, tensor).to_local()) if _in_parts(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of `tensor`, gathered where it is in parts: then every process must ask."""
    return cast(Tensor, cast(Any, tensor).full_tensor()) if _in_parts(tensor) else tensor


def as_parts(tensor: Tensor, like: Tensor) -> Tensor:
    """The whole `tensor`, which every process has, on the device of `like` and in the same parts."""
    tensor = tensor.to(like.device)
    if not _in_parts(like):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    place = cast(Any, like)
    with torch.no_grad():
        return distribute_tensor(tensor, place.device_mesh, place.placements, src_data_rank=None)


def _in_parts(tensor: Tensor) -> bool:
    return hasattr(tensor, "device_mesh")  # asked so because importing DTensor takes a second

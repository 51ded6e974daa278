"""Where training runs: the device, the precision, and the processes of a torchrun launch.

Everything that depends on the machine is here. Several processes are torch's own DistributedDataParallel or FSDP,
started by torchrun; gloo on CPUs, NCCL on GPUs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from ..errors import SettingsError
from .settings import GameSettings, TrainSettings


@dataclass(frozen=True)
class Machine:
    """One process's view: its device and precision, its rank and how many there are."""

    device: torch.device
    dtype: torch.dtype
    rank: int = 0
    world: int = 1
    sharded: bool = False  # whether each process keeps only its part of weights, gradients and what AdamW remembers

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """Mixed precision where it was chosen."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def cost(self, seconds: float) -> dict[str, object]:
        """What `seconds` of a run took, for a model card: the device, and hours of all its cores or GPUs."""
        many = "" if self.world == 1 else f"{self.world} × "
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
            return {"device": f"{many}{name}", "GPU_minutes": round(self.world * seconds / 60, 1)}
        threads = torch.get_num_threads()
        hours = round(self.world * threads * seconds / 3600, 2)
        return {"device": f"{many}{threads} thread{'s' * (threads > 1)} of a CPU", "core-hours": hours}

    def wrap(self, model: nn.Module) -> nn.Module:
        """`model` with its gradients averaged over all processes.

        Sharded, its weights become parts (DTensors, see `shards`) in place, which a step gathers for its own time.
        """
        if self.world == 1:
            return model
        if self.sharded:
            from torch.distributed.device_mesh import init_device_mesh
            from torch.distributed.fsdp import fully_shard

            mesh = init_device_mesh(self.device.type, (self.world,))
            return cast(nn.Module, fully_shard(model, mesh=mesh))
        return nn.parallel.DistributedDataParallel(model)

    def total(self, value: float) -> float:
        """The sum of `value` over all processes."""
        if self.world == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return float(tensor)


@contextlib.contextmanager
def machine(settings: TrainSettings | GameSettings) -> Iterator[Machine]:
    """The machine that `settings` ask for. Raises SettingsError if it has no such device."""
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("Training on cuda was asked for, but torch finds no CUDA device here: use --device cpu.")
    gpu = settings.device == "cuda" or (settings.device == "auto" and torch.cuda.is_available())
    # On CPUs bfloat16 was slower than float32 at this size on one of the two kinds measured, so it is asked for.
    low = settings.precision == "bfloat16" or (settings.precision == "auto" and gpu)
    dtype = torch.bfloat16 if low else torch.float32
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if gpu else torch.device("cpu")
    sharded = isinstance(settings, TrainSettings) and settings.parallel == "fsdp"
    if world == 1:
        if sharded:
            raise SettingsError("fsdp shares a model among processes: start several with  torchrun --nproc-per-node N.")
        yield Machine(device, dtype)
        return
    if gpu:
        torch.cuda.set_device(device)
    store, rank, world = next(iter(rendezvous("env://")))
    # torchrun keeps its store when it restarts processes, and those must not find each other's former addresses.
    store = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    dist.init_process_group("nccl" if gpu else "gloo", store=store, rank=rank, world_size=world)
    try:
        yield Machine(device, dtype, rank, world, sharded)
    finally:
        dist.destroy_process_group()


def use_threads(n: int) -> None:
    """Compute on `n` CPU threads. Raises SettingsError for fewer than one."""
    if n < 1:
        raise SettingsError(f"{n} threads were asked for; it takes at least 1.")
    torch.set_num_threads(n)

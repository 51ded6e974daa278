"""A real Ray cluster on this machine: a head without processors and two machines' worth of processes, one each.

`python small_cluster.py` is its keeper: it prints a line of JSON with the address and the raylets' process numbers, and
ends the cluster when its input does. Only 127.0.0.1 is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
STORE = 80 * 2**20  # bytes of shared memory each, of which a small machine has little
_MARK = "MUSEGEN_TEST_CLUSTER"
ROOT = Path(__file__).resolve().parents[1]


class SmallCluster:
    """The running cluster: its address, and its machines as raylets' process numbers."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.temporary = tempfile.mkdtemp()
        self.env = {
            **os.environ,
            _MARK: self.mark,
            "OMP_NUM_THREADS": "1",
            "TMPDIR": self.temporary,
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's way to stay on the loopback address
            "RAY_raylet_start_wait_time_s": "120",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_failure_threshold": "4",
        }
        keeper = [sys.executable, str(Path(__file__)), str(STORE)]
        self.keeper = subprocess.Popen(
            keeper, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.address, self.machines = "", list[int]()
        self.hear()

    def hear(self) -> None:
        """Take what the keeper tells."""
        assert self.keeper.stdout
        told = json.loads(next(line for line in self.keeper.stdout if line.startswith("{")))
        self.address, self.machines = told["address"], told["machines"]

    def heal(self) -> None:
        """Two machines again."""
        assert self.keeper.stdin
        self.keeper.stdin.write("heal\n")
        self.keeper.stdin.flush()
        self.hear()

    def lose(self, machine: int) -> None:
        """SIGKILL to all processes of a machine at once, as if its plug had been pulled."""
        for process in (machine, *_offspring(machine)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @staticmethod
    def works(machine: int) -> bool:
        """Whether a task runs there."""
        return any(b"ray::do_jobs" in _command(process) for process in _offspring(machine))

    def run(self, *arguments: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """A Python program in the cluster's surroundings."""
        return subprocess.run(self.command(*arguments), env=self.env, capture_output=True, text=True, timeout=timeout)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """The same, left running."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.command(*arguments), env=self.env, text=True, **pipes)

    @staticmethod
    def command(*arguments: str | Path) -> list[str]:
        """`arguments` for this Python."""
        return [sys.executable, *map(str, arguments)]

    def close(self) -> None:
        """End all, and hard what does not end."""
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            self.keeper.communicate(timeout=15)
        deadline = time.monotonic() + 10
        while left := _marked(self.mark):
            assert time.monotonic() < deadline, f"{left} live on"
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.1)
        self.keeper.wait()
        shutil.rmtree(self.temporary, ignore_errors=True)


@contextlib.contextmanager
def small_cluster() -> Iterator[SmallCluster]:
    """A cluster that leaves no process behind."""
    cluster = SmallCluster()
    try:
        yield cluster
    finally:
        cluster.close()


def _offspring(process: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return [each for child in children for each in (child, *_offspring(child))]


def _command(process: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def _marked(mark: str) -> list[int]:
    """Living processes that were started with the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return [p for p in found if p != os.getpid()]


def _keep(store: int) -> None:
    from ray.cluster_utils import Cluster

    settings = {"object_store_memory": store, "node_ip_address": LOOPBACK}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **settings})
    machines = [cluster.add_node(num_cpus=1, **settings) for _ in range(2)]

    def raylet(machine: object) -> int:
        return int(machine.all_processes["raylet"][0].process.pid)  # type: ignore[attr-defined]

    print(json.dumps({"address": cluster.address, "machines": [raylet(m) for m in machines]}), flush=True)
    for _ in sys.stdin:
        for i, machine in enumerate(machines):
            if machine.all_processes["raylet"][0].process.poll() is not None:
                machines[i] = cluster.add_node(num_cpus=1, **settings)
        print(json.dumps({"address": cluster.address, "machines": [raylet(m) for m in machines]}), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    _keep(int(sys.argv[1]))

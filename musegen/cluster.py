"""Runs a function over jobs on a Ray cluster, as `workers.run_jobs` does in processes of this machine.

Ray hands out the jobs, does them again where a machine is lost, and holds back when there are too many. On each
processor one worker process of `workers` does them, so a hostile job loses only itself here too, with the same words.
Needs no shared disk: jobs and results travel. Knows nothing of what the function does.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from . import __version__
from .errors import ClusterError, MissingPackageError, MusegenError
from .workers import MEMORY, TIMEOUT, Pool

Job = TypeVar("Job")
Result = TypeVar("Result")

TOGETHER = 8
"""Jobs of one task: few enough that little is done twice when a machine is lost, enough to outweigh Ray's own cost."""

AHEAD = 2
"""Tasks that are given out at once, for each processor: one to do and one to come."""

RETRIES = 5
"""How often Ray does a task again whose machine or process was lost."""

PATIENCE = 60.0
"""Seconds without a single processor after which a cluster is given up."""

DECIDING = ("numpy", "symusic", "music21", "onnxruntime")
"""Packages whose versions decide what comes out: they must be equal everywhere, if a machine has them."""

_ANSWERS_WITHIN = 5.0
"""Seconds that the machine at an address may take to accept a connection."""


@contextlib.contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """The Ray cluster at `address` (HOST:PORT, ray://HOST:PORT or auto), until the block ends.

    Raises MissingPackageError without ray, and ClusterError if no cluster answers there within half a minute or its
    Ray or Python are others than this machine's.
    """
    ray = _ray()
    _knock(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # noqa: BLE001 (Ray raises whatever its parts raised)
        raise ClusterError(_why_not(address, error)) from None
    try:
        yield Cluster(address)
    finally:
        ray.shutdown()


def _ray() -> Any:
    # Else Ray asks an address that is not a cluster for minutes.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
    os.environ.setdefault("RAY_py_gcs_connect_timeout_s", "5")
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingPackageError("ray", "Working on a cluster", "cluster") from None
    return ray


def _knock(address: str) -> None:
    """See that anybody answers at HOST:PORT: Ray itself would ask for long."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise ClusterError(f"{address!r} is no address of a Ray cluster: give HOST:PORT, ray://HOST:PORT or auto.")
    try:
        socket.create_connection((host, int(port)), _ANSWERS_WITHIN).close()
    except OSError as error:
        reason = error.strerror or "no answer"
        raise ClusterError(
            f"No Ray cluster answers at {address} ({reason}): start one with  ray start --head  and give its address."
        ) from None


def _why_not(address: str, error: Exception) -> str:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        return f"The Ray cluster at {address} has another Ray or Python than this machine: {text[:200]}"
    if address == "auto" and "any running Ray" in text:
        return "No Ray cluster runs on this machine: start one with  ray start --head  or give its address."
    return f"No Ray cluster answers at {address} ({type(error).__name__}: {text[:160]})."


@dataclass(frozen=True)
class Carried(os.PathLike[str]):
    """A folder that travels with the jobs: on every machine that does them, a path to its copy there."""

    name: str
    digest: str

    def __fspath__(self) -> str:
        return str(Path(tempfile.gettempdir()) / f"musegen-{_user()}" / self.digest / self.name)


@dataclass(frozen=True)
class Cluster:
    """A connected cluster."""

    address: str
    _luggage: dict[Carried, Any] = field(default_factory=dict)

    def carry(self, folder: Path, leave: Collection[str] = ()) -> Carried:
        """Let the files of `folder`, but those called as `leave` says, travel with all jobs, once to each machine."""
        import ray

        files = {
            path.name: path.read_bytes()
            for path in sorted(folder.iterdir())
            if path.is_file() and path.name not in leave
        }
        digest = hashlib.sha256(repr([(k, hashlib.sha256(v).digest()) for k, v in files.items()]).encode()).hexdigest()
        carried = Carried(folder.name, digest[:20])
        self._luggage[carried] = ray.put(files)
        return carried

    def run_jobs(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        workers: int | None = None,
        timeout: float = TIMEOUT,
        memory: int = MEMORY,
        name: Callable[[Job], str] = str,
        together: int = TOGETHER,
    ) -> Iterator[tuple[int, Result | MusegenError]]:
        """(number, result or error) for every job, as they finish; see `workers.run_jobs`.

        `workers` is how many processors to use at most (None: all of the cluster), `together` how many jobs make one
        task. Raises ClusterError when the cluster is lost, or when a machine of it has other software than this one.
        """
        import ray

        task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(do_jobs)
        shared = ray.put((function, timeout, memory, name, self._luggage, software()))
        source, given = enumerate(jobs), dict[Any, list[int]]()
        try:
            while True:
                at_once = AHEAD * max(1, min(workers or _processors(), _processors()))
                while len(given) < at_once and (chunk := list(islice(source, together))):
                    given[task.remote(shared, [job for _, job in chunk])] = [number for number, _ in chunk]
                if not given:
                    return
                done = self._first(list(given))
                yield from zip(given.pop(done), self._answers(done), strict=True)
        finally:
            for left in given:
                ray.cancel(left, force=True)

    def _first(self, given: list[Any]) -> Any:
        """One of `given` that is done."""
        import ray

        seen = time.monotonic()
        while True:
            done, _ = ray.wait(given, timeout=1.0)
            if done:
                return done[0]
            if _processors():
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE:
                raise ClusterError(
                    f"The Ray cluster at {self.address} has had no processor for {PATIENCE:g} s: start machines with  "
                    f"ray start --address={self.address}  and do the same again; what is done is kept."
                )

    def _answers(self, done: Any) -> list[Any]:
        import ray

        try:
            return list(ray.get(done))
        except ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, MusegenError):
                raise cause from None
            raise ClusterError(f"The Ray cluster at {self.address} cannot do this: {_last_line(error)}") from None
        except ray.exceptions.RayError as error:
            raise ClusterError(
                f"The Ray cluster at {self.address} has lost the same work {RETRIES + 1} times "
                f"({type(error).__name__}): do the same again; what is done is kept."
            ) from None


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def _processors() -> int:
    """How many processors the cluster has at the moment."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


# What follows runs on the machines of the cluster.


def do_jobs(shared: tuple[Any, ...], jobs: list[Any]) -> list[Any]:
    """The results or errors of `jobs`: a Ray task."""
    function, timeout, memory, name, luggage, wanted = shared
    _check(wanted)
    for carried, files in luggage.items():
        _unpack(carried, files)
    pool = _pool(function, timeout, memory)
    pool.name = name
    answers = dict(pool.run(jobs))
    return [answers[i] for i in range(len(jobs))]


_open: dict[bytes, Pool[Any, Any]] = {}
"""The pool that this process of Ray keeps from task to task, by what it was made for."""


def _pool(function: Callable[[Any], Any], timeout: float, memory: int) -> Pool[Any, Any]:
    key = pickle.dumps((function, timeout, memory))
    if key not in _open:
        for pool in _open.values():
            pool.close()
        _open.clear()
        _open[key] = Pool(function, 1, timeout, memory, str)
    return _open[key]


def _unpack(carried: Carried, files: Any) -> None:
    """See that a carried folder is on this machine, whole, and ours."""
    import ray

    place = Path(carried)
    if not place.parent.exists():
        home = place.parent.parent
        home.mkdir(mode=0o700, exist_ok=True)
        if os.name == "posix" and home.stat().st_uid != _user():
            raise ClusterError(f"{home} on {socket.gethostname()} belongs to another user: remove it there.")
        fresh = Path(tempfile.mkdtemp(dir=home))
        (fresh / carried.name).mkdir()
        for name, data in ray.get(files).items():
            (fresh / carried.name / name).write_bytes(data)
        try:
            fresh.rename(place.parent)
        except OSError:
            shutil.rmtree(fresh)
            if not place.parent.exists():  # else another process of this machine was faster
                raise


def _user() -> int:
    return os.getuid() if os.name == "posix" else 0


def _check(wanted: dict[str, str]) -> None:
    """Raises ClusterError if the software here is not `wanted`, for the results would not be those of one machine."""
    for package, here in software().items():
        if here != (there := wanted.get(package, "")):
            raise ClusterError(
                f"{package} is {here or 'absent'} on {socket.gethostname()} and {there or 'absent'} where the jobs "
                "come from: install the same everywhere, or the results would differ."
            )


@functools.cache
def software() -> dict[str, str]:
    """What decides the results on this machine: versions of packages, and a digest of musegen's own files."""
    found = dict.fromkeys(DECIDING, "")
    for package in DECIDING:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return {"musegen": f"{__version__} ({digest.hexdigest()[:12]})", **found}

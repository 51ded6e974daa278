"""What a unit of work costs beyond one machine: reading a file, keeping it, sending it, and Ray beside the local pool.

    python -m benchmarks.scale_cost                       a Ray cluster of two processors is started on 127.0.0.1
    python -m benchmarks.scale_cost --files ~/midi --cluster 10.0.0.5:6379

docs/scale.md reckons with these figures. Times are processor seconds of one core where that is what is asked, and
medians of interleaved rounds where two contenders are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from musegen.cluster import TOGETHER, Cluster, connect
from musegen.corpus.augment import Augmentation
from musegen.corpus.build import build, read_file
from musegen.corpus.journal import ReadFile
from musegen.corpus.sources import Item, carried, list_items
from musegen.corpus.store import Corpus
from musegen.corpus.windows import Windows
from musegen.errors import MusegenError
from musegen.workers import MEMORY, TIMEOUT, Pool

from .machine import DEFAULT_ROUNDS, add_json, print_header, write_json

PACKAGES = ("ray", "numpy", "symusic")
SAMPLES = Path(__file__).resolve().parents[1] / "midi_samples"
PARAMETERS = 100_000_000
PEAK, SHARE = 989e12, 0.35  # of an H100's dense bf16, by its data sheet, and the share that training is taken to reach

Row = dict[str, object]
Run = Callable[[list[Any]], Iterator[tuple[int, Any]]]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--files", default=str(SAMPLES), help="a source of music such as the corpus would be of, e.g. freedoom"
    )
    parser.add_argument("--cluster", metavar="ADDRESS", help="a running Ray cluster (default: one is started here)")
    parser.add_argument("--jobs", type=int, default=800, help="empty jobs a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    add_json(parser)
    args = parser.parse_args()
    print_header(*PACKAGES)
    rows = [*reading(args.files), *keeping(args.files)]
    with _cluster(args.cluster) as cluster:
        rows += handling(cluster, args.jobs, args.rounds)
        rows += same_work(cluster, args.files, args.rounds)
    rows += training(rows)
    print("| what | value | unit | per |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['what']} | {row['value']:.4g} | {row['unit']} | {row['per']} |")
    write_json(args.json, {"scale": rows}, PACKAGES)


def figure(what: str, value: float, unit: str, per: str) -> Row:
    """One row of the table."""
    return {"what": what, "value": value, "unit": unit, "per": per}


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[Cluster]:
    if address:
        with connect(address) as found:
            yield found
        return
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # stay on the loopback address
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112 (Ray's own spelling)
    from ray.cluster_utils import Cluster as Local

    node = {"object_store_memory": 100 * 2**20, "node_ip_address": "127.0.0.1"}
    local = Local(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **node})
    try:
        for _ in range(2):
            local.add_node(num_cpus=1, **node)
        with connect(local.address) as found:
            yield found
    finally:
        local.shutdown()


def reading(folder: str) -> list[Row]:
    """Processor seconds, and what travels."""
    items = [carried(item) for item in list_items([folder])]
    read_file(items[0])  # imports
    began = time.process_time()
    found = [read_file(item) for item in items]
    spent = time.process_time() - began
    notes = sum(piece.facts["notes"] for each in found for piece in each.pieces)
    there = statistics.fmean(len(pickle.dumps(item)) for item in items)
    back = statistics.fmean(len(pickle.dumps(each)) for each in found)
    return [
        figure("reading", 1e3 * spent / len(items), "core-ms", "file"),
        figure("reading", 1e6 * spent / notes, "core-s", "million notes"),
        figure("notes", notes / len(items), "notes", "file"),
        figure("travels to a machine", there, "bytes", "file"),
        figure("travels back", back, "bytes", "file"),
    ]


def keeping(folder: str) -> list[Row]:
    """Bytes on disk, in memory, and what the driver does alone."""
    with TemporaryDirectory() as place:
        corpus = build(Path(place) / "corpus", [folder])
        build_folder = corpus.path / ".build"
        rows = sum(e.length for e in corpus.entries)
        shards = sum(p.stat().st_size for p in corpus.path.glob("shard-*.npy"))
        began = time.process_time()
        build(corpus.path, [folder])  # digests, the journal and what is built, read again; nothing to do
        alone = time.process_time() - began
        files = len(list_items([folder]))
        journal = (build_folder / "journal.jsonl").stat().st_size
        found = Windows(Corpus.open(corpus.path), hold=0.3, augmentation=Augmentation(6, 0.1, 6, rename=0.1))
        began = time.process_time()
        chosen = [window for batch in found.epoch(0) for window in batch]
        index = time.process_time() - began
        began = time.process_time()
        learnt = sum(len(found.lesson(window, 0).rows) for window in chosen)
        lessons = time.process_time() - began
        return [
            figure("shards", shards / rows, "bytes", "row (a note, mostly)"),
            figure("manifest", (corpus.path / "manifest.jsonl").stat().st_size / len(corpus), "bytes", "piece"),
            figure("journal without rows", journal / files, "bytes", "file"),
            figure("the driver alone, nothing new", 1e3 * alone / files, "core-ms", "file"),
            figure("an epoch's windows", 1e6 * index / len(chosen), "core-µs", "window"),
            figure("windows made ready to learn from", learnt / lessons, "rows/s", "core"),
        ]


@contextlib.contextmanager
def local(function: Callable[[Any], Any]) -> Iterator[Run]:
    """Two processes of this machine that stay, as those of a cluster do."""
    pool: Pool[Any, Any] = Pool(function, 2, TIMEOUT, MEMORY, str)
    try:
        yield pool.run
    finally:
        pool.close()


def seconds(answers: Iterator[tuple[int, Any]]) -> float:
    """Of one go; whatever is done must have been done well."""
    began = time.perf_counter()
    for _, answer in answers:
        if isinstance(answer, MusegenError) or (isinstance(answer, ReadFile) and not answer.pieces):
            raise SystemExit(f"A job failed: {answer}")
    return time.perf_counter() - began


def compared(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each contender's seconds, taken in turn after one go of each that starts processes."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, call in contenders.items():
            seconds = call()
            if turn:
                taken[name].append(seconds)
    return {name: statistics.median(each) for name, each in taken.items()}


def handling(cluster: Cluster, jobs: int, rounds: int) -> list[Row]:
    """What handing a job out costs, where the processes run already: abs is nearly nothing."""
    numbers = list(range(jobs))
    with local(abs) as run:
        contenders = {
            "local": lambda: seconds(run(numbers)),
            "1": lambda: seconds(cluster.run_jobs(abs, numbers, together=1)),
            "together": lambda: seconds(cluster.run_jobs(abs, numbers, together=TOGETHER)),
        }
        found = {name: taken / jobs for name, taken in compared(contenders, rounds).items()}
    return [
        figure("handling, two local processes", 1e6 * found["local"], "µs", "job"),
        figure("handling, Ray, a job a task", 1e6 * found["1"], "µs", "job"),
        figure(f"handling, Ray, {TOGETHER} jobs a task", 1e6 * found["together"], "µs", "job"),
        figure("Ray ÷ local, a job a task", found["1"] / found["local"], "ratio", "job"),
        figure(f"Ray ÷ local, {TOGETHER} jobs a task", found["together"] / found["local"], "ratio", "job"),
    ]


def same_work(cluster: Cluster, folder: str, rounds: int) -> list[Row]:
    """Real files, read by two processes here and two of the cluster, all running already."""
    readable = [item for item in map(carried, list_items([folder])) if read_file(item).pieces]
    jobs: list[Item] = list(islice(cycle(readable), max(400, len(readable))))
    with local(read_file) as run:
        contenders = {
            "local": lambda: seconds(run(jobs)),
            "ray": lambda: seconds(cluster.run_jobs(read_file, jobs)),
        }
        found = compared(contenders, rounds)
    return [
        figure("reading files, two local processes", len(jobs) / found["local"], "files/s", "run"),
        figure("reading files, Ray, two processors", len(jobs) / found["ray"], "files/s", "run"),
        figure("Ray ÷ local, reading files", found["ray"] / found["local"], "ratio", "seconds"),
    ]


def training(rows: list[Row]) -> list[Row]:
    """Derived, not measured: 6 N operations a row (Kaplan et al. 2020), and attention over 512 rows."""
    notes = next(float(np.float64(r["value"])) for r in rows if r["what"] == "notes")
    width, layers, context = 768, 14, 512  # 12 · layers · width² = 99 million
    each = 6 * PARAMETERS + 6 * layers * width * context  # half the square is masked
    hours = 1e6 * notes * each / (PEAK * SHARE) / 3600
    return [
        figure("100M parameters, one pass", each, "operations", "row"),
        figure(
            f"100M parameters, one pass at {SHARE:.0%} of an H100", hours, "GPU-hours (derived)", "million such files"
        ),
    ]


if __name__ == "__main__":
    main()

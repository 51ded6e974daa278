"""Training on a corpus that the memory does not hold: its rows stay on disk until a window needs them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from musegen.corpus.store import Corpus, shard_name
from musegen.training.loop import LOOK_ROWS, looked_at
from musegen.training.progress import read_log

SHARDS, SHARD_ROWS, PIECE_ROWS = 20, 4_000_000, 40_000  # 800 MB of rows, as a build cuts them
ROOM = 256 * 2**20  # bytes that training may take beyond what the imports took

# Bounds what is allocated (RLIMIT_DATA); pages of a mapped file are the system's, which drops them when it likes.
TRAIN = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from musegen.corpus import store
from musegen.models.config import ModelConfig
from musegen.training import loop
from musegen.training.settings import TrainSettings
from musegen.workers import _limit_memory

corpus, out, broken = sys.argv[1:]
if broken == "rows":
    store.np.load = lambda path, **how: np.fromfile(path, np.int16, offset=128).reshape(-1, 5)
if broken == "looks":
    loop.LOOK_ROWS = 1 << 60
torch.set_num_threads(1)
_limit_memory(ROOM)
config = ModelConfig(family="lstm", width=24, layers=1, head_width=24, slot_width=8, context=64)
settings = TrainSettings(epochs=2e-5, batch_rows=512, warm_up=2, evaluate_every=1000)
loop.train(store.Corpus.open(corpus), config, settings, Path(out))
"""


@pytest.fixture(scope="module")
def large(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 800 MB made of one shard under many names: 40 MB on disk, but not in who loads it."""
    folder = tmp_path_factory.mktemp("large")
    start, end = corpus.rows(0)[:1], corpus.rows(0)[-1:]
    body = np.concatenate([corpus.rows(i)[1:-1] for i in range(len(corpus))])
    piece = np.concatenate([start, np.resize(body, (PIECE_ROWS - 2, 5)), end])
    shard = np.lib.format.open_memmap(folder / shard_name(0), "w+", np.int16, (SHARD_ROWS, 5))
    shard.reshape(-1, PIECE_ROWS, 5)[:] = piece
    shard.flush()
    entries = []
    for number in range(SHARDS):
        if number:
            os.link(folder / shard_name(0), folder / shard_name(number))
        for place in range(SHARD_ROWS // PIECE_ROWS):
            split = "valid" if place % 20 == 0 else "train"
            where = {"shard": number, "offset": place * PIECE_ROWS, "length": PIECE_ROWS, "split": split}
            entries.append(dataclasses.replace(corpus.entries[0], notes=PIECE_ROWS - 2, **where))
    (folder / "manifest.jsonl").write_text("".join(e.to_json() + "\n" for e in entries))
    (folder / "corpus.json").write_text(json.dumps(corpus.settings))
    return folder


def trained_on(corpus: Path, out: Path, broken: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", TRAIN.replace("ROOM", str(ROOM)), str(corpus), str(out), broken]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=240)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="bounds memory with Linux's RLIMIT_DATA")
def test_training_needs_a_fraction_of_the_corpus(large: Path, tmp_path: Path) -> None:
    size = sum(p.stat().st_size for p in large.glob("shard-*.npy"))
    assert size > 2.5 * ROOM
    done = trained_on(large, tmp_path / "run")
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(read_log(tmp_path / "run")) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["rows", "looks"])
@pytest.mark.skipif(sys.platform != "linux", reason="bounds memory with Linux's RLIMIT_DATA")
def test_the_bound_bounds(large: Path, tmp_path: Path, broken: str) -> None:
    """Rows read at once, or all held-out pieces made ready, do not fit: else the test above would prove nothing."""
    done = trained_on(large, tmp_path / "run", broken)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr or "allocate" in done.stderr


def test_a_large_corpus_is_judged_by_some_of_its_held_out_pieces(corpus: Corpus, large: Path) -> None:
    assert looked_at(corpus) == corpus.pieces("valid")
    found, all_of_them = looked_at(Corpus.open(large)), Corpus.open(large).pieces("valid")
    assert len(all_of_them) * PIECE_ROWS > 10 * LOOK_ROWS
    assert LOOK_ROWS // 2 <= len(found) * PIECE_ROWS <= LOOK_ROWS + PIECE_ROWS
    assert set(found) < set(all_of_them)

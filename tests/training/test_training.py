"""Training learns, repeats itself, and goes on exactly where kill -9 left it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from musegen.checkpoint import load
from musegen.corpus.store import Corpus
from musegen.corpus.windows import Windows, held_notes
from musegen.errors import CheckpointError, SettingsError
from musegen.evaluation.likelihood import held_out
from musegen.events import attributes as at
from musegen.events import derived
from musegen.models.config import ModelConfig
from musegen.training.loop import train
from musegen.training.progress import LOG, read_log
from musegen.training.settings import TrainSettings

TINY = ModelConfig(family="lstm", width=24, layers=1, head_width=24, slot_width=8, context=64)
SETTINGS = TrainSettings(epochs=4, batch_rows=512, rate=3e-3, warm_up=5, evaluate_every=6, patience=50)
COMMAND = [
    *("--model", "lstm", "--width", "24", "--layers", "1", "--context", "64", "--epochs", "4", "--warm-up", "5"),
    *("--batch-rows", "512", "--rate", "3e-3", "--evaluate-every", "6", "--patience", "50", "--threads", "1"),
]
PROCESSES_COMMAND = [*COMMAND, "--transpose", "0", "--dropout", "0", "--epochs", "2"]


# A reducer that outlives its process group hangs or aborts the process, but seldom: count them.
TRAIN_AND_SEE_THE_END = """
import gc, sys
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from musegen.cli.main import main

def end(destroy=dist.destroy_process_group):
    left = sum(isinstance(thing, DistributedDataParallel) for thing in gc.get_objects())
    print(f"reducers at the end: {left}", flush=True)
    destroy()

dist.destroy_process_group = end
sys.exit(main())
"""


def musegen(*args: str | Path) -> list[str]:
    return [sys.executable, "-m", "musegen", *map(str, args)]


def test_it_learns_what_the_tunes_have_in_common(trained: Path) -> None:
    records = read_log(trained)
    figures = load(trained).metrics["valid"]
    assert records[0]["train"] > 15, "about 20 nats a row from fresh weights"
    # A tune here is a walk of five near-equal steps over a few bass notes: at most ~3.5 nats a note.
    assert figures["total"] < 6
    assert figures["velocity"] < 0.3, "a tune's velocity is always 82, the bass's 70"
    assert figures["total"] == pytest.approx(sum(figures[a.name] for a in at.ATTRIBUTES))
    assert "nats/note" in (trained / "README.md").read_text()


def test_same_seed_same_curve_and_another_seed_another(corpus: Corpus, tmp_path: Path) -> None:
    short = dataclasses.replace(SETTINGS, epochs=1)
    for name, settings in (("a", short), ("b", short), ("c", dataclasses.replace(short, seed=1))):
        train(corpus, TINY, settings, tmp_path / name)
    a, b, c = ([r["train"] for r in read_log(tmp_path / n)] for n in "abc")
    assert a == b and a != c


def test_going_on_after_kill_9_gives_the_same_curve_and_weights(corpus: Corpus, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(musegen("train", corpus.path, "--out", whole, *COMMAND), check=True, capture_output=True)
    process = subprocess.Popen(musegen("train", corpus.path, "--out", killed, *COMMAND), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(read_log(killed)) < 9 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    stopped_at = len(read_log(killed))
    assert 9 <= stopped_at < len(read_log(whole)), "killed too late to prove anything"
    subprocess.run(musegen("train", corpus.path, "--out", killed, *COMMAND), check=True, capture_output=True)
    curves = [[(r["step"], r["train"], r.get("valid")) for r in read_log(f)] for f in (whole, killed)]
    assert curves[0] == curves[1]
    one, two = load(whole).weights, load(killed).weights
    assert all(np.array_equal(one[k], two[k]) for k in one)


@pytest.fixture(scope="module")
def alone(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process, to be compared with those of two."""
    out = tmp_path_factory.mktemp("alone") / "run"
    subprocess.run(musegen("train", corpus.path, "--out", out, *PROCESSES_COMMAND), check=True, capture_output=True)
    return out


@pytest.mark.slow
@pytest.mark.timeout(900)  # three launches of two processes that import torch
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks for processes in /proc")
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_gloo_processes_learn_the_same_as_one_and_as_two_of_which_one_was_killed(
    corpus: Corpus, alone: Path, tmp_path: Path, parallel: str
) -> None:
    (tmp_path / "train.py").write_text(TRAIN_AND_SEE_THE_END)

    def start(out: Path, *how: str) -> subprocess.Popen[str]:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *how]
        torchrun += [str(tmp_path / "train.py"), "train", str(corpus.path), "--out", str(out), "--parallel", parallel]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        with (tmp_path / f"{out.name}.txt").open("w") as said:
            return subprocess.Popen([*torchrun, *PROCESSES_COMMAND], stdout=said, stderr=said, env=env, text=True)

    def end(process: subprocess.Popen[str], out: Path) -> str:
        process.wait(timeout=240)
        said = (tmp_path / f"{out.name}.txt").read_text()
        assert process.returncode == 0, said[-2000:]
        return said

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    said = end(start(whole), whole)
    assert said.count("reducers at the end: 0") == 2, said[-2000:]
    process = start(killed, "--max-restarts", "1")
    deadline = time.monotonic() + 120
    while len(read_log(killed)) < 9 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(rank(process.pid, 1), signal.SIGKILL)
    stopped_at = len(read_log(killed))
    end(process, killed)
    assert 9 <= stopped_at < len(read_log(whole)), "killed too late to prove anything"
    curves = [[(r["step"], r["train"], r.get("valid")) for r in read_log(f)] for f in (whole, killed)]
    assert curves[0] == curves[1]
    one, two = load(whole).weights, load(killed).weights
    assert all(np.array_equal(one[k], two[k]) for k in one)
    np.testing.assert_allclose([r["train"] for r in read_log(alone)], [c[1] for c in curves[0]], rtol=2e-3)
    kept = [(f / "training.safetensors").stat().st_size for f in (alone, whole)]
    assert abs(kept[0] - kept[1]) < 1000, "all weights are kept, not those of one process"


def rank(torchrun: int, number: int) -> int:
    """The process of that rank under torchrun."""
    children = [int(c) for t in Path(f"/proc/{torchrun}/task").iterdir() for c in (t / "children").read_text().split()]
    return next(c for c in children if f"\0RANK={number}\0".encode() in Path(f"/proc/{c}/environ").read_bytes())


def test_fsdp_without_torchrun_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="torchrun --nproc-per-node N"):
        train(corpus, TINY, dataclasses.replace(SETTINGS, parallel="fsdp"), tmp_path)


def test_another_run_in_the_same_folder_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    train(corpus, TINY, dataclasses.replace(SETTINGS, epochs=1), tmp_path)
    with pytest.raises(CheckpointError, match=r"another settings.*--restart"):
        train(corpus, TINY, dataclasses.replace(SETTINGS, epochs=2), tmp_path)


def test_fine_tuning_starts_from_the_checkpoint(corpus: Corpus, trained: Path, tmp_path: Path) -> None:
    settings = TrainSettings(epochs=1, batch_rows=1024, rate=1e-4, warm_up=1, evaluate_every=1, average=0.0)
    base = load(trained)
    train(corpus, base.config, settings, tmp_path, start_from=base)
    assert read_log(tmp_path)[0]["valid"] < base.metrics["valid"]["total"] + 0.5


def test_held_notes_are_for_training_only(corpus: Corpus, tmp_path: Path) -> None:
    short = dataclasses.replace(SETTINGS, epochs=1)
    for hold in (0.0, 1.0):
        best = train(corpus, TINY, dataclasses.replace(short, hold=hold), tmp_path / str(hold))
        figures = held_out(best, corpus, "valid")
        assert figures["total"] == pytest.approx(best.metrics["valid"]["total"]), "held out, all is known"
    known, held = (read_log(tmp_path / n) for n in ("0.0", "1.0"))
    assert known[0]["train"] != held[0]["train"], "the same windows, less of them heard"
    assert [r["rows"] for r in known] == [r["rows"] for r in held], "as many rows to predict"


def test_a_log_line_cut_by_a_kill_is_dropped(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text(json.dumps({"step": 1}) + "\n" + '{"step": 2, "tr')
    assert read_log(tmp_path) == [{"step": 1}]


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"average": 1.0}, {"precision": "half"}, {"device": "tpu"}, {"hold": 1.5}]
)
def test_settings_that_make_no_sense_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        TrainSettings(**wrong)  # type: ignore[arg-type]


class TestWindows:
    def test_every_row_is_a_target_once_an_epoch(self, corpus: Corpus) -> None:
        windows = Windows(corpus, length=20, batch_rows=256)
        for epoch in (0, 1):
            seen: dict[int, list[int]] = {}
            for w in (w for batch in windows.epoch(epoch) for w in batch):
                seen.setdefault(w.piece, []).extend(range(w.start + 1, w.end))
            assert sorted(seen) == corpus.pieces("train")
            for piece, rows in seen.items():
                assert sorted(rows) == list(range(1, corpus.entries[piece].length))

    def test_an_epoch_is_a_function_of_its_number(self, corpus: Corpus) -> None:
        a, b = Windows(corpus, length=20), Windows(corpus, length=20)
        assert list(a.epoch(3)) == list(b.epoch(3)) != list(a.epoch(4))
        window = a.epoch(3)[0][0]
        np.testing.assert_array_equal(a.lesson(window, 3).rows, b.lesson(window, 3).rows)

    def test_held_notes_change_what_is_heard_and_not_what_is_to_be_predicted(self, corpus: Corpus) -> None:
        known, held = Windows(corpus, length=20), Windows(corpus, length=20, hold=1.0)
        none, changed = at.ATTRIBUTES[at.DURATION].none, 0
        for window in (w for batch in known.epoch(0) for w in batch):
            true, heard = known.lesson(window, 0)[:2]
            np.testing.assert_array_equal(true, heard)
            again, heard = held.lesson(window, 0)[:2]
            np.testing.assert_array_equal(true, again)
            np.testing.assert_array_equal(heard, held.lesson(window, 0).heard)
            same = heard[:, : at.DURATION] == true[:, : at.DURATION]
            assert same.all(), "only durations are ever unknown"
            hidden = heard[:, at.DURATION] != true[:, at.DURATION]
            assert at.is_note(true)[hidden].all() and (heard[hidden, at.DURATION] == none).all()
            changed += int(hidden.sum())
        assert changed > 100

    def test_a_tagged_piece_has_its_style_in_all_its_windows(self, corpus: Corpus) -> None:
        always = Windows(corpus, length=16, batch_rows=256, tag_rate=1.0)
        for window in (w for batch in always.epoch(0) for w in batch):
            rows, heard, _ = always.lesson(window, 0)
            first = 2 if window.start == 0 else 0  # START and the tag
            for side in (rows, heard):
                assert set(side[first:, derived.STYLE]) == {corpus.style(window.piece)}
        never = Windows(corpus, length=16, batch_rows=256, tag_rate=0.0)
        window = always.epoch(0)[0][0]
        assert set(never.lesson(window, 0).rows[:, derived.STYLE]) == {at.STYLE_TAGS}

    def test_a_long_note_is_held_oftener_than_a_short_one(self) -> None:
        long, short = 95, 5  # bins of 96 and 6 ticks, where a note begins every 12
        row = [[12, 0, 60, 20, long], [12, 0, 64, 20, short]]
        rows = np.array([at.special_row(at.START).tolist(), *row * 50], np.int16)
        held = np.mean([held_notes(rows, np.random.default_rng(seed)) for seed in range(300)], axis=0)
        assert held[0] == 0, "START is no note"
        assert held[1::2].mean() > held[2::2].mean() + 0.1 > 0.2, "eight onsets at which it may be seen to sound"

    def test_batches_keep_to_their_size(self, corpus: Corpus) -> None:
        for batch in Windows(corpus, length=20, batch_rows=256).epoch(0):
            assert len(batch) * max(w.end - w.start for w in batch) <= 256 or len(batch) == 1

"""Building corpora from small folders of real MIDI and ABC files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from musegen.corpus import build as building
from musegen.corpus.build import build
from musegen.corpus.store import Corpus
from musegen.errors import CorpusError
from musegen.events.codec import EventCodec
from musegen.midi.files import read_midi
from musegen.midi.write import write_midi
from musegen.piece import Metadata, Meter, Note, Piece, Tempo


def melody(seed: int, notes: int = 40) -> Piece:
    rng = np.random.default_rng(seed)
    pitches = 60 + np.cumsum(rng.integers(-4, 5, notes)) % 24
    rows = [Note(24 * i, 24, int(p), 64 + 4 * (i % 8), 0, 0) for i, p in enumerate(pitches)]
    maps = {"tempos": (Tempo(0, 600_000),), "meters": (Meter(0, 3, 4),), "metadata": Metadata(f"Tune {seed}")}
    return Piece.from_notes(rows, part_names=("tune",), **maps)


def moved(piece: Piece, semitones: int) -> Piece:
    notes = [n._replace(pitch=n.pitch + semitones) for n in piece]
    return Piece.from_notes(notes, tempos=piece.tempos, meters=piece.meters, part_names=("tune",))


def write_tunes(music: Path) -> Path:
    (music / "deep" / "er").mkdir(parents=True)
    for seed in range(24):
        write_midi(melody(seed), music / ("deep/er" if seed % 3 else ".") / f"{seed:02d}.mid")
    return music


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tunes(tmp_path / "music")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of `folder`'s files, not to be written into."""
    place = tmp_path_factory.mktemp("built")
    build(place / "corpus", [str(write_tunes(place / "music"))])
    return place / "corpus"


def contents(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.iterdir()) if p.is_file()}


def test_every_file_comes_back_as_the_codec_has_it(folder: Path, tmp_path: Path) -> None:
    corpus = build(tmp_path / "out", [str(folder)], workers=2)
    assert len(corpus) == 24
    for i, entry in enumerate(corpus.entries):
        piece = read_midi(folder / entry.file.removeprefix("music/"))
        events = EventCodec().encode(piece)
        assert np.array_equal(corpus.rows(i), events.rows)
        assert corpus.meters(i) == events.meters == (Meter(0, 3, 4),)
        assert entry.tempos == events.tempos
        assert entry.notes == 40
        assert entry.style == "music"
    assert corpus.styles == ("music",)


def test_rows_are_views_of_the_file_and_cannot_be_written(built: Path) -> None:
    corpus = Corpus.open(built)
    rows = corpus.rows(3)
    assert np.shares_memory(rows, corpus.shards[0])
    assert rows.dtype == np.int16
    with pytest.raises(ValueError, match="read-only"):
        rows[0, 0] = 1


def test_splits_partition_the_pieces_and_follow_the_tune(folder: Path, tmp_path: Path) -> None:
    for seed in range(24):
        write_midi(moved(melody(seed), 5), folder / f"up-{seed}.mid")
    corpus = build(tmp_path / "out", [str(folder)])
    assert len(corpus) == 48
    numbers = [n for split in ("train", "valid", "test") for n in corpus.pieces(split)]
    assert sorted(numbers) == list(range(48))
    by_name = {Path(e.file).stem: e for e in corpus.entries}
    for seed in range(24):
        one, other = by_name[f"{seed:02d}"], by_name[f"up-{seed}"]
        assert (one.split, one.tune) == (other.split, other.tune)
    assert len({e.split for e in corpus.entries}) > 1


def test_duplicates_bad_files_and_tiny_files_are_listed(folder: Path, tmp_path: Path) -> None:
    (folder / "zz-copy.mid").write_bytes((folder / "00.mid").read_bytes())
    (folder / "broken.mid").write_bytes(b"not a MIDI file")
    write_midi(melody(99, notes=3), folder / "tiny.mid")
    out = tmp_path / "out"
    assert len(build(out, [str(folder)])) == 24
    reasons = {r["file"]: r["reason"] for r in map(json.loads, (out / "rejected.jsonl").read_text().splitlines())}
    assert set(reasons) == {"music/zz-copy.mid", "music/broken.mid", "music/tiny.mid"}
    assert "the same notes as music/00.mid" in reasons["music/zz-copy.mid"]
    assert "only 3 notes" in reasons["music/tiny.mid"]
    assert reasons["music/broken.mid"]


def test_a_second_build_writes_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, [str(folder)])
    before, times = contents(out), {p.name: p.stat().st_mtime_ns for p in out.iterdir() if p.is_file()}
    seen: list[tuple[int, int]] = []
    build(out, [str(folder)], report=lambda done, total: seen.append((done, total)))
    assert contents(out) == before
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir() if p.is_file()} == times
    assert seen == [(24, 24)]


def test_new_files_are_added_and_changed_files_read_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, [str(folder)])
    write_midi(melody(50), folder / "new.mid")
    write_midi(melody(51), folder / "00.mid")
    seen: list[tuple[int, int]] = []
    corpus = build(out, [str(folder)], report=lambda done, total: seen.append((done, total)))
    assert seen == [(23, 25), (24, 25), (25, 25)]
    fresh = build(tmp_path / "fresh", [str(folder)])
    assert len(corpus) == len(fresh) == 25
    assert contents(out) == contents(tmp_path / "fresh")


def test_the_result_does_not_depend_on_the_number_of_workers(folder: Path, tmp_path: Path) -> None:
    build(tmp_path / "one", [str(folder)], workers=1)
    build(tmp_path / "three", [str(folder)], workers=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")


def test_shards_split_between_pieces(
    folder: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Corpus.open(built)
    monkeypatch.setattr(building, "SHARD_ROWS", 100)
    small = build(tmp_path / "small", [str(folder)])
    assert len(small.shards) == 12
    for i in range(len(whole)):
        assert np.array_equal(whole.rows(i), small.rows(i))


def test_kill_9_in_the_middle_and_again_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for seed in range(100, 260):
        write_midi(melody(seed), folder / f"{seed}.mid")
    build(tmp_path / "whole", [str(folder)])
    out = tmp_path / "killed"
    program = (
        "import sys\nfrom musegen.corpus.build import build\n"
        "if __name__ == '__main__':\n    build(sys.argv[1], [sys.argv[2]], workers=1)\n"
    )
    script = tmp_path / "run.py"
    script.write_text(program)
    log = out / ".build" / "journal.jsonl"
    process = subprocess.Popen([sys.executable, str(script), str(out), str(folder)], start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") > 20):
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    read = log.read_bytes().count(b"\n") - 1
    assert 20 <= read < 184, "the build was to be killed half way"
    assert not (out / "corpus.json").exists()
    with pytest.raises(CorpusError, match="not finished"):
        Corpus.open(out)
    with open(log, "ab") as file:
        file.write(b'{"key": "half a li')  # what a kill in the middle of a write leaves
    with open(out / ".build" / "rows.bin", "ab") as file:
        file.write(b"\1\2\3")
    seen: list[tuple[int, int]] = []
    build(out, [str(folder)], report=lambda done, total: seen.append((done, total)))
    assert seen[0] == (read, 184)
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda p: (p / "corpus.json").unlink(), "not finished"),
        (lambda p: (p / "corpus.json").write_text("{"), "damaged"),
        (lambda p: (p / "manifest.jsonl").write_text("[]\n"), "damaged"),
        (lambda p: (p / "shard-00000.npy").unlink(), "is missing"),
        (lambda p: (p / "shard-00000.npy").write_bytes(b"\x93NUMPY"), "damaged"),
        (lambda p: np.save(p / "shard-00000.npy", np.zeros((3, 5), np.int16)), "cut short"),
        (lambda p: np.save(p / "shard-00000.npy", np.zeros((9999, 4), np.int16)), "does not hold event rows"),
        (lambda p: _edit(p, "format_version", 99), "format 99"),
        (lambda p: _edit(p, "vocabulary", "x"), "another event vocabulary"),
    ],
)
def test_a_broken_corpus_says_what_to_do(built: Path, tmp_path: Path, break_it, sentence: str) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    shutil.copytree(built, out)
    break_it(out)
    with pytest.raises(CorpusError, match=sentence) as caught:
        Corpus.open(out)
    assert "build" in str(caught.value)


def _edit(path: Path, key: str, value: object) -> None:
    settings = json.loads((path / "corpus.json").read_text())
    (path / "corpus.json").write_text(json.dumps(settings | {key: value}))


def test_what_is_not_a_corpus_or_a_source_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not a corpus"):
        Corpus.open(tmp_path)
    with pytest.raises(CorpusError, match="not empty and not a corpus"):
        build(folder, [str(folder)])
    with pytest.raises(CorpusError, match="no source nowhere"):
        build(tmp_path / "out", ["nowhere"])
    with pytest.raises(CorpusError, match="no source music21:palestrina"):
        build(tmp_path / "out", ["music21:palestrina"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="holds no"):
        build(tmp_path / "out", [str(tmp_path / "empty")])
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.mid").write_bytes(b"?")
    with pytest.raises(CorpusError, match="None of the files could be used"):
        build(tmp_path / "out", [str(tmp_path / "bad")])
    with pytest.raises(CorpusError, match="no split 'dev'"):
        build(tmp_path / "good", [str(folder)]).pieces("dev")


def test_two_folders_keep_their_styles(folder: Path, tmp_path: Path) -> None:
    jazz = tmp_path / "else"
    jazz.mkdir()
    write_midi(melody(70), jazz / "a.mid")
    corpus = build(tmp_path / "out", [str(folder), f"jazz={jazz}"])
    assert corpus.styles == ("jazz", "music")
    assert [corpus.styles[corpus.style(i)] for i in range(25)] == ["music"] * 24 + ["jazz"]

"""Per-frame sets are read as they are packed, and nats a frame are what the protocol says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musegen.errors import CorpusError
from musegen.evaluation.boulanger import load_sets, per_frame

PIECES = [(np.random.default_rng(i).random((n, 88)) < 0.05).astype(np.uint8) for i, n in enumerate((5, 2, 9))]


def write(folder: Path, name: str = "Nottingham", **changes: Any) -> Path:
    """A set of `PIECES` in train and the first of them in valid, with `changes` to its arrays."""
    arrays: dict[str, Any] = {}
    for split, pieces in (("train", PIECES), ("valid", PIECES[:1])):
        arrays[split] = np.packbits(np.concatenate(pieces), axis=1)
        arrays[f"{split}_len"] = np.array([len(p) for p in pieces], np.int32)
    arrays |= changes
    np.savez(folder / f"{name}.npz", **{k: v for k, v in arrays.items() if v is not None})
    return folder


def test_pieces_come_back(tmp_path: Path) -> None:
    sets = load_sets(write(tmp_path), "nottingham")
    assert list(sets) == ["train", "valid"]
    assert all(np.array_equal(a, b) for a, b in zip(sets["train"], PIECES, strict=True))
    assert [len(p) for p in sets["valid"]] == [5]


def test_a_test_split_is_read_where_there_is_one(tmp_path: Path) -> None:
    packed = np.packbits(PIECES[1], axis=1)
    sets = load_sets(write(tmp_path, test=packed, test_len=np.array([2])), "nottingham")
    assert np.array_equal(sets["test"][0], PIECES[1])


def test_every_frame_counts_the_same_and_the_first_is_not_there() -> None:
    found = per_frame([np.array([1.0, 2.0, 3.0]), np.array([10.0]), np.zeros(0)])
    assert found.frame_mean == 4.0
    assert found.piece_mean == 6.0


def test_a_wrong_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"does not hold JSB_Chorales.npz"):
        load_sets(write(tmp_path), "jsb")
    (tmp_path / "JSB_Chorales.npz").write_text("no arrays here")
    with pytest.raises(CorpusError, match="is not an npz file"):
        load_sets(tmp_path, "jsb")
    (tmp_path / "JSB_Chorales.npz").unlink()
    (tmp_path / "JSB_Chorales.npz").mkdir()
    with pytest.raises(CorpusError, match="cannot be read"):
        load_sets(tmp_path, "jsb")


@pytest.mark.parametrize(
    "changes",
    [
        {"valid": None},
        {"train_len": None},
        {"train_len": np.array([5, 2, 8])},
        {"train_len": np.array([5, 1, 10])},
        {"train_len": np.zeros(0, np.int32)},
        {"train": np.zeros((16, 88), np.uint8)},
        {"train": np.zeros((16, 11))},
    ],
)
def test_other_arrays_are_one_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(CorpusError, match="is not a per-frame set"):
        load_sets(write(tmp_path, **changes), "nottingham")

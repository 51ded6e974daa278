"""Frames ↔ events is one to one, and nats a cell are what the definition says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musegen.corpus.build import build
from musegen.errors import CorpusError
from musegen.evaluation.jsb16 import frames_to_piece, load_frames, nats_per_cell, piece_to_frames
from musegen.events.codec import EventCodec

FRAMES = [[74, 70, 65, 58], [74, 70, 65, 58], [74, 69, -1, 58], [75, 69, -1, 58], [75, 69, 65, -1], [75, 69, 65, 58]]


def test_merging() -> None:
    piece = frames_to_piece(FRAMES)
    assert [(n.onset, n.duration, n.pitch, n.part) for n in piece] == [
        (0, 18, 74, 0),
        (0, 12, 70, 1),
        (0, 12, 65, 2),
        (0, 24, 58, 3),
        (12, 24, 69, 1),
        (18, 18, 75, 0),
        (24, 12, 65, 2),
        (30, 6, 58, 3),
    ]


voice = st.lists(st.tuples(st.sampled_from([-1, 36, 60, 60, 61, 81]), st.integers(1, 6)), min_size=1, max_size=8)


@given(st.lists(voice, min_size=4, max_size=4))
def test_frames_survive_the_codec(voices: list[list[tuple[int, int]]]) -> None:
    cells = [[p for p, n in v for _ in range(n)] for v in voices]
    length = max(map(len, cells))
    # Every voice sings (as in all of JSB-16) and lasts to the end; the same pitch in two voices is allowed.
    cells = [c + [50 + i] * (length + 1 - len(c)) for i, c in enumerate(cells)]
    frames = [list(f) for f in zip(*cells, strict=True)]
    codec = EventCodec()
    decoded = codec.decode(codec.encode(frames_to_piece(frames)))
    assert piece_to_frames(decoded) == frames


def test_different_frames_have_different_events() -> None:
    seen = set()
    for change in (None, (0, 0, 73), (1, 0, 73), (2, 2, 65), (5, 3, -1), (3, 1, -1), (4, 3, 58)):
        frames = [list(f) for f in FRAMES]
        if change:
            frames[change[0]][change[1]] = change[2]
        seen.add(EventCodec().encode(frames_to_piece(frames)).rows.tobytes())
    assert len(seen) == 7


def test_nats_per_cell() -> None:
    found = nats_per_cell([40.0, 30.0], [10, 30])
    assert found.token_mean == pytest.approx(70 / 160)
    assert found.piece_mean == pytest.approx((1.0 + 0.25) / 2)


def test_a_corpus_with_the_given_splits_even_of_duplicates(tmp_path: Path) -> None:
    other = [[p + 1 if p > 0 else p for p in f] for f in FRAMES]
    (tmp_path / "train.json").write_text(json.dumps([FRAMES, other]))
    (tmp_path / "valid.json").write_text(json.dumps([FRAMES]))
    corpus = build(tmp_path / "out", [f"jsb16:{tmp_path}"])
    assert [e.split for e in corpus.entries] == ["train", "train", "valid"]
    assert [e.title for e in corpus.entries] == ["train:0", "train:1", "valid:0"]
    assert np.array_equal(corpus.rows(1), EventCodec().encode(frames_to_piece(other)).rows)


@pytest.mark.parametrize("text", ["{", "[[[1, 2, 3]]]", "[[[1, 2, 3, 200]]]", "[[[1, 2, 3, 4.5]]]", "7", "[7]"])
def test_what_is_not_jsb16_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(CorpusError, match="is not JSB-16"):
        load_frames(tmp_path / "train.json")
    with pytest.raises(CorpusError, match="cannot be read"):
        load_frames(tmp_path / "none.json")

"""A folder of somebody's own music becomes a corpus that has something held out, where it is enough for that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from musegen.corpus.own import EVERY, FEW, is_own_music, own_corpus, with_some_held_out
from musegen.corpus.store import Corpus
from musegen.errors import CorpusError
from musegen.midi import write_music

from ..small_corpus import tune


def folder_of(place: Path, tunes: int) -> Path:
    place.mkdir()
    for i in range(tunes):
        write_music(tune(i), place / f"tune{i:02d}.mid")
    return place


@pytest.mark.parametrize(("tunes", "held_out"), [(EVERY - 1, 0), (EVERY, 1), (20, 4)])
def test_one_tune_in_five_is_held_out(tmp_path: Path, tunes: int, held_out: int) -> None:
    folder = folder_of(tmp_path / "waltzes", tunes)
    assert is_own_music(folder)
    corpus = own_corpus(folder, tmp_path / "out" / "corpus")
    assert corpus.styles == ("waltzes",) and len(corpus) == tunes
    assert len(corpus.pieces("valid")) == held_out and len(corpus.pieces("train")) == tunes - held_out
    again = own_corpus(folder, tmp_path / "out" / "corpus")
    assert again.fingerprint == corpus.fingerprint, "a run goes on with the same split"
    assert not is_own_music(tmp_path / "out" / "corpus")


def test_variants_of_a_tune_stay_on_one_side(corpus: Corpus) -> None:
    """Ten tunes of four pieces each."""
    entries = tuple(replace(e, tune=f"tune {i // 4}") for i, e in enumerate(corpus.entries))
    split = with_some_held_out(replace(corpus, entries=entries))
    sides = {e.tune: {other.split for other in split.entries if other.tune == e.tune} for e in split.entries}
    assert all(len(side) == 1 for side in sides.values())
    assert len(split.pieces("valid")) == 2 * 4


def test_a_large_corpus_keeps_its_split(corpus: Corpus) -> None:
    entries = tuple(replace(e, tune=f"tune {i}", split="train") for i, e in enumerate(corpus.entries * 3))[:FEW]
    many = replace(corpus, entries=entries)
    assert with_some_held_out(many) is many
    assert with_some_held_out(replace(many, entries=entries[1:])).pieces("valid")


def test_a_folder_without_music_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.mid"):
        own_corpus(tmp_path / "empty", tmp_path / "out")
    assert not is_own_music(tmp_path / "nowhere")

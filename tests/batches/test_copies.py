"""What counts as a copy: crafted melodies against their transposed, slowed, cut and strange kin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.batches.copies import FILE, NOTES, Known, likeness, longest_run, phrases
from musegen.corpus.store import Corpus
from musegen.errors import CheckpointError
from musegen.piece import DRUMS, Note, Piece


def melody(seed: int, notes: int = 40, transpose: int = 0, program: int = 0) -> Piece:
    rng = np.random.default_rng(seed)
    pitch = 60 + np.cumsum(rng.integers(-4, 5, notes)) % 24 + transpose
    onset = np.cumsum(rng.choice([6, 12, 24], notes))
    return Piece.from_notes([Note(int(t), 6, int(p), 80, program, 0) for t, p in zip(onset, pitch, strict=True)])


def test_phrases_know_no_key_but_rhythm_and_intervals() -> None:
    one = phrases(melody(1))
    assert len(one) == 40 - NOTES + 1 and (phrases(melody(1, transpose=5)) == one).all()
    assert not np.isin(phrases(melody(2)), one).any()
    slow = melody(1)
    slow.notes["onset"] *= 2
    assert not np.isin(phrases(slow), one).any()
    assert not len(phrases(melody(1, program=DRUMS))) and not len(phrases(melody(1, notes=NOTES - 1)))


def test_the_highest_of_a_chord_leads_and_parts_are_apart() -> None:
    one = melody(1)
    low = one.notes.copy()
    low["pitch"] -= 12
    low["part"] = 0
    chords = replace(one, notes=np.sort(np.concatenate([one.notes, low]), order=["onset", "pitch"]))
    assert (phrases(chords) == phrases(one)).all()
    other = melody(2, program=40)
    other.notes["part"] = 1
    both = replace(one, notes=np.sort(np.concatenate([one.notes, other.notes]), order="onset"))
    assert phrases(both).tolist() == [*phrases(one).tolist(), 0, *phrases(other).tolist()]


def test_the_longest_run() -> None:
    hashes = np.array([1, 2, 3, 0, 4, 5, 5, 5, 6], np.uint64)
    known = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0], np.bool_)
    assert longest_run(hashes, known) == 3 + NOTES - 1  # 1 2 3; in 4 5 5 5 the 5 counts once
    assert longest_run(hashes, ~known) == 1 + NOTES - 1 and longest_run(hashes, known & False) == 0
    assert longest_run(hashes[:0], known[:0]) == 0


def test_likeness_is_of_the_shorter() -> None:
    long, short = frozenset(range(100)), frozenset(range(90, 110))
    assert likeness(long, short) == 0.5 == likeness(short, long)
    assert likeness(long, frozenset(range(3))) == 0  # three phrases say nothing


def test_a_copy_is_told_from_music_of_the_same_kind(corpus: Corpus, tmp_path: Path) -> None:
    learnt = [melody(i) for i in range(50)]
    known = Known.of_phrases([phrases(p) for p in learnt])
    none = np.zeros(0, np.uint64)
    assert all(known.copied(phrases(melody(i, transpose=3)), none) for i in range(50))
    assert not any(known.copied(phrases(melody(i)), none) for i in range(100, 150))
    # A quarter of a copy is none, three quarters are.
    for share, copied in ((10, False), (30, True)):
        notes = [*list(melody(3))[:share], *(replace_onset(n, 1200) for n in list(melody(200))[share:])]
        assert known.copied(phrases(Piece.from_notes(notes)), none) == copied
    # What the seed has already is no copying.
    assert not known.copied(phrases(melody(7)), phrases(melody(7)))


def replace_onset(note: Note, by: int) -> Note:
    return note._replace(onset=note.onset + by)


def test_the_filter_forgets_nothing_and_seldom_errs(corpus: Corpus, tmp_path: Path) -> None:
    known = Known.of_corpus(corpus)
    from musegen.batches.copies import phrases_of_rows

    for i in corpus.pieces("train"):
        hashes = phrases_of_rows(corpus.rows(i))
        assert known.holds(hashes)[hashes != 0].all()
    strange = np.random.default_rng(0).integers(1, 2**63, 200_000).astype(np.uint64)
    assert 0.003 < known.holds(strange).mean() < 0.01
    known.save(tmp_path)
    again = Known.load(tmp_path)
    assert again is not None and (again.bits == known.bits).all()
    assert (again.longest, again.share) == (known.longest, known.share)
    assert (tmp_path / FILE).stat().st_size < 4096


def test_fine_tuned_it_knows_the_old_music_too(tmp_path: Path) -> None:
    """And of three generations; what is usual is what is usual in either."""
    none = np.zeros(0, np.uint64)
    generations = [
        replace(Known.of_phrases([phrases(melody(i)) for i in some]), longest=longest, share=share)
        for some, longest, share in ((range(50), 20, 0.7), (range(50, 55), 30, 0.5), (range(60, 62), 24, 0.9))
    ]
    known = generations[2].after(generations[1].after(generations[0]))
    known.save(tmp_path)
    again = Known.load(tmp_path)
    assert again is not None and (again.longest, again.share) == (30, 0.9)
    for found in (known, again):
        assert all(found.copied(phrases(melody(i)), none) for i in (0, 49, 50, 54, 60, 61))
        assert not any(found.copied(phrases(melody(i)), none) for i in range(100, 150))
    assert not generations[2].copied(phrases(melody(0)), none)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert Known.load(tmp_path) is None
    (tmp_path / FILE).write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match=r"phrases\.safetensors cannot be read"):
        Known.load(tmp_path)


def test_the_default_says_what_it_learnt() -> None:
    from musegen.checkpoint import find

    known = Known.load(find("default"))
    assert known is not None and 20 <= known.longest <= 40 and known.share < 1
    assert 2**18 < len(known.bits) < 2**20

"""The store of phrases: the same cells as cutting each piece, made once, transposed by what fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.corpus.build import build
from musegen.corpus.phrases import Phrases
from musegen.corpus.store import Corpus
from musegen.errors import CorpusError, FileError
from musegen.events.codec import EventCodec, Events
from musegen.events.phrases import phrases_of
from musegen.events.roll import ONSET, Cells
from musegen.midi import write_music
from musegen.piece import DRUMS, Meter, Note, Piece

from ..small_corpus import tune


def banded(seed: int, bars: int = 9) -> Piece:
    """A tune and its bass with drums, repeated notes, chords and a held note."""
    rng = np.random.default_rng(seed)
    notes = list(tune(seed, bars))
    notes += [Note(24 * i, 6, 36 + 2 * int(rng.integers(0, 3)), 90, DRUMS, 2) for i in range(4 * bars)]
    notes += [Note(96 * b + 12 * i, 12, 64, 70, 25, 3) for b in range(bars) for i in range(3)]
    return Piece.from_notes([*notes, Note(30, 150, 67, 60, 48, 4)], meters=(Meter(0, 4, 4),))


@pytest.fixture(scope="module")
def bands(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Thirty such pieces, a waltz and a lone tune."""
    folder = tmp_path_factory.mktemp("bands")
    files = folder / "files"
    files.mkdir()
    for i in range(30):
        write_music(banded(i), files / f"band{i:02d}.mid")
    waltz = Piece.from_notes([Note(24 * i, 20, 60 + i % 7, 80) for i in range(48)], meters=(Meter(0, 3, 4),))
    write_music(waltz, files / "waltz.mid")
    write_music(Piece.from_notes([n for n in tune(99) if n.program == 0]), files / "lone.mid")
    build(folder / "corpus", [str(files)], workers=1)
    corpus = Corpus.open(folder / "corpus")
    held = {f"band{i:02d}" for i in range(0, 30, 6)}  # in place of chance, which holds out none of so few
    entries = [replace(e, split="valid" if Path(e.file).stem in held else "train") for e in corpus.entries]
    return replace(corpus, entries=tuple(entries))


def cut(corpus: Corpus, number: int, tracks: int, stride: int) -> Cells:
    piece = EventCodec().decode(Events(corpus.rows(number), corpus.tempos(number), corpus.meters(number)))
    return phrases_of(piece, tracks, stride)


@pytest.mark.parametrize("tracks", [1, 5])
@pytest.mark.parametrize(("split", "stride"), [("train", 1), ("valid", 4)])
def test_the_store_holds_the_phrases_of_its_split(
    bands: Corpus, tracks: int, split: str, stride: int, tmp_path: Path
) -> None:
    phrases = Phrases.of_corpus(bands, tracks, split, tmp_path / "phrases")
    wanted = np.concatenate([cut(bands, i, tracks, stride) for i in bands.pieces(split)])
    assert len(phrases) == len(wanted) > 0
    assert np.array_equal(phrases.dense(np.arange(len(phrases))), wanted)
    some = np.random.default_rng(0).integers(0, len(phrases), 7)
    assert np.array_equal(phrases.dense(some), wanted[some])


def test_the_manifest_says_where_each_phrase_is_from(bands: Corpus) -> None:
    phrases = Phrases.of_corpus(bands, 5, "train")
    for index in (0, len(phrases) // 2, len(phrases) - 1):
        piece, bar = phrases.places[index]
        assert bands.entries[piece].split == "train"
        assert np.array_equal(phrases.dense(index)[0], cut(bands, piece, 5, 1)[bar])


def test_what_is_left_out_is_counted_and_said(bands: Corpus) -> None:
    out = Phrases.of_corpus(bands, 5, "train").left_out
    waltzes = [i for i in bands.pieces("train") if bands.meters(i)[0].numerator == 3]
    lone = [i for i in bands.pieces("train") if not len(cut(bands, i, 5, 1)) and i not in waltzes]
    assert len(waltzes) == len(lone) == 1
    assert (out.pieces, out.silent_pieces, out.bars) == (len(bands.pieces("train")), 2, 16)
    assert out.alone == len(cut(bands, lone[0], 1, 1))
    said = str(Phrases.of_corpus(bands, 5, "train"))
    assert "2 pieces without any" in said and "16 bars not of 4/4" in said and "\n" not in said


def test_transposition_moves_the_tuned_tracks_and_never_the_drums(bands: Corpus) -> None:
    phrases = Phrases.of_corpus(bands, 5, "train")
    plain, moved = phrases.dense([3, 4, 5]), phrases.dense([3, 4, 5], [0, 5, -2])
    assert np.array_equal(moved[0], plain[0])
    assert np.array_equal(moved[:, 0], plain[:, 0]) and plain[1, 0].any()
    assert np.array_equal(moved[1, 1:], np.roll(plain[1, 1:], 5, axis=-1))
    assert np.array_equal(moved[2, 1:], np.roll(plain[2, 1:], -2, axis=-1))


def test_the_single_track_is_transposed(bands: Corpus) -> None:
    phrases = Phrases.of_corpus(bands, 1, "train")
    assert np.array_equal(phrases.dense(2, 3), np.roll(phrases.dense(2), 3, axis=-1))


def test_drawn_steps_keep_every_note(tmp_path: Path) -> None:
    """Phrases with notes at both ends of the pitches have little room, or none."""
    files = tmp_path / "files"
    files.mkdir()
    for name, low, high in (("none", 24, 107), ("up", 24, 105), ("free", 50, 70)):
        notes = [Note(24 * i, 12, (low, high)[i % 2] if i else (low + high) // 2, 80, 0, 0) for i in range(16)]
        write_music(Piece.from_notes(notes), files / f"{name}.mid")
    build(tmp_path / "corpus", [str(files)], workers=1)
    corpus = Corpus.open(tmp_path / "corpus")
    seen: dict[str, set[int]] = {}
    for split in ("train", "valid", "test"):
        phrases = Phrases.of_corpus(corpus, 1, split)
        for i in range(len(phrases)):
            many = np.full(200, i)
            steps = phrases.semitones(many, np.random.default_rng(1), 4)
            name = Path(corpus.entries[phrases.places[i, 0]].file).stem
            seen[name] = set(steps.tolist())
            assert ((phrases.dense(many, steps) == ONSET).sum((1, 2, 3, 4)) == 16).all()
    assert seen == {"none": {0}, "up": {0, 1, 2}, "free": set(range(-4, 5))}


def test_it_is_made_once_and_again_when_the_corpus_changes(bands: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "phrases"
    first = Phrases.of_corpus(bands, 1, "valid", folder)
    stamp = (folder / "notes.npy").stat().st_mtime_ns
    assert Phrases.of_corpus(bands, 1, "valid", folder).fingerprint == first.fingerprint
    assert (folder / "notes.npy").stat().st_mtime_ns == stamp
    before = first.dense(np.arange(len(first)))
    fewer = replace(bands, entries=bands.entries[:-1])
    again = Phrases.of_corpus(fewer, 1, "valid", folder)
    assert again.fingerprint != first.fingerprint
    assert np.array_equal(first.dense(np.arange(len(first))), before)  # an open one keeps its files


def test_a_half_made_folder_is_made_again(bands: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "phrases"
    whole = Phrases.of_corpus(bands, 5, "valid", folder)
    wanted = whole.dense(np.arange(len(whole)))
    (folder / "notes.npy").write_bytes((folder / "notes.npy").read_bytes()[:-7])
    made = Phrases.of_corpus(bands, 5, "valid", folder)
    assert np.array_equal(made.dense(np.arange(len(made))), wanted)
    (folder / "phrases.json").unlink()
    assert len(Phrases.of_corpus(bands, 5, "valid", folder)) == len(wanted)
    assert sorted(p.name for p in folder.iterdir()) == ["bars.npy", "notes.npy", "phrases.json", "phrases.npy"]


def test_a_bar_is_stored_once_though_four_phrases_hold_it(bands: Corpus, tmp_path: Path) -> None:
    phrases = Phrases.of_corpus(bands, 5, "train", tmp_path / "phrases")
    played = int((phrases.dense(np.arange(len(phrases))) == ONSET).sum())
    stored = np.load(tmp_path / "phrases" / "notes.npy")
    assert int(stored[:, 4].sum()) < played / 2


def test_bad_wishes_are_one_sentence(bands: Corpus, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"1 or 5 tracks, not 3"):
        Phrases.of_corpus(bands, 3, "train")
    with pytest.raises(CorpusError, match=r"no split 'all'"):
        Phrases.of_corpus(bands, 5, "all")
    with pytest.raises(CorpusError, match=r"holds no phrases"):
        Phrases(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match=r"cannot be written"):
        Phrases.of_corpus(bands, 5, "train", tmp_path / "file" / "phrases")


def test_a_split_without_phrases_is_empty_and_not_an_error(bands: Corpus, tmp_path: Path) -> None:
    waltz = tuple(e for e in bands.entries if e.meters[0].numerator == 3)
    phrases = Phrases.of_corpus(replace(bands, entries=waltz), 5, waltz[0].split, tmp_path / "phrases")
    assert len(phrases) == 0 and phrases.dense([]).shape == (0, 5, 4, 96, 84)

"""The named sources, where their packages are installed, and the rules about what must not be trained on."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from musegen.corpus import build as building
from musegen.corpus.build import build, read_file
from musegen.corpus.sources import Item, held_out_chorales, list_items
from musegen.corpus.wad import lump_names, read_lump
from musegen.errors import CorpusError
from musegen.events import attributes as at
from musegen.events.codec import EventCodec
from musegen.midi.write import midi_bytes
from musegen.piece import DRUMS, Meter, Note, Piece, Tempo

RESTRICTED = ("palestrina", "essen", "trecento", "josquin", "monteverdi", "leadsheet", "demos", ".krn")


def wad(path: Path, lumps: list[tuple[str, bytes]]) -> Path:
    body, directory, at = b"", b"", 12
    for name, data in lumps:
        directory += struct.pack("<ii8s", at, len(data), name.encode())
        body, at = body + data, at + len(data)
    path.write_bytes(b"PWAD" + struct.pack("<ii", len(lumps), at) + body + directory)
    return path


def test_wad_lumps(tmp_path: Path) -> None:
    path = wad(tmp_path / "x.wad", [("D_ONE", b"MThd..."), ("D_MUS", b"MUS\x1a"), ("EMPTY", b""), ("D_TWO", b"MThd!")])
    assert lump_names(path, b"MThd") == ["D_ONE", "D_TWO"]
    assert read_lump(path, "D_MUS") == b"MUS\x1a"
    with pytest.raises(CorpusError, match="no lump D_X"):
        read_lump(path, "D_X")


@pytest.mark.parametrize("data", [b"", b"IWAD", b"ZWAD" + bytes(20), b"PWAD" + struct.pack("<ii", 99, 12)])
def test_a_bad_wad_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.wad").write_bytes(data)
    with pytest.raises(CorpusError, match=r"x\.wad"):
        lump_names(tmp_path / "x.wad", b"MThd")


def test_a_lump_is_read_as_midi(tmp_path: Path) -> None:
    piece = Piece.from_notes([Note(24 * i, 24, 60 + i) for i in range(9)])
    path = wad(tmp_path / "x.wad", [("D_ONE", midi_bytes(piece))])
    found = read_file(Item("x/D_ONE", path, "x", "game", "free", lump="D_ONE"))
    assert found.rejected == []
    assert np.array_equal(found.pieces[0].rows, EventCodec().encode(piece).rows)


def test_held_out_chorales_are_146() -> None:
    names = held_out_chorales()
    assert len(names) == 146
    assert {"bwv10.7", "bwv99.6"} <= names


def test_named_sources_list_nothing_restricted() -> None:
    pytest.importorskip("music21")
    items = list_items(["music21:chorales", "music21:tunes", "music21:classical"])
    assert len(items) > 1500
    for item in items:
        folder = item.path.parent.as_posix().lower().partition("/corpus/")[2] + item.path.suffix
        assert not any(word in folder for word in RESTRICTED), item
    assert all(i.licence for i in items)
    chorales = [i for i in items if i.source == "music21:chorales"]
    assert held_out_chorales() <= {i.path.stem for i in chorales if i.held_out}
    assert not held_out_chorales() & {i.path.stem for i in chorales if not i.held_out}


def test_styles_follow_collections_and_composers() -> None:
    pytest.importorskip("music21")
    items = list_items(["music21:chorales", "music21:tunes", "music21:classical"])
    styles: dict[str, set[str]] = {}
    for item in items:
        folder = item.key.split("/")[1] if item.source != "music21:chorales" else item.composer
        styles.setdefault(folder, set()).add(item.style)
    collections = {"oneills1850": {"irish"}, "ryansMammoth": {"american"}, "airdsAirs": {"scottish"}}
    composers = {"haydn": {"haydn"}, "mozart": {"mozart"}, "beethoven": {"beethoven"}}
    schumanns = {"schumann_clara": {"schumann"}, "schumann_robert": {"schumann"}}
    assert styles == {"J. S. Bach": {"chorale"}, **collections, **composers, **schumanns}


def test_a_held_out_chorale_is_refused_under_any_name_or_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("music21")
    held = {"bwv10.7": True, "bwv120.8-a": True, "bwv112.5": True, "bwv112.5-sc": True}
    names = {**held, "bwv324": False, "bwv137.5": False, "bwv398": False, "bwv197.7-a": False, "bwv244.15": False}
    items = [i for i in list_items(["music21:chorales"]) if i.path.stem in names]
    assert {i.path.stem: i.held_out for i in items} == names
    monkeypatch.setattr(building, "list_items", lambda _: items)
    corpus = build(tmp_path / "out", ["music21:chorales"])
    assert {Path(e.file).name for e in corpus.entries} == {"bwv197.7-a", "bwv244.15"}
    lines = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    reasons = {r["title"]: r["reason"] for r in map(json.loads, lines)}
    assert "bwv10.7, which is held out" in reasons["bwv324"]  # the same chorale under another number
    assert "bwv120.8-a, which is held out" in reasons["bwv137.5"]  # the same chorale in another key
    assert "the same notes as" in reasons["bwv398"]
    assert all("held out" in reasons[name] for name in held)


def groove_like(folder: Path, rows: list[str]) -> Path:
    """A folder in the form of the Groove MIDI Dataset, every file of which holds nine strokes of an edge."""
    lines = ["drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,duration,split"]
    for number, row in enumerate(rows):
        style, kind, meter, split = row.split()
        name = f"drummer1/{number}.mid"
        (folder / "drummer1").mkdir(parents=True, exist_ok=True)
        bars = Meter(0, *map(int, meter.split("-")))
        notes = [
            Note(12 * i, 4, (22, 26, 58)[i % 3], 40 + 4 * i + number, DRUMS) for i in range(9 - 5 * (kind == "few"))
        ]
        (folder / name).write_bytes(midi_bytes(Piece.from_notes(notes, tempos=(Tempo(0, 400_000),), meters=(bars,))))
        lines.append(
            f"drummer1,s,{number},{style},150,{'fill' if kind == 'fill' else 'beat'},{meter},{name},1.0,{split}"
        )
    (folder / "info.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_groove_keeps_its_split_styles_meters_and_velocities(tmp_path: Path) -> None:
    rows = ["rock/folk beat 4-4 train", "rock fill 4-4 validation", "latin beat 6-8 train", "soul few 4-4 train"]
    place = groove_like(tmp_path / "groove", rows)
    corpus = build(tmp_path / "out", [f"groove:{place}"], workers=1)
    found = [(e.style, e.split, e.meters[0][1:], e.tempos[0].microseconds, e.notes) for e in corpus.entries]
    assert found == [
        ("rock", "train", (4, 4), 400_000, 9),
        ("fill", "valid", (4, 4), 400_000, 9),
        ("latin", "train", (6, 8), 400_000, 9),
    ]
    notes = corpus.rows(0)[1:-1]
    assert notes[:, at.PITCH].tolist() == [42, 46, 43] * 3
    assert (notes[:, at.INSTRUMENT] == at.DRUM_INSTRUMENT).all()
    assert notes[:, at.VELOCITY].tolist() == [10 + i for i in range(9)]
    (dropped,) = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert dropped["reason"] == "only 4 notes (at least 8 are wanted)"
    assert "CC BY 4.0" in corpus.licences["groove"]
    assert "Gillick" in corpus.licences["groove"]


def test_groove_is_the_same_corpus_wherever_it_lies(tmp_path: Path) -> None:
    prints = set()
    for name in ("here", "there"):
        place = groove_like(tmp_path / name, ["rock beat 4-4 train"])
        prints.add(build(tmp_path / f"{name}.corpus", [f"groove:{place}"], workers=1).fingerprint)
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("table", "sentence"),
    [(None, "holds no info.csv"), ("drummer,style\na,b\n", "lacks the column"), ("", "lacks the column")],
)
def test_what_is_not_groove_is_one_sentence(tmp_path: Path, table: str | None, sentence: str) -> None:
    if table is not None:
        (tmp_path / "info.csv").write_text(table)
    with pytest.raises(CorpusError, match=sentence):
        list_items([f"groove:{tmp_path}"])


def test_giantmidi_names_the_composer_and_the_authors(tmp_path: Path) -> None:
    for name in ("Handel, George Frideric, Air, HWV 425, abc.mid", "Scriabin_op_42_xyz.mid"):
        (tmp_path / name).write_bytes(midi_bytes(Piece.from_notes([Note(24 * i, 24, 60 + i) for i in range(9)])))
    items = list_items([f"giantmidi:{tmp_path}"])
    assert [(i.composer, i.style, i.split) for i in items] == [("Handel", "piano", ""), ("Scriabin", "piano", "")]
    assert all("CC BY 4.0" in i.licence and "Kong" in i.licence for i in items)
    with pytest.raises(CorpusError, match="There is no folder"):
        list_items([f"giantmidi:{tmp_path / 'nowhere'}"])

"""The round trip over whole corpora: that it passes what is well, and finds and names what is not."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import roundtrip
from benchmarks.roundtrip import midi_differences, score_differences, there_and_back
from musegen.midi import write_midi
from musegen.piece import Key, Metadata, Meter, Note, Piece, Tempo

NOTES = [Note(48 * i, 48, 60 + i, 80, 40, 0) for i in range(12)] + [Note(0, 192, 36, 90, 32, 1)]


def piece(notes: list[Note] = NOTES) -> Piece:
    maps = {"tempos": (Tempo(0, 400_000),), "meters": (Meter(0, 3, 4),), "keys": (Key(0, -2),)}
    return Piece.from_notes(notes, 48, part_names=("violin", "bass"), metadata=Metadata("A title"), **maps)


def test_a_piece_comes_back(tmp_path: Path) -> None:
    assert there_and_back(piece(), roundtrip.MIDI, tmp_path) == []
    pytest.importorskip("music21")
    assert there_and_back(piece(), roundtrip.SCORE, tmp_path) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"notes": piece(NOTES[1:]).notes}, "notes (1 lost, 0 new; first "),
        ({"notes": piece([NOTES[0]._replace(pitch=61), *NOTES[1:]]).notes}, "notes (1 lost, 1 new; first "),
        ({"tempos": (Tempo(0, 500_000),)}, "tempos (1 lost, 1 new; first "),
        ({"meters": (Meter(0, 4, 4),)}, "meters (1 lost, 1 new; first "),
        ({"keys": ()}, "keys (1 lost, 0 new; first "),
        ({"part_names": ("violin", "double bass")}, "part names (1 lost, 1 new; first bass)"),
    ],
)
def test_every_difference_is_named(change: dict[str, object], named: str) -> None:
    back = replace(piece(), **change)  # type: ignore[arg-type]
    for differences in (midi_differences, score_differences):
        (found,) = differences(piece(), back)
        assert found.startswith(named)


def test_the_exit_status_says_whether_all_came_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(piece(), tmp_path / "a.mid")
    (tmp_path / "b.mid").write_bytes(b"no MIDI file")
    monkeypatch.setattr(sys, "argv", ["roundtrip", str(tmp_path), "--workers", "1", "--scores", "0"])
    assert roundtrip.main() == 0
    assert "2 files; 1 pieces were refused" in capsys.readouterr().out
    monkeypatch.setattr(roundtrip, "try_item", fails)
    assert roundtrip.main() == 1
    assert "it was left out" in capsys.readouterr().out


def fails(job: roundtrip.Job) -> roundtrip.Outcome:
    raise RuntimeError(job.item.key)

"""What of an ABC tune music21 must not see, and that the notes come out as the standard has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from musegen.midi import abc
from musegen.midi.scores import read_score

A, B, C, D, E = 69, 71, 73, 74, 76  # in D major


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("A HB c d|", [(0, A), (12, B), (24, C), (36, D)]),
        ("A JB Wc Td|", [(0, A), (12, B), (24, C), (36, D)]),
        ("A>(B c)d|", [(0, A), (18, B), (24, C), (36, D)]),
        ("A(TB>)c d2|", [(0, A), (12, B), (30, C), (36, D)]),
        ("A>-B c-<d|", [(0, A), (18, B), (24, C), (30, D)]),
        ("A>.B c<{e}d|", [(0, A), (18, B), (24, C), (30, D)]),
        ("=cd c2|c4|", [(0, C - 1), (12, D), (24, C - 1), (48, C)]),
        ("c4|A2 A::\nd|", [(0, C), (48, A), (72, A), (84, C), (132, A), (156, A), (168, D)]),
        ('"A"A"^H"B !c "x"d e|', [(0, A), (12, B), (24, C), (36, D), (48, E)]),
        ("(3ABc d2|", [(0, A), (8, B), (16, C), (24, D)]),
    ],
)
def test_what_music21_stumbles_over(tmp_path: Path, music: str, expected: list[tuple[int, int]]) -> None:
    pytest.importorskip("music21")
    file = tmp_path / "tune.abc"
    file.write_text(f"X:1\nT:HER WAJ\nM:4/4\nL:1/8\nK:D\n{music}\n")
    piece = read_score(file)
    assert piece.metadata.title == "HER WAJ"
    notes = piece.notes
    start, resolution = int(notes["onset"][0]), piece.ticks_per_quarter
    assert [((int(n["onset"]) - start) * 24 // resolution, int(n["pitch"])) for n in notes] == expected


def test_fields_and_comments_are_left_alone() -> None:
    tune = "T:The (H) ~ tune\nN::2nd Setting\nM:C|\nK:D\nAB[M:3/4]c|\nP:B\n%% Hd\nw:Ha-la\nA:|Hd % (x)\n"
    assert abc.audible(tune) == tune.replace("Hd % (x)", "d % (x)")

"""The order of playing, written as it is on paper."""

from __future__ import annotations

import re

import pytest

from musegen.midi.repeats import BarMarks, play_order


def bars(text: str) -> tuple[list[BarMarks], str]:
    """`|: A B [1 C :| [2 D | E` as marks and the names of the bars."""
    marks, names, endings, starts = [], "", (), False
    for token in text.split():
        if token == "|:":
            starts = True
        elif token.startswith("["):
            endings = tuple(int(n) for n in re.findall(r"\d", token))
        elif re.fullmatch(r":+\|", token):
            marks[-1] = marks[-1]._replace(ends_repeat=True, times=len(token))
            endings = ()
        elif token == "|":
            endings = ()
        else:
            marks.append(BarMarks(starts, endings=endings))
            names, starts = names + token, False
    return marks, names


@pytest.mark.parametrize(
    ("written", "played"),
    [
        ("A B C", "ABC"),
        ("A B :|", "ABAB"),
        ("A B :| C D :|", "ABABCDCD"),
        ("A :| B :| C :| D :|", "AABBCCDD"),
        ("|: A B :| |: C D :|", "ABABCDCD"),
        ("A |: B C :| D", "ABCBCD"),
        ("A B ::|", "ABABAB"),
        ("|: A [1 B :| [2 C | D", "ABACD"),
        ("A [1 B :| [2 C | D E :|", "ABACDEDE"),
        ("A [1 B C :| [2 D E | F [1 G :| [2 H", "ABCADEFGFH"),
        ("|: A [1,2 B :| [3 C | D", "ABABACD"),
        ("A [1 B :| [2 C :| D", "ABACD"),
        ("A [1 B :| C", "ABABC"),  # a first ending without a second: wrong marks, but nothing is lost
        ("A [2 B | C", "ABC"),
        ("|: A |: B :| C", "ABBC"),
        ("", ""),
    ],
)
def test_order(written: str, played: str) -> None:
    marks, names = bars(written)
    assert "".join(names[i] for i in play_order(marks)) == played


def test_every_bar_is_played_and_it_ends_whatever_the_marks() -> None:
    import itertools

    kinds = [BarMarks(s, e, 2, n) for s in (False, True) for e in (False, True) for n in ((), (1,), (2,), (1, 2))]
    for marks in itertools.product(kinds, repeat=3):
        order = play_order(marks)
        assert len(order) <= 12, marks
        assert set(order) >= {i for i, m in enumerate(marks) if not m.endings}, marks

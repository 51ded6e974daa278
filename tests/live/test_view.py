"""The picture: what is drawn where, in what colours, and what is written where there is no terminal."""

import io
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musegen.events.codec import TimedNote
from musegen.live.roll import HUES, LABEL, Roll, pitch_name
from musegen.live.timeline import Timeline
from musegen.live.view import LineView, RollView, bar_line, key_name, open_view
from musegen.piece import Key, Meter, Tempo

LINE = Timeline((Tempo(0, 500_000),), (Meter(0, 4, 4),), (Key(0, 2),))
WIDTH, HEIGHT = LABEL + 96, 21
SCALE = [TimedNote(24 * i, 24, 60 + i, 80, 0) for i in range(16)]


def plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def test_every_line_has_the_width_and_there_are_as_many_as_asked_for() -> None:
    for height in (8, 21, 50):
        lines = Roll(LINE).draw(SCALE, 200.0, WIDTH, height)
        assert len(lines) == height
        assert {len(plain(x)) for x in lines} == {WIDTH}


def test_a_note_is_drawn_at_its_pitch_and_time() -> None:
    roll = Roll(LINE, colour=False)
    now = 192.0
    lines = roll.draw([TimedNote(96, 48, 60, 80, 0)], now, WIDTH, HEIGHT)
    left = roll.first_tick(now, WIDTH)
    row = next(x for x in lines if x.startswith("  C4"))
    cells = row[LABEL:]
    drawn = [i for i, c in enumerate(cells) if c in "▀▄█"]
    grid = 4  # four bars of 96 ticks on 96 columns
    assert drawn == list(range((96 - left) // grid, (144 - left) // grid))
    assert sum(c in "▀▄█" for x in lines for c in x) == len(drawn)


def test_what_is_to_come_is_faint() -> None:
    lines = Roll(LINE).draw([TimedNote(0, 48, 60, 80, 0), TimedNote(120, 24, 60, 80, 0)], 100.0, WIDTH, HEIGHT)
    text = "".join(lines)
    for colour in HUES[0]:
        assert f"\x1b[38;5;{colour}m" in text
    before, after = text.index(f";{HUES[0][1]}m"), text.index(f";{HUES[0][2]}m")
    assert before < after


def test_bar_numbers_stand_over_bar_lines() -> None:
    lines = Roll(LINE, colour=False).draw(SCALE, 200.0, WIDTH, HEIGHT)
    for bar in "1234":
        assert lines[5][lines[0].index(bar)] in "│▀▄█"


def test_every_instrument_has_its_colour_and_stands_in_the_legend() -> None:
    roll = Roll(LINE)
    roll.draw([TimedNote(0, 48, 60, 80, 0), TimedNote(0, 48, 64, 80, 160), TimedNote(0, 4, 36, 80, 512)], 50, 80, 20)
    legend = roll.legend({0: 0, 160: 40, 512: 128})
    assert plain(legend) == "■ piano  ■ strings  ■ drums"
    assert f";{HUES[0][1]}m" in legend
    assert f";{HUES[1][1]}m" in legend


@pytest.mark.parametrize(("low", "high"), [(0, 127), (60, 60), (21, 108)])
def test_any_range_of_pitches_fits(low: int, high: int) -> None:
    notes = [TimedNote(0, 48, p, 80, 0) for p in (low, high)]
    lines = Roll(LINE, colour=False).draw(notes, 20.0, 80, 12)
    assert sum(c in "▀▄█░" for x in lines for c in x) >= 2


def test_the_head_names_the_port_the_place_and_the_key() -> None:
    view = RollView(io.StringIO(), LINE, "musegen:out")
    lines = [plain(x) for x in view.picture(100.0, 100, 24)]
    assert len(lines) == 24
    assert "musegen:out" in lines[0]
    assert "♩ = 120 · 4/4 · D major   bar 2.1" in lines[0]
    view.say("The model was behind: rested for 1 bar.")
    assert "rested for 1 bar" in view.picture(100.0, 100, 24)[-1]


def test_a_tiny_terminal_gets_a_line() -> None:
    view = RollView(io.StringIO(), LINE, "musegen:out")
    assert view.picture(100.0, 20, 5) == ["2.1  0 notes"]


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    view = RollView(io.StringIO(), LINE, "musegen:out")
    for note in SCALE:
        view.note(note, 0)
    assert "\x1b" not in "".join(view.picture(100.0, 100, 24))


def test_where_there_is_no_terminal_each_bar_is_a_line() -> None:
    out = io.StringIO()
    view = open_view(out, LINE, "musegen:out")
    assert isinstance(view, LineView)
    now = [-1.0]
    view.start(lambda: now[0], list)
    for note in SCALE[:6]:
        view.note(note, 0)
    now[0] = 250.0
    view.say("Something to say.")
    time.sleep(0.3)
    view.stop()
    assert out.getvalue().splitlines() == [
        "Something to say.",
        "bar   1 │   4 notes  C4-E♭4  piano",
        "bar   2 │   2 notes  E4-F4  piano",
    ]
    assert "\x1b" not in out.getvalue()


def test_a_bar_without_notes_is_a_rest() -> None:
    assert bar_line(3, []) == "bar   3 │ rest"


def test_names() -> None:
    assert [pitch_name(p) for p in (0, 60, 61, 127)] == ["C-1", "C4", "C♯4", "G9"]
    assert key_name(Key(0, -3, True)) == "C minor"
    assert key_name(Key(0, 6)) == "F♯ major"


STUCK = """
import os, pty, sys, threading, time
sys.path.insert(0, {root!r})
from musegen.live.view import RollView
from musegen.live.timeline import Timeline
master, slave = pty.openpty()  # nobody reads the other end: writes block once its buffer is full
view = RollView(os.fdopen(slave, "w", encoding="utf-8"), Timeline(), "x")
from musegen.events.codec import TimedNote
view.start(lambda: time.perf_counter() * 48, list)
worst = 0.0
for i in range(150):
    began = time.perf_counter()
    view.note(TimedNote(i, 10, 60, 80, 0), 0)
    view.say(str(i))
    worst = max(worst, time.perf_counter() - began)
    time.sleep(0.01)
began = time.perf_counter()
view.stop()
print(worst, time.perf_counter() - began, flush=True)
os._exit(0)
"""


def test_a_terminal_that_takes_nothing_does_not_hold_up_the_music() -> None:
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(root=root)], capture_output=True, text=True, timeout=20, check=True
    )
    worst, stopping = map(float, done.stdout.split())
    assert worst < 0.5
    assert stopping < 3

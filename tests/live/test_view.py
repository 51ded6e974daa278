"""The picture: what is drawn where, in what colours, and what is written where there is no terminal."""

import contextlib
import io
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from musegen.live.desk import Desk
from musegen.live.ink import Line, Span, fit, fore, on, render, spread, width_of
from musegen.live.knobs import KNOBS
from musegen.live.panel import BAD, BAR, GOOD, head, key_name, knobs, meters, modes
from musegen.live.roll import HUES, LABEL, PLAYER_HUES, Roll
from musegen.live.status import Lateness, ShownNote, State, Status
from musegen.live.timeline import Timeline
from musegen.live.view import LineView, RollView, bar_line, open_view
from musegen.piece import Key, Meter, Tempo, pitch_name

LINE = Timeline((Tempo(0, 500_000),), (Meter(0, 4, 4),), (Key(0, 2),))
WIDTH, HEIGHT = LABEL + 96, 21
STRINGS, DRUMS = 40 * 4, 128 * 4
SCALE = tuple(ShownNote(24 * i, 24, 60 + i, 80, 0, "model") for i in range(16))


def at(tick: float, *notes: ShownNote, **rest: object) -> Status:
    """A status at `tick`."""
    status = Status(timeline=LINE, tick=tick, position=LINE.position(tick), output="musegen:out", notes=notes)
    return replace(status, **rest)  # type: ignore[arg-type]


def plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def text(line: Line) -> str:
    return "".join(span.text for span in line)


def view() -> RollView:
    return RollView(io.StringIO())


def colours(lines: list[Line]) -> set[str]:
    return {span.style for line in lines for span in line}


# --- the roll --------------------------------------------------------------------------------------------------------


def test_every_line_has_the_width_and_there_are_as_many_as_asked_for() -> None:
    for height in (8, 21, 50):
        lines = Roll().draw(SCALE, LINE, 200.0, WIDTH, height)
        assert len(lines) == height
        assert {width_of(x) for x in lines} == {WIDTH}


def test_a_note_is_drawn_at_its_pitch_and_time() -> None:
    lines = Roll(colour=False).draw([ShownNote(96, 48, 60, 80, 0, "model")], LINE, 192.0, WIDTH, HEIGHT)
    row = next(text(x) for x in lines if text(x).startswith("  C4"))
    drawn = [i for i, c in enumerate(row[LABEL:]) if c in "▀▄█"]
    grid = 4  # four bars of 96 ticks on 96 columns
    left = 192 - int(96 * 0.68) * grid
    assert drawn == list(range((96 - left) // grid, (144 - left) // grid))
    assert sum(c in "▀▄█" for x in lines for c in text(x)) == len(drawn)


def test_what_is_planned_is_faint_and_what_is_committed_is_not_wherever_it_is() -> None:
    states: tuple[State, State] = ("committed", "planned")
    for state, colour, other in zip(states, HUES[0][1:], HUES[0][:0:-1], strict=True):
        lines = Roll().draw([ShownNote(120, 24, 60, 80, 0, "model", state)], LINE, 100.0, WIDTH, HEIGHT)
        assert fore(colour) in colours(lines)
        assert fore(other) not in colours(lines)


def test_a_held_note_reaches_to_now_and_no_further() -> None:
    def drawn(now: float) -> int:
        lines = Roll(colour=False).draw([ShownNote(96, None, 60, 80, 0, "player")], LINE, now, WIDTH, HEIGHT)
        return sum(text(x).count("▓") for x in lines)

    assert [drawn(now) for now in (100.0, 140.0, 180.0)] == [1, 11, 21]


def test_the_hands_have_hues_of_their_own_and_the_player_is_on_top() -> None:
    mine, theirs = ShownNote(0, 48, 60, 80, 0, "player"), ShownNote(0, 48, 60, 80, 0, "model")
    for notes in ((mine, theirs), (theirs, mine)):
        roll = Roll()
        style = colours(roll.draw(notes, LINE, 100.0, WIDTH, HEIGHT))
        assert fore(PLAYER_HUES[0].body) in style
        assert fore(HUES[0].body) not in style
        roll.draw([*notes, theirs._replace(instrument=STRINGS), theirs._replace(instrument=DRUMS)], LINE, 100, 80, 20)
        assert text(roll.legend()) == "■ you piano   ■ model piano  ■ strings  ■ drums   ■ planned"
    assert not {c for h in PLAYER_HUES for c in h} & {c for h in HUES for c in h}


def test_nothing_is_coloured_beyond_the_end_of_a_note() -> None:
    notes = [ShownNote(96, 40, pitch, 80, 0, who) for pitch, who in ((60, "player"), (61, "model"))]  # type: ignore[arg-type]
    lines = Roll().draw([n._replace(pitch=n.pitch + p) for n in notes for p in (0, 1)], LINE, 200.0, WIDTH, HEIGHT)
    painted = [span for line in lines for span in line if "48;5" in span.style]
    assert painted  # two notes share a row
    assert all(set(span.text) == {"▀"} for span in painted)


def test_bar_numbers_stand_over_bar_lines_as_the_master_counts_them() -> None:
    for more in (0, 4):
        lines = [text(x) for x in Roll(colour=False).draw(SCALE, LINE, 200.0, WIDTH, HEIGHT, more)]
        for bar in range(1, 5):
            assert lines[5][lines[0].index(str(bar + more))] in "│▀▄█"


@pytest.mark.parametrize(("low", "high"), [(0, 127), (60, 60), (21, 108)])
def test_any_range_of_pitches_fits(low: int, high: int) -> None:
    notes = [ShownNote(0, 48, p, 80, 0, "model") for p in (low, high)]
    lines = Roll(colour=False).draw(notes, LINE, 20.0, 80, 12)
    assert sum(c in "▀▄█░" for x in lines for c in text(x)) >= 2


# --- the lines around it ---------------------------------------------------------------------------------------------


def test_the_head_names_the_ports_the_place_and_the_key() -> None:
    status = at(100.0, input="nanoKEY2", source="MIDI clock")
    line = text(head(status, 110))
    assert width_of(head(status, 110)) == 110
    assert "▸ musegen:out  ◂ nanoKEY2" in line
    assert "♩ 120 MIDI clock   4/4   D major   2.1 ●···" in line
    assert "gone" not in line
    gone = head(replace(status, output_up=False), 110)
    assert "musegen:out gone" in text(gone)
    assert on(BAR, fore(BAD)) in colours([gone])


def test_the_light_moves_with_the_beat() -> None:
    lights = [text(head(at(tick), 100)).split()[-1] for tick in (96, 120, 150, 170)]
    assert lights == ["●···", "·●··", "··●·", "···●"]
    assert "stopped at 2.1" in text(head(at(100.0, rolling=False), 100))
    assert "getting ready" in text(head(at(-1.0), 100))


def test_the_place_is_the_masters() -> None:
    lines = [plain(x) for x in view().picture(at(100.0, position=LINE.position(100.0 + 96 * 16)), 100, 30)]
    assert "18.1 ●" in lines[0]
    assert "18" in lines[2].split()


def test_the_mode_that_plays_stands_out() -> None:
    line = modes(at(0.0, mode="solo", state="playing"), 100)
    assert text(line) == "  answer  accompany [solo] loop  harmonise    playing"
    assert next(s.style for s in line if s.text == "solo") != next(s.style for s in line if s.text == " loop ")
    assert text(modes(at(0.0, mode="solo", state="playing"), 40)) == " [solo]   playing"


def test_knobs_show_where_they_are_turned_to() -> None:
    desk = Desk()
    desk.set("density", 1.0)
    desk.set("register", -24)
    desk.select(1)
    lines = [text(x) for x in knobs(desk.rows(), 80, 9)]
    assert len(lines) == -(-len(KNOBS) // 2)
    assert "▸density     ▕██████████▏" in lines[0]
    assert " register    ▕░░░░░░░░░░▏-24" in lines[1]
    assert sum(x.count("▸") for x in lines) == 1


def test_knobs_that_do_not_fit_are_scrolled_to_the_selected_one() -> None:
    desk = Desk()
    for _ in desk.rows():
        lines = [text(x) for x in knobs(desk.rows(), 40, 1)]
        assert len(lines) == 1
        assert f"▸{desk.selected}" in lines[0]
        desk.select(1)


def test_lateness_turns_red_where_it_can_be_heard() -> None:
    good = meters(at(0.0, lateness=Lateness(0.1, 0.4, 3.0, 0), count=7), [0.1, 30.5], 100)
    assert text(good).startswith(" late ▁█ p50 0.1  p99 0.4  max 3.0 ms   0 dropped")
    assert text(good).endswith("7 notes ")
    assert next(s.style for s in good if "p99" in s.text) == fore(GOOD, bold=True)
    bad = meters(at(0.0, lateness=Lateness(5, 20, 50, 3), speed=200, lookahead=150), [], 100)
    assert next(s.style for s in bad if "p99" in s.text) == fore(BAD, bold=True)
    assert "model 200 notes/s   150 ms ahead" in text(bad)
    assert "3 dropped" in text(bad)


# --- the whole screen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 57, 80, 133, 250])
@pytest.mark.parametrize("height", [8, 9, 10, 12, 16, 24, 60])
def test_the_picture_fills_the_screen_and_never_more(width: int, height: int) -> None:
    picture = view()
    picture.say("A sentence that is long enough to be too long for a terminal of forty columns.")
    desk, far = Desk(), at(5000.0, *SCALE, input="a long name of a keyboard", mode="accompany", state="playing " * 9)
    for status in (at(-1.0), at(200.0, *SCALE, ShownNote(190.3, None, 50, 9, 0, "player")), far):
        lines = picture.lines(replace(status, knobs=tuple(desk.rows())), width, height)
        assert len(lines) == height
        assert max(map(width_of, lines)) <= width


def test_what_is_said_stays_a_while() -> None:
    out = io.StringIO()
    picture = RollView(out)
    picture.say("The model was behind: rested for 1 bar.")
    for frame in range(200):
        picture._show(at(100.0))
        assert ("rested for 1 bar" in out.getvalue()) == (frame < 119)
        out.seek(0)
        out.truncate()


def test_the_selected_knob_is_explained() -> None:
    desk = Desk()
    desk.select(4)
    assert "duck: how much less it plays" in plain(view().picture(at(0.0, knobs=tuple(desk.rows())), 100, 30)[-2])


def test_a_tiny_terminal_gets_a_line() -> None:
    assert view().picture(at(100.0, mode="solo", count=3), 20, 5) == ["2.1  solo  3 notes"]


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    status = at(100.0, *SCALE, mode="solo", knobs=tuple(Desk().rows()))
    assert "\x1b" in "".join(view().picture(status, 100, 24))
    monkeypatch.setenv("NO_COLOR", "1")
    lines = view().picture(status, 100, 24)
    assert "\x1b" not in "".join(lines)
    assert "[solo]" in lines[1]
    monkeypatch.setenv("NO_COLOR", "")  # empty counts as unset
    assert "\x1b" in "".join(view().picture(status, 100, 24))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_it_follows_the_size_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl
    import pty
    import struct
    import termios

    monkeypatch.setenv("COLUMNS", "11")  # as a shell may have exported it once
    master, slave = pty.openpty()
    shown = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # so a terminal ends
            while data := os.read(master, 1 << 16):
                shown.extend(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as out:
        picture = RollView(out)
        for columns, lines in ((100, 30), (60, 20), (60, 20)):
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            picture._show(at(100.0, *SCALE))
    reader.join(10)
    os.close(master)
    pictures = shown.decode().split("\x1b[H")
    assert [p.count("\n") for p in pictures] == [0, 29, 19, 19]
    assert [p.endswith("\x1b[2J") for p in pictures] == [True, True, False, False]  # nothing of the old picture stays


def test_spans_know_their_width() -> None:
    line = [Span("abc", "1"), Span("def")]
    assert fit(line, 6) == line
    assert fit(line, 5) == [Span("abc", "1"), Span("d"), Span("…")]
    assert text(spread(line, [Span("xy")], 10)) == "abcdef  xy"
    assert text(spread(line, [Span("xy")], 7)) == "abc… xy"
    assert render([Span("a", "1"), Span("b", "1"), Span("c")]) == "\x1b[0;1mab\x1b[0mc"
    assert render(line, colour=False) == "abcdef"


# --- without a terminal ----------------------------------------------------------------------------------------------


def test_where_there_is_no_terminal_each_bar_is_a_line() -> None:
    out = io.StringIO()
    lines = open_view(out)
    assert isinstance(lines, LineView)
    shown = [at(-1.0)]
    lines.start(lambda: shown[0])
    mine = ShownNote(100.5, 20, 72, 80, STRINGS, "player")
    later = ShownNote(190, 20, 90, 80, STRINGS, "model", "planned")
    shown[0] = at(250.0, *SCALE[:6], mine, later)
    lines.say("Something to say.")
    time.sleep(0.3)
    lines.stop()
    assert out.getvalue().splitlines() == [
        "Something to say.",
        "bar   1 │   4 notes  C4-E♭4  piano",
        "bar   2 │   2 notes  E4-F4  piano  you: 1 note   C5-C5  strings",
    ]
    assert "\x1b" not in out.getvalue()


def test_bars_that_nobody_looked_at_in_time_are_said_to_be_so() -> None:
    out = io.StringIO()
    lines = LineView(out)
    lines._show(at(96.0 * 10, ShownNote(96 * 6, 9, 60, 80, 0, "model")))
    assert out.getvalue().splitlines() == [
        "bar   1 │ to bar 6: too fast to be shown",
        "bar   7 │   1 note   C4-C4  piano",
        "bar   8 │ rest",
        "bar   9 │ rest",
        "bar  10 │ rest",
    ]


def test_the_last_bar_is_said_though_it_ends_before_its_time() -> None:
    out = io.StringIO()
    lines = LineView(out)
    later = ShownNote(120, 9, 64, 80, 0, "model")
    lines.start(lambda: at(110.0, ShownNote(0, 9, 60, 80, 0, "model"), ShownNote(96, 9, 62, 80, 0, "model"), later))
    lines.stop()
    assert out.getvalue().splitlines() == ["bar   1 │   1 note   C4-C4  piano", "bar   2 │   1 note   D4-D4  piano"]


def test_a_bar_without_notes_is_a_rest() -> None:
    assert bar_line(3, []) == "bar   3 │ rest"
    assert bar_line(3, [SCALE[0]._replace(state="planned")]) == "bar   3 │ rest"


def test_names() -> None:
    assert [pitch_name(p) for p in (0, 60, 61, 127)] == ["C-1", "C4", "C♯4", "G9"]
    assert key_name(Key(0, -3, True)) == "C minor"
    assert key_name(Key(0, 6)) == "F♯ major"


STUCK = """
import os, pty, sys, time
sys.path.insert(0, {root!r})
from musegen.live.status import ShownNote, Status
from musegen.live.view import RollView
master, slave = pty.openpty()  # nobody reads the other end: writes block once its buffer is full
view = RollView(os.fdopen(slave, "w", encoding="utf-8"))
asked = []
def status():
    asked.append(time.perf_counter())
    now = asked[-1] * 48
    return Status(tick=now, notes=tuple(ShownNote(now - 9 * i, 8, 40 + i, 80, 0, "model") for i in range(40)))
view.start(status)
worst = 0.0
for i in range(150):
    began = time.perf_counter()
    view.say(str(i))
    worst = max(worst, time.perf_counter() - began)
    time.sleep(0.01)
began = time.perf_counter()
view.stop()
print(worst, time.perf_counter() - began, len(asked), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_a_terminal_that_takes_nothing_does_not_hold_up_the_music() -> None:
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(root=root)], capture_output=True, text=True, timeout=20, check=True
    )
    worst, stopping, asked = map(float, done.stdout.split())
    assert 1 <= asked < 15  # it was stuck indeed
    assert worst < 0.5
    assert stopping < 3

"""What a page is told of a jam and how it plays into it: frames, messages ahead of their time, keys, commands."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from musegen.errors import SettingsError
from musegen.live.broadcast import MOST, Broadcast
from musegen.live.clock import RealClock
from musegen.live.commands import LONGEST, Commands
from musegen.live.desk import Desk
from musegen.live.frames import Frames, hello
from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.page_port import PagePort
from musegen.live.status import ShownNote, Status
from musegen.live.testing import FakeClock, LoopbackPort
from musegen.live.timeline import Timeline
from musegen.piece import Meter

PROTOCOL = Path(__file__).resolve().parents[2] / "musegen/studio/web/src/protocol.ts"


def shown(number: int, onset: int, duration: int | None = 12, pitch: int = 60, state: Any = "committed") -> ShownNote:
    return ShownNote(onset, duration, pitch, 80, 0, "model", state, number)


def status(*notes: ShownNote, tick: float = 100.0, since: int = -284, **more: Any) -> Status:
    return replace(Status(tick=tick, since=since, notes=notes, knobs=tuple(Desk().rows())), **more)


def names(interface: str) -> tuple[set[str], set[str]]:
    """The properties of an interface of protocol.ts: those that must be there, and those that may."""
    body = re.search(rf"interface {interface} {{(.*?)\n}}", PROTOCOL.read_text(), re.S)
    assert body
    found = re.findall(r"^  (\w+)(\??):", body[1], re.M)
    return {name for name, mark in found if not mark}, {name for name, mark in found if mark}


def test_frames_are_what_the_page_expects() -> None:
    must, may = names("Frame")
    frames = Frames()
    first = frames.next(status(shown(1, 96), shown(-1, 120, state="planned")))
    then = frames.next(status(shown(2, 96)))
    assert must <= first.keys() and must <= then.keys()
    assert first.keys() | then.keys() == must | may
    assert hello().keys() == names("Hello")[0]
    assert all(knob.keys() == names("KnobSpec")[0] for knob in hello()["knobs"])
    assert all(knob.keys() == names("KnobState")[0] for knob in first["knobs"])


def test_what_has_not_changed_is_left_out() -> None:
    frames = Frames()
    assert frames.next(status(shown(1, 96)))["full"]
    again = frames.next(status(shown(1, 96)))
    assert not {"full", "notes", "gone", "planned", "knobs", "bars"} & again.keys()


def test_notes_begin_end_and_are_taken_back() -> None:
    frames = Frames()
    held = frames.next(status(shown(1, 96, None), shown(2, 98, 6, 64)))
    assert held["notes"] == [[1, 96, None, 60, 80, 0, 1], [2, 98, 6, 64, 80, 0, 1]]
    ended = frames.next(status(shown(1, 96, 7), shown(2, 98, 6, 64)))
    assert ended["notes"] == [[1, 96, 7, 60, 80, 0, 1]] and "gone" not in ended
    undone = frames.next(status(shown(1, 96, 7)))
    assert undone["gone"] == [2] and "notes" not in undone


def test_what_was_long_ago_is_not_taken_back() -> None:
    frames = Frames()
    frames.next(status(shown(1, 96), shown(2, 300), tick=310.0, since=0))
    later = frames.next(status(shown(2, 300), tick=490.0, since=106))
    assert not {"gone", "notes", "full"} & later.keys()


def test_a_frame_is_full_if_asked_for_or_if_something_may_have_been_missed() -> None:
    frames = Frames()
    frames.next(status(shown(1, 96)))
    assert frames.next(status(shown(1, 96)), full=True)["notes"] == [[1, 96, 12, 60, 80, 0, 1]]
    late = frames.next(status(shown(9, 960), tick=1000.0, since=616))
    assert late["full"] and [n[0] for n in late["notes"]] == [9] and late["knobs"]


def test_bars_are_numbered_as_the_master_counts_them() -> None:
    line = Timeline(meters=(Meter(0, 6, 8),))
    here = line.position(150.0)
    bars = Frames().next(status(tick=150.0, timeline=line, position=here._replace(bar=here.bar + 10)))["bars"]
    assert bars[:3] == [[0, 11, 12, 6], [72, 12, 12, 6], [144, 13, 12, 6]]


class Reader:
    """The other end of a broadcast's pipe."""

    def __init__(self) -> None:
        self.end, self.out = os.pipe()
        self.page = Broadcast(self.out, RealClock())
        self._rest = b""

    def lines(self, until: str = "ended", seconds: float = 10.0) -> list[dict[str, Any]]:
        """All lines up to the first one of this kind."""
        found: list[dict[str, Any]] = []
        end = time.monotonic() + seconds
        while True:
            *whole, self._rest = self._rest.split(b"\n")
            for i, line in enumerate(whole):
                found.append(json.loads(line))
                if until in found[-1]:
                    self._rest = b"\n".join([*whole[i + 1 :], self._rest])
                    return found
            assert time.monotonic() < end, f"no {until}: {found[-3:]}"
            self._rest += os.read(self.end, 65_536)


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    os.close(reader.end)  # before the writer's end: it may be stuck in a write


def test_the_first_line_introduces_and_the_last_says_how_it_ended(reader: Reader, tmp_path: Path) -> None:
    recording = tmp_path / "jam.mid"
    reader.page.say("Recovered.")
    reader.page.start(lambda: status(recording=str(recording), checkpoint="folk"))
    assert next(iter(found := reader.lines("frame")))["hello"]["checkpoint"] == "folk"
    assert {"say": "Recovered."} in found
    recording.touch()
    reader.page.stop()
    reader.page.end("It broke.")
    assert reader.lines()[-1] == {"ended": {"error": "It broke.", "recording": str(recording)}}


def test_what_never_began_ends_with_a_sentence_and_no_recording(reader: Reader) -> None:
    reader.page.end("No such seed.")
    assert reader.lines() == [{"ended": {"error": "No such seed.", "recording": ""}}]


def test_messages_keep_their_order_around_a_cancel(reader: Reader) -> None:
    now = time.perf_counter()
    for word in (note_on(0, 60, 80), note_off(0, 60), None, note_on(0, 64, 80)):
        reader.page.cancel() if word is None else reader.page.midi(word, now + 0.1)
    reader.page.end()
    told: list[object] = []
    for line in reader.lines():
        told += [hex_ for _, hex_ in line.get("midi", [])] + ([None] if "cancel" in line else [])
    assert told == ["903c50", "803c40", None, "904050"]


def test_who_does_not_read_holds_nobody_up_and_hears_no_note_for_ever(reader: Reader) -> None:
    """The pipe is full, so the writer stands still; what is left for it is bounded, and ends in sense."""
    reader.page.start(lambda: status(*(shown(i, 96 + i) for i in range(2000))))
    for i in range(3 * MOST):
        reader.page.full()
        reader.page.midi(note_on(0, i % 128, 80), time.perf_counter())
    assert len(reader.page._waiting) <= MOST
    later = time.perf_counter() + 60
    reader.page.midi(note_on(1, 1, 1), later)
    reader.page.stop()
    ending = threading.Thread(target=reader.page.end)
    ending.start()
    found = reader.lines()
    ending.join()
    cancels = [i for i, line in enumerate(found) if "cancel" in line]
    assert cancels, "notes that began before it must end"
    assert [hex_ for line in found[cancels[-1] :] for _, hex_ in line.get("midi", [])][-1] == "910101"


def test_beginnings_that_are_long_past_are_left_out_and_ends_are_not(reader: Reader) -> None:
    long_ago = time.perf_counter() - 5
    reader.page.midi(note_on(0, 60, 80), long_ago)
    reader.page.midi(note_off(0, 60), long_ago)
    reader.page.end()
    assert [hex_ for line in reader.lines() for _, hex_ in line.get("midi", [])] == ["803c40"]


class Rig:
    """A page's port around a loop-back port, and the commands that reach it."""

    def __init__(self, reader: Reader) -> None:
        self.clock, self.page, self.desk = FakeClock(), reader.page, Desk()
        self.inner = LoopbackPort(self.clock)
        self.port = PagePort(self.inner, self.page, self.clock)
        self.source, self.keys = os.pipe()
        self.stop = threading.Event()
        self.commands = Commands(self.source, self.desk, self.port, self.page, self.stop)

    def told(self, reader: Reader) -> list[str]:
        """The messages that the page was told."""
        self.page.end()
        return [hex_ for line in reader.lines() for _, hex_ in line.get("midi", [])]


@pytest.fixture
def rig(reader: Reader) -> Iterator[Rig]:
    rig = Rig(reader)
    yield rig
    os.close(rig.keys)


def test_the_page_hears_what_goes_out_but_for_the_clock(rig: Rig, reader: Reader) -> None:
    later = time.perf_counter() + 60
    rig.port.send(note_on(0, 60, 80), later)
    rig.port.send(bytes((0xF8,)), later)
    rig.clock.wait_until(later + 1)
    assert {m for _, m in rig.inner.received()} == {note_on(0, 60, 80), bytes((0xF8,))}
    assert rig.told(reader) == ["903c50"]


def test_a_page_that_comes_late_is_told_which_sounds_there_are(rig: Rig, reader: Reader) -> None:
    for message in (program_change(0, 40), program_change(1, 33), program_change(0, 56), note_on(0, 60, 80)):
        rig.port.send(message, 0.0)
    rig.commands.obey(b'{"full": true}')
    assert rig.told(reader)[-2:] == [program_change(0, 56).hex(), program_change(1, 33).hex()]


def test_keys_on_the_page_come_in_like_a_keyboards(rig: Rig, reader: Reader) -> None:
    woken: list[int] = []
    rig.port.listen(lambda: woken.append(1))
    rig.clock.wait_until(2.0)
    rig.commands.obey(b'{"midi": "903c50"}')
    rig.inner.feed(2.5, note_on(0, 67, 80))
    rig.clock.wait_until(3.0)
    rig.commands.obey(b'{"midi": "803c40"}')
    assert len(woken) >= 2
    assert rig.port.receive() == [(2.0, note_on(0, 60, 80)), (2.5, note_on(0, 67, 80)), (3.0, note_off(0, 60))]
    assert rig.port.receive() == []
    assert rig.told(reader) == [], "it has sounded there already"


def test_with_thru_each_hears_the_other(rig: Rig, reader: Reader) -> None:
    now = time.perf_counter()
    rig.clock.wait_until(now)
    rig.port.thru(True)
    rig.port.press(note_on(0, 60, 80))
    rig.inner.feed(now, note_on(0, 67, 80))
    rig.port.receive()
    rig.clock.wait_until(now + 1)
    assert [m[1] for _, m in rig.inner.received()] == [67, 60]
    assert rig.told(reader) == [note_on(0, 67, 80).hex()]


def test_a_page_that_leaves_lifts_its_keys(rig: Rig) -> None:
    for message in (note_on(0, 60, 80), note_on(0, 64, 80), note_off(0, 60), control(0, 123, 0), control(0, 123, 0)):
        rig.port.press(message)
    assert [m for _, m in rig.port.receive()][3:] == [note_off(0, 64)]


def test_a_port_that_vanishes_does_not_silence_the_page(rig: Rig) -> None:
    rig.inner.unplug(1.0)
    rig.clock.wait_until(2.0)
    assert rig.port.up and not rig.port.plugged


@pytest.mark.parametrize(
    "line",
    [
        b"garbage", b"\xff\xfe", b"[" * 60_000, b"1", b"{}", b'{"knob": ["density"], "value": 1}', b'{"do": 3}',
        b'{"knob": "density", "value": NaN}', b'{"knob": "density", "value": "much"}', b'{"knob": "density"}',
        b'{"knob": "nonsense", "value": 1}', b'{"do": "mode", "argument": "x"}', b'{"do": "mode", "argument": 1}',
        b'{"midi": "90"}', b'{"midi": "zz"}', b'{"midi": "903c64903c64"}', b'{"midi": "f8"}', b'{"midi": "90ff64"}',
        b'{"ping": "x"}', b'{"knob": "density", "value": {}}', b" " * LONGEST + b"{}",
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_command_is_said(rig: Rig, line: bytes) -> None:
    before = rig.desk.state()
    with pytest.raises(SettingsError, match=r"[.!]$|…"):
        rig.commands.obey(line)
    assert rig.desk.state() == before and rig.desk.actions() == [] and rig.port.receive() == []


def test_the_end_of_the_input_is_the_end_and_wrong_lines_are_not(rig: Rig, reader: Reader) -> None:
    rig.commands.start()
    os.write(rig.keys, b'nonsense\n\n{"knob": "density", "value": 0.5}\n{"ping": 7}\n{"do": "ke')
    os.write(rig.keys, b'ep"}\n')
    reader.page.start(status)
    found = reader.lines("pong")
    assert [line["say"] for line in found if "say" in line] == ["That is not a command: commands are lines of JSON."]
    assert found[-1]["pong"] == 7 and rig.desk.state()["density"] == 0.5
    assert not rig.stop.is_set()
    keys, rig.keys = rig.keys, os.open(os.devnull, os.O_WRONLY)
    os.close(keys)
    assert rig.stop.wait(10)
    assert rig.desk.actions() == [("keep", "")]
    reader.page.end()


def test_a_line_without_end_is_left_out_and_the_next_is_heard(rig: Rig, reader: Reader) -> None:
    rig.commands.start()
    reader.page.start(status)
    writing = threading.Thread(target=os.write, args=(rig.keys, b"x" * (4 * LONGEST) + b'\n{"ping": 8}\n'))
    writing.start()
    found = reader.lines("pong")
    writing.join()
    assert any("say" in line for line in found) and found[-1]["pong"] == 8
    reader.page.end()

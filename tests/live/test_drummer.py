"""`jam --humanise`: strokes off the grid and with velocities of their own, within the stage's guarantees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jam_sources import One

from musegen.engine.humaniser import Humaniser
from musegen.events.codec import TimedNote
from musegen.live.clock import FakeClock
from musegen.live.desk import Desk
from musegen.live.drummer import EARLIEST, Drummer, rows_of
from musegen.live.follow import FollowedClock
from musegen.live.host import HostTime
from musegen.live.knobs import KNOBS
from musegen.live.own_time import OwnTime
from musegen.live.partner import DirectPartner
from musegen.live.performer import Performer
from musegen.live.session import BEGIN, Session, Setup
from musegen.live.sources import Script
from musegen.live.testing import LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.midi import read_midi
from musegen.piece import DRUMS, Meter, Note, Piece, Tempo
from musegen.sampling.controls import Controls
from musegen.sampling.humanise import perform

from ..small_humaniser import humaniser

DRUM, PIANO, TICK = 512, 0, 0.5 / 24  # seconds at 120
LINE = Timeline((Tempo(0, 500_000),))
SIXTEENTH = 6 * TICK

BEAT = [TimedNote(i * 6, 6, 42, 80, DRUM) for i in range(32)]
BEAT += [TimedNote(i * 24, 12, 36 + 2 * (i % 2), 80, DRUM) for i in range(8)]
BEAT += [TimedNote(i * 24, 24, 60 + i, 80, PIANO) for i in range(8)]
BEAT += [TimedNote(23, 1, 38, 40, DRUM), TimedNote(47, 2, 38, 40, DRUM)]  # flams
BEAT += [TimedNote(144 + 8 * i, 8, 45, 70, DRUM) for i in range(3)]  # a fill in triplets


class Jam:
    """A session on the fake clock with a drummer; `BEAT` round and round."""

    def __init__(self, tmp_path: Path, amount: float, conductor: object = None, **setup: Any) -> None:
        self.clock = FakeClock(100.0)
        self.port = LoopbackPort(self.clock)
        self.desk = Desk(Controls(humanise=amount))
        self.said: list[str] = []
        self._todo: list[tuple[float, Callable[[], None]]] = []
        conductor = conductor or OwnTime(LINE, self.clock)
        plan = {"voices": (PIANO, DRUM), "bars": 8, "humaniser": humaniser(), **setup}
        notes = plan.pop("notes", BEAT)
        source = One(Script(notes, 192))
        path = tmp_path / f"{amount}.mid"
        self.session = Session(DirectPartner(source), self.port, conductor, self.clock, path, self.desk, Setup(**plan))

    def at(self, seconds: float, what: Callable[[], None]) -> Jam:
        """Do `what` so many seconds after the beginning."""
        self._todo.append((100.0 + BEGIN + seconds, what))
        return self

    def run(self, to_the_end: bool = True) -> Jam:
        step = self.session.stage.step

        def look() -> None:
            while self._todo and self._todo[0][0] <= self.clock.now():
                self._todo.pop(0)[1]()
            step()

        self.session.stage.step = look  # type: ignore[method-assign]
        assert self.session.run(None, self.said.append) or not to_the_end
        return self

    def ons(self, channel: int = 9) -> list[tuple[float, int, int]]:
        """(seconds after the beginning, pitch, velocity) of every note of a channel."""
        at = 100.0 + BEGIN
        return [(t - at, m[1], m[2]) for t, m in self.port.received() if m[0] == 0x90 | channel]


def written(jam: Jam, bars: int = 8) -> list[TimedNote]:
    """The drum notes of so many bars, in order."""
    rounds = [n._replace(onset=n.onset + 192 * i) for i in range(bars // 2) for n in BEAT if n.instrument == DRUM]
    return sorted(rounds, key=lambda n: (n.onset, n.pitch))


def strokes(jam: Jam) -> list[tuple[TimedNote, float, int]]:
    """Every drum note of BEAT with when it sounded (seconds) and its velocity: by pitch, the first for the first."""
    sounded = {p: [s for s in jam.ons() if s[1] == p] for p in {s[1] for s in jam.ons()}}
    out = []
    for note in written(jam):
        time, _, velocity = sounded[note.pitch].pop(0)
        out.append((note, time, velocity))
    assert not any(sounded.values())
    return out


def well_formed(received: list[tuple[float, bytes]]) -> None:
    """Every on of a key has one off, later than it, before the key's next on."""
    assert hanging(received) == set()
    down: dict[tuple[int, int], float] = {}
    for time, message in received:
        kind, key = message[0] & 0xF0, (message[0] & 15, message[1])
        if kind == 0x90:
            assert key not in down
            down[key] = time
        elif kind == 0x80 and key in down:
            assert time > down.pop(key)
    assert not down


def check_structure(played: list[tuple[TimedNote, float, int]], tick: float = TICK) -> None:
    """In the order that they are written in, none as far from its place as half a 16th, none before the beginning."""
    for note, time, _ in played:
        assert abs(time - note.onset * tick) < 3 * tick
        assert time >= -1e-9 and time >= note.onset * tick - EARLIEST - 1e-9
    for i, (note, time, _) in enumerate(played):
        later = [t for other, t, _ in played[i : i + 12] if other.onset > note.onset]
        assert time < min(later, default=1e9)


def test_strokes_leave_the_grid_and_keep_the_structure(tmp_path: Path) -> None:
    flat, jam = Jam(tmp_path, 0.0).run(), Jam(tmp_path, 1.0).run()
    assert [t for _, t, _ in strokes(flat)] == pytest.approx([n.onset * TICK for n in written(flat)], abs=1e-9)
    played = strokes(jam)
    check_structure(played)
    well_formed(jam.port.received())
    off = np.array([t - n.onset * TICK for n, t, _ in played])
    assert off.min() < -0.005 and off.max() > 0.005 and off.std() > 0.005, "nothing is moved: the test says nothing"
    assert len({v for *_, v in played}) > 20
    assert jam.ons(channel=0) == flat.ons(channel=0), "whoever is no drum plays as written"
    assert jam.session.late == jam.session.performer.rests == 0


def test_a_stroke_that_moves_takes_its_end_with_it(tmp_path: Path) -> None:
    flat, jam = (lengths(Jam(tmp_path, amount).run()) for amount in (0.0, 1.0))
    assert flat == pytest.approx([12 * TICK] * 16, abs=1e-6)
    assert jam == pytest.approx(flat, abs=1e-6)


def lengths(jam: Jam, pitch: int = 36) -> list[float]:
    """Seconds from on to off of every stroke of a drum; the kick rests long enough that no stroke cuts another."""
    own = [(t, m[0]) for t, m in jam.port.received() if m[0] in (0x99, 0x89) and m[1] == pitch]
    return [off - on for (on, _), (off, _) in zip(own[::2], own[1::2], strict=True)]


def test_equal_numbers_equal_music_and_half_of_it_is_half(tmp_path: Path) -> None:
    one, again, half = (Jam(tmp_path, amount).run() for amount in (1.0, 1.0, 0.5))
    other = Jam(tmp_path, 1.0, seed_number=1).run()
    funk = Jam(tmp_path, 1.0, feel="funk").run()
    assert one.ons() == again.ons()
    assert one.ons() != other.ons() and one.ons() != funk.ons()
    moved = [np.array([t - n.onset * TICK for n, t, _ in strokes(jam)]) for jam in (one, half)]
    free = np.abs(moved[0]) < 0.04  # those that no limit holds back
    close = np.array(
        [n.onset % 6 != 0 or n.onset % 192 >= 138 or n.onset % 192 in (18, 24, 42, 48) for n in written(one)]
    )
    assert (free & ~close).sum() > 30
    np.testing.assert_allclose(moved[1][free & ~close], moved[0][free & ~close] / 2, atol=1e-6)
    velocities = np.array([[v for *_, v in strokes(jam)] for jam in (one, half)])
    plain = np.array([n.velocity for n in written(one)])
    np.testing.assert_allclose(velocities[1] - plain, (velocities[0] - plain) / 2, atol=1)


def test_a_jam_plays_as_a_file_does(tmp_path: Path) -> None:
    jam = Jam(tmp_path, 1.0, bars=8).run()
    notes = written(jam)
    piece = Piece.from_notes([Note(n.onset, n.duration, n.pitch, n.velocity, DRUMS, 0) for n in notes], 24)
    file = perform(humaniser(), piece, 1.0, None, 0)
    wanted = {(n.onset, n.pitch): v for n, v in zip(piece, file.drums["velocity"].tolist(), strict=True)}
    sounded = {p: [v for _, q, v in jam.ons() if q == p] for p in {n.pitch for n in notes}}
    found = {(n.onset, n.pitch): sounded[n.pitch].pop(0) for n in piece}
    assert found.keys() == wanted.keys()
    both = np.array([(found[key], wanted[key]) for key in sorted(wanted)]).T
    assert np.corrcoef(both)[0, 1] > 0.8, "a jam knows only a second or two of what is to come, but that is all"
    assert both.std() > 5


def test_the_recording_holds_what_was_sounded(tmp_path: Path) -> None:
    jam = Jam(tmp_path, 1.0).run()
    piece = read_midi(jam.session.recorder.path)
    drums = piece.notes[piece.notes["program"] == DRUMS]
    recorded = sorted(
        zip(piece.seconds(drums["onset"]), drums["pitch"].tolist(), drums["velocity"].tolist(), strict=True)
    )
    sounded = sorted(jam.ons())
    assert len(recorded) == len(sounded) > 100
    for (a, *what), (b, *wanted) in zip(recorded, sounded, strict=True):
        assert a == pytest.approx(b, abs=0.0011)
        assert what == wanted or abs(a - b) < 0.002  # two that sound together may be written in either order


def test_the_knob_turns_while_it_plays(tmp_path: Path) -> None:
    jam = Jam(tmp_path, 0.0)
    knob = KNOBS["humanise"]
    jam.port.feed(100.0 + BEGIN + 4.1, bytes((0xB0, knob.cc, 127)))
    jam.at(8.1, lambda: jam.desk.set("humanise", 0))
    played = strokes(jam.run())
    check_structure(played)
    well_formed(jam.port.received())
    off = {bar: max(abs(t - n.onset * TICK) for n, t, _ in played if n.onset // 96 == bar) for bar in range(8)}
    assert off[0] < 1e-9 and off[1] < 1e-9 and off[3] > 0.005 and off[5] < 1e-9 and off[7] < 1e-9


ACTIONS = ("undo", "retake", "again", "panic", "enter", "rest", "mode loop", "mode solo", "humanise 0", "humanise 1")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.floats(0.2, 7), st.sampled_from(ACTIONS)), max_size=8))
def test_whatever_is_asked_for_every_stroke_ends_once(tmp_path_factory: Any, wishes: list[tuple[float, str]]) -> None:
    jam = Jam(tmp_path_factory.mktemp("wish"), 1.0, bars=4)

    def wish(text: str) -> Callable[[], None]:
        name, _, value = text.partition(" ")
        return lambda: jam.desk.set(name, float(value)) if name == "humanise" else jam.desk.do(name, value)

    for seconds, text in sorted(wishes):
        jam.at(seconds, wish(text))
    jam.at(9, lambda: jam.desk.do("quit"))
    jam.run(to_the_end=False)
    well_formed(jam.port.received())


@pytest.mark.parametrize("qpm", [60, 100, 200])
def test_milliseconds_are_those_of_a_followed_clock(tmp_path: Path, qpm: float) -> None:
    tick = 60 / qpm / 24
    jam = Jam(tmp_path, 1.0, FollowedClock(Timeline((Tempo(0, round(60e6 / qpm)),))))
    began = 101.0
    jam.port.feed(began, b"\xfa")
    for count in range(8 * 96 + 24):
        jam.port.feed(began + count * tick, b"\xf8")
    jam.run()
    well_formed(jam.port.received())
    sounded = {p: [t - began for t, m in jam.port.received() if m[0] == 0x99 and m[1] == p] for p in (36, 38, 42, 45)}
    played = [(n, sounded[n.pitch].pop(0), 0) for n in written(jam)]
    played = [row for row in played if row[0].onset >= 24]  # the first beat catches up with its master
    assert all(abs(t - n.onset * tick) < 3 * tick + 0.001 for n, t, _ in played)
    off = np.array([t - n.onset * tick for n, t, _ in played])
    assert np.abs(off).max() > 0.02
    order = sorted(played, key=lambda row: row[1])
    assert [n.onset for n, *_ in order] == sorted(n.onset for n, *_ in played)


def test_it_says_once_that_there_is_nothing_to_humanise(tmp_path: Path) -> None:
    tune = [n for n in BEAT if n.instrument == PIANO]
    jam = Jam(tmp_path, 1.0, voices=(PIANO,), notes=tune, bars=4).run()
    assert [s for s in jam.said if "humanised" in s] == [
        "Nothing is humanised: only drums can be, and it plays none (a seed with drums has it play them)."
    ]
    assert [t for t, *_ in jam.ons(channel=0)] == pytest.approx([24 * TICK * i for i in range(16)], abs=1e-9)
    bare = Jam(tmp_path, 1.0, humaniser=None).run()
    assert [s for s in bare.said if "humanised" in s] == ["Nothing is humanised: there is no humaniser checkpoint."]
    assert not [s for s in Jam(tmp_path, 0.0, humaniser=None).run().said if "humanised" in s]


class Counting(Humaniser):
    """Counts what it is shown."""

    def __init__(self) -> None:
        self.__dict__ = humaniser().__dict__
        self.shown: list[int] = []

    def perform(self, rows: Any, feel: str | None = None, seed_number: int | None = None) -> Any:
        self.shown.append(len(rows))
        return super().perform(rows, feel, seed_number)


def test_what_it_costs_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, read = Counting(), []

    def reading(notes: list[Any], *rest: Any) -> Any:
        read.append(len(notes))
        return rows_of(notes, *rest)

    monkeypatch.setattr("musegen.live.drummer.rows_of", reading)
    jam = Jam(tmp_path, 1.0, humaniser=counting, bars=40).run()
    places = {n.onset for n in written(jam, 40)}
    assert len(counting.shown) <= len(places)
    assert max(counting.shown) <= 5 * len(BEAT) // 2, "five bars' worth, in hour ten as in minute one"
    assert 50 < max(read) <= 8 * len(BEAT) // 2
    assert counting.shown[600] == pytest.approx(counting.shown[200], abs=len(BEAT))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 120), st.sampled_from([36, 38, 42])), min_size=1, max_size=40, unique=True),
    st.lists(st.floats(0.001, 0.4), min_size=4, max_size=40),
    st.floats(0.0, 0.5),
    st.integers(40, 240),
    st.integers(0, 9),
    st.sampled_from([1, 6, 48]),
)
def test_no_stroke_passes_another_or_the_commit_point(
    places: list[tuple[int, int]], pauses: list[float], commit: float, qpm: int, seed: int, ahead: int
) -> None:
    """Notes come in turns of any length, some of them late, and what follows them may not be known yet."""
    notes = sorted(TimedNote(t, 3, p, 80, DRUM) for t, p in places)
    timeline = Timeline((Tempo(0, round(60e6 / qpm)),), (Meter(0, 4, 4),))
    performer = Performer(DirectPartner(One(Script(notes))), timeline, Desk(), voices=(DRUM,))
    performer.ahead = ahead
    conductor, drummer = HostTime(timeline), Drummer(humaniser(spread=2.0), None, seed)
    now, tick = 10.0, -24.0
    conductor.at(tick, now, qpm)
    sounded: list[tuple[int, float]] = []
    while not performer.finished:
        pause = pauses[len(sounded) % len(pauses)]
        now, tick = now + pause, tick + pause * qpm * 24 / 60
        conductor.update(now)
        conductor.at(tick, now, qpm)
        final = now + commit
        turn = performer.advance(tick, conductor.tick(final + drummer.reach(performer, 1.0)), -1e9)
        played = drummer.strokes(turn.notes, performer, conductor, Controls(humanise=1), final)
        assert set(played) == {n.number for n in turn.notes}
        for note in turn.notes:
            time, on = played[note.number].time, conductor.time(note.onset)
            assert time >= min(on, final) - 1e-9, "before it was final"
            assert time >= conductor.time(0) - 1e-9, "before the music began"
            assert time >= on - EARLIEST - 1e-9
            assert all(t < time for place, t in sounded if place < note.onset)
            assert 1 <= played[note.number].velocity <= 127
        sounded += [(n.onset, played[n.number].time) for n in turn.notes]
    assert len(sounded) == len(notes)


@pytest.mark.parametrize("first", [0, 24])
def test_what_comes_unexpectedly_comes_after_and_nothing_before_the_beginning(first: int) -> None:
    """A stroke that nobody knew of when the one before it became final; in time for both."""
    late = held = 0
    for seed in range(12):
        script = [TimedNote(first + t, 3, p, 80, DRUM) for t, p in ((0, 42), (30, 36), (48, 38), (54, 42), (72, 36))]
        performer = Performer(DirectPartner(One(Script(script))), LINE, Desk())
        conductor, drummer = HostTime(LINE), Drummer(humaniser(seed, 2.0))
        conductor.at(-48, 10.0, 120)
        (known,) = performer.advance(first, first + 1, -1e9).notes
        times = []
        for note in (known, known._replace(onset=first + 1, pitch=38, number=-99)):
            performer.history.add(note)
            amount = 1.0 if note is known else 0.01  # the second would be all but on time
            played = drummer.strokes([note], performer, conductor, Controls(humanise=amount), 10.0)
            times.append(played[note.number].time)
        assert conductor.time(0) <= times[0] < times[1]
        late += times[0] > conductor.time(first + 1)
        held += times[0] == conductor.time(0)
    assert late > 1 and (held > 1 or first > 0), "it never mattered: the test says nothing"

"""The performer and the session on the fake clock: repeatable, on the bar, and silent whatever happens."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jam_sources import Steady

from musegen.errors import MusegenError, PortError
from musegen.events.codec import TimedNote
from musegen.live.feed import DirectFeed
from musegen.live.messages import program_change
from musegen.live.performer import BEGIN, Performer, Silent
from musegen.live.scheduler import Scheduler
from musegen.live.session import Session
from musegen.live.sources import play
from musegen.live.testing import FakeClock, LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.midi import read_midi
from musegen.piece import Key, Meter, Note, Piece, Tempo

LINE = Timeline((Tempo(0, 500_000),), (Meter(0, 3, 4),), (Key(0, 2),))


class Told(Silent):
    """A listener that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.notes: list[TimedNote] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def note(self, note: TimedNote, channel: int) -> None:
        self.notes.append(note)


def session(tmp_path: Path, gone_at: float = float("inf"), bars: int | None = 4) -> tuple[Session, LoopbackPort]:
    clock = FakeClock(100.0)
    port = LoopbackPort(clock, gone_at)
    feed = DirectFeed(Steady(instruments=(0, 160, 512)))
    return Session(feed, port, LINE, clock, tmp_path / "jam.mid", bars=bars), port


def test_a_jam_is_repeatable_to_the_microsecond_and_faster_than_real_time(tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        jam, port = session(tmp_path, bars=100)
        assert jam.run() is True
        runs.append((port.received(), (tmp_path / "jam.mid").read_bytes()))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 600


def test_notes_come_at_nominal_times_and_the_recording_is_what_was_sent(tmp_path: Path) -> None:
    jam, port = session(tmp_path)
    jam.run()
    origin = 100.0 + BEGIN
    ons = [(t, m) for t, m in port.received() if m[0] & 0xF0 == 0x90]
    assert [t for t, _ in ons] == pytest.approx([origin + 0.5 * i for i in range(12)], abs=1e-9)
    assert [m[0] & 15 for _, m in ons] == [0, 1, 9] * 4  # drums on channel 10
    recorded = read_midi(jam.recorder.path)
    assert recorded.tempos == LINE.tempos
    assert recorded.meters == LINE.meters
    assert recorded.keys == LINE.keys
    # The last note would reach beyond the last bar line and is cut there.
    expected = [(480 * i, 960 if i < 11 else 480, 48 + i, (0, 40, 128)[i % 3]) for i in range(12)]
    assert [(n.onset, n.duration, n.pitch, n.program) for n in recorded] == expected


def test_program_changes_precede_the_first_note_of_each_instrument(tmp_path: Path) -> None:
    jam, port = session(tmp_path)
    jam.run()
    received = [m for _, m in port.received()]
    assert received.index(program_change(1, 40)) < received.index(bytes((0x91, 49, 80)))
    assert [m for m in received if m[0] & 0xF0 == 0xC0] == [program_change(0, 0), program_change(1, 40)]


def test_the_timeline_can_be_pulled_without_any_clock(tmp_path: Path) -> None:
    """What a host that owns the time does: "the notes from beat 17 to 18"."""
    clock = FakeClock()
    performer = Performer(DirectFeed(Steady()), Scheduler(clock, LoopbackPort(clock)), LINE)
    early = performer.notes_between(0, 17 * 24)
    assert [n.onset for n in early] == [24 * i for i in range(17)]
    assert [n.onset for n in performer.notes_between(17 * 24, 18 * 24)] == [17 * 24]
    assert clock.now() == 0.0


class SlowFeed:
    """Real time on a fake clock: note i becomes ready at `ready(i)`."""

    def __init__(self, clock: "RunningClock", ready: Callable[[int], float], count: int = 16) -> None:
        self._clock, self._ready, self._notes = clock, ready, list(Steady(count).open())
        self._next = 0

    @property
    def ended(self) -> bool:
        return self._next == len(self._notes)

    def take(self, wait: bool) -> TimedNote | None:
        assert not wait
        if self.ended or self._ready(self._next) > self._clock.now():
            return None
        self._next += 1
        return self._notes[self._next - 1]

    def check(self) -> None: ...

    def close(self) -> None: ...


class RunningClock(FakeClock):
    realtime = True


def test_a_starved_queue_rests_for_whole_bars_and_says_so(tmp_path: Path) -> None:
    clock = RunningClock(100.0)
    port, told = LoopbackPort(clock), Told()
    feed = SlowFeed(clock, lambda i: 0.0 if i < 8 else 107.0)  # note 8 is due at 104.25
    jam = Session(feed, port, LINE, clock, tmp_path / "jam.mid", listener=told)
    assert jam.run() is True
    onsets = [n.onset // 24 for n in told.notes]
    assert onsets == [*range(8), *range(8 + 6, 16 + 6)]  # two bars of three beats later, on the same beat
    assert jam.performer.rests == 2
    assert jam.scheduler.late == 0
    assert told.said == [
        "Waiting for the model: no notes are ready.",
        "The model was behind: rested for 2 bars.",
    ]
    assert hanging(port.received()) == set()
    assert [n.onset // 480 for n in read_midi(jam.recorder.path)] == onsets


def test_playing_begins_only_when_there_is_something_to_play(tmp_path: Path) -> None:
    clock = RunningClock(100.0)
    jam = Session(SlowFeed(clock, lambda i: 130.0 + i * 0.01), LoopbackPort(clock), LINE, clock, tmp_path / "jam.mid")
    assert jam.run() is True
    assert jam.performer.rests == 0
    assert len(read_midi(jam.recorder.path)) == 16


def test_stopping_is_silence_at_once_and_keeps_the_recording(tmp_path: Path) -> None:
    jam, port = session(tmp_path, bars=None)
    stop = threading.Event()
    clock = jam.scheduler.clock
    plain = clock.wait_until

    def wait_until(time: float) -> None:
        plain(time)
        if clock.now() > 110:
            stop.set()

    clock.wait_until = wait_until  # type: ignore[method-assign]
    assert jam.run(stop) is False
    received = port.received()
    assert hanging(received) == set()
    assert port.closed
    assert max(t for t, _ in received) < 110.1
    assert len(read_midi(jam.recorder.path)) == 20


def test_a_port_that_goes_ends_the_jam_with_its_sentence_and_keeps_the_recording(tmp_path: Path) -> None:
    jam, _ = session(tmp_path, gone_at=104.0)
    with pytest.raises(PortError, match="unplugged"):
        jam.run()
    recorded = read_midi(jam.recorder.path)
    assert len(recorded) == 8
    assert recorded.seconds(recorded.end) == pytest.approx(4.0 - BEGIN, abs=0.05)  # cut where the port went


class Exploding:
    """Notes, then an error."""

    def open(self) -> Iterator[TimedNote]:
        yield from Steady(8).open()
        raise MusegenError("The model stopped: no more ideas.")


def test_an_error_of_the_model_is_silence_and_keeps_the_recording(tmp_path: Path) -> None:
    clock = FakeClock(100.0)
    port = LoopbackPort(clock)
    jam = Session(DirectFeed(Exploding()), port, LINE, clock, tmp_path / "jam.mid")
    with pytest.raises(MusegenError, match="no more ideas"):
        jam.run()
    assert hanging(port.received()) == set()
    assert port.closed
    assert len(read_midi(jam.recorder.path)) >= 7


def test_a_file_plays_round_and_round_from_bar_lines() -> None:
    piece = Piece.from_notes([Note(0, 480, 60), Note(960, 480, 64)], 480, meters=(Meter(0, 3, 4),))
    notes = play(piece, loop=True)
    assert [(n.onset, n.duration, n.pitch) for n in (next(notes) for _ in range(4))] == [
        (0, 24, 60),
        (48, 24, 64),
        (72, 24, 60),
        (120, 24, 64),
    ]

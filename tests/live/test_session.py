"""A whole session on the fake clock: repeatable, on the bar, and silent whatever happens."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from jam_sources import Failing, One, Parrot, Steady

from musegen.errors import MusegenError
from musegen.live.clock import Clock, RealClock
from musegen.live.desk import Desk
from musegen.live.hands import Hands
from musegen.live.messages import note_off, note_on, program_change
from musegen.live.own_time import OwnTime
from musegen.live.partner import Answer, DirectPartner, Partner, Source
from musegen.live.ports import Port
from musegen.live.relay import Relay
from musegen.live.session import BEGIN, Session, Setup
from musegen.live.showing import status_of
from musegen.live.sources import FileSource
from musegen.live.testing import FakeClock, LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.midi import read_midi, write_midi
from musegen.piece import Key, Meter, Note, Piece, Tempo

from .agenda import Agenda

LINE = Timeline((Tempo(0, 500_000),), (Meter(0, 3, 4),), (Key(0, 2),))
THREE = (0, 160, 512)


class Jam:
    """A session on a fake clock, and everything around it."""

    def __init__(
        self,
        tmp_path: Path,
        source: Source | None = None,
        partner: Partner | None = None,
        clock: Clock | None = None,
        port: Callable[["Jam"], Port] | None = None,
        **setup: object,
    ) -> None:
        self.clock = clock or FakeClock(100.0)
        self.loopback = LoopbackPort(self.clock)
        self.conductor = OwnTime(LINE, self.clock)
        self.desk = Desk()
        self.stop = threading.Event()
        self.said: list[str] = []
        partner = partner or DirectPartner(source or Steady(instruments=THREE))
        self.session = Session(
            partner,
            port(self) if port else self.loopback,
            self.conductor,
            self.clock,
            tmp_path / "jam.mid",
            self.desk,
            Setup(**{"voices": THREE, "bars": 4, **setup}),  # type: ignore[arg-type]
        )
        self._agenda = Agenda(self.clock)

    def at(self, time: float, what: Callable[[], None]) -> None:
        """Do `what` at clock `time`."""
        self._agenda.at(time, what)

    def run(self) -> bool:
        return self.session.run(self.stop, self.said.append)

    @property
    def received(self) -> list[tuple[float, bytes]]:
        return self.loopback.received()

    def ons(self) -> list[tuple[float, bytes]]:
        return [(t, m) for t, m in self.received if m[0] & 0xF0 == 0x90]


def test_a_jam_is_repeatable_to_the_microsecond_and_faster_than_real_time(tmp_path: Path) -> None:
    runs = []
    for name in "ab":
        (tmp_path / name).mkdir()
        jam = Jam(tmp_path / name, bars=100)
        assert jam.run() is True
        runs.append((jam.received, (tmp_path / name / "jam.mid").read_bytes()))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 600


def test_notes_come_at_nominal_times_and_the_recording_is_what_was_sent(tmp_path: Path) -> None:
    jam = Jam(tmp_path)
    jam.run()
    origin = 100.0 + BEGIN
    assert [t for t, _ in jam.ons()] == pytest.approx([origin + 0.5 * i for i in range(12)], abs=1e-9)
    assert [m[0] & 15 for _, m in jam.ons()] == [0, 1, 9] * 4  # drums on channel 10
    recorded = read_midi(jam.session.recorder.path)
    assert recorded.tempos == LINE.tempos
    assert recorded.meters == LINE.meters
    assert recorded.keys == LINE.keys
    # The last note would reach beyond the last bar line and is cut there.
    expected = [(480 * i, 960 if i < 11 else 480, 48 + i, (0, 40, 128)[i % 3]) for i in range(12)]
    assert [(n.onset, n.duration, n.pitch, n.program) for n in recorded] == expected


def test_program_changes_precede_the_first_note_of_each_instrument(tmp_path: Path) -> None:
    jam = Jam(tmp_path)
    jam.run()
    received = [m for _, m in jam.received]
    assert received.index(program_change(1, 40)) < received.index(bytes((0x91, 49, 80)))
    assert [m for m in received if m[0] & 0xF0 == 0xC0] == [program_change(0, 0), program_change(1, 40)]


def test_voices_have_the_channels_they_are_given(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(instruments=(0, 160)), channels=(4,), player_channels=frozenset((0, 1)))
    jam.run()
    assert {m[0] & 15 for _, m in jam.ons()} == {4, 2}


class RunningClock(FakeClock):
    """Real time, as far as anybody can tell."""

    realtime = True


class SlowPartner(DirectPartner):
    """Real time on a fake clock: what it plays from tick `tick` on is ready at `ready`."""

    def __init__(self, source: Source, clock: FakeClock, tick: int, ready: float) -> None:
        super().__init__(source)
        self._clock, self._tick, self._ready = clock, tick, ready
        self._kept: list[Answer] = []

    def take(self) -> list[Answer]:
        self._kept += super().take()
        held = self._clock.now() < self._ready
        given = [a for a in self._kept if not held or (a.note and a.note.onset < self._tick)]
        self._kept = [a for a in self._kept if a not in given]
        return given


def running(clock: RunningClock, session: Session) -> None:
    session.stage.wait = lambda: clock.wait_until(clock.now() + 0.01)  # type: ignore[method-assign]


def test_a_starved_queue_rests_to_the_bar_and_says_so(tmp_path: Path) -> None:
    clock = RunningClock(100.0)
    partner = SlowPartner(Steady(), clock, 8 * 24, 107.0)  # that note is due at 104.3
    jam = Jam(tmp_path, partner=partner, clock=clock, bars=8)
    running(clock, jam.session)
    assert jam.run() is True
    onsets = [round((t - 100.3) / 0.5, 3) for t, _ in jam.ons()]
    assert onsets == [*range(8), *range(15, 24)]  # from the bar line after 107 on
    assert jam.session.performer.rests >= 2
    assert jam.session.scheduler.late == 0
    assert jam.said[0] == "Waiting for the model: no notes are ready."
    assert jam.said[1].startswith("The model was behind: rested for ")
    assert hanging(jam.received) == set()


def test_playing_begins_only_when_there_is_something_to_play(tmp_path: Path) -> None:
    clock = RunningClock(100.0)
    jam = Jam(tmp_path, partner=SlowPartner(Steady(), clock, 0, 105.0), clock=clock)
    running(clock, jam.session)
    assert jam.run() is True
    assert jam.session.performer.rests == 0
    assert jam.ons()[0][0] == pytest.approx(105.3, abs=0.05)


def test_stopping_is_silence_at_once_and_keeps_the_recording(tmp_path: Path) -> None:
    jam = Jam(tmp_path, bars=None)
    jam.at(110.0, jam.stop.set)
    assert jam.run() is False
    assert hanging(jam.received) == set()
    assert jam.loopback.closed
    assert max(t for t, _ in jam.received) < 110.1
    assert len(read_midi(jam.session.recorder.path)) == 20


def test_an_error_of_the_model_is_silence_and_keeps_the_recording(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Failing(16), bars=None)
    with pytest.raises(ValueError, match="NaN"):
        jam.run()
    assert hanging(jam.received) == set()
    assert jam.loopback.closed
    assert len(read_midi(jam.session.recorder.path)) >= 7


def test_a_piece_that_ends_ends_the_jam(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(7), bars=None)
    assert jam.run() is True
    assert len(jam.ons()) == 7


def test_a_file_plays_round_and_round_from_bar_lines(tmp_path: Path) -> None:
    piece = Piece.from_notes([Note(0, 480, 60), Note(960, 480, 64)], 480, meters=(Meter(0, 3, 4),))
    write_midi(piece, tmp_path / "seed.mid")
    jam = Jam(tmp_path, FileSource(tmp_path / "seed.mid", loop=True), bars=2)
    jam.run()
    assert [(round((t - 100.3) * 2, 6), m[1]) for t, m in jam.ons()] == [(0, 60), (2, 64), (3, 60), (5, 64)]


def test_the_end_of_a_long_note_follows_the_tempo(tmp_path: Path) -> None:
    """Its end was not placed with its beginning: at half the tempo it comes twice as late."""
    jam = Jam(tmp_path, Steady(1), bars=None)
    jam.at(100.8, lambda: jam.conductor.set_tempo(60))
    jam.run()
    (on, off) = [t for t, m in jam.received if m[0] in (0x90, 0x80)]
    assert on == pytest.approx(100.3)
    assert off == pytest.approx(100.8 + 1.0, abs=0.02)  # a beat at 120, then one at 60


def test_a_count_in_clicks_and_the_music_begins_after_it(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(), count_in=1, bars=1)
    jam.run()
    clicks = [(t, m[1]) for t, m in jam.ons() if m[0] & 15 == 9]
    assert [p for _, p in clicks] == [76, 77, 77]
    assert [t for t, _ in clicks] == pytest.approx([100.3, 100.8, 101.3])
    assert min(t for t, m in jam.ons() if m[0] & 15 == 0) == pytest.approx(101.8)


def test_panic_is_silence_and_rest_until_asked_to_come_in(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(), bars=8)
    jam.at(103.0, lambda: jam.desk.do("panic"))
    jam.at(106.0, lambda: jam.desk.do("enter"))
    jam.run()
    beats = [round((t - 100.3) * 2) for t, _ in jam.ons()]
    assert not [b for b in beats if 5.5 < b < 11.5]
    assert 12 in beats, "the bar line after 106"
    between = [m for t, m in jam.received if 102.9 < t < 103.2]
    assert {bytes((0xB0, n, 0)) for n in (64, 120, 123)} <= set(between)


def test_wishes_are_granted_while_playing_and_bad_ones_are_one_sentence(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(), bars=12)
    for i, (action, argument) in enumerate(
        [("mode", "loop"), ("keep", ""), ("undo", ""), ("retake", ""), ("again", "")]
    ):
        jam.at(105.0 + i, lambda a=action, b=argument: jam.desk.do(a, b))  # type: ignore[misc]
    jam.run()
    kept = list(tmp_path.glob("kept*.mid"))
    assert len(kept) == 1
    assert any(str(kept[0]) in text for text in jam.said)
    assert 1 <= len(read_midi(kept[0])) < len(jam.ons())
    assert hanging(jam.received) == set()


def test_tapping_sets_the_tempo(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(), bars=6)
    for i in range(5):
        jam.at(102.0 + 0.4 * i, lambda: jam.desk.do("tap"))
    jam.run()
    times = [t for t, _ in jam.ons()]
    assert times[-1] - times[-2] == pytest.approx(0.4, abs=0.011)


def test_the_players_notes_are_heard_recorded_and_answered(tmp_path: Path) -> None:
    brain = Parrot()
    jam = Jam(tmp_path, One(brain), mode="answer", bars=4)
    for beat in range(3):
        jam.loopback.feed(100.3 + 0.5 * beat, note_on(0, 60, 90))
        jam.loopback.feed(100.3 + 0.5 * beat + 0.25, note_off(0, 60))
    jam.run()
    assert [(n.onset, n.duration) for name, n in brain.told if name == "hear"] == [(0, None), (24, None), (48, None)]  # type: ignore[attr-defined]
    assert [round((t - 100.3) * 2, 3) for t, _ in jam.ons()] == [4, 5, 6]
    recorded = read_midi(jam.session.recorder.path)
    assert len(recorded) == 6
    assert len({n.part for n in recorded}) == 2, "each has a track"


def test_a_file_plays_as_if_it_were_the_keyboard(tmp_path: Path) -> None:
    piece = Piece.from_notes([Note(24 * i, 12, 60, 90) for i in range(3)], meters=(Meter(0, 3, 4),))
    jam = Jam(tmp_path, One(), port=lambda j: Hands(j.loopback, piece, j.conductor, j.clock), mode="answer", bars=4)
    jam.run()
    assert [round((t - 100.3) * 2, 3) for t, _ in jam.ons()] == [4, 5, 6]
    assert len(read_midi(jam.session.recorder.path)) == 6


def test_a_controller_turns_a_knob_and_is_not_music(tmp_path: Path) -> None:
    jam = Jam(tmp_path)
    jam.loopback.feed(101.0, bytes((0xB0, 20, 127)))  # the temperature's
    jam.run()
    assert jam.desk.controls.temperature == 2.0


def test_a_companion_sounds_as_long_as_its_key_is_down(tmp_path: Path) -> None:
    jam = Jam(tmp_path, One(), mode="harmonise", bars=4, voices=(160,))
    jam.loopback.feed(101.0, note_on(0, 60, 90))
    jam.loopback.feed(103.0, note_off(0, 60))
    jam.run()
    notes = [(t, m) for t, m in jam.received if m[0] & 0xF0 in (0x80, 0x90)]
    assert [m[:2] for _, m in notes] == [bytes((0x90, 48)), bytes((0x80, 48))]
    assert [t for t, _ in notes] == pytest.approx([101.0, 103.0], abs=0.03)


def test_a_port_that_vanishes_is_no_end(tmp_path: Path) -> None:
    """Its notes are let go, and when it is back playing goes on at a bar line."""
    jam = Jam(tmp_path, Steady(), bars=8)
    jam.loopback.unplug(103.0, until=105.0)
    assert jam.run() is True
    beats = [round((t - 100.3) * 2, 3) for t, _ in jam.ons()]
    assert beats == [*range(6), *range(12, 24)]
    assert hanging(jam.received) == set()
    assert any("loopback" in text for text in jam.said)


def test_the_status_tells_a_view_everything(tmp_path: Path) -> None:
    jam = Jam(tmp_path, One(), mode="accompany", bars=8)
    jam.loopback.feed(103.0, note_on(0, 60, 90))
    status = status_of(jam.session, jam.loopback)
    seen = []
    jam.at(103.5, lambda: seen.append(status()))
    jam.run()
    (now,) = seen
    assert now.mode == "accompany"
    assert now.tick == pytest.approx(6.4 * 24, abs=1)
    assert (now.position.bar, now.position.beat) == (3, 1)
    assert [(n.who, n.duration) for n in now.notes if n.who == "player"] == [("player", None)]
    assert {n.state for n in now.notes if n.who == "model"} == {"committed", "planned"}
    assert {k.name for k in now.knobs} >= {"temperature", "density"}


def test_errors_of_ours_keep_their_words(tmp_path: Path) -> None:
    class Exhausted(Parrot):
        def next(self) -> None:
            raise MusegenError("The model has no more ideas.")

    jam = Jam(tmp_path, One(Exhausted()))
    with pytest.raises(MusegenError, match="no more ideas"):
        jam.run()
    assert jam.loopback.closed


def test_a_voice_gets_another_sound_and_another_channel_and_nothing_hangs(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(), voices=(0,), bars=6)  # every note lasts two beats: one always sounds
    jam.at(103.0, lambda: jam.desk.do("channel", "1 5"))
    jam.at(105.0, lambda: jam.desk.do("program", "1 33"))
    jam.at(106.0, lambda: jam.desk.do("channel", "2 5"))
    jam.run()
    channels = [m[0] & 15 for _, m in jam.ons()]
    assert channels == sorted(channels) and set(channels) == {0, 4}
    assert [m for _, m in jam.received if m[0] & 0xF0 == 0xC0] == [
        program_change(0, 0),
        program_change(4, 0),
        program_change(4, 33),
    ]
    assert hanging(jam.received) == set()
    assert "There is no voice 2: it plays 1." in jam.said


def test_transposing_moves_what_is_sent_and_ends_what_sounds(tmp_path: Path) -> None:
    jam = Jam(tmp_path, Steady(), voices=(0,), bars=6)
    jam.at(103.0, lambda: jam.desk.set("transpose", 12))
    jam.run()
    plain = [m[1] for t, m in jam.ons() if t < 103]
    moved = [m[1] for t, m in jam.ons() if t > 103.2]
    assert plain == [48 + i for i in range(len(plain))]
    assert moved == [60 + i % 24 for i in range(18 - len(moved), 18)]
    assert hanging(jam.received) == set()


def test_another_model_takes_over_without_a_gap(tmp_path: Path) -> None:
    """Real time and real processes: the newcomer gets ready while the old one plays, and comes in on the beat."""
    relay = Relay(Steady())
    jam = Jam(tmp_path, partner=relay, clock=RealClock(), bars=4)
    threading.Timer(1.5, relay.swap, (Steady(instruments=(160,)), "strings")).start()
    assert jam.run() is True
    relay.close()
    beats = [(t - jam.ons()[0][0]) / 0.5 for t, _ in jam.ons()]
    assert beats == pytest.approx(range(12), abs=0.05)
    assert [m[0] & 15 for _, m in jam.ons()] == sorted(m[0] & 15 for _, m in jam.ons())
    assert jam.ons()[-1][1][0] & 15 == 1, "the strings play at the end"
    assert jam.said == ["Playing with strings now."]
    assert jam.session.performer.rests == 0


def test_where_nobody_hears_a_beat_the_hands_begin_the_bar(tmp_path: Path) -> None:
    jam = Jam(tmp_path, One(), mode="answer", bars=8, free=True)
    for beat in range(3):  # off musegen's own beat by a seventh of one
        jam.loopback.feed(102.37 + 0.5 * beat, note_on(0, 60, 90))
        jam.loopback.feed(102.37 + 0.5 * beat + 0.25, note_off(0, 60))
    jam.run()
    answer = [round(t - 102.37, 2) for t, _ in jam.ons()]
    assert answer == pytest.approx([2.0, 2.5, 3.0], abs=0.02), "a beat of rest, then the hands' own beat"
    assert hanging(jam.received) == set()


def test_a_pick_up_before_the_first_bar_is_heard(tmp_path: Path) -> None:
    brain = Parrot()
    jam = Jam(tmp_path, One(brain), mode="answer", bars=4, count_in=1)
    jam.loopback.feed(101.55, note_on(0, 60, 90))  # the first bar begins at 101.8
    jam.loopback.feed(101.7, note_off(0, 60))
    jam.run()
    assert [n.onset for name, n in brain.told if name == "hear"] == [-12]  # type: ignore[attr-defined]
    assert round((min(t for t, m in jam.ons() if m[0] & 15 == 0) - 101.8) * 2, 3) == 1


def test_a_chord_held_by_the_left_hand_is_the_harmony_until_it_is_let_go(tmp_path: Path) -> None:
    brain = Parrot()
    jam = Jam(tmp_path, One(brain), mode="accompany", bars=8, split=60)
    for i, pitch in enumerate((48, 52, 55)):
        jam.loopback.feed(102.0 + 0.01 * i, note_on(0, pitch, 90))
        jam.loopback.feed(103.0, note_off(0, pitch))
    jam.loopback.feed(104.0, note_on(0, 72, 90))  # the right hand
    jam.loopback.feed(104.5, note_off(0, 72))
    jam.at(106.0, lambda: jam.desk.do("free"))
    jam.run()
    harmonies = [set(request.controls.harmony) for request in brain.asked]
    assert harmonies[0] == set()
    assert {0, 4, 7} in harmonies
    assert harmonies[-1] == set()
    since = harmonies.index({0, 4, 7})
    assert all(h in ({0, 4, 7}, set()) for h in harmonies[since:]), "the right hand changes nothing"

"""Small parts: clocks, the frame clock, the timeline, channels, the wire, names of ports."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musegen.errors import PortError
from musegen.live import wire
from musegen.live.channels import Channels
from musegen.live.clock import FakeClock, RealClock
from musegen.live.messages import DRUM_CHANNEL, program_change
from musegen.live.ports import NoPort, System, find_port, open_port
from musegen.live.sender_jack import FrameClock
from musegen.live.timeline import Timeline
from musegen.piece import DRUMS, Key, Meter, Note, Piece, Tempo


def test_the_fake_clock_stands_still_until_somebody_waits() -> None:
    clock = FakeClock(5.0)
    assert [clock.now(), clock.now()] == [5.0, 5.0]
    clock.wait_until(7.5)
    assert clock.now() == 7.5
    clock.wait_until(3.0)
    assert clock.now() == 7.5


def test_the_real_clock_waits_at_least_until_the_time() -> None:
    clock = RealClock()
    due = clock.now() + 0.01
    clock.wait_until(due)
    assert due <= clock.now() < due + 1


class Server:
    """A server's frame counter against the machine's clock: `drift` frames too many a second, late callbacks."""

    def __init__(self, clock: FrameClock, first_frame: int, drift: float = 0.0) -> None:
        self.clock, self.frame, self.now = clock, first_frame, 1000.0
        self.per_cycle = 256 / (48_000 + drift)

    def run(self, cycles: int, lateness: float = 0.0) -> None:
        for _ in range(cycles):
            self.clock.cycle(self.frame & 0xFFFFFFFF, 256, self.now + lateness)
            self.frame += 256
            self.now += self.per_cycle

    def error(self) -> float:
        """How many frames the clock's idea of now is off."""
        return self.clock.frame(self.now) - (self.clock.start + 256)


def test_the_frame_clock_survives_the_wrap_of_the_frame_counter() -> None:
    server = Server(FrameClock(48_000), 2**32 - 256 * 500)
    server.run(1000)
    assert abs(server.error()) < 0.01


def test_the_frame_clock_follows_a_sound_card_that_runs_fast() -> None:
    server = Server(FrameClock(48_000), 0, drift=48_000 * 50e-6)
    server.run(187 * 600)  # ten minutes: 1440 frames apart by now
    assert abs(server.error()) < 0.001 * 48_000


def test_one_late_callback_does_not_move_the_frame_clock() -> None:
    server = Server(FrameClock(48_000), 0)
    server.run(200)
    server.run(1, lateness=0.02)
    assert abs(server.error()) < 0.01
    server.run(1, lateness=0.002)
    assert abs(server.error()) < 0.1


def test_late_first_callbacks_do_not_set_the_frame_clock_wrong() -> None:
    server = Server(FrameClock(48_000), 0)
    server.run(5, lateness=0.015)
    server.run(40)
    assert abs(server.error()) < 0.01


def test_the_frame_clock_believes_a_server_that_stood_still() -> None:
    server = Server(FrameClock(48_000), 0)
    server.run(200)
    server.now += 0.1
    server.run(40)
    assert abs(server.error()) < 0.01


line = Timeline(
    (Tempo(0, 500_000), Tempo(100, 1_000_000)), (Meter(0, 4, 4), Meter(192, 3, 4), Meter(192 + 144, 6, 8)), (Key(0, 1),)
)


@given(st.floats(0, 10_000))
def test_ticks_and_seconds_are_inverse(tick: float) -> None:
    assert line.tick(line.seconds(tick)) == pytest.approx(tick, abs=1e-6)


def test_seconds_follow_the_tempo_map() -> None:
    assert line.seconds(100) == pytest.approx(100 / 48)
    assert line.seconds(124) == pytest.approx(100 / 48 + 1.0)
    assert line.tick(-1.0) == pytest.approx(-48)


def test_bars_follow_the_meter_map() -> None:
    assert [line.bar_start(b) for b in range(6)] == [0, 96, 192, 264, 336, 408]
    assert [str(line.position(t)) for t in (-5, 0, 95, 96, 191, 192, 263, 264, 336, 348, 408)] == [
        *("1.1", "1.1", "1.4", "2.1", "2.4", "3.1", "3.3", "4.1", "5.1", "5.2", "6.1")
    ]


def test_what_goes_on_after_a_piece_is_its_last_tempo_meter_and_key() -> None:
    piece = Piece.from_notes(
        [Note(0, 10, 60)],
        480,
        tempos=(Tempo(0), Tempo(960, 400_000)),
        meters=(Meter(0), Meter(960, 3, 4)),
        keys=(Key(0, 3), Key(960, -2, True)),
    )
    assert Timeline.after(piece) == Timeline((Tempo(0, 400_000),), (Meter(0, 3, 4),), (Key(0, -2, True),))
    assert Timeline.after(piece, 120.0).tempos == (Tempo(0, 500_000),)
    assert Timeline.of(piece).tempos == (Tempo(0), Tempo(48, 400_000))


def test_each_instrument_has_a_channel_of_its_own_and_drums_the_tenth() -> None:
    channels = Channels()
    assert channels.of(512, DRUMS) == (DRUM_CHANNEL, [])
    given = [channels.of(4 * program, program) for program in range(0, 120, 8)]
    assert [c for c, _ in given] == [*range(9), *range(10, 16)]
    assert [m for _, m in given] == [[program_change(c, p)] for (c, _), p in zip(given, range(0, 120, 8), strict=True)]
    assert channels.of(0, 0) == (0, [])  # known already


def test_the_sixteenth_instrument_shares_with_the_nearest_and_changes_nothing() -> None:
    channels = Channels()
    for program in range(0, 120, 8):
        channels.of(4 * program, program)
    assert channels.of(4 * 41, 41) == (5, [])  # program 40 plays on channel 5
    assert channels.of(4 * 40 + 1, 40) == (5, [])


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.binary(min_size=1, max_size=3))), st.integers(1, 20))
def test_records_survive_being_cut_anywhere(records: list[tuple[float, bytes]], size: int) -> None:
    data = b"".join(wire.pack(*r) for r in records)
    unpacker = wire.Unpacker()
    assert [r for i in range(0, len(data), size) for r in unpacker.feed(data[i : i + size])] == records


def test_ports_are_found_by_name_then_without_case_then_by_part() -> None:
    ports = ["Synth in", "synth IN 2", "Piano"]
    assert find_port("Piano", ports) == "Piano"
    assert find_port("piano", ports) == "Piano"
    assert find_port("ian", ports) == "Piano"
    assert find_port("synth in", ports) == "Synth in"
    assert find_port("synth", ports) is None  # which of the two?
    assert find_port("organ", ports) is None


WINDOWS = System("winmm", "Windows MIDI", True, virtual=False, outputs=("loopMIDI Port 1", "loopMIDI Port 2"))


def test_windows_is_told_of_loopmidi() -> None:
    with pytest.raises(PortError, match="install loopMIDI or Windows MIDI Services") as caught:
        open_port(systems=[WINDOWS])
    assert "loopMIDI Port 1" in str(caught.value)


def test_half_a_name_that_fits_two_ports_is_an_error_that_lists_them() -> None:
    with pytest.raises(PortError, match=r"^'loop' could be any of these ports: loopMIDI Port 1, loopMIDI Port 2"):
        open_port(to="loop", systems=[WINDOWS])


def test_without_any_system_a_jam_needs_no_port_but_a_named_one_is_an_error() -> None:
    none = [System("alsa", "ALSA", False, missing="no")]
    assert isinstance(open_port(systems=none), NoPort)
    with pytest.raises(PortError, match=r"^There is no MIDI port called 'x', nor any other to send to"):
        open_port(to="x", systems=none)


def test_a_missing_rtmidi_is_one_helpful_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from musegen.live import sender_rtmidi
    from musegen.live.mailbox import Trouble

    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(Trouble, match=r"pip install python-rtmidi .*from 3\.13 on"):
        sender_rtmidi.load()


def test_waiting_takes_no_time_when_the_time_has_passed() -> None:
    began = time.perf_counter()
    RealClock().wait_until(began - 10)
    assert time.perf_counter() - began < 1

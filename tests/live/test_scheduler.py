"""The scheduler on the fake clock: the ledger, stale offs, lateness, panic, faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musegen.errors import PortError
from musegen.live.messages import control, note_off, note_on
from musegen.live.scheduler import Scheduler, Sound
from musegen.live.testing import FakeClock, LoopbackPort, hanging


def run(sounds: list[Sound], until: float = 20.0, step: float = 0.02) -> tuple[Scheduler, list[tuple[float, bytes]]]:
    """Play sounds that are all known at time 0."""
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    for sound in sounds:
        scheduler.play(sound)
    while clock.now() < until:
        scheduler.advance()
        clock.wait_until(clock.now() + step)
    return scheduler, port.received()


def strikes(received: list[tuple[float, bytes]]) -> list[bytes]:
    return [m for _, m in received]


def test_each_message_arrives_at_its_own_time() -> None:
    _, received = run([Sound(1.0, 0.5, 0, 60, 80), Sound(1.25, 0.5, 3, 64, 90)])
    assert received == [
        (1.0, note_on(0, 60, 80)),
        (1.25, note_on(3, 64, 90)),
        (1.5, note_off(0, 60)),
        (1.75, note_off(3, 64)),
    ]


def test_a_stale_off_does_not_cut_the_note_that_was_struck_again() -> None:
    scheduler, received = run([Sound(1.0, 2.0, 0, 60, 80), Sound(2.0, 3.0, 0, 60, 90)])
    assert received == [
        (1.0, note_on(0, 60, 80)),
        (2.0, note_off(0, 60)),  # the first note ends where the second begins
        (2.0, note_on(0, 60, 90)),
        (5.0, note_off(0, 60)),  # and nothing happens at 3.0
    ]
    assert scheduler.stale == 1


def test_a_note_that_ends_where_the_next_begins_ends_first() -> None:
    _, received = run([Sound(1.5, 0.5, 0, 60, 90), Sound(1.0, 0.5, 0, 60, 80)])
    assert strikes(received) == [note_on(0, 60, 80), note_off(0, 60), note_on(0, 60, 90), note_off(0, 60)]


def test_two_notes_at_one_moment_on_one_key_each_get_their_off() -> None:
    _, received = run([Sound(1.0, 0.5, 0, 60, 80), Sound(1.0, 0.7, 0, 60, 90)])
    assert strikes(received) == [note_on(0, 60, 80), note_off(0, 60), note_on(0, 60, 90), note_off(0, 60)]
    assert received[-1][0] == pytest.approx(1.7)


def test_a_note_without_length_sounds_and_ends() -> None:
    _, received = run([Sound(1.0, 0.0, 0, 60, 80)])
    assert strikes(received) == [note_on(0, 60, 80), note_off(0, 60)]
    assert received[1][0] > received[0][0]


def test_a_late_note_on_is_dropped_with_its_off_and_counted() -> None:
    clock = FakeClock(5.0)
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port, tolerance=0.03)
    scheduler.play(Sound(4.96, 1.0, 0, 60, 80))  # 40 ms late
    scheduler.play(Sound(4.98, 1.0, 0, 62, 80))  # 20 ms late
    while not scheduler.idle:
        scheduler.advance()
        clock.wait_until(clock.now() + 0.1)
    clock.wait_until(10)
    assert port.received() == [(5.0, note_on(0, 62, 80)), (5.98, note_off(0, 62))]
    assert scheduler.late == 1


def test_an_off_is_sent_however_late() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    scheduler.play(Sound(0.05, 0.1, 0, 60, 80))
    scheduler.play(Sound(0.05, 2.0, 0, 64, 80))
    scheduler.advance()
    clock.wait_until(30.0)  # the process was stopped for half a minute
    scheduler.advance()
    clock.wait_until(31.0)
    assert hanging(port.received()) == set()
    assert [m for _, m in port.received()].count(note_off(0, 64)) == 1
    assert scheduler.late == 0


def test_a_note_played_at_the_last_moment_cannot_be_cut_by_an_off_on_its_way() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    scheduler.play(Sound(0.0, 0.09, 0, 60, 80))
    scheduler.advance()  # hands over the off for 0.09 as well
    clock.wait_until(0.05)
    scheduler.play(Sound(0.06, 1.0, 0, 60, 90))
    scheduler.advance()
    clock.wait_until(0.99)
    scheduler.advance()
    assert hanging(port.received()) == {(0, 60)}  # the second note still sounds …
    clock.wait_until(2.0)
    assert hanging(port.received()) == set()  # … and ends


def test_panic_ends_what_sounds_and_what_is_on_its_way() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    for pitch in range(40, 60):
        scheduler.play(Sound(1.0 + (pitch - 40) / 100, 60.0, pitch % 2, pitch, 80))
    clock.wait_until(0.98)
    scheduler.advance()
    clock.wait_until(1.045)  # some sound, some have been handed over, some wait
    scheduler.panic()
    clock.wait_until(100)
    scheduler.advance()
    clock.wait_until(200)
    received = port.received()
    assert hanging(received) == set()
    assert scheduler.idle
    ons = [t for t, m in received if m[0] & 0xF0 == 0x90]
    assert len(ons) == 5
    assert max(ons) <= 1.045
    endings = [m for _, m in received if m[0] & 0xF0 == 0xB0]
    assert endings == [control(c, n, 0) for c in (0, 1) for n in (123, 120, 64)]


def test_panic_keeps_the_offs_that_are_on_their_way() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    scheduler.play(Sound(0.0, 0.5, 0, 60, 80))
    scheduler.advance()
    clock.wait_until(0.45)
    scheduler.advance()  # hands over the off for 0.5, so the ledger is empty …
    assert scheduler.sounding == frozenset()
    scheduler.panic()  # … and it must not be forgotten with the rest
    clock.wait_until(1.0)
    assert port.received()[:2] == [(0.0, note_on(0, 60, 80)), (0.45, note_off(0, 60))]


def test_panic_comes_in_small_portions() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    for channel in range(16):
        for pitch in range(128):
            scheduler.play(Sound(0.0, 60.0, channel, pitch, 80))
    scheduler.advance()
    clock.wait_until(1.0)
    scheduler.panic()
    clock.wait_until(10.0)
    scheduler.advance()
    clock.wait_until(20.0)
    after = [t for t, _ in port.received() if t >= 1.0]
    assert len(after) == 16 * 128 + 16 * 3
    assert hanging(port.received()) == set()
    assert max(sum(t <= u < t + 0.005 for u in after) for t in after) <= 100


def test_a_port_that_goes_is_an_error_and_nothing_is_left_in_the_ledger() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock, gone_at=1.0)
    scheduler = Scheduler(clock, port)
    scheduler.play(Sound(0.5, 5.0, 0, 60, 80))
    scheduler.advance()
    clock.wait_until(0.5)
    scheduler.advance()
    assert scheduler.sounding == {(0, 60)}
    clock.wait_until(1.0)
    scheduler.play(Sound(1.0, 1.0, 0, 62, 80))
    with pytest.raises(PortError, match=r"^The MIDI port loopback:out has gone"):
        scheduler.advance()
    with pytest.raises(PortError):
        scheduler.panic()
    assert scheduler.sounding == frozenset()


def test_the_end_of_a_note_is_given_when_it_is_known() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    first = scheduler.strike(0.5, 0, 60, 80)
    second = scheduler.strike(0.6, 0, 62, 80)
    assert first != second
    for _ in range(100):
        scheduler.advance()
        clock.wait_until(clock.now() + 0.02)
    assert scheduler.sounding == {(0, 60), (0, 62)}
    scheduler.release(first, 2.5)
    scheduler.release(first, 2.1)  # it has an end already
    scheduler.release(second, 0.1)  # in the past: now
    scheduler.release(999, 2.1)
    for _ in range(100):
        scheduler.advance()
        clock.wait_until(clock.now() + 0.02)
    assert [m for _, m in port.received()][2:] == [note_off(0, 62), note_off(0, 60)]
    assert port.received()[-1][0] == 2.5
    assert scheduler.idle


def test_the_end_of_a_note_that_was_struck_again_does_not_cut_the_newer() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    first = scheduler.strike(0.0, 0, 60, 80)
    second = scheduler.strike(0.05, 0, 60, 90)
    scheduler.advance()
    scheduler.release(first, 0.06)
    scheduler.advance()
    clock.wait_until(1.0)
    assert hanging(port.received()) == {(0, 60)}
    scheduler.release(second, 1.0)
    scheduler.advance()
    clock.wait_until(2.0)
    assert hanging(port.received()) == set()


def test_a_pedal_delays_what_counts_as_ended() -> None:
    clock = FakeClock()
    scheduler = Scheduler(clock, LoopbackPort(clock))
    scheduler.send(control(0, 64, 127), 0.0)
    scheduler.play(Sound(0.0, 0.05, 0, 60, 80))
    scheduler.advance()
    assert scheduler.sounding == {(0, 60)}
    assert not scheduler.idle
    scheduler.send(control(0, 64, 0), 0.08)
    scheduler.advance()
    assert scheduler.sounding == frozenset()
    assert scheduler.idle


def test_lateness_is_how_late_messages_are_handed_over() -> None:
    clock = FakeClock(1.0)
    scheduler = Scheduler(clock, LoopbackPort(clock))
    assert scheduler.lateness == (0.0, 0.0, 0.0, 0)
    for i in range(100):
        scheduler.send(control(0, 1, i), 1.05 if i else 0.9)  # one was due a tenth of a second ago
    scheduler.play(Sound(0.5, 1.0, 0, 60, 80))
    scheduler.advance()
    assert scheduler.lateness.p50 == 0.0
    assert scheduler.lateness.max == pytest.approx(500.0)
    assert scheduler.lateness.p99 == pytest.approx(100.0)
    assert scheduler.lateness.dropped == 1


notes = st.builds(
    Sound,
    onset=st.integers(0, 200).map(lambda t: t / 50),
    duration=st.integers(0, 100).map(lambda t: t / 50),
    channel=st.integers(0, 1),
    pitch=st.integers(60, 62),
    velocity=st.integers(1, 127),
)


@given(st.lists(notes, max_size=60), st.floats(0.01, 0.3), st.floats(0.0, 8.0))
def test_whatever_is_played_every_on_has_one_off(sounds: list[Sound], step: float, panic_at: float) -> None:
    """Notes are announced just before they are due, at an uneven pace, and a panic comes at any time."""
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    waiting = sorted(sounds)
    panicked = False
    while waiting or not scheduler.idle:
        while waiting and waiting[0].onset <= clock.now() + 0.1:
            scheduler.play(waiting.pop(0))
        scheduler.advance()
        if not panicked and clock.now() >= panic_at:
            scheduler.panic()
            panicked = True
        clock.wait_until(clock.now() + step)
    clock.wait_until(clock.now() + 10)
    received = port.received()
    assert [t for t, _ in received] == sorted(t for t, _ in received)
    assert hanging(received) == set()
    sounding = set()
    for _, message in received:
        key = (message[0] & 15, message[1])
        if message[0] & 0xF0 == 0x90:
            assert key not in sounding, "struck twice without an off"
            sounding.add(key)
        elif message[0] & 0xF0 == 0x80:
            sounding.discard(key)
    struck = sum(m[0] & 0xF0 == 0x90 for _, m in received)
    assert struck + scheduler.late <= len(sounds)
    if panic_at > 7.5:
        assert struck + scheduler.late == len(sounds)

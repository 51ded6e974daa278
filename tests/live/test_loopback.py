"""The public loop-back port: what is played into it, thru, echo, faults; and the scheduler on a port that vanishes."""

import pytest

from musegen.errors import PortError
from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.scheduler import Scheduler, Sound
from musegen.live.testing import FakeClock, LoopbackPort, hanging


def until(scheduler: Scheduler, time: float) -> None:
    while scheduler.clock.now() < time:
        scheduler.advance()
        scheduler.clock.wait_until(min(time, scheduler.clock.now() + 0.02))


def test_what_is_fed_is_received_at_its_time_once() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    woken: list[float] = []
    port.listen(lambda: woken.append(clock.now()))
    port.feed(2.0, note_off(0, 60))
    port.feed(1.0, note_on(0, 60, 80))
    assert port.receive() == []
    clock.wait_until(1.5)
    assert port.receive() == [(1.0, note_on(0, 60, 80))]
    assert woken == [1.5]
    clock.wait_until(3.0)
    assert port.receive() == [(2.0, note_off(0, 60))]
    assert port.received() == []


def test_thru_passes_it_on_at_once_and_in_order_with_what_is_sent() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    port.thru(True)
    port.send(note_on(1, 50, 80), 1.0)
    port.send(note_off(1, 50), 3.0)
    port.feed(2.0, control(0, 64, 127))
    port.feed(2.0, b"\xf8")
    clock.wait_until(4.0)
    port.thru(False)
    port.feed(5.0, control(0, 64, 100))
    clock.wait_until(6.0)
    assert port.received() == [(1.0, note_on(1, 50, 80)), (2.0, control(0, 64, 127)), (3.0, note_off(1, 50))]
    assert [m for _, m in port.receive()] == [control(0, 64, 127), b"\xf8", control(0, 64, 100)]


def test_in_a_loop_it_hears_the_player_and_not_itself_and_says_so_once() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock, echo=True)
    port.thru(True)
    scheduler = Scheduler(clock, port)
    for i in range(10):
        scheduler.play(Sound(0.1 * i, 0.05, 0, 60 + i % 3, 80))
    port.feed(0.33, note_on(0, 61, 90))
    port.feed(0.42, note_off(0, 61))
    until(scheduler, 3.0)
    assert [m for _, m in port.receive()] == [note_on(0, 61, 90), note_off(0, 61)]
    assert hanging(port.received()) == set()
    assert port.news() == ["What musegen plays comes back to its input: that is left out."]
    assert port.news() == []


def test_a_port_that_returns_is_told_to_release_and_gets_its_programs_again() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    scheduler = Scheduler(clock, port)
    scheduler.send(program_change(1, 19), 0.0)
    scheduler.send(control(1, 64, 127), 0.0)
    held = scheduler.strike(0.5, 1, 60, 80)
    port.feed(0.6, note_on(0, 40, 80))
    port.unplug(1.0, until=2.0)
    until(scheduler, 0.9)
    assert (port.up, scheduler.sounding) == (True, {(1, 60)})
    clock.wait_until(1.0)
    assert not port.up
    assert hanging(port.received()) == {(1, 60)}, "an unplugged synthesiser cannot be reached"
    assert port.receive() == [(0.6, note_on(0, 40, 80)), (1.0, note_off(0, 40))], "the player's key is let go"
    scheduler.strike(1.1, 1, 62, 80)
    until(scheduler, 1.5)  # advance sees it by itself
    assert (scheduler.sounding, scheduler.idle, scheduler.dropped) == (frozenset(), True, 1)
    port.send(note_on(1, 64, 80), 1.5)
    scheduler.release(held, 1.6)
    until(scheduler, 3.0)
    modes = [control(1, 123, 0), control(1, 120, 0), control(1, 64, 0)]
    assert [m for t, m in port.received() if t >= 1.0] == [note_off(1, 60), *modes, program_change(1, 19)]
    assert port.lost == 1
    assert port.news() == ["loopback:out has gone: holding until it returns.", "loopback:out is back."]


def test_a_port_that_is_gone_for_good_is_an_error() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock, gone_at=1.0)
    port.send(note_on(0, 60, 80), 0.5)
    clock.wait_until(1.0)
    for use in (port.check, port.cancel, lambda: port.send(note_off(0, 60), 1.0)):
        with pytest.raises(PortError, match=r"^The MIDI port loopback:out has gone"):
            use()
    port.close()
    assert port.received() == [(0.5, note_on(0, 60, 80))]


def test_closing_ends_everything_even_under_the_pedal() -> None:
    clock = FakeClock()
    port = LoopbackPort(clock)
    port.send(control(3, 64, 127), 0.0)
    port.send(note_on(3, 60, 80), 0.1)
    port.send(note_on(3, 61, 80), 9.0)
    clock.wait_until(1.0)
    port.close()
    assert [m for _, m in port.received()][2:] == [note_off(3, 60), *(control(3, n, 0) for n in (123, 120, 64))]
    assert port.lost == 1

"""Real JACK ports both ways: what comes in, thru, and the feedback guard."""

import time

import pytest
from jack_rig import PERIOD, RATE, JackServer, connect, needs_jackd
from port_rig import Listen, OpenLive, PlayOn, hear, keys, said

from musegen.errors import PortError
from musegen.live.clock import RealClock
from musegen.live.messages import control, note_off, note_on
from musegen.live.ports import open_port
from musegen.live.scheduler import Scheduler

pytestmark = [pytest.mark.jack, needs_jackd, pytest.mark.timeout(60)]


# --- what comes in ----------------------------------------


def test_what_comes_in_has_the_time_of_its_frame(jack: JackServer, live: OpenLive, play_on: PlayOn) -> None:
    keyboard = play_on(jack, "keys")
    port = live()
    assert said(port, "keys") == "Listening to keys:out."
    woken: list[float] = []
    port.listen(lambda: woken.append(time.perf_counter()))
    time.sleep(0.3)
    timing = [bytes((0xF2, 8, 0)), b"\xfa", b"\xf8", b"\xfb", b"\xfc"]
    messages = [*keys(*range(40, 70)), control(0, 64, 127), *timing]
    frames = keyboard.play(*messages)
    heard = hear(port, len(messages))
    assert [m for _, m in heard] == messages
    assert woken, "nobody was woken"
    spans = [(at - heard[0][0]) * RATE - (frame - frames[0]) for (at, _), frame in zip(heard, frames, strict=True)]
    assert max(abs(s) for s in spans) < 3, "frames between messages are not as played"
    assert -0.1 < heard[-1][0] - woken[-1] < PERIOD / RATE, "it was heard at another time than it came"


def test_an_echo_through_another_program_takes_one_period(jack: JackServer, live: OpenLive, play_on: PlayOn) -> None:
    shift = play_on(jack, "shift", "shift")
    port = live(to="shift", source="shift")
    time.sleep(0.3)
    start = time.perf_counter() + 0.1
    dues = [start + i * 0.0100137 for i in range(60)]
    for i, due in enumerate(dues):
        port.send(note_on(0, 40 + i, 80), due)
    heard = hear(port, len(dues))
    assert shift.port == "shift:out"
    assert [m for _, m in heard] == [note_on(0, 41 + i, 80) for i in range(60)]
    errors = [(at - due) * RATE - PERIOD for (at, _), due in zip(heard, dues, strict=True)]
    assert max(abs(e) for e in errors) < 2


def test_a_keyboard_that_is_plugged_in_later_is_heard(jack: JackServer, live: OpenLive, play_on: PlayOn) -> None:
    port = live()
    program = play_on(jack, "other", "program")
    keyboard = play_on(jack, "keys")
    assert said(port, "Listening") == "Listening to keys:out."
    program.play(*keys(50))
    keyboard.play(*keys(60))
    assert [m for _, m in hear(port, 2)] == keys(60)  # only of what is a keyboard
    keyboard.play(note_on(0, 61, 90))
    keyboard.unplug()
    assert [m for _, m in hear(port, 2)] == keys(61), "the key it held was not released"
    assert said(port, "gone") == "keys:out has gone: what it held is released."
    keyboard = play_on(jack, "keys")
    assert said(port, "back") == "keys:out is back: listening to it."
    keyboard.play(*keys(63))
    assert [m for _, m in hear(port, 2)] == keys(63)


def test_a_source_that_is_not_there_is_an_error_that_lists_the_others(jack: JackServer, play_on: PlayOn) -> None:
    play_on(jack, "keys")
    with pytest.raises(PortError, match=r"^There is no MIDI port called 'organ'; there are: .*keys:out"):
        open_port(source="organ")


# --- thru and feedback ----------------------------------------


def test_thru_takes_no_time(jack: JackServer, live: OpenLive, listen: Listen, play_on: PlayOn) -> None:
    keyboard = play_on(jack, "keys")
    port = live(source="keys")
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    connect(jack, keyboard.port, "receiver:in")  # it comes twice now: from the keyboard, and passed on
    port.thru(True)
    time.sleep(0.2)
    messages = [control(0, 64, 127), *keys(*range(40, 60)), control(0, 64, 0)]
    keyboard.play(*messages)
    hear(port, len(messages))
    keyboard.play(note_on(0, 72, 90))
    hear(port, 1)
    port.close()
    events = receiver.stop().events
    both = [frame for _, frame, m in events if m in messages]
    assert len(both) >= 2 * len(messages)
    firsts = [frame for _, frame, m in events if m == messages[0]]
    assert firsts[0] == firsts[1]
    late = [b - a for a, b in zip(both[::2], both[1 : 2 * len(messages) : 2], strict=False)]
    assert set(late) == {0}, f"thru took {max(late)} frames"
    assert events[-4:][0][2] == note_off(0, 72), "what was passed on hangs"


def test_it_never_hears_itself(jack: JackServer, live: OpenLive, play_on: PlayOn) -> None:
    keyboard = play_on(jack, "keys")
    port = live()
    said(port, "keys")
    cable = play_on(jack, "cable", "cable")  # JACK itself would not let a client's output into its own input
    connect(jack, port.name, "cable:in")
    connect(jack, cable.port, "musegen:in")
    port.thru(True)
    time.sleep(0.2)
    clock = RealClock()
    scheduler = Scheduler(clock, port)
    now = clock.now() + 0.1
    for i in range(40):
        identity = scheduler.strike(now + i * 0.02, 0, 40 + i, 80)
        scheduler.release(identity, now + i * 0.02 + 0.05)
        scheduler.send(control(0, 1, i), now + i * 0.02)
    while not scheduler.idle:
        scheduler.advance()
        if 0.2 < clock.now() - now < 0.25:
            keyboard.play(*keys(90, 91, 90))  # on the same channel
        clock.wait_until(clock.now() + 0.02)
    time.sleep(0.2)
    heard = [m for _, m in port.receive()]
    assert set(heard) == set(keys(90, 91)), "it heard itself, or not the player"
    assert said(port, "comes back") == "What musegen plays comes back to its input: that is left out."
    assert port.news() == []

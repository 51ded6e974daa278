"""Real JACK ports, another process receiving: timing, order, and silence whatever dies."""

import time
from collections.abc import Callable

import pytest
from jack_rig import PERIOD, RATE, JackServer, Receiver, needs_jackd

from musegen.errors import PortError
from musegen.live.clock import RealClock
from musegen.live.live_port import LivePort
from musegen.live.ports import NoPort, available, open_port
from musegen.live.scheduler import Scheduler, Sound

pytestmark = [pytest.mark.jack, needs_jackd, pytest.mark.timeout(60)]

Listen = Callable[[JackServer, str], Receiver]
BEAT = 0.3  # seconds, as in performance.py


def test_messages_arrive_at_their_frame_in_order(jack: JackServer, listen: Listen) -> None:
    port = open_port("musegen-test")
    assert port.name in jack.ports()
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    clock = RealClock()
    scheduler = Scheduler(clock, port)
    start = clock.now() + 0.3
    # Spaced 10.0137 ms, since 10 ms would keep a fixed place in the period; chords of four every tenth time.
    dues = [start + i * 0.0100137 for i in range(200) for _ in range(4 if i % 10 == 0 else 1)]
    for i, due in enumerate(dues):
        scheduler.play(Sound(due, 0.2, i % 4, 40 + i % 48, 80))
    while not scheduler.idle:
        scheduler.advance()
        clock.wait_until(clock.now() + 0.02)
    clock.wait_until(scheduler.last_time + 0.05)
    port.close()
    received = receiver.stop()
    assert port.name not in jack.ports()
    ons = [(frame, m) for _, frame, m in received.events if m[0] & 0xF0 == 0x90]
    assert len(ons) == len(dues)
    assert received.hanging() == set()
    assert [m[1] for _, m in ons] == [40 + i % 48 for i in range(len(dues))]
    wanted = [round((due - start) * RATE) for due in dues]
    got = [frame - ons[0][0] for frame, _ in ons]
    assert max(abs(g - w) for g, w in zip(got, wanted, strict=True)) <= 3, "frames between notes are not as scheduled"
    chords = [got[i : i + 4] for i in range(0, len(got) - 3, 13)]
    assert all(len(set(c)) == 1 for c in chords), "a chord was spread"
    late = sorted(t - due for (t, _), due in zip(received.ons(), dues, strict=True))
    assert abs(late[len(late) // 2]) < PERIOD / RATE, "received at another time than scheduled"


def test_a_named_port_is_connected(jack: JackServer, listen: Listen) -> None:
    receiver = listen(jack, "")
    receiver.wait_ready()
    port = open_port("musegen-test", to="RECEIVER")
    port.send(bytes((0x90, 60, 80)), time.perf_counter() + 0.05)
    time.sleep(0.2)
    port.close()
    assert receiver.stop().messages[:2] == [bytes((0x90, 60, 80)), bytes((0x80, 60, 64))]


def test_a_port_that_is_not_there_is_an_error_that_lists_the_others(jack: JackServer, listen: Listen) -> None:
    listen(jack, "").wait_ready()
    with pytest.raises(PortError, match=r"^There is no MIDI port called 'synth'; there are: .*receiver:in"):
        open_port(to="synth")


def test_available_names_the_system_and_its_ports(jack: JackServer, listen: Listen) -> None:
    listen(jack, "").wait_ready()
    found = available()[0]
    assert (found.key, found.ready, found.virtual) == ("jack", True, True)
    assert "receiver:in" in found.outputs


def test_without_a_server_there_is_no_port_and_none_is_started(no_jack: None) -> None:
    assert isinstance(open_port(), NoPort)
    assert available()[0].missing.startswith("No JACK server is running")
    with pytest.raises(PortError, match=r"^No JACK server is running\.$"):
        LivePort("jack", "musegen")


def test_rtmidi_sends_from_its_own_process_too(jack: JackServer, listen: Listen) -> None:
    """The backend of macOS, Windows and ALSA, on the only system that this kind of machine has for it."""
    pytest.importorskip("rtmidi", reason="python-rtmidi has no wheel for this Python")
    port = LivePort("rtjack", "musegen-rt")
    receiver = listen(jack, "musegen-rt:out")
    receiver.wait_ready()
    clock = RealClock()
    scheduler = Scheduler(clock, port)
    start = clock.now() + 0.3
    for i in range(50):
        scheduler.play(Sound(start + i * 0.0200137, 0.01, 0, 40 + i, 80))
    while clock.now() < start + 0.7:
        scheduler.advance()
        clock.wait_until(clock.now() + 0.02)
    port.close()  # in the middle
    received = receiver.stop()
    assert received.hanging() == set()
    ons = received.ons()
    assert 30 <= len(ons) < 50
    assert [m[1] for _, m in ons] == list(range(40, 40 + len(ons)))
    errors = sorted(t - (start + i * 0.0200137) for i, (t, _) in enumerate(ons))
    assert abs(errors[len(errors) // 2]) < 4 * PERIOD / RATE

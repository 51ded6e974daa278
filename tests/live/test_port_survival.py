"""Real JACK ports survive their process, their server and what they were connected to."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jack_rig import JackServer, connect, needs_jackd
from port_rig import Listen, OpenLive, PlayOn, hear, keys, ons, said, wait_for

from musegen.live.clock import RealClock
from musegen.live.live_port import LivePort
from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.scheduler import Scheduler

pytestmark = [pytest.mark.jack, needs_jackd, pytest.mark.timeout(60)]


# --- survival ----------------------------------------


def test_kill_of_the_port_process_leaves_nothing_sounding(
    jack: JackServer, live: OpenLive, listen: Listen, play_on: PlayOn
) -> None:
    keyboard = play_on(jack, "keys")
    port = live()
    said(port, "keys")
    port.thru(True)
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    wait_for(lambda: "receiver:in" in port.outputs)
    scheduler = Scheduler(RealClock(), port)
    now = time.perf_counter()
    scheduler.send(program_change(3, 19), now)
    scheduler.send(control(3, 64, 127), now)
    for channel in range(4):
        scheduler.strike(now + 0.05, channel, 60 + channel, 80)
    scheduler.advance()
    keyboard.play(note_on(5, 50, 90))
    hear(port, 1)
    time.sleep(0.1)
    before = port.pid
    os.kill(before, signal.SIGKILL)
    assert hear(port, 1)[0][1] == note_off(5, 50), "the player's key was not released"
    wait_for(lambda: not port.up)
    scheduler.advance()
    assert scheduler.idle
    wait_for(lambda: port.up)
    assert port.pid != before
    assert port.name == "musegen:out"
    text = "The MIDI port musegen:out went down (killed by SIGKILL) and is back; what sounded is released."
    assert said(port, "down") == text
    assert port.news() == []
    keyboard.play(*keys(51))  # its input is connected again as well
    hear(port, 2)
    identity = scheduler.strike(time.perf_counter() + 0.05, 0, 72, 80)
    scheduler.release(identity, time.perf_counter() + 0.1)
    scheduler.advance()
    time.sleep(0.3)
    port.close()
    received = receiver.stop()
    assert received.hanging() == set()
    assert sorted(ons(received)) == [50, 51, 60, 61, 62, 63, 72]
    after = received.messages[next(i for i, m in enumerate(received.messages) if m[0] & 0xF0 == 0x80) :]
    offs = [note_off(5, 50), *(note_off(c, 60 + c) for c in range(4))]
    assert set(after[:5]) == set(offs)
    assert after[5:8] == [control(0, 123, 0), control(0, 120, 0), control(0, 64, 0)]
    assert control(3, 64, 0) in after
    assert program_change(3, 19) in after


def test_kills_one_after_the_other(jack: JackServer, live: OpenLive, listen: Listen) -> None:
    port = live()
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    wait_for(lambda: "receiver:in" in port.outputs)
    for pitch in (60, 61, 62):
        wait_for(lambda: port.up)
        port.send(note_on(0, pitch, 80), time.perf_counter())
        time.sleep(0.05)
        os.kill(port.pid, signal.SIGKILL)
        wait_for(lambda: not port.up)
    port.close()  # at once: it waits for the new process, which releases the last note
    received = receiver.stop()
    assert ons(received) == [60, 61, 62]
    assert received.hanging() == set()


def test_kill_of_the_parent_is_silence(jack: JackServer, listen: Listen, play_on: PlayOn) -> None:
    keyboard = play_on(jack, "keys")
    script = str(Path(__file__).with_name("live_script.py"))
    process = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=jack.environment
    )
    assert process.stdin
    assert process.stdout
    name, pid = process.stdout.readline().split()
    receiver = listen(jack, name)
    receiver.wait_ready()
    process.stdin.write("go\n")
    process.stdin.flush()
    keyboard.play(note_on(7, 50, 90))
    time.sleep(0.4)
    process.kill()
    process.communicate()
    wait_for(lambda: name not in jack.ports())
    received = receiver.stop()
    assert sorted(ons(received)) == [50, 60, 61, 62, 63]
    assert received.hanging() == set()
    assert received.messages[-1][1] == 64
    assert not Path(f"/proc/{pid}/fd").exists() or not os.listdir(f"/proc/{pid}/fd")


def test_a_target_that_vanishes_is_released_when_it_returns(jack: JackServer, live: OpenLive, listen: Listen) -> None:
    first = listen(jack, "")
    first.wait_ready()
    port = live(to="receiver")
    port.send(note_on(0, 60, 80), time.perf_counter())
    time.sleep(0.1)
    assert first.stop().messages == [note_on(0, 60, 80)]
    assert said(port, "gone") == "receiver:in has gone: holding until it returns."
    wait_for(lambda: not port.up)
    port.send(note_on(0, 61, 80), time.perf_counter())  # to nobody
    second = listen(jack, "")
    second.wait_ready()
    wait_for(lambda: port.up)
    assert said(port, "back") == "receiver:in is back."
    port.send(note_on(0, 62, 80), time.perf_counter())
    time.sleep(0.1)
    port.close()
    received = second.stop()
    assert received.messages[0] == note_off(0, 60)
    assert ons(received) == [62]
    assert received.hanging() == set()


def test_who_listens_later_hears_the_programs_and_who_returns_is_released(
    jack: JackServer, live: OpenLive, listen: Listen, play_on: PlayOn
) -> None:
    port = live()
    port.send(program_change(4, 19), time.perf_counter())
    time.sleep(0.1)
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    wait_for(lambda: "receiver:in" in port.outputs)
    second = play_on(jack, "second", "program")
    connect(jack, port.name, "second:in")
    wait_for(lambda: "second:in" in port.outputs)
    port.send(note_on(4, 60, 80), time.perf_counter())
    time.sleep(0.1)
    second.unplug()
    assert said(port, "second") == "second:in has gone: it is connected again when it returns."
    assert port.up, "somebody still hears us"
    port.send(note_off(4, 60), time.perf_counter())
    time.sleep(2.5)  # so that it is not released merely because it ended lately
    play_on(jack, "second", "program")
    assert said(port, "second") == "second:in is back."
    time.sleep(0.2)
    port.close()
    messages = receiver.stop().messages
    # Once for the receiver, once for the second one; then as on every return.
    assert messages[:4] == [program_change(4, 19), program_change(4, 19), note_on(4, 60, 80), note_off(4, 60)]
    modes = [control(4, 123, 0), control(4, 120, 0), control(4, 64, 0)]
    assert messages[4:9] == [note_off(4, 60), *modes, program_change(4, 19)]


def test_a_connection_that_somebody_ends_is_not_made_again(jack: JackServer, live: OpenLive, listen: Listen) -> None:
    port = live()
    receiver = listen(jack, port.name)
    receiver.wait_ready()
    wait_for(lambda: "receiver:in" in port.outputs)
    subprocess.run(["jack_disconnect", port.name, "receiver:in"], env=jack.environment, check=True)
    wait_for(lambda: port.outputs == ())
    assert port.up
    assert port.news() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_server_is_survived(
    mortal_jack: JackServer, live: OpenLive, listen: Listen, tmp_path: Path, number: int
) -> None:
    port = live()
    receiver = listen(mortal_jack, port.name)
    receiver.wait_ready()
    wait_for(lambda: "receiver:in" in port.outputs)
    port.send(note_on(0, 60, 80), time.perf_counter())
    time.sleep(0.1)
    mortal_jack.stop(number)
    text = said(port, "JACK server")
    assert text.startswith("The JACK server ")
    assert text.endswith("so the port musegen:out has gone: holding until it is back.")
    assert not port.up
    port.check()
    receiver.kill()
    time.sleep(1.0)
    server = JackServer(mortal_jack.name, tmp_path / "second.log")
    try:
        assert said(port, "is back").startswith("The MIDI port musegen:out is back")
        assert not port.up, "nobody is there to hear it"
        again = listen(server, "")
        again.wait_ready()
        wait_for(lambda: port.up)
        port.send(note_on(0, 62, 80), time.perf_counter())
        time.sleep(0.1)
        port.close()
        received = again.stop()
        assert received.messages[0] == note_off(0, 60)
        assert ons(received) == [62]
        assert received.hanging() == set()
    finally:
        server.stop()


def test_a_server_that_hangs_is_noticed(mortal_jack: JackServer, live: OpenLive) -> None:
    port = live()
    os.kill(mortal_jack.process.pid, signal.SIGSTOP)
    assert said(port, "JACK") == (
        "The JACK server stopped answering, so the port musegen:out has gone: holding until it is back."
    )
    assert not port.up
    mortal_jack.stop(signal.SIGKILL)


def test_rtmidi_hears_and_reconnects(jack: JackServer, live: OpenLive, listen: Listen, play_on: PlayOn) -> None:
    """The backend of ALSA, macOS and Windows, on the only system that this kind of machine has for it."""
    pytest.importorskip("rtmidi", reason="python-rtmidi has no wheel for this Python")
    keyboard = play_on(jack, "keys")
    first = listen(jack, "")
    first.wait_ready()
    port = LivePort("rtjack", "musegen-rt", "receiver:in", "keys:out")
    try:
        port.thru(True)
        keyboard.play(*keys(60), b"\xf8", bytes((0xF2, 1, 2)), note_on(0, 61, 90))
        heard = [m for _, m in hear(port, 5)]
        assert heard == [*keys(60), b"\xf8", bytes((0xF2, 1, 2)), note_on(0, 61, 90)]
        keyboard.unplug()
        assert hear(port, 1)[0][1] == note_off(0, 61)
        time.sleep(0.2)
        received = first.stop()
        assert received.messages == keys(60, 61)
        wait_for(lambda: not port.up)
        again = listen(jack, "")
        again.wait_ready()
        wait_for(lambda: port.up)
        play_on(jack, "keys")
        assert said(port, "listening") == "keys:out is back: listening to it."
        port.send(note_on(0, 70, 80), time.perf_counter())
        time.sleep(0.1)
        os.kill(port.pid, signal.SIGKILL)
        wait_for(lambda: not port.up)
        wait_for(lambda: port.up)
        time.sleep(0.1)
    finally:
        port.close()
    received = again.stop()
    assert ons(received) == [70]
    assert received.hanging() == set()

"""Listening on this machine: the synthesiser as a port, judged by its sound."""

import time
from pathlib import Path

import numpy as np
import pytest

from musegen import audio
from musegen.live.clock import RealClock
from musegen.live.listen import BothPorts, SynthPort
from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.testing import FakeClock, LoopbackPort

needs_fluidsynth = pytest.mark.skipif(
    audio.fluidsynth_module() is None, reason="the fluidsynth library is not installed (apt-get install fluidsynth)"
)


@needs_fluidsynth
def test_the_pedal_holds_what_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fluidsynth's own "file" driver is a sound card that writes down what it is given."""
    monkeypatch.chdir(tmp_path)
    port = SynthPort(audio.LiveSynth(driver="file"), RealClock())
    begin = time.perf_counter()
    port.send(program_change(0, 19), begin)
    port.send(control(0, 64, 127), begin)
    port.send(note_on(0, 69, 110), begin + 0.05)
    port.send(note_off(0, 69), begin + 0.1)
    port.send(control(0, 64, 0), begin + 1.0)
    time.sleep(2.5)
    port.check()
    port.close()
    (recorded,) = tmp_path.iterdir()
    sound = np.abs(np.frombuffer(recorded.read_bytes()[44:], "<i2").astype(int))
    share = len(sound) / 2.5  # the recording may begin late
    held, ended = sound[int(0.5 * share) : int(0.9 * share)], sound[int(2.2 * share) :]
    assert held.max() > 1000, "the note ended with the key"
    assert ended.max() < held.max() / 10, "the note did not end with the pedal"


def test_what_one_port_hears_the_other_plays_too() -> None:
    clock = FakeClock()
    first, second = LoopbackPort(clock), LoopbackPort(clock)
    both = BothPorts(first, second)
    both.thru(True)
    first.feed(1.0, note_on(0, 60, 80))
    first.unplug(3.0)
    clock.wait_until(2.0)
    assert both.receive() == [(1.0, note_on(0, 60, 80))]
    clock.wait_until(4.0)
    assert both.up, "the other plays on"
    assert both.receive() == [(3.0, note_off(0, 60))]
    both.send(note_on(0, 62, 80), 4.0)
    clock.wait_until(5.0)
    assert [m for _, m in first.received()] == [note_on(0, 60, 80)]
    assert [m for _, m in second.received()] == [note_on(0, 60, 80), note_off(0, 60), note_on(0, 62, 80)]
    assert both.news() == ["loopback:out has gone: holding until it returns."]

"""`musegen doctor`: what it finds with and without MIDI, what it says about checkpoints, and its exit status."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from musegen.cli.main import main
from musegen.live import checkup, surroundings
from musegen.live.checkup import verdict
from musegen.live.loop_back import LoopBack, Spread
from musegen.live.pace import LEAST_COMMIT, MOST_AHEAD, MOST_COMMIT, Pace
from musegen.live.ports import System
from musegen.live.speed import Speed, speed
from musegen.live.surroundings import Surroundings, look

from ..live.jack_rig import JackServer, needs_jackd

GOOD = Speed("good", "", 0.5, 400.0, Spread(2.5, 4, 5), 0.08, 1.5)
NO_MIDI = Surroundings((System("jack", "JACK", False, missing="No JACK server is running."),), ())


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "mg-no-such-server")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    running = JackServer(f"mgdoctor{os.getpid()}", tmp_path / "jack.log")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
    yield running
    running.stop()


@pytest.fixture
def shipped(untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped checkpoints with one small one called default."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(untrained, folder / "default")
    monkeypatch.setattr("musegen.checkpoint.checkpoints_folder", lambda: folder)
    monkeypatch.setattr("musegen.live.checkup.checkpoints_folder", lambda: folder)
    return folder


def doctor(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    status = main(["doctor", *options])
    out = capsys.readouterr()
    assert "Traceback" not in out.out + out.err and out.err == ""
    return status, out.out


def found(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    status, out = doctor(capsys, "--json", *options)
    return status, json.loads(out)


@pytest.mark.jack
@needs_jackd
def test_measures_a_real_port_at_rest_and_beside_the_model(
    server: JackServer, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, checkup = found(capsys)
    assert status == 0 and checkup["missing"] == ""
    jack = next(s for s in checkup["surroundings"]["systems"] if s["key"] == "jack")
    assert jack["ready"] and jack["period"] == pytest.approx(256 / 48_000)
    rest, busy = checkup["loop_backs"]
    assert (rest["beside"], busy["beside"]) == ("", "default")
    for loop in (rest, busy):
        assert loop["trouble"] == "" and loop["messages"] == 300 + 75
        assert loop["lost"] < 75, "some of both kinds must have come through"
        assert 0 <= loop["jitter"]["p50"] <= loop["jitter"]["p99"] <= loop["jitter"]["max"]
        assert loop["round_trip"]["p50"] > 1000 / 48_000, "an answer cannot be quicker than a frame"
    assert server.ports() == [p for p in server.ports() if "musegen" not in p], "it leaves no ports behind"


@pytest.mark.usefixtures("no_server")
def test_without_midi_one_can_still_jam(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = doctor(capsys)
    assert status == 0
    assert "No JACK server is running: start one" in out
    assert "notes a second" in out and "You can jam." in out
    advice = out.partition("You can jam.\n")[2].splitlines()
    assert 1 <= len(advice) <= 3 and "musegen jam" in advice[0]


@pytest.mark.usefixtures("no_server")
def test_a_broken_checkpoint_is_one_sentence(
    untrained: Path, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(untrained, broken)
    (broken / "model.safetensors").write_bytes(b"rubbish")
    status, checkup = found(capsys, "--checkpoint", str(broken))
    good, bad = checkup["speeds"]
    assert (good["checkpoint"], good["trouble"]) == ("default", "") and good["notes_a_second"] > 0
    assert "cannot be read" in bad["trouble"] and bad["notes_a_second"] == 0
    assert (status, checkup["missing"], checkup["advice"]) == (1, bad["trouble"], [bad["trouble"]])


@pytest.mark.usefixtures("no_server")
def test_a_checkpoint_that_is_not_there(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = doctor(capsys, "--checkpoint", "nosuch")
    assert status == 1
    assert "There is no checkpoint 'nosuch'" in out and "You cannot jam yet." in out


def test_speed_is_what_pace_makes_of_it(untrained: Path) -> None:
    found = speed(str(untrained))
    assert found.trouble == "" and found.start > 0 and found.cost is not None
    assert LEAST_COMMIT <= found.commit <= MOST_COMMIT
    assert 1000 / found.cost.max <= found.notes_a_second <= 2000 / found.cost.p50


def test_a_model_that_draws_nothing_is_given_up(untrained: Path) -> None:
    assert "drew no note within 0 seconds" in speed(str(untrained), patience=0.0).trouble


def check(monkeypatch: pytest.MonkeyPatch, around: Surroundings, *speeds: Speed, wanted: str = "") -> checkup.Checkup:
    """A check-up where these are found."""
    monkeypatch.setattr(checkup, "look", lambda: around)
    monkeypatch.setattr(checkup, "_names", lambda *names: [s.checkpoint for s in speeds])
    monkeypatch.setattr(checkup, "speed", lambda name: next(s for s in speeds if s.checkpoint == name))
    return checkup.check_up("usual", wanted)


def test_one_broken_checkpoint_does_not_stop_a_jam_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Speed("usual", "usual is broken.")
    assert check(monkeypatch, NO_MIDI, broken).missing == "usual is broken."
    result = check(monkeypatch, NO_MIDI, GOOD, broken)
    assert result.missing == "" and "musegen jam --checkpoint good" in result.advice[0]
    assert check(monkeypatch, NO_MIDI, GOOD, broken, wanted="usual").missing == "usual is broken."


def test_a_slow_checkpoint_is_not_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = replace(GOOD, checkpoint="usual", notes_a_second=8.0)
    assert "musegen jam --checkpoint good" in check(monkeypatch, NO_MIDI, GOOD, slow).advice[0]
    assert verdict(slow, [GOOD, slow]) == "Too slow for dense music: use good."
    assert "few notes" in verdict(slow, [slow])
    assert verdict(GOOD) == "Fast enough for 20 notes a second, with 20.0x to spare."
    assert verdict(replace(GOOD, notes_a_second=22.0)).startswith("Just fast enough")


def test_what_is_missing_is_the_midi_system(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = Surroundings((), (), "The MIDI system does not answer.")
    assert check(monkeypatch, hangs, GOOD).missing == "The MIDI system does not answer."
    windows = System("winmm", "Windows MIDI", True, virtual=False)
    assert "install loopMIDI" in check(monkeypatch, Surroundings((windows,), ()), GOOD).missing
    wired = replace(windows, outputs=("Synth",))
    result = check(monkeypatch, Surroundings((wired,), ()), GOOD)
    assert result.missing == "" and "--port NAME" in result.advice[0]
    jack = Surroundings((System("jack", "JACK", True),), ())
    monkeypatch.setattr(checkup, "loop_back", lambda *_: LoopBack("JACK", "", 300, 300, trouble="It is full."))
    assert check(monkeypatch, jack, GOOD).missing == "It is full."


def test_missing_extras_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(surroundings, "fluidsynth_module", lambda: None)
    monkeypatch.setattr(surroundings, "find_spec", lambda name: None)
    monkeypatch.setattr(surroundings, "available", list)
    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    missing = {e.name: e.missing for e in look().extras}
    assert "rtprio" in missing["real-time priority"]
    assert "install the fluidsynth library" in missing["fluidsynth"]
    assert "musegen[osc]" in missing["python-osc"] and "musegen[link]" in missing["Ableton Link"]


def test_pace_counts_one_slow_note_a_chord() -> None:
    steady, rebuilding = Pace([0.003] * 200), Pace([0.003] * 190 + [0.05] * 10)
    assert steady.speed == pytest.approx(1000 / 3)
    assert rebuilding.speed == pytest.approx(200 / (190 * 0.003 + 0.5)), "in the long run slow notes count"
    assert steady.commit == LEAST_COMMIT
    assert rebuilding.commit == pytest.approx(0.06 + 3 * 0.003 + 0.05)
    assert Pace([1.0]).commit == MOST_COMMIT and Pace([1.0]).ahead == MOST_AHEAD

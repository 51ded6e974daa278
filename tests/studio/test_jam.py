"""The jam behind the server: what reaches its command line, how it ends, and what is told when it goes wrong."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from musegen.errors import MusegenError, SettingsError
from musegen.studio import jam as jam_module
from musegen.studio.asking import JamSettings, arguments, command
from musegen.studio.jam import Jam

RECORD = Path("/tmp/takes")


def options(**wanted: Any) -> list[str]:
    """What follows `musegen jam --json` for these settings, without what is always there."""
    found = arguments(JamSettings(**wanted), RECORD, lambda name: Path("/files") / name, lambda name: f"found-{name}")
    assert found[:2] == [f"--record={RECORD}", "--no-wav"]
    return found[2:]


def test_settings_become_options() -> None:
    assert options() == []
    assert options(mode="solo", seed="reel", checkpoint="folk", tempo=96.5, phrase_bars=0, thru=True, click=True) == [
        "--mode=solo",
        "--tempo=96.5",
        "--phrase-bars=0",
        "--seed=/files/reel",
        "--checkpoint=found-folk",
        "--thru",
        "--click",
    ]
    assert options(clock_out=True, count_in=2, seed_number=7) == ["--count-in=2", "--seed-number=7", "--clock-out"]


def test_knobs_become_options_within_their_range() -> None:
    assert options(knobs={"density": -0.5, "temperature": 99, "key": "D dorian"}) == [
        "--temperature=2.0",
        "--density=-0.5",
        "--key=D dorian",
    ]


@pytest.mark.parametrize("name", ["--fast", "-h", "--record=/etc", "a --player=/etc/passwd", "$(reboot)", "; reboot"])
def test_no_value_becomes_an_option(name: str) -> None:
    """Whatever it holds, it stays within the one word that begins with its own option."""
    assert options(port=name, feel=name) == [f"--port={name}", f"--feel={name}"]


def test_the_options_are_those_of_musegen_jam() -> None:
    from musegen.cli import jam as verb
    from musegen.cli.main import Parser

    parser = Parser()
    verb.configure(parser)
    everything = {
        "mode": "loop", "seed": "s", "checkpoint": "c", "tempo": 100, "meter": "3/4", "clock": "own", "clock_out": True,
        "port": "--p", "input": "--i", "thru": True, "count_in": 1, "click": True, "phrase_bars": 2, "loop_bars": 2,
        "bars": 8, "feel": "funk", "seed_number": 3, "knobs": {"humanise": 0.5, "velocity": -1, "key": ""},
    }  # fmt: skip
    assert set(everything) == set(JamSettings.model_fields), "a new setting belongs here too"
    args = vars(parser.parse_args(["--record=x", "--no-wav", *options(**everything)]))
    wanted = {**everything, "seed": "/files/s", "checkpoint": "found-c", "humanise": 0.5, "velocity": -1, "key": ""}
    del wanted["knobs"]
    assert {name: args[name] for name in wanted} == wanted


def test_commands_hold_nothing_but_what_they_need() -> None:
    found = command('{"knob": "density", "value": 0.5, "evil": "x"}', str)
    assert found == {"knob": "density", "value": 0.5}
    assert command('{"do": "checkpoint", "argument": "folk"}', lambda name: f"found-{name}")["argument"] == "found-folk"
    with pytest.raises(SettingsError, match="JSON"):
        command('{"knob": "density", "value": NaN}', str)


def test_a_checkpoint_that_is_not_listed_is_not_handed_on() -> None:
    def unknown(name: str) -> str:
        raise SettingsError(f"There is no checkpoint {name!r}.")

    with pytest.raises(MusegenError, match="theirs"):
        command('{"do": "checkpoint", "argument": "someone/theirs"}', unknown)


HELLO = 'print(\'{"hello": {"version": "x"}}\', flush=True)\n'


class Told(list[tuple[str, str]]):
    """What the pages were told, as (kind, line)."""

    def __call__(self, kind: str, line: str) -> None:
        self.append((kind, line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(line)[kind] for k, line in self if k == kind]


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.02)


def play(script: str, scene: Callable[[Jam, Told], Any]) -> tuple[Jam, Told]:
    """Have a process that runs `script` for a jam, and play the scene with it; it is stopped at the end."""

    async def all_of_it() -> tuple[Jam, Told]:
        told = Told()
        jam = Jam(told, [sys.executable, "-c", f"import os, signal, sys, time\n{script}"])
        await jam.start({"mode": "solo"}, [])
        try:
            await scene(jam, told)
        finally:
            await jam.stop()
        return jam, told

    return asyncio.run(all_of_it())


async def ended(jam: Jam, told: Told) -> None:
    await until(lambda: jam.state == "ended")


async def playing(jam: Jam, told: Told) -> None:
    await until(lambda: jam.state == "playing")


def test_its_states_are_told_and_its_end_is_the_end_of_its_input() -> None:
    jam, told = play(f'{HELLO}sys.stdin.read()\nprint(\'{{"say": "saved"}}\')', playing)
    assert [view["state"] for view in told.of("jam")] == ["starting", "playing", "ended"]
    assert told.of("jam")[-1] == {"state": "ended", "settings": {"mode": "solo"}, "error": ""}
    assert told.of("say") == ["saved"], "it had time for its last words"
    assert told.of("hello") == [{"version": "x"}] and json.loads(jam.hello)


def test_commands_arrive_each_on_a_line() -> None:
    async def scene(jam: Jam, told: Told) -> None:
        await playing(jam, told)
        jam.send({"knob": "density", "value": 0.5})
        jam.send({"say": "a\nb"})
        await until(lambda: len(told.of("heard")) == 2)

    _, told = play(
        f"import json\n{HELLO}for line in sys.stdin: print(json.dumps({{'heard': line}}), flush=True)", scene
    )
    assert [json.loads(line) for line in told.of("heard")] == [{"knob": "density", "value": 0.5}, {"say": "a\nb"}]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("sys.exit('musegen: There is no port Piano.')", "There is no port Piano."),
        ('print(\'{"ended": {"error": "It went wrong.", "recording": ""}}\'); sys.exit(1)', "It went wrong."),
        (f"{HELLO}os.kill(os.getpid(), signal.SIGKILL)", "The jam broke off (signal 9)."),
        (f"{HELLO}raise RuntimeError('inside')", "The jam broke off (exit status 1: RuntimeError: inside)."),
        (f"{HELLO}sys.exit(0)", ""),
        ("while True: sys.stdout.write('x' * 2**20)", "The jam broke off (signal 9)."),
    ],
)
def test_one_that_ends_by_itself_says_why(script: str, error: str) -> None:
    jam, told = play(script, ended)
    assert jam.view() == told.of("jam")[-1] == {"state": "ended", "settings": {"mode": "solo"}, "error": error}


def test_one_that_chatters_on_standard_error_is_not_held_up() -> None:
    play(f"sys.stderr.write('x' * 2**27)\n{HELLO}sys.stdin.read()", playing)


def flood(jam: Jam) -> None:
    """More than pipes and patience hold."""
    for _ in range(1000):
        jam.send({"midi": "90" * 2000})


def test_one_that_does_not_listen_is_said_to_and_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jam_module, "ENDING", 0.3)

    async def scene(jam: Jam, told: Told) -> None:
        await playing(jam, told)
        with pytest.raises(SettingsError, match="does not answer"):
            flood(jam)

    jam, _ = play(f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{HELLO}time.sleep(600)", scene)
    assert jam.state == "ended"


def test_one_at_a_time_and_another_after_it() -> None:
    async def scene(jam: Jam, told: Told) -> None:
        await playing(jam, told)
        with pytest.raises(SettingsError, match="already"):
            await jam.start({}, [])
        await jam.stop()
        with pytest.raises(SettingsError, match="No jam"):
            jam.send({"do": "panic"})
        await jam.start({"mode": "loop"}, [])
        await playing(jam, told)

    jam, told = play(f"{HELLO}sys.stdin.read()", scene)
    assert [view["state"] for view in told.of("jam")] == ["starting", "playing", "ended"] * 2
    assert jam.settings == {"mode": "loop"}


def test_one_that_cannot_start_says_so() -> None:
    async def scene() -> None:
        jam = Jam(Told(), ["/nowhere/python"])
        with pytest.raises(SettingsError, match="cannot be started"):
            await jam.start({}, [])
        assert jam.state == "ended" and not jam.playing
        await jam.stop()

    asyncio.run(scene())

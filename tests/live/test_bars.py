"""A partner that makes whole bars in whole sessions: in time, in its modes, silent after the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from musegen.cli.main import main
from musegen.live.desk import Desk
from musegen.live.messages import note_off, note_on
from musegen.live.model_process import ModelProcess
from musegen.live.own_time import OwnTime
from musegen.live.partner import Answer, DirectPartner, Partner
from musegen.live.relay import Relay
from musegen.live.session import BEGIN, Session, Setup
from musegen.live.speed import speed
from musegen.live.testing import FakeClock, LoopbackPort, hanging
from musegen.live.timeline import Timeline
from musegen.midi import read_midi, write_midi
from musegen.piece import Meter, Piece, Tempo
from musegen.sampling.duet import Played
from musegen.sampling.improviser import Improvisation
from musegen.sampling.plan import Plan
from musegen.sampling.request import Request

from ..small_gan import band, small_gan
from .agenda import Agenda

LINE = Timeline((Tempo(0, 500_000),), (Meter(0),))
BAR = 2.0  # seconds
BAND = (0, 100, 132, 192, 512)
START = 100.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_gan(tmp_path_factory.mktemp("gan"))


class Jam:
    """A session on a fake clock with a gan, after a seed or nothing."""

    def __init__(
        self, tmp_path: Path, folder: Path, seed: Piece | None = None, partner: Partner | None = None, **setup: object
    ) -> None:
        self.clock, self.desk, self.stop = FakeClock(START), Desk(), threading.Event()
        self.port = LoopbackPort(self.clock)
        self.said: list[str] = []
        plan = Plan(seed or Piece.from_notes([]))
        self.session = Session(
            partner or DirectPartner(Improvisation(str(folder), plan)),
            self.port,
            OwnTime(LINE, self.clock),
            self.clock,
            tmp_path / "jam.mid",
            self.desk,
            Setup(**{"voices": BAND, "player": 1, "bars": 8, **setup}),  # type: ignore[arg-type]
        )
        self._agenda = Agenda(self.clock)

    def at(self, bars: float, what: Callable[[], None]) -> None:
        """Do `what` so many bars after the music has begun."""
        self._agenda.at(START + BEGIN + bars * BAR, what)

    def play(self, pitch: int, bars: float, until: float) -> None:
        """The player holds a key from bar to bar (from 0)."""
        self.port.feed(START + BEGIN + bars * BAR, note_on(0, pitch, 90))
        self.port.feed(START + BEGIN + until * BAR, note_off(0, pitch))

    def run(self) -> list[float]:
        """When notes of its began, in bars from the beginning."""
        self.session.run(self.stop, self.said.append)
        assert not hanging(self.port.received()) and self.session.late == 0
        return [(t - START - BEGIN) / BAR for t, m in self.port.received() if m[0] & 0xF0 == 0x90]


def test_solo_plays_every_bar_in_time_and_the_same_again(tmp_path: Path, folder: Path) -> None:
    runs = []
    for name in "ab":
        (tmp_path / name).mkdir()
        jam = Jam(tmp_path / name, folder, band(1))
        runs.append(jam.run())
        assert jam.session.performer.rests == 0 and not jam.said
    assert runs[0] == runs[1]
    onsets = [48 * 2 * t for t in runs[0]]
    assert {int(t) for t in runs[0]} >= set(range(7)) and max(runs[0]) < 8
    assert all(abs(t - round(t)) < 1e-6 for t in onsets), "on its grid of 24 steps a quarter"


def test_accompanying_and_answering_hear_the_player(tmp_path: Path, folder: Path) -> None:
    for mode in ("accompany", "answer"):
        (tmp_path / mode).mkdir()
        jam = Jam(tmp_path / mode, folder, mode=mode)
        for beat in range(8):
            jam.play(60 + beat, beat / 4, beat / 4 + 0.2)
        onsets = jam.run()
        assert onsets and jam.session.performer.rests == 0
        assert (min(onsets) >= 2) is (mode == "answer")
        assert read_midi(tmp_path / mode / "jam.mid").part_names[0] == "player"


class Costly(DirectPartner):
    """Whose notes cost as much as on a slow machine."""

    def take(self) -> list[Answer]:
        return [answer._replace(seconds=0.4) for answer in super().take()]


def test_a_bounce_does_not_depend_on_the_machine(tmp_path: Path, folder: Path) -> None:
    runs = []
    for kind in (DirectPartner, Costly):
        (tmp_path / kind.__name__).mkdir()
        source = Improvisation(str(folder), Plan(Piece.from_notes([])))
        jam = Jam(tmp_path / kind.__name__, folder, partner=kind(source), mode="accompany")
        for beat in range(20):
            jam.play(60 + beat, beat / 4, beat / 4 + 0.2)
        runs.append((jam.run(), jam.port.received()))
    assert runs[0] == runs[1]


def test_after_a_stop_or_panic_there_is_nothing(tmp_path: Path, folder: Path) -> None:
    jam = Jam(tmp_path, folder, band(1), bars=None)
    jam.at(3.5, jam.stop.set)
    onsets = jam.run()
    assert onsets and max(onsets) < 3.7
    (tmp_path / "panic").mkdir()
    jam = Jam(tmp_path / "panic", folder, band(1), bars=8)
    jam.at(2.5, lambda: jam.desk.do("panic"))
    jam.at(4.5, lambda: jam.desk.do("enter"))
    onsets = jam.run()
    assert not [t for t in onsets if 2.51 < t < 4.99] and max(onsets) > 5


def test_undo_retake_and_modes_that_it_cannot_play_in_do_not_end_the_music(tmp_path: Path, folder: Path) -> None:
    jam = Jam(tmp_path, folder, band(1), bars=20)
    jam.at(3.2, lambda: jam.desk.do("undo"))
    jam.at(6.2, lambda: jam.desk.do("retake"))
    jam.at(9.2, lambda: jam.desk.do("mode", "loop"))
    jam.at(13.2, lambda: jam.desk.do("mode", "solo"))
    onsets = jam.run()
    assert [text for text in jam.said if "loop" in text] == [
        "A gan makes whole bars and cannot loop: it plays in answer, accompany and solo."
    ]
    assert {int(t) for t in onsets} >= {4, 5, 7, 8, 14, 15, 16, 17, 18}
    assert not [t for t in onsets if 10 <= t < 14]


def test_in_a_process_of_its_own_it_plays_the_same(folder: Path) -> None:
    source = Improvisation(str(folder), Plan(band(1)))
    process, here = ModelProcess(source), DirectPartner(source)
    try:
        for each in (process, here):
            each.ask(Request(1, 0, voices=BAND))
            each.until(6 * 96)
        want = [a.note._replace(number=0) for a in here.take() if a.note]
        got: list[Played] = []
        end = time.monotonic() + 30
        while len(got) < len(want) and time.monotonic() < end:
            got += [a.note._replace(number=0) for a in process.take() if a.request == 1 and a.note]
            time.sleep(0.01)
        assert got == want and len(want) > 10
    finally:
        process.close()


def test_the_pace_counts_a_whole_bar_to_its_first_note(folder: Path) -> None:
    found = speed(str(folder))
    assert not found.trouble and found.cost is not None
    assert found.cost.max > 20 * found.cost.p50, "the first note of a bar costs the bar"


def test_a_file_as_hands_is_answered_and_the_rest_is_a_sentence(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(band(2, 2), tmp_path / "hands.mid")
    jam = ["jam", "--player", str(tmp_path / "hands.mid"), "--checkpoint", str(folder), "--bars", "6", "--fast"]
    jam += ["--no-wav", "--record", str(tmp_path / "out")]
    assert main([*jam, "--phrase-bars", "2"]) == 0
    (path,) = (tmp_path / "out").glob("*.mid")
    piece = read_midi(path)
    own = [n for n in piece if n.part > 1]
    assert own and min(n.onset for n in own) >= 2 * 4 * piece.ticks_per_quarter
    capsys.readouterr()
    for wish, sentence in (
        (["--mode", "loop"], "choose the mode answer, accompany or solo"),
        (["--mode", "harmonise"], "choose the mode answer, accompany or solo"),
        (["--meter", "3/4"], "4/4 only"),
        (["--top-p", "0.5"], "leave --top-p out"),
    ):
        assert main([*jam, *wish]) == 1
        error = capsys.readouterr().err.strip()
        assert sentence in error and len(error.splitlines()) == 1
    assert len(list((tmp_path / "out").glob("*"))) == 1, "nothing else was recorded"


def test_another_checkpoint_takes_over_from_a_gan(tmp_path: Path, folder: Path) -> None:
    source = Improvisation(str(folder), Plan(band(1)))
    relay = Relay(source, DirectPartner)
    jam = Jam(tmp_path, folder, band(1), relay, bars=6)
    jam.at(2.2, lambda: relay.swap(Improvisation(str(small_gan(tmp_path / "other", 1)), Plan(band(1))), "other"))
    onsets = jam.run()
    assert {int(t) for t in onsets} >= {0, 1, 2, 4, 5} and jam.session.performer.rests == 0

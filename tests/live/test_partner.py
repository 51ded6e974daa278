"""The model process: its notes, its bound, its errors, its death, and who takes over. Real processes throughout."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from jam_sources import KILL, Broken, Failing, One, Parrot, Steady

from musegen.errors import MusegenError
from musegen.live.model_process import ModelProcess
from musegen.live.partner import Answer, DirectPartner, Source
from musegen.live.relay import Relay
from musegen.sampling.duet import Played
from musegen.sampling.request import Request

Start = Callable[[Source], ModelProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[ModelProcess] = []

    def begin(source: Source) -> ModelProcess:
        started.append(ModelProcess(source))
        return started[-1]

    yield begin
    for process in started:
        process.close()


def take(partner: ModelProcess | Relay, count: int, seconds: float = 10.0) -> list[Answer]:
    """`count` answers, as they come."""
    answers: list[Answer] = []
    give_up = time.monotonic() + seconds
    while len(answers) < count and time.monotonic() < give_up:
        answers += partner.take()
        time.sleep(0.005)
    return answers


def test_notes_arrive_in_order_and_only_as_far_as_permitted(start: Start) -> None:
    process = start(Steady())
    process.ask(Request(7, 0))
    process.until(240)
    answers = take(process, 11)
    time.sleep(0.2)  # long enough for thousands of notes
    answers += process.take()
    assert [a.note.onset for a in answers if a.note] == [24 * i for i in range(11)]
    assert {a.request for a in answers} == {7}
    process.until(264)
    assert take(process, 1)[0].note == Played(264, 48, 59, 80, 0, -12, True)


def test_the_process_and_the_direct_partner_say_the_same(start: Start) -> None:
    here, there = DirectPartner(Steady()), start(Steady())
    for partner in (here, there):
        partner.ask(Request(1, 48, 480))
        partner.until(10_000)
    away = take(there, 19)
    assert [a[:3] for a in here.take()] == [a[:3] for a in away]
    assert away[-1].note is None, "the request's end is told"


def test_an_error_of_the_model_is_one_sentence(start: Start) -> None:
    process = start(Failing(3))
    process.ask(Request(1, 0))
    process.until(1000)
    with pytest.raises(MusegenError, match=r"^The model stopped: ValueError: the weights hold a NaN$"):
        take(process, 4)


def test_an_error_of_ours_keeps_its_words(start: Start) -> None:
    with pytest.raises(MusegenError, match=r"^There is no checkpoint called 'x'\.$"):
        take(start(Broken()), 1)


def test_sudden_death_is_noticed(start: Start) -> None:
    process = start(Steady())
    process.ask(Request(1, 0))
    process.until(100)
    take(process, 1)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(MusegenError, match=r"^The model process died \(killed by SIGKILL\)\.$"):
        take(process, 1000, 5)


def test_close_ends_the_process_even_if_it_is_busy(start: Start) -> None:
    process = start(Steady())
    process.ask(Request(1, 0))
    process.until(10**9)
    take(process, 1)
    process.close()
    process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_process_that_stands_still_holds_nobody_up(start: Start) -> None:
    process = start(Steady())
    os.kill(process.pid, signal.SIGSTOP)
    for i in range(20_000):  # far more than its pipe holds
        process.hear(Played(i, 1, 60, 80, 0, i, False))
    assert process.take() == []
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(MusegenError, match="killed by SIGKILL"):
        take(process, 1)


def test_ctrl_c_does_not_reach_it_while_it_starts(start: Start) -> None:
    process = start(Steady())
    os.kill(process.pid, signal.SIGINT)  # long before it can say that it ignores this
    process.ask(Request(1, 0))
    process.until(0)
    assert len(take(process, 1)) == 1


def test_ctrl_c_does_not_reach_it(start: Start) -> None:
    process = start(Steady())
    process.ask(Request(1, 0))
    process.until(0)
    take(process, 1)
    os.kill(process.pid, signal.SIGINT)
    process.until(48 * 24)
    assert len(take(process, 48)) == 48


def took_over(relay: Relay, seconds: float = 10.0) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if relay.take_over():
            return True
        relay.take()
        time.sleep(0.005)
    return False


def test_another_model_takes_over_when_it_is_ready_and_the_old_one_ends() -> None:
    relay = Relay(Steady())
    old = relay.current
    assert isinstance(old, ModelProcess)
    relay.swap(Steady(instruments=(4,)), "strings")
    assert took_over(relay)
    assert relay.news() == ["Playing with strings now."]
    with pytest.raises(ProcessLookupError):
        os.kill(old.pid, 0)
    relay.ask(Request(1, 0))
    relay.until(0)
    (answer,) = take(relay, 1)
    assert answer.note and answer.note.instrument == 4
    relay.close()


def test_a_model_that_cannot_be_opened_leaves_the_old_one_playing() -> None:
    relay = Relay(Steady())
    while not relay.ready:
        time.sleep(0.01)
    relay.swap(Broken(), "x")
    assert not took_over(relay, 3)
    assert relay.news() == ["There is no checkpoint called 'x'. The old one plays on."]
    relay.ask(Request(1, 0))
    relay.until(0)
    assert len(take(relay, 1)) == 1
    relay.close()


def test_a_model_that_is_killed_is_started_again_and_one_that_keeps_dying_is_not() -> None:
    relay = Relay(Steady())
    for _ in range(2):
        while not relay.ready:
            time.sleep(0.01)
        assert isinstance(relay.current, ModelProcess)
        os.kill(relay.current.pid, KILL)
        assert took_over(relay)
        assert relay.news() == [
            "The model process died (killed by SIGKILL). Starting it again.",
            "The model plays again.",
        ]
    os.kill(relay.current.pid, KILL)
    with pytest.raises(MusegenError, match="killed by SIGKILL"):
        took_over(relay, 5)
    relay.close()


def test_a_direct_partner_tells_its_brain_everything() -> None:
    brain = Parrot()
    partner = DirectPartner(One(brain))
    note = Played(0, None, 60, 80, 0, 1, False)
    partner.hear(note)
    partner.end(1, 12)
    partner.forget(5)
    partner.reset([note])
    assert brain.told == [("hear", note), ("end", (1, 12)), ("forget", 5), ("reset", [note])]

"""The model process: its notes, its bound, its errors and its death. Real processes throughout."""

import os
import signal
import time

import pytest
from jam_sources import KILL, Broken, Failing, Steady

from musegen.errors import MusegenError
from musegen.events.codec import TimedNote
from musegen.live.feed import ModelProcess


def test_every_note_arrives_in_order_and_then_the_end() -> None:
    feed = ModelProcess(Steady(1000), ahead=16)
    notes = []
    while note := feed.take(wait=True):
        notes.append(note)
    feed.close()
    assert notes == list(Steady(1000).open())
    assert isinstance(notes[0], TimedNote)
    assert feed.ended


def test_it_runs_ahead_only_so_far() -> None:
    feed = ModelProcess(Steady(), ahead=32)
    assert feed.take(wait=True)
    time.sleep(0.5)  # long enough for thousands of notes
    pending = 0
    while feed._pipe.poll():
        feed._pipe.recv()  # without giving permits
        pending += 1
    feed.close()
    assert pending == 31


def test_an_error_of_the_model_arrives_as_one_sentence_after_its_notes() -> None:
    feed = ModelProcess(Failing(3))
    assert [feed.take(wait=True) for _ in range(3)] == list(Steady(3).open())
    with pytest.raises(MusegenError, match=r"^The model stopped: ValueError: the weights hold a NaN$"):
        feed.take(wait=True)
    feed.close()


def test_an_error_of_ours_keeps_its_words() -> None:
    feed = ModelProcess(Broken())
    with pytest.raises(MusegenError, match=r"^There is no checkpoint called 'x'\.$"):
        feed.take(wait=True)
    feed.close()


def test_sudden_death_is_noticed_without_taking_what_is_left() -> None:
    feed = ModelProcess(Failing(20, KILL))
    assert feed.take(wait=True)
    feed._process.join(10)
    with pytest.raises(MusegenError, match=r"^The model process died \(killed by SIGKILL\)\.$"):
        feed.check()
    feed.close()


def test_death_while_waiting_is_noticed() -> None:
    feed = ModelProcess(Failing(1, KILL))
    feed.take(wait=True)
    with pytest.raises(MusegenError, match="killed by SIGKILL"):
        feed.take(wait=True)
    feed.close()


def test_close_ends_the_process_even_if_it_is_busy() -> None:
    feed = ModelProcess(Steady())
    feed.take(wait=True)
    feed.close()
    feed.close()
    with pytest.raises(ProcessLookupError):
        os.kill(feed.pid, 0)


def test_ctrl_c_does_not_reach_it() -> None:
    feed = ModelProcess(Steady(), ahead=4)
    feed.take(wait=True)
    os.kill(feed.pid, signal.SIGINT)
    assert len([feed.take(wait=True) for _ in range(50)]) == 50
    feed.close()

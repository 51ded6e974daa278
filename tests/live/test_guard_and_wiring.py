"""What ports decide: what is an echo, what to connect, what sounds because of a pedal, what to release on return."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musegen.live.guard import Guard
from musegen.live.junction import THRU, Junction
from musegen.live.ledger import Ledger, Outbox
from musegen.live.messages import control, note_off, note_on, program_change
from musegen.live.recovery import Recovery
from musegen.live.wiring import Wiring, same_port

# --- the ledger ----------------------------------------------


def test_the_pedal_delays_what_counts_as_ended() -> None:
    ledger = Ledger()
    for message in (control(0, 64, 127), note_on(0, 60, 80), note_on(1, 60, 80), note_off(0, 60), note_off(1, 60)):
        ledger.take(message)
    assert ledger.sounding == {(0, 60)}
    assert ledger.held == {}
    ledger.take(control(0, 64, 63))
    assert ledger.sounding == set()


def test_a_key_struck_again_under_the_pedal_needs_an_off() -> None:
    ledger = Ledger()
    for message in (control(0, 64, 64), note_on(0, 60, 80), note_off(0, 60), note_on(0, 60, 80)):
        ledger.take(message)
    assert ledger.silence() == [note_off(0, 60), control(0, 123, 0), control(0, 120, 0), control(0, 64, 0)]
    assert ledger.release() == [note_off(0, 60), control(0, 64, 0)]


def test_two_players_on_one_key_never_cut_each_other() -> None:
    ledger = Ledger()
    assert ledger.admit(note_on(0, 60, 80), 1) == [note_on(0, 60, 80)]
    assert ledger.admit(note_on(0, 60, 90), 2) == [note_off(0, 60), note_on(0, 60, 90)]
    assert ledger.admit(note_off(0, 60), 1) == []  # stale
    assert ledger.admit(note_off(0, 60), 2) == [note_off(0, 60)]


def test_clock_messages_use_no_channel() -> None:
    outbox = Outbox()
    for i, message in enumerate((b"\xfa", b"\xf8", bytes((0xF2, 4, 0)))):
        outbox.push(message, float(i))
    assert [m for _, m in outbox.take(9.0, 0.0)] == [b"\xfa", b"\xf8", bytes((0xF2, 4, 0))]
    assert outbox.ledger.channels == set()


def test_cancelling_keeps_the_ends_of_pedals() -> None:
    outbox = Outbox()
    for message in (note_on(0, 60, 80), note_off(0, 60), control(0, 64, 0), control(0, 1, 5)):
        outbox.push(message, 5.0)
    outbox.cancel(1.0)
    assert outbox.take(2.0, 1.0) == [(1.0, note_off(0, 60)), (1.0, control(0, 64, 0))]
    assert outbox.dropped == 1


# --- the feedback guard --------------------------------------


def test_what_comes_back_is_ours_once_for_each_time_it_was_sent() -> None:
    guard = Guard()
    for message in (note_on(0, 60, 80), control(0, 1, 7), b"\xf8", program_change(0, 3), bytes((0xE0, 0, 70))):
        guard.sent(message, 1.0)
        assert guard.own(message, 1.09)
        assert not guard.own(message, 1.09)
        guard.sent(message, 2.0)
        assert not guard.own(message, 2.11)


def test_an_off_belongs_to_whoever_holds_the_key() -> None:
    guard = Guard()
    guard.sent(note_on(0, 60, 80), 1.0)
    assert guard.own(note_on(0, 60, 80), 1.01)
    assert guard.own(bytes((0x90, 60, 0)), 9.0), "the off of an echo is one, in whatever form and however late"
    assert not guard.own(note_on(0, 62, 80), 10.0)
    guard.sent(note_off(0, 62), 10.01)
    assert not guard.own(note_off(0, 62), 10.02), "the player's key would hang"


def test_the_players_pedal_is_not_taken_for_ours() -> None:
    guard = Guard()
    assert not guard.own(control(0, 64, 127), 1.0)
    guard.sent(control(0, 64, 0), 1.5)  # a panic
    assert not guard.own(control(0, 64, 0), 1.51)


def test_the_same_key_harder_or_on_another_channel_is_the_players() -> None:
    guard = Guard()
    guard.sent(note_on(0, 60, 80), 1.0)
    assert not guard.own(note_on(0, 60, 81), 1.01)
    assert not guard.own(note_on(1, 60, 80), 1.01)
    assert not guard.own(note_on(0, 61, 80), 1.01)


def test_a_note_repeated_quickly_and_passed_on_is_no_echo() -> None:
    guard = Guard()
    for i in range(8):
        for message in (note_on(0, 60, 80), note_off(0, 60)):
            at = 1.0 + i * 0.06 + (message[0] < 0x90) * 0.03
            assert not guard.own(message, at)
            guard.sent(message, at, passed_on=True)


@given(st.lists(st.tuples(st.integers(60, 62), st.integers(6, 300)), max_size=30))
def test_a_loop_with_thru_is_heard_once(notes: list[tuple[int, int]]) -> None:
    """Whatever the player plays, each message once: its echo 5 ms later is dropped, and so the loop ends."""
    guard, now = Guard(), 1.0
    for pitch, length in notes:
        for message, after in ((note_on(0, pitch, 80), length / 1000), (note_off(0, pitch), 0.05)):
            assert not guard.own(message, now)
            guard.sent(message, now, passed_on=True)
            assert guard.own(message, now + 0.005)
            now += after


# --- thru ----------------------------------------------------


def test_what_is_passed_on_is_in_the_ledger_and_is_released() -> None:
    junction = Junction()
    junction.thru = True
    assert junction.hear(note_on(0, 60, 80), 1.0)
    assert junction.take(2.0, 1.0) == [(1.0, note_on(0, 60, 80))]
    assert junction.ledger.held == {(0, 60): THRU}
    junction.thru = False
    assert junction.hear(note_off(0, 60), 3.0), "thru was turned off while a key was down"
    assert junction.take(4.0, 3.0) == [(3.0, note_off(0, 60))]


def test_a_player_who_vanishes_lets_go() -> None:
    junction = Junction()
    junction.thru = True
    for message in (control(0, 64, 127), note_on(0, 60, 80)):
        junction.hear(message, 1.0)
    junction.take(2.0, 1.0)
    assert junction.let_go(3.0) == [note_off(0, 60), control(0, 64, 0)]
    assert [m for _, m in junction.take(4.0, 3.0)] == [note_off(0, 60), control(0, 64, 0)]
    assert junction.let_go(3.0) == []


def test_clock_is_heard_but_not_passed_on_and_other_system_messages_are_not_heard() -> None:
    junction = Junction()
    junction.thru = True
    heard = [
        m
        for m in (b"\xf8", b"\xfe", bytes((0xF2, 1, 0)), b"\xf0\x7e\xf7", b"\xf6", b"\x90\x40", b"")
        if junction.hear(m, 1.0)
    ]
    assert heard == [b"\xf8", bytes((0xF2, 1, 0))]
    assert junction.take(2.0, 1.0) == []


# --- what is sent on return ----------------------------------


def test_on_return_everything_is_released_that_may_not_have_arrived() -> None:
    recovery = Recovery()
    recovery.sent(program_change(2, 19), 0.0)
    recovery.sent(note_on(2, 50, 80), 0.1)
    recovery.sent(note_off(2, 50), 1.0)  # long ago
    recovery.sent(note_on(2, 51, 80), 1.0)  # sounds
    recovery.sent(note_on(2, 52, 80), 9.0)
    recovery.sent(note_off(2, 52), 9.5)  # may have gone nowhere
    recovery.vanished(10.0)
    modes = [control(2, 123, 0), control(2, 120, 0), control(2, 64, 0)]
    assert recovery.returned() == [note_off(2, 51), note_off(2, 52), *modes, program_change(2, 19)]
    recovery.vanished(11.0)
    assert recovery.returned() == [*modes, program_change(2, 19)]


# --- wiring --------------------------------------------------


def test_what_vanishes_is_waited_for_and_joined_again() -> None:
    wiring = Wiring()
    wiring.quiet = False
    assert wiring.look(0.0, ["synth", "other"], ["synth"]).new == ["synth"]
    wiring.look(1.0, ["synth", "other"], [])  # its connection ends first …
    assert not wiring.lost
    assert wiring.look(1.1, ["other"], []).gone == ["synth"]  # … then it
    assert wiring.lost
    assert wiring.look(2.0, ["other"], []).join == []
    assert wiring.look(3.0, ["other", "synth"], []).join == ["synth"]
    assert wiring.look(3.1, ["other", "synth"], ["synth"]).back == ["synth"]
    assert not wiring.lost


def test_what_somebody_disconnects_is_left_alone() -> None:
    wiring = Wiring()
    wiring.look(0.0, ["keys"], ["keys"])
    wiring.look(1.0, ["keys"], [], offer=["keys"])
    change = wiring.look(2.0, ["keys"], [], offer=["keys"])
    assert (change.join, change.gone) == ([], [])
    assert wiring.remembered == []
    assert not wiring.lost
    wiring.look(3.0, [], [])
    assert wiring.look(4.0, ["keys"], [], offer=["keys"]).join == ["keys"], "plugged in anew, it is offered anew"


def test_old_connections_are_made_without_a_word() -> None:
    wiring = Wiring(["synth"])
    assert wiring.lost
    assert wiring.look(0.0, ["synth"], []).join == ["synth"]
    change = wiring.look(0.1, ["synth"], ["synth"])
    assert (change.back, change.new) == ([], [])
    assert wiring.remembered == ["synth"]


def test_a_port_is_known_by_its_name_whatever_its_numbers() -> None:
    assert same_port("Piano MIDI 1 24:0", ["Through 14:0", "Piano MIDI 1 28:0"]) == "Piano MIDI 1 28:0"
    assert same_port("loopMIDI 1", ["loopMIDI 2", "Synth 0"]) == "loopMIDI 2"
    assert same_port("Piano 1", ["Piano 2", "Piano 3"]) is None
    assert same_port("Piano", ["Pianola"]) is None
    wiring = Wiring()
    wiring.quiet = False
    wiring.look(0.0, ["Piano 24:0"], ["Piano 24:0"])
    wiring.look(1.0, [], [])
    assert wiring.look(2.0, ["Piano 28:0"], []).join == ["Piano 28:0"]
    assert wiring.look(2.1, ["Piano 28:0"], ["Piano 28:0"]).back == ["Piano 28:0"]
    assert wiring.remembered == ["Piano 28:0"]


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_port_that_returns_before_it_was_missed_is_joined_again(seconds: float) -> None:
    wiring = Wiring()
    wiring.look(0.0, ["synth"], ["synth"])
    wiring.look(1.0, ["synth"], [])
    wiring.look(1.1, [], [])
    assert wiring.look(1.1 + seconds, ["synth"], []).join == ["synth"]

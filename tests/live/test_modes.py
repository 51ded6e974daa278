"""What each mode plays, when, and after what: in ticks, with a brain whose every note is foreseen."""

import pytest
from jam_sources import One, Parrot, Steady

from musegen.live.desk import Desk
from musegen.live.modes import MODES
from musegen.live.partner import DirectPartner
from musegen.live.performer import Performer
from musegen.live.timeline import Timeline
from musegen.piece import Meter
from musegen.sampling.duet import Played

LINE = Timeline(meters=(Meter(0, 4, 4),))
COMMIT = 4  # ticks


class Band:
    """A performer on a timeline, asked as a stage asks: every tick, `COMMIT` ticks ahead."""

    def __init__(self, mode: str, **how: object) -> None:
        self.brain = Parrot()
        self.desk = Desk()
        self.performer = Performer(DirectPartner(One(self.brain)), LINE, self.desk, mode, **how)  # type: ignore[arg-type]
        self.performer.ahead = 96
        self.notes: list[Played] = []
        self.ends: list[tuple[int, int]] = []
        self.now = 0

    def to(self, tick: int) -> None:
        """Let time pass to `tick`."""
        while self.now < tick:
            turn = self.performer.advance(self.now, self.now + COMMIT)
            assert all(self.now - 1 <= n.onset < self.now + COMMIT for n in turn.notes)
            self.notes += turn.notes
            self.ends += turn.ends
            self.now += 1

    def phrase(self, *onsets: int, pitch: int = 60, length: int = 12) -> None:
        """The player strikes `pitch` at each of `onsets` for `length` ticks."""
        for onset in onsets:
            self.to(onset)
            self.performer.strike(onset, 0, pitch, 90)
            self.to(onset + length)
            self.performer.release(onset + length, 0, pitch)

    def onsets(self) -> list[int]:
        return [n.onset for n in self.notes]


def test_solo_plays_from_the_beginning_without_end_and_every_note_once() -> None:
    band = Band("solo")
    band.to(1000)
    assert band.onsets() == list(range(0, 1000 + COMMIT - 1, 24))


def test_the_last_bar_is_the_last() -> None:
    band = Band("solo", bars=2)
    band.to(400)
    assert band.onsets() == [24 * i for i in range(8)]
    assert band.performer.finished
    assert max(n.onset + (n.duration or 0) for n in band.notes) <= 192


def test_an_answer_is_as_long_as_the_phrase_and_starts_on_the_beat_after_a_rest() -> None:
    band = Band("answer")
    band.phrase(5, 29, 55, 80)  # from beat 1 to beat 4
    band.to(91)
    assert not band.notes
    band.to(400)
    # The last key went up at 92, in beat 4: a beat of rest, then the next beat line is 120; four beats long.
    assert band.onsets() == [120, 144, 168, 192]
    assert band.performer.mode.state == "listening"


def test_an_answer_waits_while_a_key_is_down() -> None:
    band = Band("answer")
    band.performer.strike(0, 0, 60, 90)
    band.to(130)
    assert not band.notes
    band.performer.release(130, 0, 60)
    band.to(400)
    assert band.onsets()[0] == 168
    assert len(band.notes) == 6  # 130 ticks, in whole beats


def test_a_phrase_that_goes_on_takes_the_answer_back_before_its_beat() -> None:
    band = Band("answer")
    band.phrase(0)
    band.to(30)  # the answer is planned for 48
    assert band.performer.mode.state == "ready"
    band.phrase(32)
    band.to(68)
    assert not band.notes
    band.to(300)
    assert band.onsets() == [72, 96]


def test_a_player_who_cuts_in_is_not_played_over() -> None:
    band = Band("answer")
    band.phrase(0, 24, 48, 72)
    band.to(135)  # the answer is 120 … 216
    assert band.onsets() == [120]
    band.performer.strike(135, 0, 64, 90)
    band.to(200)
    assert band.onsets() == [120], "what was not handed out yet is dropped"
    band.performer.release(200, 0, 64)
    band.to(400)
    assert band.onsets()[1:] == [240, 264, 288, 312], "and the new phrase is answered"


def test_trading_fours_ends_a_phrase_at_the_bar_line() -> None:
    band = Band("answer", phrase_bars=2)
    band.phrase(*range(0, 180, 24))
    band.to(600)
    assert band.onsets() == [192 + 24 * i for i in range(8)]


def test_a_player_who_trades_fours_may_play_on_under_the_answer() -> None:
    band = Band("answer", phrase_bars=1)
    band.phrase(*range(0, 384, 24))
    band.to(400)
    assert band.onsets() == [96, 120, 144, 168, 288, 312, 336, 360]


def test_what_the_player_plays_changes_what_was_planned_but_not_what_was_handed_out() -> None:
    band = Band("accompany")
    band.to(50)
    assert [n.pitch for n in band.notes] == [60, 60, 60]
    band.performer.strike(50, 0, 70, 90)
    planned_before = [n.pitch for n in band.performer.planned()]
    assert set(planned_before) == {60}
    band.to(150)
    after = [n for n in band.notes if n.onset > 55]
    assert {n.pitch for n in after} == {77}, "a fifth above what was heard"
    assert len(band.onsets()) == len(set(band.onsets()))


def test_harmonise_joins_each_note_at_once_and_ends_with_it() -> None:
    band = Band("harmonise", voices=(192,))
    band.to(10)
    band.performer.strike(10, 0, 60, 90)
    band.to(11)
    (companion,) = band.notes
    assert (companion.onset, companion.pitch, companion.duration, companion.instrument) == (10, 48, None, 192)
    band.to(40)
    assert not band.ends
    band.performer.release(40, 0, 60)
    band.to(41)
    assert band.ends == [(companion.number, 40)]


def test_a_key_released_before_its_companion_came_ends_it_too() -> None:
    band = Band("harmonise")
    band.to(10)
    band.performer.strike(10, 0, 60, 90)
    band.performer.release(10.4, 0, 60)
    band.to(12)
    assert len(band.notes) == len(band.ends) == 1


def test_a_loop_goes_round_and_the_knob_says_how_much_is_new() -> None:
    band = Band("accompany")
    for bar in range(4):
        band.phrase(96 * bar + 6, 96 * bar + 50, pitch=64)
    band.desk.set("vary", 0.0)
    band.to(384)
    band.performer.play_in("loop")
    begin = len(band.notes)
    band.to(384 + 96 + 2 * 384)
    first = [(n.onset - 480, n.pitch) for n in band.notes[begin:] if 480 <= n.onset < 864]
    second = [(n.onset - 864, n.pitch) for n in band.notes[begin:] if 864 <= n.onset < 1248]
    assert first and first == second, "unvaried, both rounds are the same"
    band.desk.set("vary", 1.0)
    band.to(1700)
    third = [(n.onset - 1248, n.pitch) for n in band.notes[begin:] if 1248 <= n.onset < 1632]
    assert [o for o, _ in third] == [o for o, _ in first], "the rhythm stays"
    assert {p for _, p in third} == {99}, "every pitch was drawn"


def test_a_loop_is_as_long_as_it_is_asked_to_be() -> None:
    band = Band("accompany", loop_bars=1)
    band.phrase(*range(288, 384, 24), pitch=64)
    band.desk.set("vary", 0.0)
    band.performer.play_in("loop")
    begin = len(band.notes)
    band.to(480 + 4 * 96)
    rounds = [
        [n.onset - start for n in band.notes[begin:] if start <= n.onset < start + 96] for start in (480, 576, 672)
    ]
    assert rounds[0] == rounds[1] == rounds[2]
    assert {0, 24, 48, 72} <= set(rounds[0])


def test_modes_can_be_changed_while_playing() -> None:
    band = Band("solo")
    band.to(100)
    for name in MODES:
        band.performer.play_in(name)
        band.to(band.now + 120)
        assert type(band.performer.mode) is MODES[name]
    assert band.onsets() == sorted(band.onsets())


def test_resting_it_listens_and_comes_in_on_the_next_bar() -> None:
    band = Band("solo")
    band.to(100)
    band.performer.leave()
    band.to(250)
    assert max(band.onsets()) < 100 + COMMIT
    band.performer.come_in()
    band.to(400)
    assert band.onsets()[band.onsets().index(96) + 1] == 288


def test_a_knob_changes_what_is_not_handed_out() -> None:
    band = Band("solo")
    band.to(50)
    asked = len(band.brain.asked)
    band.desk.set("density", 0.5)
    band.to(60)
    assert len(band.brain.asked) == asked + 1
    request = band.brain.asked[-1]
    assert request.controls.density == 0.5
    assert request.start == 50 + COMMIT - 1, "from what is handed out on"
    assert request.chance_from == band.brain.asked[-2].chance_from, "the same random numbers"


def test_undo_takes_both_parts_of_the_phrase_back_and_closes_the_gap() -> None:
    band = Band("answer")
    band.phrase(0, 24)
    band.to(400)
    band.phrase(400, 430, pitch=50)
    band.to(800)
    pitches = [n.pitch for n in band.performer.history.notes]
    assert 50 in pitches
    band.performer.undo()
    left = band.performer.history.notes
    assert left
    assert 50 not in [n.pitch for n in left]
    assert [(n.onset - left[0].onset) for n in left][:2] == [0, 24]
    assert left[0].onset % 96 == 0
    assert left[-1].onset > 300, "what is left leads up to now"
    resets = [what for name, what in band.brain.told if name == "reset"]
    assert resets[-1] == left


def test_retake_answers_again_with_the_same_numbers_and_again_with_others() -> None:
    band = Band("answer")
    band.phrase(0, 24, 48)
    band.to(300)
    first = [(n.onset - band.notes[0].onset, n.pitch, n.velocity) for n in band.notes]
    band.performer.retake()
    band.to(600)
    second = band.notes[len(first) :]
    assert second[0].onset % 96 == 0
    assert [(n.onset - second[0].onset, n.pitch, n.velocity) for n in second] == first
    band.performer.retake(band.performer.seed_number + 1)
    band.to(900)
    third = band.notes[len(first) + len(second) :]
    assert len(third) == len(first)
    assert third[0].velocity == first[0][2] + 1


def test_a_jump_ends_what_is_held_and_begins_again_at_the_bar() -> None:
    band = Band("solo")
    band.performer.strike(0, 0, 60, 90)
    band.to(50)
    band.performer.jump(192)
    assert not band.performer.player.held
    band.now = 180
    band.to(260)
    assert [o for o in band.onsets() if o > 60] == [192, 216, 240]


def test_a_model_that_is_behind_rests_to_the_bar_and_says_so() -> None:
    band = Band("solo")
    band.to(10)
    turn = band.performer.advance(100, 104)  # nobody asked for 90 ticks: notes of the past cannot be played
    assert not turn.notes
    assert band.performer.rests >= 1
    assert band.performer.news() == ["The model was behind: rested for 2 bars."]
    band.now = 104
    band.to(300)
    assert next(o for o in band.onsets() if o > 10) == 192


def test_another_brain_takes_over_from_what_is_not_handed_out() -> None:
    band = Band("accompany")
    band.phrase(10, 40)
    band.to(100)
    other = Parrot()
    band.performer.replaced(DirectPartner(One(other)))
    (told,) = [what for name, what in other.told if name == "reset"]
    assert told == band.performer.history.notes
    band.to(300)
    assert band.onsets() == sorted(set(band.onsets()))
    assert max(band.onsets()) > 280


@pytest.mark.parametrize("mode", list(MODES))
def test_whatever_is_pulled_however_the_notes_are_the_same(mode: str) -> None:
    """A host that asks for a beat at a time, one for a bar, and a stage that asks every tick hear the same."""
    if mode == "harmonise":
        return  # it plays only with the player
    heard = []
    for size in (1, 24, 96):
        performer = Performer(DirectPartner(Steady()), LINE, Desk(), mode)  # type: ignore[arg-type]
        notes: list[Played] = []
        for start in range(0, 960, size):
            notes += performer.advance(start, start + size).notes
        heard.append([(n.onset, n.pitch) for n in notes])
    assert heard[0] == heard[1] == heard[2]


def test_in_six_eight_a_beat_is_three_eighths() -> None:
    band = Band("answer")
    band.performer.timeline = Timeline(meters=(Meter(0, 6, 8),))
    band.phrase(0, 12, 24, length=8)
    band.to(300)
    # The last key goes up at 32; a beat of rest leads to 68, and the next beat line is 72.
    assert band.onsets() == [72, 96]

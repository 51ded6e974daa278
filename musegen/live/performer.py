"""The performer: listens to the player, decides in one of its modes what to play and when, and hands it out.

All in ticks (24 a quarter): whoever asks gets the notes up to a tick, once. A live stage asks in step with its clock
(`stage.py`); a host that owns the timeline asks for "the notes from beat 17 to 18"; a test or a bounce asks as fast
as it likes. Knows nothing of seconds, ports or processes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..sampling.duet import Played
from ..sampling.request import Request, Step
from .desk import Desk
from .history import History
from .modes import MODES, Mode
from .partner import Partner
from .player import Player
from .timeline import Timeline


class Turn(NamedTuple):
    """What is handed out: notes (held ones have no duration yet), and the ends of held ones as (number, tick)."""

    notes: list[Played]
    ends: list[tuple[int, int]]


class Performer:
    """Plays with `partner` on `timeline`, steered by `desk`, to the end of bar `bars` if given.

    `voices` are the instruments it plays (`events.attributes`), `player` the player's own. `seed` are the seed
    phrase's notes, at negative ticks. `ahead` is how many ticks ahead it plans.
    """

    def __init__(
        self,
        partner: Partner,
        timeline: Timeline,
        desk: Desk,
        mode: str = "solo",
        *,
        voices: Sequence[int] = (0,),
        player: int = 0,
        seed: Sequence[Played] = (),
        bars: int | None = None,
        seed_number: int = 0,
        phrase_bars: int = 0,
        loop_bars: int = 4,
    ) -> None:
        self.timeline, self.desk, self.partner = timeline, desk, partner
        self.voices, self.player = tuple(voices), Player(player)
        self.history = History(tuple(seed))
        self.ahead = 2 * timeline.meters[0].bar_ticks()
        self.guard = 0  # ticks of what is planned that stay when it is planned anew, so that the model is not behind
        self.seed_number, self.phrase_bars, self.loop_bars = seed_number, phrase_bars, loop_bars
        self.rests = 0
        """Bars rested because the model was behind."""
        self.notes = self.count = 0
        """The model's notes handed out, and those of both."""
        self.resting = False
        """Whether the player asked it to leave; it goes on listening."""
        self.frontier = 0
        """Up to this tick everything has been handed out."""
        self.now = 0.0
        self.request: Request | None = None
        self.done = True
        """Whether the request has been answered to its end."""
        self._planned: deque[Played] = deque()
        self._end = math.inf if bars is None else timeline.bar_start(bars)
        self._requests = 0
        self._immediate: list[Played] = []
        self._with: dict[int, list[Played]] = {}  # player's number → companions that sound
        self._ends: list[tuple[int, int]] = []
        self._version = desk.version
        self._news: list[str] = []
        self._dry_since: float | None = None
        self._costs: list[float] = []
        self.mode: Mode = MODES[mode]()
        self._entered = False

    # --- the player -------------------------------------------------------------------------------------------------

    def strike(self, tick: float, channel: int, pitch: int, velocity: int) -> None:
        """The player struck a key at `tick`."""
        self.prepare()
        self.release(tick, channel, pitch)  # a key that is struck again was released, whatever was heard
        note = self.player.strike(tick, channel, pitch, velocity)
        self.count += 1
        self.history.add(note)
        self.partner.hear(note)
        self.mode.struck(self, note)

    def release(self, tick: float, channel: int, pitch: int) -> None:
        """The player released a key; one that is not held is ignored."""
        if released := self.player.release(tick, channel, pitch):
            note, duration = released
            self.history.end(note.number, duration)
            self.partner.end(note.number, duration)
            self._end_companions(note.number, duration)
            self.mode.released(self, note._replace(duration=duration))

    def release_all(self, tick: float) -> None:
        """The player's port has gone: no key is held any more."""
        for key in self.player.keys:
            self.release(tick, *key)

    # --- what a mode may do -----------------------------------------------------------------------------------------

    @property
    def beat(self) -> int:
        """Ticks of a beat here."""
        return self.timeline.meter(max(0.0, self.now)).beat_ticks()

    @property
    def bar(self) -> int:
        """Ticks of a bar here."""
        return self.timeline.meter(max(0.0, self.now)).bar_ticks()

    def next_bar(self, tick: float) -> int:
        """The first bar line at or after `tick`."""
        return self._line_after(tick, self.bar)

    def next_beat(self, tick: float) -> int:
        """The first beat at or after `tick`."""
        return self._line_after(tick, self.beat)

    def bar_before(self, tick: float) -> int:
        """The last bar line at or before `tick`."""
        meter = self.timeline.meter(max(0.0, tick))
        return meter.tick + int((tick - meter.tick) // self.bar) * self.bar

    def _line_after(self, tick: float, grid: int) -> int:
        meter = self.timeline.meter(max(0.0, tick))
        return meter.tick + math.ceil((tick - meter.tick) / grid) * grid

    def ask(
        self,
        start: int,
        end: int | None = None,
        *,
        exact: bool = False,
        template: tuple[Step, ...] = (),
        chance_from: int | None = None,
    ) -> None:
        """Have the notes from `start` on drawn (anew), until `end`; planned ones before it stay."""
        if self.resting:
            return
        if math.isfinite(self._end):
            end = int(min(self._end, math.inf if end is None else end))
        self.request = self._request(start, end, exact, template, start if chance_from is None else chance_from)
        self.done = False
        while self._planned and self._planned[-1].onset >= start:
            self._planned.pop()
        self.partner.ask(self.request)
        self._permit()

    def ask_again(self) -> None:
        """The same request with what has changed since; what is handed out stays."""
        if self.request is not None and (not self.done or self._planned):
            old = self.request
            start = max(old.start, self.frontier + self.guard)
            if old.end is None or start < old.end:
                exact = old.exact and start == old.start
                self.ask(start, old.end, exact=exact, template=old.template, chance_from=old.chance_from)

    def join(self, note: Played) -> None:
        """Have companions of the player's `note` drawn, to be handed out at once."""
        if not self.resting:
            self._with[note.number] = []
            self.partner.companions(self._request(note.onset, None, True, (), note.onset), note)

    def drop(self) -> None:
        """Play nothing more until asked for again."""
        self._planned.clear()
        self.request, self.done = None, True
        self.partner.forget(self.frontier)

    def say(self, text: str) -> None:
        """Tell the person something."""
        self._news.append(text)

    def news(self) -> list[str]:
        """Sentences for the person since the last call."""
        news, self._news = self._news, []
        return news

    def costs(self) -> list[float]:
        """What each note that was drawn since the last call cost, in seconds."""
        costs, self._costs = self._costs, []
        return costs

    # --- time -------------------------------------------------------------------------------------------------------

    def quiet(self, tick: float) -> bool:
        """Whether nobody has played for two bars before `tick`, and nothing is planned."""
        long_ago = tick - 2 * self.bar
        latest = self.history.latest(8)
        return not self._planned and all(n.duration is not None and n.onset + n.duration < long_ago for n in latest)

    @property
    def finished(self) -> bool:
        """Whether the last bar has been handed out, or a partner that plays alone has come to its end."""
        alone = self.mode.alone and self.request is not None and self.done and not self._planned
        return self.frontier >= self._end or alone

    def planned(self) -> list[Played]:
        """The notes that are known but may still change; any thread may ask."""
        return list(self._planned.copy())

    def prepare(self, start: int = 0) -> bool:
        """Begin to plan, before the music begins at `start`; whether the first notes are there, or none are wanted."""
        if not self._entered:
            self._entered = True
            self.mode.enter(self, start)
        self._collect()
        return self.done or (bool(self._planned) and self._planned[-1].onset >= start + self.bar)

    def advance(self, now: float, until: float, oldest: float = math.inf) -> Turn:
        """Hand out everything before tick `until`; `now` is the earliest tick that can still be played in time.

        A note that is more than a tick late, and before `oldest`, is not played: it rests to the next bar instead.
        `now` and `until` only ever grow. Raises MusegenError if the partner can give no more.
        """
        self.now = max(self.now, now)
        self.prepare()
        self._collect()
        if self.desk.version != self._version:
            self._version = self.desk.version
            self.mode.turned(self)
        self.mode.step(self, now)
        self._collect()
        turn = self._hand_out(min(now - 1, oldest), until)
        self.frontier = max(self.frontier, math.ceil(min(until, self._end)))
        self._permit()
        self._complain(now)
        return turn

    def jump(self, tick: int) -> None:
        """Time was broken (a stop, a jump of the master): begin again at the bar line `tick`."""
        if not self.frontier:
            self._end += tick  # nothing was played: bars are counted from where a master begins
        self.release_all(self.now)
        self._drop_companions()
        if self.request is not None and self.request.start == tick >= self.frontier:
            return  # it has just been planned from there
        self.drop()
        self.now, self.frontier = max(self.now, tick), max(self.frontier, tick)
        self.mode.enter(self, tick)

    def replaced(self, partner: Partner | None = None) -> None:
        """Another brain plays from now on: tell it everything, and have what is not handed out drawn anew."""
        self.partner = partner or self.partner
        self.partner.reset(self.history.notes)
        self.ask_again()

    # --- what a player may ask for ----------------------------------------------------------------------------------

    def play_in(self, name: str) -> None:
        """Change to mode `name`, from the next bar; also from resting."""
        self.drop()
        self.resting = False
        self.mode = MODES[name]()
        if self._entered:
            self.mode.enter(self, self.next_bar(self.frontier))

    def leave(self) -> None:
        """Stop playing after what is handed out; go on listening."""
        self.drop()
        self.resting = True

    def come_in(self) -> None:
        """Play again, from the next bar."""
        self.resting = False
        self.mode.enter(self, self.next_bar(self.frontier))

    def undo(self) -> None:
        """Take back the last phrase, both players' part of it: what is played next follows on what was before."""
        start = self.mode.phrase_start(self)
        self._take_back(start, lambda note: True)
        self.mode.enter(self, self.next_bar(self.frontier))

    def retake(self, seed_number: int | None = None) -> None:
        """Play the model's last phrase again from the next bar, with the same random numbers or `seed_number`'s."""
        if seed_number is not None:
            self.seed_number = seed_number
        start = self.next_bar(self.frontier)
        self.mode.retake(self, start)

    def forget_own(self, old: int, new: int) -> None:
        """Take back the model's notes from tick `old` on, and move the rest so that it leads to `new`."""
        self._take_back(old, lambda note: note.own, new)

    def _take_back(self, start: int, which: Callable[[Played], bool], new: int | None = None) -> None:
        self.drop()
        self.history.forget(start, which)
        ahead = self.next_bar(self.frontier) if new is None else new
        self.history.move(max(0, (ahead - start) // self.bar * self.bar))
        self.partner.reset(self.history.notes)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _request(
        self, start: int, end: int | None, exact: bool, template: tuple[Step, ...], chance_from: int
    ) -> Request:
        self._requests += 1
        voices, controls, busy = self.voices, self.desk.controls, self.player.busy(self.now, self.beat)
        return Request(
            self._requests, start, end, voices, controls, self.seed_number, chance_from, exact, template, busy
        )

    def _permit(self) -> None:
        if self.request is not None:
            self.partner.until(max(self.request.start, math.ceil(self.now)) + self.ahead)

    def _collect(self) -> None:
        for answer in self.partner.take():
            self._costs.append(answer.seconds)
            if answer.said:
                self.say(answer.said)
            elif answer.to is not None:
                self._accompany(answer.to, answer.note)
            elif self.request is None or answer.request != self.request.number:
                continue
            elif answer.note is None:
                self.done = True
            else:
                self._planned.append(answer.note)

    def _accompany(self, to: int, note: Played | None) -> None:
        assert note is not None
        self.history.add(note)
        self._immediate.append(note)
        if any(n.number == to for n in self.player.held):
            self._with[to].append(note)
        else:  # the key is up already
            self._ends.append((note.number, max(note.onset + 1, math.ceil(self.now))))

    def _end_companions(self, number: int, duration: int) -> None:
        for note in self._with.pop(number, []):
            self.history.end(note.number, duration)
            self.partner.end(note.number, duration)
            self._ends.append((note.number, note.onset + duration))

    def _drop_companions(self) -> None:
        for number in list(self._with):
            self._end_companions(number, 1)

    def _hand_out(self, oldest: float, until: float) -> Turn:
        notes, self._immediate = self._immediate, []
        while self._planned and self._planned[0].onset < min(until, self._end):
            note = self._planned[0]
            if note.onset < oldest:
                self._rest(until)
                break
            self._planned.popleft()
            notes.append(self._within(note))
            self.history.add(notes[-1])
        ends, self._ends = self._ends, []
        self.notes += len(notes)
        self.count += len(notes)
        return Turn(notes, ends)

    def _within(self, note: Played) -> Played:
        """`note`, not ringing on beyond what it was asked for."""
        end = self._end
        if self.request is not None and self.request.end is not None:
            end = min(end, max(self.request.end, note.onset + 1))
        if note.duration is None or note.onset + note.duration <= end:
            return note
        short = note._replace(duration=int(end) - note.onset)
        self.partner.end(note.number, int(end) - note.onset)
        return short

    def _rest(self, until: float) -> None:
        """The model is behind: it goes on at the next bar."""
        start = self.next_bar(until)
        bars = max(1, round((start - self._planned[0].onset) / self.bar))
        self.rests += bars
        self.say(f"The model was behind: rested for {bars} bar{'s' if bars > 1 else ''}.")
        self._planned.clear()
        self.mode.enter(self, start)

    def _complain(self, now: float) -> None:
        if self._planned or self.done:
            self._dry_since = None
        elif self._dry_since is None:
            self._dry_since = now
        elif now - self._dry_since > max(self.bar, 96):
            self.say("Waiting for the model: no notes are ready.")
            self._dry_since = math.inf

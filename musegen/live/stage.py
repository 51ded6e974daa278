"""The stage: where musical time meets the clock. Brings what comes in to the performer, and what it plays to the port.

    port ──messages──▶ conductor, desk, performer ──notes in ticks──▶ scheduler, in seconds ──▶ port

Every few milliseconds, and at once when something arrives, `step` looks at everything. The end of a note is placed
when it comes near, not with its beginning, so that a changing tempo moves it too. A stop, a jump or a vanished port
ends what sounds; playing goes on at a bar line. Knows nothing of models, processes or terminals.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable

from ..errors import FileError, MusegenError, SettingsError
from ..events.attributes import COPIES
from ..sampling.duet import Played
from .channels import Channels
from .chord import HeldChord
from .clock import Clock
from .conductor import Conductor
from .desk import Desk, pair
from .drummer import Drummer, Stroke
from .messages import DRUM_CHANNEL, is_off, is_on
from .own_time import OwnTime
from .pace import LEAST_COMMIT
from .performer import Performer
from .ports import Port
from .scheduler import Scheduler, Sound

STEP = 0.01  # seconds between two looks, if nothing arrives
MARGIN = 0.005  # a note that is due sooner than this cannot be played in time any more …
BARELY = 0.02  # … but one that is so late is still played: the first note after a master's start always is
PROGRAM_LEAD = 0.01  # a program change goes out so long before its first note
CLICKS = ((76, 110), (77, 80))  # (pitch, velocity) of the first beat and the others: wood blocks (General MIDI 1)
CLICK_LENGTH = 0.05  # seconds


class Stage:
    """Plays `performer` by `conductor`'s time through `port`, which `scheduler` sends to."""

    def __init__(
        self,
        performer: Performer,
        conductor: Conductor,
        scheduler: Scheduler,
        port: Port,
        desk: Desk,
        *,
        channels: Channels | None = None,
        keep: Callable[[], None] = lambda: None,
        swap: Callable[[str], None] = lambda name: None,
        silenced: Callable[[], None] = lambda: None,
        count_in: int = 0,
        click: bool = False,
        chord: HeldChord | None = None,
        free: bool = False,
        drummer: Drummer | None = None,
    ) -> None:
        self.performer, self.conductor, self.scheduler = performer, conductor, scheduler
        self.port, self.desk = port, desk
        self.commit = LEAST_COMMIT
        """How many seconds ahead a note becomes final."""
        self.quit = False
        self.dropped = 0
        """Notes of the player's that came while the music stood still."""
        self._clock: Clock = scheduler.clock
        self._channels = channels or Channels()
        self._keep, self._swap, self._click, self._chord = keep, swap, click, chord
        self._wake = threading.Event()
        port.listen(self._wake.set)
        performer.partner.listen(self._wake.set)
        self._drummer = drummer or Drummer()
        self._epoch = conductor.epoch
        self._was_up = True
        self._ends: list[tuple[float, int]] = []  # heap of (tick, identity)
        self._identity: dict[int, int] = {}  # held notes: number → identity
        self._silenced, self._free = silenced, free
        self._clicked = -count_in * conductor.timeline.meter(0).bar_ticks()
        self._news: list[str] = []

    # --- one look ---------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Look at everything that may have changed, and hand over what is due. Raises PortError or MusegenError."""
        now = self._clock.now()
        try:
            self.port.check()
        except FileError as error:  # the disk is full: the music goes on
            self._news.append(str(error))
        self._receive()
        self._news += self.conductor.update(now)
        self._obey(now)
        if self._standing(now):
            self.scheduler.advance()
            return
        self._play(now)
        self.scheduler.advance()

    def wait(self) -> None:
        """Until something arrives or it is time to look again."""
        if not self._clock.realtime:
            self._clock.wait_until(self._clock.now() + STEP)
        else:
            self._wake.wait(STEP)
            self._wake.clear()

    @property
    def over(self) -> bool:
        """Whether the last bar has sounded, or the player wants to end."""
        done = self.performer.finished and self.scheduler.idle and not self._ends
        return self.quit or (done and self._clock.now() > self.scheduler.last_time + STEP)

    def news(self) -> list[str]:
        """Sentences for the person since the last call."""
        news, self._news = self._news, []
        return [*news, *self.port.news(), *self.performer.news(), *self.desk.news()]

    # --- what comes in ----------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        for time, message in self.port.receive():
            if message[0] >= 0xF0:
                self.conductor.hear(time, message)
            elif not self.desk.midi(message):
                if self._chord is not None and self._chord.hear(message):
                    self.desk.set("harmony", self._chord.classes)
                self._hear(time, message)

    def _hear(self, time: float, message: bytes) -> None:
        channel = message[0] & 0x0F
        if not (is_on(message) or is_off(message)):
            return
        tick = self.conductor.tick(time)
        if is_on(message) and self._free and tick >= 0 and self.performer.quiet(tick):
            tick = self._follow_hands(tick)
        if not self.conductor.rolling or tick < -self.performer.bar:
            self.dropped += is_on(message)
        elif is_on(message):
            self.performer.strike(tick, channel, message[1], message[2])
        else:
            self.performer.release(tick, channel, message[1])

    def _follow_hands(self, tick: float) -> float:
        """Whoever begins after a long silence begins a bar; its tick."""
        if not isinstance(self.conductor, OwnTime) or not self.conductor.rolling:
            return tick
        bar = self.conductor.downbeat()
        self._epoch = self.conductor.epoch
        self.performer.jump(bar)
        return bar

    def _obey(self, now: float) -> None:
        for action, argument in self.desk.actions():
            try:
                self._do(action, argument, now)
            except MusegenError as error:  # a wish that cannot be granted is no reason to stop the music
                self._news.append(str(error))

    def _do(self, action: str, argument: str, now: float) -> None:
        performer = self.performer
        if action == "panic":
            self._silence()
            performer.leave()
            self._news.append("Silence. Have it come in (e), or choose a mode, and it plays again.")
        elif action == "tap":
            self.conductor.tap(now)
        elif action == "keep":
            self._keep()
        elif action == "checkpoint":
            self._swap(argument)
        elif action == "quit":
            self.quit = True
        elif action == "mode":
            performer.play_in(argument)
        elif action == "enter":
            performer.come_in()
        elif action == "rest":
            performer.leave()
        elif action == "free":
            if self._chord is not None:
                self._chord.release()
            self.desk.set("harmony", ())
        elif action in ("program", "channel"):
            self._sound(action, *pair(action, argument), now)
        elif action == "undo":
            performer.undo()
        elif action == "retake":
            performer.retake()
        elif action == "again":
            performer.retake(performer.seed_number + 1)

    def _sound(self, action: str, voice: int, value: int, now: float) -> None:
        voices = self.performer.voices
        if voice >= len(voices):
            raise SettingsError(f"There is no voice {voice + 1}: it plays {len(voices)}.")
        instrument = voices[voice]
        if action == "program":
            messages = self._channels.sound(instrument, value)
        else:
            messages = self._channels.move(instrument, value, instrument // COPIES)
        for message in messages:
            self.scheduler.send(message, now)

    # --- what goes out ----------------------------------------------------------------------------------------------

    def _standing(self, now: float) -> bool:
        """Whether nothing can be played now; ends what sounds when that begins."""
        if not self.port.up:
            if self._was_up:
                self._was_up = False
                self._forget_sounding()
                self.scheduler.lost()
                self.performer.release_all(self.conductor.tick(now))
                self.performer.drop()
            return True
        if not self._was_up:
            self._was_up = True
            self.performer.jump(self.performer.next_bar(max(0.0, self.conductor.tick(now + self.commit))))
        if self.conductor.epoch != self._epoch:
            self._epoch = self.conductor.epoch
            self._silence()
            self.performer.release_all(self.conductor.tick(now))
            self.performer.jump(self.conductor.resume_tick)  # at a stop too: the first notes are to wait for the start
        return not self.conductor.rolling

    def _play(self, now: float) -> None:
        conductor = self.conductor
        performer, controls = self.performer, self.desk.controls
        final = now + self.commit
        until = conductor.tick(final + self._drummer.reach(performer, controls.humanise))
        self._count(until)
        turn = performer.advance(conductor.tick(now + MARGIN), until, conductor.tick(now - BARELY))
        self._news += self._drummer.news(performer, controls.humanise)
        strokes = self._drummer.strokes(turn.notes, performer, conductor, controls, final)
        for note in turn.notes:
            self._place(note, now, strokes.get(note.number))
        for number, end in turn.ends:
            if (identity := self._identity.pop(number, None)) is not None:
                heapq.heappush(self._ends, (end, identity))
        while self._ends and self._ends[0][0] < until:
            tick, identity = heapq.heappop(self._ends)
            self.scheduler.release(identity, max(conductor.time(tick), now) if tick < until else now)

    def _place(self, note: Played, now: float, stroke: Stroke | None) -> None:
        onset = self.conductor.time(note.onset)
        late = 0.0  # ticks by which the stroke, and its end, come later than written
        if stroke is not None:
            onset, late = stroke.time, self.conductor.tick(stroke.time) - note.onset
            note = note._replace(velocity=stroke.velocity)
        if note.duration is None:  # it answers a key that is already down: at once
            onset = max(onset, now)
        channel, before = self._channels.of(note.instrument, note.program)
        for message in before:
            self.scheduler.send(message, onset - PROGRAM_LEAD)
        pitch = note.pitch
        if channel != DRUM_CHANNEL:
            pitch = min(max(pitch + self.desk.controls.transpose, 0), 127)
        identity = self.scheduler.strike(onset, channel, pitch, note.velocity)
        if note.duration is None:
            self._identity[note.number] = identity
        else:
            heapq.heappush(self._ends, (note.onset + note.duration + late, identity))

    def _count(self, until: float) -> None:
        """Click the beats of a count-in, and all others if asked to."""
        line, beat = self.conductor.timeline, self.performer.beat
        while self._clicked < until:
            if self._click or self._clicked < 0:
                tick = self._clicked
                meter = line.meter(max(0, tick))
                pitch, velocity = CLICKS[(tick - meter.tick) % meter.bar_ticks() != 0]
                sound = Sound(self.conductor.time(tick), CLICK_LENGTH, DRUM_CHANNEL, pitch, velocity)
                self.scheduler.play(sound)
            self._clicked += beat

    def _silence(self) -> None:
        self._forget_sounding()
        self.scheduler.panic()
        self._silenced()

    def _forget_sounding(self) -> None:
        self._drummer.begin()
        self._ends.clear()
        self._identity.clear()

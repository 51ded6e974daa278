"""What a session shows of itself: makes the `Status` that every view reads. Knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Callable

from ..sampling.duet import Played
from .ports import Port
from .session import Session
from .status import SHOWN_BARS, ShownNote, State, Status, Who


def status_of(session: Session, port: Port) -> Callable[[], Status]:
    """A function that says how `session` on `port` stands; any thread may call it."""

    def status() -> Status:
        performer, stage, conductor = session.performer, session.stage, session.conductor
        seconds = session.clock.now()
        now = conductor.tick(seconds)
        since = int(now) - SHOWN_BARS * performer.bar
        return Status(
            timeline=conductor.timeline,
            now=seconds,
            tick=now,
            position=conductor.position(now),
            qpm=conductor.qpm,
            source=conductor.source,
            rolling=conductor.rolling,
            output=session.recorder.name,
            output_up=getattr(port, "plugged", session.recorder.up),
            input=", ".join(getattr(port, "inputs", ())),
            input_up=session.recorder.up,
            mode=session.mode,
            state="resting" if performer.resting else performer.mode.state,
            knobs=tuple(session.desk.rows()),
            lateness=session.scheduler.lateness,
            speed=session.pace.speed,
            lookahead=1000 * stage.commit,
            notes=_notes(session, since, int(now) + SHOWN_BARS * performer.bar),
            since=since,
            count=performer.count,
            recording=str(session.recorder.path),
            checkpoint=session.checkpoint,
            learning=session.desk.learning,
        )

    return status


def _notes(session: Session, since: int, until: int) -> tuple[ShownNote, ...]:
    performer = session.performer
    played = performer.history.between(since, until)
    return (*(_shown(n, "committed") for n in played), *(_shown(n, "planned") for n in performer.planned()))


def _shown(note: Played, state: State) -> ShownNote:
    who: Who = "model" if note.own else "player"
    return ShownNote(note.onset, note.duration, note.pitch, note.velocity, note.instrument, who, state, note.number)

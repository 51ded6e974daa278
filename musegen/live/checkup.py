"""The whole check-up of `musegen doctor`: what there is, how punctual its ports are, how fast its models, what to do.

Whatever is found to be wrong becomes a sentence in the record, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..engine.humaniser import NAME
from ..errors import FileError, MusegenError
from ..shipped import checkpoints_folder
from .loop_back import LoopBack, loop_back
from .ports import no_virtual_ports
from .speed import Speed, drawing, speed
from .surroundings import Surroundings, look

MESSAGES = 300
UNSTEADY = 5.0  # milliseconds of jitter that one begins to hear
Part = Surroundings | LoopBack | Speed


@dataclass(frozen=True)
class Checkup:
    """All that was found. `missing`: the one thing without which one cannot jam, empty if one can.

    `advice`: what to do next, at most three sentences.
    """

    surroundings: Surroundings
    loop_backs: tuple[LoopBack, ...]
    speeds: tuple[Speed, ...]
    missing: str
    advice: tuple[str, ...]


def check_up(
    usual: str, wanted: str = "", messages: int = MESSAGES, tell: Callable[[Part], None] = lambda part: None
) -> Checkup:
    """Check this machine, all shipped checkpoints and `wanted` (a folder or a name); some fifteen seconds.

    `usual` is the checkpoint that a jam takes if none is named. `tell` is given each part as soon as it is known.
    """
    surroundings = look()
    tell(surroundings)
    loops: list[LoopBack] = []
    system = surroundings.virtual
    if system is not None:
        loops.append(loop_back(system, messages))
        tell(loops[-1])
    speeds = []
    for name in _names(usual, wanted):
        speeds.append(speed(name))
        tell(speeds[-1])
    best = _best(speeds, wanted or usual)
    if system is not None and best is not None and not loops[0].trouble:
        try:
            with drawing(best.checkpoint):
                loops.append(loop_back(system, messages, best.checkpoint))
            tell(loops[-1])
        except MusegenError:  # deleted since it was measured
            best = None
    missing = _missing(surroundings, loops, speeds, wanted)
    advice = (missing,) if missing or best is None else _advice(surroundings, loops, best, usual)
    return Checkup(surroundings, tuple(loops), tuple(speeds), missing, advice)


def verdict(speed: Speed, others: Sequence[Speed] = ()) -> str:
    """What a musician should think of a speed, in a sentence; `others` may be recommended instead."""
    if speed.trouble:
        return speed.trouble
    if speed.spare >= 1.5:
        return f"Fast enough for 20 notes a second, with {speed.spare:.1f}x to spare."
    if speed.spare >= 1:
        return "Just fast enough for 20 notes a second: close other programs, or it may rest for a bar."
    faster = max((s for s in others if s.spare > 1), key=lambda s: s.spare, default=None)
    advice = f"use {faster.checkpoint}" if faster else "it will rest now and then; let it play few notes (--density -1)"
    return f"Too slow for dense music: {advice}."


def _names(usual: str, wanted: str) -> list[str]:
    """What to measure; last the one that will be used, so that its verdict can recommend another."""
    try:
        names = sorted(p.parent.name for p in checkpoints_folder().glob("*/config.json") if p.parent.name != NAME)
    except FileError:
        names = []
    last = wanted or usual
    return [*(n for n in names if n != last), last]


def _best(speeds: Sequence[Speed], preferred: str) -> Speed | None:
    """The preferred one if it works and is fast enough, otherwise the fastest that works."""
    working = sorted((s for s in speeds if not s.trouble), key=lambda s: -s.spare)
    first = next((s for s in working if s.checkpoint == preferred and s.spare >= 1), None)
    return first or next(iter(working), None)


def _missing(surroundings: Surroundings, loops: Sequence[LoopBack], speeds: Sequence[Speed], wanted: str) -> str:
    ready = [s for s in surroundings.systems if s.ready]
    if surroundings.trouble:
        return surroundings.trouble
    if ready and not any(s.virtual or s.outputs for s in ready):
        return no_virtual_ports(ready[0])
    if loops and loops[0].trouble:
        return loops[0].trouble
    broken = [s for s in speeds if s.trouble and (s.checkpoint == wanted or all(x.trouble for x in speeds))]
    return broken[-1].trouble if broken else ""


def _advice(surroundings: Surroundings, loops: Sequence[LoopBack], best: Speed, usual: str) -> tuple[str, ...]:
    command = "musegen jam" if best.checkpoint == usual else f"musegen jam --checkpoint {best.checkpoint}"
    missing = {extra.name: extra.missing for extra in surroundings.extras if extra.missing}
    ready = [s for s in surroundings.systems if s.ready]
    if surroundings.virtual is not None:
        first = f"Run  {command}  and connect its output to a synthesizer or a DAW."
    elif ready:
        first = f"Run  {command} --port NAME  with one of the ports above."
    elif "fluidsynth" not in missing:
        first = f"There is no MIDI system yet: hear it with  {command} --listen  (it makes a recording either way)."
    else:
        first = f"There is no MIDI system yet:  {command}  makes a recording."
    advice = [first]
    if not ready:
        advice += [s.missing for s in surroundings.systems][:1]
    if any(x.lost or (x.jitter and x.jitter.p99 > UNSTEADY) for x in loops):
        advice.append("Notes were late or lost just now: close other programs and run  musegen doctor  again.")
    if loops and "real-time priority" in missing:
        advice.append(missing["real-time priority"])
    elif "fluidsynth" in missing:
        advice.append(missing["fluidsynth"])
    return tuple(advice[:3])

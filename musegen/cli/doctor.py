"""`musegen doctor`: whether this machine is ready for a jam. Measures ports and checkpoints, says what is missing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..live.checkup import Checkup, Part
    from ..live.loop_back import LoopBack, Spread
    from ..live.speed import Speed
    from ..live.surroundings import Surroundings


def configure(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--checkpoint", metavar="NAME", help="time this one as well: a shipped name or a folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end instead, for scripts")


def run(args: argparse.Namespace) -> int:
    """Check and print; the exit status is 1 if one cannot jam."""
    if not args.json:
        print("Checking this machine, about 15 seconds; keep quiet what you can.\n", flush=True)
    from ..live.checkup import check_up
    from .options import DEFAULT_CHECKPOINT

    report = _Report()
    checkup = check_up(DEFAULT_CHECKPOINT, args.checkpoint or "", tell=report.silent if args.json else report.tell)
    if args.json:
        print(_json(checkup))
    else:
        print("You can jam." if not checkup.missing else "You cannot jam yet.")
        for line in checkup.advice:
            print(f"  {line}")
    return 1 if checkup.missing else 0


class _Report:
    """Prints each part as it comes."""

    def __init__(self) -> None:
        self._speeds: list[Speed] = []

    def silent(self, part: Part) -> None:
        """Print nothing."""

    def tell(self, part: Part) -> None:
        """Print it."""
        from ..live.loop_back import LoopBack
        from ..live.speed import Speed

        if isinstance(part, LoopBack):
            self._loop_back(part)
        elif isinstance(part, Speed):
            self._speed(part)
        else:
            self._surroundings(part)
        print(flush=True)

    def _surroundings(self, found: Surroundings) -> None:
        if found.trouble:
            print(found.trouble)
        for system in found.systems:
            period = f", {1000 * system.period:.1f} ms at a time" if system.period else ""
            ports = f"{_count(system.outputs, 'port')} to send to, {len(system.inputs)} to listen to{period}"
            print(f"{system.name}: {ports if system.ready else 'not available'}")
            for line in [system.missing] if system.missing else sorted({*system.outputs, *system.inputs}):
                print(f"  {line}")
        for extra in found.extras:
            print(f"{extra.name} ({extra.purpose}): {'there' if not extra.missing else 'missing'}")
            if extra.missing:
                print(f"  {extra.missing}")

    def _loop_back(self, found: LoopBack) -> None:
        beside = f"while {found.beside} plays as fast as it can" if found.beside else "at rest"
        print(f"A port of {found.system}, {beside}:")
        if found.trouble:
            print(f"  {found.trouble}")
            return
        print(f"  jitter      {_ms(found.jitter)}, about a delay of {found.delay:.1f} ms")
        print(f"  round trip  {_ms(found.round_trip)}: a key struck to its answer heard")
        print(f"  lost        {found.lost} of {found.messages}")

    def _speed(self, found: Speed) -> None:
        from ..live.checkup import verdict

        print(f"The checkpoint {found.checkpoint}:")
        if not found.trouble:
            print(f"  {found.notes_a_second:.0f} notes a second; a note costs {_ms(found.cost)}")
            print(f"  first note after {found.start:.1f} s; plans {found.ahead:.1f} s ahead,", end=" ")
            print(f"notes are final {1000 * found.commit:.0f} ms ahead")
        print(f"  {verdict(found, self._speeds)}")
        self._speeds.append(found)


def _ms(spread: Spread | None) -> str:
    if spread is None:
        return "nothing came back"
    return f"{spread.p50:.2f} ms (half), {spread.p99:.2f} ms (99 %), {spread.max:.2f} ms (worst)"


def _count(things: tuple[str, ...], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _json(checkup: Checkup) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(asdict(checkup), indent=2)

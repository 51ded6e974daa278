"""`musegen ports`: which MIDI systems and ports this machine has, and how to get what is missing."""

from __future__ import annotations

import argparse
import json


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ports."""
    parser.add_argument("--json", action="store_true", help="for a program, as JSON")


def run(args: argparse.Namespace) -> int:
    """Print them; the exit status is 0 even if there are none, since that is an answer too."""
    from ..live.ports import available, ports_view

    systems = available()
    if args.json:
        print(json.dumps(ports_view(systems)))
        return 0
    for system in systems:
        print(f"{system.name}: {'ready' if system.ready else 'not available'}")
        if not system.ready:
            print(f"  {system.missing}")
            continue
        _list("to send to (musegen jam --port NAME)", system.outputs)
        _list("to listen to (musegen jam --input NAME; keyboards are heard without it)", system.inputs)
    ready = [s for s in systems if s.ready]
    if any(s.virtual for s in ready):
        print("musegen jam  makes ports of its own called musegen: connect its output to a synthesizer or a DAW, and a")
        print("keyboard or a DAW's clock to its input. A keyboard that is plugged in, even later, is heard by itself.")
    elif ready:
        print(f"{ready[0].name} has no virtual ports: make one with loopMIDI or Windows MIDI Services and name it.")
    else:
        print("No MIDI system here: musegen jam  writes a recording and a .wav instead.")
    return 0


def _list(title: str, ports: tuple[str, ...]) -> None:
    print(f"  ports {title}: {'none' if not ports else ''}".rstrip())
    for port in ports:
        print(f"    {port}")

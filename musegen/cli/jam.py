"""`musegen jam`: play on from a seed phrase, in real time, to a MIDI port, and record it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..live.ports import Port
    from ..live.session import Session
    from ..live.view import View

FAST_BARS = 32  # how long a bounce is if nobody says


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of jam."""
    from .options import add_sampling_options

    parser.add_argument("--seed", metavar="FILE", help="the phrase to play on from: a file or a shipped name")
    parser.add_argument("--bars", type=int, metavar="N", help="stop after N bars (default: play until Ctrl-C)")
    parser.add_argument("--tempo", type=float, metavar="BPM", help="quarter notes a minute (default: the seed's)")
    parser.add_argument("--port", metavar="NAME", help="send to this port (default: make one called musegen)")
    parser.add_argument("--listen", action="store_true", help="play through this machine's loudspeakers as well")
    parser.add_argument("--record", metavar="DIR", default="recordings", help="where recordings go (%(default)s)")
    parser.add_argument("--no-wav", action="store_true", help="no .wav beside the recording where there is no MIDI")
    parser.add_argument("--fast", action="store_true", help="to a recording only, faster than real time")
    parser.add_argument(
        "--loop-seed",
        action="store_true",
        help="play the seed itself over and over, without a model: to try out ports and sounds",
    )
    add_sampling_options(parser)


def run(args: argparse.Namespace) -> int:
    """Play until the end, Ctrl-C or SIGTERM. Errors are raised after silence, with the recording saved."""
    from ..live.session import hurry, stop_signals

    _check(args)
    seed = _seed(args)
    with stop_signals() as stop:
        port = _open_port(args)
        try:
            session, view = _prepare(args, seed, port)
        except BaseException:
            port.close()
            raise
        _announce(seed, port, args)
        view.start(session.performer.tick_now, session.performer.planned)
        hurry()
        try:
            session.run(stop)
        finally:
            view.stop()
            _report(session, port)
    if not port.name and not args.no_wav and session.recorder.saved:
        _render(session.recorder.path)
    return 0


def _check(args: argparse.Namespace) -> None:
    from ..errors import SettingsError

    if args.bars is not None and args.bars < 1:
        raise SettingsError(f"--bars must be at least 1, not {args.bars}.")
    if args.tempo is not None and not 10 <= args.tempo <= 400:
        raise SettingsError(f"--tempo must be 10 to 400 quarter notes a minute, not {args.tempo:g}.")
    if args.fast and (args.port or args.listen):
        raise SettingsError("--fast goes to a recording only: leave out --port and --listen.")
    if args.fast and args.bars is None:
        args.bars = FAST_BARS


def _seed(args: argparse.Namespace) -> Path:
    from ..sampling.seeds import find_seed

    return find_seed(args.seed)


def _open_port(args: argparse.Namespace) -> Port:
    from ..live.ports import NoPort, open_port

    port: Port = NoPort() if args.fast else open_port("musegen", args.port)
    if not args.listen:
        return port
    from ..audio import LiveSynth
    from ..live.clock import RealClock
    from ..live.listen import BothPorts, SynthPort

    try:
        return BothPorts(port, SynthPort(LiveSynth(), RealClock()))
    except BaseException:
        port.close()
        raise


def _prepare(args: argparse.Namespace, seed: Path, port: Port) -> tuple[Session, View]:
    from ..live.clock import FakeClock, RealClock
    from ..live.feed import ModelProcess
    from ..live.session import Session, new_recording
    from ..live.sources import FileSource, Source
    from ..live.timeline import Timeline
    from ..live.view import open_view
    from ..midi import read_music
    from .options import stream

    piece = read_music(seed)
    timeline = Timeline.after(piece, args.tempo)
    source: Source = FileSource(seed, loop=True) if args.loop_seed else stream(args, piece)
    clock = FakeClock() if args.fast else RealClock()
    view = open_view(sys.stdout, timeline, port.name or "recording only", still=args.fast)
    session = Session(
        ModelProcess(source),
        port,
        timeline,
        clock,
        new_recording(Path(args.record)),
        bars=args.bars,
        listener=view,
        title=f"Played on from {seed.stem}",
    )
    return session, view


def _announce(seed: Path, port: Port, args: argparse.Namespace) -> None:
    what = "Playing" if args.loop_seed else "Playing on from"
    if port.name:
        print(f"{what} {seed.stem} on the MIDI port {port.name}; Ctrl-C stops.")
        if not args.port:
            print("Connect that port to a synthesizer or a DAW to hear it.")
    elif args.fast:
        print(f"{what} {seed.stem}, {args.bars} bars into a recording.")
    else:
        print("This machine has no MIDI system (see  musegen ports), so this goes into a recording.")
        print(f"{what} {seed.stem} in real time; Ctrl-C stops.")
    sys.stdout.flush()


def _report(session: Session, port: Port) -> None:
    """Where the recording is, and what did not go well."""
    recorder, performer = session.recorder, session.performer
    late = session.scheduler.late + getattr(port, "late", 0)
    if performer.rests:
        print(f"The model was behind: {performer.rests} bars of rest in all.")
    if late:
        print(f"{late} notes came too late and were left out.")
    if recorder.saved:
        print(f"Recorded {performer.notes} notes to {recorder.path}")
    else:
        print("Nothing was played, so nothing was recorded.")


def _render(recording: Path) -> None:
    from ..audio import render

    wav = recording.with_suffix(".wav")
    print(f"Rendered it to {wav} ({render(recording, wav)})")

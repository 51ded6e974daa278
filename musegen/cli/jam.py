"""`musegen jam`: play with a model in real time, through MIDI ports, and record it."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..live.broadcast import Broadcast
    from ..live.clock import Clock
    from ..live.conductor import Conductor
    from ..live.desk import Desk
    from ..live.ports import Port
    from ..live.session import Session
    from ..live.timeline import Timeline
    from ..piece import Piece

FAST_BARS = 32  # how long a bounce is if nobody says
CLOCKS = ("own", "midi", "link")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of jam."""
    from ..live.knobs import KNOBS, MODES
    from .options import add_sampling_options

    parser.add_argument("--mode", choices=MODES, help="how it plays along (default: answer if you play, else solo)")
    parser.add_argument("--seed", metavar="FILE", help="the phrase to play on from: a file or a shipped name")
    parser.add_argument("--bars", type=int, metavar="N", help="stop after N bars (default: play until Ctrl-C)")
    parser.add_argument("--record", metavar="DIR", default="recordings", help="where recordings go (%(default)s)")
    parser.add_argument("--fast", action="store_true", help="to a recording only, faster than real time")
    parser.add_argument(
        "--json", action="store_true", help="for a program that steers and shows it: lines of JSON in and out"
    )
    parser.add_argument("--no-wav", action="store_true", help="no .wav beside the recording where there is no MIDI")
    parser.add_argument(
        "--loop-seed",
        action="store_true",
        help="play the seed itself over and over, without a model: to try out ports and sounds",
    )
    _add_ports(parser)
    _add_time(parser)
    steering = parser.add_argument_group("steering: each also while playing, by keys (press ?), controllers and OSC")
    for knob in KNOBS.values():
        if knob.name not in ("temperature", "key", "humanise"):  # the first two are options of `generate` too
            kind = int if isinstance(knob.default, int) else float
            steering.add_argument(f"--{knob.name}", type=kind, metavar="X", help=knob.help)
    steering.add_argument(
        "--humanise", type=float, nargs="?", const=1.0, metavar="0…1", help=f"{KNOBS['humanise'].help} (alone: 1)"
    )
    steering.add_argument("--feel", metavar="NAME", help="the drummer or style to humanise like, such as funk")
    steering.add_argument("--split", type=int, metavar="PITCH", help="chords held below this key are the harmony")
    steering.add_argument(
        "--learn", metavar="WHAT", nargs="?", const="", help="bind the next controller you move to a knob or action"
    )
    steering.add_argument("--osc", type=int, nargs="?", const=9000, metavar="PORT", help="listen to OSC (port 9000)")
    add_sampling_options(parser)


def _add_ports(parser: argparse.ArgumentParser) -> None:
    ports = parser.add_argument_group("ports and voices")
    ports.add_argument("--port", metavar="NAME", help="send to this port (default: make one called musegen)")
    ports.add_argument("--input", metavar="NAME", help="listen to this port (default: every keyboard that is found)")
    ports.add_argument("--thru", action="store_true", help="send what you play on as well, pedals and all")
    ports.add_argument("--listen", action="store_true", help="play through this machine's loudspeakers as well")
    ports.add_argument("--player", metavar="FILE", help="a file that plays as if it were your hands")
    ports.add_argument("--player-program", type=int, default=0, metavar="N", help="the sound you play (%(default)s)")
    ports.add_argument("--channels", metavar="N,N…", help="the channels of its voices, 1-16 (default: free ones)")


def _add_time(parser: argparse.ArgumentParser) -> None:
    time = parser.add_argument_group("time")
    time.add_argument("--tempo", type=float, metavar="BPM", help="quarter notes a minute (default: the seed's)")
    time.add_argument("--meter", metavar="N/N", help="where there is no seed (4/4)")
    time.add_argument("--clock", choices=CLOCKS, default="own", help="whose time: own, MIDI clock, Ableton Link")
    time.add_argument("--clock-out", action="store_true", help="send MIDI clock, start and stop")
    time.add_argument("--count-in", type=int, default=0, metavar="BARS", help="click so many bars first")
    time.add_argument("--click", action="store_true", help="click all the time")
    time.add_argument("--phrase-bars", type=int, default=0, metavar="N", help="answer: your phrase lasts N bars")
    time.add_argument(
        "--loop-bars", type=int, default=4, metavar="N", help="loop: the last N bars go round (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Play until the end, Ctrl-C or SIGTERM. Errors are raised after silence, with the recording saved."""
    if args.json:
        from ..live.broadcast import broadcast_on_stdout

        with broadcast_on_stdout() as page:
            _play(args, page)
        return 0
    session = _play(args)
    if not session.recorder.name and not args.no_wav and session.recorder.saved:
        _render(session.recorder.path)
    return 0


def _play(args: argparse.Namespace, page: Broadcast | None = None) -> Session:
    """The performance, shown in the terminal, or steered and shown by `page`."""
    from ..live.session import hurry, stop_signals
    from ..live.showing import status_of
    from ..live.view import View, open_view
    from .band import read_seed

    tell = page.say if page else print
    _check(args)
    _recover(Path(args.record), tell)
    desk = _desk(args)
    with stop_signals() as stop, contextlib.ExitStack() as stack:
        port = _open_port(args)
        try:
            port = _with_page(port, page, desk, stop)
            seed = read_seed(args, bool(page or args.player or args.input or getattr(port, "inputs", ())))
            session, port = _prepare(args, seed, port, desk)
        except BaseException:
            port.close()
            raise
        _steer(args, desk, stack)
        if not page:
            _announce(args, port)
        view: View = page or open_view(sys.stdout, still=args.fast)
        view.start(status_of(session, port))
        if not page:
            stack.callback(_say_where, session)
        stack.callback(_report, session, tell)
        stack.callback(view.stop)
        hurry()
        session.run(stop, view.say)
    return session


def _with_page(port: Port, page: Broadcast | None, desk: Desk, stop: threading.Event) -> Port:
    """`port`, and the keys and ears of the page if there is one, which steers from now on."""
    if page is None:
        return port
    from ..live.clock import RealClock
    from ..live.commands import Commands
    from ..live.page_port import PagePort

    heard = PagePort(port, page, RealClock())
    Commands(sys.stdin.fileno(), desk, heard, page, stop).start()
    return heard


def _check(args: argparse.Namespace) -> None:
    from ..errors import SettingsError

    if args.bars is not None and args.bars < 1:
        raise SettingsError(f"--bars must be at least 1, not {args.bars}.")
    if args.tempo is not None and not 10 <= args.tempo <= 400:
        raise SettingsError(f"--tempo must be 10 to 400 quarter notes a minute, not {args.tempo:g}.")
    if args.fast and (args.port or args.listen or args.input):
        raise SettingsError("--fast goes to a recording only: leave out --port, --input and --listen.")
    if args.fast and args.json:
        raise SettingsError("--json is for playing in real time: leave out --fast.")
    if args.fast and args.clock != "own":
        raise SettingsError("--fast cannot follow another clock: leave out --clock.")
    if args.clock_out and args.clock != "own":
        raise SettingsError("Only one can conduct: leave out --clock-out or --clock.")
    if not 0 <= args.player_program <= 127:
        raise SettingsError(f"--player-program must be 0 to 127, not {args.player_program}.")
    if args.split is not None and not 1 <= args.split <= 127:
        raise SettingsError(f"--split must be a MIDI pitch, 1 to 127 (60 is middle C), not {args.split}.")
    if args.count_in < 0 or args.phrase_bars < 0 or args.loop_bars < 1:
        raise SettingsError("--count-in and --phrase-bars count bars, 0 or more, and --loop-bars 1 or more.")
    if args.feel and args.humanise is None:
        args.humanise = 1.0
    if args.fast and args.bars is None:
        args.bars = FAST_BARS


def _recover(folder: Path, tell: Callable[[str], None]) -> None:
    """Make files of what a killed jam left behind."""
    from ..live.journal import recover

    for path in recover(folder) if folder.is_dir() else []:
        tell(f"Recovered a recording that was cut short: {path}")


def _desk(args: argparse.Namespace) -> Desk:
    """All knobs, as the options and the learnt controllers set them."""
    from ..live.desk import Desk
    from ..live.knobs import KNOBS
    from ..live.learn import default_path, load
    from ..sampling.controls import Controls

    given = {name: getattr(args, name) for name in KNOBS if getattr(args, name) is not None}
    desk = Desk(Controls(**given), load(default_path()), default_path())
    if args.learn is not None:
        desk.do("learn", args.learn)
    return desk


def _steer(args: argparse.Namespace, desk: Desk, stack: contextlib.ExitStack) -> None:
    """Listen to the keys of the terminal and to OSC."""
    from ..live.keyboard import Keyboard

    if args.osc is not None:
        from ..live.osc import OscServer

        stack.callback(OscServer(desk, args.osc).close)
    if not (args.fast or args.json):
        stack.enter_context(Keyboard(desk))


def _open_port(args: argparse.Namespace) -> Port:
    from ..live.ports import NoPort, open_port

    port: Port = NoPort() if args.fast else open_port("musegen", args.port, source=args.input)
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


def _prepare(args: argparse.Namespace, seed: Piece, port: Port, desk: Desk) -> tuple[Session, Port]:
    from ..live.clock import FakeClock, RealClock
    from ..live.session import Session, new_recording
    from ..live.timeline import Timeline
    from .band import partner, setup

    timeline = Timeline.after(seed, args.tempo)
    clock: Clock = FakeClock() if args.fast else RealClock()
    conductor = _conductor(args, timeline, clock)
    if args.player:
        from ..live.hands import Hands
        from ..midi import read_music

        port = Hands(port, read_music(Path(args.player)), conductor, clock)
    if args.thru:
        port.thru(True)
    playing, swap = partner(args, seed)
    try:
        recording = new_recording(Path(args.record))
        return Session(playing, port, conductor, clock, recording, desk, setup(args, seed), swap), port
    except BaseException:
        playing.close()
        raise


def _conductor(args: argparse.Namespace, timeline: Timeline, clock: Clock) -> Conductor:
    if args.clock == "midi":
        from ..live.follow import FollowedClock

        return FollowedClock(timeline)
    if args.clock == "link":
        from ..live.link import LinkTime

        return LinkTime(timeline, clock)
    from ..live.own_time import OwnTime

    return OwnTime(timeline, clock)


def _announce(args: argparse.Namespace, port: Port) -> None:
    what = {"answer": "Answering", "accompany": "Accompanying", "loop": "Looping", "harmonise": "Harmonising"}
    verb = "Playing" if args.loop_seed else what.get(args.mode, "Playing on from")
    whom = Path(args.seed).stem if args.seed else "what you play"
    if port.name:
        print(f"{verb} {whom} on the MIDI port {port.name}; Ctrl-C stops.")
        if not args.port:
            print("Connect that port to a synthesizer or a DAW to hear it.")
    elif args.fast:
        print(f"{verb} {whom}, {args.bars} bars into a recording.")
    else:
        print("This machine has no MIDI system (see  musegen ports), so this goes into a recording.")
        print(f"{verb} {whom} in real time; Ctrl-C stops.")
    sys.stdout.flush()


def _report(session: Session, tell: Callable[[str], None]) -> None:
    """What did not go well."""
    if session.performer.rests:
        tell(f"The model was behind: {session.performer.rests} bars of rest in all.")
    if session.late:
        tell(f"{session.late} notes came too late and were left out.")


def _say_where(session: Session) -> None:
    """Where the recording is."""
    if session.recorder.saved:
        print(f"Recorded {session.performer.count} notes to {session.recorder.path}")
    else:
        print("Nothing was played, so nothing was recorded.")


def _render(recording: Path) -> None:
    from ..audio import render

    wav = recording.with_suffix(".wav")
    print(f"Rendered it to {wav} ({render(recording, wav)})")

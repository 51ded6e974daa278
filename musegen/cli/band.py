"""Who plays in a jam, from its options: the seed, the model's voices and the player's own, and the model itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CheckpointError, SettingsError

if TYPE_CHECKING:
    from ..engine.humaniser import Humaniser
    from ..live.partner import Partner, Source
    from ..live.session import Setup
    from ..piece import Meter, Piece
    from ..sampling.plan import Plan


def read_seed(args: argparse.Namespace, hands: bool) -> Piece:
    """The seed phrase; an empty piece where the player's own notes are to take its place. Settles `args.mode`.

    `hands`: somebody can play. Who names a seed and follows a clock wants it played to the clock: that input may well
    be a DAW's.
    """
    hands = hands and not (args.seed and args.clock != "own" and not args.player)
    from ..midi import read_music
    from ..piece import Metadata, Piece
    from ..sampling.seeds import find_seed

    args.mode = args.mode or ("answer" if hands else "solo")
    if args.seed is None and not args.loop_seed and (hands or args.mode in ("answer", "harmonise")):
        return Piece.from_notes([], meters=(_meter(args.meter or "4/4"),), metadata=Metadata(title="your own notes"))
    args.seed = str(find_seed(args.seed))
    piece = read_music(Path(args.seed))
    if not len(piece):
        raise SettingsError(f"{args.seed} holds no notes to play on from.")
    return replace(piece, metadata=replace(piece.metadata, title=Path(args.seed).stem))


def setup(args: argparse.Namespace, seed: Piece) -> Setup:
    """How the session plays. Raises SettingsError."""
    from ..live.session import Setup
    from ..live.sources import notes_of
    from ..sampling.duet import Played
    from .voices import voices

    plan = _plan(args, seed)
    own, player = voices(args, plan)
    seeded = enumerate(notes_of(plan.seed), 1)
    return Setup(
        mode=args.mode,
        voices=own,
        player=player,
        seed=tuple(Played(*n._replace(onset=n.onset - plan.origin), -i - 10**9, True) for i, n in seeded),
        bars=args.bars,
        seed_number=args.seed_number,
        phrase_bars=args.phrase_bars,
        loop_bars=args.loop_bars,
        title=f"Played on from {seed.metadata.title}",
        count_in=args.count_in,
        click=args.click,
        free=args.clock == "own" and not (args.click or args.count_in or args.clock_out or args.player),
        clock_out=args.clock_out,
        split=args.split,
        player_channels=frozenset((0,)) if args.thru else frozenset(),
        channels=_channels(args.channels),
        humaniser=_humaniser(args),
        feel=args.feel,
    )


def partner(args: argparse.Namespace, seed: Piece) -> tuple[Partner, Callable[[str], None]]:
    """The model, and how to exchange it for another checkpoint's by name (empty: the next shipped one's)."""
    from ..engine.humaniser import NAME
    from ..live.partner import DirectPartner
    from ..live.relay import Relay
    from ..live.sources import FileSource
    from ..sampling.improviser import Improvisation
    from ..shipped import checkpoints_folder

    plan = _plan(args, seed)
    current = args.checkpoint

    def source(name: str) -> Source:
        from ..checkpoint import find

        return Improvisation(str(find(name).resolve()), plan)

    first = FileSource(Path(args.seed), loop=True) if args.loop_seed else source(current)
    if args.fast:
        return DirectPartner(first), _cannot_swap
    relay = Relay(first, name="" if args.loop_seed else Path(current).name)

    def swap(name: str) -> None:
        nonlocal current
        shipped = sorted(p.parent.name for p in checkpoints_folder().glob("*/config.json") if p.parent.name != NAME)
        following = shipped[(shipped.index(current) + 1) % len(shipped)] if current in shipped else shipped[0]
        current = name or following
        relay.swap(source(current), Path(current).name)

    return relay, swap


def _cannot_swap(name: str) -> None:
    raise SettingsError("A bounce plays with one checkpoint.")


def _humaniser(args: argparse.Namespace) -> Humaniser | None:
    """Who plays its drums: there from the beginning, since the knob may be turned at any time."""
    from ..engine.humaniser import load_humaniser

    try:
        humaniser = load_humaniser()
    except CheckpointError:
        if args.humanise:
            raise
        return None
    humaniser.tags(args.feel)  # raises SettingsError for one that it does not know
    return humaniser


def _plan(args: argparse.Namespace, seed: Piece) -> Plan:
    """What the options ask for; the key is a knob here, so that it can be turned."""
    from .options import plan
    from .voices import reach

    whole = plan(argparse.Namespace(**{**vars(args), "key": None}), seed)
    limits = whole.limits
    if not len(seed) and limits.low is None and limits.high is None and (near := reach(args)):
        whole = replace(whole, limits=replace(limits, low=near[0], high=near[1]))
    return whole


def _channels(text: str | None) -> tuple[int, ...]:
    if not text:
        return ()
    numbers = [t.strip() for t in text.split(",")]
    if not all(t.isdigit() and 1 <= int(t) <= 16 for t in numbers) or len(set(numbers)) < len(numbers):
        raise SettingsError(f"--channels {text!r} is not a list of different channels 1-16, such as 2,3,5.")
    return tuple(int(t) - 1 for t in numbers)


def _meter(text: str) -> Meter:
    from ..piece import Meter

    top, slash, bottom = text.partition("/")
    if not (slash and top.isdigit() and bottom in ("1", "2", "4", "8", "16") and 1 <= int(top) <= 32):
        raise SettingsError(f"--meter {text!r} is not a meter such as 4/4, 3/4 or 6/8.")
    return Meter(0, int(top), int(bottom))

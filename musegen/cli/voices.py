"""The instruments that a jam's model plays, from the options: what it is decides, and what there is to go on from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import SettingsError

if TYPE_CHECKING:
    from ..sampling.cast import Shape
    from ..sampling.plan import Plan

UNSEEDED = {"accompany": (128, 192)}
"""The instruments (`events.attributes`) that play without a seed: a bass and strings; in other modes the player's."""
UNSEEDED_RANGE = {"accompany": (28, 79)}  # where a bass and strings are at home
NOTE_BY_NOTE = ("loop", "harmonise")
"""The modes that take a model which draws single notes."""


def voices(args: argparse.Namespace, plan: Plan) -> tuple[tuple[int, ...], int]:
    """The model's instruments, and the player's: their program, as a part of its own if the model plays that too.

    A gan's band is there as a whole, but leaves the player's track to them where it accompanies without a seed.
    Raises CheckpointError, or SettingsError for a mode that the model cannot play in.
    """
    from ..events import attributes as at
    from ..events.tracks import track_of
    from ..sampling.cast import of_band
    from ..sampling.cast import voices as of_model

    model = _maker(args)
    if model is not None and args.mode in NOTE_BY_NOTE:
        raise SettingsError(
            f"A {model.family} makes whole bars: choose the mode answer, accompany or solo, or for {args.mode} another "
            "checkpoint."
        )
    first = args.player_program * at.COPIES
    if model is not None and of_band(model):
        theirs = track_of(args.player_program) if args.mode == "accompany" and not len(plan.seed) else -1
        own = [i for i in of_model(model, plan) if track_of(i // at.COPIES) != theirs]
        taken = frozenset(own)
    else:
        taken = plan.instruments()
        own = sorted(taken) or list(UNSEEDED.get(args.mode, (first,)))
    player = next((i for i in range(first, first + at.COPIES) if i not in taken), first)
    return tuple(own), player


def reach(args: argparse.Namespace) -> tuple[int, int] | None:
    """The pitches within which those play whom neither a seed nor the player's program puts in their place."""
    from ..sampling.cast import of_band

    model = _maker(args)
    return None if model is not None and of_band(model) else UNSEEDED_RANGE.get(args.mode)


def _maker(args: argparse.Namespace) -> Shape | None:
    """What the model is if it makes whole bars; None for others, and where the seed itself is played."""
    from ..sampling.cast import maker_of_bars

    return None if args.loop_seed else maker_of_bars(args.checkpoint)

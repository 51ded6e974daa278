"""The options that `jam`, `generate` and `infill` share: the model, how boldly, within which limits."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..cluster import Cluster
    from ..piece import Piece
    from ..sampling.plan import Limits, Plan
    from ..sampling.sampler import SamplerSettings

DEFAULT_CHECKPOINT = "default"


def add_file_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add where and as what files are written."""
    parser.add_argument("--out", type=Path, default=Path(folder), help="folder for the files (%(default)s)")
    parser.add_argument("--format", choices=("mid", "musicxml"), default="mid", help="of the files (%(default)s)")
    parser.add_argument("--wav", action="store_true", help="render each file to sound as well")
    parser.add_argument("--png", action="store_true", help="draw a piano roll of each file as well (extra plots)")


def add_cluster_option(parser: argparse.ArgumentParser, does: str) -> None:
    """Add --cluster: where to do it instead of here (`cluster`)."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help=f"{does} on the Ray cluster at HOST:PORT, ray://HOST:PORT or auto (extra cluster); the files are the same",
    )


@contextlib.contextmanager
def cluster(args: argparse.Namespace) -> Iterator[Cluster | None]:
    """The cluster that --cluster names, if it is given. Raises as `cluster.connect`."""
    if args.cluster is None:
        yield None
        return
    from ..cluster import connect

    with connect(args.cluster) as found:
        yield found


def add_sampling_options(parser: argparse.ArgumentParser, seeded: bool = True) -> None:
    """Add the shared options; `seeded`: there is a seed phrase to go on from."""
    if seeded:
        parser.add_argument("--seed-bars", type=int, metavar="N", help="use only the last N bars of the seed")
    parser.add_argument(
        "--checkpoint",
        default=DEFAULT_CHECKPOINT,
        help="a shipped name, a folder, or org/name of the Hugging Face Hub (%(default)s)",
    )
    parser.add_argument("--seed-number", type=int, default=0, metavar="N", help="equal numbers give equal music")
    parser.add_argument("--style", default="", help="style tag of the checkpoint, such as chorale")
    how = parser.add_argument_group("how boldly")
    how.add_argument("--temperature", type=float, help="1: as learnt, lower: safer, higher: wilder (default 0.9)")
    for name in ("shift", "instrument", "pitch", "velocity", "duration"):
        how.add_argument(f"--{name}-temperature", type=float, metavar="T", help=f"of the {name} alone")
    how.add_argument("--top-p", type=float, metavar="P", help="draw from the likeliest values that hold P (0.95)")
    how.add_argument("--min-p", type=float, metavar="P", help="leave out values less likely than P × the likeliest")
    how.add_argument("--top-k", type=int, metavar="K", help="draw from the K likeliest values")
    limits = parser.add_argument_group("limits")
    limits.add_argument("--key", help="keep to a key, such as 'D dorian' or 'F# minor'")
    limits.add_argument(
        "--range",
        metavar="LOW-HIGH",
        help="keep to these MIDI pitches, such as 48-84 (default: the seed's and an octave)",
    )
    limits.add_argument("--programs", metavar="N,N…", help="play these programs, 0-127 or drums (default: the seed's)")
    limits.add_argument(
        "--voices", type=int, help="at most so many notes at once, 0: any number (default: twice the seed's)"
    )
    limits.add_argument("--grid", metavar="NOTE", help="onsets only on this grid: 4, 8, 8t, 16, 16t or 32")


def plan(args: argparse.Namespace, seed: Piece) -> Plan:
    """What the options ask for, after `seed`. Raises SettingsError."""
    from ..sampling.plan import Plan

    whole = Plan(seed, sampler_settings(args), limits(args), args.seed_number, args.style)
    return whole.with_bars(args.seed_bars) if args.seed_bars else whole


def sampler_settings(args: argparse.Namespace) -> SamplerSettings:
    """Temperatures and truncation."""
    from ..sampling.sampler import SamplerSettings

    given = {name: getattr(args, name) for name in ("temperature", "top_p", "min_p", "top_k")}
    for name in ("shift", "instrument", "pitch", "velocity", "duration"):
        given[name] = getattr(args, f"{name}_temperature")
    return SamplerSettings(**{k: v for k, v in given.items() if v is not None})


def limits(args: argparse.Namespace) -> Limits:
    """Key, range, programs, polyphony and grid."""
    from ..sampling.plan import Limits

    low, high = _range(args.range) if args.range else (None, None)
    programs = tuple(_program(p) for p in args.programs.split(",")) if args.programs else ()
    grid = _grid(args.grid) if args.grid else 0
    return Limits(args.key or "", low, high, programs, args.voices, grid)


def _range(text: str) -> tuple[int, int]:
    from ..errors import SettingsError

    low, dash, high = text.partition("-")
    if not (dash and low.isdigit() and high.isdigit()):
        raise SettingsError(f"--range {text!r} is not two MIDI pitches such as 48-84.")
    return int(low), int(high)


def _program(text: str) -> int:
    from ..errors import SettingsError
    from ..piece import DRUMS

    if text.strip() == "drums":
        return DRUMS
    if not text.strip().isdigit():
        raise SettingsError(f"--programs: {text!r} is not a program number (0-127) or drums.")
    return int(text)


def _grid(text: str) -> int:
    from ..errors import SettingsError

    grids = {"4": 24, "8": 12, "8t": 8, "16": 6, "16t": 4, "32": 3}
    if text not in grids:
        raise SettingsError(f"--grid {text!r} is not one of {', '.join(grids)}.")
    return grids[text]

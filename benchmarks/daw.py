"""How far our notes are from a DAW's grid: Ardour 7 conducts by MIDI clock and records `musegen jam`.

    python -m benchmarks.daw

Both run on one JACK server without a sound card, the jam with a shipped model in its own process. Onsets are read from
Ardour's own files, whose resolution is 1/1920 of a quarter, and compared with the nearest place where one belongs
(24 a quarter) as well as with what our own recording says. The notes that are due with Ardour's start come later, since
MIDI clock does not announce a start; they are given by themselves.

Ardour 7.3's clock and its grid are not quite the same: at 173.3 its F8 come every 692.4166 frames where its grid has
692.4409 (35 millionths), which is 0.7 ms after sixteen bars and all of the error there. At tempos whose ticks are whole
frames (90, 120) they agree.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from musegen.midi import read_midi

from .machine import print_header

RIG = Path(__file__).resolve().parents[1] / "tests" / "live"
sys.path.insert(0, str(RIG))  # Ardour, JACK and the jam are driven as in the tests

from ardour import CLOCK, TRACK, TRIES, Ardour, Halted, Heard  # noqa: E402
from jack_rig import RATE, JackServer  # noqa: E402
from jam_process import READY, JamProcess  # noqa: E402


def main() -> None:
    """Print the figures for each tempo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=16, help="how many each jam plays (%(default)s)")
    parser.add_argument("--period", type=int, default=1024, help="frames of the JACK server (%(default)s)")
    parser.add_argument("--tempos", type=float, nargs="+", default=[90, 132, 173.3], help="Ardour's (%(default)s)")
    parser.add_argument("--checkpoint", default="lstm", help="%(default)s")
    args = parser.parse_args()
    if not shutil.which("ardour7-lua") or not shutil.which("jackd"):
        sys.exit("benchmarks.daw needs Ardour 7 and jackd: apt-get install ardour jackd2")
    print_header("JACK-Client", "numpy")
    print(f"{args.bars} bars with {args.checkpoint}, period {args.period} frames = {1000 * args.period / RATE:.1f} ms")
    print("tempo    notes   off the grid, ms: p50     p99     max   first notes late   elsewhere than in our recording")
    for qpm in args.tempos:
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = _jam(Path(folder), qpm, args)
        rest = [n for n in theirs if n.onset - theirs[0].onset > 0.5]
        ticks = np.array([n.onset for n in rest]) * 24
        error = np.abs(ticks - np.round(ticks)) / 24 * 60_000 / qpm
        wrong = len({(round(n.onset * 24), n.pitch) for n in rest} - ours)
        print(
            f"{qpm:<8g} {len(rest):5}                    {np.median(error):6.3f}  {np.percentile(error, 99):6.3f}  "
            f"{error.max():6.3f}  {theirs[0].onset * 60_000 / qpm:14.1f} ms   {wrong:5}",
            flush=True,
        )


def _jam(folder: Path, qpm: float, args: argparse.Namespace) -> tuple[set[tuple[int, int]], list[Heard]]:
    """Our own recording as (tick, pitch), and Ardour's."""
    for attempt in range(TRIES):
        place = folder / str(attempt)
        place.mkdir()
        server = JackServer(f"mgdaw{os.getpid()}", place / "jack.log", args.period)
        try:
            return _once(server, place, qpm, args)
        except Halted:
            continue
        finally:
            server.stop()
    sys.exit(f"Ardour lost its JACK server in {TRIES} tries of {TRIES}")


def _once(
    server: JackServer, folder: Path, qpm: float, args: argparse.Namespace
) -> tuple[set[tuple[int, int]], list[Heard]]:
    ardour = Ardour(server, folder / "session", qpm)
    what = ("--mode", "solo", "--checkpoint", args.checkpoint, "--seed", "chorale-bwv267", "--bars", str(args.bars))
    jam = JamProcess(server, folder, *what, "--clock", "midi", "--input", CLOCK, "--port", TRACK)
    try:
        jam.wait_for(f"Listening to {CLOCK}")
        time.sleep(READY)
        ardour.do("arm")
        ardour.do("roll")
        jam.end(60 + args.bars * 240 / qpm)
        ardour.do("stop")
        (theirs,) = ardour.takes(1)
    finally:
        jam.kill()
        ardour.close()
    (path,) = folder.glob("recordings/*.mid")
    piece = read_midi(path)
    return {(round(n.onset / piece.ticks_per_quarter * 24), n.pitch) for n in piece}, theirs


if __name__ == "__main__":
    main()

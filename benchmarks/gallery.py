"""Make what is in `midi_samples/generated` and `docs/gallery.md`: what each checkpoint plays, drawn, sounded, measured.

    python -m benchmarks.gallery                                    the shipped checkpoints, in place
    python -m benchmarks.gallery --checkpoints runs --root /tmp/x   others, elsewhere

Every take is what the command beside it plays, with seed number 0 unless it says another: nothing is picked or edited.
A checkpoint that is not there is left out, and said so. What stands in docs/gallery.md from the line "## What was
found" on is written by hand and stays.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from benchmarks import gallery_page
from benchmarks.listening import Heard, listen, notes_a_second, spectrograms
from benchmarks.machine import print_header
from musegen import audio
from musegen.checkpoint import load as load_checkpoint
from musegen.cli.main import main as musegen
from musegen.engine.bars import BarMaker, load
from musegen.engine.base import Engine
from musegen.evaluation.density import Density, density
from musegen.midi import read_music
from musegen.models.config import ModelConfig
from musegen.pictures import piano_roll, surprise_roll
from musegen.piece import TICKS_PER_QUARTER, Piece
from musegen.sampling.seeds import find_seed, seeds
from musegen.shipped import checkpoints_folder
from musegen.sound_files import Samples, write_sound

RATE = 32_000  # Hz, one channel: enough for a loudspeaker, and small
LONGEST, FADE = 20.0, 1.5  # seconds of a clip, and of its end
WORST = 3
BARS = 8
ROOT = Path(__file__).resolve().parents[1]
GENERATED = Path("midi_samples", "generated")


@dataclass(frozen=True)
class Take:
    """One file: `command` after `musegen`, without --checkpoint and --out. `clip`: it is also a short OGG."""

    checkpoint: str
    name: str
    command: tuple[str, ...]
    seed: str = ""
    clip: bool = False


@dataclass(frozen=True)
class Result:
    """A take as it was measured.

    `notes`: how many are new; `pace` and `before`: how many of them and of the seed's begin in a second (NaN: there is
    no seed). `density` is by the checkpoint itself, None where it has none; `new` (N,) says which of its notes are.
    """

    take: Take
    notes: int
    pace: float
    before: float
    heard: Heard
    density: Density | None = None
    new: npt.NDArray[np.bool_] | None = None

    def nats(self, new: bool) -> float:
        """Nats a note of the new notes or of the seed's; NaN where the checkpoint has no likelihood."""
        if self.density is None or self.new is None:
            return float("nan")
        return float(self.density.notes.sum(1)[self.new == new].mean())

    def surprises(self, count: int = 5) -> list[int]:
        """The places in `density.piece.notes` of the most surprising new notes."""
        if self.density is None or self.new is None:
            return []
        return [i for i in self.density.most_surprising(len(self.new)) if self.new[i]][:count]


def on(checkpoint: str, seed: str, number: int = 0, clip: bool = False) -> Take:
    """A continuation of a shipped seed, after it."""
    command = ["generate", "--seed", seed, "-n", "1", "--bars", str(BARS), "--with-seed"]
    name = f"{seed}-{number}" if number else seed
    return Take(checkpoint, name, (*command, *(("--seed-number", str(number)) if number else ())), seed, clip)


def takes() -> list[Take]:
    """Everything that is in the gallery, in its order. Drums alone are for the checkpoint that has heard drummers."""
    tuned = [p.stem for p in seeds() if not p.stem.startswith("drums")]
    first = [on("default", stem, clip=stem in ("chorale-bwv267", "jig", "game-e4m8")) for stem in tuned]
    groove = str(ROOT / GENERATED / "groove.mid")
    noise = ("generate", "-n", "1", "--bars", str(BARS))
    return [
        *first,
        *(on(c, s) for c in ("lstm", "wavenet") for s in ("chorale-bwv267", "jig", "game-e4m8")),
        *(on("folk", s, clip=s == "reel") for s in ("jig", "reel", "slip-jig")),
        *(on("chorale", *s) for s in (("chorale-bwv267",), ("chorale-minor", 0, True), ("chorale-minor", 1))),
        *(on("drums", *s) for s in (("drums-funk", 0, True), ("drums-samba",), ("drums-funk", 1))),
        Take("gan", "noise", noise, clip=True),
        on("gan", "game-e4m8"),
        Take("gan", "accompanies", ("generate", "--seed", "chorale-bwv267", "--accompany", "-n", "1")),
        *(
            Take("humaniser", f, ("humanise", groove, "--feel", f), clip=f == "soul")
            for f in ("soul", "drummer3", "rock")
        ),
    ]


def main() -> None:
    """Make every take, then the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", type=Path, default=checkpoints_folder(), help="a folder of checkpoints")
    parser.add_argument("--root", type=Path, default=ROOT, help="where midi_samples/ and docs/ are")
    args = parser.parse_args()
    print_header("onnxruntime", "pyfluidsynth")
    began, results, clips = time.monotonic(), [], []
    for checkpoint, wanted in _by_checkpoint(takes()):
        source = args.checkpoints / checkpoint
        if not (source / "config.json").is_file():
            print(f"{checkpoint}: not there, left out")
            continue
        folder = args.root / GENERATED / checkpoint
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        judge = _judge(source)
        for take in wanted:
            result, sound = make(take, source, folder, judge)
            results.append(result)
            clips += [(f"{checkpoint}/{take.name}", sound)] * take.clip
            print(gallery_page.line(result))
    picture = args.root / GENERATED / "spectrograms.png"
    spectrograms(clips, RATE, picture)
    _shrink(picture)
    judged = [r for r in results if r.density]
    worst = sorted(judged, key=lambda r: r.nats(new=True), reverse=True)[:WORST]
    for result in worst:
        _draw_surprise(result, args.root / GENERATED / result.take.checkpoint / f"{result.take.name}-surprise.png")
    gallery_page.write(args.root / "docs" / "gallery.md", results, worst)
    print(f"{len(results)} takes in {time.monotonic() - began:.0f} s")


def _by_checkpoint(every: Iterable[Take]) -> Iterator[tuple[str, list[Take]]]:
    found: dict[str, list[Take]] = {}
    for take in every:
        found.setdefault(take.checkpoint, []).append(take)
    yield from found.items()


def _judge(folder: Path) -> Engine | None:
    """The checkpoint in float32, if it is one that has a likelihood of notes."""
    if not isinstance(load_checkpoint(folder).config, ModelConfig):
        return None
    engine = load(folder, exact=True)
    return None if isinstance(engine, BarMaker) else engine


def make(take: Take, checkpoint: Path, folder: Path, judge: Engine | None) -> tuple[Result, Samples]:
    """Play a take into `folder`, as .mid, .png and perhaps .ogg; what it is like, and its clip (N, 1)."""
    path = folder / f"{take.name}.mid"
    with TemporaryDirectory() as scratch:
        options = ["--checkpoint", str(checkpoint), "--out", scratch, "--png"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            failed = musegen([*take.command, *options, *(["--workers", "1"] if "--with-seed" in take.command else [])])
        assert not failed, f"musegen {' '.join(take.command)} went wrong"
        (made,) = Path(scratch).glob("*.mid")
        shutil.copy(made, path)
        if take.checkpoint == "humaniser":
            shutil.copy(made.with_suffix(".png"), path.with_suffix(".png"))
    piece = read_music(path)
    start = _seed_end(take, piece)
    if take.checkpoint != "humaniser":
        piano_roll(piece, path.with_suffix(".png"), f"{take.checkpoint}: {take.name}", start or None)
    _shrink(path.with_suffix(".png"))
    stereo, _ = audio.synthesise(piece, RATE)
    stereo /= max(1.0, float(np.abs(stereo).max()))  # as a sound file has it
    sound = _clip(stereo, float(piece.seconds([_clip_start(piece, start)])[0]))
    if take.clip:
        write_sound(path.with_suffix(".ogg"), sound, RATE)
    first, last = piece.seconds([piece.notes["onset"].min(), piece.notes["onset"].max()]).tolist()
    heard = listen(stereo, RATE, first, last)
    before = notes_a_second(piece, 0, start) if start else float("nan")
    figures = (int((piece.notes["onset"] >= start).sum()), notes_a_second(piece, start, piece.end), before, heard)
    found = density(judge, piece) if judge else None
    new = found.piece.notes["onset"] * piece.ticks_per_quarter >= start * TICKS_PER_QUARTER if found else None
    return Result(take, *figures, found, new), sound


def _seed_end(take: Take, piece: Piece) -> int:
    """The tick of `piece` where the seed is over."""
    if "--with-seed" not in take.command:
        return 0
    return int(piece.bar_starts()[len(read_music(find_seed(take.seed)).bar_starts()) - 1])


def _clip_start(piece: Piece, start: int) -> int:
    """Two bars before what is new."""
    bars = piece.bar_starts()
    return int(bars[max(0, int(np.searchsorted(bars, start)) - 2)])


def _clip(stereo: Samples, start: float) -> Samples:
    """LONGEST seconds from `start` on, one channel, faded out."""
    sound: Samples = stereo[round(start * RATE) : round((start + LONGEST) * RATE)].mean(axis=1)
    fade = min(round(FADE * RATE), len(sound))
    sound[len(sound) - fade :] *= np.linspace(1, 0, fade)
    return sound[:, None]


def _draw_surprise(result: Result, path: Path) -> None:
    assert result.density
    title = f"{result.take.checkpoint}: {result.take.name}"
    surprise_roll(result.density.piece, result.density.notes.sum(1), path, title, result.surprises())
    _shrink(path)


def _shrink(path: Path) -> None:
    """Write a picture again with 64 colours, which nobody sees and git does."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(64)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()

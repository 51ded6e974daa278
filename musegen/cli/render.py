"""`musegen render FILE…`: music files as sound files."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import SettingsError

EPILOG = """\
The instruments are General MIDI's, played by fluidsynth with the small SoundFont that comes along; --soundfont takes a
better one. Without the fluidsynth library plain sine waves stand in, and the last line says how to install it.

examples:
  musegen render tune.mid                             rendered/tune.wav
  musegen render generated/*.mid --format ogg
  musegen render tune.mid --soundfont /usr/share/sounds/sf2/FluidR3_GM.sf2
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `render`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="MIDI, MusicXML, ABC or Humdrum")
    parser.add_argument("--out", type=Path, default=Path("rendered"), help="folder for the files (%(default)s)")
    parser.add_argument("--format", choices=("wav", "flac", "ogg"), default="wav", help="of the files (%(default)s)")
    parser.add_argument("--soundfont", type=Path, metavar="FILE", help="the instruments: a .sf2 or .sf3 file")


def run(args: argparse.Namespace) -> None:
    """Render each file; say where they are and what made the sound."""
    from ..audio import render
    from .progress import Progress

    targets = _targets(args.files, args.out, args.format)
    made_by = ""
    with Progress("rendering", "files") as progress:
        for done, (target, source) in enumerate(targets.items(), 1):
            args.out.mkdir(parents=True, exist_ok=True)
            made_by = render(source, target, soundfont=args.soundfont)
            progress.update(done, len(targets))
    names = [path.name for path in targets]
    which = (
        f"{args.out / names[0]}" if len(names) == 1 else f"{len(names)} files in {args.out}: {names[0]} … {names[-1]}"
    )
    print(f"{which} ({made_by})")


def _targets(files: list[Path], out: Path, kind: str) -> dict[Path, Path]:
    """The sound file of each music file, and which it is of. Raises SettingsError where two would have one name."""
    from ..sound_files import format_of

    found: dict[Path, Path] = {}
    for source in dict.fromkeys(files):
        target = out / f"{source.stem}.{kind}"
        format_of(target)
        if target in found:
            raise SettingsError(
                f"{found[target]} and {source} would both become {target}: render one of them with another --out."
            )
        found[target] = source
    return found

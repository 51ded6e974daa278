"""`musegen score FILE…`: how likely music is under a model, as a table, JSON, or a roll of its surprises."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import DEFAULT_CHECKPOINT

if TYPE_CHECKING:
    from ..evaluation.density import Density

EPILOG = """\
Nats are −log P of everything in the file that the model predicts; perplexity is e to the nats a note, as if the model
wavered among so many equally likely notes. Lower is less surprising. Beside them stand the same figures over pieces
that the model has not learnt from.

--json prints {"checkpoint", "style", "held_out": {split: figures}, "files": […]}; each file has "file", "notes",
"seconds", "nats" (of the piece: "total", each attribute, and "end", which is in the first attribute's too),
"nats_per_note", "nats_per_second", "perplexity", and "each" note: "bar", "beat" (both from 1), "onset" (ticks, 24 a
quarter), "seconds", "part", "program" (0-127, 128: drums), "pitch", "name", "nats" ("total" and each attribute).

examples:
  musegen score tune.mid
  musegen score mine/*.mid --style chorale
  musegen score tune.mid --png surprise.png
  musegen score tune.mid --json | jq '.files[0].nats_per_note'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `score`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="+", metavar="FILE", help="MIDI, MusicXML or ABC")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="a shipped name or a folder (%(default)s)")
    parser.add_argument("--style", default="", help="style tag of the checkpoint to condition on, such as chorale")
    parser.add_argument("--top", type=int, default=8, metavar="N", help="list so many surprising notes (%(default)s)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print everything as JSON, note by note")
    how.add_argument("--png", type=Path, metavar="PATH", help="draw the notes by surprise; a folder for several files")


def run(args: argparse.Namespace) -> None:
    """Score every file and show it as asked."""
    from .. import checkpoint as checkpoints
    from ..engine.bars import load
    from ..evaluation.density import score

    metrics = checkpoints.load(checkpoints.find(args.checkpoint)).metrics
    model = load(args.checkpoint)
    found = {file: score(model, file, args.style) for file in dict.fromkeys(args.files)}
    held_out = {k: v for k in ("valid", "test") if isinstance(v := metrics.get(k), dict) and "total" in v}
    if args.json:
        _print_json(args, held_out, found)
        return
    _print_table(held_out, found)
    for file, density in found.items():
        marked = density.most_surprising(max(0, args.top))
        if len(found) == 1:
            _print_notes(density, marked)
        if args.png:
            _draw(density, marked, file, args.png, several=len(found) > 1)


def _print_json(args: argparse.Namespace, held_out: dict[str, Any], found: dict[str, Density]) -> None:
    import json

    files = [{"file": file, **density.to_json()} for file, density in found.items()]
    whole = {"checkpoint": args.checkpoint, "style": args.style, "held_out": held_out, "files": files}
    print(json.dumps(whole, indent=1, ensure_ascii=False))


def _print_table(held_out: dict[str, Any], found: dict[str, Density]) -> None:
    names = next(iter(found.values())).names
    width = max(len("held out (valid)"), *(len(_short(f)) for f in found))
    head = ("notes", "nats", "/second", "/note", *names, "perplexity")
    print(f"{'':{width}}  {' '.join(f'{h:>10}' for h in head)}")
    for file, d in found.items():
        each = [f"{v / len(d.piece):.3f}" for v in d.by_attribute.values()]
        cells = [str(len(d.piece)), f"{d.total:.1f}", f"{d.per_second:.2f}", f"{d.per_note:.3f}", *each]
        print(f"{_short(file):{width}}  {' '.join(f'{c:>10}' for c in [*cells, f'{d.perplexity:.2f}'])}")
    for split, v in held_out.items():
        each = [f"{v[n]:.3f}" if n in v else "" for n in names]
        cells = [str(v.get("notes", "")), "", "", f"{v['total']:.3f}", *each, f"{2.718281828459045 ** v['total']:.2f}"]
        print(f"{f'held out ({split})':{width}}  {' '.join(f'{c:>10}' for c in cells)}")


def _print_notes(density: Density, marked: list[int]) -> None:
    if marked:
        print("\nthe most surprising notes:")
    for number, i in enumerate(marked, 1):
        n = density.note(i)
        nats = n["nats"]
        most = max(density.names, key=lambda name: nats[name])
        place = f"{n['bar']}:{n['beat']:g}"
        print(
            f"{number:3}  bar {place:10} {n['part'][:20]:20} {n['name']:8} {nats['total']:6.2f} nats, "
            f"{nats[most]:.2f} of them its {most}"
        )


def _draw(density: Density, marked: list[int], file: str, path: Path, several: bool) -> None:
    from ..pictures import surprise_roll

    if several or path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path = path / f"{Path(file).stem}-surprise.png"
    title = f"{Path(file).name}: {density.per_note:.2f} nats a note"
    surprise_roll(density.piece, density.notes.sum(1), path, title, marked)
    print(f"drawn: {path}")


def _short(file: str) -> str:
    return Path(file).name[-40:]

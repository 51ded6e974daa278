"""`musegen score FILE…`: how likely music is under a model, as a table, JSON, or a roll of its surprises."""

from __future__ import annotations

import argparse
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import DEFAULT_CHECKPOINT

if TYPE_CHECKING:
    from ..evaluation.density import Density

SPLITS = ("valid", "test")  # held out; the first chose the training step

EPILOG = """\
Nats are −log P of everything in the file that the model predicts; perplexity is e to the nats a note, as if the model
wavered among so many equally likely notes. Lower is less surprising. Beside them stand the same figures over pieces
that the model has not learnt from.

--json prints {"checkpoint", "style", "held_out": {split: figures}, "files": […]}; each file has "file", "notes",
"seconds", "percentile" (how many in a hundred held-out pieces have fewer nats a note, by split, where the checkpoint
says), "nats" (of the piece: "total", each attribute, and "end", which is in the first attribute's too),
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
    model = load(args.checkpoint, exact=True)
    found = {file: score(model, file, args.style) for file in dict.fromkeys(args.files)}
    if args.json:
        _print_json(args, metrics, found)
        return
    _print_table(metrics, found)
    for file, density in found.items():
        marked = density.most_surprising(max(0, args.top))
        if len(found) == 1:
            _print_notes(density, marked)
        if args.png:
            _draw(density, marked, file, args.png, several=len(found) > 1)


def _held_out(metrics: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k in SPLITS if isinstance(v := metrics.get(k), dict) and "total" in v}


def _standing(metrics: dict[str, Any], density: Density) -> dict[str, float]:
    from ..evaluation.density import percentile

    found = {split: percentile(metrics, split, density.per_note) for split in SPLITS}
    return {split: round(p, 1) for split, p in found.items() if p is not None}


def _print_json(args: argparse.Namespace, metrics: dict[str, Any], found: dict[str, Density]) -> None:
    import json

    files = [{"file": file, "percentile": _standing(metrics, d), **d.to_json()} for file, d in found.items()]
    whole = {"checkpoint": args.checkpoint, "style": args.style, "held_out": _held_out(metrics), "files": files}
    print(json.dumps(whole, indent=1, ensure_ascii=False))


def _print_table(metrics: dict[str, Any], found: dict[str, Density]) -> None:
    names = next(iter(found.values())).names
    standing = {file: _standing(metrics, d) for file, d in found.items()}
    width = max(len("held out (valid)"), *(len(_short(f)) for f in found))

    def line(name: str, *cells: str) -> None:
        print(f"{name:{width}}  {' '.join(f'{c:>10}' for c in cells)}".rstrip())

    line("", "notes", "nats", "/second", "/note", *names, "perplexity")
    for file, d in found.items():
        each = [f"{v / len(d.piece):.3f}" for v in d.by_attribute.values()]
        sums = f"{d.total:.1f}", f"{d.per_second:.2f}", f"{d.per_note:.3f}"
        line(_short(file), str(len(d.piece)), *sums, *each, f"{d.perplexity:.2f}")
    for split, v in _held_out(metrics).items():
        each = [f"{v[n]:.3f}" if n in v else "" for n in names]
        per_note = v["total"]
        line(f"held out ({split})", str(v.get("notes", "")), "", "", f"{per_note:.3f}", *each, f"{exp(per_note):.2f}")
    for file, splits in standing.items():
        for split, percent in splits.items():
            print(f"{_short(file)} has more nats a note than {percent:.0f} % of the held-out pieces ({split})")


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

"""Where pieces come from: folders, and named sources that any machine can rebuild from packages.

A source lists *items*, one a file; reading an item gives its pieces. Knows nothing of how a corpus is
stored. Each item states its style tag (the collection of a tune, the composer of a classical piece) and its
licence; the chorales of the JSB-16 benchmark's validation
and test sets are listed as held out, so that the build can refuse them under any name.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import CorpusError, FileError, MissingPackageError
from ..piece import Piece

MIDI_SUFFIXES = (".mid", ".midi")
SCORE_SUFFIXES = (".xml", ".mxl", ".musicxml", ".abc", ".krn")
LARGEST_SCORE = 2**28
"""Bytes of a notation file or a JSB-16 file of which the rest is not read."""

PUBLIC_DOMAIN = "public domain works; encodings as distributed with music21"
FREEDOOM_LICENCE = "BSD-3-Clause (Freedoom project)"
NAMED = ("music21:chorales", "music21:tunes", "music21:classical", "freedoom")


@dataclass(frozen=True)
class Item:
    """One file of a source. `key` is its stable name; `lump` names a part of it; `split` is given or empty."""

    key: str
    path: Path
    source: str
    style: str
    licence: str
    composer: str = ""
    qpm: float = 120.0
    lump: str = ""
    title: str = ""  # where the file's name is not one
    split: str = ""
    held_out: bool = False
    content: bytes | None = None  # of the file, or of the lump, once it is on its way to who reads it


def list_items(names: Iterable[str]) -> list[Item]:
    """The items of every source, in a stable order.

    A name is one of `NAMED`, `jsb16:FOLDER`, `groove:FOLDER`, `giantmidi:FOLDER`, a folder, or `STYLE=FOLDER`. Raises
    CorpusError for anything else.
    """
    items: list[Item] = []
    for name in dict.fromkeys(names):
        found = list(_items(name))
        if not found:
            raise CorpusError(f"The source {name} holds no {', '.join(MIDI_SUFFIXES + SCORE_SUFFIXES)} files.")
        items += found
    return items


def _items(name: str) -> Iterator[Item]:
    if name == "music21:chorales":
        return _chorales()
    if name == "music21:tunes":
        return _tunes()
    if name == "music21:classical":
        return _classical()
    if name == "freedoom":
        return _freedoom()
    if name.startswith("jsb16:"):
        return _jsb16(Path(name.removeprefix("jsb16:")))
    if name.startswith(("groove:", "giantmidi:")):
        from .datasets import giantmidi, groove

        dataset, _, place = name.partition(":")
        return groove(Path(place)) if dataset == "groove" else giantmidi(Path(place))
    if name.startswith("music21:"):
        raise CorpusError(f"There is no source {name}: the named ones are {', '.join(NAMED)}.")
    return _folder(name)


def carried(item: Item) -> Item:
    """`item` with its content, so that it can be read where there is no such file. Raises FileError."""
    from ..midi.files import read_bytes
    from .wad import read_lump

    if item.lump:
        return replace(item, content=read_lump(item.path, item.lump))
    midi = item.path.suffix.lower() in MIDI_SUFFIXES  # whose own limit is lower
    return replace(item, content=read_bytes(item.path) if midi else read_bytes(item.path, LARGEST_SCORE))


def read_item(item: Item, rejected: list[tuple[str, str]]) -> list[tuple[str, Piece]]:
    """(title, piece) of everything in `item`; what cannot be read goes to `rejected` as (name, reason)."""
    if item.lump or item.path.suffix.lower() in MIDI_SUFFIXES:
        return [_read_midi(item)]
    if item.content is None:
        return _read_path(item, rejected)
    with TemporaryDirectory() as folder:
        path = Path(folder) / item.path.name
        path.write_bytes(item.content)
        here: list[tuple[str, str]] = []
        try:
            return _read_path(replace(item, path=path), here)
        except (FileError, CorpusError) as error:
            raise type(error)(str(error).replace(folder, str(item.path.parent))) from None
        finally:
            rejected += [(name, reason.replace(folder, str(item.path.parent))) for name, reason in here]


def _read_path(item: Item, rejected: list[tuple[str, str]]) -> list[tuple[str, Piece]]:
    if item.source == "jsb16":
        from .jsb16 import read_frames

        return read_frames(item.path)
    from ..midi.scores import read_scores

    return read_scores(item.path, item.qpm, rejected)


def _read_midi(item: Item) -> tuple[str, Piece]:
    from ..midi import files

    content = carried(item).content if item.content is None else item.content
    assert content is not None
    name = item.key if item.lump else str(item.path)
    piece = files.read_midi_bytes(content, name)
    if item.source == "groove":
        from .datasets import general_midi

        piece = general_midi(piece)
    return item.title or item.lump or item.path.stem, piece


def _folder(name: str) -> Iterator[Item]:
    style, equals, place = name.partition("=")
    folder = Path(place if equals else name)
    if not folder.is_dir():
        raise CorpusError(
            f"There is no source {name}: it is neither a folder nor one of {', '.join(NAMED)}, groove:FOLDER, "
            "giantmidi:FOLDER or jsb16:FOLDER."
        )
    style = style if equals else folder.resolve().name
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in MIDI_SUFFIXES + SCORE_SUFFIXES):
        if path.is_file():
            key = f"{style}/{path.relative_to(folder).as_posix()}"
            yield Item(key, path, str(folder), style, "not stated: as the owner of the folder allows")


def package_folder(package: str, purpose: str, extra: str) -> Path:
    """The folder of an installed package, found without importing it. Raises MissingPackageError."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(package, purpose, extra)
    return Path(next(iter(spec.submodule_search_locations)))


def _music21(name: str) -> Path:
    folder = package_folder("music21", f"The source music21:{name}", "scores") / "corpus"
    if not (folder / "bach").is_dir():
        raise CorpusError(f"The source music21:{name} needs the corpus of music21, which {folder} does not hold.")
    return folder


def held_out_chorales() -> frozenset[str]:
    """The music21 names of the chorales in JSB-16's validation and test sets: never trained on."""
    text = (resources.files(__package__) / "data" / "jsb16_heldout_ids.json").read_text(encoding="utf-8")
    return frozenset(name for names in json.loads(text).values() for name in names)


def _same_number(name: str) -> str:
    """bwv112.5-sc and bwv112.5 are one movement; so may be bwv69.6 and bwv69.6-a."""
    return re.sub(r"-.*$", "", name)


def _chorales() -> Iterator[Item]:
    held = held_out_chorales()
    numbers = {_same_number(n) for n in held}
    folder = _music21("chorales") / "bach"
    item = Item("", folder, "music21:chorales", "chorale", PUBLIC_DOMAIN, "J. S. Bach", qpm=80.0)
    for path in sorted(p for p in folder.glob("bwv*") if p.suffix in (".mxl", ".xml") and p.stem != "bwv846"):
        out = path.stem in held or _same_number(path.stem) in numbers
        yield replace(item, key=f"music21:chorales/{path.stem}", path=path, held_out=out)


def _tunes() -> Iterator[Item]:
    corpus = _music21("tunes")
    for folder, style in (("airdsAirs", "scottish"), ("oneills1850", "irish"), ("ryansMammoth", "american")):
        for path in sorted((corpus / folder).glob("*.abc")):
            key = f"music21:tunes/{folder}/{path.stem}"
            yield Item(key, path, "music21:tunes", style, PUBLIC_DOMAIN, "traditional", qpm=120.0)


def _classical() -> Iterator[Item]:
    corpus = _music21("classical")
    for folder, composer in (
        ("haydn", "Joseph Haydn"),
        ("mozart", "Wolfgang Amadeus Mozart"),
        ("beethoven", "Ludwig van Beethoven"),
        ("schumann_clara", "Clara Schumann"),
        ("schumann_robert", "Robert Schumann"),
    ):
        for path in sorted(p for p in (corpus / folder).rglob("*") if p.suffix in (".mxl", ".xml")):
            key = f"music21:classical/{path.relative_to(corpus).with_suffix('').as_posix()}"
            style = folder.partition("_")[0]  # the two Schumanns, with eleven pieces between them, share one
            yield Item(key, path, "music21:classical", style, PUBLIC_DOMAIN, composer, qpm=100.0)


def _freedoom() -> Iterator[Item]:
    from .wad import lump_names

    folder = package_folder("vizdoom", "The source freedoom", "corpus")
    for path in (folder / "freedoom1.wad", folder / "freedoom2.wad"):
        if not path.is_file():
            raise CorpusError(f"The source freedoom needs {path.name}, which {folder} does not hold.")
        for lump in lump_names(path, b"MThd"):
            if lump.startswith("D_"):
                key = f"freedoom/{path.stem}/{lump}"
                yield Item(key, path, "freedoom", "game", FREEDOOM_LICENCE, "Freedoom project", lump=lump)


def _jsb16(folder: Path) -> Iterator[Item]:
    for split in ("train", "valid"):
        path = folder / f"{split}.json"
        if not path.is_file():
            raise CorpusError(f"The source jsb16:{folder} needs {path}, which does not exist.")
        licence = "public domain works"
        yield Item(f"jsb16/{split}", path, "jsb16", "chorale", licence, "J. S. Bach", split=split)

"""Sources → a corpus folder (format: `store`). Knows nothing of models.

Reading runs in worker processes and is journalled a file at a time, so a build that is killed goes on where
it was and ends with the same bytes; a build with nothing new to read writes nothing. Pieces are dropped
when their notes are those of an earlier piece, or of a held-out one in any key; the split of a piece is a
stable hash of the tune it is a variant of (`identity.tunes`), so no tune is in two splits.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CorpusError, MusegenError
from ..events.codec import EventCodec, onsets
from ..workers import Runner, run_jobs
from .identity import Identity, alike_pairs, identify, tunes
from .journal import Journal, ReadFile, ReadPiece
from .sources import Item, carried, list_items, read_item
from .store import FORMAT_VERSION, Corpus, Entry, shard_name, vocabulary_fingerprint

READERS = 4  # raise it when a reader or the codec gives other rows for the same file
FEWEST_NOTES = 8
SHARD_ROWS = 4_000_000  # 40 MB
LIMIT_S = 600.0  # music21 takes a minute for a long quartet
LIMIT_BYTES = 4 * 2**30
SHARES = (("train", 0.90), ("valid", 0.95), ("test", 1.0))
_HELD_OUT_ALIKE = 0.3
_UNREADABLE = "unreadable"  # in place of a digest

Report = Callable[[int, int], None]
_Found = Iterator[tuple[int, ReadFile | MusegenError]]


@dataclass(frozen=True)
class Candidate:
    """A piece that has been read: where its rows are in the journal, and its facts."""

    item: Item
    key: str
    number: int
    facts: dict[str, Any]
    identity: Identity


Rejected = dict[str, str]


def build(
    out: str | Path,
    sources: Iterable[str],
    workers: int | None = 2,
    report: Report | None = None,
    run: Runner = run_jobs,
) -> Corpus:
    """Build the corpus of `sources` (see `sources.list_items`) in folder `out` and open it.

    `report(done, total)` is called as files are read. `run` reads them: here, or on a cluster (`cluster.Cluster`), to
    the same bytes. Raises CorpusError.
    """
    out = Path(out)
    items = list_items(sources)
    _claim(out)
    version = f"{READERS}-{FORMAT_VERSION}-{vocabulary_fingerprint()}"
    digests = {path: _digest(path) for path in dict.fromkeys(i.path for i in items)}  # one WAD holds many items
    keys = [f"{i.key}#{digests[i.path]}" for i in items]
    inputs = hashlib.sha256(json.dumps([version, [_settled(i, k) for i, k in zip(items, keys, strict=True)]]).encode())
    with Journal(out / ".build", version) as journal:
        _read_all(journal, items, keys, report, partial(run, workers=workers))
        if _is_built(out, inputs.hexdigest()):
            return Corpus.open(out)
        kept, rejected = _choose(_candidates(journal, items, keys))
        rejected = _unread(journal, items, keys) + rejected
        _write(out, journal, kept, rejected, inputs.hexdigest())
    return Corpus.open(out)


def _claim(out: Path) -> None:
    """Make `out`, or see that it is ours: a folder of somebody's music must not be written into."""
    if out.is_file():
        raise CorpusError(f"{out} is a file: a corpus is a folder.")
    if out.is_dir() and any(out.iterdir()) and not ((out / ".build").is_dir() or (out / "corpus.json").is_file()):
        raise CorpusError(f"{out} is not empty and not a corpus: give a new folder for the corpus, then its sources.")


def _settled(item: Item, key: str) -> list[object]:
    return [key, item.source, item.style, item.licence, item.composer, item.split, item.held_out]


def _digest(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:20]
    except OSError:
        return _UNREADABLE


def _read_all(
    journal: Journal, items: list[Item], keys: list[str], report: Report | None, run: Callable[..., _Found]
) -> None:
    for item, key in zip(items, keys, strict=True):
        if key.endswith(f"#{_UNREADABLE}") and not journal.holds(key):
            journal.add(key, read_file(item))
    todo = [n for n, key in enumerate(keys) if not journal.holds(key)]
    done = len(items) - len(todo)
    if report:
        report(done, len(items))
    jobs = (carried(items[n]) for n in todo)  # a few at a time
    for number, found in run(read_file, jobs, timeout=LIMIT_S, memory=LIMIT_BYTES, name=_key):
        item, key = items[todo[number]], keys[todo[number]]
        journal.add(key, ReadFile([], [(item.key, str(found))]) if isinstance(found, MusegenError) else found)
        done += 1
        if report:
            report(done, len(items))


def _key(item: Item) -> str:
    return item.key


def read_file(item: Item) -> ReadFile:
    """Everything in one file as event rows and facts; runs in a worker."""
    rejected: list[tuple[str, str]] = []
    try:
        found = read_item(item, rejected)
    except MusegenError as error:
        return ReadFile([], [(item.key, str(error))])
    pieces = []
    for title, piece in found:
        events = EventCodec().encode(piece)
        facts = {
            "title": piece.metadata.title or title,
            "titled": piece.metadata.title,
            "composer": piece.metadata.composer or item.composer,
            "notes": int((events.rows[:, 0] < 96).sum()),
            "ticks": int(onsets(events.rows)[-1]),
            "tempos": events.tempos,
            "meters": events.meters,
            "identity": identify(events.rows),
        }
        pieces.append(ReadPiece(events.rows, facts))
    return ReadFile(pieces, rejected)


def _unread(journal: Journal, items: list[Item], keys: list[str]) -> list[Rejected]:
    pairs = [(i, r) for i, k in zip(items, keys, strict=True) for r in journal.facts(k)[1]]
    return [{"file": i.key, "source": i.source, "title": name, "reason": reason} for i, (name, reason) in pairs]


def _candidates(journal: Journal, items: list[Item], keys: list[str]) -> list[Candidate]:
    found = []
    for item, key in zip(items, keys, strict=True):
        for number, facts in enumerate(journal.facts(key)[0]):
            found.append(Candidate(item, key, number, facts, Identity(*facts["identity"])))
    return found


def _choose(candidates: list[Candidate]) -> tuple[list[tuple[Candidate, str, str]], list[Rejected]]:
    """((candidate, split, tune) of the pieces to keep, the others with the reason)."""
    held = _held_out(candidates)
    kept: list[Candidate] = []
    rejected: list[Rejected] = []
    first: dict[str, str] = {}
    for number, c in enumerate(candidates):
        reason = ""
        if c.item.held_out:
            reason = "held out: it is in the validation or test set of the JSB-16 benchmark"
        elif c.facts["notes"] < FEWEST_NOTES:
            reason = f"only {c.facts['notes']} notes (at least {FEWEST_NOTES} are wanted)"
        elif c.item.split:
            pass  # a dataset's own splits are taken as they are
        elif number in held:
            reason = f"held out: it has the notes of {held[number]}, which is held out"
        elif c.identity.exact in first:
            reason = f"the same notes as {first[c.identity.exact]}"
        if reason:
            rejected.append({"file": c.item.key, "source": c.item.source, "title": c.facts["title"], "reason": reason})
        else:
            first.setdefault(c.identity.exact, f"{c.item.key} ({c.facts['title']})")
            kept.append(c)
    names = tunes([c.identity for c in kept], [c.facts["titled"] for c in kept])
    return [(c, c.item.split or _split(t), t) for c, t in zip(kept, names, strict=True)], rejected


def _held_out(candidates: list[Candidate]) -> dict[int, str]:
    """The candidates that are a held-out piece under another name, and that piece."""
    held = {n for n, c in enumerate(candidates) if c.item.held_out}
    by_notes = {candidates[n].identity.relative: candidates[n].item.key for n in sorted(held)}
    found = {n: by_notes[c.identity.relative] for n, c in enumerate(candidates) if c.identity.relative in by_notes}
    if held:
        for one, other in alike_pairs([c.identity.texture for c in candidates], _HELD_OUT_ALIKE):
            if (one in held) != (other in held):
                out, of = (other, one) if one in held else (one, other)
                found.setdefault(out, candidates[of].item.key)
    return {n: of for n, of in found.items() if n not in held}


def _split(tune: str) -> str:
    """The split of a tune: the same on every machine and in every corpus."""
    share = int(hashlib.sha256(tune.encode()).hexdigest()[:12], 16) / 16**12
    return next(split for split, below in SHARES if share < below)


def _is_built(out: Path, inputs: str) -> bool:
    try:
        return bool(Corpus.open(out).settings.get("inputs") == inputs)
    except CorpusError:
        return False


def _write(
    out: Path, journal: Journal, kept: list[tuple[Candidate, str, str]], rejected: list[Rejected], inputs: str
) -> None:
    if not kept:
        why = rejected[0]["reason"] if rejected else "there are none"
        raise CorpusError(f"None of the files could be used: {why}")
    fresh = out / ".build" / "next"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    entries = _write_shards(fresh, journal, kept)
    (fresh / "manifest.jsonl").write_text("".join(e.to_json() + "\n" for e in entries), encoding="utf-8")
    lines = [json.dumps(r, ensure_ascii=False) + "\n" for r in rejected]
    (fresh / "rejected.jsonl").write_text("".join(lines), encoding="utf-8")
    settings = {
        "format_version": FORMAT_VERSION,
        "vocabulary": vocabulary_fingerprint(),
        "styles": sorted({e.style for e in entries}),
        "sources": _sources(entries),
        "pieces": len(entries),
        "notes": sum(e.notes for e in entries),
        "rejected": len(rejected),
        "settings": {"fewest_notes": FEWEST_NOTES, "shares": dict(SHARES), "readers": READERS},
        "inputs": inputs,
    }
    (fresh / "corpus.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _swap(out, fresh)


def _sources(entries: list[Entry]) -> dict[str, dict[str, object]]:
    """The licence of each source, and the style tags of its pieces."""
    pairs = sorted({(e.source, e.style) for e in entries})
    styles = {source: [style for s, style in pairs if s == source] for source, _ in pairs}
    return {e.source: {"styles": styles[e.source], "licence": e.licence} for e in entries}


def _swap(out: Path, fresh: Path) -> None:
    """Put the fresh files in place; corpus.json goes first and comes last: a half-swapped folder is no corpus."""
    (out / "corpus.json").unlink(missing_ok=True)
    new = sorted(p.name for p in fresh.iterdir() if p.name != "corpus.json")
    for name in new:
        os.replace(fresh / name, out / name)
    for stale in out.glob("shard-*.npy"):
        if stale.name not in new:
            stale.unlink()
    os.replace(fresh / "corpus.json", out / "corpus.json")
    fresh.rmdir()


def _write_shards(fresh: Path, journal: Journal, kept: list[tuple[Candidate, str, str]]) -> list[Entry]:
    entries: list[Entry] = []
    pending: list[np.ndarray] = []
    shard = size = 0
    key, rows = "", []
    for c, split, tune in kept:
        if c.key != key:
            key, rows = c.key, journal.rows(c.key)
        piece = rows[c.number]
        if size and size + len(piece) > SHARD_ROWS:
            np.save(fresh / shard_name(shard), np.concatenate(pending))
            shard, size, pending = shard + 1, 0, []
        entries.append(_entry(c, split, tune, (shard, size, len(piece))))
        pending.append(piece)
        size += len(piece)
    np.save(fresh / shard_name(shard), np.concatenate(pending))
    return entries


def _entry(c: Candidate, split: str, tune: str, place: tuple[int, int, int]) -> Entry:
    facts, item = c.facts, c.item
    return Entry(
        file=item.key,
        source=item.source,
        title=facts["title"],
        composer=facts["composer"],
        style=item.style,
        licence=item.licence,
        split=split,
        tune=tune,
        notes=facts["notes"],
        ticks=facts["ticks"],
        shard=place[0],
        offset=place[1],
        length=place[2],
        tempos=tuple(facts["tempos"]),
        meters=tuple(facts["meters"]),
    )

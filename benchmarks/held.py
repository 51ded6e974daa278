"""What a held note costs: nats of the next note where the durations of the notes that sound are not known.

    python -m benchmarks.held CORPUS CHECKPOINT… [--split valid] [--places 3000]

At places drawn evenly from the held-out pieces, each just after an onset, the next note is scored twice: with every
duration known, which a live player cannot offer, and with those of the last four notes unknown where they still
sound, as they reach the model live. Only places where some note sounds count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import print_header
from musegen.checkpoint import load
from musegen.corpus.store import Corpus
from musegen.evaluation.likelihood import model_of
from musegen.events import attributes as at
from musegen.events.codec import Rows, onsets
from musegen.events.derived import ModelRows, derive
from musegen.models.base import SequenceModel
from musegen.models.likelihood import pad

LATEST = 4  # notes back to which a note may be held
BATCH = 16


def main() -> None:
    """Print a line a checkpoint and way of hearing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--places", type=int, default=3000)
    args = parser.parse_args()
    print_header("torch", "numpy")
    corpus = Corpus.open(args.corpus)
    places = draw_places(corpus, args.split, args.places)
    print(f"{len(places)} places in {args.split}; nats of the next note")
    print(f"{'':26}" + "".join(f"{name:>12}" for name in ("total", *(a.name for a in at.ATTRIBUTES))))
    for path in args.checkpoints:
        model = model_of(load(path))
        for how, hear in {"all known": lambda rows, now: rows, "held unknown": hide_held}.items():
            nats = nats_of_next(model, corpus, places, hear)
            values = "".join(f"{v:12.4f}" for v in (nats.sum(), *nats))
            print(f"{path.name:12}  {how:12}{values}", flush=True)


def draw_places(corpus: Corpus, split: str, count: int) -> list[tuple[int, int]]:
    """(piece, row) of notes before which at least one of the latest notes sounds, evenly drawn."""
    found = []
    for piece in corpus.pieces(split):
        rows = corpus.rows(piece)
        now, note = onsets(rows), at.is_note(rows)
        found += [(piece, row) for row in np.flatnonzero(note) if _held(rows[:row], now[:row]).any()]
    rng = np.random.default_rng(0)
    return [found[i] for i in np.sort(rng.permutation(len(found))[:count])]


def hide_held(rows: Rows, now: np.ndarray) -> Rows:
    """The past `rows` (N, 5) as a live player leaves them: the durations of the latest notes that sound unknown."""
    rows = rows.copy()
    rows[_held(rows, now), at.DURATION] = at.ATTRIBUTES[at.DURATION].none
    return rows


def _held(rows: Rows, now: np.ndarray) -> np.ndarray:
    """Which of `rows` (N, 5) are notes among the last LATEST that sound just after the last row's onset."""
    held = at.is_note(rows)
    held[:-LATEST] = False
    held[held] = now[held] + at.DURATIONS[rows[held, at.DURATION]] > now[-1]
    return held


def nats_of_next(
    model: SequenceModel, corpus: Corpus, places: list[tuple[int, int]], hear: Callable[[Rows, np.ndarray], Rows]
) -> np.ndarray:
    """Mean nats of each attribute (5,) of the rows at `places`, their pasts as `hear` leaves them."""
    total = np.zeros(len(at.ATTRIBUTES))
    for first in range(0, len(places), BATCH):
        windows = [_window(corpus, *place, model.config.context, hear) for place in places[first : first + BATCH]]
        rows, each = torch.from_numpy(pad(windows)), range(len(windows))
        last = torch.tensor([len(w) - 1 for w in windows])
        with torch.no_grad():
            target = rows[each, last]
            total += model.head.nats(model(rows)[each, last - 1], target, model.situation(target)).sum(0).numpy()
    return total / len(places)


def _window(corpus: Corpus, piece: int, row: int, length: int, hear: Callable[[Rows, np.ndarray], Rows]) -> ModelRows:
    """The model rows up to `row`, at most `length` before it."""
    rows = corpus.rows(piece)[: row + 1]
    now = onsets(rows)
    rows = np.concatenate([hear(rows[:-1], now[:-1]), rows[-1:]])
    lead = max(0, row - 2 * length)
    since = int(now[lead - 1]) if lead else 0
    return derive(rows[lead:], corpus.meters(piece), since)[-length - 1 :]


if __name__ == "__main__":
    main()

"""P1b: nats per grid cell of the JSB-16 validation chorales under an event model.

    musegen corpus build jsb16 jsb16:FOLDER        (FOLDER holds train.json and valid.json)
    musegen train jsb16 --out jsb --louder 0 --tag-rate 0 …
    python -m benchmarks.chorales jsb jsb16

The model must have been trained on the 229 training pieces only; the n-gram floor is fitted here on the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.machine import print_header
from musegen.checkpoint import load
from musegen.corpus.store import Corpus
from musegen.evaluation.jsb16 import nats_per_cell, piece_to_frames
from musegen.evaluation.likelihood import held_out, nats_of_each
from musegen.events import attributes as at
from musegen.events.codec import EventCodec, Events
from musegen.training.baselines import fit


def main() -> None:
    """Print the figures of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", default="valid")
    args = parser.parse_args()
    print_header("torch", "numpy")
    corpus, checkpoint = Corpus.open(args.corpus), load(args.checkpoint)
    pieces = corpus.pieces(args.split)
    sixteenths = [sixteenths_of(corpus, i) for i in pieces]
    cells = 4 * sum(sixteenths)
    print(f"{len(pieces)} pieces, {cells} cells; trained on {checkpoint.about['trained on']}")
    network = nats_per_cell(nats_of_each(checkpoint, corpus, args.split), sixteenths)
    floor = nats_per_cell(nats_of_each(fit(corpus, "ngram"), corpus, args.split), sixteenths)
    print(f"{checkpoint.config.family:12} token-mean {network.token_mean:.4f}  piece-mean {network.piece_mean:.4f}")
    print(f"{'n-gram':12} token-mean {floor.token_mean:.4f}  piece-mean {floor.piece_mean:.4f}")
    print(f"ratio        {network.token_mean / floor.token_mean:.3f}")
    figures = held_out(checkpoint, corpus, args.split)
    each = {a.name: figures[a.name] * figures["notes"] / cells for a in at.ATTRIBUTES}
    print("of which     " + "  ".join(f"{k} {v:.4f}" for k, v in each.items()))


def sixteenths_of(corpus: Corpus, piece: int) -> int:
    """How long a chorale is, in 16ths."""
    events = Events(corpus.rows(piece), corpus.tempos(piece), corpus.meters(piece))
    return len(piece_to_frames(EventCodec().decode(events)))


if __name__ == "__main__":
    main()

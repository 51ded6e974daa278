"""Does the jam play music? Answers to phrases it has never heard, and endless jams, beside what really came next.

    python -m benchmarks.jam_quality CORPUS [--checkpoint NAME…] [--phrases 50] [--seed-number N]

The phrases are the first four bars of held-out pieces (validation and test), styles taking turns. In `rest` and `fours`
a whole session (model, performer, stage, scheduler, port) hears them played on a keyboard, on the fake clock, and
answers: after a beat of rest, or trading four bars. In `endless` it plays sixteen bars on from the phrase as its seed.
`real` is what the same piece does after the same phrase, through the same figures: where an answer is as good as that,
it is good. Key and range come from the question alone; the tonic of `cadence` from the whole piece. Each figure has the
half width of its 95 % interval over phrases.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.machine import add_json, print_header, write_json
from musegen.corpus.store import Corpus
from musegen.engine.base import Engine, load
from musegen.evaluation import answering
from musegen.evaluation.answering import Phrase
from musegen.events.codec import EventCodec, Events
from musegen.live.clock import FakeClock
from musegen.live.desk import Desk
from musegen.live.hands import Hands
from musegen.live.messages import is_on
from musegen.live.own_time import OwnTime
from musegen.live.partner import DirectPartner
from musegen.live.session import Session, Setup
from musegen.live.sources import notes_of
from musegen.live.testing import LoopbackPort
from musegen.live.timeline import Timeline
from musegen.piece import DRUMS, Piece, sort_notes
from musegen.sampling.duet import Played
from musegen.sampling.improviser import Improviser
from musegen.sampling.keys import count, estimate, triad
from musegen.sampling.plan import Plan

BARS, ENDLESS = 4, 16
KEYBOARD = 4  # parts that ten fingers play; of more they play the one with the most notes


@dataclass(frozen=True, eq=False)
class Case:
    """A held-out piece from its phrase on, whole and as a keyboard plays it; `key` is the whole piece's.

    `end` are the piece's last four bars on a keyboard.
    """

    name: str
    style: str
    whole: Piece
    keyboard: Piece
    key: str
    end: Piece

    @property
    def bar(self) -> int:
        """Ticks of a bar."""
        return self.whole.meters[0].bar_ticks()

    def phrase(self, notes: list[tuple[int, int, int]], start: int, end: int) -> Phrase:
        """Those of `notes` between two ticks."""
        return Phrase.of(notes, start, end, self.bar, self.whole.meters[0].beat_ticks())


@dataclass(frozen=True)
class Knowing:
    """An improviser whose network has been loaded before."""

    engine: Engine
    plan: Plan

    def open(self) -> Improviser:
        """A new one, with no memory."""
        return Improviser(self.engine, self.plan)


# --- the phrases ----------------------------------------------------------------------------------------------------


def cases(corpus: Corpus, most: int) -> list[Case]:
    """Phrases of `most` held-out pieces, styles taking turns, always the same."""
    found: dict[str, list[Case]] = {style: [] for style in corpus.styles}
    pieces = [i for split in ("valid", "test") for i in corpus.pieces(split)]
    for i in np.random.default_rng(7).permutation(pieces).tolist():
        entry = corpus.entries[i]
        if len(found[entry.style]) < most:
            events = Events(corpus.rows(i), entry.tempos, entry.meters)
            case = _case(entry.file, entry.style, EventCodec().decode(events))
            if case is not None:
                found[entry.style].append(case)
    turns = [row[k] for k in range(most) for row in found.values() if k < len(row)]
    return turns[:most]


def _case(name: str, style: str, piece: Piece) -> Case | None:
    """`piece` from the first bar line after which eight bars hold notes in one meter; None where there is no such."""
    lines = piece.bar_starts()
    changes = {m.tick for m in piece.meters[1:]}
    for first in range(min(9, len(lines) - 2 * BARS)):
        here = lines[first : first + 2 * BARS + 1]
        even = len(set(np.diff(here).tolist())) == 1 and not changes & set(range(here[0] + 1, here[-1]))
        whole = _one_meter(piece.between(int(here[0]), int(here[0] + (BARS + ENDLESS) * (here[1] - here[0]))))
        keyboard = _on_keyboard(whole)
        bar = whole.meters[0].bar_ticks()
        begun = np.unique(keyboard.notes["onset"] // bar)
        if even and np.isin(np.arange(2 * BARS), begun).all():
            pitches = piece.notes[piece.notes["program"] != DRUMS]["pitch"].tolist()
            end = piece.between(int(lines[-1 - BARS]), int(lines[-1]))
            return Case(name, style, whole, keyboard, estimate(count(pitches)), _on_keyboard(_one_meter(end)))
    return None


def _one_meter(piece: Piece) -> Piece:
    """`piece` up to where its meter changes, its tempo the first."""
    end = piece.meters[1].tick if len(piece.meters) > 1 else piece.end
    piece = piece.between(0, end)
    return replace(piece, tempos=piece.tempos[:1], meters=piece.meters[:1])


def _on_keyboard(piece: Piece) -> Piece:
    """The tuned notes on a piano, or those of the busiest part where there are many parts; of doubles the longer."""
    notes = piece.notes[piece.notes["program"] != DRUMS].copy()
    parts, sizes = np.unique(notes["part"], return_counts=True)
    if len(parts) > KEYBOARD:
        notes = notes[notes["part"] == parts[sizes.argmax()]]
    notes["program"] = notes["part"] = 0
    notes = notes[np.lexsort((-notes["duration"], notes["pitch"], notes["onset"]))]
    fresh = np.ones(len(notes), np.bool_)
    fresh[1:] = (np.diff(notes["onset"]) != 0) | (np.diff(notes["pitch"].astype(int)) != 0)
    return replace(piece, notes=sort_notes(notes[fresh]))


def _rows(piece: Piece) -> list[tuple[int, int, int]]:
    return [(n.onset, n.duration, n.pitch) for n in piece if n.program != DRUMS]


# --- the jams -------------------------------------------------------------------------------------------------------


def answer(engine: Engine, case: Case, folder: Path, number: int, phrase_bars: int) -> tuple[Phrase, float]:
    """The answer to the case's phrase, and by how many milliseconds its first note was off its beat at the port."""
    question = case.keyboard.between(0, BARS * case.bar)
    clock = FakeClock()
    conductor = OwnTime(Timeline.after(question), clock)
    port = LoopbackPort(clock)
    plan = Plan(Piece.from_notes([], meters=question.meters), seed_number=number)
    setup = Setup("answer", bars=2 * BARS + 2, seed_number=number, phrase_bars=phrase_bars)
    hands = Hands(port, question, conductor, clock)
    session = Session(
        DirectPartner(Knowing(engine, plan)), hands, conductor, clock, folder / "answer.mid", Desk(), setup
    )
    begin, end = _run_answer(session)
    played = [n for n in session.performer.history.notes if n.own and n.onset < end]
    first = next((t for t, message in port.received() if is_on(message)), float("nan"))
    beat = conductor.time(begin)
    return case.phrase([(n.onset, n.duration or 1, n.pitch) for n in played], begin, end), 1000 * (first - beat)


def _run_answer(session: Session) -> tuple[int, int]:
    """Run it to its end; where the first answer began and ended."""
    asked: list[tuple[int, int]] = []
    plain = session.performer.ask

    def ask(start: int, end: int | None = None, **how: object) -> None:
        asked.append((start, start if end is None else end))
        plain(start, end, **how)  # type: ignore[arg-type]

    session.performer.ask = ask  # type: ignore[method-assign]
    session.run()
    own = [n.onset for n in session.performer.history.notes if n.own]
    # A rest within the phrase may have been taken for its end, and the answer taken back.
    kept = [a for a in asked if own and a[0] <= own[0] < a[1]]
    return kept[-1] if kept else asked[-1]


def endless(engine: Engine, case: Case, folder: Path, number: int) -> Phrase:
    """Sixteen bars on from the case's phrase with its own instruments."""
    plan = Plan(case.whole.between(0, BARS * case.bar), seed_number=number)
    clock = FakeClock()
    conductor = OwnTime(Timeline.after(plan.seed), clock)
    before = tuple(Played(*n._replace(onset=n.onset - plan.origin), 0, True) for n in notes_of(plan.seed))
    setup = Setup("solo", sorted(plan.instruments()), seed=before, bars=ENDLESS, seed_number=number)
    session = Session(
        DirectPartner(Knowing(engine, plan)),
        LoopbackPort(clock),
        conductor,
        clock,
        folder / "endless.mid",
        Desk(),
        setup,
    )
    session.run()
    played = [(n.onset, n.duration or 1, n.pitch) for n in session.performer.history.notes if n.program != DRUMS]
    return case.phrase(played, 0, ENDLESS * case.bar)


# --- the figures ----------------------------------------------------------------------------------------------------

Figures = dict[str, float]


def of_answer(case: Case, phrase: Phrase, question: Phrase) -> Figures:
    """The figures of an answer, or of what really came."""
    cadential = answering.cadential(phrase, triad(case.key))
    notes = max(1, len(question.notes)) / (question.end - question.start)
    return {
        "in the question's scale": answering.in_scale(phrase, question),
        "density within its range": answering.mean_within_range(phrase, question),
        "bars within its range": answering.within_range(phrase, question),
        "notes, of the question's": len(phrase.notes) / (phrase.end - phrase.start) / notes,
        "same places in the bar": answering.same_places(phrase, question),
        "onsets on a beat": answering.on_beat(phrase),
        "bar lines struck": answering.struck(phrase, phrase.bar),
        "ends like a cadence": float(cadential[-1]) if len(cadential) else 0.0,
        "… by chance": float(cadential.mean()) if len(cadential) else 0.0,
        "longest silence (beats)": answering.longest_silence(phrase),
    }


def of_endless(case: Case, phrase: Phrase, seed: Phrase) -> Figures:
    """The figures of an endless jam, or of what really came."""
    bars = _bars(phrase)
    alike = [len(a & b) / max(1, len(a | b)) for a, b in pairwise([{o for o, _ in bar} for bar in bars])]
    late = replace(phrase, notes=phrase.notes[phrase.notes[:, 0] >= phrase.end - BARS * phrase.bar])
    return {
        "in the seed's scale": answering.in_scale(phrase, seed),
        "… in the last four bars": answering.in_scale(late, seed) if len(late.notes) else float("nan"),
        "bars within its range": answering.within_range(phrase, seed),
        "same places in the bar": answering.same_places(phrase, seed),
        "onsets on a beat": answering.on_beat(phrase),
        "bar lines struck": answering.struck(phrase, phrase.bar),
        "beats struck": answering.struck(phrase, phrase.beat),
        "rhythm as the bar before": float(np.mean(alike)) if alike else float("nan"),
        "bars that are new": len({frozenset(b) for b in bars}) / max(1, len(bars)),
        "longest silence (beats)": answering.longest_silence(phrase),
    }


def _bars(phrase: Phrase) -> list[set[tuple[int, int]]]:
    """Of each bar: its (place, pitch)."""
    bars: list[set[tuple[int, int]]] = [set() for _ in range((phrase.end - phrase.start) // phrase.bar)]
    for onset, _, pitch in phrase.notes.tolist():
        place = (onset - phrase.start) // phrase.bar
        if place < len(bars):
            bars[place].add(((onset - phrase.start) % phrase.bar, pitch))
    return bars


def real_answer(case: Case) -> tuple[Phrase, Phrase]:
    """The phrase on a keyboard, and what really came after it."""
    notes, bar = _rows(case.keyboard), case.bar
    return case.phrase(notes, 0, BARS * bar), case.phrase(notes, BARS * bar, 2 * BARS * bar)


def real_endless(case: Case) -> tuple[Phrase, Phrase]:
    """The seed's tuned notes, and as many of the sixteen bars that came after it as there are."""
    notes, bar = _rows(case.whole), case.bar
    end = min(BARS + ENDLESS, max(n[0] for n in notes) // bar + 1) * bar
    return case.phrase(notes, 0, BARS * bar), case.phrase(notes, BARS * bar, end)


def table(columns: Mapping[str, Sequence[Figures]]) -> list[dict[str, object]]:
    """Print the mean of every figure under every column, ± 1.96 standard errors; its rows."""
    names = list(next(iter(columns.values()))[0])
    print(f"{'':28}" + "".join(f"{name:>18}" for name in columns))
    rows: list[dict[str, object]] = []
    for name in names:
        cells, row = [], {"figure": name}
        for column, each in columns.items():
            values = np.array([f[name] for f in each])
            values = values[np.isfinite(values)]
            width = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
            cells.append(f"{values.mean():.3f} ± {width:.3f}")
            row[column] = float(values.mean())  # type: ignore[assignment]
        rows.append(dict(row))
        print(f"{name:28}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    print()
    return rows


def main() -> None:
    """Print both tables."""
    args = _arguments()
    print_header("numpy", "onnxruntime")
    material = cases(Corpus.open(args.corpus), args.phrases)
    styles = sorted({c.style for c in material})
    print(f"{len(material)} phrases: " + ", ".join(f"{sum(c.style == s for c in material)} {s}" for s in styles) + "\n")
    ends = [answering.cadential(c.phrase(_rows(c.end), 0, BARS * c.bar), triad(c.key))[-1] for c in material]
    print(f"of the pieces' own last notes {np.mean(ends):.0%} are like a cadence\n")
    engines = {name: load(name) for name in args.checkpoint}
    with tempfile.TemporaryDirectory() as folder:
        answers = _answers(material, engines, Path(folder), args)
        jams = _jams(material, engines, Path(folder), args)
    write_json(args.json, {"answers": answers, "endless": jams}, ("numpy", "onnxruntime"))


def _answers(
    material: list[Case], engines: Mapping[str, Engine], folder: Path, args: argparse.Namespace
) -> list[dict[str, object]]:
    pairs = [real_answer(case) for case in material]
    columns = {"real": [of_answer(c, r, q) for c, (q, r) in zip(material, pairs, strict=True)]}
    for name, engine in engines.items():
        for mode, bars in (("rest", 0), ("fours", BARS)):
            if mode in args.only:
                got = [answer(engine, case, folder, args.seed_number, bars) for case in material]
                off = [ms for _, ms in got]
                beats = np.mean([p.start % p.beat == 0 and len(p.notes) > 0 and p.onsets[0] == p.start for p, _ in got])
                print(
                    f"{name} {mode}: {beats:.0%} begin exactly on a beat, at the port ≤{np.abs(off).max():.2f} ms off"
                )
                columns[f"{Path(name).name} {mode}"] = [
                    of_answer(c, p, q) for c, (p, _), (q, _) in zip(material, got, pairs, strict=True)
                ]
    return table(columns)


def _jams(
    material: list[Case], engines: Mapping[str, Engine], folder: Path, args: argparse.Namespace
) -> list[dict[str, object]]:
    if "endless" not in args.only:
        return []
    pairs = [real_endless(case) for case in material]
    columns = {"real": [of_endless(c, r, s) for c, (s, r) in zip(material, pairs, strict=True)]}
    for name, engine in engines.items():
        columns[Path(name).name] = [
            of_endless(c, endless(engine, c, folder, args.seed_number), s)
            for c, (s, _) in zip(material, pairs, strict=True)
        ]
    return table(columns)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a corpus folder, whose held-out pieces are the phrases")
    parser.add_argument("--checkpoint", nargs="+", default=["default"], help="shipped names or folders (default)")
    parser.add_argument("--phrases", type=int, default=50, help="how many (%(default)s)")
    parser.add_argument("--seed-number", type=int, default=0, help="other music (%(default)s)")
    parser.add_argument("--only", nargs="+", default=["rest", "fours", "endless"], help="some of: rest fours endless")
    add_json(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""P4: humanised drums beside drummers, on the validation split of the Groove MIDI Dataset.

    python -m benchmarks.humanise GROOVE CHECKPOINT… [--feel] [--draws 5] [--pictures DIR]

4/4 "beat" files: onsets rounded to the 16th grid, velocities removed. The first rows need no network. A checkpoint has
two: its best guess, and what it draws (the mean over some performances of each score). W is the 1-D Wasserstein
distance from the drummers' moments and velocities on each drum and 16th, weighted by notes; spread is the standard
deviation there over theirs. `--feel` tells each score's drummer. With --pictures, distributions of the last checkpoint,
and what η changes if the checkpoints differ in it.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import print_header
from musegen.checkpoint import load
from musegen.corpus.groove import Groove, Grooves, read_grooves
from musegen.distributions import distributions, sweep
from musegen.engine.humaniser import Humaniser
from musegen.evaluation.humanising import Figures, Played, Table, figures, mean
from musegen.events.drums import ANY, CLASSES

Ways = Mapping[str, Sequence[Callable[[Groove], Played]]]
"""Names of rows, and one or more ways to play a score, over which a row is the mean."""

TABLE = "table, drum × 16th: drawn"
HEADER = ("MAE ms", "MAE vel.", "r vel.", "W ms", "W vel.", "spread ms", "spread vel.")


def main() -> None:
    """Print the table; draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grooves", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--feel", action="store_true")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    print_header("numpy")
    grooves = read_grooves(args.grooves)
    print(f"{len(grooves.valid)} performances, {sum(map(len, grooves.valid))} notes\n")
    print(f"{'':34}" + "".join(f"{name:>12}" for name in HEADER))
    rows = without_network(grooves, args.draws)
    etas = {}
    for path in args.checkpoints:
        humaniser = Humaniser(load(path))
        found = of_network(path.name, humaniser, grooves, args.feel, args.draws)
        etas[float(load(path).about.get("eta", 0.0))] = (found["guess"], found["drawn"])
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        draw_distributions(humaniser, grooves, args.pictures / "distributions.png")
        if len(etas) > 1:
            draw_sweep(etas, rows[TABLE], args.pictures / "eta.png")


def without_network(grooves: Grooves, draws: int) -> dict[str, Figures]:
    """What needs none, printed."""
    velocity = float(np.concatenate([g.velocity for g in grooves.train]).mean())
    table, rng = Table(grooves.train), np.random.default_rng(0)

    def constant(g: Groove) -> Played:
        return Played(np.zeros(len(g)), np.full(len(g), velocity))

    return {
        "leave quantised, mean velocity": shown("leave quantised, mean velocity", [constant], grooves),
        "table, drum × 16th: mean": shown("table, drum × 16th: mean", [table.guess], grooves),
        "table, drum × 16th: drawn": shown(
            "table, drum × 16th: drawn", [lambda g: table.draw(g, rng)] * draws, grooves
        ),
    }


def of_network(name: str, humaniser: Humaniser, grooves: Grooves, feel: bool, draws: int) -> dict[str, Figures]:
    """Of a checkpoint, printed: its guess, what it draws, and its guess where only drums are told, not strokes."""

    def play(g: Groove, seed_number: int | None = None) -> Played:
        return Played(*humaniser.perform(g.rows, g.tags[0] if feel else None, seed_number))

    def classes(g: Groove) -> Played:
        return play(dataclasses.replace(g, rows=dataclasses.replace(g.rows, stroke=np.full(len(g), ANY))))

    def drawing(k: int) -> Callable[[Groove], Played]:
        numbers = {g.name: 1000 * k + i for i, g in enumerate(grooves.valid)}
        return lambda g: play(g, numbers[g.name])

    ways: Ways = {"guess": [play], "drawn": [drawing(k) for k in range(draws)], "guess, nine drums": [classes]}
    return {kind: shown(f"{name}: {kind}", each, grooves) for kind, each in ways.items()}


def shown(name: str, ways: Sequence[Callable[[Groove], Played]], grooves: Grooves) -> Figures:
    """The mean figures of some ways to play the validation scores, printed as a row."""
    found = mean([figures(grooves.valid, [way(g) for g in grooves.valid]) for way in ways])
    print(f"{name:34}" + "".join(f"{value:12.2f}" for value in dataclasses.astuple(found)), flush=True)
    return found


def draw_distributions(humaniser: Humaniser, grooves: Grooves, path: Path) -> None:
    """Those of the drummers, the checkpoint's guess and what it draws."""
    valid = grooves.valid
    names = np.array(list(CLASSES))
    made = {"best guess": [humaniser.perform(g.rows) for g in valid],
            "drawn": [humaniser.perform(g.rows, None, i) for i, g in enumerate(valid)]}  # fmt: skip
    distributions(
        names[np.concatenate([g.rows.drum for g in valid])].tolist(),
        (np.concatenate([g.moment for g in valid]), np.concatenate([g.velocity for g in valid])),
        {k: (np.concatenate([m for m, _ in v]), np.concatenate([x for _, x in v])) for k, v in made.items()},
        path,
        "How drums are played: drummers and humaniser",
    )


def draw_sweep(etas: Mapping[float, tuple[Figures, Figures]], table: Figures, path: Path) -> None:
    """What the checkpoints' η changes, of the guess and of what is drawn; `table` is drawn from."""
    guess, drawn = zip(*(etas[eta] for eta in sorted(etas)), strict=True)
    sweep(
        sorted(etas),
        {
            "error of the best guess": both(guess, "error"),
            "distance of what is drawn": both(drawn, "distance"),
            "distance of the best guess": both(guess, "distance"),
        },
        {"distance of the table, drawn": (table.moment_distance, table.velocity_distance)},
        path,
        "What the adversary adds",
    )


def both(found: Sequence[Figures], what: str) -> tuple[list[float], list[float]]:
    """One kind of figure of the moments, and of the velocities."""
    return [getattr(f, f"moment_{what}") for f in found], [getattr(f, f"velocity_{what}") for f in found]


if __name__ == "__main__":
    main()

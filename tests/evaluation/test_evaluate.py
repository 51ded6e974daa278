"""What `musegen evaluate` finds out: distances between sets, copies, loops and drift, windows of a corpus."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from musegen.corpus.store import Corpus
from musegen.errors import CorpusError
from musegen.evaluation.by_style import nats_by_style
from musegen.evaluation.copying import LONGEST, SHORTEST, Learnt
from musegen.evaluation.degeneration import course_of, mean_course
from musegen.evaluation.distances import Column, Described, Likeness, compare, density, likeness, mean_likeness, offset
from musegen.evaluation.report import Findings, summary
from musegen.evaluation.verdict import Judge, Verdict, above
from musegen.evaluation.windows import cut, describe_window, held_out, trained_on
from musegen.piece import DRUMS, Note, Piece
from tests.small_corpus import tune


def column(values: np.ndarray, styles: str | list[str] = "a") -> Column:
    rows = values.reshape(len(values), -1)
    return rows, np.array([styles] * len(rows) if isinstance(styles, str) else styles)


def draw(seed: int, mean: float = 0, width: float = 1, n: int = 150) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, width, n)


def test_sets_of_one_kind_overlap_and_others_do_not() -> None:
    alike = likeness(column(draw(0)), column(draw(1)))
    moved = likeness(column(draw(0)), column(draw(1, mean=3)))
    dull = likeness(column(draw(0)), column(draw(1, width=0.1)))
    assert alike is not None and moved is not None and dull is not None
    assert alike.overlap > 0.95 and alike.kl < 0.02 and alike.offset < 0.25 and 0.85 < alike.variety < 1.15
    assert moved.overlap < 0.5 and moved.kl > 1 and 2.5 < moved.offset < 3.5
    assert dull.variety == pytest.approx(0.1, abs=0.03) and dull.overlap < 0.9
    assert 0 < alike.error < 0.1


def test_the_overlap_of_two_densities_is_what_arithmetic_says() -> None:
    """Distances within are |x − y| of a uniform on {0, 1}: 0 or 1 equally often; between {0, 1} and {1}: the same."""
    ends = np.array([0.0, 1.0] * 40)
    same = likeness(column(ends), column(np.ones(80)), resamples=0)
    assert same is not None
    assert same.overlap == pytest.approx(1, abs=0.02)  # 39 and 40 of 79 pairs
    assert same.offset == pytest.approx(1)  # the mean is half off, σ is a half
    assert same.variety == 0


def test_a_density_is_one_and_keeps_what_a_kernel_would_put_below_zero() -> None:
    for values in (np.array([0.0, 0.0, 0.1, 0.5]), np.abs(draw(3)), np.full(9, 0.5)):
        found = density(values, float(values.max()), 0.05)
        assert found.mean() == pytest.approx(1) and (found >= 0).all()
    assert density(np.abs(draw(3, n=4000)), 4.0, 0.2)[0] > 2  # the density of |normal| is highest at 0


def test_only_pieces_of_a_style_are_compared() -> None:
    styles = ["slow"] * 75 + ["fast"] * 75
    real = draw(0) + np.repeat([0, 100], 75)
    swapped = draw(1) + np.repeat([100, 0], 75)
    fair, unfair = likeness(column(real, styles), column(real, styles)), likeness(column(real), column(swapped))
    crossed = likeness(column(real, styles), column(swapped, styles))
    assert fair is not None and unfair is not None and crossed is not None
    assert unfair.overlap > 0.9 and crossed.overlap < 0.1
    assert offset(column(real, styles), column(real, styles)) == 0


def test_what_few_pieces_have_is_not_compared() -> None:
    rows = [{"one": np.array([float(i)]), "rare": np.array([np.nan if i else 1.0])} for i in range(20)]
    found = compare(Described(rows, ["a"] * 20), Described(rows[::-1], ["a"] * 20))
    assert set(found) == {"one"}
    assert mean_likeness(found).overlap == found["one"].overlap
    with pytest.raises(ValueError, match="no descriptor"):
        mean_likeness({})


def test_a_copy_is_found_in_any_key_and_in_any_part() -> None:
    learnt = Learnt([tune(i) for i in range(6)])
    melody = tune(3).notes[tune(3).notes["part"] == 0]
    moved = Piece.from_notes([Note(n["onset"] + 960, n["duration"], n["pitch"] + 5, part=4) for n in melody[10:30]])
    assert learnt.longest([moved]).tolist() == [20]
    other_time = replace(moved, notes=moved.notes.copy())
    other_time.notes["onset"][10:] += 1
    assert learnt.longest([other_time]).tolist() == [10]
    wrong = replace(moved, notes=moved.notes.copy())
    wrong.notes["pitch"][15] += 1
    assert learnt.longest([wrong]).tolist() == [15]
    assert learnt.longest([moved, other_time, Piece.from_notes([])]).tolist() == [20, 10, 0]


def test_runs_end_where_the_music_rests_or_another_piece_begins() -> None:
    half = [Note(24 * i, 24, p) for i, p in enumerate((60, 64, 61, 70, 50, 55))]
    later = [n._replace(onset=n.onset + 24 * 6 + 400) for n in half]
    rested = Piece.from_notes(half + later)
    assert Learnt([rested]).longest([rested]).tolist() == [6]
    learnt = Learnt([Piece.from_notes(half), Piece.from_notes(half)])
    at_once = [n._replace(onset=n.onset + 24 * 6) for n in half]
    assert learnt.longest([Piece.from_notes(half + at_once)]).tolist() == [6]
    short = Piece.from_notes(half[: SHORTEST - 1])
    assert learnt.longest([short]).tolist() == [0]


def test_runs_are_counted_up_to_the_longest() -> None:
    rng = np.random.default_rng(0)
    long = Piece.from_notes([Note(12 * i, 12, int(p)) for i, p in enumerate(rng.integers(40, 80, 300))])
    assert Learnt([long]).longest([long]).tolist() == [LONGEST]
    assert Learnt([long]).longest([Piece.from_notes([Note(0, 9, 60, program=DRUMS)])]).tolist() == [0]


def four(pitches: tuple[int, ...], bar: int) -> list[Note]:
    return [Note(96 * bar + 24 * i, 24, p) for i, p in enumerate(pitches)]


def joined(bars: list[list[Note]]) -> Piece:
    return Piece.from_notes([note for bar in bars for note in bar])


def test_a_loop_is_counted_from_its_second_round_on() -> None:
    theme = [four((60 + bar, 62, 64, 65), bar) for bar in range(4)]
    looped = theme + [four((60 + bar % 2, 67, 69, 71), bar) for bar in range(4, 24)]
    course = course_of(joined(looped), 4 * 96, 96, 20)
    assert course.loop == 18 and course.stuck
    fresh = theme + [four((60 + bar, 67, 69, 71), bar) for bar in range(4, 24)]
    course = course_of(joined(fresh), 4 * 96, 96, 20)
    assert course.loop == 0 and not course.stuck


def test_silence_key_meter_and_density_are_of_each_eight_bars() -> None:
    seed = [four((60, 64, 67, 72), bar) for bar in range(4)]
    same = [four((72, 67, 64, 60), bar) for bar in range(4, 12)]
    strange = [
        [Note(96 * bar + 12 + 24 * i, 12, p) for i, p in enumerate((61, 66, 68, 70))] * 2 for bar in range(12, 16)
    ]
    course = course_of(joined(seed + same + strange), 4 * 96, 96, 16)
    assert course.key.tolist() == pytest.approx([1, 0])
    assert course.meter.tolist() == pytest.approx([1, 0])
    assert course.silent.tolist() == [0, 0.5] and course.rest == 4
    assert course.notes.tolist() == pytest.approx([1, 1])  # eight notes a bar in half of the bars
    assert course.scale.tolist() == [1, 1]


def test_a_silent_block_has_no_key() -> None:
    course = course_of(Piece.from_notes(four((60, 64, 67, 72), 0)), 96, 96, 16)
    assert np.isnan(course.key).all() and course.rest == 16 and course.silent.tolist() == [1, 1]
    assert np.isnan(mean_course([course], "key")).all()
    full = course_of(Piece.from_notes([n for bar in range(17) for n in four((60, 64, 67, 72), bar)]), 96, 96, 16)
    assert mean_course([course, full], "key").tolist() == pytest.approx([1, 1])


def test_windows_are_cut_at_bar_lines_and_held_out(corpus: Corpus) -> None:
    windows = held_out(corpus, 3, 2, 4)
    held = {i for split in ("valid", "test") for i in corpus.pieces(split)}
    for window in windows:
        assert int(window.name.split("-")[-2]) in held
        assert window.origin == 2 * 96
        assert (window.seed.notes["onset"] + window.seed.notes["duration"]).max() <= window.origin
        assert window.piece.end <= 6 * 96
        assert window.seed.bar_starts()[-1] == window.origin
    assert [w.name for w in held_out(corpus, 3, 2, 4)] == [w.name for w in windows]
    trained = trained_on(corpus, windows, 2, 4)
    assert len(trained) == len(windows)
    assert not {int(w.name.split("-")[-2]) for w in trained} & held
    with pytest.raises(CorpusError, match="--bars"):
        held_out(corpus, 3, 2, 40)


def test_a_cut_lets_nothing_ring_on() -> None:
    whole = Piece.from_notes([Note(0, 96, 60), Note(90, 20, 62), Note(100, 5, 64)])
    assert [(n.onset, n.duration) for n in cut(whole, 50, 100)] == [(40, 10)]
    assert whole.notes["duration"].tolist() == [96, 20, 5]


def test_only_self_similarity_looks_back_at_the_seed() -> None:
    piece = Piece.from_notes([n for bar in range(8) for n in four((60, 64, 67, 72 + bar % 4), bar)])
    found = describe_window(piece, 4 * 96)
    assert found["self-similarity at 4"].tolist() == [1]
    assert found["pitch range"].tolist() == [15]
    moved = Piece.from_notes([n for n in piece if n.onset >= 4 * 96] + [Note(0, 24, 20)])
    assert describe_window(moved, 4 * 96)["pitch range"].tolist() == [15]


def test_whoever_plays_the_truth_is_judged_as_real_music_is(corpus: Corpus) -> None:
    windows = held_out(corpus, 12, 1, 2)
    judge = Judge(windows, trained_on(corpus, windows, 1, 2), windows[:2], Learnt([windows[0].piece]))
    real = judge.real_music(bars=2)
    truth = judge.of("truth", {w.name: w.piece for w in windows}, windows[:2], [w.piece for w in windows[:2]], bars=2)
    assert truth.likeness and all(x.offset == 0 for x in truth.likeness.values())
    assert truth.runs.tolist() == real.runs.tolist() and truth.runs[0] == truth.runs.max()
    assert truth.courses[0].notes.tolist() == real.courses[0].notes.tolist()
    wrong = [replace(w.piece, notes=w.piece.notes.copy()) for w in windows]
    for piece in wrong:
        piece.notes["pitch"] = 60
    dull = judge.of("dull", {w.name: p for w, p in zip(windows, wrong, strict=True)})
    assert dull.likeness["pitch classes"].variety == 0 and dull.likeness["pitch classes"].offset > 1
    assert dull.whole is not None and truth.whole is not None and dull.whole.overlap < truth.whole.overlap
    assert above(truth, real) < 0.2 and above(replace(truth, runs=truth.runs + 99), real) == 1


def test_the_nats_of_the_styles_are_those_of_the_whole(corpus: Corpus, trained: object) -> None:
    from musegen.checkpoint import load as load_checkpoint
    from musegen.engine.base import load
    from musegen.evaluation.likelihood import held_out as figures

    table = nats_by_style(load(str(trained), exact=True), corpus)
    want = figures(load_checkpoint(str(trained)), corpus, "valid")
    assert table["valid"]["total"] == pytest.approx(want["total"], rel=1e-4)
    assert table["valid"]["pitch"] == pytest.approx(want["pitch"], rel=1e-4)
    assert table["all"]["pieces"] == len(corpus.pieces("valid")) + len(corpus.pieces("test"))
    styles = [row for name, row in table.items() if name in corpus.styles]
    whole = sum(row["total"] * row["notes"] for row in styles) / sum(row["notes"] for row in styles)
    assert whole == pytest.approx(table["all"]["total"])


def test_the_summary_takes_means_of_what_everybody_has() -> None:
    own = Described([{"self-similarity at 8": np.array([0.5])}], ["a"])
    both = Verdict("real music", own, {"x": Likeness(1, 0, 0, 1, (1.0,)), "y": Likeness(0, 9, 9, 9, (0.0,))})
    one = Verdict("b", own, {"x": Likeness(0.5, 0, 0, 1, (0.5,))})
    _, _, first, second = summary(Findings("t", [], {}, [both, one])).splitlines()
    assert "1.000 ± 0.000" in first and "0.500 ± 0.000" in second
    assert "–" in summary(Findings("t", [], {}, [Verdict("c", own)])).splitlines()[2]

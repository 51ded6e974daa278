"""Filling holes: what is kept stays to the tick, whatever the network; what is new stays in the hole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musegen
from musegen.checkpoint import Checkpoint
from musegen.cli.main import main
from musegen.engine import Engine
from musegen.errors import CheckpointError, MusegenError, SettingsError
from musegen.events import attributes as at
from musegen.events import derived
from musegen.events.codec import EventCodec
from musegen.events.holes import Hole, permute
from musegen.midi import read_music, write_music
from musegen.piece import Note, Piece
from musegen.sampling.beside import HoleTracker, Notes
from musegen.sampling.infill import Gap, check, fillings, infill
from musegen.sampling.plan import Limits
from musegen.sampling.sampler import SamplerSettings

from ..events.test_holes import pieces_with_holes, quartet
from ..small_corpus import tune

SEEDS = Path(__file__).parents[2] / "midi_samples" / "seeds"
QUARTET = SEEDS / "quartet-op59no2.mid"


def folder_of(path: Path, family: str = "lstm", **shape: object) -> Path:
    """A checkpoint that says it can fill holes, with fresh weights: what must hold, must hold for any network."""
    import torch

    from musegen.models.base import build
    from musegen.models.config import ModelConfig

    torch.manual_seed(0)
    small = {"width": 32, "layers": 1, "heads": 2, "head_width": 32, "slot_width": 16, "infill": True, **shape}
    config = ModelConfig(family=family, **small)  # type: ignore[arg-type]
    Checkpoint(config, {k: v.numpy() for k, v in build(config).state_dict().items()}, ("chorale", "tune")).save(path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("untrained"))


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> Engine:
    return musegen.load(checkpoint)


def same_columns(piece: Piece, hole: Hole, style: int | None = None) -> None:
    rows = EventCodec().encode(piece, () if style is None else (style,)).rows
    now = np.cumsum(derived.shift_ticks(rows[:, at.SHIFT]))
    kept = at.is_note(rows) & ~hole.holds(rows, now)
    wanted = permute(rows, piece.meters, hole)
    tracker = HoleTracker(
        piece.meters, Notes(rows[kept], now[kept]), hole.start, at.STYLE_TAGS if style is None else style
    )
    for row in wanted.rows[wanted.begin + 1 :]:
        np.testing.assert_array_equal(tracker.push(row[None, :5].astype(np.int16))[0], row)


@settings(deadline=None)
@given(pieces_with_holes(), st.sampled_from([None, 3]))
def test_the_tracker_has_the_columns_of_training(case: tuple[Piece, Hole], style: int | None) -> None:
    same_columns(*case, style)


@pytest.mark.parametrize("instrument", [0, 1, 2])
def test_the_tracker_hears_who_begins_with_the_hole(instrument: int) -> None:
    same_columns(quartet(), Hole(96, 240, (instrument,)))


CASES: list[tuple[list[str], tuple[int, int], int | None, tuple[str, ...]]] = [
    (["--bars", "2-3"], (2, 3), None, ()),
    (["--bars", "3", "--part", "2"], (3, 3), 2, ()),
    (["--bars", "1-2", "--keep", "pitch"], (1, 2), None, ("pitch",)),
    (["--bars", "2-4", "--part", "1", "--keep", "rhythm"], (2, 4), 1, ("rhythm",)),
    (["--bars", "2-4", "--keep", "pitch", "--keep", "rhythm"], (2, 4), None, ("pitch", "rhythm")),
]


@pytest.mark.parametrize(
    ("options", "bars", "part", "keep"), CASES, ids=lambda v: "-".join(map(str, v)) if isinstance(v, list) else ""
)
def test_the_file_holds_what_was_kept_as_it_was(
    checkpoint: Path, tmp_path: Path, options: list[str], bars: tuple[int, int], part: int | None, keep: tuple[str, ...]
) -> None:
    before = read_music(QUARTET)
    out = tmp_path / "out"
    assert main(["infill", str(QUARTET), *options, "--checkpoint", str(checkpoint), "--out", str(out), "-n", "2"]) == 0
    files = sorted(out.glob("*.mid"))
    assert len(files) == 2
    lines = before.bar_starts()
    start, end = lines[bars[0] - 1], lines[bars[1]]

    def inside(notes: np.ndarray) -> np.ndarray:
        there = (notes["onset"] >= start) & (notes["onset"] < end)
        return there if part is None else there & (notes["part"] == part - 1)

    for file in files:
        after = read_music(file)
        assert (after.tempos, after.meters, after.keys) == (before.tempos, before.meters, before.keys)
        assert after.ticks_per_quarter == before.ticks_per_quarter
        np.testing.assert_array_equal(after.notes[~inside(after.notes)], before.notes[~inside(before.notes)])
        old, new = before.notes[inside(before.notes)], after.notes[inside(after.notes)]
        for name in keep:
            columns = ["part", *{"rhythm": ["onset", "duration"]}.get(name, [name])]
            np.testing.assert_array_equal(np.sort(new[columns]), np.sort(old[columns]))
        assert not np.array_equal(new, old), "something is new"
        assert set(new["part"]) <= set(old["part"]) and set(new["program"]) <= set(old["program"])
        for one in set(new["part"]):
            was, now = (int((n["onset"] + n["duration"])[n["part"] == one].max()) for n in (old, new))
            assert now <= max(was, end), "rings no further than the hole, or than its part did before"
    assert read_music(files[0]) != read_music(files[1]), "variations"


def test_equal_seed_numbers_give_equal_music(engine: Engine) -> None:
    a, b, c = (infill(engine, tune(3), (3, 4), n=2, seed_number=s) for s in (5, 5, 6))
    assert a == b and a != c


def test_the_limits_hold_in_the_gap(engine: Engine) -> None:
    limits = Limits(key="C major", low=62, high=70, grid=12, voices=2, note_bars=0.25)
    pieces = infill(engine, tune(0), (3, 5), 1, n=8, limits=limits, settings=SamplerSettings(temperature=1.5))
    found = 0
    for piece in pieces:
        new = piece.notes[(piece.notes["onset"] >= 192) & (piece.notes["onset"] < 480) & (piece.notes["part"] == 0)]
        assert (new["onset"] % 12 == 0).all() and set(new["pitch"]) <= {62, 64, 65, 67, 69}
        assert (np.diff(new["onset"]) >= 12).all(), "the bass sounds throughout: one voice is left"
        found += len(new)
    assert found > 3


def test_a_voice_stays_one_voice(engine: Engine) -> None:
    settings = SamplerSettings(temperature=2.0, top_p=1.0)
    for piece in infill(engine, tune(0), (3, 6), n=24, settings=settings, limits=Limits(voices=0)):
        for part in (0, 1):
            mine = piece.notes[piece.notes["part"] == part]
            ends = (mine["onset"] + mine["duration"])[:-1]
            assert (mine["onset"][1:] >= ends).all(), "as in the tune, where neither part plays two notes at once"


def test_other_programs_play_in_a_new_part(engine: Engine) -> None:
    (piece,) = infill(engine, tune(0), (3, 5), part=2, limits=Limits(programs=(40,)))
    there = (piece.notes["onset"] >= 192) & (piece.notes["onset"] < 480)
    assert set(piece.notes["program"][there]) <= {0, 40} and 40 in piece.notes["program"]
    assert set(piece.notes["part"][piece.notes["program"] == 40]) == {2} and piece.part_names[:2] == ("tune", "bass")


def test_a_gap_longer_than_the_memory_is_filled_to_its_end(tmp_path: Path) -> None:
    engine = musegen.load(folder_of(tmp_path, "transformer", context=64))
    long = tune(1, 40)
    for options in ({"part": 1}, {"bars": (3, 38)}, {"bars": (2, 39), "keep": "rhythm"}, {"part": 2, "keep": "pitch"}):
        (piece,) = infill(engine, long, **options)  # type: ignore[arg-type]
        new = np.setdiff1d(piece.notes[["onset", "pitch", "velocity"]], long.notes[["onset", "pitch", "velocity"]])
        assert new["onset"].max() >= 33 * 96 and new["onset"].min() <= 5 * 96, "new notes all along"


def test_off_the_grid_what_is_kept_stays_and_what_is_new_fits(engine: Engine) -> None:
    notes = [Note(int(o * 7.3) + 1, 61 + o % 13, 50 + o % 30, 1 + o % 127, 0, 0) for o in range(200)]
    piece = Piece.from_notes(notes, 101)
    (filled,) = infill(engine, piece, (2, 2))
    gap = Gap(piece, (2, 2))
    np.testing.assert_array_equal(filled.notes[~gap._inside(filled.notes)], piece.notes[~gap.inside])


def test_notes_that_keep_their_pitches_keep_their_order(engine: Engine) -> None:
    before = tune(0)
    (after,) = infill(engine, before, (2, 6), part=1, keep="pitch")
    for piece in (before, after):
        assert (piece.notes["onset"] < 8 * 96).all()
    lead = [p.notes[(p.notes["part"] == 0)]["pitch"].tolist() for p in (before, after)]
    assert lead[0] == lead[1]


def test_a_change_in_what_was_kept_is_an_error(engine: Engine) -> None:
    piece = tune(0)
    gap = Gap(piece, (3, 3), keep=frozenset({"rhythm"}))
    (filled,) = fillings(engine, gap)
    places = np.flatnonzero(gap.inside)
    for place, column in ((0, "velocity"), (int(places[0]), "duration")):
        broken = replace(filled, notes=filled.notes.copy())
        broken.notes[column][place] += 1
        with pytest.raises(MusegenError, match="was to be kept has changed"):
            check(gap, broken, places)
    check(gap, filled, places)


def test_a_network_that_has_not_learnt_it_says_what_to_do(untrained: Path) -> None:
    with pytest.raises(CheckpointError, match=r"--infill 0\.25"):
        infill(str(untrained), tune(0), (1, 2))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bars": (3, 9)}, "bars 3-9 are not in the piece, which has bars 1-8"),
        ({"bars": (4, 3)}, "bars 4-3"),
        ({"part": 3}, "There is no part 3: the piece has parts 1-2"),
        ({"keep": ("pitch", "rhythm", "velocity")}, "nothing is left"),
        ({"keep": "timbre"}, "'timbre' cannot be kept"),
        ({"keep": "pitch", "limits": Limits(programs=(3,))}, "leave out the programs"),
        ({"style": "polka"}, "no style 'polka'"),
        ({"n": 0}, "ask for at least 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(engine: Engine, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        infill(engine, tune(0), **options)  # type: ignore[arg-type]


def test_parts_that_the_network_cannot_tell_apart_are_refused(engine: Engine) -> None:
    piece = Piece.from_notes([Note(24 * i, 24, 60 + i, part=i) for i in range(6)])
    with pytest.raises(SettingsError, match="cannot tell part 5 from the others"):
        infill(engine, piece, part=5)


def test_the_command_line_says_what_is_wrong_with_bars(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infill", str(QUARTET), "--bars", "five", "--checkpoint", str(checkpoint)]) == 1
    assert "--bars 'five' is not a bar" in capsys.readouterr().err


def test_of_a_written_file_a_ringing_key_is_not_pressed_again(engine: Engine, tmp_path: Path) -> None:
    long = [Note(0, 384, p, 80, 0, 0) for p in range(60, 72)]
    piece = Piece.from_notes([*long, Note(96, 24, 80), Note(384, 24, 60)])
    new = 0
    for filled in infill(engine, piece, (2, 3), n=6, limits=Limits(low=58, high=73)):
        write_music(filled, tmp_path / "a.mid")
        again = read_music(tmp_path / "a.mid").at_resolution(24)
        assert {tuple(n) for n in long} <= {
            (n.onset, n.duration, n.pitch, n.velocity, n.program, n.part) for n in again
        }
        new += len(again) - len(long) - 1
    assert new > 3

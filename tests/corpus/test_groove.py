"""Performances are taken apart into what is written and how it was played, and the splits never mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musegen.corpus.groove import Groove, groove_of, read_grooves
from musegen.errors import CorpusError, MusegenError
from musegen.midi import write_midi
from musegen.piece import DRUMS, Meter, Piece, Tempo

from ..small_grooves import KICK, SNARE, groove_folder, played

TICKS = 480


def piece(notes: list[tuple[float, int, int]], qpm: float = 100.0, **rest: object) -> Piece:
    """Drum notes (onset in quarters, pitch, velocity)."""
    rows = [(round(at * TICKS), 30, pitch, velocity, DRUMS) for at, pitch, velocity in notes]
    return Piece.from_notes(rows, TICKS, tempos=(Tempo(0, round(60e6 / qpm)),), **rest)


def onsets(groove: Groove) -> np.ndarray:
    """When each note sounds, in milliseconds, out of what is written and its moment."""
    twelfths = 3 * groove.rows.step + groove.rows.lean
    return twelfths * 60_000 / groove.rows.tempo / 12 + groove.moment


def test_moment_and_velocity_are_those_of_the_note() -> None:
    groove = groove_of(piece([(0.02, KICK, 100), (0.97, SNARE, 90), (1.13, SNARE, 20)]))
    # at 100 quarters a minute a quarter lasts 600 ms; .13 of one is nearer to the 16th at .25
    assert groove.rows.step.tolist() == [0, 4, 5]
    assert groove.moment == pytest.approx([0.02 * 600, -0.03 * 600, -0.12 * 600], abs=1.3)
    assert groove.velocity.tolist() == [100, 90, 20]


@pytest.mark.parametrize("kind", ["straight", "triplets"])
def test_nothing_is_lost(kind: str) -> None:
    source = shuffle(1) if kind == "triplets" else played(1)
    groove = groove_of(source)
    if kind == "triplets":
        assert groove.triplets is not None
        groove = groove.triplets
        assert set(groove.rows.lean.tolist()) == {-1, 0}
    seconds = source.seconds(source.notes["onset"])
    found = np.lexsort((groove.velocity, onsets(groove)))
    wanted = np.lexsort((source.notes["velocity"], seconds))
    np.testing.assert_allclose(onsets(groove)[found], 1000 * seconds[wanted], atol=1e-6)
    assert np.array_equal(np.sort(groove.velocity), np.sort(source.notes["velocity"]))


def shuffle(seed: int) -> Piece:
    """Hi-hats on the first and last third of every quarter."""
    rng = np.random.default_rng(seed)
    at = [quarter + third / 3 + abs(rng.normal(0, 0.01)) for quarter in range(32) for third in (0, 2)]
    return piece([(float(a), 42, int(v)) for a, v in zip(at, rng.integers(40, 90, len(at)), strict=True)])


def test_the_order_is_that_of_the_score() -> None:
    late_kick = groove_of(piece([(0.05, KICK, 99), (0.0, SNARE, 30), (1, SNARE, 31)]))
    early_kick = groove_of(piece([(0.0, KICK, 99), (0.05, SNARE, 30), (1, SNARE, 31)]))
    assert late_kick.rows.drum.tolist() == early_kick.rows.drum.tolist() == [0, 1, 1]


def test_only_what_is_nearer_to_triplets_is_also_written_in_them() -> None:
    assert groove_of(played(3)).triplets is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (Piece.from_notes([(0, 10, 60)]), "without drums"),
        (piece([(0, KICK, 90), (0.03, SNARE, 80)], meters=(Meter(0, 3, 4),)), "not in 4/4"),
        (piece([(0.25 * i, KICK, 60 + i) for i in range(32)]), "written rather than played"),
        (piece([(0.25 * i + 0.01, KICK, 60) for i in range(32)]), "written rather than played"),
    ],
)
def test_what_cannot_teach_is_refused(source: Piece, why: str) -> None:
    with pytest.raises(MusegenError, match=why):
        groove_of(source)


def test_the_published_split_is_kept(tmp_path: Path) -> None:
    folder = groove_folder(tmp_path, 6)
    lines = (folder / "info.csv").read_text().splitlines()
    lines[1] = lines[1].replace(",train", ",test")
    lines[2] = lines[2].replace(",beat,", ",fill,")
    lines[3] = lines[3].replace("4-4", "6-8")
    (folder / "info.csv").write_text("\n".join(lines))
    found = read_grooves(folder)
    assert [g.name for g in found.train] == ["eager/3.mid"]
    assert [g.name for g in found.valid] == ["lazy/4.mid", "eager/5.mid"]
    assert found.left_out == {"fills": 1, "not in 4/4": 1}
    assert found.train[0].tags == ("eager", "rock") and found.tags == ("eager", "rock")
    assert found.licence == "CC BY 4.0" and "Gillick" in found.credit


def test_any_folder_is_split_by_name(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / "anna").mkdir(exist_ok=True)
        write_midi(played(i, bars=1), tmp_path / "anna" / f"{i}.mid")
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    found = read_grooves(tmp_path)
    names = {g.name for g in found.train}, {g.name for g in found.valid}
    assert not names[0] & names[1] and len(names[0] | names[1]) == 40 and names[1]
    assert found.tags == ("anna",) and found.left_out == {"cannot be read": 1}
    (tmp_path / "anna" / "0.mid").unlink()
    again = read_grooves(tmp_path)
    assert {g.name for g in again.valid} <= names[1]  # what else is there changes nothing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the column drummer"),
        ("drummer,style\na,b\n", "lacks the column beat_type"),
        ("\xff", "lacks the column"),
        (
            "drummer,style,beat_type,time_signature,midi_filename,split\na,b,beat,4-4,c.mid,other\n",
            "split 'other'",
        ),
        ("drummer,style,beat_type,time_signature,midi_filename,split\na,b,beat,4-4,c.mid,train\n", "1 cannot be read"),
    ],
)
def test_a_strange_info_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "info.csv").write_text(text)
    with pytest.raises(CorpusError, match=message):
        read_grooves(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="not a folder"):
        read_grooves(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match=r"0 drum performances to learn from .* no MIDI files"):
        read_grooves(tmp_path)

"""`musegen humanise` and `musegen jam --humanise` from the command line, on real files with a small humaniser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen import humanise
from musegen.cli.main import main
from musegen.engine.humaniser import MOMENT, Humaniser
from musegen.midi import midi_bytes, read_midi, read_midi_bytes, write_midi
from musegen.piece import DRUMS, Key, Metadata, Meter, Note, Piece, Tempo

from ..small_humaniser import checkpoint, folder, humaniser


def groove(bars: int = 4) -> Piece:
    """A flat beat with a bass, at two tempos."""
    hats = [Note(24 * i, 12, 42, 100, DRUMS, 1) for i in range(16 * bars)]
    drums = [Note(96 * i, 48, 36 + 2 * (i % 2), 100, DRUMS, 1) for i in range(4 * bars)]
    bass = [Note(96 * i, 96, 33 + i % 5, 90, 32, 0) for i in range(4 * bars)]
    return Piece.from_notes(
        hats + drums + bass,
        96,
        tempos=(Tempo(0, 500_000), Tempo(768, 400_000)),
        meters=(Meter(0, 4, 4),),
        keys=(Key(0, -1),),
        part_names=("bass", "kit"),
        metadata=Metadata(title="A beat"),
    )


@pytest.fixture
def beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """beat.mid, in a folder of its own where the small humaniser is the shipped one."""
    folder(tmp_path / "shipped" / "humaniser")
    monkeypatch.setattr("musegen.checkpoint.checkpoints_folder", lambda: tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    write_midi(groove(), "beat.mid")
    return tmp_path / "beat.mid"


def drums(piece: Piece) -> np.ndarray:
    return piece.notes[piece.notes["program"] == DRUMS]


def test_without_any_flag_the_drums_are_played_and_the_rest_stays(
    beat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["humanise", "beat.mid"]) == 0
    played = read_midi("humanised/beat.mid")
    said = capsys.readouterr().out
    assert said.startswith("humanised/beat.mid: 80 drum strokes on sixteenths, now ") and said.count("\n") == 1
    assert played == humanise(groove(), humaniser=humaniser())
    assert played.ticks_per_quarter == 480
    assert len(np.unique(drums(played)["velocity"])) > 10
    assert (drums(played)["onset"] % 120 != 0).sum() > 40
    rest, mine = (p.notes[p.notes["program"] != DRUMS] for p in (played, groove()))
    assert np.array_equal(rest["onset"], mine["onset"] * 5) and np.array_equal(rest["velocity"], mine["velocity"])
    assert (played.metadata.title, played.part_names) == ("A beat", ("bass", "kit"))
    assert [t.tick for t in played.tempos] == [0, 768 * 5]


@pytest.mark.parametrize(
    "options", [[], ["--amount", "0.3"], ["--feel", "funk", "--seed-number", "7"], ["--best-guess"]]
)
def test_undo_gives_the_bytes_back(beat: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["humanise", "beat.mid", *options]) == 0
    assert main(["humanise", "--undo", "humanised/beat.mid"]) == 0
    assert Path("humanised/beat-undone.mid").read_bytes() == beat.read_bytes()
    assert capsys.readouterr().out.endswith("beat-undone.mid: what was written, to the tick and the velocity.\n")


def test_a_performance_is_played_anew_from_what_was_written(beat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["humanise", "beat.mid", "--seed-number", "3"])
    assert main(["humanise", "humanised/beat.mid", "--out", "again", "--amount", "0.5"]) == 0
    assert "a performance already: starting from what was written" in capsys.readouterr().out
    main(["humanise", "beat.mid", "--out", "once", "--amount", "0.5"])
    assert Path("again/beat.mid").read_bytes() == Path("once/beat.mid").read_bytes()


def test_amount_feel_and_number_say_how(beat: Path) -> None:
    takes = [
        humanise(groove(), amount, feel, number, humaniser=humaniser())
        for amount, feel, number in ((1, None, 0), (1, None, 1), (1, "funk", 0), (0.5, None, 0), (0, None, 0))
    ]
    assert all(a != b for i, a in enumerate(takes) for b in takes[:i])
    assert takes[4] == groove().at_resolution(480)
    whole, half = (drums(takes[i])["velocity"].astype(int) - 100 for i in (0, 3))
    assert np.abs(half - whole / 2).max() <= 0.5


def test_a_drummer_who_is_ahead_all_the_time_stays_with_the_band() -> None:
    """The best guess of one who plays 10 ms earlier throughout is the same."""
    network = checkpoint(spread=0.2)
    early = {**network.weights, "guess.bias": network.weights["guess.bias"] - np.float32([10 / MOMENT, 0])}
    takes = [
        drums(humanise(groove(), best_guess=True, humaniser=Humaniser(replace(network, weights=weights))))["onset"]
        for weights in (network.weights, early)
    ]
    assert np.abs(takes[0].astype(int) - takes[1]).max() <= 2  # the scale of tanh is not quite straight
    assert np.abs(takes[0] - drums(groove())["onset"] * 5).max() > 5


def test_what_was_changed_since_is_said(beat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["humanise", "beat.mid"])
    data = Path("humanised/beat.mid").read_bytes()
    text = data.index(b"\xff\x01")
    notes = read_midi("humanised/beat.mid").notes.copy()
    notes["pitch"][np.flatnonzero(notes["pitch"] == 42)[5]] = 46
    piece = read_midi("humanised/beat.mid")
    changed = Piece(notes, 480, piece.tempos, piece.meters, piece.keys, piece.part_names, piece.metadata)
    length = data[text + 2 : text + 4]
    size = (length[0] & 0x7F) << 7 | length[1]
    kept = data[text + 4 : text + 4 + size].decode()
    Path("edited.mid").write_bytes(midi_bytes(changed, texts=[kept]))
    assert main(["humanise", "--undo", "edited.mid"]) == 0
    assert "1 drum notes had been changed since and 1 taken out" in capsys.readouterr().out
    Path("saved.mid").write_bytes(midi_bytes(piece))  # by a program that keeps no texts
    assert main(["humanise", "--undo", "saved.mid"]) == 0
    assert "does not say what was written, so its drums were put on sixteenths" in capsys.readouterr().out
    assert np.array_equal(read_midi("humanised/saved-undone.mid").notes["onset"], groove().notes["onset"] * 5)


def test_a_picture_of_the_strokes(beat: Path) -> None:
    pytest.importorskip("matplotlib")
    assert main(["humanise", "beat.mid", "--png"]) == 0
    assert Path("humanised/beat.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["nosuch.mid"], "no such file"),
        (["tune.mid"], "no drums"),
        (["--undo", "tune.mid"], "no drums"),
        (["free.mid"], "freely"),
        (["beat.mid", "--amount", "2"], "must lie in 0 … 1"),
        (["beat.mid", "--amount", "nan"], "must lie in 0 … 1"),
        (["beat.mid", "--feel", "polka"], "this humaniser knows drummer1, funk, jazz"),
        (["beat.mid", "--checkpoint", "nosuch"], "no checkpoint 'nosuch'"),
        (["beat.mid", "--out", "."], "written over itself"),
        (["beat.mid", "--out", "beat.mid"], "beat.mid"),
    ],
)
def test_errors_are_one_sentence(
    beat: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(Piece.from_notes([Note(0, 24, 60)]), "tune.mid")
    at = np.random.default_rng(0).integers(0, 4000, 50).tolist()
    write_midi(Piece.from_notes([Note(t, 9, 38, 80, DRUMS) for t in at], 480), "free.mid")
    assert main(["humanise", *options]) == 1
    err = capsys.readouterr().err
    assert err.startswith("musegen: ") and sentence in err and err.count("\n") == 1
    assert not Path("humanised").exists()
    assert beat.read_bytes() == midi_bytes(groove())


def recorded() -> Piece:
    """The recording of the only jam."""
    (path,) = Path("recordings").glob("jam-*.mid")
    return read_midi_bytes(path.read_bytes())


JAM = ["jam", "--fast", "--loop-seed", "--seed", "beat.mid", "--bars", "4", "--no-wav"]


def test_a_jam_humanises_its_drums(beat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*JAM, "--humanise"]) == 0
    piece = recorded()
    assert len(piece) == 96
    assert (drums(piece)["onset"] % 120 != 0).sum() > 30 and len(np.unique(drums(piece)["velocity"])) > 10
    bass = piece.notes[piece.notes["program"] == 32]
    assert not (bass["onset"] % 120).any()
    assert "humanised" not in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--humanise", "0"]])
def test_a_jam_that_is_not_asked_to_does_not(beat: Path, options: list[str]) -> None:
    assert main([*JAM, *options]) == 0
    assert not (recorded().notes["onset"] % 120).any()


def test_a_feel_alone_humanises(beat: Path) -> None:
    assert main([*JAM, "--feel", "jazz"]) == 0
    assert (drums(recorded())["onset"] % 120 != 0).sum() > 30


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(["--feel", "polka"], "no feel 'polka'"), (["--humanise", "1.5"], "humanise is 1.5; it must lie in 0 … 1")],
)
def test_a_jam_says_what_it_cannot(
    beat: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*JAM, *options]) == 1
    assert sentence in capsys.readouterr().err


def test_a_jam_without_drums_says_so_once(beat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_midi(Piece.from_notes([Note(24 * i, 24, 60) for i in range(16)]), "beat.mid")
    assert main([*JAM, "--humanise"]) == 0
    assert capsys.readouterr().out.count("Nothing is humanised") == 1


@pytest.mark.parametrize("verb", [["generate", "-n", "1"], ["jam", "--fast"]])
def test_a_humaniser_makes_no_notes(beat: Path, verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb, "--seed", "beat.mid", "--checkpoint", "humaniser"]) == 1
    assert "musegen humanise FILE" in capsys.readouterr().err

"""Notation files, written here as text, and what they must become."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("music21")

from musegen.errors import FileError, ScoreError
from musegen.midi.scores import read_score, read_scores, write_score
from musegen.piece import DRUMS, Key, Metadata, Meter, Note, Piece, Tempo


def abc(folder: Path, text: str) -> Path:
    path = folder / "tune.abc"
    path.write_text(text)
    return path


def quarters(piece: Piece) -> list[tuple[float, float, int]]:
    ppq = piece.ticks_per_quarter
    return [(n.onset / ppq, n.duration / ppq, n.pitch) for n in piece]


def xml(folder: Path, measures: str, part: str = "", more: str = "") -> Path:
    path = folder / "score.musicxml"
    path.write_text(
        '<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1"><part-name>Solo</part-name>'
        f"{part}</score-part></part-list><part id='P1'>{measures}</part>{more}</score-partwise>"
    )
    return path


def note(step: str, octave: int, duration: int, more: str = "", before: str = "") -> str:
    return (
        f"<note>{before}<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{more}</note>"
    )


ATTRIBUTES = (
    "<attributes><divisions>4</divisions><key><fifths>-3</fifths><mode>minor</mode></key>"
    "<time><beats>3</beats><beat-type>4</beat-type></time>{}</attributes>"
)


def test_abc_notes_meter_key_title_and_tempo(tmp_path: Path) -> None:
    path = abc(tmp_path, "X:1\nT:The Test\nC:Anon\nM:3/4\nL:1/4\nQ:1/4=90\nK:D\nD F/2A/2 d|f3|]\n")
    piece = read_score(path)
    assert quarters(piece) == [(0, 1, 62), (1, 0.5, 66), (1.5, 0.5, 69), (2, 1, 74), (3, 3, 78)]
    assert piece.meters == (Meter(0, 3, 4),)
    assert piece.keys == (Key(0, 2, False),)
    assert round(piece.tempos[0].qpm) == 90
    assert (piece.metadata.title, piece.metadata.composer) == ("The Test", "Anon")


def test_abc_many_tunes_and_a_bad_one_loses_only_itself(tmp_path: Path) -> None:
    good = "X:{}\nT:Tune {}\nM:4/4\nL:1/4\nK:C\nCDEF|G4|]\n\n"
    path = abc(tmp_path, good.format(1, 1) + "X:2\nT:No notes\nM:4/4\nK:C\n\n" + good.format(7, 7))
    rejected: list[tuple[str, str]] = []
    found = read_scores(path, rejected=rejected)
    assert [(name, p.metadata.title) for name, p in found] == [("tune:1", "Tune 1"), ("tune:7", "Tune 7")]
    assert [name for name, _ in rejected] == ["tune:2"]
    with pytest.raises(ScoreError):
        read_scores(path)


def test_abc_repeats_and_endings_are_played_out(tmp_path: Path) -> None:
    piece = read_score(abc(tmp_path, "X:1\nM:2/4\nL:1/4\nK:C\nC D|1 E F:|2 G A||B c:|\n"))
    assert [n.pitch for n in piece] == [60, 62, 64, 65, 60, 62, 67, 69, 71, 72, 71, 72]
    assert [n.onset / piece.ticks_per_quarter for n in piece] == list(range(12))


def test_a_pick_up_ends_a_full_bar(tmp_path: Path) -> None:
    piece = read_score(abc(tmp_path, "X:1\nM:4/4\nL:1/4\nK:C\nG|cdef|g3|]\n"))
    assert quarters(piece)[:2] == [(3, 1, 67), (4, 1, 72)]
    assert piece.meters == (Meter(0, 4, 4),)
    assert piece.bar_starts()[1] == 4 * piece.ticks_per_quarter


def test_a_short_bar_inside_a_piece_restarts_the_bar_count(tmp_path: Path) -> None:
    piece = read_score(abc(tmp_path, "X:1\nM:4/4\nL:1/4\nK:C\ncdef|c|gfed|cdef|]\n"))
    ppq = piece.ticks_per_quarter
    assert piece.meters == (Meter(0, 4, 4), Meter(5 * ppq, 4, 4))
    assert [int(b) // ppq for b in piece.bar_starts()] == [0, 4, 5, 9, 13]


def test_a_bar_split_by_a_double_bar_does_not(tmp_path: Path) -> None:
    piece = read_score(abc(tmp_path, "X:1\nM:4/4\nL:1/4\nK:C\nG|cdef|cde||g|cdef|cde|]\n"))
    assert piece.meters == (Meter(0, 4, 4),)


def test_tuplets_are_exact(tmp_path: Path) -> None:
    piece = read_score(abc(tmp_path, "X:1\nM:4/4\nL:1/8\nK:C\n(3CDE (7:4:7CDEFGAB C4|]\n"))
    assert piece.ticks_per_quarter % 21 == 0
    ppq = piece.ticks_per_quarter
    assert [n.onset * 3 for n in piece][:3] == [0, ppq, 2 * ppq]
    assert [(n.onset - ppq) * 7 for n in piece][3:10] == [2 * ppq * i for i in range(7)]


def test_grace_notes_are_left_out(tmp_path: Path) -> None:
    piece = read_score(abc(tmp_path, "X:1\nM:2/4\nL:1/4\nK:C\n{d}c {ef}g|]\n"))
    assert quarters(piece) == [(0, 1, 72), (1, 1, 79)]


def test_the_default_tempo_counts_beats(tmp_path: Path) -> None:
    tune = "X:1\nM:{}\nL:1/8\nK:C\nCDE FGA|]\n"
    assert round(read_score(abc(tmp_path, tune.format("6/8")), 100).tempos[0].qpm) == 150
    assert round(read_score(abc(tmp_path, tune.format("3/4")), 100).tempos[0].qpm) == 100


def test_musicxml_ties_chords_rests_dynamics_and_program(tmp_path: Path) -> None:
    tie_on, tie_off = '<tie type="start"/>', '<tie type="stop"/>'
    first = ATTRIBUTES.format("") + (
        "<direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>"
        + note("C", 4, 4)
        + note("E", 4, 4, before="<chord/>")
        + "<note><rest/><duration>4</duration></note>"
        + note("G", 4, 4, tie_on)
    )
    second = note("G", 4, 8, tie_off) + note("C", 5, 4)
    program = (
        '<score-instrument id="I1"><instrument-name>X</instrument-name></score-instrument>'
        '<midi-instrument id="I1"><midi-channel>1</midi-channel><midi-program>25</midi-program></midi-instrument>'
    )
    measures = f'<measure number="1">{first}</measure><measure number="2">{second}</measure>'
    piece = read_score(xml(tmp_path, measures, program))
    assert quarters(piece) == [(0, 1, 60), (0, 1, 64), (2, 3, 67), (5, 1, 72)]
    assert {n.program for n in piece} == {24}
    assert {n.velocity for n in piece} == {106}
    assert piece.keys == (Key(0, -3, True),)
    assert piece.part_names == ("Solo",)


def _three_parts(folder: Path, *odd: str) -> Path:
    """Three bars of 3/4 in three parts; the first part's second bar is `odd`, the others' and its last are full."""
    full = "".join(note("C", 4, 4) for _ in range(3))
    bars = [f"<measure number='1'>{ATTRIBUTES.format('')}{full}</measure>", "<measure number='{}'>{}</measure>"]
    plain = bars[0] + bars[1].format(2, full) + bars[1].format(3, full)
    others = f"<part id='P2'>{plain}</part><part id='P3'>{plain}</part>"
    path = xml(folder, bars[0] + bars[1].format(2, "".join(odd)) + bars[1].format(3, full), more=others)
    named = "".join(f"<score-part id='P{i}'><part-name>Part {i}</part-name></score-part>" for i in (2, 3))
    path.write_text(path.read_text().replace("</part-list>", f"{named}</part-list>"))
    return path


@pytest.mark.parametrize(
    "odd",
    [
        (note("E", 4, 4), note("E", 4, 4)),  # a beat is missing
        (*[note("E", 4, 4) for _ in range(3)], note("E", 4, 4)),  # a beat too many
        (
            *[note("E", 4, 4) for _ in range(3)],  # a sign placed after the last note
            "<direction><direction-type><dynamics><p/></dynamics></direction-type><offset>4</offset></direction>",
        ),
    ],
)
def test_parts_keep_together_where_one_has_a_bar_of_another_length(tmp_path: Path, odd: tuple[str, ...]) -> None:
    piece = read_score(_three_parts(tmp_path, *odd))
    last = [max(n.onset for n in piece if n.part == part) / piece.ticks_per_quarter for part in {n.part for n in piece}]
    assert len(last) == 3
    assert set(last) == {8.0}  # the third bar's third beat


def test_a_transposing_instrument_sounds(tmp_path: Path) -> None:
    horn = "<transpose><diatonic>-4</diatonic><chromatic>-7</chromatic></transpose>"
    measure = f'<measure number="1">{ATTRIBUTES.format(horn)}{note("C", 5, 12)}</measure>'
    assert [n.pitch for n in read_score(xml(tmp_path, measure))] == [65]


def test_humdrum(tmp_path: Path) -> None:
    path = tmp_path / "two.krn"
    path.write_text("**kern\t**kern\n*M2/4\t*M2/4\n=1\t=1\n4C\t8c\n.\t8d\n4D\t4e\n=2\t=2\n2C\t2c\n==\t==\n*-\t*-\n")
    piece = read_score(path)
    assert sorted(n.pitch for n in piece) == [48, 48, 50, 60, 60, 62, 64]
    assert len(piece.part_names) == 2


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.musicxml", b"<score-partwise><part", "cannot be read as notation"),
        ("x.mxl", b"PK\3\4 not a zip", "cannot be read as notation"),
        ("x.krn", b"\0\1\2", "cannot be read as notation"),
        ("x.abc", b"", "cannot be read as notation|no notes"),
        ("x.txt", b"hello", "is not a notation file"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ScoreError, match=sentence) as caught:
        read_score(path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="does not exist"):
        read_score(tmp_path / "none.abc")


def test_writing_and_reading_keeps_everything(tmp_path: Path) -> None:
    notes = [
        Note(0, 36, 60, 80, 73, 0),
        Note(36, 12, 62, 80, 73, 0),
        Note(48, 8, 64, 80, 73, 0),
        Note(56, 8, 65, 80, 73, 0),
        Note(64, 8, 67, 80, 73, 0),
        Note(72, 120, 69, 80, 73, 0),  # over a bar line
        Note(0, 96, 48, 80, 32, 1),
        Note(0, 96, 55, 80, 32, 1),
        Note(120, 24, 43, 80, 32, 1),  # under a rest
        Note(192, 48, 50, 80, 32, 1),
        Note(204, 12, 57, 80, 32, 1),  # a second voice
    ]
    piece = Piece.from_notes(
        notes,
        tempos=(Tempo(0, 500_000), Tempo(96, 400_000)),
        meters=(Meter(0, 4, 4), Meter(96, 3, 4)),
        keys=(Key(0, 2, False), Key(96, -1, True)),
        part_names=("Flute", "Bass"),
        metadata=Metadata("A title", "A composer"),
    )
    path = tmp_path / "out.musicxml"
    write_score(piece, path)
    assert [p.name for p in tmp_path.iterdir()] == ["out.musicxml"]
    back = read_score(path).at_resolution(24)
    strip = [n._replace(velocity=80) for n in back]
    assert strip == list(piece)
    assert (back.meters, back.keys, back.part_names) == (piece.meters, piece.keys, piece.part_names)
    assert [(t.tick, round(t.qpm)) for t in back.tempos] == [(0, 120), (96, 150)]
    assert (back.metadata.title, back.metadata.composer) == ("A title", "A composer")


def test_drums_stay_drums(tmp_path: Path) -> None:
    hits = [Note(24 * i, 12, p, 80, DRUMS, 0) for i, p in enumerate((36, 38, 42, 36))]
    write_score(Piece.from_notes(hits, part_names=("Kit",)), tmp_path / "d.musicxml")
    assert list(read_score(tmp_path / "d.musicxml").at_resolution(24)) == hits


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    piece = Piece.from_notes([Note(0, 24, 60)])
    with pytest.raises(ScoreError, match=r"as \.musicxml"):
        write_score(piece, tmp_path / "x.pdf")
    with pytest.raises(ScoreError, match="holds no notes"):
        write_score(Piece.from_notes([]), tmp_path / "x.musicxml")
    with pytest.raises(FileError, match="cannot be written"):
        write_score(piece, tmp_path / "no" / "x.musicxml")

"""pretty_midi and mido objects: same notes, tempo, meter, key, names, programs."""

from __future__ import annotations

import io

import pretty_midi
import pytest

from musegen.midi.convert import piece_from_mido
from musegen.piece import DRUMS, Key, Meter, Note, Piece, Tempo

PIECE = Piece.from_notes(
    [
        Note(0, 240, 60, 70, 5, 0),
        Note(239, 481, 64, 90, 5, 0),
        Note(7, 3, 36, 100, DRUMS, 1),
        Note(961, 1, 70, 1, 0, 2),
    ],
    480,
    tempos=(Tempo(0, 400_000), Tempo(480, 777_777)),
    meters=(Meter(0, 6, 8), Meter(720, 5, 4)),
    keys=(Key(0, -3, True), Key(720, 6)),
    part_names=("Klavier", "Drums", "Harfe"),
)


def test_to_pretty_midi() -> None:
    midi = PIECE.to_pretty_midi()
    assert [(i.program, i.is_drum, i.name) for i in midi.instruments] == [
        (5, False, "Klavier"),
        (0, True, "Drums"),
        (0, False, "Harfe"),
    ]
    first, second = midi.instruments[0].notes
    assert (first.start, first.end) == pytest.approx((0, 0.2))
    # 480 ticks at 400 ms a quarter, then 240 at 777.777
    assert (second.start, second.end) == pytest.approx((239 / 480 * 0.4, 0.4 + 240 / 480 * 0.777777))
    assert [(m.numerator, m.denominator) for m in midi.time_signature_changes] == [(6, 8), (5, 4)]
    assert [k.key_number for k in midi.key_signature_changes] == [12, 6]  # C minor, F sharp major


def test_there_and_back() -> None:
    assert Piece.from_pretty_midi(PIECE.to_pretty_midi()) == PIECE


@pytest.mark.parametrize("fifths", range(-5, 7))
@pytest.mark.parametrize("minor", [False, True])
def test_every_key_there_and_back(fifths: int, minor: bool) -> None:
    piece = Piece.from_notes([Note(0, 1, 60)], keys=(Key(0, fifths, minor),), part_names=("",))
    assert Piece.from_pretty_midi(piece.to_pretty_midi()).keys == piece.keys


def test_pretty_midi_reads_what_we_write_the_same() -> None:
    theirs = pretty_midi.PrettyMIDI(io.BytesIO(b"".join([_bytes()])))
    ours = PIECE.to_pretty_midi()
    for mine, other in zip(ours.instruments, theirs.instruments, strict=True):
        rows = [[(n.start, n.end, n.pitch, n.velocity) for n in i.notes] for i in (mine, other)]
        assert [x for row in rows[0] for x in row] == pytest.approx([x for row in rows[1] for x in row])


def _bytes() -> bytes:
    data = io.BytesIO()
    PIECE.to_mido().save(file=data)
    return data.getvalue()


def test_mido_there_and_back() -> None:
    file = PIECE.to_mido()
    assert [t.name for t in file.tracks] == ["", "Klavier", "Drums", "Harfe"]
    assert file.length == pytest.approx(float(PIECE.seconds(PIECE.end)))
    assert piece_from_mido(file) == PIECE

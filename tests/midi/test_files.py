"""Reading and writing: both readers agree, what was read is written and read again unchanged."""

from __future__ import annotations

import glob
import importlib.util
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musegen.errors import FileError, MidiError
from musegen.midi import midi_bytes, read_midi, read_midi_bytes, read_music, write_midi, write_music
from musegen.midi.chunks import take_apart
from musegen.midi.compiled import plain, read_compiled
from musegen.midi.tolerant import read_tolerantly
from musegen.midi.write import allocate_channels, voices_of
from musegen.piece import DRUMS, Key, Metadata, Meter, Note, Piece, Tempo

from .smf import Event, header, meta, name, off, on, program, tempo, track

CHANNEL = st.sampled_from([0, 1, 9, 15])
PITCH = st.integers(58, 61)  # few, so that notes overlap
MESSAGE = st.one_of(
    st.builds(on, PITCH, st.integers(0, 127), CHANNEL),
    st.builds(off, PITCH, CHANNEL),
    st.builds(program, st.integers(0, 3), CHANNEL),
    st.builds(tempo, st.integers(0, 2**24 - 1)),
    st.builds(lambda top, power: meta(0x58, top, power, 24, 8), st.integers(0, 255), st.integers(0, 9)),
    st.builds(lambda fifths, minor: meta(0x59, fifths % 256, minor), st.integers(-9, 9), st.integers(0, 2)),
    st.builds(lambda text: name(text.encode()), st.text(max_size=20)),
    st.sampled_from([[0xF0, 2, 1, 0xF7], [0xB0, 64, 127], [0xE0, 0, 64], [0xD0, 5], meta(0x06, 65)]),
)
EVENT: st.SearchStrategy[Event] = st.tuples(st.sampled_from([0, 1, 100, 5000]), MESSAGE)
FILE = st.lists(st.lists(EVENT, max_size=40), min_size=1, max_size=4)


def file_of(tracks: list[list[Event]], division: int = 480) -> bytes:
    return header(len(tracks), division=division) + b"".join(track(*events) for events in tracks)


@settings(max_examples=300, deadline=None)
@given(FILE)
def test_both_readers_agree(tracks: list[list[Event]]) -> None:
    data = file_of(tracks)
    chunks = take_apart(data, "f")
    compiled = read_compiled(chunks, "f") if plain(data, chunks) else None
    assert compiled is None or compiled == read_tolerantly(chunks, "f")


def test_the_compiled_reader_is_the_one_that_is_used() -> None:
    # Agreement means nothing if every file goes the slow way.
    data = file_of([[(0, name(b"A")), (0, on(60)), (480, off(60)), (0, meta(0x58, 3, 2, 24, 8))]])
    chunks = take_apart(data, "f")
    assert plain(data, chunks)
    assert read_compiled(chunks, "f") is not None


@settings(max_examples=300, deadline=None)
@given(FILE)
def test_what_was_read_is_written_and_read_unchanged(tracks: list[list[Event]]) -> None:
    piece = read_midi_bytes(file_of(tracks))
    assert read_midi_bytes(midi_bytes(piece)) == piece


NOTE = st.builds(
    Note,
    st.integers(0, 2000),
    st.integers(1, 500),
    st.integers(0, 127),
    st.integers(1, 127),
    st.integers(0, DRUMS),
    st.integers(0, 30),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(NOTE, max_size=60), st.integers(1, 32767))
def test_any_piece_keeps_its_notes(rows: list[Note], resolution: int) -> None:
    """Parts are renumbered, and of one pitch in one part the first to begin is the first to end."""
    piece = Piece.from_notes(rows, resolution, keys=(Key(3, -2, True),), meters=(Meter(0, 7, 8), Meter(9, 3, 2)))
    again = read_midi_bytes(midi_bytes(piece))
    for end in (False, True):
        assert sorted(_row(n, end) for n in piece) == sorted(_row(n, end) for n in again)
    assert (again.keys, again.meters, again.ticks_per_quarter) == (piece.keys, piece.meters, resolution)


def _row(note: Note, end: bool) -> tuple[int, ...]:
    """A note by its end or by its onset: which end belongs to which onset is the reader's choice."""
    if end:
        return note.onset + note.duration, note.pitch, note.program
    return note.onset, note.pitch, note.velocity, note.program


def test_forty_programs_share_fifteen_channels() -> None:
    piece = Piece.from_notes([Note(i * 7 % 50, 20, 60, 80, i, i) for i in range(40)] + [Note(0, 5, 36, 80, DRUMS, 40)])
    voices = voices_of(piece)
    channels = allocate_channels(voices)
    assert channels[-1] == 9
    assert 9 not in channels[:-1]
    assert set(channels) == set(range(16))
    again = read_midi_bytes(midi_bytes(piece))
    assert np.array_equal(again.notes, piece.notes)


def test_a_shared_channel_has_the_right_program_at_each_note() -> None:
    """Judged by mido, which plays all tracks into one stream as a synthesiser hears it."""
    piece = Piece.from_notes([Note(i % 9 * 10, 5, i, 80, i % 20, i % 20) for i in range(120)])
    now, heard = [0] * 16, []
    for message in mido.merge_tracks(mido.MidiFile(file=io.BytesIO(midi_bytes(piece))).tracks):
        if message.type == "program_change":
            now[message.channel] = message.program
        elif message.type == "note_on":
            heard.append((message.note, now[message.channel]))
    assert sorted(heard) == sorted((n.pitch, n.program) for n in piece)


def test_everything_is_kept(tmp_path: Path) -> None:
    piece = Piece.from_notes(
        [Note(0, 24, 60), Note(24, 24, 64, 90, 40, 1)],
        tempos=(Tempo(0, 400_000), Tempo(24, 700_001)),
        meters=(Meter(0, 6, 8), Meter(72, 5, 4)),
        keys=(Key(0, 3), Key(48, -6, True)),
        part_names=("Flügel", "ヴァイオリン"),
        metadata=Metadata("Lied ohne Worte"),
    )
    path = tmp_path / "a.mid"
    write_midi(piece, path)
    assert read_midi(path) == piece
    assert os.listdir(tmp_path) == ["a.mid"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(b"old")
    with pytest.raises(MidiError, match="20000000 µs"):
        write_midi(Piece.from_notes([Note(0, 1, 60)], tempos=(Tempo(0, 20_000_000),)), path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.mid"]
    with pytest.raises(FileError, match="cannot be written"):
        write_midi(Piece.from_notes([Note(0, 1, 60)]), tmp_path / "nowhere" / "a.mid")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(FileError, match="cannot be written"):
        write_midi(Piece.from_notes([Note(0, 1, 60)]), tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["a.mid", "folder"]


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (Piece.from_notes([], 40_000), "40000 ticks per quarter"),
        (Piece.from_notes([], meters=(Meter(0, 4, 3),)), "The meter 4/3"),
        (Piece.from_notes([], keys=(Key(0, 9),)), "9 sharps"),
        (Piece.from_notes([Note(-5, 1, 60)]), "before tick 0"),
        (Piece.from_notes([Note(2**29, 1, 60)]), "a gap that MIDI cannot count"),
    ],
)
def test_what_midi_cannot_say(piece: Piece, message: str) -> None:
    with pytest.raises(MidiError, match=message):
        midi_bytes(piece)


def test_smpte_seconds() -> None:
    # 29 frames mean 30/1.001 a second; 10 ticks a frame, so tick 300 comes after 1.001 s.
    piece = read_midi_bytes(header(division=(256 - 29) << 8 | 10) + track((300, on(60)), (1, off(60))))
    assert piece.seconds(piece.notes["onset"]).tolist() == pytest.approx([1.001])


def _installed(package: str, pattern: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    return sorted(glob.glob(os.path.join(os.path.dirname(spec.origin), pattern))) if spec and spec.origin else []


@pytest.mark.skipif(not _installed("music21", "__init__.py"), reason="music21, whose MIDI files are read, is missing")
def test_files_in_the_wild() -> None:
    paths = _installed("music21", "midi/testPrimitive/*.mid") + _installed("music21", "omr/*.mid")
    assert len(paths) >= 20
    for path in paths:
        piece = read_midi(path)
        with open(path, "rb") as file:
            assert read_tolerantly(take_apart(file.read(), path), path) == piece
        assert read_midi_bytes(midi_bytes(piece)) == piece
        theirs = sorted(_played(path))
        ours = sorted(zip(piece.notes["pitch"].tolist(), piece.seconds(piece.notes["onset"]).tolist(), strict=True))
        assert [p for p, _ in ours] == [p for p, _ in theirs], path
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs]), path


def _played(path: str) -> Iterator[tuple[int, float]]:
    """(pitch, seconds) of each note as mido plays the file: pretty_midi ignores tempos outside the first track."""
    seconds = 0.0
    for message in mido.MidiFile(path):
        seconds += message.time
        if message.type == "note_on" and message.velocity:
            yield message.note, seconds


def test_damage_anywhere_is_an_error_or_a_piece() -> None:
    rng = random.Random(7)
    whole = file_of([[(0, program(4)), *[(i % 7, (on, off)[i % 2](60 + i // 2 % 5)) for i in range(60)]]] * 2)
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 2, 5])):
            data[rng.randrange(len(data))] = rng.choice([0, 0x7F, 0x80, 0xF0, 0xF7, 0xFF, rng.randrange(256)])
        data = data[: rng.choice([len(data), rng.randrange(len(data))])]
        try:
            piece = read_midi_bytes(bytes(data))
        except MidiError:
            continue
        assert (piece.notes["duration"] > 0).all()
        assert (piece.notes["onset"] >= 0).all()
        assert read_midi_bytes(midi_bytes(piece)) == piece


@pytest.mark.parametrize("file", ["a.mid", "a.MIDI", "a.musicxml", "a.abc"])
def test_a_missing_file_is_one_sentence(file: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read_music(tmp_path / file)


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"ID3")
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(FileError, match=r"'\.mp3' is not a kind of music file that can be read: \.mid"):
        read_music(tmp_path / "a.mp3")
    with pytest.raises(FileError, match="this is a folder"):
        read_music(tmp_path)
    with pytest.raises(FileError, match="this is a folder"):
        read_music(tmp_path / "folder.mid")
    with pytest.raises(FileError, match=r"'\.mp3' is not a kind of music file that can be written"):
        write_music(Piece.from_notes([]), tmp_path / "b.mp3")
    with pytest.raises(FileError, match="cannot be read"):
        read_midi("a\0b.mid")


def test_music_by_extension(tmp_path: Path) -> None:
    piece = Piece.from_notes([Note(0, 24, 60)], part_names=("",))
    write_music(piece, tmp_path / "a.MID")
    assert read_music(tmp_path / "a.MID") == piece

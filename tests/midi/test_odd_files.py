"""Odd and malformed files, one row each: the stated repair, or the named error (docs/files.md)."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest

from musegen.errors import MidiError
from musegen.midi.files import read_midi_bytes
from musegen.piece import DRUMS, Key, Meter, Tempo

from .smf import C4, END, body, chunk, header, meta, name, number, off, on, program, tempo, track

PLAIN = header() + track(*C4)
# Onset, duration, pitch, velocity, program, part.
C = (0, 480, 60, 80, 0, 0)


def notes(*rows: tuple[int, ...], **rest: Any) -> dict[str, Any]:
    """What the piece must hold: its notes, and any fields of it."""
    return {"notes": list(rows), **rest}


REPAIRED: dict[str, tuple[bytes, dict[str, Any]]] = {
    # ── notes
    "note-on of velocity 0 ends a note": (header() + track((0, on(60)), (480, on(60, 0))), notes(C)),
    "running status": (
        header() + track((0, on(60)), (480, [60, 0]), (0, [62, 70]), (10, [62, 0])),
        notes(C, (480, 10, 62, 70, 0, 0)),
    ),
    "running status goes on behind a meta event": (
        header() + track((0, on(60)), (0, meta(0x01, 65)), (480, [60, 0])),
        notes(C),
    ),
    "running status goes on behind system exclusive": (
        header() + track((0, on(60)), (0, [0xF0, 2, 1, 0xF7]), (480, [60, 0])),
        notes(C),
    ),
    "notes in running status behind system exclusive": (
        header() + track((0, on(60)), (480, on(60, 0)), (0, [0xF0, 2, 1, 0xF7]), (0, [62, 80]), (10, [62, 0])),
        notes(C, (480, 10, 62, 80, 0, 0)),
    ),
    "zero length lasts one tick": (header() + track((5, on(60)), (0, off(60))), notes((5, 1, 60, 80, 0, 0))),
    "note-off without a note is passed over": (header() + track((0, off(62)), *C4), notes(C)),
    "note without a note-off lasts until its track ends": (
        header() + track(*C4, (0, on(64)), (20, off(65))),
        notes(C, (480, 20, 64, 80, 0, 0)),
    ),
    "two open notes of one pitch both last until the end": (
        header() + track((0, on(60)), (10, on(60)), (90, meta(0x01, 65))),
        notes((0, 100, 60, 80, 0, 0), (10, 90, 60, 80, 0, 0)),
    ),
    "the delta time before the end of track counts": (
        header() + chunk(body((0, on(60)), (300, END[1]))),
        notes((0, 300, 60, 80, 0, 0)),
    ),
    "overlapping notes of one pitch: first on, first off": (
        header() + track((0, on(60, 70)), (100, on(60, 90)), (100, off(60)), (100, off(60))),
        notes((0, 200, 60, 70, 0, 0), (100, 200, 60, 90, 0, 0)),
    ),
    "a note struck again as it ends, note-on written first": (
        header() + track((0, on(60, 70)), (100, on(60, 90)), (0, off(60)), (100, off(60))),
        notes((0, 100, 60, 70, 0, 0), (100, 100, 60, 90, 0, 0)),
    ),
    # ── channels, programs, parts
    "channel 10 is drums whatever its program": (
        header() + track((0, program(5, 9)), (0, on(36, 80, 9)), (10, off(36, 9))),
        notes((0, 10, 36, 80, DRUMS, 0)),
    ),
    "a program change in mid-track begins another part": (
        header() + track((0, program(5)), *C4, (0, program(9)), (0, on(62)), (10, off(62))),
        notes((0, 480, 60, 80, 5, 0), (480, 10, 62, 80, 9, 1)),
    ),
    "a sounding note keeps the program it began with": (
        header() + track((0, program(5)), (0, on(60)), (240, program(9)), (240, off(60))),
        notes((0, 480, 60, 80, 5, 0)),
    ),
    "format 0: each channel is a part": (
        header(layout=0) + track((0, on(60, 80, 1)), (0, on(64, 80, 0)), (480, off(60, 1)), (0, off(64, 0))),
        notes((0, 480, 64, 80, 0, 0), (0, 480, 60, 80, 0, 1)),
    ),
    "two tracks on one channel are two parts": (
        header(2) + track((0, name(b"left")), *C4) + track((0, name(b"right")), *C4),
        notes(C, (0, 480, 60, 80, 0, 1), part_names=("left", "right")),
    ),
    "a file without notes": (header() + track((0, tempo(400_000))), notes(tempos=(Tempo(0, 400_000),))),
    # ── tempo, meter, key
    "tempo 0 is left out": (header() + track((0, tempo(0)), *C4), notes(C, tempos=(Tempo(0),))),
    "a tempo later on follows 120": (
        header() + track((240, tempo(400_000)), *C4),
        notes((240, 480, 60, 80, 0, 0), tempos=(Tempo(0), Tempo(240, 400_000))),
    ),
    "two tempos at one tick: the last counts": (
        header() + track((0, tempo(400_000)), (0, tempo(300_000)), *C4),
        notes(C, tempos=(Tempo(0, 300_000),)),
    ),
    "tempos in a later track count": (
        header(2) + track(*C4) + track((480, tempo(300_000))),
        notes(C, tempos=(Tempo(0), Tempo(480, 300_000))),
    ),
    "a tempo of two bytes is left out": (header() + track((0, meta(0x51, 7, 0)), *C4), notes(C, tempos=(Tempo(0),))),
    "meter 0/4 is left out": (header() + track((0, meta(0x58, 0, 2, 24, 8)), *C4), notes(C, meters=(Meter(0),))),
    "denominator 2 to the 40 is left out": (
        header() + track((0, meta(0x58, 3, 40, 24, 8)), *C4),
        notes(C, meters=(Meter(0),)),
    ),
    "denominator 2 to the 32 does not become 1": (
        header() + track((0, meta(0x58, 3, 32, 24, 8)), *C4),
        notes(C, meters=(Meter(0),)),
    ),
    "denominator 2 to the 0 is a whole note": (
        header() + track((0, meta(0x58, 3, 0, 24, 8)), *C4),
        notes(C, meters=(Meter(0, 3, 1),)),
    ),
    "nine sharps are left out": (header() + track((0, meta(0x59, 9, 0)), *C4), notes(C, keys=())),
    "a key neither major nor minor is left out": (header() + track((0, meta(0x59, 1, 5)), *C4), notes(C, keys=())),
    "three flats, minor": (header() + track((0, meta(0x59, 0xFD, 1)), *C4), notes(C, keys=(Key(0, -3, True),))),
    # ── names
    "a UTF-8 name": (header() + track((0, name("Flöte".encode())), *C4), notes(C, part_names=("Flöte",))),
    "a Latin-1 name": (header() + track((0, name("Flöte".encode("latin-1"))), *C4), notes(C, part_names=("Flöte",))),
    "a Shift-JIS name": (
        header() + track((0, name("ピアノ".encode("shift-jis"))), *C4),
        notes(C, part_names=("ピアノ",)),
    ),
    "the first track's name is the title": (
        header(2) + track((0, name(b"Ode"))) + track((0, name(b"Piano")), *C4),
        notes(C, part_names=("Piano",), title="Ode"),
    ),
    # ── other events
    "system exclusive is passed over": (header() + track((0, [0xF0, 3, 1, 2, 0xF7]), *C4), notes(C)),
    "system exclusive without its end": (header() + track((0, [0xF0, 3, 1, 2, 3]), *C4), notes(C)),
    "an F7 escape is passed over by its length": (header() + track((0, [0xF7, 3, 0x90, 60, 80]), *C4), notes(C)),
    "an F7 escape that holds a message does not take time": (
        header() + track((0, [0xF7, 3, 0xB0, 7, 100]), *C4),
        notes(C),
    ),
    "real-time and common bytes are passed over": (
        header() + track((0, on(60)), (240, [0xF8]), (0, [0xF2, 1, 2]), (240, off(60))),
        notes(C),
    ),
    "controllers above 127 are passed over": (header() + track((0, [0xB0, 200, 200]), *C4), notes(C)),
    "an unknown meta event is passed over": (header() + track((0, meta(0x60, 1, 2, 3)), *C4), notes(C)),
    "what follows an end of track is left out": (header() + track(*C4, END, (0, on(70)), (9, off(70))), notes(C)),
    # ── chunks
    "no end of track": (header() + track(*C4, end=False), notes(C)),
    "cut in the middle of an event": (PLAIN[:-6], notes((0, 480, 60, 80, 0, 0))),
    "cut behind a note-on": (
        header() + track(*C4, (0, on(64)), (20, off(65)), end=False)[:-3],
        notes(C, (480, 20, 64, 80, 0, 0)),
    ),
    "a text longer than the file": (header() + track(*C4, (0, [0xFF, 0x01, 100, 65])), notes(C)),
    "an open note before a text longer than the file": (
        header() + track(*C4, (0, on(5)), (20, [0xFF, 0x01, 127, 65, 65, 65])),
        notes(C, (480, 20, 5, 80, 0, 0)),
    ),
    "a header longer than 6 is read by its length": (header(length=8, more=b"\0\0") + track(*C4), notes(C)),
    "bytes before the header": (b"\0" * 128 + PLAIN, notes(C)),
    "a RIFF wrapper (.rmi)": (
        b"RIFF" + struct.pack("<I", len(PLAIN) + 12) + b"RMIDdata" + struct.pack("<I", len(PLAIN)) + PLAIN,
        notes(C),
    ),
    "fewer tracks than the header says": (header(5) + track(*C4), notes(C)),
    "more tracks than the header says": (header(1) + track(*C4) + track(*C4), notes(C, (0, 480, 60, 80, 0, 1))),
    "a chunk of another kind": (header() + chunk(b"hello", tag=b"XFIH") + track(*C4), notes(C)),
    "bytes between chunks": (header(2) + track(*C4) + b"\1\2\3" + track(*C4), notes(C, (0, 480, 60, 80, 0, 1))),
    "bytes behind the last chunk": (PLAIN + b"\x1a\0\0\0garbage", notes(C)),
    "a track length of 4 GB": (header() + chunk(body(*C4, END), 0xFFFFFFFF), notes(C)),
    "a track length 3 too long": (header() + chunk(body(*C4, END), len(body(*C4, END)) + 3), notes(C)),
    "a track length far too short": (
        header(2) + chunk(body(*C4, END), 4) + track(*C4),
        notes(C, (0, 480, 60, 80, 0, 1)),
    ),
    # ── time
    "SMPTE, 25 frames of 40: a thousand ticks a second": (
        header(division=(256 - 25) << 8 | 40) + track(*C4),
        notes(C, ticks_per_quarter=500, tempos=(Tempo(0, 500_000),)),
    ),
    "SMPTE, 25 frames of 1: no half ticks": (
        header(division=(256 - 25) << 8 | 1) + track(*C4),
        notes(C, ticks_per_quarter=25, tempos=(Tempo(0, 1_000_000),)),
    ),
    "SMPTE, 29 means 30/1.001; set-tempo has no say": (
        header(division=(256 - 29) << 8 | 10) + track((0, tempo(300_000)), *C4),
        notes(C, ticks_per_quarter=150, tempos=(Tempo(0, 500_500),)),
    ),
    "a delta time of four bytes": (
        header(division=0x7FFF) + track((0x0FFFFFFF, on(60)), (480, off(60))),
        notes((0x0FFFFFFF, 480, 60, 80, 0, 0)),
    ),
}

REFUSED: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "the file is empty"),
    "not a MIDI file": (b"ID3 and then some music", "not a MIDI file"),
    "cut in the header": (PLAIN[:10], "stops inside its header"),
    "a header of 4 bytes": (header(length=4) + track(*C4), "the header is 4 bytes long"),
    "format 2": (header(layout=2) + track(*C4), "format 2 holds separate patterns"),
    "format 7": (header(layout=7) + track(*C4), "format 7 does not exist"),
    "0 ticks per quarter": (header(division=0) + track(*C4), "0 ticks per quarter"),
    "7 frames a second": (header(division=(256 - 7) << 8 | 40) + track(*C4), "no SMPTE time"),
    "SMPTE without subframes": (header(division=(256 - 25) << 8) + track(*C4), "no SMPTE time"),
    "no tracks": (header(0), "no track in the file"),
    "only a header and garbage": (header() + b"abcdefghijkl", "no track in the file"),
    "pitch 200": (header() + track((0, [0x90, 200, 80]), (480, off(60))), "track 1: a data byte of 200 at byte 4"),
    "velocity 200": (header() + track((0, [0x90, 60, 200]), (480, off(60))), "a data byte of 200"),
    "program 200": (header() + track((0, [0xC0, 200]), *C4), "a data byte of 200"),
    "a message without a status": (header() + track((0, [60, 80]), (480, off(60))), "without a status byte"),
    "a delta time of five bytes": (header() + chunk(b"\xff\xff\xff\xff\x7f" + body(*C4)), "longer than four bytes"),
    "eleven million quarter notes": (
        header(division=24) + track((0x0FFFFFFF, on(60)), (480, off(60))),
        "more than 262144 quarter notes long",
    ),
    "ticks beyond 32 bits": (
        header() + track(*[(0x0FFFFFFF, e) for _ in range(10) for e in (on(60), off(60))]),
        "more than 262144 quarter notes long",
    ),
    "a note beyond 32 bits, which wraps to a negative tick": (
        header() + track(*[(0x0FFFFFFF, meta(0x01, 65))] * 9, *C4),
        "more than 262144 quarter notes long",
    ),
    "a tempo change in the year 3000": (header(division=24) + track(*C4, (0x0FFFFFFF, tempo(9))), "quarter notes long"),
    "6 MB": (PLAIN + bytes(6 * 2**20), "too large for music"),
    "70,000 tracks": (header(0xFFFF) + track() * 70_000, "70000 tracks are more than music can use"),
}


@pytest.mark.parametrize("case", REPAIRED)
def test_repaired(case: str) -> None:
    data, expected = REPAIRED[case]
    piece = read_midi_bytes(data, "odd.mid")
    assert [tuple(n) for n in piece] == expected["notes"]
    for field, value in list(expected.items())[1:]:
        assert (piece.metadata.title if field == "title" else getattr(piece, field)) == value
    assert piece.tempos[0].tick == piece.meters[0].tick == 0


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(MidiError) as caught:
        read_midi_bytes(data, "odd.mid")
    text = str(caught.value)
    assert text.startswith("odd.mid")
    assert message in text
    assert text.endswith(".")
    assert "\n" not in text


def test_the_table_is_long_enough() -> None:
    assert len(REPAIRED) + len(REFUSED) >= 40


def test_variable_length_quantities_of_the_specification() -> None:
    # SMF 1.0 gives these examples.
    assert [number(v) for v in (0, 0x7F, 0x80, 0x3FFF, 0x0FFFFFFF)] == [
        b"\x00",
        b"\x7f",
        b"\x81\x00",
        b"\xff\x7f",
        b"\xff\xff\xff\x7f",
    ]


def test_a_flood_of_open_notes_is_read_in_time() -> None:
    # Three hundred thousand note-ons of one pitch, then as many note-offs: quadratic pairing would take minutes.
    n = 300_000
    events = b"\0\x90\x3c\x50" + b"\0\x3c\x50" * (n - 1) + b"\x01\x3c\0" + b"\0\x3c\0" * (n - 1)
    began = time.process_time()
    assert len(read_midi_bytes(header() + chunk(events))) == n  # no end of track: the tolerant reader
    assert time.process_time() - began < 20

"""Standard MIDI Files (SMF 1.0, formats 0 and 1) → `Piece`.

`chunks` takes a file apart; `compiled` reads its tracks, or `tolerant` where that would go wrong. Every repair
and refusal is listed in docs/files.md. Knows nothing of writing (`write`) or of notation files (`scores`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from ..errors import FileError, MusegenError
from ..piece import Piece
from .assemble import decode_text
from .chunks import LARGEST_FILE, take_apart
from .compiled import plain, read_compiled
from .tolerant import read_tolerantly, read_track


def read_midi(path: str | os.PathLike[str]) -> Piece:
    """The piece in the Standard MIDI File at `path`. Raises FileError or MidiError, one sentence each."""
    return read_midi_bytes(read_bytes(path), os.fspath(path))


def read_bytes(path: str | os.PathLike[str], limit: int = LARGEST_FILE) -> bytes:
    """The file's bytes, at most `limit` + 1 of them. Raises FileError."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read() if os.fstat(file.fileno()).st_size <= limit else file.read(limit + 1)
    except FileNotFoundError:
        raise FileError(f"{os.fspath(path)}: there is no such file.") from None
    except IsADirectoryError:
        raise FileError(f"{os.fspath(path)}: this is a folder, not a file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{os.fspath(path)!r}: the file cannot be read ({reason}).") from None


def read_midi_bytes(data: bytes, name: str = "MIDI data") -> Piece:
    """The piece in the bytes of a Standard MIDI File; `name` is used in messages. Raises MidiError."""
    chunks = take_apart(data, name)
    piece = read_compiled(chunks, name) if plain(data, chunks) else None
    return read_tolerantly(chunks, name) if piece is None else piece


def read_texts(path: str | os.PathLike[str]) -> list[str]:
    """The text events (FF 01) of the Standard MIDI File at `path`, track by track. Raises FileError or MidiError."""
    name = os.fspath(path)
    tracks = take_apart(read_bytes(path), name).tracks
    read = [read_track(track, f"{name}, track {i}") for i, track in enumerate(tracks, 1)]
    return [decode_text(text) for track in read for text in track.texts]


def read_many(
    paths: Iterable[str | os.PathLike[str]], workers: int | None = None, timeout: float | None = None
) -> Iterator[tuple[str, Piece | MusegenError]]:
    """(path, piece or error) for every MIDI file, in order, read in worker processes: see `workers.map_files`."""
    from ..workers import TIMEOUT, map_files  # whoever reads one file need not wait for multiprocessing

    return map_files(read_midi, paths, workers, TIMEOUT if timeout is None else timeout)

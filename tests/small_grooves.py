"""Drum performances whose habits are known: late snares, loud downbeats, hi-hats that drag or rush by the player."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musegen.corpus.groove import Groove, groove_of
from musegen.midi import write_midi
from musegen.piece import DRUMS, Piece, Tempo

TICKS = 480
LATE_SNARE = 20.0  # milliseconds
LOUD, SOFT = 100.0, 55.0  # on the first beat of a bar, and elsewhere
JITTER, UNEVEN = 8.0, 14.0  # standard deviations: milliseconds, velocity
HAT = {"lazy": 12.0, "eager": -12.0}  # milliseconds

KICK, SNARE, CLOSED = 36, 38, 42


def played(seed: int = 0, bars: int = 16, qpm: float = 120.0, player: str = "lazy") -> Piece:
    """A rock beat, played."""
    rng = np.random.default_rng(seed)
    per_ms = TICKS * qpm / 60_000
    notes = []
    for bar in range(bars):
        for step in range(0, 16, 2):
            for pitch in (CLOSED, *((KICK,) if step % 8 == 0 else ()), *((SNARE,) if step % 8 == 4 else ())):
                late = LATE_SNARE if pitch == SNARE else HAT[player] if pitch == CLOSED else 0.0
                at = (bar * 16 + step) * TICKS / 4 + per_ms * (late + rng.normal(0, JITTER))
                loud = (LOUD if step == 0 else SOFT) + rng.normal(0, UNEVEN)
                notes.append((max(0, round(at)), 60, pitch, int(np.clip(round(loud), 1, 127)), DRUMS))
    return Piece.from_notes(notes, TICKS, tempos=(Tempo(0, round(60e6 / qpm)),))


def grooves(count: int, first: int = 0) -> list[Groove]:
    """Performances by both players in turn, each of another seed from `first` on."""
    players = list(HAT)
    return [
        groove_of(played(seed, player=players[seed % 2]), f"{seed}", "train", (players[seed % 2],))
        for seed in range(first, first + count)
    ]


def groove_folder(folder: Path, count: int = 12) -> Path:
    """A folder in the form of the Groove MIDI Dataset: the last two files are its validation set."""
    rows = ["drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,duration,split"]
    for i in range(count):
        player = list(HAT)[i % 2]
        name = f"{player}/{i}.mid"
        (folder / player).mkdir(parents=True, exist_ok=True)
        write_midi(played(i, player=player), folder / name)
        split = "validation" if i >= count - 2 else "train"
        rows.append(f"{player},s,{i},rock/plain,120,beat,4-4,{name},32.0,{split}")
    (folder / "info.csv").write_text("\n".join(rows) + "\n")
    return folder

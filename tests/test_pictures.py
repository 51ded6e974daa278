"""Pictures: what is drawn is on the picture, and what cannot be drawn is one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from musegen.errors import FileError, MissingPackageError, MusegenError
from musegen.pictures import DRUM_COLOUR, INK, PALETTE, loss_curve, piano_roll, surprise_roll
from musegen.piece import DRUMS, Note, Piece

pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"
SCALE = [Note(24 * i, 24, 60 + i, 127, 0, 0) for i in range(16)]
BASS = [Note(48 * i, 48, 40, 127, 32, 1) for i in range(8)]
BEAT = [Note(24 * i, 6, 38, 127, DRUMS, 2) for i in range(16)]


def picture(notes: list[Note], path: Path, **options: int) -> np.ndarray:
    """The piano roll of `notes` as RGB bytes (height, width, 3)."""
    from matplotlib.image import imread

    piano_roll(Piece.from_notes(notes), path, "A title", **options)
    assert path.read_bytes().startswith(PNG)
    pixels: np.ndarray = np.round(imread(path)[..., :3] * 255).astype(int)
    return pixels


def share(pixels: np.ndarray, colour: str) -> float:
    """The share of pixels that have `colour`, to within a few shades."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(pixels - wanted).max(axis=-1) <= 6).mean())


def test_every_part_has_its_colour(tmp_path: Path) -> None:
    pixels = picture(SCALE + BASS + BEAT, tmp_path / "all.png")
    colours = [PALETTE[0], PALETTE[1], DRUM_COLOUR]
    assert all(share(pixels, colour) > 0.002 for colour in colours)
    assert share(pixels, PALETTE[2]) == 0


def test_only_drums(tmp_path: Path) -> None:
    pixels = picture(BEAT, tmp_path / "drums.png")
    assert share(pixels, DRUM_COLOUR) > 0.01
    assert share(pixels, PALETTE[0]) == 0


def test_louder_is_more_opaque(tmp_path: Path) -> None:
    soft = picture([n._replace(velocity=10) for n in SCALE], tmp_path / "soft.png")
    loud = picture(SCALE, tmp_path / "loud.png")
    assert loud.shape == soft.shape
    assert loud.mean() < soft.mean()


def test_surprise_has_its_colour_and_its_mark(tmp_path: Path) -> None:
    """The note with the most nats is the darkest, seen above one in unison with it, and ringed where asked."""
    from matplotlib.image import imread

    piece = Piece.from_notes([*SCALE, SCALE[8]._replace(part=1), *BEAT])
    deep, pale = "#6b0a1a", "#cdd9e8"
    unison = [i for i, n in enumerate(piece) if n.onset == SCALE[8].onset and n.program != DRUMS]
    shares, rings = [], []
    for first, marked in ((9.0, []), (0.0, []), (9.0, unison[:1])):
        nats = np.zeros(len(piece))
        nats[unison[0]] = first
        surprise_roll(piece, nats, tmp_path / "s.png", "A title", marked)
        # To the left of the colour bar, which shows every colour.
        pixels = np.round(imread(tmp_path / "s.png")[:, :650, :3] * 255).astype(int)
        shares.append((share(pixels, deep), share(pixels, pale)))
        rings.append(share(pixels, INK))
    assert shares[0][0] > 0.001 and shares[1][0] == 0
    assert shares[1][1] > shares[0][1] > 0.01
    assert rings[2] > rings[0]
    with pytest.raises(MusegenError, match="without notes"):
        surprise_roll(Piece.from_notes([]), [], tmp_path / "none.png")


def test_longer_music_is_wider_up_to_a_limit(tmp_path: Path) -> None:
    widths = [
        picture([Note(0, 24, 60), Note(96 * bars - 24, 24, 60)], tmp_path / f"{bars}.png").shape[1]
        for bars in (4, 20, 100, 400)
    ]
    assert widths[0] < widths[1] < widths[2] == widths[3]


def test_the_end_of_the_seed_is_marked(tmp_path: Path) -> None:
    plain, marked = picture(SCALE, tmp_path / "plain.png"), picture(SCALE, tmp_path / "marked.png", seed_end=192)
    changed = np.flatnonzero((plain != marked).any(axis=(0, 2))) / plain.shape[1]
    assert 0.45 < changed.min() < 0.55


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(MusegenError, match="without notes has no piano roll"):
        piano_roll(Piece.from_notes([]), tmp_path / "x.png")
    with pytest.raises(MusegenError, match="no figures yet"):
        loss_curve([{"step": 1}], tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        piano_roll(Piece.from_notes(SCALE), tmp_path / "no such folder" / "x.png")


def test_without_matplotlib_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musegen.pictures.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'musegen\[plots\]'"):
        piano_roll(Piece.from_notes(SCALE), tmp_path / "x.png")


def test_loss_curve_shows_training_held_out_and_floor(tmp_path: Path) -> None:
    from matplotlib.image import imread

    records = [{"step": i, "train": 3 + 4 / i, "rate": 1e-3 / i} for i in range(1, 50)]
    records += [{"step": i, "valid": 3.3 + 4 / i, "floor": 3.5} for i in range(10, 50, 10)]
    loss_curve(records, tmp_path / "with.png")
    loss_curve([r for r in records if "valid" not in r], tmp_path / "without.png")
    both, alone = (np.round(imread(tmp_path / n)[..., :3] * 255).astype(int) for n in ("with.png", "without.png"))
    assert share(both, PALETTE[1]) > 0.001
    assert share(alone, PALETTE[1]) == 0


def test_no_window_system_is_touched(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom musegen.piece import Piece, Note\nfrom musegen.pictures import piano_roll\n"
        "piano_roll(Piece.from_notes([Note(0, 24, 60)]), sys.argv[1])\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.png")], check=True, timeout=60)

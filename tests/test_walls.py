"""Walls of rolls and training curves: what is drawn is on the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from musegen.errors import FileError, MusegenError
from musegen.events.roll import HOLD, ONSET, Cells
from musegen.pictures import PALETTE
from musegen.walls import COLOURS, gan_curves, roll_wall

pytest.importorskip("matplotlib")


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    image: np.ndarray = np.round(imread(path)[..., :3] * 255).astype(int)
    return image


def marked(image: np.ndarray, colour: str) -> np.ndarray:
    """Which pixels have `colour`, to within a few shades."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    result: np.ndarray = np.abs(image - wanted).max(axis=-1) <= 6
    return result


def phrases(n: int, tracks: int, silent: tuple[int, ...] = ()) -> Cells:
    """Each track holds a note through the first two bars."""
    cells = np.zeros((n, tracks, 4 * 96, 84), np.uint8)
    for track in range(tracks):
        if track not in silent:
            cells[:, track, :190, 12 + 10 * track] = HOLD
            cells[:, track, 0, 12 + 10 * track] = ONSET
    return cells.reshape(n, tracks, 4, 96, 84)


@pytest.mark.parametrize("silent", [(), (2,), (0,)])
def test_every_track_that_plays_is_seen_in_its_colour(tmp_path: Path, silent: tuple[int, ...]) -> None:
    roll_wall(phrases(1, 5, silent), tmp_path / "wall.png")
    image = pixels(tmp_path / "wall.png")[:-40]  # the key is below
    for track, colour in enumerate(COLOURS):
        assert bool(marked(image, colour).sum() > 10) == (track not in silent), track


def test_each_phrase_has_a_panel_and_the_wall_is_1200_wide(tmp_path: Path) -> None:
    wall = phrases(6, 1)
    wall[5] = 0
    roll_wall(wall, tmp_path / "wall.png", "A wall", [f"number {i}" for i in range(6)])
    image = pixels(tmp_path / "wall.png")
    assert image.shape[1] == 1200
    seen = marked(image, PALETTE[0])
    rows = np.flatnonzero(seen.any(1))
    bands = np.split(rows, np.flatnonzero(np.diff(rows) > 30) + 1)
    runs = [int((np.diff(seen[band].any(0).astype(int)) == 1).sum()) for band in bands]
    assert runs == [4, 1]  # four panels above; below one with a note, and the silent one


def test_a_repeated_note_is_seen_as_two(tmp_path: Path) -> None:
    wall = phrases(1, 1)
    roll_wall(wall, tmp_path / "one.png")
    wall[0, 0, 0, 48, 12] = ONSET
    roll_wall(wall, tmp_path / "two.png")
    one, two = (marked(pixels(tmp_path / f"{n}.png"), PALETTE[0]).any(0) for n in ("one", "two"))
    assert [int((np.diff(np.concatenate([[0], s.astype(int)])) == 1).sum()) for s in (one, two)] == [1, 2]


def test_no_phrases_or_no_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MusegenError, match="No phrases"):
        roll_wall(phrases(0, 5), tmp_path / "wall.png")
    with pytest.raises(FileError, match="cannot be written"):
        roll_wall(phrases(1, 1), tmp_path / "nowhere" / "wall.png")


def test_curves_have_the_game_and_what_the_looks_found(tmp_path: Path) -> None:
    game = [{"step": i, "V": -1.2, "D(x)": 0.7, "D(G(z))": 0.2} for i in range(20)]
    gan_curves(game, tmp_path / "game.png")
    looks = [{"step": 19, "gaps": {"QN": 0.2, "EB": 0.3, "PP": 0.004}, "diversity": 0.8}]
    looks += [{"step": 9, "gaps": {"QN": 0.4, "PP": 0.04}, "diversity": 0.5}]
    gan_curves([*game, *looks], tmp_path / "both.png")
    alone, both = pixels(tmp_path / "game.png"), pixels(tmp_path / "both.png")
    assert both.shape[0] > alone.shape[0]
    assert marked(alone, PALETTE[0]).sum() > 200 and marked(alone, PALETTE[1]).sum() > 200
    assert not marked(alone, PALETTE[5]).any() and marked(both, PALETTE[5]).sum() > 50  # the line of diversity
    with pytest.raises(MusegenError, match="no figures yet"):
        gan_curves([{"step": 0}], tmp_path / "none.png")

"""The Write page with the real reader and a real model: a file in, bars dragged over and filled, takes out."""

from __future__ import annotations

import base64
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musegen.midi.files import read_midi
from musegen.sampling.seeds import seeds

from .conftest import Opener
from .watched import until

LOUD = 0.003
CHORALE = next(path for path in seeds() if path.stem == "chorale-bwv267")
DROP = """
([name, data]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
  const event = new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true });
  document.querySelector('.write').dispatchEvent(event);
}
"""


@pytest.fixture
def writing(open_page: Opener) -> Any:
    """The Write page with the chorale on it; `page.piece` is what the server said of it."""
    page = open_page("write").page
    page.locator("input[type=file]").set_input_files(CHORALE)
    page.piece = page.evaluate("fetch('/api/files?seed=chorale-bwv267', { method: 'POST' }).then((a) => a.json())")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    return page


def one_take(page: Any, kind: str, takes: int = 1) -> None:
    """Order takes, and wait until they are there."""
    page.get_by_role("button", name=kind, exact=True).first.click()
    page.get_by_label("Takes").first.fill(str(takes))
    page.get_by_label("Takes").first.press("Tab")
    page.locator(".write-go .primary").click()
    page.get_by_role("button", name=f"Play take {takes}", exact=True).wait_for(timeout=90_000)
    page.locator(".job progress").wait_for(state="detached", timeout=90_000)


def fetched(page: Any, name: str, folder: Path) -> Path:
    """What the link called `name` downloads."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    download.value.save_as(folder / download.value.suggested_filename)
    return Path(folder, download.value.suggested_filename)


def test_every_note_of_a_file_is_coloured_by_its_surprise(writing: Any) -> None:
    writing.get_by_text("nats a note to default").wait_for(timeout=60_000)
    assert len(writing.piece["notes"]) == len(read_midi(CHORALE).notes)


def test_bars_that_are_dragged_over_are_filled_and_all_else_stays(writing: Any, tmp_path: Path) -> None:
    bars, end = writing.piece["bars"], writing.piece["end"]
    box = writing.locator(".piece-scroll").bounding_box()
    middles = [box["x"] + box["width"] * (a + b) / 2 / end for a, b in pairwise(bars)]
    writing.mouse.move(middles[2], box["y"] + 80)
    writing.mouse.down()
    writing.mouse.move(middles[3], box["y"] + 90, steps=5)
    writing.mouse.up()
    one_take(writing, "Fill")
    before, after = read_midi(CHORALE).notes, read_midi(fetched(writing, "Download take 1", tmp_path)).notes

    def parted(notes: np.ndarray, inside: bool) -> list[tuple[int, ...]]:
        chosen = (notes["onset"] >= bars[2]) & (notes["onset"] < bars[4])
        return sorted(zip(*(notes[chosen == inside][name].tolist() for name in ("onset", "pitch")), strict=True))

    assert parted(before, False) == parted(after, False)
    assert parted(after, True)
    assert parted(before, True) != parted(after, True)


def test_takes_are_heard_and_compared_at_the_same_place(writing: Any) -> None:
    one_take(writing, "Continue")
    writing.get_by_role("button", name="Play take 1").click()
    until(writing, f"musegenSound.level() > {LOUD}", 60)
    writing.get_by_role("button", name="Stop take 1").wait_for()
    writing.keyboard.press("b")
    writing.get_by_role("button", name="Play take 1").wait_for()
    writing.get_by_role("button", name="Stop", exact=True).wait_for()  # the file plays instead
    until(writing, f"musegenSound.level() > {LOUD}", 60)


def test_a_batch_comes_as_a_zip(writing: Any, tmp_path: Path) -> None:
    one_take(writing, "Continue", takes=2)
    with zipfile.ZipFile(fetched(writing, "All 2 as .zip", tmp_path)) as found:
        names = [name for name in found.namelist() if name.endswith(".mid")]
        assert len(names) == 2
        for name in names:
            assert found.read(name)[:4] == b"MThd"


def test_a_file_is_dropped_on_the_page_and_bars_are_chosen_by_keys(open_page: Opener) -> None:
    page = open_page("write").page
    page.locator(".write").wait_for()
    page.evaluate(DROP, ["mine.mid", base64.b64encode(CHORALE.read_bytes()).decode()])
    roll = page.get_by_role("group", name="notes.")
    roll.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_text("Bars 1 to 2 chosen").wait_for()


def test_what_is_no_music_is_refused_in_one_sentence(open_page: Opener) -> None:
    watched = open_page("write")
    watched.expect("status of 4")
    watched.page.locator(".write").wait_for()
    watched.page.evaluate(DROP, ["bad.mid", base64.b64encode(b"MThd nonsense").decode()])
    said = watched.page.locator(".write > [role=alert]")
    said.wait_for()
    assert "bad.mid" in said.inner_text()
    assert "Traceback" not in said.inner_text()

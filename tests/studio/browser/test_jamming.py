"""A jam on the page, with a real model behind it: played on, seen, heard, steered, silenced; also by keys alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.studio_rig import Studio
from musegen.midi.files import read_midi

from . import access
from .conftest import Opener
from .watched import until

LOUD, SILENT = 0.003, 0.0005
"""RMS of the page's sound, full scale 1: a single note of the piano is ten times LOUD."""

OWN = "[...musegenLive.notes.values()].filter((note) => note[6] === 0)"
THEIRS = "[...musegenLive.notes.values()].filter((note) => note[6] === 1)"

# How many pixels of the roll have a colour, near enough: smoothing and four levels of loudness change it a little.
COLOURED = """
(name) => {
  const canvas = document.querySelector('.roll canvas');
  const paint = new OffscreenCanvas(1, 1).getContext('2d');
  paint.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
  paint.fillRect(0, 0, 1, 1);
  const wanted = paint.getImageData(0, 0, 1, 1).data;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4)
    if ([0, 1, 2].every((c) => Math.abs(data[i + c] - wanted[c]) < 24)) found++;
  return found;
}
"""

LOUDEST = """
(seconds) => new Promise((tell) => {
  const end = performance.now() + 1000 * seconds;
  let most = 0;
  const look = () => {
    most = Math.max(most, musegenSound.level());
    if (performance.now() > end) tell(most);
    else setTimeout(look, 10);
  };
  look();
})
"""


@pytest.fixture
def jamming(open_page: Opener) -> Any:
    """A page on which a jam was started with the one big button, and that is stopped afterwards."""
    page = open_page().page
    page.get_by_role("button", name="Start", exact=True).click()
    playing(page)
    yield page
    page.evaluate("fetch('/api/jam', { method: 'DELETE' })")
    until(page, "fetch('/api/jam').then((a) => a.json()).then((jam) => jam.state !== 'playing')")


def playing(page: Any) -> None:
    """Until music can be played with."""
    until(page, "musegenLive.frame?.rolling || document.querySelector('.wrong')", 60)
    assert page.locator(".wrong").all_inner_texts() == []
    until(page, "musegenSound.ready.value", 60)


def type_notes(page: Any, letters: str, each: int = 240) -> None:
    """A tune on the computer's keys."""
    for letter in letters:
        page.keyboard.press(letter, delay=each)


def test_played_keys_are_answered_drawn_and_heard(jamming: Any) -> None:
    type_notes(jamming, "adgkhgds")
    until(jamming, f"{OWN}.length >= 8")
    assert jamming.evaluate(COLOURED, "--player") > 50
    until(jamming, f"{THEIRS}.length >= 3", 60)
    # No finger is on a key any more: what is heard now is the answer.
    until(jamming, f"musegenSound.level() > {LOUD}", 60)
    until(jamming, f"{THEIRS}.some((note) => note[1] < musegenLive.frame.tick)", 60)
    assert jamming.evaluate(COLOURED, "--model") > 50


def test_panic_is_silence(jamming: Any) -> None:
    jamming.keyboard.press("3")
    until(jamming, "musegenLive.frame.mode === 'solo'")
    until(jamming, f"musegenSound.level() > {LOUD}", 60)
    jamming.get_by_role("button", name="Panic").click()
    until(jamming, f"musegenSound.level() < {SILENT}")
    assert jamming.evaluate(LOUDEST, 3) < LOUD  # it was not just between two notes


def test_a_jam_can_be_read_named_and_touched(jamming: Any) -> None:
    assert access.nameless(jamming) == []
    for scheme in ("dark", "light"):
        jamming.emulate_media(color_scheme=scheme)
        jamming.wait_for_timeout(400)  # colours fade into each other
        assert access.pale(jamming) == [], scheme
    jamming.set_viewport_size({"width": 360, "height": 740})
    jamming.wait_for_timeout(400)
    assert access.outside(jamming) == []
    assert access.small(jamming) == []


@pytest.mark.parametrize(("key", "mode"), [("2", "accompany"), ("4", "loop"), ("5", "harmonise"), ("1", "answer")])
def test_digits_are_modes(jamming: Any, key: str, mode: str) -> None:
    jamming.keyboard.press(key)
    until(jamming, f"musegenLive.frame.mode === '{mode}'")
    pressed = jamming.locator(".modes [aria-pressed=true]")
    pressed.get_by_text(mode.capitalize()).wait_for()
    assert pressed.count() == 1


def test_a_knob_turns_what_the_jam_plays_by(jamming: Any) -> None:
    knob = jamming.get_by_role("slider", name="temperature")
    before = float(knob.get_attribute("aria-valuenow"))
    knob.focus()
    for _ in range(3):
        jamming.keyboard.press("ArrowUp")
    jamming.wait_for_timeout(1500)  # by now the page shows what the jam says, not what was asked of it
    assert float(knob.get_attribute("aria-valuenow")) > before


def test_an_evening_with_the_keyboard_alone(open_page: Opener, studio: Studio) -> None:
    page = open_page().page
    reach(page, "Start")
    page.keyboard.press("Enter")
    playing(page)
    type_notes(page, "adgk")
    until(page, f"{OWN}.length >= 4")
    page.keyboard.press("3")
    until(page, f"{THEIRS}.length >= 3", 60)
    reach(page, "density")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    until(page, f"musegenSound.level() < {SILENT}")
    reach(page, "Stop")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Start", exact=True).wait_for()
    newest = max(Path(studio.folder, "recordings").glob("*.mid"), key=lambda path: path.stat().st_mtime)
    assert len(read_midi(newest).notes) >= 4


def reach(page: Any, name: str) -> None:
    """Press Tab until what has this name is in focus; it must be seen that it is."""
    said = "document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(said) == name:
            ring = page.evaluate(
                "(({ outlineStyle: a, boxShadow: b }) => [a, b])(getComputedStyle(document.activeElement))"
            )
            assert ring != ["none", "none"], f"nothing shows that {name} is in focus"
            return
    raise AssertionError(f"{name} cannot be reached with Tab")


def test_what_was_played_can_be_downloaded(jamming: Any, tmp_path: Path) -> None:
    type_notes(jamming, "adg")
    until(jamming, f"{OWN}.length >= 3")
    jamming.get_by_role("button", name="Stop").click()
    jamming.get_by_role("button", name="Start", exact=True).wait_for()
    jamming.get_by_text("Recordings").first.click()
    with jamming.expect_download() as download:
        jamming.locator(".recordings a").first.click()
    download.value.save_as(tmp_path / "take.mid")
    assert {67, 64, 60} <= set(read_midi(tmp_path / "take.mid").notes["pitch"].tolist())


def test_the_on_screen_keys_are_played_with_a_pointer(open_page: Opener) -> None:
    page = open_page().page
    page.get_by_role("button", name="C4").first.hover()
    page.mouse.down()
    until(page, "musegenSound.ready.value", 60)
    page.mouse.up()
    page.mouse.down()
    until(page, f"musegenSound.level() > {LOUD}")
    page.mouse.up()
    until(page, f"musegenSound.level() < {SILENT}")

"""The page's sound and keys, measured in the browser's own audio graph: what sounds when, and what makes it end."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Opener
from .watched import until

LOUD, SILENT = 0.003, 0.0005
"""RMS of the page's sound, full scale 1: a single note of the piano is about .01."""

# The time (seconds from now) at which it first is loud, of at most `seconds`; null: it never was.
ONSET = """
(seconds) => new Promise((tell) => {
  const begin = performance.now();
  const look = () => {
    const since = (performance.now() - begin) / 1000;
    if (musegenSound.level() > LOUD) tell(since);
    else if (since > seconds) tell(null);
    else setTimeout(look, 2);
  };
  look();
})
""".replace("LOUD", str(LOUD))

# A keyboard that comes and goes: headless browsers have none. What the page does with it is the page's own.
KEYBOARDS = """
const access = { inputs: new Map(), onstatechange: null };
navigator.requestMIDIAccess = async () => access;
window.plug = (name) => {
  access.inputs.set(name, { id: name, name, state: 'connected', onmidimessage: null });
  access.onstatechange?.({});
};
window.pull = (name) => { access.inputs.delete(name); access.onstatechange?.({}); };
window.strike = (name, ...data) => access.inputs.get(name).onmidimessage?.({ data: new Uint8Array(data) });
"""

TWO_PARTS = """{
  notes: [[0, 24, 60, 100, 0, 0], [48, 24, 38, 110, 128, 1]],
  tempos: [[0, 120]], end: 96,
}"""


@pytest.fixture
def sounding(open_page: Opener) -> Any:
    """A page whose sound is ready."""
    page = open_page().page
    page.evaluate("musegenSound.start()")
    until(page, "musegenSound.ready.value", 60)
    return page


def test_nothing_sounds_before_it_is_due_and_what_is_cancelled_never(sounding: Any) -> None:
    sounding.evaluate("musegenSound.message([0x90, 60, 100], performance.now() + 1000)")
    assert sounding.evaluate(ONSET, 0.7) is None
    assert sounding.evaluate(ONSET, 5) is not None
    sounding.evaluate("musegenSound.cancel()")
    until(sounding, f"musegenSound.level() < {SILENT}")
    sounding.evaluate("musegenSound.message([0x90, 60, 100], performance.now() + 500)")
    sounding.evaluate("musegenSound.cancel()")
    assert sounding.evaluate(ONSET, 1.5) is None


def test_a_program_that_came_before_the_sound_was_ready_is_heard(open_page: Opener) -> None:
    page = open_page().page
    page.evaluate("musegenSound.message([0xc0, 16])")  # an organ, which does not fade as a piano does
    page.evaluate("musegenSound.start()")
    until(page, "musegenSound.ready.value", 60)
    page.evaluate("musegenSound.message([0x90, 60, 100])")
    until(page, f"musegenSound.level() > {LOUD}")
    page.wait_for_timeout(6000)
    assert page.evaluate("musegenSound.level()") > LOUD
    page.evaluate("musegenSound.message([0x80, 60, 0])")
    until(page, f"musegenSound.level() < {SILENT}")


def test_a_piece_is_auditioned_in_its_tempo_and_stops_at_once(sounding: Any) -> None:
    sounding.evaluate(f"window.over = 0; window.take = musegenSound.play({TWO_PARTS}, 0, () => over++)")
    until(sounding, f"take.tick() > 4 && musegenSound.level() > {LOUD}")
    until(sounding, f"take.tick() > 50 && musegenSound.level() > {LOUD}")  # the drum
    until(sounding, "over === 1 && take.tick() === 96")
    sounding.evaluate(f"window.take = musegenSound.play({TWO_PARTS}, 0, () => over++)")
    until(sounding, f"musegenSound.level() > {LOUD}")
    sounding.evaluate("take.stop()")
    until(sounding, f"musegenSound.level() < {SILENT}")
    assert sounding.evaluate("over") == 2
    assert sounding.evaluate(ONSET, 1.5) is None, "the drum was taken back"


def test_another_take_goes_on_where_the_first_is(sounding: Any) -> None:
    long = "{notes: [[0, 960, 60, 100, 16, 0]], tempos: [[0, 120]], end: 960}"
    sounding.evaluate(f"window.a = musegenSound.play({long})")
    until(sounding, "a.tick() > 40")
    sounding.evaluate(f"window.from = a.tick(); window.b = musegenSound.play({long}, from)")
    until(sounding, f"b.tick() > from && musegenSound.level() > {LOUD}")
    sounding.keyboard.press("Escape")
    until(sounding, f"musegenSound.level() < {SILENT}")


def test_muting_is_silence_and_is_remembered(sounding: Any) -> None:
    button = sounding.get_by_role("button", name="Sound on")
    sounding.evaluate("musegenSound.message([0xc0, 16]); musegenSound.message([0x90, 60, 100])")
    until(sounding, f"musegenSound.level() > {LOUD}")
    button.click()
    until(sounding, f"musegenSound.level() < {SILENT}")
    sounding.reload()
    sounding.get_by_role("button", name="Sound off").click()
    until(sounding, "musegenSound.ready.value", 60)
    sounding.evaluate("musegenSound.message([0x90, 60, 100])")
    until(sounding, f"musegenSound.level() > {LOUD}")


def test_typed_keys_end_when_the_window_loses_the_keyboard(sounding: Any) -> None:
    sounding.get_by_label("Your sound").select_option("Organ")
    sounding.get_by_role("button", name="Pedal").focus()
    sounding.keyboard.down("a")
    until(sounding, f"musegenSound.level() > {LOUD}")
    assert sounding.locator("[data-pitch='60']").get_attribute("data-by") == "player"
    sounding.evaluate("dispatchEvent(new Event('blur'))")
    until(sounding, f"musegenSound.level() < {SILENT}")
    assert sounding.locator("[data-by]").count() == 0


def test_letters_typed_into_a_field_are_no_music(sounding: Any) -> None:
    sounding.evaluate("document.body.append(Object.assign(document.createElement('input'), { id: 'field' }))")
    sounding.locator("#field").press_sequentially("sad flags")
    assert sounding.evaluate(ONSET, 1) is None
    assert sounding.locator("#field").input_value() == "sad flags"


def test_two_fingers_play_two_keys_and_a_sliding_one_the_keys_it_crosses(open_page: Opener) -> None:
    page = open_page(has_touch=True, viewport={"width": 360, "height": 740}).page
    lit = "[...document.querySelectorAll('[data-by=player]')].map((key) => +key.dataset.pitch).sort()"
    session = page.context.new_cdp_session(page)
    page.locator(".piano-keys").scroll_into_view_if_needed()
    c, e, f = (place(page, pitch) for pitch in (60, 64, 65))
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{**c, "id": 1}, {**e, "id": 2}]})
    until(page, f"String({lit}) === '60,64'")
    session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{**c, "id": 1}, {**f, "id": 2}]})
    until(page, f"String({lit}) === '60,65'")
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(page, f"{lit}.length === 0")


def place(page: Any, pitch: int) -> dict[str, float]:
    """The middle of a key's front."""
    box = page.locator(f"[data-pitch='{pitch}']").bounding_box()
    return {"x": box["x"] + box["width"] / 2, "y": box["y"] + 0.9 * box["height"]}


def test_keyboards_of_the_browser_come_and_go_and_leave_no_note(open_page: Opener) -> None:
    page = open_page().page
    page.add_init_script(KEYBOARDS)
    page.reload()
    page.get_by_label("Your sound").select_option("Organ")
    page.get_by_role("button", name="MIDI keyboard").click()
    page.get_by_text("No keyboard yet").wait_for()
    until(page, "musegenSound.ready.value", 60)
    page.evaluate("plug('Keys'); plug('musegen out')")
    page.get_by_text("Hears Keys.").wait_for()
    page.evaluate("strike('musegen out', 0x90, 60, 100); strike('Keys', 0xf8)")
    assert page.evaluate(ONSET, 0.7) is None, "what the model plays is not the person's"
    page.evaluate("strike('Keys', 0x90, 64, 100)")
    until(page, f"musegenSound.level() > {LOUD}")
    page.evaluate("pull('Keys')")
    page.get_by_text("No keyboard yet").wait_for()
    until(page, f"musegenSound.level() < {SILENT}")

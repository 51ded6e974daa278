"""The page as it comes: it loads whole, asks nobody else for anything, and is there for eyes, fingers and keys."""

from __future__ import annotations

import pytest

from benchmarks.studio_rig import Studio

from . import access
from .conftest import Opener

TABS = ("jam", "write", "look")
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}


def test_the_page_loads_and_asks_only_its_own_server(open_page: Opener) -> None:
    watched = open_page()
    for name in ("Jam", "Write", "Look"):
        watched.page.get_by_role("link", name=name).click()
    watched.page.wait_for_timeout(500)
    assert any(url.endswith("/ws") for url in watched.requests)
    assert watched.foreign() == []
    assert watched.wrong() == []


def test_the_token_does_not_stay_in_the_address(open_page: Opener) -> None:
    page = open_page().page
    assert "token" not in page.url
    assert page.evaluate("document.cookie") == ""  # no script can read it either


def test_without_the_token_there_is_one_sentence(browser: object, studio: Studio) -> None:
    page = browser.new_page()  # type: ignore[attr-defined]
    answer = page.goto(studio.origin)
    assert answer.status == 401
    assert "musegen studio" in page.inner_text("body")
    page.close()


@pytest.mark.parametrize("tab", TABS)
def test_every_control_has_a_name(open_page: Opener, tab: str) -> None:
    page = open_page(tab).page
    page.get_by_role("link", name=tab.capitalize()).wait_for()
    assert access.controls(page) >= 4
    assert access.nameless(page) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("tab", TABS)
def test_texts_can_be_read_in_dark_and_light(open_page: Opener, tab: str, scheme: str) -> None:
    page = open_page(tab, color_scheme=scheme).page
    page.get_by_role("link", name=tab.capitalize()).wait_for()
    assert (access.ground(page) < 0.2) == (scheme == "dark")
    assert access.pale(page) == []


@pytest.mark.parametrize("tab", TABS)
def test_it_fits_a_phone(open_page: Opener, tab: str) -> None:
    page = open_page(tab, **PHONE).page
    page.get_by_role("link", name=tab.capitalize()).wait_for()
    assert access.outside(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert access.small(page) == []


def test_the_tabs_work_by_keyboard(open_page: Opener) -> None:
    page = open_page().page
    page.get_by_role("link", name="Jam").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    write = page.get_by_role("link", name="Write")
    write.and_(page.locator("[aria-current=page]")).wait_for()
    assert page.url.endswith("#write")

"""The pictures of the studio in docs/images: a jam that is played, a file with takes, and what Look shows.

    python -m benchmarks.studio_pictures [--out docs/images]

A real server, model and browser. What the model plays differs from time to time, as on a stage.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from .studio import WHEN, WINDOW
from .studio_rig import chromium, studio

TUNE = "adgkjgdfhfdsgdsa"
SEED = "chorale-bwv267"


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="(%(default)s)")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder, studio(Path(folder)) as server, chromium() as browser:
        page = browser.new_page(viewport=WINDOW, color_scheme="dark")
        page.goto(server.url)
        for name, show in (("jam", jam), ("write", write), ("look", look)):
            show(page)
            page.screenshot(path=out / f"studio-{name}.png")


def jam(page: Any) -> None:
    """Somebody plays, and it plays along."""
    page.get_by_role("radio", name="Accompany").check(force=True)
    page.get_by_role("button", name="Start", exact=True).click()
    page.evaluate(WHEN.replace("EXPRESSION", "window.musegenLive?.frame?.rolling"))
    for key in TUNE:
        page.keyboard.press(key, delay=235)
    for key in "adg":
        page.keyboard.down(key)
    page.wait_for_timeout(700)


def write(page: Any) -> None:
    """A chorale, two of its bars chosen and filled."""
    for key in "adg":
        page.keyboard.up(key)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Start", exact=True).wait_for()
    page.get_by_role("link", name="Write").click()
    page.get_by_role("combobox").first.select_option(SEED)
    page.get_by_text("nats a note").wait_for()
    page.get_by_role("group", name="notes.").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Fill", exact=True).first.click()
    page.locator(".write-go .primary").click()
    page.get_by_role("button", name="Play take 4").wait_for(timeout=120_000)
    page.locator(".job progress").wait_for(state="detached", timeout=60_000)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)


def look(page: Any) -> None:
    """The checkpoints."""
    page.get_by_role("link", name="Look").click()
    page.get_by_role("button", name="chorale", exact=True).click()
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    main()

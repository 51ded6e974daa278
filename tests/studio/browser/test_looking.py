"""The Look page: a run's curves while it grows, a corpus, and checkpoints with cards whose words are only words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.studio_rig import Studio
from musegen.shipped import checkpoints_folder

from ...small_corpus import small_corpus
from . import access
from .conftest import Opener
from .watched import until

TRAP = '# A card\n\n<img src=x onerror="window.trapped = true"> <script>window.trapped = true</script>\n'


def log(folder: Path, first: int, last: int) -> None:
    """A training run's records from step `first` to `last` of 100, as `training.progress` writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "log.jsonl", "a") as out:
        for step in range(first, last + 1):
            out.write(json.dumps({"step": step, "of": 100, "train": 9 / step, "seconds": float(step)}) + "\n")


def test_a_run_is_drawn_while_it_grows(open_page: Opener, studio: Studio) -> None:
    log(studio.folder / "runs" / "waltzes", 1, 20)
    page = open_page("look").page
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name="waltzes"))
    row.get_by_text("20", exact=True).wait_for()
    until(page, "document.querySelector('[aria-label=Training] :is(svg, canvas)')")
    log(studio.folder / "runs" / "waltzes", 21, 100)
    row.get_by_text("100", exact=True).wait_for(timeout=30_000)
    row.get_by_text("finished").wait_for()


def test_a_card_is_shown_and_never_run(open_page: Opener, studio: Studio) -> None:
    mine = studio.folder / "checkpoints" / "mine"
    shutil.copytree(checkpoints_folder() / "humaniser", mine)
    (mine / "README.md").write_text(TRAP)
    page = open_page("look").page
    page.get_by_role("button", name="mine", exact=True).click()
    page.get_by_text("A card").wait_for()
    page.get_by_role("button", name="default", exact=True).click()
    page.get_by_role("region", name="All checkpoints").wait_for()
    assert page.evaluate("window.trapped") is None
    assert page.locator("main img, main script").count() == 0
    assert access.nameless(page) == []


def test_a_corpus_says_what_is_in_it(open_page: Opener, studio: Studio) -> None:
    scratch = studio.folder / "scratch"
    scratch.mkdir()
    small_corpus(scratch, tunes=8)
    (studio.folder / "corpora").mkdir()
    (scratch / "corpus").rename(studio.folder / "corpora" / "tunes")
    page = open_page("look").page
    page.get_by_role("button", name="tunes", exact=True).click()
    page.get_by_label("About tunes").get_by_text("fingerprint").wait_for()
    until(page, "document.querySelector('[aria-label=\"About tunes\"] :is(svg, canvas)')")
    assert access.nameless(page) == []
    assert access.pale(page) == []

"""What the studio's page costs: frames a second with 5,000 visible notes, its weight, and the time to the first sound.

    python -m benchmarks.studio [--seconds S] [--notes N] [--rounds N] [--json FILE]

A headless Chromium shows the built page. For frames, the page's own server sends it a made-up jam over its own socket
(`studio_feed`), thirty frames a second as `musegen jam --json` does, so that how many notes are in sight is known.
Contenders, in turn in every round:

    empty loop  the peer: a blank page that asks for animation frames and does nothing in them
    no notes    the page, a jam playing, nothing on the roll
    N notes     the page with N notes on the roll, which scrolls; every frame brings some of them

Of each: animation frames a second, the 99th percentile of the time between two, and the processor time that the page's
main thread took for one (Chrome's TaskDuration in thread ticks, so other programs do not count; 16.7 is all there is at
60). The other figures are of the real studio with a real jam. Without a graphics card Chromium paints on the processor,
in threads that are not counted here but take the processor's time: on a busy machine look at the milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .machine import add_json, print_header, write_json
from .studio_feed import BARS, PAST, SPAN, Feed, feeding
from .studio_rig import chromium, studio

WINDOW = {"width": 1280, "height": 900}
SETTLE = 2000  # milliseconds until a page has taken in what it gets first

FRAMES = """
(seconds) => new Promise((tell) => {
  const times = [];
  const step = (now) => {
    times.push(now);
    if (now - times[0] < seconds * 1000) requestAnimationFrame(step);
    else tell(times);
  };
  requestAnimationFrame(step);
})
"""
SEEN = f"""
[...musegenLive.notes.values()].filter(([, onset]) => {{
  const from = musegenLive.frame.tick - {PAST * SPAN};
  return onset >= from && onset <= from + {SPAN};
}}).length
"""
PRESSED = "addEventListener('keydown', (event) => { window.pressed = event.timeStamp; }, true)"
HEARD = "musegenSound.level() > 0.003"
WHEN = """
() => new Promise((tell, fail) => {
  const look = () => {
    if (EXPRESSION) tell(performance.now());
    else if (performance.now() > 90_000) fail(new Error('It never came to EXPRESSION'));
    else setTimeout(look, 4);
  };
  look();
})
"""
"""Resolves to the page's time at which an expression is true; a page's policy forbids Playwright's own way."""


def main() -> None:
    """Measure, and print the tables."""
    args = _arguments()
    print_header("playwright", "fastapi", "uvicorn", "websockets")
    with chromium() as browser:
        print(f"browser   Chromium {browser.version}, headless, {WINDOW['width']} × {WINDOW['height']}\n")
        rows = frames(browser, args)
        weights = weight(browser)
        sounds = first_sound(browser, args.rounds)
    write_json(args.json, {"studio frames": rows, "studio weight": weights, "studio sound": sounds}, ("playwright",))


def frames(browser: Any, args: argparse.Namespace) -> list[dict[str, object]]:
    """Frames a second and main-thread time of every contender."""
    names = {"empty loop": None, "no notes": 0, f"{args.notes:,} notes": args.notes}
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    with feeding() as (feed, url):
        for _ in range(args.rounds):
            for name, notes in names.items():
                found[name].append(_frames(browser, feed, url, notes, args.seconds))
    print(f"{'contender':<14}{'frames/s':>10}{'p99 ms':>9}{'main ms/frame':>15}   frames/s of the peer's")
    rows: list[dict[str, object]] = []
    for name, runs in found.items():
        rate, late, busy = (statistics.median(run[i] for run in runs) for i in range(3))
        ratio = statistics.median(run[0] / peer[0] for run, peer in zip(runs, found["empty loop"], strict=True))
        rows.append({"contender": name, "frames_s": rate, "p99_ms": late, "main_ms": busy, "ratio": ratio})
        print(f"{name:<14}{rate:>10.1f}{late:>9.1f}{busy:>15.2f}   {ratio:.3f}", flush=True)
    print()
    return rows


def _frames(browser: Any, feed: Feed, url: str, notes: int | None, seconds: float) -> tuple[float, float, float]:
    page = browser.new_page(viewport=WINDOW)
    page.add_init_script(f"try {{ localStorage.setItem('musegen bars seen', '{BARS}') }} catch {{}}")
    if notes is not None:
        feed.notes = notes
        page.goto(url)
        page.evaluate(WHEN.replace("EXPRESSION", "window.musegenLive?.frame"))
    page.wait_for_timeout(SETTLE)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _busy(session)
    times = np.array(page.evaluate(FRAMES, seconds))
    busy = 1000 * (_busy(session) - before) / len(times)
    if notes:
        seen = page.evaluate(SEEN)
        assert seen > 0.98 * notes, f"only {seen} notes are in sight"
    page.close()
    between = np.diff(times)
    return 1000 / float(between.mean()), float(np.percentile(between, 99)), busy


def _busy(session: Any) -> float:
    """Seconds of processor time that tasks of the page's main thread have taken so far."""
    metrics = {row["name"]: row["value"] for row in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def weight(browser: Any) -> list[dict[str, object]]:
    """What the first and the second visit bring over the wire, and how long until the page can be used."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder, studio(Path(folder)) as server:
        context = browser.new_context(viewport=WINDOW)
        print(f"{'visit':<8}{'page kB':>10}{'SoundFont kB':>14}{'readable ms':>13}")
        for visit in ("first", "second"):
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            urls: dict[str, str] = {}
            sizes: dict[str, float] = {}
            session.on(
                "Network.requestWillBeSent", lambda e, urls=urls: urls.update({e["requestId"]: e["request"]["url"]})
            )
            session.on(
                "Network.loadingFinished", lambda e, sizes=sizes: sizes.update({e["requestId"]: e["encodedDataLength"]})
            )
            page.goto(server.url if visit == "first" else server.origin)
            while not page.evaluate(
                "window.musegenSound?.ready.value"
            ):  # the first press may come before the page hears
                page.keyboard.press("a", delay=30)
            painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            kinds = {"page": 0.0, "font": 0.0}  # of an audio worklet's own file the browser tells nothing
            for number, size in sizes.items():
                url = urls.get(number, "")
                kinds["font" if "/sound/" in url else "page"] += size / 1000
            rows.append({"visit": visit, **kinds, "readable_ms": painted})
            print(f"{visit:<8}{kinds['page']:>10.0f}{kinds['font']:>14.0f}{painted:>13.0f}", flush=True)
            page.close()
        context.close()
    print()
    return rows


def first_sound(browser: Any, rounds: int) -> list[dict[str, object]]:
    """From a key, and from Start, to what is heard; each round in a profile of its own, so that nothing is cached."""
    taken: dict[str, list[float]] = {"the page, keys pressed at once": [], "a key, sound on": [], "Start, solo": []}
    with tempfile.TemporaryDirectory() as folder, studio(Path(folder)) as server:
        for _ in range(rounds):
            context = browser.new_context(viewport=WINDOW)
            page = context.new_page()
            page.goto(server.url)
            page.evaluate(PRESSED)
            while not page.evaluate(HEARD):  # keys pressed before the SoundFont is there are lost
                page.keyboard.press("a", delay=30)
            taken["the page, keys pressed at once"].append(page.evaluate("performance.now()"))
            page.wait_for_timeout(SETTLE)
            page.keyboard.down("a")
            taken["a key, sound on"].append(page.evaluate(WHEN.replace("EXPRESSION", HEARD)) - page.evaluate("pressed"))
            page.keyboard.up("a")
            page.wait_for_timeout(SETTLE)
            page.get_by_role("radio", name="Solo").check(force=True)
            begun = page.evaluate("performance.now()")
            page.get_by_role("button", name="Start", exact=True).click()
            taken["Start, solo"].append(page.evaluate(WHEN.replace("EXPRESSION", HEARD)) - begun)
            page.evaluate("fetch('/api/jam', { method: 'DELETE' })")
            context.close()
    print("to the first sound from …, median ms")
    for name, times in taken.items():
        print(f"  {name:<34}{statistics.median(times):>8.0f}", flush=True)
    return [{"from": name, "ms": statistics.median(times)} for name, times in taken.items()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="that frames are counted for (%(default)s)")
    parser.add_argument("--notes", type=int, default=5000, help="in sight (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    add_json(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What a page is to somebody who does not see it, or sees badly: names, contrast, sizes, measured in the browser."""

from __future__ import annotations

from typing import Any

CONTROLS = {
    "button", "checkbox", "combobox", "image", "img", "link", "listbox", "menuitem", "radio", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip


def nameless(page: Any) -> list[str]:
    """Controls and pictures without a name, as a screen reader finds them: role and markup of each."""
    session = page.context.new_cdp_session(page)
    try:
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        found = []
        for node in nodes:
            role = node.get("role", {}).get("value", "")
            if role in CONTROLS and not node.get("ignored") and not node.get("name", {}).get("value", "").strip():
                where = {"backendNodeId": node["backendDOMNodeId"]}
                found.append(f"{role}: {session.send('DOM.getOuterHTML', where)['outerHTML'][:120]}")
        return found
    finally:
        session.detach()


def controls(page: Any) -> int:
    """How many controls and pictures a screen reader finds."""
    session = page.context.new_cdp_session(page)
    try:
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    finally:
        session.detach()
    return sum(node.get("role", {}).get("value") in CONTROLS and not node.get("ignored") for node in nodes)


COLOURS = """
const number = (text) => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
const light = (rgb) => {
  const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(number(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
"""


def ground(page: Any) -> float:
    """How light the page's ground is: its relative luminance, 0 … 1."""
    return float(page.evaluate(f"() => {{ {COLOURS} return light(behind(document.body)); }}"))


PALE = """
() => {
  COLOURS
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (e.closest('[disabled], [aria-disabled=true], .visually-hidden, option')) continue;
    const style = getComputedStyle(e), ground = behind(e);
    const [a, b] = [light(over(number(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${e.outerHTML.slice(0, 100)}`);
  }
  return found;
}
"""


def pale(page: Any) -> list[str]:
    """Texts with less contrast than WCAG 2.2 asks for (1.4.3: 4.5, large ones 3)."""
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")  # colours that still change
    return list(page.evaluate(PALE.replace("COLOURS", COLOURS)))


SMALL = """
(least) => [...document.querySelectorAll('button, input:not([type=hidden]), select, a[href], [role=slider]')]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.visually-hidden'))
  .map((e) => [(e.closest('label') ?? e).getBoundingClientRect(), e])
  .filter(([box]) => box.width > 0 && (box.width < least || box.height < least))
  .map(([box, e]) => `${Math.round(box.width)} × ${Math.round(box.height)}: ${e.outerHTML.slice(0, 100)}`)
"""


def small(page: Any, least: int = 24) -> list[str]:
    """Controls that a finger misses (WCAG 2.2, 2.5.8: 24 pixels)."""
    return list(page.evaluate(SMALL, least))


OUTSIDE = """
() => {
  const wide = document.documentElement.clientWidth;
  const inside = (e) => { // whatever scrolls by itself may be wider
    for (let p = e.parentElement; p; p = p.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX) && p !== document.body) return true;
    return false;
  };
  return [...document.querySelectorAll('body *')]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > wide + 1 && !inside(e))
    .map((e) => e.outerHTML.slice(0, 100));
}
"""


def outside(page: Any) -> list[str]:
    """Elements that stick out on the right, so that the whole page must be pushed sideways to be read."""
    return list(page.evaluate(OUTSIDE))

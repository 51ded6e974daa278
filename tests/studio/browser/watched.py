"""A page in a browser profile of its own, and everything that went wrong on it: errors, refusals, foreign requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

VIOLATIONS = """
window.violations = [];
addEventListener('securitypolicyviolation', (e) => violations.push(`${e.violatedDirective}: ${e.blockedURI}`));
"""

# Playwright's own wait_for_function evaluates text inside the page, which the page's policy forbids.
UNTIL = """
(milliseconds) => new Promise((tell) => {
  const end = performance.now() + milliseconds;
  const look = async () => {
    let found = false;
    try { found = await (EXPRESSION); } catch { /* what it asks about is not there yet */ }
    if (found || performance.now() > end) tell(Boolean(found));
    else setTimeout(look, 20);
  };
  look();
})
"""


def until(page: Any, expression: str, seconds: float = 20.0) -> None:
    """Wait until a JavaScript expression (or what it promises) is true on the page."""
    assert page.evaluate(UNTIL.replace("EXPRESSION", expression), 1000 * seconds), f"it never came to {expression}"


class Watched:
    """`page`, with what its console, its scripts, its policy and its requests complained about."""

    def __init__(self, browser: Any, origin: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.requests: list[str] = []
        self._complaints: list[str] = []
        self._expected: list[str] = []
        self._own = urlsplit(origin).netloc
        self.page.add_init_script(VIOLATIONS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda found: self.requests.append(found.url))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def expect(self, words: str) -> None:
        """Complaints that hold `words` are what this test is about."""
        self._expected.append(words)

    def foreign(self) -> list[str]:
        """Requests that went anywhere but to the studio."""
        inside = ("data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(inside) and urlsplit(url).netloc != self._own]

    def wrong(self) -> list[str]:
        """Everything that nobody asked for."""
        found = [*self._complaints, *(f"asked elsewhere: {url}" for url in self.foreign())]
        found += [f"against the page's policy: {what}" for what in self.page.evaluate("window.violations ?? []")]
        return [sentence for sentence in found if not any(words in sentence for words in self._expected)]

    def close(self) -> None:
        """End the profile."""
        self.context.close()

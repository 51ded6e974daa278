"""Who may talk to the studio: the guard that every request and every socket passes before anything else sees it.

Four questions, in this order. Is the Host one of ours (a name that a stranger's DNS points at this machine is not)?
Does the request come from our own page, as the browser says by Origin and Sec-Fetch-Site? Does it show the token, by
the cookie that the printed address sets or as `Authorization: Bearer`? Is its body small? Knows nothing of routes.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from html import escape
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from .settings import StudioSettings

MAX_BODY = 5 * 2**20 + 2**16
"""Bytes: a file of 5 MB, and what a form puts around it."""

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "midi=(self), autoplay=(self), camera=(), microphone=(), geolocation=()",
}
"""What every answer carries: the page runs its own scripts only, talks to us only, and nobody may frame it."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,12}")
_SAFE_METHODS = ("GET", "HEAD")
_A_YEAR = 365 * 86400  # seconds


def is_loopback(host: str) -> bool:
    """Whether what listens at `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


class Refusal(Exception):
    """A request is turned away with this status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Guard:
    """Stands before `app`; `token` opens it."""

    def __init__(self, app: ASGIApp, settings: StudioSettings, token: str) -> None:
        self._app, self._token = app, token.encode()
        self._host = settings.host.strip("[]").lower()
        self._open = not is_loopback(self._host)
        self._cookie = f"musegen-{settings.port}"  # cookies do not tell ports apart, and two studios may run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let it through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = _with_headers(scope, send)
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            if self._brings_token(scope):
                await self._enter()(scope, receive, send)
                return
            self._check_sender(scope, headers)
            self._check_token(headers)
            if scope["type"] == "http":
                receive, send = _bounded(headers, receive, send)
        except Refusal as refusal:
            await _refuse(scope, refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        """Raise Refusal unless the request names this machine in a way that nobody else's DNS can."""
        hosts = headers.getlist("host")
        found = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        name = found[1].strip("[]") if found else ""
        if not name or not (name == self._host or is_loopback(name) or (self._open and _is_ours(name))):
            raise Refusal(421, "This studio does not go by that name: open the address that musegen studio printed.")

    def _check_sender(self, scope: Scope, headers: Headers) -> None:
        """Raise Refusal for what another site's page sent."""
        origin, host = headers.get("origin"), headers["host"].lower()
        if origin is not None:
            ours = origin.lower() in (f"http://{host}", f"https://{host}")
        elif scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
            ours = self._bearer(headers) is not None  # browsers always say the Origin here; a script need not
        else:
            opened = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
            ours = opened or headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        if not ours:
            raise Refusal(403, "Only the studio's own page may ask this.")

    def _check_token(self, headers: Headers) -> None:
        shown = self._bearer(headers)
        if shown is None:
            shown = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        if not self._same(shown):
            raise Refusal(401, "Open the address that musegen studio printed: it holds the key to this page.")

    @staticmethod
    def _bearer(headers: Headers) -> str | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def _same(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._token)

    def _brings_token(self, scope: Scope) -> bool:
        """Whether this opens the printed address."""
        if scope["type"] != "http" or scope["method"] not in _SAFE_METHODS or scope["path"] != "/":
            return False
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return len(shown) == 1 and self._same(shown[0])

    def _enter(self) -> Response:
        """To the page, whose address then holds no token that could be seen or passed on."""
        response = RedirectResponse("/", 303)
        response.set_cookie(self._cookie, self._token.decode(), _A_YEAR, httponly=True, samesite="strict")
        return response


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_ours(name: str) -> bool:
    """A number, which no DNS stands behind, or this machine's own name."""
    own = socket.gethostname().lower()
    return _address(name) is not None or name in (own, f"{own.partition('.')[0]}.local")


def _with_headers(scope: Scope, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            # the page is asked for anew each time, so that a newer musegen's is not mixed with an older one's
            headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/api") else "no-cache")
        await send(message)

    return sending


def _bounded(headers: Headers, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """`receive` and `send` for a body of at most MAX_BODY. Raises Refusal at once where its length says more.

    A longer one that does not say so is cut off where it passes the bound, and the answer is the refusal's.
    """
    too_long = Refusal(413, "That is more than 5 MB, too much for the studio.")
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length) or int(length) > MAX_BODY:
        raise too_long
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise too_long
        return message

    async def sending(message: Message) -> None:
        if seen <= MAX_BODY:
            await send(message)
        elif message["type"] == "http.response.start":  # whatever the app makes of it
            body = JSONResponse({"error": str(too_long)}, too_long.status, {"Connection": "close"})
            await send({**message, "status": too_long.status, "headers": body.raw_headers})
            await send({"type": "http.response.body", "body": body.body})

    return receiving, sending


def _refuse(scope: Scope, refusal: Refusal) -> ASGIApp:
    if scope["type"] == "websocket":
        return WebSocketClose(1008)
    if scope["path"].startswith("/api"):
        return JSONResponse({"error": str(refusal)}, refusal.status)
    page = f"<!doctype html><meta charset=utf-8><title>musegen studio</title><p>{escape(str(refusal))}</p>"
    return HTMLResponse(page, refusal.status)

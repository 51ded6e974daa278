"""Serves the studio: finds a port, says the address, opens it, and runs until it is told to end.

Knows nothing of what it serves.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import webbrowser
from dataclasses import replace
from types import FrameType

import uvicorn
from fastapi import FastAPI

from ..errors import SettingsError
from .app import create_app
from .security import is_loopback
from .settings import StudioSettings

_PORTS = 20  # that are tried, one after the other
_AT_ONCE = 200  # connections and tasks; a page needs two
_COMMAND = 2**16  # bytes of the longest message through the socket


def serve(settings: StudioSettings, token: str, browse: bool) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises SettingsError where it cannot listen."""
    listening = listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    if settings.port not in (0, port):
        print(f"Port {settings.port} is taken, so the studio is at {port}.")
    settings = replace(settings, port=port)
    url = address(settings, token)
    print(f"The studio is at  {url}\nCtrl-C ends it.")
    if not is_loopback(settings.host):
        print(warning(settings))
    sys.stdout.flush()
    if browse and _has_screen():
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    server_of(create_app(settings, token)).run(sockets=[listening])


def server_of(app: FastAPI) -> uvicorn.Server:
    """What serves `app`."""
    return _Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # it would hold the token
            server_header=False,
            proxy_headers=False,  # nobody may say for us who asks
            ws_max_size=_COMMAND,
            ws_per_message_deflate=False,  # the network is none; the core is shared with the model
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=3,
        )
    )


class _Server(uvicorn.Server):
    """Ctrl-C twice is once: the second would cut off a jam that is being saved, and print where it did."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called with SIGINT and SIGTERM."""
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at `port`, or at the next that is free. Raises SettingsError."""
    if not host.strip("[]"):
        raise SettingsError("--host needs an address, such as 127.0.0.1.")  # an empty one would be all of them
    for number in range(port, min(port + _PORTS, 65536)) if port else [0]:
        try:
            return _listen(host, number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingsError(f"The studio cannot listen at {host}, port {number}: {error.strerror}.") from None
    raise SettingsError(f"The ports from {port} to {port + _PORTS - 1} are all taken: give another with --port.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Windows would let another program listen at the same port; elsewhere it is what lets us come back at once.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR if exclusive is None else exclusive, 1)
        found.bind((host.strip("[]"), port))
        found.listen(128)  # so that the browser may come before the server is ready
    except BaseException:
        found.close()
        raise
    return found


def address(settings: StudioSettings, token: str = "") -> str:
    """The page's address; `token` opens it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host.strip("[]"), settings.host.strip("[]"))
    where = f"[{host}]" if ":" in host else host
    return f"http://{where}:{settings.port}/" + (f"?token={token}" if token else "")


def warning(settings: StudioSettings) -> str:
    """What listening beyond this machine opens, said plainly."""
    return (
        f"It listens at {settings.host}: whoever on your network has this address, key and all, can play here, hear "
        "and download what is recorded and read your runs and corpora. Nothing is encrypted on the way: do this in a "
        "network that you trust, or leave out --host and use  ssh -L."
    )


def _has_screen() -> bool:
    """Whether there is one for a browser: without, webbrowser would start one inside the terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

"""`musegen studio`: serve the studio's page on this machine, and open it."""

from __future__ import annotations

import argparse
from pathlib import Path

HOST, PORT = "127.0.0.1", 8765


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of studio."""
    parser.add_argument(
        "--host", default=HOST, help="listen at this address; beyond %(default)s others on your network can reach it"
    )
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="or the next that is free (%(default)s)")
    parser.add_argument("--no-open", action="store_true", help="print the page's address, do not open it")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", default=Path("recordings"), help="where recordings go (%(default)s)"
    )
    parser.add_argument("--new-token", action="store_true", help="change the secret in the address: bookmarks expire")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; a jam that plays is ended, its recording saved."""
    from ..errors import SettingsError

    if not 0 <= args.port <= 65535:
        raise SettingsError(f"--port must be 0 to 65535 (0: any that is free), not {args.port}.")
    from ..studio.server import serve
    from ..studio.settings import StudioSettings
    from ..studio.tokens import token_at, token_path

    token = token_at(token_path(), args.new_token)
    serve(StudioSettings(host=args.host, port=args.port, record=args.record), token, not args.no_open)
    return 0

"""The `musegen` command: finds the verb, hands it the arguments, and turns errors into one sentence.

Knows nothing of what the verbs do. The module of a verb `musegen.cli.<verb>` has `configure(parser)`, which
adds its options, and `run(args)`, which does the work and may return an exit status. Only the module of the
chosen verb is imported, so `musegen --help` is quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

from .. import __version__
from ..errors import MissingPackageError, MusegenError, SettingsError

VERBS = {
    "jam": "play on from a seed phrase, in real time, to a MIDI port",
    "generate": "write many continuations of a file to a folder",
    "studio": "open a page that shows and steers a jam, and writes and plays files",
    "score": "say how likely files are under a model, and which of their notes surprise it",
    "classify": "say which style files are most likely in, by Bayes' rule and by classifiers beside it",
    "infill": "write some bars, a part or an attribute of a file anew, from what stands around it",
    "render": "make sound files of music files, with General MIDI instruments",
    "humanise": "have the drums of a file played as drummers play, off the grid and with dynamics; or undo it",
    "train": "train a model on a corpus",
    "corpus": "build a corpus from folders of music, or show what is in one",
    "evaluate": "find out whether checkpoints play music: likelihood, likeness to real music, copying, the long run",
    "benchmark": "train on a published benchmark's data and print its table",
    "ports": "list the MIDI ports of this machine",
    "doctor": "check whether this machine is ready for a jam, and what is missing",
}
"""Every verb and its line of help, in the order of `musegen --help`."""

_EXTRA_OF = {
    "torch": "train",
    "sklearn": "train",
    "music21": "scores",
    "matplotlib": "plots",
    "tensorboard": "tensorboard",
    "vizdoom": "freedoom",
    "fastapi": "studio",
    "starlette": "studio",
    "uvicorn": "studio",
    "websockets": "studio",
}
"""The optional packages that a verb may find missing, and the extra that brings each."""

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
BROKEN_PIPE = 141  # 128 + SIGPIPE


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are SettingsErrors like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise `message` as one sentence that says where the options are listed."""
        raise SettingsError(f"{message} (see  {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return the exit status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        try:
            return _dispatch(argv)
        finally:
            sys.stdout.flush()  # here, so that a closed pipe is noticed here
    except MusegenError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA_OF:
            raise
        return _complain(str(MissingPackageError(package, f"musegen {argv[0]}", _EXTRA_OF[package])))
    except OSError as error:
        if error.filename is None:
            raise
        return _complain(f"{error.filename}: {error.strerror}")


def _dispatch(argv: Sequence[str]) -> int:
    if not argv or argv[0].startswith("-"):
        top = _top_parser()
        top.parse_args(argv)
        top.print_help()
        return 0
    verb, rest = argv[0], argv[1:]
    if verb not in VERBS:
        raise SettingsError(_no_such_verb(verb))
    module = import_module(f"musegen.cli.{verb}")
    parser = Parser(prog=f"musegen {verb}", description=_sentence(VERBS[verb]), allow_abbrev=False)
    module.configure(parser)
    return int(module.run(parser.parse_args(rest)) or 0)


def _top_parser() -> Parser:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:{width}}  {line}" for verb, line in VERBS.items())
    parser = Parser(
        prog="musegen",
        usage="musegen VERB [options]",
        description="Plays on from a few bars of your music.",
        epilog=f"verbs:\n{verbs}\n\n  musegen VERB --help  lists a verb's options",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"musegen {__version__}")
    return parser


def _sentence(line: str) -> str:
    return f"{line[0].upper()}{line[1:]}."


def _no_such_verb(verb: str) -> str:
    near = get_close_matches(verb, VERBS, n=1, cutoff=0.5)
    if near:
        return f"There is no verb {verb!r}: did you mean  musegen {near[0]} ?"
    return f"There is no verb {verb!r}: the verbs are {', '.join(VERBS)}."


def _complain(sentence: str) -> int:
    print(f"musegen: {sentence}", file=sys.stderr)
    return 1

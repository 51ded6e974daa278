"""musegen plays on from a few bars of your music.

    import musegen
    model = musegen.load("default")
    pieces = musegen.generate(model, "tune.mid", n=4, bars=8)
    musegen.write_music(pieces[0], "out.mid")

Names are looked up where they live on first use, so `import musegen` costs nothing and loads neither
torch nor any music library. To add a public name, add it to `_HOME` and to the TYPE_CHECKING imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "Piece": "piece",
    "Note": "piece",
    "Tempo": "piece",
    "Meter": "piece",
    "Key": "piece",
    "Metadata": "piece",
    "EventCodec": "events.codec",
    "Events": "events.codec",
    "read_music": "midi.music",
    "write_music": "midi.music",
    "load": "engine.bars",
    "from_pretrained": "engine.bars",
    "generate": "sampling.simple",
    "generate_files": "batches.simple",
    "infill": "sampling.infill",
    "accompany": "sampling.accompany",
    "humanise": "sampling.humanise",
    "score": "evaluation.density",
    "classify": "evaluation.bayes",
    "SamplerSettings": "sampling.sampler",
    "Limits": "sampling.plan",
    "render": "audio",
    "Corpus": "corpus.store",
    "MusegenError": "errors",
}
"""Each public name, and the module of this package that it lives in."""

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  (_HOME is a table of plain strings)

if TYPE_CHECKING:
    from .audio import render as render
    from .batches.simple import generate_files as generate_files
    from .corpus.store import Corpus as Corpus
    from .engine.bars import from_pretrained as from_pretrained
    from .engine.bars import load as load
    from .errors import MusegenError as MusegenError
    from .evaluation.bayes import classify as classify
    from .evaluation.density import score as score
    from .events.codec import EventCodec as EventCodec
    from .events.codec import Events as Events
    from .midi.music import read_music as read_music
    from .midi.music import write_music as write_music
    from .piece import Key as Key
    from .piece import Metadata as Metadata
    from .piece import Meter as Meter
    from .piece import Note as Note
    from .piece import Piece as Piece
    from .piece import Tempo as Tempo
    from .sampling.accompany import accompany as accompany
    from .sampling.humanise import humanise as humanise
    from .sampling.infill import infill as infill
    from .sampling.plan import Limits as Limits
    from .sampling.sampler import SamplerSettings as SamplerSettings
    from .sampling.simple import generate as generate


def __getattr__(name: str) -> object:
    """The public name `name`, imported now and kept."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

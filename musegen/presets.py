"""Recipes by name: the corpora that `musegen corpus build --preset` makes, and what `musegen train --preset` does.

A preset is nothing but options of `musegen train` that need not be typed; what is typed counts before it. The shipped
checkpoints were made so, each of them under its own name. Knows nothing of corpora or networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .errors import SettingsError

GROOVE = "https://magenta.tensorflow.org/datasets/groove"

CORPORA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "default": ("music21:chorales", "music21:tunes", "music21:classical", "freedoom"),
        "folk": ("music21:tunes",),
        "chorale": ("music21:chorales",),
        "drums": (),  # groove:FOLDER: musegen cannot know where that is
    }
)
"""The sources of each corpus of record (see `corpus.sources`)."""


@dataclass(frozen=True)
class Preset:
    """One recipe. `options` are those of `musegen train`; where there is a `first`, a model is trained by that, and
    by `options` it goes on. `corpus` is a name of `CORPORA`, or empty where the folder of Groove itself is learnt from.
    """

    what: str
    corpus: str
    options: Mapping[str, Any]
    first: Mapping[str, Any] = field(default_factory=dict)


def _sequences(family: str, width: int, layers: int, dropout: float, epochs: float, **others: Any) -> Mapping[str, Any]:
    """The options of a sequence model: the recipe that all share, and what differs."""
    shared = {
        **{"rule": "muon", "rate": 2e-3, "warm_up": 100, "batch_rows": 3072, "patience": 99, "context": 256},
        **{"average": 0.998, "hold": 0.3, "rename": 0.5, "infill": 0.25, "evaluate_every": 400},
    }
    shape = {"model": family, "width": width, "layers": layers, "dropout": dropout, "epochs": epochs}
    return {**shared, **shape, **others}


_PLAIN_HUMANISER = {
    **{"model": "humaniser", "eta": 0.0, "iterations": 4000, "batch": 16},
    **{"rates": (1e-3, 2e-3), "momentum": 0.9, "average": 0.995},
}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "default": Preset(
            "all styles; what plays unless you say otherwise",
            "default",
            _sequences("transformer", 256, 4, 0.05, 8.0, heads=8, infill=0.5),
        ),
        "lstm": Preset("all styles, recurrent", "default", _sequences("lstm", 256, 2, 0.05, 4.0)),
        "wavenet": Preset("all styles, convolutions", "default", _sequences("wavenet", 256, 1, 0.05, 3.0)),
        "folk": Preset("tunes of one voice", "folk", _sequences("lstm", 256, 2, 0.1, 6.0, evaluate_every=200)),
        "chorale": Preset(
            "four voices",
            "chorale",
            _sequences("transformer", 160, 4, 0.15, 30.0, heads=5, infill=0.5, average=0.995, evaluate_every=100),
        ),
        "drums": Preset(
            "drums as drummers play them",
            "drums",
            _sequences(
                "transformer", 128, 4, 0.1, 12.0, heads=4, average=0.995, evaluate_every=200, rename=0.0, transpose=0
            ),
        ),
        "gan": Preset("phrases of a band from noise", "default", {"model": "gan"}),
        "humaniser": Preset(
            "how drums that are written are played", "", {"model": "humaniser", "iterations": 2000}, _PLAIN_HUMANISER
        ),
    }
)


def preset(name: str) -> Preset:
    """The preset called `name`. Raises SettingsError where there is none."""
    if name not in PRESETS:
        raise SettingsError(f"There is no preset {name!r}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def sources(name: str) -> tuple[str, ...]:
    """The sources of the corpus called `name`. Raises SettingsError where they are not known."""
    if name not in CORPORA:
        raise SettingsError(f"There is no corpus {name!r}: choose one of {', '.join(CORPORA)}.")
    if not CORPORA[name]:
        raise SettingsError(
            f"The corpus {name} is made of the Groove MIDI Dataset, which does not come with musegen: get it "
            f"({GROOVE}) and say  musegen corpus build corpora/{name} groove:FOLDER"
        )
    return CORPORA[name]

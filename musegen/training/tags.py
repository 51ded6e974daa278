"""Fine-tuning on a corpus whose style tags are not the checkpoint's: each tag keeps what was learnt under its name.

A tag is an index into a list of names, so another list would silently give one style's vector to another. Knows
only where the vectors of the tags are: in the instrument's embedding (`events.attributes`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..checkpoint import Checkpoint
from ..errors import SettingsError
from ..events import attributes as at

TAGS_OF = f"embed.attributes.{at.INSTRUMENT}.weight"
"""The weight (instruments and tags, D) whose rows from FIRST_TAG on are the tags' vectors."""


def with_styles(checkpoint: Checkpoint, styles: tuple[str, ...]) -> Checkpoint:
    """The checkpoint with the tags `styles` in their order. A new name begins as the mean of the old tags' vectors.

    Raises SettingsError where there are more than `attributes.STYLE_TAGS` styles.
    """
    if len(styles) > at.STYLE_TAGS:
        raise SettingsError(f"The corpus has {len(styles)} styles; a model has room for {at.STYLE_TAGS} style tags.")
    old = checkpoint.styles
    if old == styles:
        return checkpoint
    table = checkpoint.weights[TAGS_OF].copy()
    known = table[at.FIRST_TAG : at.FIRST_TAG + len(old)].copy()
    for i, name in enumerate(styles):
        if name in old:
            table[at.FIRST_TAG + i] = known[old.index(name)]
        elif len(known):
            table[at.FIRST_TAG + i] = np.mean(known, axis=0)
    return replace(checkpoint, styles=styles, weights={**checkpoint.weights, TAGS_OF: table})

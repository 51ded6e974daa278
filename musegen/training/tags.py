"""Fine-tuning on a corpus whose style tags are not the checkpoint's: each tag keeps what was learnt under its name,
and the checkpoint's own stay, after those of the corpus.

A tag is an index into a list of names, so another list would silently give one style's vector to another. Knows
only where the vectors of the tags are: in the instrument's embedding (`events.attributes`), and in the situation's.
"""

from __future__ import annotations

from dataclasses import replace

from ..checkpoint import Checkpoint
from ..errors import SettingsError
from ..events import attributes as at

TABLES = ((f"embed.attributes.{at.INSTRUMENT}.weight", at.FIRST_TAG), ("situation.style.weight", 0))
"""The weights whose rows from the number given on are the tags' vectors."""


def all_styles(corpus: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """The tags of a model that has learnt `before` and goes on with a corpus: the corpus's, then what is left of the
    others while there is room."""
    return (*corpus, *(name for name in before if name not in corpus))[: max(len(corpus), at.STYLE_TAGS)]


def with_styles(checkpoint: Checkpoint, styles: tuple[str, ...]) -> Checkpoint:
    """The checkpoint with the tags `styles` in their order. A new name begins as the mean of the old tags' vectors.

    Raises SettingsError where there are more than `attributes.STYLE_TAGS` styles.
    """
    if len(styles) > at.STYLE_TAGS:
        raise SettingsError(f"The corpus has {len(styles)} styles; a model has room for {at.STYLE_TAGS} style tags.")
    old = checkpoint.styles
    if old == styles:
        return checkpoint
    weights = dict(checkpoint.weights)
    for table, first in TABLES:
        vectors = weights[table][first : first + len(old)]
        weights[table] = weights[table].copy()
        for i, name in enumerate(styles, first):
            if name in old:
                weights[table][i] = vectors[old.index(name)]
            elif old:
                weights[table][i] = vectors.mean(axis=0, dtype="float32")
    return replace(checkpoint, styles=styles, weights=weights)

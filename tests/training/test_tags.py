"""Style tags keep what was learnt under their name when a corpus with other styles is fine-tuned on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musegen.checkpoint import Checkpoint, load
from musegen.corpus.store import Corpus
from musegen.errors import SettingsError
from musegen.events import attributes as at
from musegen.training.loop import train
from musegen.training.settings import TrainSettings
from musegen.training.tags import TABLES, all_styles, with_styles

TAGS_OF = TABLES[0][0]


def tags(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    table = checkpoint.weights[TAGS_OF]
    return {name: table[at.FIRST_TAG + i] for i, name in enumerate(checkpoint.styles)}


def test_a_name_keeps_its_vector_and_a_new_one_is_the_mean(untrained: Path) -> None:
    before = load(untrained)
    assert before.styles == ("chorale", "tune")
    after = with_styles(before, ("american", "chorale", "irish", "tune"))
    old, new = tags(before), tags(after)
    for name in ("chorale", "tune"):
        assert np.array_equal(new[name], old[name])
    for name in ("american", "irish"):
        assert np.allclose(new[name], (old["chorale"] + old["tune"]) / 2)
    changed = [k for k in before.weights if not np.array_equal(before.weights[k], after.weights[k])]
    assert changed == [name for name, _ in TABLES]
    in_force = after.weights[TABLES[1][0]]
    assert np.array_equal(in_force[1], before.weights[TABLES[1][0]][0])  # chorale
    first, end = at.FIRST_TAG, at.FIRST_TAG + 4
    assert np.array_equal(before.weights[TAGS_OF][:first], after.weights[TAGS_OF][:first])
    assert np.array_equal(before.weights[TAGS_OF][end:], after.weights[TAGS_OF][end:])


def test_without_tags_before_the_rows_stay_as_they_are(untrained: Path) -> None:
    before = replace(load(untrained), styles=())
    after = with_styles(before, ("jazz",))
    assert after.styles == ("jazz",) and np.array_equal(after.weights[TAGS_OF], before.weights[TAGS_OF])


def test_too_many_styles_are_one_sentence(untrained: Path) -> None:
    with pytest.raises(SettingsError, match="room for 62 style tags"):
        with_styles(load(untrained), tuple(f"s{i}" for i in range(63)))


def test_the_styles_of_before_stay_while_there_is_room() -> None:
    assert all_styles(("b", "c"), ("a", "b")) == ("b", "c", "a")
    assert len(all_styles(("new",), tuple(f"s{i}" for i in range(62)))) == 62
    assert len(all_styles(tuple(f"s{i}" for i in range(63)), ("a",))) == 63  # which `with_styles` refuses


def test_fine_tuning_begins_with_the_tags_in_their_new_places(untrained: Path, corpus: Corpus, tmp_path: Path) -> None:
    """One step at a rate that changes nothing: what was learnt as "tune" is there as "tune", not at its old index."""
    before = load(untrained)
    retagged = replace(corpus, styles=("tune", *corpus.styles))
    settings = TrainSettings(epochs=0.001, rate=1e-12, warm_up=1, average=0.0, evaluate_every=1, tag_rate=1.0)
    after = train(retagged, before.config, settings, tmp_path / "out", before)
    assert after.styles == ("tune", *corpus.styles, "chorale"), "the corpus's, then what else was known"
    assert np.allclose(tags(after)["chorale"], tags(before)["chorale"], rtol=1e-3)
    assert np.allclose(tags(after)["tune"], tags(before)["tune"], rtol=1e-3)  # it is kept in half precision
    assert not np.allclose(tags(after)["tune"], tags(before)["chorale"], atol=1e-3)

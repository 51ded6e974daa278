"""Fingerprints: what must make two pieces the same, and what must not."""

from __future__ import annotations

import numpy as np
import pytest

from musegen.corpus.identity import identify, resemblance, title_key, tunes
from musegen.events.codec import EventCodec, Rows
from musegen.piece import DRUMS, Note, Piece


def notes(seed: int, count: int = 60) -> list[Note]:
    rng = np.random.default_rng(seed)
    return [Note(12 * i, 12, int(p)) for i, p in enumerate(60 + rng.integers(-12, 13, count))]


def rows(some: list[Note]) -> Rows:
    return EventCodec().encode(Piece.from_notes(some)).rows


def test_exact_ignores_loudness_and_instrument_and_silence_before() -> None:
    one = identify(rows(notes(1)))
    other = identify(rows([n._replace(velocity=30, program=40, onset=n.onset + 480) for n in notes(1)]))
    assert one.exact == other.exact


@pytest.mark.parametrize("change", [{"pitch": 61}, {"duration": 11}, {"onset": 11}])
def test_exact_notices_one_note(change: dict[str, int]) -> None:
    changed = notes(1)
    changed[1] = changed[1]._replace(**change)
    assert identify(rows(notes(1))).exact != identify(rows(changed)).exact


def test_relative_ignores_the_key_but_not_of_drums() -> None:
    drums = [Note(12 * i, 6, 36 + i % 5, 80, DRUMS, 1) for i in range(8)]
    one = identify(rows(notes(1) + drums))
    up = identify(rows([n._replace(pitch=n.pitch + 3) for n in notes(1)] + drums))
    other_drums = identify(rows(notes(1) + [d._replace(pitch=d.pitch + 3) for d in drums]))
    assert one.relative == up.relative
    assert one.exact != up.exact
    assert one.relative != other_drums.relative


def test_sketches_find_variants_and_only_them() -> None:
    one = identify(rows(notes(1)))
    variant = notes(1)
    variant[20] = variant[20]._replace(pitch=90)
    near = identify(rows([n._replace(pitch=n.pitch - 2) for n in variant]))
    far = identify(rows(notes(2)))
    assert resemblance(one.melody, near.melody) > 0.6
    assert resemblance(one.texture, near.texture) > 0.6
    assert resemblance(one.melody, far.melody) < 0.1
    assert resemblance(one.texture, far.texture) < 0.1
    assert resemblance([], one.melody) == 0.0


def test_tunes_groups_variants_transpositions_and_titles() -> None:
    variant = notes(1)
    variant[30] = variant[30]._replace(pitch=80)
    pieces = [notes(1), notes(2), variant, [n._replace(pitch=n.pitch + 5) for n in notes(2)], notes(3), notes(4)]
    titles = ["", "", "", "", "The Cuckoo's Nest -- Hornpipe", "CUCKOO'S NEST (2nd setting)"]
    names = tunes([identify(rows(p)) for p in pieces], titles)
    assert names[0] == names[2]
    assert names[1] == names[3]
    assert names[4] == names[5]
    assert len(set(names)) == 3


def test_a_generic_title_joins_nothing() -> None:
    identities = [identify(rows(notes(s))) for s in range(9)]
    assert len(set(tunes(identities, ["Menuetto"] * 9))) == 9
    assert len(set(tunes(identities[:3], ["Menuetto"] * 3))) == 1


def test_the_name_of_a_tune_does_not_depend_on_order() -> None:
    identities = [identify(rows(p)) for p in (notes(1), notes(2), [n._replace(pitch=n.pitch + 1) for n in notes(1)])]
    forwards, backwards = tunes(identities, [""] * 3), tunes(identities[::-1], [""] * 3)
    assert forwards == backwards[::-1]


def test_title_key() -> None:
    assert title_key("The Flowers of Edinburgh -- Reel.") == title_key("FLOWERS OF EDINBURGH") == "flowers of edinburgh"
    assert title_key("Sonata No. 1") != title_key("Sonata No. 2")
    assert title_key("The Reel") == ""


def test_empty_and_tiny_pieces_have_fingerprints() -> None:
    small = [identify(rows(some)) for some in ([], notes(1, 1), notes(1, 3))]
    assert len(set(tunes(small, [""] * 3))) == 3

"""The nats of a piece: exact sums, true probabilities, and a wrong note that stands out."""

from __future__ import annotations

import itertools
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import musegen
from musegen import checkpoint as checkpoints
from musegen.cli.main import main
from musegen.corpus.store import Corpus
from musegen.engine.bars import BarMaker
from musegen.engine.bars import load as load_any
from musegen.engine.base import Engine, load
from musegen.engine.likelihood import nats_of_pieces, nats_of_rows
from musegen.errors import MusegenError, SettingsError
from musegen.evaluation.density import density, percentile, score
from musegen.evaluation.likelihood import held_out, model_of, nats_of, nats_of_each, with_figures
from musegen.events import attributes as at
from musegen.events.codec import EventCodec, Rows
from musegen.events.derived import derive
from musegen.midi import write_music
from musegen.models.likelihood import nats_of_pieces as nats_in_torch
from musegen.piece import DRUMS, Meter, Note, Piece
from musegen.training.baselines import fit

from ..small_corpus import tune


@pytest.fixture(scope="module")
def engine(trained: Path) -> Engine:
    return load(trained, exact=True)


@pytest.mark.parametrize("which", ["trained", "untrained"])
def test_the_engine_alone_gives_what_torch_gives(which: str, request: pytest.FixtureRequest) -> None:
    """Pieces shorter and longer than the context, with a tag and with skips: numpy equals torch to 1e-4."""
    checkpoint = checkpoints.load(request.getfixturevalue(which))
    late = Piece.from_notes([Note(0, 24, 60), Note(5000, 24, 62)])
    events = [EventCodec().encode(p, tags) for p, tags in ((tune(3), ()), (tune(4, 60), (0,)), (late, ()))]
    pieces = [derive(e.rows, e.meters) for e in events]
    assert max(len(p) for p in pieces) > 2 * checkpoint.config.context or which == "untrained"
    ours = nats_of_pieces(load(request.getfixturevalue(which), exact=True), pieces)
    for one, other in zip(ours, nats_in_torch(model_of(checkpoint), pieces), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 1e-4


def test_row_by_row_equals_all_at_once(engine: Engine) -> None:
    """The playing path, one `advance` a row, prices every attribute as the parallel path does."""
    rows = derive(*_rows(tune(5)))[:100]
    parallel = nats_of_rows(engine, rows[None])[0]
    context, state = engine.start(rows[None, :1])
    for t in range(1, len(rows)):
        target = rows[None, t]
        situation = engine.situation(target)
        for i in range(5 if at.is_note(rows[t]) else 1):
            logits = engine.logits(i, context, target, situation if i else None)[0].astype(np.float64)
            nats = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target[0, i]]
            assert abs(nats - parallel[t - 1, i]) < 1e-4
        context, state = engine.advance(target, state)


def test_terms_add_up(engine: Engine) -> None:
    piece = Piece.from_notes([*tune(6), Note(2000, 48, 64, 82, 0, 0)], meters=(Meter(0, 4, 4),))
    found = density(engine, piece)
    (nats,) = nats_of_pieces(engine, [derive(*_rows(piece))])
    assert found.total == pytest.approx(nats.sum())
    assert sum(found.by_attribute.values()) == pytest.approx(found.total)
    shown = found.to_json()
    assert sum(n["nats"]["total"] for n in shown["each"]) + found.end == pytest.approx(found.total, abs=1e-2)
    assert found.notes.shape == (len(piece), 5)
    assert found.per_note == pytest.approx(found.total / len(piece))
    assert found.perplexity == pytest.approx(np.exp(found.per_note))
    assert found.seconds == pytest.approx(2048 / 48)
    assert found.per_second == pytest.approx(found.total / found.seconds)


def test_a_skip_counts_to_the_note_it_leads_to(engine: Engine) -> None:
    piece = Piece.from_notes([Note(0, 24, 60), Note(24, 24, 62), Note(24 + 96 * 5, 24, 64)])
    rows, meters = _rows(piece)
    assert at.is_note(rows).tolist() == [False, True, True, False, False, True, False]
    (nats,) = nats_of_pieces(engine, [derive(rows, meters)])
    found = density(engine, piece)
    assert found.notes[2].sum() == pytest.approx(nats[2:5].sum())  # rows 3, 4 (skips) and 5
    assert found.end == pytest.approx(nats[5, at.SHIFT])


def test_all_pieces_of_a_small_world_share_probability_one(untrained: Path) -> None:
    """Every piece of at most two notes over a tiny vocabulary: with the rest masked, the probabilities sum to 1.

    The world: shifts 0, 24, a skip and END; two instruments, three pitches, one velocity and two durations. A third
    event is always END. Each piece is priced by `nats_of_rows`, the product of the masked softmaxes.
    """
    allowed = ((0, 24, at.SKIP_BASE, at.END), (0, 130), (60, 64, 67), (20,), (23, 47))
    world = _Masked(load(untrained), allowed)
    notes = list(itertools.product(allowed[0][:2], *allowed[1:]))
    others = [tuple(at.special_row(s)) for s in (at.SKIP_BASE, at.END)]
    first = [*notes, *others]
    pieces = [(x,) for x in first if x[0] == at.END]
    pieces += [(x, y) for x in first if x[0] != at.END for y in first]
    rows = [np.array([at.special_row(at.START), *p], np.int16) for p in pieces]
    total = 0.0
    for length in (2, 3):
        same = np.stack([derive(r, (Meter(0),)) for r in rows if len(r) == length])
        total += float(np.exp(-nats_of_rows(world, same).sum((1, 2))).sum())
    assert len(pieces) == 1 + 25 * 26
    assert total == pytest.approx(1.0, abs=1e-6)


class _Masked:
    """An engine whose attributes may take only some values."""

    def __init__(self, engine: Engine, allowed: tuple[tuple[int, ...], ...]) -> None:
        self._engine, self._allowed = engine, allowed
        self.config, self.situation, self.contexts = engine.config, engine.situation, engine.contexts

    def logits(self, attribute: int, *rest: np.ndarray) -> np.ndarray:
        found = self._engine.logits(attribute, *rest)
        keep = list(self._allowed[attribute])
        masked = np.full_like(found, -np.inf)
        masked[:, keep] = found[:, keep]
        return masked


def test_a_wrong_note_stands_out(engine: Engine) -> None:
    """A note out of its key is the most surprising of its tune, by its pitch, and is named by bar and beat."""
    piece = replace(tune(7), part_names=("tune", "bass"))
    notes = [Note(*n) for n in piece]
    place = next(i for i, n in enumerate(notes) if n.onset >= 3 * 96 + 24 and n.part == 0 and n.onset % 24 == 0)
    wrong = notes[place]._replace(pitch=notes[place].pitch + 6)
    spoilt = Piece.from_notes([*notes[:place], wrong, *notes[place + 1 :]], part_names=piece.part_names)
    found = score(engine, spoilt)
    worst = found.note(found.most_surprising(1)[0])
    assert (worst["onset"], worst["pitch"], worst["part"]) == (wrong.onset, wrong.pitch, "tune")
    assert worst["bar"] == wrong.onset // 96 + 1 and worst["beat"] == 1 + wrong.onset % 96 / 24
    assert max(worst["nats"], key=lambda k: worst["nats"][k] * (k != "total")) == "pitch"
    assert found.total > score(engine, piece).total + 3


def test_what_cannot_be_scored_is_one_sentence(engine: Engine, untrained: Path, tmp_path: Path) -> None:
    with pytest.raises(MusegenError, match="This piece has no notes, so"):
        score(engine, Piece.from_notes([]))
    with pytest.raises(SettingsError, match="no style 'jazz'; it knows chorale, tune"):
        score(str(untrained), tune(1), "jazz")


def test_a_roll_is_scored_by_its_steps(tmp_path: Path) -> None:
    """Fresh weights: each note has its share of the steps up to it, and shares and end are all there is."""
    from musegen.models.config import RollConfig
    from musegen.models.pixelcnn import PixelCNN

    config = RollConfig(width=8, layers=2, low=34, pitches=46, context=48)
    weights = {k: v.numpy() for k, v in PixelCNN(config).state_dict().items()}
    checkpoints.Checkpoint(config, weights).save(tmp_path / "pixels")
    model = load_any(tmp_path / "pixels")
    assert isinstance(model, BarMaker)
    piece = Piece.from_notes([Note(12, 12, 60), Note(12, 12, 64), Note(48, 48, 62), Note(60, 24, 38, 90, DRUMS, 1)])
    found = score(model, piece)
    steps = model.nats(piece).steps
    assert [(n.onset, n.pitch) for n in found.piece] == [(12, 60), (12, 64), (48, 62)]
    assert found.notes[:, 0] == pytest.approx([steps[:3].sum() / 2, steps[:3].sum() / 2, steps[3:9].sum()])
    assert found.end == pytest.approx(steps[9:].sum())
    assert sum(found.by_attribute.values()) == pytest.approx(found.total) == pytest.approx(steps.sum())
    for nothing in (Piece.from_notes([]), Piece.from_notes([Note(0, 24, 38, 90, DRUMS, 0), Note(0, 24, 127)])):
        with pytest.raises(MusegenError, match="nothing to score"):
            score(model, nothing)
    with pytest.raises(SettingsError, match="no style tags"):
        score(model, piece, "jazz")


def test_a_baseline_is_scored_as_its_figures_are(corpus: Corpus, tmp_path: Path) -> None:
    """The n-gram's held-out figure, and its nats by the long way: the probability of what was chosen among all."""
    fitted = fit(corpus, "ngram")
    fitted.save(tmp_path / "ngram")
    engine = load(tmp_path / "ngram")
    found = score(engine, tune(9))
    rows = derive(*_rows(tune(9)))
    assert sum(held_out_nats(fitted, rows)) == pytest.approx(found.total)
    spread = nats_of_rows(engine, rows[None])[0]
    assert spread.sum() == pytest.approx(found.total, rel=0.02)  # the n-gram's own nats are an upper bound
    assert spread.sum() <= found.total + 1e-3


def held_out_nats(fitted: checkpoints.Checkpoint, rows: np.ndarray) -> list[float]:
    return nats_of(fitted, [rows])[0].sum(1).tolist()


def test_where_a_piece_stands(trained: Path, corpus: Corpus, tmp_path: Path) -> None:
    """A checkpoint remembers the spread of its held-out pieces; of themselves half lie below the middle."""
    checkpoint = with_figures(checkpoints.load(trained), corpus)
    assert checkpoint.metrics["valid"] == held_out(checkpoint, corpus, "valid")
    pieces = corpus.pieces("test")
    nats = nats_of_each(checkpoint, corpus, "test")
    each = [n / corpus.entries[i].notes for n, i in zip(nats, pieces, strict=True)]
    below = [percentile(checkpoint.metrics, "test", x) for x in sorted(each)]
    assert below == pytest.approx(np.linspace(0, 100, len(each)), abs=1)
    assert percentile(checkpoint.metrics, "test", 1e9) == 100
    assert percentile({}, "test", 1.0) is None


def test_the_public_name(trained: Path) -> None:
    assert musegen.score(str(trained), tune(8)).total > 0


def test_the_verb(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / f"tune{i}.mid") for i in range(2)]
    for i, file in enumerate(files):
        write_music(tune(i), file)
    model = ["--checkpoint", str(trained)]
    assert main(["score", files[0], *model, "--png", str(tmp_path / "a.png"), "--top", "3"]) == 0
    shown = capsys.readouterr().out
    assert "held out (valid)" in shown and shown.count(" nats, ") == 3
    assert _size(tmp_path / "a.png") > (600, 200)
    assert main(["score", *files, *model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["file"] for f in found["files"]] == files
    assert found["held_out"]["valid"]["total"] > 0
    for file, i in zip(found["files"], range(2), strict=True):
        assert len(file["each"]) == file["notes"] == len(tune(i))
        assert sum(file["nats"][a.name] for a in at.ATTRIBUTES) == pytest.approx(file["nats"]["total"])
        assert file["nats_per_note"] == pytest.approx(musegen.score(str(trained), tune(i)).per_note, abs=1e-6)
    assert main(["score", *files, *model, "--png", str(tmp_path / "rolls")]) == 0
    assert sorted(p.name for p in (tmp_path / "rolls").iterdir()) == ["tune0-surprise.png", "tune1-surprise.png"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: None, "there is no such file"),
        (lambda p: p.write_bytes(b"not music"), "tune.mid"),
        (lambda p: write_music(Piece.from_notes([]), p), "so there is nothing to score"),
    ],
)
def test_the_verb_on_bad_files(
    make: object, says: str, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tune.mid"
    make(path)  # type: ignore[operator]
    assert main(["score", str(path), "--checkpoint", str(untrained)]) == 1
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error and error.count("\n") == 1


def _rows(piece: Piece) -> tuple[Rows, tuple[Meter, ...]]:
    events = EventCodec().encode(piece)
    return events.rows, events.meters


def _size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and zlib.crc32(data[12:29]) == struct.unpack(">I", data[29:33])[0]
    return struct.unpack(">II", data[16:24])

"""The floor: an n-gram over events, interpolated by Witten and Bell's rule (1991, "The zero-frequency problem").

The chain rule inside the note is the networks' own: shift → instrument → pitch → velocity → duration. Each
attribute has *chains* of contexts, from the longest to none; within a chain each level is smoothed by the
next, P(x) = (c(x) + T · P_shorter(x)) / (n + T) with n the times the context was seen and T the different
values seen in it. The chains of an attribute are mixed with weights found by EM on a tenth of the training
pieces. A relative chain gives a little of its mass to pitches outside 0-127, so the nats are an upper bound.
Nothing is learnt from the piece itself: what repeats in it is not copied. Knows of events only; a corpus is
anything with `pieces`, `rows` and `meters`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...atomic import write_atomically
from ...errors import CheckpointError, CorpusError
from ...events import attributes as at
from ...events.codec import Rows
from ...piece import Meter
from .contexts import FEATURES, features

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

FORMAT_VERSION = 1
_COLUMN = {name: i for i, name in enumerate(FEATURES)}

# A context is features and, by their names, attributes of the same row that are drawn before. "~p2" is p2
# relative to p1, the instrument's last pitch; in a chain that begins with RELATIVE so is the pitch to be
# predicted, and such a chain learns from a piece in every key at once.
RELATIVE = "~"
CHAINS: dict[str, tuple[tuple[str, ...], ...]] = {
    "shift": (
        ("expected gap", "bar", "step1 d1", "step2", "step3 i1"),
        ("bar expected", "step1", "step2", "step3", "struck"),
        ("d1", "step1 expected", "bar", "step2", "i1 struck"),
    ),
    "instrument": (
        ("fresh free1", "i1", "free2", "i2", "i3 left"),
        ("i1 fresh", "i2 struck", "i3", "phase"),
    ),
    "pitch": (
        (RELATIVE, "instrument", "~n1", "~n2", "harmony", "~p2"),
        (RELATIVE, "key", "instrument", "~n1", "harmony", "~p2"),
        (RELATIVE, "instrument", "~p2", "~n1", "harmony", "~p3"),
        (RELATIVE, "instrument", "~chord1", "key", "~chord2", "~p2"),
        (RELATIVE, "~p2", "~p3", "~p4", "~p5", "phase"),
        (RELATIVE, "key", "~p2", "phase", "~p3", "~p4"),
        ("instrument", "p1", "n1", "n2", "harmony", "p2"),
        ("instrument", "chord1", "phase", "chord2", "p1"),
        ("p1", "p2", "p3", "p4", "p5"),
    ),
    "velocity": (
        ("own_v1", "row_v", "instrument fresh", "phase", "step1"),
        ("instrument", "own_v1", "phase", "row_v", "pitch"),
    ),
    "duration": (
        ("row_d", "phase", "own_d1", "left", "own_d2 instrument"),
        ("phase", "row_d", "~pitch", "harmony"),
        ("phase", "row_d left", "~n1 ~pitch", "~n2", "key"),
        ("phase", "own_d1", "own_d2", "~pitch", "instrument"),
        ("row_d left", "free1", "phase", "~pitch", "own_d1"),
        ("instrument", "own_d1", "own_d2", "phase", "pitch", "since"),
        ("phase left", "row_d", "~pitch", "harmony", "key", "own_d1"),
    ),
}


class Pieces(Protocol):
    """What a corpus must offer to be learnt from."""

    def pieces(self, split: str) -> list[int]:
        """Numbers of the pieces of a split."""

    def rows(self, i: int) -> Rows:
        """Event rows of a piece."""

    def meters(self, i: int) -> tuple[Meter, ...]:
        """Time signatures of a piece."""


class _Table:
    """Counts of one level: sorted keys of (context, value) pairs and of contexts."""

    def __init__(self, pairs: Keys, counts: Floats, contexts: Keys, seen: Floats, kinds: Floats) -> None:
        self.pairs, self.counts, self.contexts, self.seen, self.kinds = pairs, counts, contexts, seen, kinds

    @classmethod
    def count(cls, context: Keys, value: npt.NDArray[np.int64]) -> _Table:
        pairs, first, counts = np.unique(_mix(context, value), return_index=True, return_counts=True)
        contexts, inverse = np.unique(context[first], return_inverse=True)
        kinds = np.bincount(inverse, minlength=len(contexts)).astype(np.float64)
        seen = np.bincount(inverse, weights=counts, minlength=len(contexts)).astype(np.float64)
        return cls(pairs, counts.astype(np.float64), contexts, seen, kinds)

    def smooth(self, context: Keys, value: npt.NDArray[np.int64], shorter: Floats) -> Floats:
        """P(value | context) where `shorter` is the same with a shorter context."""
        count = _look_up(self.pairs, self.counts, _mix(context, value))
        kinds = _look_up(self.contexts, self.kinds, context)
        seen = _look_up(self.contexts, self.seen, context)
        result: Floats = np.where(seen > 0, (count + kinds * shorter) / np.maximum(seen + kinds, 1), shorter)
        return result


def _mix(key: Keys, value: npt.NDArray[np.int64]) -> Keys:
    """A 64-bit hash of a key and one more number (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        x = (key + np.uint64(0x9E3779B97F4A7C15)) ^ (value.astype(np.uint64) * np.uint64(0xD1342543DE82EF95))
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Keys = x ^ (x >> np.uint64(31))
    return mixed


def _look_up(keys: Keys, values: Floats, wanted: Keys) -> Floats:
    place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    if not len(keys):
        return np.zeros(len(wanted))
    return np.where(keys[place] == wanted, values[place], 0.0)


def _contexts(chain: Sequence[str], salt: int, seen: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> list[Keys]:
    """The key of every level of a chain, the shortest (nothing known) first: each adds its names to the one before."""
    key = np.full(len(rows), salt, np.uint64)
    levels = [key]
    for names in chain[chain[0] == RELATIVE :]:
        for name in names.split():
            key = _mix(key, _values(name, seen, rows))
        levels.append(key)
    return levels


def _target(
    chain: Sequence[str], column: int, seen: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The values that a chain predicts."""
    return rows[:, column] - (seen[:, _COLUMN["p1"]] if chain[0] == RELATIVE else 0)


def _values(name: str, seen: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if name.startswith("~"):
        values = _values(name[1:], seen, rows)
        return np.where(values >= 0, values - seen[:, _COLUMN["p1"]], 999)
    if name in _COLUMN:
        return seen[:, _COLUMN[name]]
    return rows[:, [a.name for a in at.ATTRIBUTES].index(name)]


class NGram:
    """A Witten–Bell n-gram. `fit`, then `nats`, `evaluate`, `probabilities`, `save`."""

    def __init__(self) -> None:
        self.weights = {a.name: np.full(len(CHAINS[a.name]), 1 / len(CHAINS[a.name])) for a in at.ATTRIBUTES}
        self.tables: dict[str, list[list[_Table]]] = {}

    def fit(self, corpus: Pieces) -> NGram:
        """Count the training split: nine tenths, to find the mixing weights on the rest, then all of it."""
        pieces = [(corpus.rows(i), corpus.meters(i)) for i in corpus.pieces("train")]
        if not pieces:
            raise CorpusError("The corpus has no training pieces to count.")
        seen = [features(rows, meters) for rows, meters in pieces]
        rows = [r.astype(np.int64) for r, _ in pieces]
        aside = [n % 10 == 9 for n in range(len(pieces))]
        if any(aside):
            self._count(_where(seen, aside, False), _where(rows, aside, False))
            self._weigh(np.concatenate(_where(seen, aside, True)), np.concatenate(_where(rows, aside, True)))
        self._count(seen, rows)
        return self

    def _count(self, seen: list[npt.NDArray[np.int64]], rows: list[npt.NDArray[np.int64]]) -> None:
        all_seen, all_rows = np.concatenate(seen), np.concatenate(rows)
        for column, attribute in enumerate(at.ATTRIBUTES):
            keep = _drawn(all_rows, column)
            s, r = all_seen[keep], all_rows[keep]
            self.tables[attribute.name] = [
                [_Table.count(key, _target(chain, column, s, r)) for key in _contexts(chain, salt, s, r)]
                for salt, chain in enumerate(CHAINS[attribute.name])
            ]

    def _weigh(self, seen: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> None:
        for column, attribute in enumerate(at.ATTRIBUTES):
            keep = _drawn(rows, column)
            each = self._each_chain(column, seen[keep], rows[keep])
            weights = np.full(len(each), 1 / len(each))
            for _ in range(50):
                share = weights[:, None] * each
                weights = (share / share.sum(0)).mean(1)
            self.weights[attribute.name] = weights

    def _each_chain(self, column: int, seen: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Floats:
        """P of each row's attribute under each chain: (chains, rows)."""
        attribute = at.ATTRIBUTES[column]
        out = []
        for salt, chain in enumerate(CHAINS[attribute.name]):
            p = np.full(len(rows), 1 / attribute.outputs)
            value = _target(chain, column, seen, rows)
            for table, key in zip(self.tables[attribute.name][salt], _contexts(chain, salt, seen, rows), strict=True):
                p = table.smooth(key, value, p)
            out.append(p)
        return np.stack(out)

    def nats(self, rows: Rows, meters: tuple[Meter, ...] = (Meter(0),)) -> Floats:
        """−log P of every attribute of event rows (N, 5): (N, 5) in nats, 0 for what is not predicted."""
        return self._nats(features(rows, meters), rows.astype(np.int64))

    def _nats(self, seen: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Floats:
        out = np.zeros(rows.shape)
        for column, attribute in enumerate(at.ATTRIBUTES):
            keep = _drawn(rows, column)
            if keep.any():
                p = self.weights[attribute.name] @ self._each_chain(column, seen[keep], rows[keep])
                out[keep, column] = -np.log(p)
        return out

    def probabilities(self, rows: Rows, column: int, meters: tuple[Meter, ...] = (Meter(0),)) -> Floats:
        """P of every value of attribute `column` of the last of `rows`, given the attributes before it."""
        values = np.arange(at.ATTRIBUTES[column].outputs)
        seen = np.repeat(features(rows, meters)[-1:], len(values), axis=0)
        same = np.repeat(rows[-1:].astype(np.int64), len(values), axis=0)
        same[:, column] = values
        found: Floats = self.weights[at.ATTRIBUTES[column].name] @ self._each_chain(column, seen, same)
        result: Floats = found / found.sum()
        return result

    def evaluate(self, corpus: Pieces, split: str) -> dict[str, float]:
        """Nats per note of a split, of each attribute and "total": all that was predicted ÷ the number of notes."""
        total, notes = np.zeros(len(at.ATTRIBUTES)), 0
        for i in corpus.pieces(split):
            total += self.nats(corpus.rows(i), corpus.meters(i)).sum(0)
            notes += int(at.is_note(corpus.rows(i)).sum())
        each = total / max(1, notes)
        return {"total": float(each.sum()), **{a.name: float(v) for a, v in zip(at.ATTRIBUTES, each, strict=True)}}

    def save(self, path: str | Path) -> None:
        """Write the counts as one .npz file, atomically. Raises FileError."""
        settings = {"format_version": FORMAT_VERSION, "chains": CHAINS}
        arrays = {"settings": np.array(json.dumps(settings))}
        for name, chains in self.tables.items():
            arrays[f"{name}.weights"] = self.weights[name]
            for c, tables in enumerate(chains):
                for level, table in enumerate(tables):
                    arrays |= {f"{name}.{c}.{level}.{part}": value for part, value in vars(table).items()}
        data = io.BytesIO()
        np.savez_compressed(data, **arrays)  # type: ignore[arg-type]
        write_atomically(path, data.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> NGram:
        """The n-gram saved at `path`. Raises CheckpointError."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls._from_arrays(dict(arrays), Path(path))
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (ValueError, KeyError):
            raise CheckpointError(f"{path} is not a saved n-gram.") from None

    @classmethod
    def _from_arrays(cls, arrays: dict[str, np.ndarray], path: Path) -> NGram:
        settings = json.loads(str(arrays["settings"]))
        if settings["format_version"] != FORMAT_VERSION or settings["chains"] != json.loads(json.dumps(CHAINS)):
            raise CheckpointError(f"{path} was saved by another version of musegen: fit the n-gram again.")
        model = cls()
        parts = ("pairs", "counts", "contexts", "seen", "kinds")
        for name, chains in CHAINS.items():
            model.weights[name] = arrays[f"{name}.weights"]
            model.tables[name] = [
                [
                    _Table(*(arrays[f"{name}.{c}.{level}.{part}"] for part in parts))
                    for level in range(len(chain) + (chain[0] != RELATIVE))
                ]
                for c, chain in enumerate(chains)
            ]
        return model


def _drawn(rows: npt.NDArray[np.int64], column: int) -> npt.NDArray[np.bool_]:
    """Which rows have the attribute `column` predicted."""
    limit = at.ATTRIBUTES[at.SHIFT].outputs if column == at.SHIFT else at.LONGEST_SHIFT
    drawn: npt.NDArray[np.bool_] = rows[:, at.SHIFT] < limit
    return drawn


def _where(arrays: list[npt.NDArray[np.int64]], flags: Iterable[bool], wanted: bool) -> list[npt.NDArray[np.int64]]:
    return [a for a, flag in zip(arrays, flags, strict=True) if flag is wanted]

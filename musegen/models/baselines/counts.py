"""P(attribute | context) from counts, interpolated by Witten and Bell's rule (1991, "The zero-frequency problem").

An attribute has *chains* of contexts, from none to the longest; within a chain each level is smoothed by the shorter
one, P(x) = (c(x) + T · P_shorter(x)) / (n + T) with n the times the context was seen and T the different values seen
in it. The chains are mixed with weights found by EM (`weigh`). Knows features and rows, not where they come from.

A context is features and, by their names, attributes of the same row that are drawn before. "~p2" is p2 relative to p1,
the instrument's last pitch; in a chain that begins with RELATIVE so is the pitch to be predicted, and such a chain
learns from a piece in every key at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ...events import attributes as at
from .contexts import FEATURES

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Chain = tuple[str, ...]

RELATIVE = "~"
_COLUMN = {name: i for i, name in enumerate(FEATURES)}
_EM_ROUNDS = 50


class Table:
    """Counts of one level: sorted keys of (context, value) pairs and of contexts."""

    PARTS = ("pairs", "counts", "contexts", "seen", "kinds")

    def __init__(self, pairs: Keys, counts: np.ndarray, contexts: Keys, seen: np.ndarray, kinds: np.ndarray) -> None:
        self.pairs, self.counts, self.contexts, self.seen, self.kinds = pairs, counts, contexts, seen, kinds

    @classmethod
    def count(cls, context: Keys, value: Ints) -> Table:
        """The table of values (N,) seen in contexts (N,)."""
        pairs, first, counts = np.unique(_mix(context, value), return_index=True, return_counts=True)
        contexts, inverse = np.unique(context[first], return_inverse=True)
        kinds = np.bincount(inverse, minlength=len(contexts))
        seen = np.bincount(inverse, weights=counts, minlength=len(contexts))
        return cls(pairs, counts.astype(np.int32), contexts, seen.astype(np.int32), kinds.astype(np.int32))

    def smooth(self, context: Keys, value: Ints, shorter: Floats) -> Floats:
        """P(value | context) where `shorter` is the same with a shorter context."""
        seen = _look_up(self.contexts, self.seen, context)
        if not seen.any():
            return shorter
        kinds = _look_up(self.contexts, self.kinds, context)
        count = _look_up(self.pairs, self.counts, _mix(context, value))
        result: Floats = np.where(seen > 0, (count + kinds * shorter) / np.maximum(seen + kinds, 1), shorter)
        return result


class Counted:
    """One attribute's chains, counted and mixed."""

    def __init__(self, column: int, chains: Sequence[Chain]) -> None:
        self.column, self.chains = column, chains
        self.shares = np.full(len(chains), 1 / len(chains))
        self.tables: list[list[Table]] = []

    def count(self, seen: Ints, rows: Ints) -> None:
        """Count rows (N, 5) with their features (N, len(FEATURES))."""
        keep = drawn(rows, self.column)
        s, r = seen[keep], rows[keep]
        self.tables = []
        for salt, chain in enumerate(self.chains):
            value = r[:, self.column] - _origin(chain, s)
            self.tables.append([Table.count(key, value) for key in _contexts(chain, salt, s, r)])

    def weigh(self, seen: Ints, rows: Ints) -> None:
        """Find the chains' shares by EM on rows that were not counted."""
        keep = drawn(rows, self.column)
        each = self._each(seen[keep], rows[keep], rows[keep][:, self.column])
        shares = np.full(len(each), 1 / len(each))
        for _ in range(_EM_ROUNDS):
            joint = shares[:, None] * each
            shares = (joint / joint.sum(0)).mean(1)
        self.shares = shares

    def probability(self, seen: Ints, rows: Ints, values: Ints) -> Floats:
        """P of values (N,), or (N, V) with V for each row, given features and what is drawn of the rows."""
        result: Floats = np.tensordot(self.shares, self._each(seen, rows, values), 1)
        return result

    def _each(self, seen: Ints, rows: Ints, values: Ints) -> Floats:
        """P under each chain: (chains, …)."""
        out = []
        many = values.ndim > 1
        for salt, (chain, tables) in enumerate(zip(self.chains, self.tables, strict=True)):
            origin = _origin(chain, seen)
            wanted = values - (origin[:, None] if many else origin)
            p = np.full(values.shape, 1 / at.ATTRIBUTES[self.column].outputs)
            for table, key in zip(tables, _contexts(chain, salt, seen, rows), strict=True):
                p = table.smooth(key[:, None] if many else key, wanted, p)
            out.append(p)
        return np.stack(out)

    def arrays(self) -> dict[str, np.ndarray]:
        """The counts and shares under names that begin with the attribute's."""
        name = at.ATTRIBUTES[self.column].name
        arrays: dict[str, np.ndarray] = {f"{name}.shares": self.shares}
        for c, tables in enumerate(self.tables):
            for level, table in enumerate(tables):
                arrays |= {f"{name}.{c}.{level}.{part}": getattr(table, part) for part in Table.PARTS}
        return arrays

    @classmethod
    def from_arrays(cls, column: int, chains: Sequence[Chain], arrays: Mapping[str, np.ndarray]) -> Counted:
        """What `arrays` wrote. Raises KeyError where one is missing."""
        found, name = cls(column, chains), at.ATTRIBUTES[column].name
        found.shares = arrays[f"{name}.shares"]
        for c, chain in enumerate(chains):
            levels = len(chain) + (chain[0] != RELATIVE)
            parts = [[arrays[f"{name}.{c}.{level}.{part}"] for part in Table.PARTS] for level in range(levels)]
            found.tables.append([Table(*p) for p in parts])
        return found


def drawn(rows: npt.NDArray[np.integer], column: int) -> npt.NDArray[np.bool_]:
    """Which rows (N, 5) have the attribute `column` predicted."""
    limit = at.ATTRIBUTES[at.SHIFT].outputs if column == at.SHIFT else at.LONGEST_SHIFT
    result: npt.NDArray[np.bool_] = rows[:, at.SHIFT] < limit
    return result


def _mix(key: Keys, value: Ints) -> Keys:
    """A 64-bit hash of a key and one more number (the finaliser of splitmix64)."""
    x = (key + np.uint64(0x9E3779B97F4A7C15)) ^ (value.astype(np.uint64) * np.uint64(0xD1342543DE82EF95))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Keys = x ^ (x >> np.uint64(31))
    return mixed


def _look_up(keys: Keys, values: np.ndarray, wanted: Keys) -> np.ndarray:
    if not len(keys):
        return np.zeros(wanted.shape)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


def _contexts(chain: Chain, salt: int, seen: Ints, rows: Ints) -> list[Keys]:
    """The key (N,) of every level of a chain, the shortest (nothing known) first: each adds to the one before."""
    key = np.full(len(rows), salt, np.uint64)
    levels = [key]
    for names in chain[chain[0] == RELATIVE :]:
        for name in names.split():
            key = _mix(key, _values(name, seen, rows))
        levels.append(key)
    return levels


def _origin(chain: Chain, seen: Ints) -> Ints:
    """What is taken from the values (N,) that a chain predicts."""
    p1 = seen[:, _COLUMN["p1"]]
    return p1 if chain[0] == RELATIVE else np.zeros_like(p1)


def _values(name: str, seen: Ints, rows: Ints) -> Ints:
    if name.startswith("~"):
        values = _values(name[1:], seen, rows)
        return np.where(values >= 0, values - seen[:, _COLUMN["p1"]], 999)
    if name in _COLUMN:
        return seen[:, _COLUMN[name]]
    return rows[:, [a.name for a in at.ATTRIBUTES].index(name)]

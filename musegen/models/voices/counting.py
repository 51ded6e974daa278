"""Witten–Bell chains (1991, "The zero-frequency problem") over the voices' contexts, with the piece's own past counted.

P_level(x) = (c(x) + T · P_shorter(x)) / (n + T): c, n and T count what followed a context in the *other* pieces and
*earlier in this one*, so a phrase that returns is expected. For the pieces that were counted themselves, their own
counts are taken out (leave one out): the network that weighs the chains then learns on pieces as new as any.
numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .features import CHAINS, STEPS, VOICES, Cells, Keys, Place, levels, places

Halves = npt.NDArray[np.float16]
_FLOOR = 1e-7  # below what float16 tells from 0


class Expected(NamedTuple):
    """What the chains expect of one voice of one piece."""

    logs: Halves  # (T, chains, STEPS): log P of each value relative to the reference
    trust: Halves  # (T, TRUST): log(1 + n) and T / (n + 1) of every level of every chain
    values: npt.NDArray[np.int64]  # (T,) what came
    reference: npt.NDArray[np.int64]  # (T,)


TRUST = 2 * sum(len(chain) + 1 for chain in CHAINS)


def expect(
    counted: Sequence[Cells],
    pieces: Sequence[Cells] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[list[Expected]]:
    """What the chains expect in each of `pieces` (T, 4), having `counted` others: four voices, in ORDER, of each.

    Without `pieces` it is the counted ones themselves, each without its own counts.
    """
    learnt = [places(p) for p in counted]
    asked = learnt if pieces is None else [places(p) for p in pieces]
    found: list[list[Expected]] = [[] for _ in asked]
    for voice in range(VOICES):
        mine, theirs = [p[voice] for p in learnt], [p[voice] for p in asked]
        logs: list[list[Halves]] = [[] for _ in asked]
        trust: list[list[Halves]] = [[] for _ in asked]
        for chain in range(len(CHAINS)):
            for i, (p, t) in enumerate(_one_chain(chain, mine, theirs, pieces is None)):
                logs[i].append(np.log(np.maximum(p, _FLOOR)).astype(np.float16))
                trust[i].append(t)
            progress(voice * len(CHAINS) + chain + 1, VOICES * len(CHAINS))
        for i, place in enumerate(theirs):
            found[i].append(Expected(np.stack(logs[i], 1), np.concatenate(trust[i], 1), place.values, place.reference))
    return found


def _one_chain(
    chain: int, counted: Sequence[Place], asked: Sequence[Place], themselves: bool
) -> list[tuple[npt.NDArray[np.float32], Halves]]:
    """P (T, STEPS) after the chain's longest context, and the trust of its levels (T, 2 · levels), of each piece."""
    out = [np.full((len(p.values), STEPS), 1 / STEPS, np.float32) for p in asked]
    trust: list[list[npt.NDArray[np.float32]]] = [[] for _ in asked]
    values = np.concatenate([p.values for p in counted])
    all_keys = zip(*(levels(p, chain) for p in counted), strict=True)
    all_asked = zip(*(levels(p, chain) for p in asked), strict=True)
    for known, keys in zip(all_keys, all_asked, strict=True):
        contexts, which = np.unique(np.concatenate(known), return_inverse=True)
        table = np.zeros((len(contexts) + 1, STEPS), np.float32)  # the last: contexts that never were
        np.add.at(table, (which, values), 1)
        for i, (key, place) in enumerate(zip(keys, asked, strict=True)):
            counts = _counts(table, contexts, key, place.values, themselves)
            seen, kinds = counts.sum(1, keepdims=True), (counts > 0.5).sum(1, keepdims=True).astype(np.float32)
            smoothed = (counts + kinds * out[i]) / np.maximum(seen + kinds, 1)
            out[i] = np.where(seen > 0, smoothed, out[i])
            trust[i] += [np.log1p(seen[:, 0]), kinds[:, 0] / (seen[:, 0] + 1)]
    return [(p, np.stack(t, 1).astype(np.float16)) for p, t in zip(out, trust, strict=True)]


def _counts(
    table: npt.NDArray[np.float32], contexts: Keys, keys: Keys, values: npt.NDArray[np.int64], counted: bool
) -> npt.NDArray[np.float32]:
    """What followed each of a piece's contexts (T,) in other pieces and earlier in this one: (T, STEPS)."""
    at = np.minimum(np.searchsorted(contexts, keys), len(contexts) - 1)
    counts: npt.NDArray[np.float32] = table[np.where(contexts[at] == keys, at, len(contexts))]
    same = (keys[:, None] == keys).astype(np.float32)
    came = np.eye(STEPS, dtype=np.float32)[values]
    earlier = np.tril(same, -1)
    result: npt.NDArray[np.float32] = counts - (same - earlier) @ came if counted else counts + earlier @ came
    return result


def shares_of(expected: Sequence[Sequence[Expected]], rounds: int = 60) -> npt.NDArray[np.float64]:
    """The chains' fixed shares (4, chains) that make pieces likeliest, by EM: the counts without a network."""
    out = []
    for voice in range(VOICES):
        p = np.concatenate([_came(e[voice]) for e in expected])
        shares = np.full(p.shape[1], 1 / p.shape[1])
        for _ in range(rounds):
            joint = p * shares
            shares = (joint / joint.sum(1, keepdims=True)).mean(0)
        out.append(shares)
    return np.stack(out)


def nats_by_shares(expected: Sequence[Expected], shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """−log P of a piece's cells (T, 4), voices in ORDER, where the chains have fixed shares (4, chains)."""
    return np.stack([-np.log(_came(e) @ s) for e, s in zip(expected, shares, strict=True)], 1)


def _came(expected: Expected) -> npt.NDArray[np.float64]:
    """P of what came, by each chain: (T, chains), over the values that a cell can have."""
    logs = np.exp(expected.logs.astype(np.float64))
    possible = in_reach(expected.reference)
    p = np.take_along_axis(logs, expected.values[:, None, None], 2)[..., 0]
    result: npt.NDArray[np.float64] = p / (logs * possible[:, None]).sum(2)
    return result


def in_reach(reference: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which relative values (T, STEPS) are pitches of the grid, or the rest."""
    pitch = np.arange(STEPS) - STEPS // 2 + 1 + reference[:, None]
    result: npt.NDArray[np.bool_] = (pitch >= 0) & (pitch < STEPS // 2) | (np.arange(STEPS) == STEPS - 1)
    return result

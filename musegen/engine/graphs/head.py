"""The situation and the note head of `models.notes` as one graph with six branches: a call runs one of them.

which        which branch: 0 … 4 the logits of that attribute, SITUATION the situation
target       model rows (N, WIDTH);   context, situation (N, D)
out          logits (N, outputs), or the situation (N, D)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...checkpoint import Weights
from ...events import attributes as at
from ...events import derived
from ...models.config import ModelConfig
from .nodes import FLOAT, INT32, Nodes, model

SITUATION = len(at.ATTRIBUTES)
_PITCHES = 128
_INTERVALS, _NO_INTERVAL, _SAME = 256, 255, 127
_LAST = {at.PITCH: (), at.VELOCITY: ("last_velocity",), at.DURATION: ("last_duration",)}
_COLUMN = {"last": derived.LAST, "last_velocity": derived.LAST_VELOCITY, "last_duration": derived.LAST_DURATION}

_MOMENT = {"bar": derived.BAR, "meter": derived.METER, "style": derived.STYLE}


def build_head(config: ModelConfig, weights: Weights, bits: int, about: dict[str, str]) -> bytes:
    """The head's ONNX file, its numbers in 8 or 32 `bits`."""
    nodes = Nodes(bits)
    head = _Head(config, weights, nodes)
    branches: list[Callable[[Nodes], str]] = [lambda n, i=i: head.logits(n, i) for i in range(SITUATION)]  # type: ignore[misc]
    nodes.call("out", _choose(nodes, [*branches, head.situation], 0))
    inputs = [
        ("which", INT32, []),
        ("target", INT32, ["N", derived.WIDTH]),
        ("context", FLOAT, ["N", config.width]),
        ("situation", FLOAT, ["N", config.width]),
    ]
    return model(nodes.graph("head", inputs, [("out", FLOAT, None)]), about)


def _choose(nodes: Nodes, branches: Sequence[Callable[[Nodes], str]], first: int) -> str:
    """The output of the branch number `which`, counted from `first`: a tree of conditions."""
    if len(branches) == 1:
        return branches[0](nodes)
    middle = len(branches) // 2
    halves = []
    for some, begin in ((branches[:middle], first), (branches[middle:], first + middle)):
        inner = nodes.inner()
        halves.append(inner.graph("branch", [], [(_choose(inner, some, begin), FLOAT, None)]))
    before = nodes.op("Less", "which", nodes.constant(np.array(first + middle, np.int32)))
    return nodes.op("If", before, then_branch=halves[0], else_branch=halves[1])


class Stack:
    """Tables of one width stacked into one, so that one look-up serves them all."""

    def __init__(self, nodes: Nodes, name: str, tables: dict[str, np.ndarray]) -> None:
        starts = np.cumsum([0, *(len(t) for t in tables.values())])
        self.start = dict(zip(tables, starts.tolist(), strict=False))
        self.name, self.width = name, next(iter(tables.values())).shape[1]
        nodes.table(name, np.concatenate(list(tables.values())))

    def places(self, nodes: Nodes, rows: str, columns: Sequence[tuple[str, int]]) -> str:
        """Where the tables named stand for the values in columns of `rows` (…, WIDTH): (…, number of columns)."""
        found = nodes.columns(rows, [column for _, column in columns])
        return nodes.op("Add", found, nodes.constant(np.array([self.start[n] for n, _ in columns], np.int32)))

    def intervals(self, nodes: Nodes, name: str, pitch: str, last: str) -> str:
        """Where the table `name` of 256 intervals stands for `pitch` − `last`, arrays (…) that broadcast."""
        limit, start = nodes.constant(np.array(_PITCHES, np.int32)), self.start[name]
        both = nodes.op("And", nodes.op("Less", pitch, limit), nodes.op("Less", last, limit))
        same = nodes.constant(np.array(_SAME + start, np.int32))
        steps = nodes.op("Add", nodes.op("Sub", pitch, last), same)
        return nodes.op("Where", both, steps, nodes.constant(np.array(_NO_INTERVAL + start, np.int32)))

    def summed(self, nodes: Nodes, places: str) -> str:
        """The sum (…, D) of the rows at `places` (…, n), n known to be the last axis."""
        return nodes.sum(nodes.look_up(self.name, self.width, places), -2)


class _Head:
    def __init__(self, config: ModelConfig, weights: Weights, nodes: Nodes) -> None:
        self._config, self._w = config, weights
        drawn = {f"drawn {a}": weights[f"head.drawn.{i}.weight"] for i, a in enumerate(config.drawn[:-1])}
        named = {n: weights[f"head.{n}.weight"] for n in (*_COLUMN, "harmony")}
        self._tables = Stack(nodes, "head tables", {**drawn, **named})
        slots = {n: weights[f"situation.slot_{n}.weight"] for n in ("instrument", "pitch", "remaining")}
        self._slots = Stack(nodes, "slot tables", slots)
        self._moment = [(n, c) for n, c in _MOMENT.items() if config.bar or n == "style"]
        moment = {n: weights[f"situation.{n}.weight"] for n, _ in self._moment}
        self._moments = Stack(nodes, "moment tables", moment)

    def situation(self, nodes: Nodes) -> str:
        """What `models.notes.Situation` says of the rows `target`."""
        columns = [(n, derived.SLOTS + i) for i, n in enumerate(("instrument", "pitch", "remaining"))]
        columns = [(n, c + 3 * slot) for slot in range(derived.SLOT_COUNT) for n, c in columns]
        places = self._slots.places(nodes, "target", columns)
        each = self._slots.summed(nodes, nodes.op("Reshape", places, nodes.ints(0, derived.SLOT_COUNT, 3)))
        sounding = nodes.sum(nodes.op("Relu", each), 1)
        keys = nodes.columns("target", range(derived.KEY, derived.RECENT))
        both = nodes.op("Concat", sounding, self._shares(nodes, keys), axis=-1)
        weight = np.concatenate([self._w["situation.slots.weight"], self._w["situation.key.weight"]], 1)
        together = nodes.linear(both, weight)
        moment = self._moments.places(nodes, "target", self._moment)
        return nodes.op("Add", together, self._moments.summed(nodes, moment))

    def logits(self, nodes: Nodes, attribute: int) -> str:
        """Those of one attribute, as `models.notes.NoteHead`."""
        w, total = self._w, "context"
        if attribute != at.SHIFT:
            total = nodes.op("Add", total, "situation")
            total = nodes.op("Add", total, self._tables.summed(nodes, self._told(nodes, attribute)))
        if attribute == at.PITCH:
            total = nodes.op("Add", total, nodes.linear(self._turned(nodes), w["head.key.weight"]))
        hidden = nodes.linear(
            nodes.norm(total, w[f"head.norm.{attribute}.weight"]),
            w[f"head.hidden.{attribute}.weight"],
            w[f"head.hidden.{attribute}.bias"],
        )
        hidden = nodes.squared_relu(hidden)
        also = {at.INSTRUMENT: "recent", at.PITCH: "interval"}.get(attribute)
        names = [f"head.out.{attribute}", *([f"head.{also}"] if also else [])]
        out = nodes.linear(
            hidden,
            np.concatenate([w[f"{n}.weight"] for n in names]),
            np.concatenate([w[f"{n}.bias"] for n in names]),
        )
        if attribute == at.INSTRUMENT:
            return self._heard_recently(nodes, out)
        return self._from_last(nodes, out) if attribute == at.PITCH else out

    def _told(self, nodes: Nodes, attribute: int) -> str:
        """Places of all that is known of the row when `attribute` is drawn: (N, some)."""
        order = self._config.drawn
        columns = [(f"drawn {a}", a) for a in order[: order.index(attribute)]]
        if attribute >= at.PITCH:
            columns += [(n, _COLUMN[n]) for n in ("last", *_LAST[attribute])]
        places = self._tables.places(nodes, "target", columns)
        if attribute != at.PITCH:
            return places
        pitches = nodes.columns("target", range(derived.SLOTS + 1, derived.WIDTH, 3))
        last = nodes.columns("target", [derived.LAST])
        harmony = self._tables.intervals(nodes, "harmony", pitches, last)
        return nodes.op("Concat", places, harmony, axis=-1)

    def _shares(self, nodes: Nodes, counts: str) -> str:
        floats = nodes.op("Cast", counts, to=FLOAT)
        total = nodes.op("ReduceSum", floats, nodes.ints(-1), keepdims=1)
        return nodes.op("Div", floats, nodes.op("Add", total, nodes.constant(np.ones((), np.float32))))

    def _turned(self, nodes: Nodes) -> str:
        """The key's shares (N, 12), counted from LAST, or from C where there is none."""
        last = nodes.columns("target", [derived.LAST])
        there = nodes.op("Less", last, nodes.constant(np.array(_PITCHES, np.int32)))
        last = nodes.op("Where", there, last, nodes.constant(np.zeros((), np.int32)))
        turned = nodes.op("Add", last, nodes.constant(np.arange(12, dtype=np.int32)))
        turned = nodes.op("Mod", turned, nodes.constant(np.array(12, np.int32)))
        shares = self._shares(nodes, nodes.columns("target", range(derived.KEY, derived.RECENT)))
        return nodes.op("GatherElements", shares, turned, axis=1)

    def _heard_recently(self, nodes: Nodes, out: str) -> str:
        """An instrument's own logit and that of its place among the latest."""
        own, recent = nodes.ops("Split", out, nodes.ints(at.INSTRUMENTS, derived.RECENT_COUNT), outputs=2, axis=-1)
        heard = nodes.columns("target", range(derived.RECENT, derived.SLOTS))
        # The place beyond the instruments, which is none's, takes what was heard by none, and is cut off.
        nothing = nodes.constant(np.zeros((), np.float32))
        wide = nodes.op("Pad", own, nodes.ints(0, 0, 0, 1), nothing)
        wide = nodes.op("ScatterElements", wide, heard, recent, axis=1, reduction="add")
        return nodes.op("Slice", wide, nodes.ints(0), nodes.ints(at.INSTRUMENTS), nodes.ints(1))

    def _from_last(self, nodes: Nodes, out: str) -> str:
        """A pitch's own logit and that of its interval from LAST, where there is one."""
        sizes = nodes.ints(at.ATTRIBUTES[at.PITCH].outputs, _INTERVALS - 1)
        own, relative = nodes.ops("Split", out, sizes, outputs=2, axis=-1)
        last = nodes.columns("target", [derived.LAST])
        there = nodes.op("Less", last, nodes.constant(np.array(_PITCHES, np.int32)))
        steps = nodes.op("Sub", nodes.constant(np.arange(_PITCHES, dtype=np.int32) + _SAME), last)
        steps = nodes.op("Max", steps, nodes.constant(np.zeros((), np.int32)))
        far = nodes.op("GatherElements", relative, steps, axis=1)
        return nodes.op("Add", own, nodes.op("Where", there, far, nodes.constant(np.zeros((), np.float32))))

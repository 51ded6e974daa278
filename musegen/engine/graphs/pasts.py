"""The step of each family as a graph: model rows are embedded, the past takes them in, and out comes the context.

rows (B, T, WIDTH), situation (B, T, D)  →  context (B, T, D)          T = 1 but for the transformer
transformer   its caches, bound to one buffer each as they come in and go out (`engine.onnx_transformer`)
recurrent     carried (layers · vectors, B, D) → carried
wavenet       taps (layers, B, D), each layer's input d rows ago → fed (layers, B, D), its inputs now
"""

from __future__ import annotations

import numpy as np

from ...checkpoint import Weights
from ...events import attributes as at
from ...events import derived
from ...models.config import ModelConfig
from ...models.relative import FARTHEST, bias_lookups, dilations
from .head import Stack
from .nodes import FLOAT, INT32, INT64, MICROSOFT, Array, Nodes, model

Values = list[tuple[str, int, list[object]]]
HEAD_STEP = 16  # onnxruntime rotates attention heads whose width is a multiple of this
CARRIED = {"rnn": 1, "gru": 1, "lstm": 2}
"""How many vectors each layer of a recurrent family carries."""


def build_step(config: ModelConfig, weights: Weights, bits: int, about: dict[str, str]) -> bytes:
    """The step's ONNX file, its numbers in 8 or 32 `bits`. Raises KeyError for a family that has none."""
    build = {"transformer": _transformer, "wavenet": _wavenet, **dict.fromkeys(CARRIED, _recurrent)}[config.family]
    nodes = Nodes(bits)
    inputs, outputs = build(nodes, config, weights, _embedded(nodes, weights))
    size = ["B", "T", config.width]
    rows: Values = [("rows", INT32, ["B", "T", derived.WIDTH]), ("situation", FLOAT, [*size])]
    return model(nodes.graph("step", [*rows, *inputs], [("context", FLOAT, [*size]), *outputs]), about)


def _embedded(nodes: Nodes, w: Weights) -> str:
    """As `models.notes.RowEmbedding`."""
    tables = {f"{i}": w[f"embed.attributes.{i}.weight"] for i in range(len(at.ATTRIBUTES))}
    stack = Stack(nodes, "row tables", {**tables, "interval": w["embed.interval.weight"]})
    own = stack.places(nodes, "rows", [(f"{i}", i) for i in range(len(at.ATTRIBUTES))])
    pitch, last = (nodes.columns("rows", [column]) for column in (at.PITCH, derived.LAST))
    places = nodes.op("Concat", own, stack.intervals(nodes, "interval", pitch, last), axis=-1)
    return nodes.norm(nodes.op("Add", "situation", stack.summed(nodes, places)), w["embed.norm.weight"])


# --- transformer ----------------------------------------------------------------------------------------------------


def head_width(config: ModelConfig) -> int:
    """Numbers of an attention head in the graph: filled up with zeros to what onnxruntime can rotate."""
    own = config.width // config.heads
    return -(-own // HEAD_STEP) * HEAD_STEP


def _transformer(nodes: Nodes, c: ModelConfig, w: Weights, x: str) -> tuple[Values, Values]:
    wide, learned = head_width(c), c.attention == "bias"
    near = nodes.op("Slice", x, nodes.ints(-1), nodes.ints(2**31), nodes.ints(1))
    nodes.call("input", near)
    past = nodes.op("Concat", "before", x, axis=1)
    past = nodes.op("Slice", past, nodes.ints(0), nodes.ints(-1), nodes.ints(1))
    x = nodes.op("Add", x, nodes.linear(past, w["past.before.weight"]))
    normed = nodes.norm(x, w["past.blocks.0.norm_attention.weight"])
    turn = ["", "", ""] if learned else ["cos", "sin", "places"]
    more = [_bias(nodes, w)] if learned else []
    caches: Values = []
    for i in range(c.layers):
        n = f"past.blocks.{i}"
        qkv = nodes.linear(normed, _widened(w[f"{n}.qkv.weight"], c, wide))
        attended = nodes.op(
            "GroupQueryAttention", qkv, "", "", f"keys {i}", f"values {i}", "last", "total", *turn, *more,
            domain=MICROSOFT, outputs=[f"attended {i}", f"new keys {i}", f"new values {i}"], num_heads=c.heads,
            kv_num_heads=c.heads, do_rotary=int(not learned), scale=float((c.width // c.heads) ** -0.5),
        )  # fmt: skip
        caches += [(f"{kind} {i}", FLOAT, ["B", c.heads, "memory", wide]) for kind in ("keys", "values")]
        joined = nodes.linear(attended, _widened(w[f"{n}.join.weight"].T, c, wide).T)
        normed, x = nodes.add_norm(x, joined, w[f"{n}.norm_network.weight"])
        hidden = nodes.squared_relu(nodes.linear(normed, w[f"{n}.widen.weight"]))
        following = f"past.blocks.{i + 1}.norm_attention.weight" if i + 1 < c.layers else "past.norm.weight"
        normed, x = nodes.add_norm(x, nodes.linear(hidden, w[f"{n}.narrow.weight"]), w[following])
    nodes.call("context", normed)
    one: list[object] = ["B", 1, c.width]
    inputs: Values = [("before", FLOAT, one), *caches, ("last", INT32, ["B"]), ("total", INT32, [1])]
    if learned:
        inputs += [("spots", INT32, ["B", "T", 3]), ("heard", INT32, ["B", "S", 3])]
    else:
        inputs += [(n, FLOAT, ["angles", wide // 2]) for n in ("cos", "sin")]
        inputs.append(("places", INT64, ["B", "T"]))
    return inputs, [("input", FLOAT, one), *((f"new {n}", kind, shape) for n, kind, shape in caches)]


def _widened(weight: Array, c: ModelConfig, wide: int) -> Array:
    """Rows (parts · heads · own, K) with each half of each head filled up with zeros: (parts · heads · wide, K)."""
    own = c.width // c.heads
    if own == wide:
        return weight
    halves = weight.reshape(-1, 2, own // 2, weight.shape[1])
    return np.pad(halves, ((0, 0), (0, 0), (0, (wide - own) // 2), (0, 0))).reshape(-1, weight.shape[1])


def _bias(nodes: Nodes, w: Weights) -> str:
    """What the distances between `spots` (B, T, 3) and those `heard` (B, S, 3) add to the scores: (B, heads, T, S)."""
    far = np.array(FARTHEST, np.int32)
    here, there = (nodes.op("Unsqueeze", n, nodes.ints(axis)) for n, axis in (("spots", 2), ("heard", 1)))
    apart = nodes.op("Sub", here, there)
    apart = nodes.op("Min", nodes.op("Max", apart, nodes.constant(-far)), nodes.constant(far))
    each = nodes.ops("Split", nodes.op("Add", apart, nodes.constant(far)), nodes.ints(1, 1, 1), outputs=3, axis=-1)
    limit = nodes.constant(np.array(127, np.int32))
    silent = [nodes.op("Greater", nodes.columns(n, [2]), limit) for n in (here, there)]
    none = nodes.constant(np.array(2 * FARTHEST[2] + 1, np.int32))
    places = [each[0], each[1], nodes.op("Where", nodes.op("Or", *silent), none, each[2])]
    total = ""
    for i, lookups in enumerate(bias_lookups()):
        table = sum(w[f"past.biases.tables.{i}.{j}.weight"][p] for j, p in enumerate(lookups))
        found = nodes.op("Gather", nodes.constant(np.asarray(table, np.float32)), nodes.sum(places[i], -1), axis=0)
        total = nodes.op("Add", total, found) if total else found
    return nodes.op("Transpose", total, perm=[0, 3, 1, 2])


# --- recurrent ------------------------------------------------------------------------------------------------------


def _recurrent(nodes: Nodes, c: ModelConfig, w: Weights, inputs: str) -> tuple[Values, Values]:
    cell, count = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}[c.family], CARRIED[c.family] * c.layers
    inputs = nodes.op("Reshape", inputs, nodes.ints(-1, c.width))  # T is 1
    carried = nodes.ops("Split", "carried", nodes.ints(*[1] * count), outputs=count, axis=0)
    flat = [nodes.op("Reshape", v, nodes.ints(-1, c.width)) for v in carried]
    x, new, each = inputs, [], CARRIED[c.family]
    for i in range(c.layers):
        new += cell(nodes, w, i, x, flat[each * i : each * (i + 1)])
        x = new[each * i]
    stacked = nodes.op("Concat", *[nodes.op("Unsqueeze", v, nodes.ints(0)) for v in new], axis=0)
    nodes.call("new carried", stacked)
    mixed = nodes.linear(x, w["past.mix.weight"], w["past.mix.bias"])
    _context(nodes, nodes.add_norm(mixed, inputs, w["past.norm.weight"])[0])
    shape: list[object] = [count, "B", c.width]
    return [("carried", FLOAT, shape)], [("new carried", FLOAT, shape)]


def _context(nodes: Nodes, x: str) -> None:
    nodes.call("context", nodes.op("Unsqueeze", x, nodes.ints(1)))


def _lstm(nodes: Nodes, w: Weights, i: int, x: str, carried: list[str]) -> list[str]:
    h, cell = carried
    width = w["past.norm.weight"].size
    w_x, w_h, b_x, b_h = (w[f"past.cells.{n}_l{i}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    order = np.r_[0 : 2 * width, 3 * width : 4 * width, 2 * width : 3 * width]  # in, forget, out, new
    matrix, bias = np.concatenate([w_x, w_h], 1)[order], (b_x + b_h)[order]
    gates = nodes.linear(nodes.op("Concat", x, h, axis=-1), matrix, bias)
    three, new = nodes.ops("Split", gates, nodes.ints(3 * width, width), outputs=2, axis=-1)
    enter, forget, leave = nodes.ops("Split", nodes.op("Sigmoid", three), nodes.ints(*[width] * 3), outputs=3, axis=-1)
    kept, added = nodes.op("Mul", forget, cell), nodes.op("Mul", enter, nodes.op("Tanh", new))
    cell = nodes.op("Add", kept, added)
    return [nodes.op("Mul", leave, nodes.op("Tanh", cell)), cell]


def _gru(nodes: Nodes, w: Weights, i: int, x: str, carried: list[str]) -> list[str]:
    (h,) = carried
    width = w["past.norm.weight"].size
    sizes = nodes.ints(2 * width, width)
    pairs = []
    for source, name in ((x, "ih"), (h, "hh")):
        out = nodes.linear(source, w[f"past.cells.weight_{name}_l{i}"], w[f"past.cells.bias_{name}_l{i}"])
        pairs.append(nodes.ops("Split", out, sizes, outputs=2, axis=-1))
    (gates_x, new_x), (gates_h, new_h) = pairs
    gates = nodes.op("Sigmoid", nodes.op("Add", gates_x, gates_h))
    reset, update = nodes.ops("Split", gates, nodes.ints(width, width), outputs=2, axis=-1)
    new = nodes.op("Tanh", nodes.op("Add", new_x, nodes.op("Mul", reset, new_h)))
    # (1 − u) n + u h = n + u (h − n)
    return [nodes.op("Add", new, nodes.op("Mul", update, nodes.op("Sub", h, new)))]


def _rnn(nodes: Nodes, w: Weights, i: int, x: str, carried: list[str]) -> list[str]:
    (h,), n = carried, f"past.cells.layers.{i}"
    into = np.concatenate([w[f"{n}.row.weight"], w[f"{n}.carry.weight"]], 1)
    hidden = nodes.op("Tanh", nodes.linear(nodes.op("Concat", x, h, axis=-1), into, w[f"{n}.row.bias"]))
    added = nodes.linear(hidden, w[f"{n}.out.weight"] * w[f"{n}.scale"].reshape(-1, 1))
    return [nodes.add_norm(h, added, w[f"{n}.norm.weight"])[0]]


# --- wavenet --------------------------------------------------------------------------------------------------------


def _wavenet(nodes: Nodes, c: ModelConfig, w: Weights, inputs: str) -> tuple[Values, Values]:
    count = len(dilations(c.layers, c.context))
    inputs = x = nodes.op("Reshape", inputs, nodes.ints(-1, c.width))  # T is 1
    taps = nodes.ops("Split", "taps", nodes.ints(*[1] * count), outputs=count, axis=0)
    fed, context = [], ""
    for i, tap in enumerate(taps):
        n = f"past.layers.{i}"
        fed.append(nodes.op("Unsqueeze", x, nodes.ints(0)))
        pair = nodes.op("Concat", nodes.op("Reshape", tap, nodes.ints(-1, c.width)), x, axis=-1)
        gates = nodes.linear(pair, w[f"{n}.gates.weight"], w[f"{n}.gates.bias"])
        half = c.width // 2
        signal, gate = nodes.ops("Split", gates, nodes.ints(half, half), outputs=2, axis=-1)
        units = nodes.op("Mul", nodes.op("Tanh", signal), nodes.op("Sigmoid", gate))
        both = nodes.linear(units, w[f"{n}.out.weight"], w[f"{n}.out.bias"])
        onward, skip = nodes.ops("Split", both, nodes.ints(c.width, c.width), outputs=2, axis=-1)
        x = nodes.op("Add", x, onward)
        context = nodes.op("Add", context, skip) if context else skip
    nodes.call("fed", nodes.op("Concat", *fed, axis=0))
    mixed = nodes.linear(nodes.op("Relu", context), w["past.mix.weight"], w["past.mix.bias"])
    _context(nodes, nodes.add_norm(mixed, inputs, w["past.norm.weight"])[0])
    shape: list[object] = [count, "B", c.width]
    return [("taps", FLOAT, shape)], [("fed", FLOAT, shape)]

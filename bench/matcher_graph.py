"""The matcher's weights as an ONNX graph: 8 bits in the file, float32 where it computes.

Called by ``matcher_training``; ``plan/matcher.py`` says what the graph is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]

OPSET, IR_VERSION = 20, 10
#: What is added to a variance, as in BERT.
EPSILON = 1e-12
_MOST = 127


class _Graph:
    """Nodes and weights, in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node of one output; the output's name."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def linear(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """``x`` times a matrix with a scale for each of its outputs, and the bias."""
        codes, scales = _quantized(weight)
        stored = self.constant(np.ascontiguousarray(codes.T))
        matrix = self.add("DequantizeLinear", stored, self.constant(scales), axis=1)
        return self.add("Add", self.add("MatMul", x, matrix), self.constant(bias))

    def rows(self, table: NDArray[np.float32], positions: str) -> str:
        """Rows of a table, each with a scale of its own."""
        codes, scales = _quantized(table)
        picked = self.add("Gather", self.constant(codes), positions)
        scale = self.add("Gather", self.constant(scales[:, None]), positions)
        return self.add("Mul", self.add("Cast", picked, to=TensorProto.FLOAT), scale)

    def normal(self, x: str, weights: Weights, name: str) -> str:
        scale, bias = (self.constant(weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.add("LayerNormalization", x, scale, bias, epsilon=EPSILON)


def graph(weights: Weights, heads: int) -> bytes:
    """The model: ``pieces`` and ``segments`` of T, ``pool`` of columns by T → ``odds``."""
    g = _Graph()
    length = g.add("Shape", "pieces")
    zero, one = g.constant(np.array(0, np.int64)), g.constant(np.array(1, np.int64))
    positions = g.add("Range", zero, g.add("Squeeze", length), one)
    x = g.rows(weights["pieces.weight"], "pieces")
    x = g.add("Add", x, g.rows(weights["positions.weight"], positions))
    x = g.add("Add", x, g.rows(weights["segments.weight"], "segments"))
    x = g.normal(x, weights, "normal")
    layers = {name.split(".")[1] for name in weights if name.startswith("layers.")}
    for number in sorted(map(int, layers)):
        prefix = f"layers.{number}."
        own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        x = _layer(g, x, own, heads)
    columns = g.linear(g.add("MatMul", "pool", x), weights["score.weight"], weights["score.bias"])
    first = g.add("Gather", x, g.numbers(0))
    none = g.linear(first, weights["none.weight"], weights["none.bias"])
    odds = g.add("Sub", columns, none)
    g.nodes.append(helper.make_node("Reshape", [odds, g.numbers(-1)], ["odds"]))
    integer, decimal = TensorProto.INT64, TensorProto.FLOAT
    made = helper.make_graph(
        g.nodes,
        "matcher",
        [
            helper.make_tensor_value_info("pieces", integer, ["pieces"]),
            helper.make_tensor_value_info("segments", integer, ["pieces"]),
            helper.make_tensor_value_info("pool", decimal, ["columns", "pieces"]),
        ],
        [helper.make_tensor_value_info("odds", decimal, ["columns"])],
        g.weights,
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model)
    found: bytes = model.SerializeToString()
    return found


def _layer(g: _Graph, x: str, weights: Weights, heads: int) -> str:
    """Attention and a network of two layers, each added to what it reads and normalised."""
    width = weights["mixed.weight"].shape[0]
    each = width // heads
    joint = g.linear(x, weights["joint.weight"], weights["joint.bias"])
    parts = g.add("Reshape", joint, g.numbers(-1, 3, heads, each))
    ahead = g.add("Transpose", parts, perm=[1, 2, 0, 3])
    query, key, value = (
        g.add("Gather", ahead, g.constant(np.array(part, np.int64))) for part in range(3)
    )
    alike = g.add("MatMul", query, g.add("Transpose", key, perm=[0, 2, 1]))
    scaled = g.add("Mul", alike, g.constant(np.array(each**-0.5, np.float32)))
    seen = g.add("MatMul", g.add("Softmax", scaled, axis=-1), value)
    back = g.add("Transpose", seen, perm=[1, 0, 2])
    mixed = g.linear(
        g.add("Reshape", back, g.numbers(-1, width)),
        weights["mixed.weight"],
        weights["mixed.bias"],
    )
    x = g.normal(g.add("Add", x, mixed), weights, "normal_mixed")
    wide = g.add("Gelu", g.linear(x, weights["wide.weight"], weights["wide.bias"]))
    narrow = g.linear(wide, weights["narrow.weight"], weights["narrow.bias"])
    return g.normal(g.add("Add", x, narrow), weights, "normal_narrow")


def _quantized(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows as whole numbers from -127 to 127, and the scale of each."""
    scales = np.maximum(np.abs(table).max(axis=1), 1e-9).astype(np.float32) / _MOST
    codes = np.round(table / scales[:, None]).astype(np.int8)
    return codes, scales.astype(np.float32)

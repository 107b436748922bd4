"""Quantiles as ONNX: margins moved, put around the value on their scale, sorted. Called by
``graph``.
"""

from typing import Any

import onnx
from onnx import TensorProto, helper

from modelyard_runtime.training.quantiles import WithQuantiles


def quantile_nodes(
    model: WithQuantiles, source: str, value: str, margins: list[str], result: str
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """From a value and its margins to the output [rows, 1 + levels], and the constants."""
    constants: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def constant(part: str, values: list[float] | list[int], kind: int = TensorProto.FLOAT) -> str:
        tensor = helper.make_tensor(f"{result}_quantiles_{part}", kind, [len(values)], values)
        constants.append(tensor)
        return str(tensor.name)

    def node(operator: str, inputs: list[str], part: str, **attributes: Any) -> str:
        output = f"{result}_quantiles_{part}"
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    side_by_side = node("Concat", margins, "margins", axis=1)
    moved = node("Add", [side_by_side, constant("shifts", model.shifts)], "moved")
    if model.unit is not None:
        unit = constant("unit", [model.unit])
        on_scale = node("Asinh", [node("Div", [value, unit], "units")], "scaled")
        grown = node("Sinh", [node("Add", [on_scale, moved], "margin")], "grown")
        around = node("Mul", [grown, unit], "around")
    else:
        if model.column is not None:
            column = constant("column", [model.column], TensorProto.INT64)
            size = node("Gather", [source, column], "size", axis=1)
            moved = node("Mul", [moved, size], "sized")
        around = node("Add", [value, moved], "around")
    count = constant("count", [len(margins)], TensorProto.INT64)
    ordered = f"{result}_quantiles_sorted"
    nodes.append(
        helper.make_node(
            "TopK", [around, count], [ordered, f"{result}_quantiles_places"], axis=1, largest=0
        )
    )
    if model.floor is not None:
        ordered = node("Max", [ordered, constant("floor", [model.floor])], "bounded")
    nodes.append(helper.make_node("Concat", [value, ordered], [result], axis=1))
    return nodes, constants

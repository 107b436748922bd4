"""What ``series.SeriesEncoding.matrix`` does, as nodes of a graph.

The last season of every series is a constant; a request's date and series pick from it. Called by
``graph``.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from modelyard_runtime.features import NUMERIC_INPUT
from modelyard_runtime.training.series import SeriesEncoding, history

_CODE = "series/code"


def series_front(
    encoding: SeriesEncoding, codes: list[onnx.NodeProto], result: str
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """The nodes from the inputs to the matrix, after those that make codes of texts."""
    constants = _constants(encoding)
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    parts = ["series/kept", "series/first", "series/ahead", "series/rest", "series/before"]
    parts += [f"codes_{position}" for position in range(len(encoding.text))]
    nodes = [
        *codes,
        _node("Gather", [NUMERIC_INPUT, "kept_columns"], "kept", axis=1),
        *_steps_ahead(),
        *_series_code(encoding),
        _node("Gather", ["scales", _CODE], "first", axis=0),
        _node("Gather", ["levels", _CODE], "rest", axis=0),
        *_season_before(),
        helper.make_node("Concat", parts, [result], axis=1),
    ]
    return nodes, tensors


def _constants(encoding: SeriesEncoding) -> dict[str, NDArray[np.generic]]:
    weights, constant, divisor = encoding.step_weights
    series, lines = encoding.series, len(encoding.tails)
    known = history(encoding.tails, np.ones(lines, dtype=np.int64), series.season)
    scale = known[:, :1]
    return {
        "kept_columns": np.array(encoding.kept, dtype=np.int64),
        "weights": weights.reshape(-1, 1),
        "constant": np.float32(constant).reshape(1),
        "divisor": np.float32(divisor).reshape(1),
        "last": np.float32(series.last).reshape(1),
        "least": np.array(1.0, dtype=np.float32),
        "most": np.array(series.horizon, dtype=np.float32),
        "zero": np.float32(0.0).reshape(1),
        "season": np.array([series.season], dtype=np.int64),
        "one": np.array([1], dtype=np.int64),
        "flat": np.array([-1], dtype=np.int64),
        "scales": scale,
        "levels": known[:, 2:-1],
        "seasons": (encoding.tails / scale)[:, -series.season :],
        "column": np.array([encoding.number_column or 0], dtype=np.int64),
    }


def _steps_ahead() -> list[onnx.NodeProto]:
    return [
        _node("MatMul", [NUMERIC_INPUT, "weights"], "sum"),
        _node("Add", ["series/sum", "constant"], "moved"),
        _node("Div", ["series/moved", "divisor"], "divided"),
        _node("Floor", ["series/divided"], "step"),
        _node("Sub", ["series/step", "last"], "distance"),
        _node("Clip", ["series/distance", "least", "most"], "ahead"),
    ]


def _series_code(encoding: SeriesEncoding) -> list[onnx.NodeProto]:
    """The code of each row's series, as whole numbers in one dimension."""
    text, number = encoding.text_column, encoding.number_column
    if text is not None:
        made, source = [], f"codes_{text}"
    elif number is not None:
        made = [
            _node("Gather", [NUMERIC_INPUT, "column"], "id", axis=1),
            helper.make_node(
                "LabelEncoder",
                ["series/id"],
                ["series/number"],
                domain="ai.onnx.ml",
                keys_floats=list(encoding.ids),
                values_floats=[float(code) for code in range(1, len(encoding.ids) + 1)],
                default_float=0.0,
            ),
        ]
        source = "series/number"
    else:
        made, source = [_node("Mul", ["series/ahead", "zero"], "none")], "series/none"
    return [
        *made,
        _node("Cast", [source], "whole", to=TensorProto.INT64),
        _node("Reshape", ["series/whole", "flat"], "code"),
    ]


def _season_before() -> list[onnx.NodeProto]:
    """The value as many steps back that it is a season, or several, before the row."""
    return [
        _node("Cast", ["series/ahead"], "ahead_whole", to=TensorProto.INT64),
        _node("Sub", ["series/ahead_whole", "one"], "offset"),
        _node("Mod", ["series/offset", "season"], "place"),
        _node("Unsqueeze", [_CODE, "one"], "line"),
        _node("Concat", ["series/line", "series/place"], "cell", axis=1),
        _node("GatherND", ["seasons", "series/cell"], "value_before"),
        _node("Unsqueeze", ["series/value_before", "one"], "before"),
    ]


def _node(operator: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [f"series/{output}"], **attributes)

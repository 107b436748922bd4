"""From a fitted pipeline to the ONNX graph that is served, from raw columns to scores.

skl2onnx converts scikit-learn's pipelines; around them this module writes what it does not know,
behind the ``front`` that makes the matrix, and leaves the one output that the manifest promises.
Thresholds of trees are first put on the float32 grid, so that both sides take the same branch for
every input.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from modelyard_crds.plan import Task
from modelyard_runtime.training.calibration import FLOOR, Calibrated
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.ensemble import members_of
from modelyard_runtime.training.front import front_of
from modelyard_runtime.training.lightgbm_trees import is_lightgbm, lightgbm_nodes
from modelyard_runtime.training.log_scale import OnLogScale
from modelyard_runtime.training.quantiles import WithQuantiles
from modelyard_runtime.training.quantiles_graph import quantile_nodes
from modelyard_runtime.training.series import Relative
from modelyard_runtime.training.target_means import TargetEncoded, added_columns
from modelyard_runtime.training.trees import forest_nodes, is_forest, trees_of
from modelyard_runtime.training.words_graph import IR_VERSION, OPSET, Part

OPSETS = {"": OPSET, "ai.onnx.ml": 3}
PROBABILITIES, VALUE = "probabilities", "value"


def output_name(task: Task) -> str:
    """The name of the graph's one output."""
    return VALUE if task == "regression" else PROBABILITIES


def to_graph(model: Any, encoding: Encoding, task: Task) -> bytes:
    """The graph of a fitted model; whatever the converter raises says that it has none.

    A weighted mean of models is one graph, in which all read the same matrix.
    """
    align_thresholds(model)
    inputs, front = front_of(encoding)
    body = _body(model, Matrix(front.result, encoding.width), task, output_name(task))
    result = helper.make_graph(
        front.nodes + body.nodes,
        "model",
        inputs,
        [helper.make_tensor_value_info(output_name(task), TensorProto.FLOAT, [None, None])],
        [*body.constants, *front.constants],
    )
    opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
    whole = helper.make_model(result, opset_imports=opsets, producer_name="modelyard")
    whole.ir_version = IR_VERSION
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


class Matrix(NamedTuple):
    """What a part of the graph reads: a tensor's name and its columns."""

    name: str
    width: int


def _body(model: Any, source: Matrix, task: Task, result: str) -> Part:
    """From the matrix to the output ``result``."""
    members = members_of(model)
    if members:
        return _mean(members, source, task, result)
    if isinstance(model, WithQuantiles):
        return _with_quantiles(model, source, task, result)
    if isinstance(model, Calibrated):
        return _corrected(model, source, task, result)
    if is_lightgbm(model):
        return Part(lightgbm_nodes(model, task, source.name, result, _down), [])
    if isinstance(model, OnLogScale):
        return _from_log_scale(model, source, task, result)
    if is_forest(model):
        return Part(forest_nodes(model, source.name, result), [])
    if isinstance(model, TargetEncoded):
        return _with_means(model, source, task, result)
    if isinstance(model, Relative):
        return _in_its_size(model, source, task, result)
    if hasattr(model, "regressor_"):
        return _untransformed(model, source, task, result)
    return _converted(model, source, task, result)


def _mean(members: list[tuple[float, Any]], source: Matrix, task: Task, result: str) -> Part:
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    parts = []
    for number, (weight, member) in enumerate(members):
        name = f"{result}_{number}"
        body = _body(member, source, task, name)
        constant = helper.make_tensor(f"{name}_weight", TensorProto.FLOAT, [1], [weight])
        nodes += [*body.nodes, helper.make_node("Mul", [name, constant.name], [f"{name}_part"])]
        constants += [*body.constants, constant]
        parts.append(f"{name}_part")
    return Part([*nodes, helper.make_node("Sum", parts, [result])], constants)


def _corrected(model: Calibrated, source: Matrix, task: Task, result: str) -> Part:
    """A model whose probabilities are corrected: softmax of their scaled, shifted logarithms."""
    names = {part: f"{result}_{part}" for part in ("raw", "kept", "logs", "scaled", "scores")}
    body = _body(model.inner, source, task, names["raw"])
    constants = {
        "floor": ([], [FLOOR]),
        "one": ([], [1.0]),
        "slope": ([1], [model.slope]),
        "shift": ([len(model.shift)], model.shift),
    }
    tensors = [
        helper.make_tensor(f"{result}_{name}", TensorProto.FLOAT, shape, values)
        for name, (shape, values) in constants.items()
    ]
    floor, one, slope, shift = (tensor.name for tensor in tensors)
    nodes = [
        helper.make_node("Clip", [names["raw"], floor, one], [names["kept"]]),
        helper.make_node("Log", [names["kept"]], [names["logs"]]),
        helper.make_node("Mul", [names["logs"], slope], [names["scaled"]]),
        helper.make_node("Add", [names["scaled"], shift], [names["scores"]]),
        helper.make_node("Softmax", [names["scores"]], [result], axis=1),
    ]
    return Part([*body.nodes, *nodes], [*body.constants, *tensors])


def _untransformed(model: Any, source: Matrix, task: Task, result: str) -> Part:
    """A model of a transformed target: its values, taken back."""
    scaled, times = f"{result}_scaled", f"{result}_times"
    body = _body(model.regressor_, source, task, scaled)
    scaler = model.transformer_
    spread, middle = (
        helper.make_tensor(f"{result}_{name}", TensorProto.FLOAT, [1], [float(value)])
        for name, value in (("spread", scaler.scale_[0]), ("middle", scaler.mean_[0]))
    )
    nodes = [
        helper.make_node("Mul", [scaled, spread.name], [times]),
        helper.make_node("Add", [times, middle.name], [result]),
    ]
    return Part([*body.nodes, *nodes], [*body.constants, spread, middle])


def _in_its_size(model: Relative, source: Matrix, task: Task, result: str) -> Part:
    """A model of values relative to a column: its values, times the column."""
    relative, size = f"{result}_relative", f"{result}_size"
    body = _body(model.inner, source, task, relative)
    column = helper.make_tensor(f"{result}_column", TensorProto.INT64, [1], [model.column])
    nodes = [
        helper.make_node("Gather", [source.name, column.name], [size], axis=1),
        helper.make_node("Mul", [relative, size], [result]),
    ]
    return Part([*body.nodes, *nodes], [*body.constants, column])


def _with_means(model: TargetEncoded, source: Matrix, task: Task, result: str) -> Part:
    """A model that reads the means of categories as well: picked by code, before the matrix."""
    flat = numpy_helper.from_array(np.array([-1], dtype=np.int64), f"{result}_flat")
    nodes: list[onnx.NodeProto] = []
    constants = [flat]
    parts = []
    for number, (column, means) in enumerate(zip(model.columns, model.means, strict=True)):
        name = f"{result}_means_{number}"
        table = numpy_helper.from_array(means, f"{name}_table")
        place = numpy_helper.from_array(np.array([column], dtype=np.int64), f"{name}_column")
        code, whole, line = (f"{name}_{part}" for part in ("code", "whole", "line"))
        nodes += [
            helper.make_node("Gather", [source.name, place.name], [code], axis=1),
            helper.make_node("Cast", [code], [whole], to=TensorProto.INT64),
            helper.make_node("Reshape", [whole, flat.name], [line]),
            helper.make_node("Gather", [table.name, line], [name], axis=0),
        ]
        constants += [table, place]
        parts.append(name)
    width = source.width + added_columns(model.columns, model.classes)
    inner = Matrix(f"{result}_encoded", width)
    nodes.append(helper.make_node("Concat", [*parts, source.name], [inner.name], axis=1))
    body = _body(model.inner, inner, task, f"{result}_inner")
    last = helper.make_node("Identity", [f"{result}_inner"], [result])
    return Part([*nodes, *body.nodes, last], [*constants, *body.constants])


def _from_log_scale(model: OnLogScale, source: Matrix, task: Task, result: str) -> Part:
    """A model of values on a logarithmic scale: within its bounds, taken back."""
    names = {part: f"{result}_{part}" for part in ("scaled", "kept", "units")}
    body = _body(model.inner, source, task, names["scaled"])
    tensors = [
        helper.make_tensor(f"{result}_{name}", TensorProto.FLOAT, [], [value])
        for name, value in (("low", model.low), ("high", model.high), ("unit", model.unit))
    ]
    low, high, unit = (tensor.name for tensor in tensors)
    nodes = [
        helper.make_node("Clip", [names["scaled"], low, high], [names["kept"]]),
        helper.make_node("Sinh", [names["kept"]], [names["units"]]),
        helper.make_node("Mul", [names["units"], unit], [result]),
    ]
    return Part([*body.nodes, *nodes], [*body.constants, *tensors])


def _with_quantiles(model: WithQuantiles, source: Matrix, task: Task, result: str) -> Part:
    """A value beside its quantiles: the margins around it are graphs of their own."""
    value, margins = f"{result}_value", [f"{result}_margin_{n}" for n in range(len(model.margins))]
    bodies = [_body(model.inner, source, task, value)]
    bodies += [_body(m, source, task, name) for m, name in zip(model.margins, margins, strict=True)]
    nodes, constants = quantile_nodes(model, source.name, value, margins, result)
    return Part(
        [*(node for body in bodies for node in body.nodes), *nodes],
        [*(tensor for body in bodies for tensor in body.constants), *constants],
    )


def align_thresholds(model: Any) -> None:
    """Round the thresholds of all trees of scikit-learn down to float32, in place.

    Inputs are float32: ``x <= t`` and ``x <= down(t)`` are the same for every one of them, so
    that scikit-learn's predictions do not change, and ONNX, which keeps thresholds as float32,
    cannot take another branch.
    """
    for _, member in members_of(model):
        align_thresholds(member)
    if members_of(model):
        return
    if isinstance(model, Relative | Calibrated | OnLogScale | TargetEncoded | WithQuantiles):
        align_thresholds(model.inner)
        return
    for tree in trees_of(model):
        tree.threshold[:] = np.where(tree.feature >= 0, _down(tree.threshold), tree.threshold)


def _down(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    aligned = np.where(near.astype(np.float64) > thresholds, lower, near)
    return aligned.astype(np.float64)


def _converted(model: Any, source: Matrix, task: Task, result: str) -> Part:
    """The nodes of skl2onnx, named so that several models fit into one graph."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    options = {} if task == "regression" else {id(model): {"zipmap": False}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted: onnx.ModelProto = convert_sklearn(
            model,
            initial_types=[(source.name, FloatTensorType([None, source.width]))],
            target_opset=OPSETS,
            options=options,
        )
    graph = converted.graph
    found = graph.output[0 if task == "regression" else 1].name
    nodes = _needed(list(graph.node), found)
    kept = {source.name: source.name, found: result, "": ""}
    for node in nodes:
        node.name = f"{result}/{node.name}"
        for names in (node.input, node.output):
            names[:] = [kept.get(name, f"{result}/{name}") for name in names]
    used = {name for node in nodes for name in node.input}
    constants = list(graph.initializer)
    for tensor in constants:
        tensor.name = f"{result}/{tensor.name}"
    return Part(nodes, [tensor for tensor in constants if tensor.name in used])


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """The nodes that an output depends on, in their order."""
    wanted = {output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]

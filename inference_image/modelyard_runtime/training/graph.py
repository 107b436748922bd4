"""From a fitted pipeline to the ONNX graph that is served, from raw columns to scores.

skl2onnx converts the pipeline; around it this module writes the mapping of text to codes, as
LabelEncoder nodes of its own, and leaves the one output that the manifest promises. Thresholds of
trees are first put on the float32 grid, so that both sides take the same branch for every input.
"""

import warnings
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from modelyard_crds.plan import Task
from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT
from modelyard_runtime.training.encoding import Encoding

OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 9
PROBABILITIES, VALUE = "probabilities", "value"
_MATRIX = "matrix"


def output_name(task: Task) -> str:
    """The name of the graph's one output."""
    return VALUE if task == "regression" else PROBABILITIES


def to_graph(model: Any, encoding: Encoding, task: Task) -> bytes:
    """The graph of a fitted pipeline; whatever the converter raises says that it has none."""
    align_thresholds(model)
    converted = _converted(model, len(encoding.columns), task)
    graph = converted.graph
    source = graph.output[0 if task == "regression" else 1].name
    nodes = _needed(list(graph.node), source)
    nodes = [_renamed(node, source, output_name(task)) for node in nodes]
    inputs, front = _front(encoding)
    if encoding.text:
        nodes = front + nodes
    else:
        nodes = [_renamed(node, _MATRIX, NUMERIC_INPUT) for node in nodes]
    used = {name for node in nodes for name in node.input}
    result = helper.make_graph(
        nodes,
        "model",
        inputs,
        [helper.make_tensor_value_info(output_name(task), TensorProto.FLOAT, [None, None])],
        [*(tensor for tensor in graph.initializer if tensor.name in used), *_indices(encoding)],
    )
    opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
    whole = helper.make_model(result, opset_imports=opsets, producer_name="modelyard")
    whole.ir_version = IR_VERSION
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


def align_thresholds(model: Any) -> None:
    """Round the thresholds of all trees down to float32, in place.

    Inputs are float32: ``x <= t`` and ``x <= down(t)`` are the same for every one of them, so
    that scikit-learn's predictions do not change, and ONNX, which keeps thresholds as float32,
    cannot take another branch.
    """
    estimator = getattr(model, "steps", [(None, model)])[-1][1]
    for predictors in getattr(estimator, "_predictors", []):
        for predictor in predictors:
            predictor.nodes["num_threshold"] = _down(predictor.nodes["num_threshold"])
    for tree in getattr(estimator, "estimators_", []):
        inner = tree.tree_.threshold
        inner[:] = np.where(tree.tree_.feature >= 0, _down(inner), inner)


def _down(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    aligned = np.where(near.astype(np.float64) > thresholds, lower, near)
    return aligned.astype(np.float64)


def _converted(model: Any, width: int, task: Task) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    options = {} if task == "regression" else {id(model): {"zipmap": False}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted: onnx.ModelProto = convert_sklearn(
            model,
            initial_types=[(_MATRIX, FloatTensorType([None, width]))],
            target_opset=OPSETS,
            options=options,
        )
    return converted


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """The nodes that an output depends on, in their order."""
    wanted = {output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]


def _renamed(node: onnx.NodeProto, old: str, new: str) -> onnx.NodeProto:
    for names in (node.input, node.output):
        for position, name in enumerate(names):
            if name == old:
                names[position] = new
    return node


def _front(encoding: Encoding) -> tuple[list[onnx.ValueInfoProto], list[onnx.NodeProto]]:
    """The graph's inputs, and the nodes from them to the matrix."""
    inputs, parts, nodes = [], [], []
    if encoding.numeric:
        shape = [None, len(encoding.numeric)]
        inputs.append(helper.make_tensor_value_info(NUMERIC_INPUT, TensorProto.FLOAT, shape))
        parts.append(NUMERIC_INPUT)
    if encoding.text:
        shape = [None, len(encoding.text)]
        inputs.append(helper.make_tensor_value_info(TEXT_INPUT, TensorProto.STRING, shape))
    for position, name in enumerate(encoding.text):
        texts, codes = f"text_{position}", f"codes_{position}"
        index = f"index_{position}"
        nodes.append(helper.make_node("Gather", [TEXT_INPUT, index], [texts], axis=1))
        nodes.append(_label_encoder(texts, codes, encoding.categories[name]))
        parts.append(codes)
    nodes.append(helper.make_node("Concat", parts, [_MATRIX], axis=1))
    return inputs, nodes


def _label_encoder(source: str, result: str, categories: list[str]) -> onnx.NodeProto:
    # A node without keys is not allowed; the empty text is missing, which is 0 anyway.
    keys = categories or [""]
    values = [float(code) for code in range(1, len(categories) + 1)] or [0.0]
    return helper.make_node(
        "LabelEncoder",
        [source],
        [result],
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_floats=values,
        default_float=0.0,
    )


def _indices(encoding: Encoding) -> list[onnx.TensorProto]:
    return [
        helper.make_tensor(f"index_{position}", TensorProto.INT64, [1], [position])
        for position in range(len(encoding.text))
    ]

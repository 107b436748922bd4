"""From the inputs of a graph to the matrix, as ``encoding`` makes it: the beginning of each graph.

Categories become codes by LabelEncoder nodes, free text what ``words_graph`` says. Called by
``graph``.
"""

from typing import NamedTuple

import onnx
from onnx import TensorProto, helper

from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.series import SeriesEncoding
from modelyard_runtime.training.series_graph import series_front
from modelyard_runtime.training.words_graph import Part, columns_of

_MATRIX = "matrix"


class Front(NamedTuple):
    """Nodes up to the matrix, what they read, and the matrix's name."""

    nodes: list[onnx.NodeProto]
    constants: list[onnx.TensorProto]
    result: str


def front_of(encoding: Encoding) -> tuple[list[onnx.ValueInfoProto], Front]:
    """The graph's inputs, and the nodes from them to the matrix."""
    inputs = []
    if encoding.numeric:
        shape = [None, len(encoding.numeric)]
        inputs.append(helper.make_tensor_value_info(NUMERIC_INPUT, TensorProto.FLOAT, shape))
    if encoding.text:
        shape = [None, len(encoding.text)]
        inputs.append(helper.make_tensor_value_info(TEXT_INPUT, TensorProto.STRING, shape))
    codes, indices = _codes(encoding), _indices(encoding)
    if isinstance(encoding, SeriesEncoding):
        nodes, constants = series_front(encoding, codes, _MATRIX)
        return inputs, Front(nodes, [*constants, *indices], _MATRIX)
    if not encoding.text:
        return inputs, Front([], [], NUMERIC_INPUT)
    words = _words(encoding)
    places = {name: position for position, name in enumerate(encoding.text)}
    parts = [NUMERIC_INPUT] if encoding.numeric else []
    parts += [f"words_{places[name]}" for name in encoding.words]
    parts += [f"codes_{places[name]}" for name in encoding.coded]
    matrix = helper.make_node("Concat", parts, [_MATRIX], axis=1)
    return inputs, Front([*codes, *words.nodes, matrix], [*indices, *words.constants], _MATRIX)


def _picked(position: int) -> tuple[str, onnx.NodeProto]:
    """One column of the texts."""
    texts, index = f"text_{position}", f"index_{position}"
    return texts, helper.make_node("Gather", [TEXT_INPUT, index], [texts], axis=1)


def _codes(encoding: Encoding) -> list[onnx.NodeProto]:
    nodes = []
    for position, name in enumerate(encoding.text):
        if name in encoding.words:
            continue
        texts, pick = _picked(position)
        nodes += [pick, _label_encoder(texts, f"codes_{position}", encoding.categories[name])]
    return nodes


def _words(encoding: Encoding) -> Part:
    found = Part([], [])
    for name, words in encoding.words.items():
        position = encoding.text.index(name)
        texts, pick = _picked(position)
        part = columns_of(words.spellings, words.weights, texts, f"words_{position}")
        found = Part([*found.nodes, pick, *part.nodes], [*found.constants, *part.constants])
    return found


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

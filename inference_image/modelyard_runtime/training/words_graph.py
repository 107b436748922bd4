"""What becomes of free text, as nodes of a graph: words, their counts, a few columns.

Training runs these same nodes: no second tokenizer exists that could differ (pitfall 4.9). What is
added up are whole numbers, which float32 holds exactly, so that the columns of a row have the same
bits alone and in any batch, and trees take the same branch. Called by ``words`` and ``graph``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 20, 9


class Part(NamedTuple):
    """Nodes of a graph and the constants that they read."""

    nodes: list[onnx.NodeProto]
    constants: list[onnx.TensorProto]


def words_of(source: str, result: str) -> Part:
    """From texts, rows by one, to what is between white space, as many as the longest text has."""
    flat = numpy_helper.from_array(np.array([-1], dtype=np.int64), f"{result}_flat")
    texts = f"{result}_texts"
    cut = helper.make_node("StringSplit", [texts], [result, f"{result}_number"])
    return Part([helper.make_node("Reshape", [source, flat.name], [texts]), cut], [flat])


def counts_of(spellings: Mapping[str, int], source: str, result: str) -> Part:
    """From texts to how often each has each word; spellings of one word share a column."""
    words = words_of(source, f"{result}_words")
    count = helper.make_node(
        "TfIdfVectorizer",
        [f"{result}_words"],
        [result],
        mode="TF",
        min_gram_length=1,
        max_gram_length=1,
        max_skip_count=0,
        ngram_counts=[0],
        ngram_indexes=list(spellings.values()),
        pool_strings=list(spellings),
    )
    return Part([*words.nodes, count], words.constants)


def columns_of(
    spellings: Mapping[str, int], weights: NDArray[np.float32], source: str, result: str
) -> Part:
    """From texts to the number of their known words and weighted sums over its square root.

    ``weights`` are whole numbers, words by sums.
    """
    names = {part: f"{result}_{part}" for part in ("counts", "number", "sums", "least", "root")}
    counts = counts_of(spellings, source, names["counts"])
    constants: dict[str, NDArray[Any]] = {
        "weights": weights,
        "one": np.ones(1, dtype=np.float32),
        "axis": np.ones(1, dtype=np.int64),
    }
    tensors = [
        numpy_helper.from_array(value, f"{result}_{name}") for name, value in constants.items()
    ]
    weight, one, axis = (tensor.name for tensor in tensors)
    nodes = [
        helper.make_node("ReduceSum", [names["counts"], axis], [names["number"]], keepdims=1),
        helper.make_node("MatMul", [names["counts"], weight], [names["sums"]]),
        helper.make_node("Max", [names["number"], one], [names["least"]]),
        helper.make_node("Sqrt", [names["least"]], [names["root"]]),
        helper.make_node("Div", [names["sums"], names["root"]], [f"{result}_means"]),
        helper.make_node("Concat", [names["number"], f"{result}_means"], [result], axis=1),
    ]
    return Part([*counts.nodes, *nodes], [*counts.constants, *tensors])


def graph_of(part: Part, source: str, result: str, kind: int) -> bytes:
    """A graph of its own, from texts, rows by one, to a matrix of a kind of TensorProto."""
    graph = helper.make_graph(
        part.nodes,
        "words",
        [helper.make_tensor_value_info(source, TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info(result, kind, [None, None])],
        part.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], producer_name="modelyard")
    model.ir_version = IR_VERSION
    return bytes(model.SerializeToString())

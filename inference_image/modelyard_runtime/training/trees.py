"""Ensembles of trees as one ONNX node, from arrays.

scikit-learn's forests are written here as well: their trees are arrays already, and a converter
that walks them node by node takes as long as fitting them. Called by ``graph`` and
``lightgbm_trees``.
"""

from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, helper

ONNX_ML = "ai.onnx.ml"
#: Of a branch and of a leaf: as objects all nodes share the two texts.
_MODES = np.array([b"BRANCH_LEQ", b"LEAF"], dtype=object)

Integers = NDArray[np.integer[Any]]


class Nodes(NamedTuple):
    """The nodes of all trees, one tree after the other.

    Rows with ``feature <= threshold`` go left; children are numbers within their tree.
    """

    #: How many nodes each tree has.
    sizes: list[int]
    feature: Integers
    threshold: NDArray[np.floating[Any]]
    missing_left: NDArray[np.bool_]
    left: Integers
    right: Integers
    leaf: NDArray[np.bool_]


class Leaves(NamedTuple):
    """What leaves add to the outputs: ``node`` counts through all trees."""

    node: Integers
    target: Integers
    weight: NDArray[np.floating[Any]]


def trees_node(
    nodes: Nodes, leaves: Leaves, targets: int, source: str, result: str
) -> onnx.NodeProto:
    """The node that adds up what the leaves of all trees say, for each of the targets.

    Thresholds must be on the float32 grid already: inputs are float32.
    """
    tree = np.repeat(np.arange(len(nodes.sizes)), nodes.sizes)
    number = np.concatenate([np.arange(size) for size in nodes.sizes])
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [result],
        domain=ONNX_ML,
        n_targets=targets,
        aggregate_function="SUM",
        post_transform="NONE",
    )
    node.attribute.extend(
        [
            _integers("nodes_treeids", tree),
            _integers("nodes_nodeids", number),
            _integers("nodes_featureids", nodes.feature),
            _floats("nodes_values", nodes.threshold),
            _texts("nodes_modes", _MODES[nodes.leaf.astype(np.intp)]),
            _integers("nodes_truenodeids", nodes.left),
            _integers("nodes_falsenodeids", nodes.right),
            _integers("nodes_missing_value_tracks_true", nodes.missing_left.astype(np.int64)),
            _integers("target_treeids", tree[leaves.node]),
            _integers("target_nodeids", number[leaves.node]),
            _integers("target_ids", leaves.target),
            _floats("target_weights", leaves.weight),
        ]
    )
    return node


# onnx.helper looks at every value of a list to find out of which type it is.
def _integers(name: str, values: Integers) -> AttributeProto:
    return AttributeProto(name=name, type=AttributeProto.INTS, ints=values.tolist())


def _floats(name: str, values: NDArray[np.floating[Any]]) -> AttributeProto:
    return AttributeProto(name=name, type=AttributeProto.FLOATS, floats=values.tolist())


def _texts(name: str, values: NDArray[np.object_]) -> AttributeProto:
    return AttributeProto(name=name, type=AttributeProto.STRINGS, strings=values.tolist())


def is_forest(model: Any) -> bool:
    """Whether a fitted pipeline is an imputer before one of scikit-learn's forests."""
    steps = getattr(model, "steps", [])
    return len(steps) == 2 and hasattr(steps[0][1], "statistics_") and trees_of(model) != []  # noqa: PLR2004 - a pair


def trees_of(model: Any) -> list[Any]:
    """The fitted trees of a forest, or of a pipeline that ends in one."""
    estimator = getattr(model, "steps", [(None, model)])[-1][1]
    return [tree.tree_ for tree in getattr(estimator, "estimators_", [])]


def forest_nodes(model: Any, source: str, result: str) -> list[onnx.NodeProto]:
    """The nodes from the matrix to probabilities or values: the mean over the trees."""
    trees, known = trees_of(model), f"{result}_known"
    imputer = helper.make_node(
        "Imputer",
        [source],
        [known],
        domain=ONNX_ML,
        imputed_value_floats=model.steps[0][1].statistics_.tolist(),
        replaced_value_float=float("nan"),
    )
    feature = np.concatenate([tree.feature for tree in trees])
    leaf = feature < 0
    nodes = Nodes(
        [tree.node_count for tree in trees],
        np.where(leaf, 0, feature),
        np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees])),
        np.zeros(len(leaf), dtype=bool),
        np.where(leaf, 0, np.concatenate([tree.children_left for tree in trees])),
        np.where(leaf, 0, np.concatenate([tree.children_right for tree in trees])),
        leaf,
    )
    values = np.concatenate([tree.value[:, 0, :] for tree in trees]) / len(trees)
    # Nothing is added for a class that a leaf has never seen.
    said = leaf[:, np.newaxis] & ((values != 0) | (values.shape[1] == 1))
    node, target = np.nonzero(said)
    leaves = Leaves(node, target, values[node, target])
    return [imputer, trees_node(nodes, leaves, values.shape[1], known, result)]

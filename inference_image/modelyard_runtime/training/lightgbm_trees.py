"""LightGBM's boosted trees as ONNX: one tree ensemble node and the link to probabilities.

Written from the dump that LightGBM documents: a converter package for it would bring a second
graph builder. Called by ``graph``.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper

from modelyard_crds.plan import Task
from modelyard_runtime.training.trees import Leaves, Nodes, trees_node

#: LightGBM takes numbers up to here for zero.
NEARLY_ZERO = float(np.float32(1e-35))


class Split(NamedTuple):
    """One node of a tree: rows with ``feature <= threshold`` go left; a leaf has a value only."""

    feature: int
    threshold: float
    missing_left: bool
    left: int
    right: int
    value: float | None


def is_lightgbm(model: Any) -> bool:
    """Whether a fitted estimator is one of LightGBM's."""
    return hasattr(model, "booster_")


def lightgbm_nodes(
    model: Any, task: Task, source: str, result: str, round_down: Callable[[Any], Any]
) -> list[onnx.NodeProto]:
    """The nodes from the matrix to probabilities or values.

    ``round_down`` takes thresholds to the float32 below: inputs are float32.
    """
    best = model.best_iteration_
    dump = model.booster_.dump_model(num_iteration=best if best and best > 0 else None)
    trees = [list(_splits(tree["tree_structure"])) for tree in dump["tree_info"]]
    width = dump["num_tree_per_iteration"]
    raw = f"{result}_raw"
    if task == "regression" and model.objective_ != "poisson":
        return [_ensemble(trees, width, source, result, round_down)]
    node = _ensemble(trees, width, source, raw, round_down)
    if task == "regression":
        return [node, helper.make_node("Exp", [raw], [result])]
    if width > 1:
        return [node, helper.make_node("Softmax", [raw], [result], axis=1)]
    names = {"yes": f"{result}_yes", "minus": f"{result}_minus", "no": f"{result}_no"}
    return [
        node,
        helper.make_node("Sigmoid", [raw], [names["yes"]]),
        helper.make_node("Neg", [raw], [names["minus"]]),
        helper.make_node("Sigmoid", [names["minus"]], [names["no"]]),
        helper.make_node("Concat", [names["no"], names["yes"]], [result], axis=1),
    ]


def _splits(root: dict[str, Any]) -> Iterator[Split]:
    """The nodes of a tree in pre-order, which is the order of their numbers."""
    counter = iter(range(1 << 62))
    pending: list[dict[str, Any]] = [root]
    found: list[tuple[dict[str, Any], int]] = []
    numbers: dict[int, int] = {}
    while pending:
        node = pending.pop()
        numbers[id(node)] = next(counter)
        found.append((node, numbers[id(node)]))
        if "split_feature" in node:
            pending += [node["right_child"], node["left_child"]]
    for node, _ in found:
        if "split_feature" not in node:
            yield Split(0, 0.0, False, 0, 0, float(node["leaf_value"]))
            continue
        threshold = float(node["threshold"])
        if threshold == -NEARLY_ZERO:
            # Rows with just this value are zero to LightGBM, and go right.
            threshold = float(np.nextafter(threshold, -np.inf))
        # Without missing values in training LightGBM takes them for zero.
        left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
        children = numbers[id(node["left_child"])], numbers[id(node["right_child"])]
        yield Split(node["split_feature"], threshold, bool(left), *children, None)


def _ensemble(
    trees: list[list[Split]],
    width: int,
    source: str,
    result: str,
    round_down: Callable[[Any], Any],
) -> onnx.NodeProto:
    flat = [split for tree in trees for split in tree]
    feature, threshold, missing_left, left, right, value = zip(*flat, strict=True)
    leaf = np.array([one is not None for one in value])
    nodes = Nodes(
        [len(tree) for tree in trees],
        np.array(feature),
        round_down(np.array(threshold)),
        np.array(missing_left),
        np.array(left),
        np.array(right),
        leaf,
    )
    # A tree a class in each round.
    target = np.repeat(np.arange(len(trees)) % width, nodes.sizes)
    where = np.flatnonzero(leaf)
    leaves = Leaves(where, target[where], np.array([one for one in value if one is not None]))
    return trees_node(nodes, leaves, width, source, result)

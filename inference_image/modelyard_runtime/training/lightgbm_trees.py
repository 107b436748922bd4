"""LightGBM's boosted trees as ONNX: one tree ensemble node and the link to probabilities.

Written from the dump that LightGBM documents: a converter package for it would bring a second
graph builder. Called by ``graph``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from modelyard_crds.plan import Task
from modelyard_runtime.training.trees import Leaves, Nodes, trees_node

#: LightGBM takes numbers up to here for zero.
NEARLY_ZERO = float(np.float32(1e-35))

#: Rounds that are dumped at once: as text and dictionaries a tree takes a hundred times its room.
DUMPED_ROUNDS = 20
#: A node of a tree: rows with ``feature <= threshold`` go left; a leaf has a value only.
NODE = np.dtype(
    [
        ("feature", np.int64),
        ("threshold", np.float64),
        ("missing_left", np.bool_),
        ("left", np.int64),
        ("right", np.int64),
        ("leaf", np.bool_),
        ("value", np.float64),
    ]
)

Tree = NDArray[np.void]
Line = tuple[int, float, bool, int, int, bool, float]


def is_lightgbm(model: Any) -> bool:
    """Whether a fitted estimator is one of LightGBM's."""
    return hasattr(model, "booster_")


def lightgbm_nodes(
    model: Any, task: Task, source: str, result: str, round_down: Callable[[Any], Any]
) -> list[onnx.NodeProto]:
    """The nodes from the matrix to probabilities or values.

    ``round_down`` takes thresholds to the float32 below: inputs are float32.
    """
    trees, width = list(_trees(model)), model.booster_.num_model_per_iteration()
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


def _trees(model: Any) -> Iterator[Tree]:
    best, booster = model.best_iteration_, model.booster_
    rounds = best if best and best > 0 else booster.current_iteration()
    for start in range(0, rounds, DUMPED_ROUNDS):
        count = min(DUMPED_ROUNDS, rounds - start)
        dump = booster.dump_model(num_iteration=count, start_iteration=start)
        yield from (np.fromiter(_lines(t["tree_structure"]), NODE) for t in dump["tree_info"])


def _lines(root: dict[str, Any]) -> Iterator[Line]:
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
            yield 0, 0.0, False, 0, 0, True, float(node["leaf_value"])
            continue
        threshold = float(node["threshold"])
        if threshold == -NEARLY_ZERO:
            # Rows with just this value are zero to LightGBM, and go right.
            threshold = float(np.nextafter(threshold, -np.inf))
        # Without missing values in training LightGBM takes them for zero.
        left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
        children = numbers[id(node["left_child"])], numbers[id(node["right_child"])]
        yield node["split_feature"], threshold, bool(left), *children, False, 0.0


def _ensemble(
    trees: list[Tree],
    width: int,
    source: str,
    result: str,
    round_down: Callable[[Any], Any],
) -> onnx.NodeProto:
    flat = np.concatenate(trees)
    nodes = Nodes(
        [len(tree) for tree in trees],
        flat["feature"],
        round_down(flat["threshold"]),
        flat["missing_left"],
        flat["left"],
        flat["right"],
        flat["leaf"],
    )
    # A tree a class in each round.
    target = np.repeat(np.arange(len(trees)) % width, nodes.sizes)
    where = np.flatnonzero(flat["leaf"])
    leaves = Leaves(where, target[where], flat["value"][where])
    return trees_node(nodes, leaves, width, source, result)

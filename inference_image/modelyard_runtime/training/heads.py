"""Several targets in one artifact: their graphs as one, their metrics and importance together.

The graphs share their inputs; the one output has the columns of each head beside the others, so
that a serving pod runs one graph for a request. Called by ``build``.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, compose, helper

from modelyard_crds.build import SCORES_OUTPUT, Head
from modelyard_crds.model_version import MAX_FEATURE_IMPORTANCE
from modelyard_runtime.plan.goal import Goal

_DIGITS = 6


def head_of(goal: Goal) -> Head:
    """What the graph says of a goal."""
    return Head(
        target=goal.target,
        task=goal.task,
        classes=goal.classes,
        positive_class=goal.positive_class,
        quantiles=list(goal.quantiles),
    )


def joined(graphs: Sequence[bytes]) -> bytes:
    """One graph with the outputs of several side by side, in their order."""
    models = [
        compose.add_prefix(onnx.load_from_string(graph), f"head{number}/", rename_inputs=False)
        for number, graph in enumerate(graphs)
    ]
    outputs = [model.graph.output[0].name for model in models]
    inputs = {item.name: item for model in models for item in model.graph.input}
    graph = helper.make_graph(
        [
            *(node for model in models for node in model.graph.node),
            helper.make_node("Concat", outputs, [SCORES_OUTPUT], axis=1),
        ],
        "model",
        list(inputs.values()),
        [helper.make_tensor_value_info(SCORES_OUTPUT, TensorProto.FLOAT, [None, None])],
        [tensor for model in models for tensor in model.graph.initializer],
    )
    whole = helper.make_model(
        graph, opset_imports=models[0].opset_import, producer_name="modelyard"
    )
    whole.ir_version = models[0].ir_version
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


def metrics_of(each: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the targets that have it, then those of each target."""
    names = dict.fromkeys(name for metrics in each.values() for name in metrics)
    means = {
        name: round(float(np.mean([m[name] for m in each.values() if name in m])), _DIGITS)
        for name in names
    }
    if len(each) == 1:
        return means
    own = {
        f"{target}.{name}": value
        for target, metrics in each.items()
        for name, value in metrics.items()
    }
    return {**means, **own}


def shares_of(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean importance of each input over the targets, the greatest first."""
    names = dict.fromkeys(name for shares in each for name in shares)
    means = {name: round(sum(s.get(name, 0.0) for s in each) / len(each), 4) for name in names}
    ranked = sorted(means.items(), key=lambda item: -item[1])
    return dict(ranked[:MAX_FEATURE_IMPORTANCE])

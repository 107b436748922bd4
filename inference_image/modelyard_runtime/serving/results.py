"""From scores to JSON: templates made once from the manifest's outputs, filled row by row.

Scores are float32 and are written as the shortest decimal that reads back as the same float32:
0.27 stays 0.27 and does not grow the digits of a double. Called by ``predictor``.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelyard_crds.build import Head, Manifest, Output
from modelyard_crds.fields import FieldType
from modelyard_runtime.features import BOOLEAN_WORDS

Scores = NDArray[np.float32]
#: The JSON texts of one output field, one a row.
Column = Callable[[Scores], Sequence[bytes]]


class Renderer:
    """Writes the result of each row as a JSON object, within what ``around`` puts for %s."""

    def __init__(self, manifest: Manifest, around: str = "%s") -> None:
        types = {field.name: field.type for field in manifest.output_schema}
        self._columns = [
            _of_head(manifest, output, types.get(output.name)) for output in manifest.outputs
        ]
        names = [_escaped(json.dumps(output.name)) for output in manifest.outputs]
        result = b"{" + b",".join(name + b":%b" for name in names) + b"}"
        before, after = around.split("%s")
        self._template = before.encode() + result + after.encode()

    def __call__(self, scores: Scores) -> list[bytes]:
        """One JSON object a row."""
        cells = [column(scores) for column in self._columns]
        return [self._template % row for row in zip(*cells, strict=True)]


def typed_label(label: str, type_: FieldType | None) -> Any:
    """A class label as its field's type; a label that is not of the type stays text."""
    try:
        match type_:
            case "integer":
                return int(float(label))
            case "float":
                return float(label)
            case "boolean":
                return BOOLEAN_WORDS.get(label.strip().lower(), label)
    except ValueError:
        pass
    return label


def _of_head(manifest: Manifest, output: Output, type_: FieldType | None) -> Column:
    head, columns = manifest.columns_of(output.target)
    column = _column(output, type_, head)
    if not manifest.heads:
        return column
    return lambda scores: column(scores[:, columns])


def _column(output: Output, type_: FieldType | None, head: Head) -> Column:
    classes = head.classes
    match output.source:
        case "class":
            labels = [orjson.dumps(typed_label(label, type_)) for label in classes]
            return lambda scores: [labels[index] for index in scores.argmax(axis=1)]
        case "probability":
            position = label_position(output, classes)
            return lambda scores: _numbers(scores[:, position])
        case "confidence":
            return lambda scores: _numbers(scores.max(axis=1))
        case "probabilities":
            return _probabilities(classes)
        case "value" | "quantile":
            place = value_position(output, head.quantiles)
            if type_ == "integer":
                return lambda scores: [b"%d" % round(value) for value in scores[:, place].tolist()]
            return lambda scores: _numbers(scores[:, place])


def label_position(output: Output, classes: Sequence[str]) -> int:
    """Which column of the scores is the probability that an output shows.

    Raises ValueError where its class was not learnt.
    """
    if output.label not in classes:
        msg = f"the output {output.name!r} is of the class {output.label!r}, which is not learnt"
        raise ValueError(msg)
    return classes.index(output.label)


def value_position(output: Output, quantiles: Sequence[float]) -> int:
    """Which column of the scores is the value or the quantile that an output shows.

    Raises ValueError where the quantile was not learnt.
    """
    if output.source == "value":
        return 0
    if output.quantile not in quantiles:
        msg = f"the output {output.name!r} is the quantile {output.quantile}, which is not learnt"
        raise ValueError(msg)
    return 1 + quantiles.index(output.quantile)


def _probabilities(classes: Sequence[str]) -> Column:
    template = b"{" + b",".join(_escaped(json.dumps(label)) + b":%b" for label in classes) + b"}"

    def column(scores: Scores) -> list[bytes]:
        columns = [_numbers(scores[:, index]) for index in range(len(classes))]
        return [template % row for row in zip(*columns, strict=True)]

    return column


def _numbers(values: Scores) -> list[bytes]:
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[1:-1].split(b",")


def _escaped(text: str) -> bytes:
    """Text as a part of a template for the % operator."""
    return text.encode().replace(b"%", b"%%")

"""The Open Inference Protocol (v2) over the same predictor: a tensor a column in, a field out.

Values are checked by the version's schema like those of /predictions. Knows no transport; ``app``
calls it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from modelyard_crds.build import Manifest, Output
from modelyard_crds.fields import FieldType
from modelyard_runtime.serving.errors import MalformedError, TooLargeError
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.results import (
    Scores,
    label_position,
    typed_label,
    value_position,
)
from modelyard_runtime.serving.tensors import Tensor, read_values, write_binary

PLATFORM = "onnx_onnxv1"

_INPUT_TYPES: Mapping[FieldType, str] = {
    "string": "BYTES",
    "datetime": "BYTES",
    "integer": "INT64",
    "float": "FP64",
    "boolean": "BOOL",
}


class _Parameters(msgspec.Struct):
    binary_data_size: int | None = None
    binary_data: bool | None = None
    binary_data_output: bool = False


class _Input(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)
    data: list[Any] | None = None


class _Requested(msgspec.Struct):
    name: str
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class _Request(msgspec.Struct):
    inputs: list[_Input]
    id: str | None = None
    outputs: list[_Requested] | None = None
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


_DECODER = msgspec.json.Decoder(_Request)


class TensorAnswer(NamedTuple):
    """The body of an answer; with binary data, how long the JSON in front of it is."""

    body: bytes
    rows: int
    ignored: frozenset[str]
    header_length: int | None


class OpenInference:
    """Answers requests of the protocol."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._manifest = predictor.manifest

    def metadata(self) -> dict[str, Any]:
        """What the model takes and gives."""
        manifest = self._manifest
        return {
            "name": manifest.model,
            "versions": [str(manifest.version)],
            "platform": PLATFORM,
            "inputs": [
                {"name": field.name, "datatype": _INPUT_TYPES[field.type], "shape": [-1]}
                for field in manifest.input_schema
            ],
            "outputs": [
                {
                    "name": tensor.name,
                    "datatype": tensor.datatype,
                    "shape": [-1, *tensor.shape[1:]],
                }
                for tensor in output_tensors(manifest, self._predictor.no_scores())
            ],
        }

    def infer(self, body: bytes, header_length: int | None, request_id: str) -> TensorAnswer:
        """The answer to a body; a header length says that binary data follows the JSON."""
        request, binary = _read(body, header_length)
        names, columns = _columns(request, binary, self._predictor.max_rows)
        objects = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        rows, ignored = self._predictor.rows_of(objects)
        tensors = self._wanted(
            output_tensors(self._manifest, self._predictor.predict(rows, request_id)), request
        )
        described, appended = _write(tensors, request)
        head = msgspec.json.encode(
            {
                "model_name": self._manifest.model,
                "model_version": str(self._manifest.version),
                "id": request.id or request_id,
                "outputs": described,
            }
        )
        length = len(head) if appended else None
        return TensorAnswer(head + b"".join(appended), len(rows), ignored, length)

    def _wanted(self, tensors: list[Tensor], request: _Request) -> list[Tensor]:
        if not request.outputs:
            return tensors
        known = {tensor.name: tensor for tensor in tensors}
        for output in request.outputs:
            if output.name not in known:
                names = ", ".join(known)
                raise MalformedError(f"There is no output {output.name!r}, expected {names}.")
        return [known[output.name] for output in request.outputs]


def _read(body: bytes, header_length: int | None) -> tuple[_Request, bytes]:
    end = len(body) if header_length is None else header_length
    if end > len(body):
        raise MalformedError(f"The JSON header should have {end} bytes, the body has {len(body)}.")
    try:
        return _DECODER.decode(body[:end]), body[end:]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(f"The body is not an inference request: {error}.") from None


def _columns(request: _Request, binary: bytes, max_rows: int) -> tuple[list[str], list[list[Any]]]:
    """The names and values of the tensors, whose number of rows is checked before any is made."""
    rows = {_rows(tensor) for tensor in request.inputs}
    if len(rows) != 1:
        raise MalformedError("Expected one tensor a field, all of the same shape [rows].")
    (count,) = rows
    if count > max_rows:
        raise TooLargeError(max_rows, "rows")
    columns: list[list[Any]] = []
    position = 0
    for tensor in request.inputs:
        size = tensor.parameters.binary_data_size
        part = None
        if size is not None:
            part = binary[position : position + size]
            position += size
        columns.append(read_values(tensor.name, tensor.datatype, count, tensor.data, part))
    if position != len(binary):
        raise MalformedError(
            f"The tensors state {position} bytes of binary data, the body has {len(binary)}."
        )
    return [tensor.name for tensor in request.inputs], columns


def _rows(tensor: _Input) -> int:
    match tensor.shape:
        case [rows] | [rows, 1] if rows > 0:
            return rows
        case shape:
            raise MalformedError(
                f"Tensor {tensor.name!r} has shape {shape}, expected [rows] with at least one row."
            )


def _write(
    tensors: Sequence[Tensor], request: _Request
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The tensors as JSON, and the binary data of those that were asked for so."""
    asked = {output.name: output.parameters.binary_data for output in request.outputs or []}
    described: list[dict[str, Any]] = []
    appended: list[bytes] = []
    for tensor in tensors:
        item: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": tensor.shape,
        }
        chosen = asked.get(tensor.name)
        if request.parameters.binary_data_output if chosen is None else chosen:
            data = write_binary(tensor)
            item["parameters"] = {"binary_data_size": len(data)}
            appended.append(data)
        else:
            item["data"] = np.asarray(tensor.values).ravel().tolist()
        described.append(item)
    return described, appended


def output_tensors(manifest: Manifest, scores: Scores) -> list[Tensor]:
    """The outputs of a version as columns."""
    types = {field.name: field.type for field in manifest.output_schema}
    return [
        _tensor(manifest, output, types.get(output.name), scores) for output in manifest.outputs
    ]


def _tensor(manifest: Manifest, output: Output, type_: FieldType | None, scores: Scores) -> Tensor:
    head, columns = manifest.columns_of(output.target)
    classes, scores = head.classes, scores[:, columns]
    match output.source:
        case "class":
            labels = [typed_label(label, type_) for label in classes]
            chosen = [labels[index] for index in scores.argmax(axis=1)] if len(scores) else []
            return Tensor(output.name, _label_type(labels), chosen)
        case "probability":
            return Tensor(output.name, "FP32", scores[:, label_position(output, classes)])
        case "confidence":
            return Tensor(output.name, "FP32", scores.max(axis=1))
        case "probabilities":
            return Tensor(output.name, "FP32", scores, len(classes), classes)
        case "value" | "quantile":
            values = scores[:, value_position(output, head.quantiles)]
            if type_ == "integer":
                return Tensor(output.name, "INT64", np.rint(values).astype(np.int64))
            return Tensor(output.name, "FP32", values)


def _label_type(labels: Sequence[Any]) -> str:
    kinds = {type(label) for label in labels}
    by_kind = {bool: "BOOL", int: "INT64", float: "FP64"}
    return by_kind.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"

"""What a graph may consist of, read from its bytes before ONNX Runtime sees them.

The bytes come from a store that others can write to. ONNX can name files outside of itself and
operators that only a library of somebody's own could run; both are refused here, with a reason.
The few fields that matter are read from protobuf's wire format: the onnx package would cost a
serving pod 15 MB and a fifth of a second. Called by ``artifact``.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_NODES: Final = 20_000
ALLOWED_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
#: Operators that carry graphs of their own; nothing that is trained here needs them.
NESTING_OPERATORS: Final = frozenset({"If", "Loop", "Scan", "SequenceMap"})

#: An external file is named by an entry of this key, so that bytes without it have none.
_EXTERNAL_KEY = b"location"

_VARINT_MAX_SHIFT = 63


class UnsupportedGraphError(ValueError):
    """The bytes are not a graph that is served; the text says why."""


class _Field(NamedTuple):
    number: int
    payload: memoryview


def inspect_graph(model: bytes) -> None:
    """Raise UnsupportedGraphError unless the model keeps to what is served."""
    graphs = 0
    for field in _messages(memoryview(model)):
        match field.number:
            case 7:
                graphs += 1
                _inspect_nodes(field.payload)
            case 8:
                _expect_domain(_text(field.payload, 1))
            case 20 | 25:
                msg = "it defines functions or training steps of its own"
                raise UnsupportedGraphError(msg)
    if graphs != 1:
        msg = f"it holds {graphs} graphs, expected 1"
        raise UnsupportedGraphError(msg)
    if _EXTERNAL_KEY in model:
        _expect_no_external_data(memoryview(model))


def _inspect_nodes(graph: memoryview) -> None:
    nodes = 0
    for field in _messages(graph):
        if field.number != 1:
            continue
        nodes += 1
        if nodes > MAX_NODES:
            msg = f"it has more than {MAX_NODES} nodes"
            raise UnsupportedGraphError(msg)
        _expect_domain(_text(field.payload, 7))
        operator = _text(field.payload, 4)
        if operator in NESTING_OPERATORS:
            msg = f"it has the operator {operator}, which nests graphs"
            raise UnsupportedGraphError(msg)


def _expect_domain(domain: str) -> None:
    if domain not in ALLOWED_DOMAINS:
        msg = f"it uses operators of the domain {domain!r}, expected ai.onnx or ai.onnx.ml"
        raise UnsupportedGraphError(msg)


def _expect_no_external_data(model: memoryview) -> None:
    """Look at every tensor: initializers (5, 15) and those in attributes (5) of nodes (1)."""
    for tensor in _tensors(model):
        if any(field.number == 13 for field in _messages(tensor)):  # noqa: PLR2004 - external_data
            msg = "it keeps tensors in files outside of itself"
            raise UnsupportedGraphError(msg)


def _tensors(model: memoryview) -> Iterator[memoryview]:
    for graph in _children(model, 7):
        yield from _children(graph, 5)
        for sparse in _children(graph, 15):
            yield from _sparse_parts(sparse)
        for node in _children(graph, 1):
            for attribute in _children(node, 5):
                yield from _children(attribute, 5)
                yield from _children(attribute, 10)
                for number in (22, 23):
                    for sparse in _children(attribute, number):
                        yield from _sparse_parts(sparse)


def _sparse_parts(sparse: memoryview) -> Iterator[memoryview]:
    yield from _children(sparse, 1)
    yield from _children(sparse, 2)


def _children(message: memoryview, number: int) -> Iterator[memoryview]:
    return (field.payload for field in _messages(message) if field.number == number)


def _text(message: memoryview, number: int) -> str:
    """The last value of a text field, as protobuf reads it; empty where there is none."""
    values = list(_children(message, number))
    return bytes(values[-1]).decode(errors="replace") if values else ""


def _messages(data: memoryview) -> Iterator[_Field]:
    """The length-delimited fields of a message; numbers are skipped."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        match wire:
            case 0:
                _, position = _varint(data, position)
            case 1:
                position += 8
            case 2:
                length, start = _varint(data, position)
                position = start + length
                if position <= len(data):
                    yield _Field(number, data[start:position])
            case 5:
                position += 4
            case _:
                raise UnsupportedGraphError(_NOT_ONNX)
    if position != len(data):
        raise UnsupportedGraphError(_NOT_ONNX)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift <= _VARINT_MAX_SHIFT:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position
        shift += 7
    raise UnsupportedGraphError(_NOT_ONNX)


_NOT_ONNX = "its bytes are not ONNX"

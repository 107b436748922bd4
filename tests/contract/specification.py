"""The literal examples of the specification, parsed out of its text so that none is forgotten."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

TEXT = Path(__file__).parent / "data" / "models-api.txt"
#: The specification's host and ids stand for others.
_ID = re.compile(r"\b(job|ver|dep|ds|upload|req|user)_[a-z0-9]{12}\b")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_OPERATION = re.compile(r"(GET|POST|PATCH|DELETE) (/\S+)")


class Example(NamedTuple):
    """A literal example: of the request or the response of an operation."""

    method: str
    path: str
    part: str
    content: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.part}"


def examples() -> list[Example]:
    """All examples, in the order of the text."""
    found: list[Example] = []
    method = path = part = ""
    lines = iter(TEXT.read_text().splitlines())
    for line in lines:
        if match := _OPERATION.fullmatch(line):
            method, path = match.groups()
        elif line in {"Request Body", "Response"}:
            part = "request" if line == "Request Body" else "response"
        elif line in {"{", "["}:
            found.append(Example(method, path, part, _block(line, lines)))
    return found


def example(method: str, path: str, part: str) -> Any:
    """The example of one part of an operation."""
    return next(item.content for item in examples() if item[:3] == (method, path, part))


def _block(first: str, lines: Any) -> Any:
    end = "}" if first == "{" else "]"
    content = [first]
    for line in lines:
        # The text breaks an example off with a comment and a sentence after the last bracket.
        if not line.strip().startswith("//"):
            content.append(end if line.startswith(end) else line)
        if line.startswith(end):
            return json.loads("\n".join(content))
    msg = "an example has no end"
    raise ValueError(msg)


def differences(wanted: Any, found: Any, place: str = "$", *, free: bool = False) -> list[str]:
    """Where an answer has other fields or types than an example.

    Objects whose keys are the user's own (schemas, metrics, results) are compared by their types
    only; null stands for a value that may be missing.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        if free:
            return [] if all(isinstance(key, str) for key in found) else [f"{place}: keys"]
        missing = [f"{place}.{key} is missing" for key in wanted.keys() - found.keys()]
        extra = [f"{place}.{key} is not in the example" for key in found.keys() - wanted.keys()]
        inner = [
            line
            for key in wanted.keys() & found.keys()
            for line in differences(wanted[key], found[key], f"{place}.{key}", free=key in _FREE)
        ]
        return [*missing, *extra, *inner]
    if isinstance(wanted, list) and isinstance(found, list):
        return [
            line
            for index, item in enumerate(found)
            for line in differences(wanted[0], item, f"{place}[{index}]")
            if wanted
        ]
    return [] if _kind(wanted) == _kind(found) else [f"{place} is {found!r}, as {wanted!r}"]


_FREE = {
    "metrics",
    "performance_metrics",
    "input_schema",
    "output_schema",
    "result",
    "prediction",
    "feature_importance",
}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        if match := _ID.fullmatch(value):
            return match[1]
        return "time" if _TIME.fullmatch(value) else "string"
    return type(value).__name__

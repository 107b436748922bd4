"""What the training data looked like, column by column: what drift is measured against."""

import json
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydantic import JsonValue

from modelyard_crds.fields import FieldSchema
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.features import FloatArray, words_in

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
TOP_CATEGORIES = 50
#: Bounds between the bins of a number; as many bins of equal weight as its values allow.
BIN_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_DIGITS = 7
_NO_TEXTS: Mapping[str, str] = {}


def statistics_of(
    table: Table,
    names: Sequence[str],
    targets: Sequence[Column],
    categories: Mapping[str, Sequence[str]],
    free_text: Container[str] = (),
) -> bytes:
    """The statistics file: every feature and target, and the codes of categories."""
    columns = {
        name: (text_statistics if name in free_text else column_statistics)(table.by_name[name])
        for name in names
    }
    content = {
        "rows": table.rows,
        "columns": columns,
        "target": {target.name: column_statistics(target) for target in targets},
        "categories": categories,
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def column_statistics(column: Column) -> dict[str, Any]:
    """One column: how much is missing, and how the rest is spread."""
    found: dict[str, Any] = {
        "type": column.type,
        "missing": len(column.values) - column.known,
        "distinct": column.distinct,
    }
    if column.type in {"string", "boolean"}:
        top = sorted(column.label_counts.items(), key=lambda item: (-item[1], item[0]))
        return {**found, "frequencies": dict(top[:TOP_CATEGORIES])}
    values = column.values[~column.missing]
    if len(values) == 0:
        return found
    quantiles = np.quantile(values, QUANTILES)
    return {
        **found,
        "mean": _rounded(values.mean()),
        "std": _rounded(values.std()),
        "quantiles": {
            f"{share:g}": _rounded(value)
            for share, value in zip(QUANTILES, quantiles.tolist(), strict=True)
        },
        "bins": bins_of(values),
    }


def text_statistics(column: Column) -> dict[str, Any]:
    """A column of free text: how many words its texts have. Texts themselves stay with the data."""
    lengths = [words_in(column.categories[code]) for code in column.values[~column.missing]]
    return {
        "type": column.type,
        "missing": len(column.values) - column.known,
        "distinct": column.distinct,
        "bins": bins_of(np.array(lengths, dtype=np.float64)),
    }


def bins_of(values: FloatArray) -> dict[str, Any]:
    """Bins of about equal weight, and how many values each has.

    A bin goes from above the edge before it up to its own edge.
    """
    edges = np.unique(np.quantile(values, BIN_SHARES, method="lower"))
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def example_of(
    table: Table, schema: Sequence[FieldSchema], texts: Mapping[str, str] = _NO_TEXTS
) -> dict[str, JsonValue]:
    """A typical request: the middle of numbers and dates, the most frequent of the rest.

    ``texts`` has what to say for free text, whose most frequent value is one of somebody.
    """
    return {
        field.name: texts.get(field.name) or _typical(field, table.by_name[field.name])
        for field in schema
        if table.by_name[field.name].known
    }


def _typical(field: FieldSchema, column: Column) -> JsonValue:
    if column.type in {"string", "boolean"}:
        allowed = {
            label: count
            for label, count in column.label_counts.items()
            if field.enum is None or label in field.enum
        }
        if not allowed:
            return field.enum[0] if field.enum else None
        label = max(sorted(allowed), key=lambda name: allowed[name])
        return label == "true" if column.type == "boolean" else label
    middle = float(np.quantile(column.values[~column.missing], 0.5, method="lower"))
    low = middle if field.minimum is None else max(middle, field.minimum)
    bounded = low if field.maximum is None else min(low, field.maximum)
    if column.type == "datetime":
        return datetime.fromtimestamp(bounded, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return int(bounded) if column.type == "integer" else _rounded(bounded)


def _rounded(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")

"""The model card: what a version is for, what it was made from and how good it is, for people."""

from collections.abc import Iterable, Sequence

from modelyard_crds.build import Head, Manifest
from modelyard_crds.conditions import rfc3339
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.plan.columns import Dropped


def model_card(
    manifest: Manifest,
    dropped: Sequence[Dropped],
    baseline: dict[str, float],
    matrix_columns: Sequence[str],
) -> str:
    """The card of a version, in Markdown; the manifest is complete but for its files."""
    info = manifest.training_info
    sections = [
        f"# {manifest.model} v{manifest.version}.0",
        f"> {manifest.intent}",
        f"Predicts {_targets(manifest.all_heads)} with {info.algorithm}, the best "
        f"of {info.candidates} candidates by {manifest.metric}; learnt from {info.dataset_size} "
        f"rows in {info.training_seconds:.1f} s on {rfc3339(manifest.created_at)}.",
        "## How good it is",
        "Measured on rows that the model had not seen, from the outputs of the graph that is "
        "served. The baseline looks at no column.",
        _table(
            ("metric", "model", "baseline"),
            [
                (name, f"{value:.4g}", f"{baseline[name]:.4g}" if name in baseline else "")
                for name, value in manifest.metrics.items()
            ],
        ),
        "## What it looks at",
        _table(
            ("input", "share of importance"),
            [(name, f"{share:.1%}") for name, share in info.feature_importance.items()],
        ),
        "## Inputs",
        _schema(manifest.input_schema),
        "## Outputs",
        _schema(manifest.output_schema),
        "## Left out",
        _list([f"`{name}`: {reason}" for name, reason in dropped]) or "No column.",
        "## To know",
        _list(manifest.warnings) or "Nothing unusual was seen.",
        "## Files",
        "`model.onnx` is what is served. `model.skops` is the scikit-learn pipeline; it takes a "
        "float32 matrix with one column for each of "
        f"{', '.join(f'`{name}`' for name in matrix_columns)}, text as the position of its "
        "category in `statistics.json`, counted from 1, 0 for others.",
        "## Made from",
        _list(
            [
                f"dataset `{manifest.dataset_digest}`",
                *(f"{name} {version}" for name, version in sorted(manifest.libraries.items())),
            ]
        ),
    ]
    return "\n\n".join(sections) + "\n"


def _targets(heads: Sequence[Head]) -> str:
    positives = [
        f", positive class `{h.positive_class}`" if h.positive_class else "" for h in heads
    ]
    return ", ".join(
        f"`{head.target}` ({head.task}{positive})"
        for head, positive in zip(heads, positives, strict=True)
    )


def _schema(fields: Sequence[FieldSchema]) -> str:
    rows = [
        (f"`{field.name}`", field.type, "yes" if field.required else "", field.description or "")
        for field in fields
    ]
    return _table(("field", "type", "required", "meaning"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)

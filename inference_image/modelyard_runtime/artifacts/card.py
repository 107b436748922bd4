"""The model card for people: what a version is for, what it was made from and how good it is.

Markdown and plots, both from the card as data; ``model_card.json`` is that data. Called by
``build``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from modelyard_crds.conditions import rfc3339
from modelyard_crds.fields import FieldSchema
from modelyard_crds.model_card import (
    CARD_DATA_FILE,
    CARD_FILE,
    Calibration,
    CalibrationFigures,
    Evaluation,
    MetricFigure,
    ModelCard,
    TargetCard,
)
from modelyard_crds.plan import PlannedSplit
from modelyard_runtime.artifacts.plots import Plot, importance_plot, target_plots

_SHOWN_ATTEMPTS = 5


def card_files(card: ModelCard) -> dict[str, bytes]:
    """The files of a card: Markdown, data and the plots that the Markdown links to."""
    looks_at = importance_plot(card)
    of_targets = [target_plots(target, number) for number, target in enumerate(card.targets, 1)]
    plots = [*([looks_at] if looks_at else []), *(plot for group in of_targets for plot in group)]
    return {
        CARD_FILE: _markdown(card, looks_at, of_targets).encode(),
        CARD_DATA_FILE: card.model_dump_json(by_alias=True, exclude_none=True, indent=1).encode(),
        **{plot.file: plot.content.encode() for plot in plots},
    }


def _markdown(card: ModelCard, looks_at: Plot | None, of_targets: Sequence[Sequence[Plot]]) -> str:
    sections = [
        f"# {card.model} v{card.version}.0",
        f"> {card.intent}",
        f"Predicts {_targets(card.targets)} with {card.algorithm}, the best of {card.candidates} "
        f"candidates; learnt from {card.rows} rows in {card.seconds:.1f} s on "
        f"{rfc3339(card.created_at)}.",
        _split(card.split),
    ]
    for target, plots in zip(card.targets, of_targets, strict=True):
        sections += _target(target, plots, several=len(card.targets) > 1)
    sections += [
        "## What it looks at",
        _image(looks_at) if looks_at else "Not measured.",
        _table(
            ("input", "share of importance"),
            [(name, f"{share:.1%}") for name, share in card.importance.items()],
        ),
        "## Inputs",
        "`statistics.json` has their distribution in the training data.",
        _schema(card.input_schema),
        "## Outputs",
        _schema(card.output_schema),
        "## Left out",
        _list([f"`{item.name}`: {item.reason}" for item in card.dropped]) or "No column.",
        "## To know",
        _list(card.warnings) or "Nothing unusual was seen.",
        "## Files",
        "`model.onnx` is what is served; over all rows it differs from the scikit-learn model by "
        f"at most {card.onnx_difference:.1e}. `model.skops` is that model; it takes a "
        "float32 matrix with one column for each of "
        f"{_counted(card.matrix_columns)}, text as the position of its category in "
        "`statistics.json`, counted from 1, 0 for others; words as the graph sums them up. "
        f"`{CARD_DATA_FILE}` is this card as data.",
        "## Made from",
        _list(
            [
                f"dataset `{card.dataset_digest}`",
                *(f"{name} {version}" for name, version in sorted(card.libraries.items())),
            ]
        ),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _counted(names: Sequence[str]) -> str:
    """Names one after the other; those that come several times with their number."""
    return ", ".join(
        f"`{name}`" if count == 1 else f"`{name}` × {count}"  # noqa: RUF001 - times, not a letter
        for name, count in Counter(names).items()
    )


def _targets(targets: Sequence[TargetCard]) -> str:
    return ", ".join(
        f"`{item.target}` ({item.task}"
        + (f", positive class `{item.positive_class}`)" if item.positive_class else ")")
        for item in targets
    )


def _target(target: TargetCard, plots: Sequence[Plot], *, several: bool) -> Iterator[str]:
    yield f"## How well `{target.target}` is predicted" if several else "## How good it is"
    yield _judged(target.evaluation)
    yield _table(
        ("metric", "model", f"{target.evaluation.confidence:.0%} interval", "baseline"),
        [_figure(figure) for figure in target.metrics],
    )
    if target.calibration:
        yield _calibration(target.calibration)
    yield from map(_image, plots)
    yield f"The best candidates by {target.metric}:"
    yield _table(
        ("candidate", "score", "seconds", "weight"),
        [
            (item.algorithm, _number(item.score), f"{item.seconds:.2f}", f"{item.weight:.2f}")
            for item in target.attempts[:_SHOWN_ATTEMPTS]
        ],
    )


def _calibration(found: Calibration) -> str:
    said = f"Calibration: {_figures(found.figures)}."
    if found.before is None:
        return f"{said} The probabilities are the model's own: a correction did not help."
    return f"{said} The probabilities are corrected; before: {_figures(found.before)}."


def _figures(found: CalibrationFigures) -> str:
    return (
        f"log loss {_number(found.log_loss)}, Brier score {_number(found.brier)}, expected "
        f"calibration error {_number(found.ece)}"
    )


def _judged(found: Evaluation) -> str:
    how = {
        "cross-validation": f"by {found.folds} models, each of which had not seen the rows it is "
        "judged by",
        "held-out rows": "by a model that had not seen them",
        "backtest": f"by {found.folds} models, each of which knew only what came before",
    }[found.judging]
    return (
        f"Measured on {found.rows} rows {how}. Intervals: bootstrap, {found.draws} draws of "
        f"{found.drawn}. Candidates were chosen by the same rows, so that the figures are "
        "a little too good. The baseline looks at no column."
    )


def _split(split: PlannedSplit | None) -> str:
    if split is None or split.column is None:
        return ""
    how = {
        "group": f"rows whose `{_cell(split.column)}` it has not seen",
        "time": f"the newest rows by `{_cell(split.column)}`",
    }[split.by]
    return f"It is judged by {how}: {split.reason}."


def _figure(figure: MetricFigure) -> tuple[str, str, str, str]:
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f"{_number(figure.low)} to {_number(figure.high)}"
    baseline = "" if figure.baseline is None else _number(figure.baseline)
    return figure.name, _number(figure.value), interval, baseline


def _image(plot: Plot) -> str:
    return f"![{_cell(plot.title)}]({plot.file})"


def _schema(fields: Sequence[FieldSchema]) -> str:
    rows = [
        (f"`{field.name}`", field.type, "yes" if field.required else "", field.description or "")
        for field in fields
    ]
    return _table(("field", "type", "required", "meaning"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)

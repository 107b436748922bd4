"""The plots of a model card: which charts show what of it, and their names as files.

Called by ``card``, which links to them; the files lie beside it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from modelyard_crds.model_card import (
    Calibration,
    ConfusionMatrix,
    ModelCard,
    OperatingPoint,
    Residuals,
    TargetCard,
)
from modelyard_runtime.artifacts import svg

OTHERS = "others"
_DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


class Plot(NamedTuple):
    """A chart: the name of its file, what it shows, and the SVG."""

    file: str
    title: str
    content: str


def importance_plot(card: ModelCard) -> Plot | None:
    """What the model looks at; None where that is not known."""
    named = [(name, share) for name, share in card.importance.items() if share > 0]
    title = "Share of importance"
    return Plot("importance.svg", title, svg.bars(title, named)) if named else None


def target_plots(target: TargetCard, number: int) -> list[Plot]:
    """The plots of a target; those of the second and further ones carry its number."""
    suffix = f"-{number}" if number > 1 else ""
    return [Plot(f"{name}{suffix}.svg", title, content) for name, title, content in _drawn(target)]


def _drawn(target: TargetCard) -> Iterator[tuple[str, str, str]]:
    if target.confusion_matrix:
        yield "confusion_matrix", *_confusion(target.confusion_matrix)
    if target.operating_points:
        yield "curves", *_curves(target.operating_points, target.positive_class)
    if target.calibration:
        yield "calibration", *_calibration(target.calibration)
    if target.residuals:
        yield "residuals", *_histogram(target.residuals)
        yield "predicted", *_by_prediction(target.residuals)
    if target.learning:
        yield "learning", *_learning(target)


def _confusion(matrix: ConfusionMatrix) -> tuple[str, str]:
    labels = [*matrix.labels, *[OTHERS] * (len(matrix.counts) - len(matrix.labels))]
    title = "True class against predicted class"
    return title, svg.matrix(svg.Axes(title, "predicted →", "true ↓"), labels, matrix.counts)


def _curves(points: list[OperatingPoint], positive: str | None) -> tuple[str, str]:
    title = f"ROC and precision of {positive}"
    roc = [(0.0, 0.0), *((p.false_positive_rate, p.recall) for p in points)]
    precise = [(p.recall, p.precision) for p in points]
    axes = svg.Axes(
        title, "false positive rate · recall", "recall · precision", reference=_DIAGONAL
    )
    return title, svg.lines(axes, [svg.Line("ROC", roc), svg.Line("precision-recall", precise)])


def _calibration(found: Calibration) -> tuple[str, str]:
    title = f"Calibration: {found.of}"
    points = [(item.predicted, item.observed) for item in found.bins]
    axes = svg.Axes(title, "predicted probability", "observed share", reference=_DIAGONAL)
    return title, svg.lines(axes, [svg.Line("observed", points, dots=True)])


def _histogram(found: Residuals) -> tuple[str, str]:
    title = "Residuals: true minus predicted"
    axes = svg.Axes(title, "residual", "rows")
    return title, svg.columns(axes, found.histogram.edges, found.histogram.counts)


def _by_prediction(found: Residuals) -> tuple[str, str]:
    title = "True values by prediction: median, and 8 of 10"
    bins = found.by_prediction
    ends = [value for item in bins for value in (item.predicted, item.middle)]
    axes = svg.Axes(
        title,
        "predicted",
        "true",
        reference=((min(ends), min(ends)), (max(ends), max(ends))),
    )
    points = [(item.predicted, item.middle) for item in bins]
    bands = [(item.predicted, (item.low, item.high)) for item in bins]
    return title, svg.lines(axes, [svg.Line("median", points, dots=True)], bands)


def _learning(target: TargetCard) -> tuple[str, str]:
    title = "Score by rows learnt from"
    points = [(float(point.rows), point.score) for point in target.learning]
    axes = svg.Axes(title, "rows", f"score ({target.metric})")
    return title, svg.lines(axes, [svg.Line("score", points, dots=True)])

"""What is known of how well a model predicts: the part of the model card of one target.

``card_of`` and ``target_card`` take what ``learning`` found; the rest are pure functions of truth
and predictions for rows that were not learnt from. Called by ``build``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_crds import model_card as card
from modelyard_crds.build import Manifest, NumericFeature
from modelyard_runtime.training.candidates import name_of
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.evaluation import baseline, measure
from modelyard_runtime.training.intervals import (
    CONFIDENCE,
    DRAWS,
    Interval,
    Judged,
    blocks_said,
    intervals,
)
from modelyard_runtime.training.learning import Learnt
from modelyard_runtime.training.problem import Problem
from modelyard_runtime.training.quantiles import baseline_metrics
from modelyard_runtime.training.search import Trial

BINS = 10
HISTOGRAM_BINS = 20
RESIDUAL_SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
PAIR = 2
_DIGITS = 6
_FLOOR = 1e-15

Truth = NDArray[Any]
Chances = NDArray[Any]


def card_of(manifest: Manifest, learnt: Sequence[Learnt]) -> card.ModelCard:
    """The card of a version; the manifest is complete but for its files."""
    info, plan = manifest.training_info, manifest.plan
    encoding = learnt[0].data.encoding
    return card.ModelCard(
        model=manifest.model,
        version=manifest.version,
        created_at=manifest.created_at,
        runtime=manifest.runtime,
        intent=manifest.intent,
        algorithm=info.algorithm,
        candidates=info.candidates,
        dataset_digest=manifest.dataset_digest,
        dataset_rows=info.dataset_rows,
        rows=info.dataset_size,
        seconds=info.training_seconds,
        targets=[target_card(item) for item in learnt],
        importance=info.feature_importance,
        split=plan and plan.split,
        input_schema=manifest.input_schema,
        output_schema=manifest.output_schema,
        dropped=(plan.dropped if plan else None) or [],
        warnings=manifest.warnings,
        matrix_columns=_matrix_columns(encoding),
        onnx_difference=max(item.winner.difference for item in learnt),
        libraries=manifest.libraries,
    )


def _matrix_columns(encoding: Encoding) -> list[str]:
    words = [
        f"{name} (words)" for name, found in encoding.words.items() for _ in range(found.width)
    ]
    return [*map(_named, encoding.numeric), *words, *encoding.coded]


def _named(item: NumericFeature) -> str:
    return item.column if item.part == "value" else f"{item.column} ({item.part})"


def target_card(learnt: Learnt) -> card.TargetCard:
    """All that the card says of a target."""
    goal, problem, winner = learnt.goal, learnt.problem, learnt.winner
    truth, predicted = problem.target[winner.unseen.rows], winner.unseen.predicted
    rows, entities = winner.unseen.rows, problem.entities
    judged = Judged(
        goal.task,
        truth,
        predicted,
        problem.positive,
        problem.shape.seed,
        problem.over_time,
        None if entities is None else entities[rows],
    )
    classes = goal.classes
    return card.TargetCard(
        target=goal.target,
        task=goal.task,
        metric=goal.metric,
        positive_class=goal.positive_class,
        evaluation=_evaluation(problem, judged),
        metrics=_figures(winner.metrics, intervals(judged, winner.metrics), _naive(learnt)),
        confusion_matrix=confusion_matrix(truth, predicted, classes) if classes else None,
        operating_points=(
            None
            if problem.positive is None
            else operating_points(truth == problem.positive, predicted[:, problem.positive])
        ),
        calibration=_calibration(learnt) if classes else None,
        residuals=None if classes else residuals(truth, predicted[:, 0]),
        attempts=_attempts(learnt),
        learning=_by_rows(problem, learnt.outcome.ranked, winner.blend.parts[0][1]),
    )


def _evaluation(problem: Problem, judged: Judged) -> card.Evaluation:
    judging: card.Judging = "cross-validation" if len(problem.folds) > 1 else "held-out rows"
    return card.Evaluation(
        judging="backtest" if problem.over_time else judging,
        rows=len(judged.truth),
        folds=len(problem.folds),
        confidence=CONFIDENCE,
        draws=DRAWS,
        drawn=blocks_said(judged),
    )


def _naive(learnt: Learnt) -> dict[str, float]:
    """The metrics of a prediction that looks at no column."""
    task, truth = learnt.goal.task, learnt.problem.target
    guess = baseline(task, truth, learnt.goal.classes)
    of_quantiles = baseline_metrics(learnt.goal.quantiles, truth)
    return measure(task, truth, guess, learnt.problem.positive) | of_quantiles


def _figures(
    metrics: dict[str, float], ends: dict[str, Interval], naive: dict[str, float]
) -> list[card.MetricFigure]:
    return [
        card.MetricFigure(
            name=name,
            value=value,
            low=rounded(ends[name].low) if name in ends else None,
            high=rounded(ends[name].high) if name in ends else None,
            baseline=naive.get(name),
        )
        for name, value in metrics.items()
    ]


def confusion_matrix(
    truth: Truth, chances: Chances, classes: Sequence[str]
) -> card.ConfusionMatrix:
    """Counts by true and predicted class; the rarer ones of many are one."""
    chosen = chances.argmax(axis=1)
    frequent = np.argsort(-np.bincount(truth, minlength=len(classes)), kind="stable")
    shown = np.sort(frequent[: card.MAX_LABELS])
    place = np.full(len(classes), len(shown))
    place[shown] = np.arange(len(shown))
    width = min(len(classes), len(shown) + 1)
    counts = np.bincount(place[truth] * width + place[chosen], minlength=width * width)
    return card.ConfusionMatrix(
        labels=[classes[number] for number in shown], counts=counts.reshape(width, width).tolist()
    )


def operating_points(positive: NDArray[np.bool_], chances: Chances) -> list[card.OperatingPoint]:
    """What each threshold gives, from the greatest probability down; at most MAX_POINTS of them."""
    yes, no = int(positive.sum()), int((~positive).sum())
    if yes == 0 or no == 0:
        return []
    order = np.argsort(-chances, kind="stable")
    hits, called = np.cumsum(positive[order]), np.arange(1, len(order) + 1)
    ordered = chances[order]
    last_of_equals = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    wanted = np.linspace(0, len(last_of_equals) - 1, card.MAX_POINTS)
    picked = last_of_equals[np.unique(wanted.round().astype(np.int64))]
    return [
        card.OperatingPoint(
            threshold=rounded(ordered[at]),
            precision=rounded(hits[at] / called[at]),
            recall=rounded(hits[at] / yes),
            false_positive_rate=rounded((called[at] - hits[at]) / no),
        )
        for at in picked
    ]


def _calibration(learnt: Learnt) -> card.Calibration:
    """How well probabilities come true, also before they were corrected."""
    problem, winner = learnt.problem, learnt.winner
    truth, positive = problem.target[winner.unseen.rows], problem.positive
    found = calibration(truth, winner.unseen.predicted, learnt.goal.classes, positive)
    if winner.correction is None:
        return found
    slope, shift = winner.correction
    return found.model_copy(
        update={
            "before": calibration_figures(truth, winner.uncorrected.predicted, positive),
            "correction": card.Correction(
                slope=rounded(slope), shift=[rounded(value) for value in shift]
            ),
        }
    )


def calibration(
    truth: Truth, chances: Chances, classes: Sequence[str], positive: int | None
) -> card.Calibration:
    """Predicted and observed shares: of the positive class, or of the predicted one."""
    shown, came_true = _stated(truth, chances, positive)
    return card.Calibration(
        of="the predicted class" if positive is None else classes[positive],
        figures=calibration_figures(truth, chances, positive),
        bins=[
            card.CalibrationBin(
                rows=len(rows),
                predicted=rounded(shown[rows].mean()),
                observed=rounded(came_true[rows].mean()),
            )
            for rows in tenths(shown)
        ],
    )


def calibration_figures(
    truth: Truth, chances: Chances, positive: int | None
) -> card.CalibrationFigures:
    """Log loss, Brier score (of two classes that of one of them) and expected calibration error."""
    exact = chances.astype(np.float64)
    own = exact[np.arange(len(truth)), truth]
    loss = -np.log(np.clip(own / np.maximum(exact.sum(axis=1), _FLOOR), _FLOOR, 1.0)).mean()
    distance = (exact**2).sum(axis=1) - 2 * own + 1
    shown, came_true = _stated(truth, exact, positive)
    gaps = [abs(shown[r].mean() - came_true[r].mean()) * len(r) for r in tenths(shown)]
    return card.CalibrationFigures(
        log_loss=rounded(loss),
        brier=rounded(distance.mean() / (PAIR if exact.shape[1] == PAIR else 1)),
        ece=rounded(sum(gaps) / len(truth)),
    )


def _stated(
    truth: Truth, chances: Chances, positive: int | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The probability that is looked at in each row, and whether it came true."""
    if positive is not None:
        return chances[:, positive], np.asarray(truth == positive)
    return chances.max(axis=1), np.asarray(truth == chances.argmax(axis=1))


def residuals(truth: Truth, values: NDArray[Any]) -> card.Residuals:
    """How far off predictions are, in all and by their size."""
    left = truth - values
    shares = np.quantile(left, RESIDUAL_SHARES).tolist()
    return card.Residuals(
        mean=rounded(left.mean()),
        quantiles={
            f"{share:g}": rounded(value)
            for share, value in zip(RESIDUAL_SHARES, shares, strict=True)
        },
        histogram=_histogram(left, shares[0], shares[-1]),
        by_prediction=[_residual_bin(truth[rows], values[rows]) for rows in tenths(values)],
    )


def _histogram(values: NDArray[Any], low: float, high: float) -> card.Histogram:
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    if not high > low:
        edges = np.array([low - 0.5, low + 0.5])
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return card.Histogram(edges=[rounded(edge) for edge in edges], counts=counts.tolist())


def _residual_bin(truth: Truth, values: NDArray[Any]) -> card.ResidualBin:
    low, middle, high = np.quantile(truth, [0.1, 0.5, 0.9]).tolist()
    return card.ResidualBin(
        rows=len(truth),
        predicted=rounded(values.mean()),
        low=rounded(low),
        middle=rounded(middle),
        high=rounded(high),
    )


def tenths(values: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Rows by the size of a value, in ten parts of about equal size; equal values stay together."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    wanted = np.linspace(0, len(values), BINS + 1)[1:-1].astype(np.int64)
    cuts = np.unique(np.searchsorted(ordered, ordered[np.minimum(wanted, len(values) - 1)]))
    return [part for part in np.split(order, cuts) if len(part)]


def _attempts(learnt: Learnt) -> list[card.Attempt]:
    weights = {trial.candidate: weight for weight, trial in learnt.winner.blend.parts}
    return [
        card.Attempt(
            algorithm=name_of(trial.candidate),
            settings=dict(trial.settled.settings),
            score=rounded(trial.score),
            seconds=round(sum(fitted.seconds for fitted in trial.fitted.values()), 3),
            weight=rounded(weights.get(trial.candidate, 0.0)),
        )
        for trial in learnt.outcome.ranked[: card.MAX_ATTEMPTS]
    ]


def _by_rows(problem: Problem, ranked: Sequence[Trial], best: Trial) -> list[card.LearningPoint]:
    """The scores of a candidate by the rows that it learnt from, where it was tried on fewer."""
    if best not in ranked:
        return []
    scores: dict[int, list[float]] = {}
    for fit, fitted in best.fitted.items():
        if np.isfinite(fitted.score):
            rows = len(problem.folds[fit.fold].train[: fit.rows])
            scores.setdefault(rows if fit.rows else _every(problem), []).append(fitted.score)
    points = [
        card.LearningPoint(rows=rows, score=rounded(float(np.mean(values))))
        for rows, values in sorted(scores.items())
    ]
    return points if len(points) > 1 else []


def _every(problem: Problem) -> int:
    """The rows of a fold to learn from; but for windows of time, folds hardly differ."""
    return len(problem.folds[0].train)


def rounded(value: float) -> float:
    """A number in as many digits as mean something."""
    return float(f"{float(value):.{_DIGITS}g}")

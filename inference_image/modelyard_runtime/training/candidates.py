"""The models that a search may try: scikit-learn pipelines over the encoded matrix.

Only transformers whose ONNX form is held equal to scikit-learn's by tests are used here: median
imputation of numbers, standard scaling, and one-hot of the codes of ``encoding`` with unseen
ones ignored. No estimator takes categories natively: ONNX trees have no split on sets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from modelyard_crds.model_version import Task

Family = Literal["linear", "boosting", "forest", "extra_trees"]
Setting = int | float | None

FAMILY_NAMES: dict[Family, str] = {
    "linear": "a linear model",
    "boosting": "boosting",
    "forest": "a random forest",
    "extra_trees": "extra trees",
}
TREES = 100
#: Bounds on trees of large tables keep graphs small: a graph is walked for every prediction.
MAX_LEAVES = 512
ROWS_PER_TREE = 30_000
MANY_ROWS = 20_000
MANY_CLASSES = 10


@dataclass(frozen=True)
class Candidate:
    """One model of a search, before it is fitted."""

    family: Family
    settings: tuple[tuple[str, Setting], ...] = ()

    def get(self, name: str, default: Setting) -> Any:
        """A setting, or what holds where it is not set."""
        return dict(self.settings).get(name, default)


@dataclass(frozen=True)
class Shape:
    """What a pipeline must know of the matrix and the task."""

    task: Task
    rows: int
    numeric: int
    categories: tuple[int, ...]
    classes: int
    seed: int


def candidates(shape: Shape) -> Iterator[Candidate]:
    """First what usually works, then variations at random, without end; the same for a seed."""
    yield from _portfolio(shape)
    random = np.random.default_rng(shape.seed)
    seen = set(_portfolio(shape))
    while True:
        candidate = _draw(random)
        if candidate not in seen:
            seen.add(candidate)
            yield candidate


def portfolio_size(shape: Shape) -> int:
    """How many candidates come before the variations."""
    return len(_portfolio(shape))


def _portfolio(shape: Shape) -> list[Candidate]:
    few = shape.rows < MANY_ROWS
    boosting = Candidate("boosting", (("leaves", 31 if not few else 16), ("rate", 0.1)))
    gentle = Candidate(
        "boosting", (("leaves", 8), ("rate", 0.05), ("rounds", 150), ("l2", 1.0), ("smallest", 10))
    )
    linear = Candidate("linear", (("strength", 1.0),))
    strict = Candidate("linear", (("strength", 0.05),))
    forest, extra = (
        Candidate("forest", (("smallest", 2),)),
        Candidate("extra_trees", (("smallest", 2),)),
    )
    if shape.classes > MANY_CLASSES:
        # Boosting fits a tree a class: with many classes it comes after what is cheap.
        return [linear, extra, forest, strict, boosting]
    return [linear, boosting, forest, extra, gentle, strict]


def _draw(random: np.random.Generator) -> Candidate:
    families: tuple[Family, ...] = ("boosting", "boosting", "forest", "extra_trees", "linear")
    family = families[random.integers(len(families))]
    if family == "linear":
        return Candidate(family, (("strength", float(round(10.0 ** random.uniform(-3, 2), 4))),))
    if family == "boosting":
        return Candidate(
            family,
            (
                ("leaves", int(random.choice([4, 6, 8, 12, 16, 24, 31, 48]))),
                ("rate", float(round(10.0 ** random.uniform(-1.6, -0.7), 3))),
                ("rounds", int(random.choice([80, 120, 200]))),
                ("l2", float(random.choice([0.0, 0.1, 1.0, 10.0]))),
                ("smallest", int(random.choice([5, 10, 20, 40]))),
                ("share", float(random.choice([0.5, 0.8, 1.0]))),
            ),
        )
    return Candidate(
        family,
        (
            ("smallest", int(random.choice([1, 2, 3, 5, 10]))),
            ("share", float(random.choice([0.2, 0.35, 0.5, 0.75, 1.0]))),
        ),
    )


def build_pipeline(candidate: Candidate, shape: Shape, threads: int) -> Any:
    """The unfitted estimator of a candidate."""
    match candidate.family:
        case "linear":
            return _linear(candidate, shape)
        case "boosting":
            return _boosting(candidate, shape)
        case _:
            return _forest(candidate, shape, threads)


def _linear(candidate: Candidate, shape: Shape) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    strength = candidate.get("strength", 1.0)
    model = (
        Ridge(alpha=1.0 / strength, random_state=shape.seed)
        if shape.task == "regression"
        else LogisticRegression(C=strength, max_iter=500, random_state=shape.seed)
    )
    return make_pipeline(_expanded(shape), model)


def _expanded(shape: Shape) -> Any:
    """Numbers imputed and scaled, codes as one column for each category."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    if not shape.categories:
        return numbers
    codes = OneHotEncoder(
        categories=[np.arange(1, max(1, n) + 1, dtype=np.float32) for n in shape.categories],
        handle_unknown="ignore",
        sparse_output=False,
        dtype=np.float32,
    )
    text = list(range(shape.numeric, shape.numeric + len(shape.categories)))
    parts = [("text", codes, text)]
    if shape.numeric:
        parts.insert(0, ("numeric", numbers, list(range(shape.numeric))))
    return ColumnTransformer(parts)


def _boosting(candidate: Candidate, shape: Shape) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    many = shape.rows >= MANY_ROWS
    kind = (
        HistGradientBoostingRegressor
        if shape.task == "regression"
        else HistGradientBoostingClassifier
    )
    return kind(
        learning_rate=candidate.get("rate", 0.1),
        max_iter=candidate.get("rounds", 100) * (3 if many else 1),
        max_leaf_nodes=candidate.get("leaves", 31),
        min_samples_leaf=candidate.get("smallest", 20),
        l2_regularization=candidate.get("l2", 0.0),
        max_features=candidate.get("share", 1.0),
        early_stopping=many,
        random_state=shape.seed,
    )


def _forest(candidate: Candidate, shape: Shape, threads: int) -> Any:
    from sklearn import ensemble
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    prefix = "RandomForest" if candidate.family == "forest" else "ExtraTrees"
    suffix = "Regressor" if shape.task == "regression" else "Classifier"
    many = shape.rows > ROWS_PER_TREE
    default_share = 1.0 if shape.task == "regression" else "sqrt"
    model = getattr(ensemble, prefix + suffix)(
        n_estimators=TREES,
        min_samples_leaf=candidate.get("smallest", 2),
        max_features=dict(candidate.settings).get("share", default_share),
        max_leaf_nodes=MAX_LEAVES if shape.rows > ROWS_PER_TREE // 10 else None,
        bootstrap=many or candidate.family == "forest",
        max_samples=ROWS_PER_TREE if many else None,
        n_jobs=threads,
        random_state=shape.seed,
    )
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), model)

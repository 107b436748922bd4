"""The estimators behind candidates: scikit-learn pipelines over the encoded matrix.

Only transformers whose ONNX form is held equal to scikit-learn's by tests are used here: median
imputation of numbers, standard scaling, and one-hot of the codes of ``encoding`` with unseen
ones ignored. No estimator takes categories natively: ONNX trees have no split on sets.
"""

from typing import Any

import numpy as np

from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.problem import MANY_ROWS, Shape

TREES = 100
#: Bounds on trees of large tables keep graphs small: a graph is walked for every prediction.
MAX_LEAVES = 512
ROWS_PER_TREE = 30_000


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

"""The estimators behind candidates: scikit-learn pipelines over the encoded matrix.

Only transformers whose ONNX form is held equal to scikit-learn's by tests are used here: median
imputation of numbers, standard scaling, and one-hot of the codes of ``encoding`` with unseen
ones ignored. No estimator takes categories natively: ONNX trees have no split on sets.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.log_scale import OnLogScale
from modelyard_runtime.training.problem import Shape
from modelyard_runtime.training.series import Relative
from modelyard_runtime.training.target_means import TargetEncoded, added_columns, many_levels

TREES = 100
#: Bounds on trees of large tables keep graphs small: a graph is walked for every prediction.
MAX_LEAVES = 512
ROWS_PER_TREE = 30_000


#: The most rounds of boosting; watched fits stop where rows that they do not learn from say so.
MAX_ROUNDS = 600


def build_pipeline(candidate: Candidate, shape: Shape, threads: int) -> Any:
    """The unfitted estimator of a candidate."""
    if shape.scale is not None:
        return Relative(build_pipeline(candidate, replace(shape, scale=None), threads), shape.scale)
    if candidate.get("log", 0):
        return OnLogScale(_with_means(candidate, shape, threads))
    return _with_means(candidate, shape, threads)


def _with_means(candidate: Candidate, shape: Shape, threads: int) -> Any:
    levels = many_levels(shape.numeric, shape.categories, shape.classes)
    if not levels:
        return _on_its_scale(candidate, shape, threads)
    numeric = shape.numeric + added_columns(levels, shape.classes)
    inner = _on_its_scale(candidate, replace(shape, numeric=numeric), threads)
    return TargetEncoded(inner, levels, shape.classes, shape.seed)


def _on_its_scale(candidate: Candidate, shape: Shape, threads: int) -> Any:
    if shape.task == "regression" and candidate.family in ON_A_SCALE:
        return _scaled_target(_inner(candidate, shape, threads))
    return _inner(candidate, shape, threads)


def _inner(candidate: Candidate, shape: Shape, threads: int) -> Any:
    match candidate.family:
        case "linear":
            return _linear(candidate, shape)
        case "network":
            return _network(candidate, shape)
        case "boosting":
            return _boosting(candidate, shape, threads)
        case _:
            return _forest(candidate, shape, threads)


#: Categories of a column that get one of their own in models of weighted sums.
MAX_FLAGS = 200
#: Families that need a target near zero and one.
ON_A_SCALE = frozenset({"network"})


def _scaled_target(model: Any) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(model, transformer=StandardScaler())


def _network(candidate: Candidate, shape: Shape) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline

    kind = MLPRegressor if shape.task == "regression" else MLPClassifier
    model = kind(
        hidden_layer_sizes=(candidate.get("width", 64),) * candidate.get("layers", 1),
        alpha=candidate.get("penalty", 1e-2),
        learning_rate_init=candidate.get("rate", 3e-3),
        batch_size=min(shape.rows, max(32, min(256, shape.rows // 40))),
        max_iter=candidate.get("epochs", 60),
        n_iter_no_change=8,
        random_state=shape.seed,
    )
    return make_pipeline(_expanded(shape), model)


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
    """Numbers imputed and scaled, codes as one column for each of the frequent categories."""
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
        categories=[
            np.arange(1, min(max(1, n), MAX_FLAGS) + 1, dtype=np.float32) for n in shape.categories
        ],
        handle_unknown="ignore",
        sparse_output=False,
        dtype=np.float32,
    )
    text = list(range(shape.numeric, shape.numeric + len(shape.categories)))
    parts = [("text", codes, text)]
    if shape.numeric:
        parts.insert(0, ("numeric", numbers, list(range(shape.numeric))))
    return ColumnTransformer(parts)


def _boosting(candidate: Candidate, shape: Shape, threads: int) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if shape.task == "regression" else LGBMClassifier
    bagged = candidate.get("bag", 1.0)
    quantile = candidate.get("quantile", None)
    loss = {"objective": "quantile", "alpha": quantile} if quantile else {}
    return kind(
        **({"objective": "poisson"} if candidate.get("poisson", 0) else loss),
        n_estimators=candidate.get("rounds", MAX_ROUNDS),
        learning_rate=candidate.get("rate", 0.1),
        num_leaves=candidate.get("leaves", 31),
        min_child_samples=candidate.get("smallest", 20),
        reg_lambda=candidate.get("l2", 0.0),
        colsample_bytree=candidate.get("share", 1.0),
        subsample=bagged,
        subsample_freq=int(bagged < 1.0),
        extra_trees=bool(candidate.get("random", 0)),
        max_bin=candidate.get("bins", 255),
        n_jobs=threads,
        random_state=shape.seed,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
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

"""Forests as arrays: one node that says what scikit-learn says."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelyard_crds.build import NumericFeature
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.trees import is_forest

WIDTH = 5


def table():
    random = np.random.default_rng(0)
    matrix = random.normal(size=(300, WIDTH)).astype(np.float32)
    target = random.integers(0, 4, size=300)
    matrix[::9, 2] = np.nan
    return matrix, target


@pytest.mark.parametrize(
    ("estimator", "task"),
    [
        (ExtraTreesClassifier(n_estimators=7, random_state=0), "multiclass"),
        (RandomForestRegressor(n_estimators=7, random_state=0), "regression"),
    ],
)
def test_leaves_of_few_classes_and_missing_values(estimator, task):
    matrix, target = table()
    model = make_pipeline(SimpleImputer(strategy="median"), estimator).fit(matrix, target)
    assert is_forest(model)
    features = [NumericFeature(column=f"c{n}", part="value", offset=0.0) for n in range(WIDTH)]
    graph = to_graph(model, Encoding(features, [], {}), task)
    found = Session(graph, output_name(task)).run({"numeric": matrix})
    expected = (
        model.predict(matrix).reshape(-1, 1)
        if task == "regression"
        else model.predict_proba(matrix)
    )
    assert np.abs(found - expected).max() < 1e-5


def test_other_pipelines_are_none():
    matrix, target = table()
    known = np.nan_to_num(matrix)
    assert not is_forest(make_pipeline(StandardScaler(), Ridge()).fit(known, target))
    assert not is_forest(RandomForestRegressor(n_estimators=2).fit(known, target))

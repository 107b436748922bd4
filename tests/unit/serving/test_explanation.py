import json
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.build import Output
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.serving.assembly import assemble
from modelyard_runtime.serving.explanation import MAX_ROWS, contributions, plan
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.settings import read_settings
from unit.serving.conftest import EXAMPLE, publish

REFERENCE = (0.0, 0.0, 0.0, 0.0)


def explained(score, row, reference=REFERENCE):
    needed = plan(row, reference)
    scores = np.array([score(*values) for values in needed.rows], dtype=np.float32)
    return contributions(needed.paths, scores, len(row))


def exact(score, row):
    """Shapley values by all orders."""
    total = np.zeros(len(row))
    orders = list(permutations(range(len(row))))
    for order in orders:
        values = list(REFERENCE)
        for index in order:
            before = score(*values)
            values[index] = row[index]
            total[index] += score(*values) - before
    return total / len(orders)


ROWS = st.tuples(*[st.integers(-3, 3).map(float)] * 4)


@given(ROWS)
def test_contributions_add_up_to_the_difference(row):
    def score(a, b, c, d):
        return a * b + c * c * d - math.sin(a + d)

    assert explained(score, row).sum() == pytest.approx(score(*row) - score(*REFERENCE), abs=1e-4)


@given(ROWS)
def test_a_sum_is_explained_by_its_terms(row):
    found = explained(lambda a, b, c, _: 2 * a - b + 3 * c, row)
    np.testing.assert_allclose(found, [2 * row[0], -row[1], 3 * row[2], 0], atol=1e-4)


@given(ROWS)
def test_pairs_of_fields_that_work_together_share_alike(row):
    def score(a, b, c, d):
        return a * b + c * d

    np.testing.assert_allclose(explained(score, row), exact(score, row), atol=1e-4)


def test_a_typical_row_needs_no_explanation():
    assert not explained(lambda *_: 1.0, REFERENCE).any()


def test_the_cost_is_bounded():
    wide = plan((1.0,) * 500, (0.0,) * 500)
    assert len(wide.rows) <= MAX_ROWS
    assert len(plan((1.0,) * 26, (0.0,) * 26).rows) <= MAX_ROWS


@pytest.fixture
def ask(tmp_path):
    async def asked(model, row, query="?explain=true", **changes):
        version = publish(tmp_path, model, **changes)
        with ThreadPoolExecutor(1) as executor:
            predictor = Predictor(version.manifest, version.model)
            pod = assemble(predictor, read_settings([]), executor)
            transport = httpx.ASGITransport(pod.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
                return await client.post(f"/infer{query}", json=row)

    return asked


async def test_a_probability_is_explained(ask, binary_graph):
    row = EXAMPLE | {"age": 80, "plan": "pro"}
    answer = (await ask(binary_graph, row)).json()
    found = answer["explanation"]
    assert found["explains"] == "yes"
    assert found["reference"] == EXAMPLE
    assert found["score"] == pytest.approx(answer["result"]["left_probability"], abs=1e-6)
    shares = found["contributions"]
    assert set(shares) == set(EXAMPLE)
    assert sum(shares.values()) == pytest.approx(
        found["score"] - found["reference_score"], abs=1e-5
    )
    assert shares["age"] > 0
    assert shares["visits"] == 0


async def test_a_value_is_explained(ask, regression_graph):

    answer = await ask(
        regression_graph,
        EXAMPLE | {"age": 51},
        task="regression",
        classes=[],
        positive_class=None,
        output_schema=[FieldSchema(name="price", type="float")],
        outputs=[Output(name="price", source="value")],
    )
    found = answer.json()["explanation"]
    assert found["explains"] == "left"
    assert found["contributions"]["age"] == pytest.approx(20, abs=0.1)


async def test_explanations_come_only_when_asked_for(ask, binary_graph):
    assert "explanation" not in (await ask(binary_graph, EXAMPLE, "?explain=false")).json()


async def test_another_value_is_refused(ask, binary_graph):
    response = await ask(binary_graph, EXAMPLE, "?explain=yes")
    assert response.status_code == 400
    assert json.loads(response.content)["error"]["message"].startswith(
        "The query has explain='yes'"
    )

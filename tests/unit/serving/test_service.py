"""The version is a BentoML service: the same answers behind BentoML's own server."""

import tomllib
import warnings
from pathlib import Path

import httpx
import pytest
import yaml

from unit.serving.conftest import EXAMPLE

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bento_app(predictor, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("BENTOML_HOME", str(tmp_path_factory.mktemp("bentoml")))
        patch.setenv("BENTOML_DO_NOT_TRACK", "True")
        from modelyard_runtime.serving.service import make_app

        yield make_app(predictor)


@pytest.fixture
async def client(bento_app):
    transport = httpx.ASGITransport(bento_app)
    async with (
        bento_app.router.lifespan_context(bento_app),
        httpx.AsyncClient(transport=transport, base_url="http://pod") as made,
    ):
        yield made


async def test_bentoml_answers_the_same_routes(client):
    one = (await client.post("/infer", json=EXAMPLE)).json()
    many = (await client.post("/predictions", json=[EXAMPLE, EXAMPLE])).json()
    assert set(one) == {"request_id", "result", "model_name", "model_version", "created_at"}
    assert many == [{"prediction": one["result"]}] * 2


async def test_bentoml_refuses_wrong_rows(client):
    response = await client.post("/infer", json={"age": "3"})
    assert response.status_code == 400
    assert "expected a number" in response.text


async def test_bentoml_describes_the_routes(client):
    routes = (await client.get("/schema.json")).json()["routes"]
    assert {route["route"] for route in routes} == {"/infer", "/predictions"}


def test_a_bento_needs_what_the_runtime_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bento = yaml.safe_load((ROOT / "inference_image/bentofile.yaml").read_text())
    wanted = project["optional-dependencies"]["runtime"] + project["dependencies"]
    assert sorted(bento["python"]["packages"]) == sorted(wanted)

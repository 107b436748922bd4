"""Which pods answer while a deployment tries another version out; pitfall 7.3."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelyard_crds import ModelDeployment, names
from unit.api import samples
from unit.api.application import Facade, running

DEPLOYMENT = f"/predict/{names.deployment_id('uid-churn-production')}"
ASKED = 2000


@pytest.fixture
async def facade() -> AsyncIterator[Facade]:
    async with running() as running_facade:
        yield running_facade


def trying(weight: int, *, ready: int = 1, seen_version: int = 2) -> ModelDeployment:
    """A deployment of version 1 that gives ``weight`` percent to version 2."""
    plain = samples.deployment(canary={"version": 2, "weight": weight})
    raw = plain.to_json()
    share = weight if ready else 0
    raw["status"]["canary"] = {"version": seen_version, "weight": share, "readyReplicas": ready}
    return ModelDeployment.parse(raw)


@asynccontextmanager
async def pods(facade: Facade, deployment: ModelDeployment) -> AsyncIterator[TestServer]:
    """A pod of each version, which says which it is; the canary's is given."""
    samples.fill(facade.services.caches, samples.model(), samples.version(), samples.version(2))
    samples.fill(facade.services.caches, deployment)
    servers = []
    for name, version in (("churn-production", 1), ("churn-production-canary", 2)):

        async def answer(_: web.Request, version: int = version) -> web.Response:
            return web.json_response(version)

        app = web.Application()
        app.router.add_post("/{path}", answer)
        server = TestServer(app, shutdown_timeout=0.1)
        await server.start_server()
        samples.serve_at(facade.services.caches, name, f"127.0.0.1:{server.port}")
        servers.append(server)
    yield servers[1]
    for server in servers:
        await server.close()


async def answered(facade: Facade, path: str, times: int = 50) -> list[int]:
    answers = [await facade.send("POST", path, json={}) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


@pytest.mark.parametrize("path", [DEPLOYMENT, "/models/churn/latest/infer"])
async def test_the_canary_gets_its_share(facade: Facade, path: str) -> None:
    async with pods(facade, trying(10)):
        canary = (await answered(facade, path, ASKED)).count(2)
    # Six standard deviations of a binomial: 10 % of 2,000.
    assert abs(canary - 200) < 6 * (ASKED * 0.1 * 0.9) ** 0.5


async def test_whoever_names_a_version_gets_that_one(facade: Facade) -> None:
    async with pods(facade, trying(50)):
        assert set(await answered(facade, "/models/churn/v1/infer")) == {1}
        assert set(await answered(facade, "/models/churn/v2/infer")) == {2}


@pytest.mark.parametrize(
    "deployment",
    [trying(100, ready=0), trying(100, seen_version=3), trying(0)],
    ids=["not ready", "of another version", "weight 0"],
)
async def test_without_a_canary_that_answers_the_stable_version_does(
    facade: Facade, deployment: ModelDeployment
) -> None:
    async with pods(facade, deployment):
        assert set(await answered(facade, DEPLOYMENT)) == {1}


async def test_a_canary_that_dies_fails_no_request(facade: Facade) -> None:
    """Its pod is still listed, but no longer there."""
    async with pods(facade, trying(100)) as canary:
        assert set(await answered(facade, DEPLOYMENT)) == {2}
        await canary.close()
        assert set(await answered(facade, DEPLOYMENT)) == {1}


async def test_a_canary_of_the_version_that_is_served_is_refused(facade: Facade) -> None:
    samples.fill(facade.services.caches, samples.model(), samples.version(), samples.deployment())
    body = {"version": 1, "canary": {"version": "v1.0"}}
    answer = await facade.send("POST", "/models/churn/deploy", json=body)
    assert answer.status_code == 422
    assert "canary.version is v1.0" in answer.json()["error"]["message"]

"""Against a real server that speaks the two reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from modelyard_api.access import REVIEW_BURST, TokenReviews
from modelyard_api.auth import Right
from modelyard_api.errors import UnavailableError
from modelyard_api.kube import KubeApi
from modelyard_api.scopes import Scope

READ = Right(Scope.READ, "get", "models")


class Clock:
    """Time that moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def asked() -> AsyncIterator[tuple[TokenReviews, Counter[str], Clock]]:
    counts, clock = Counter[str](), Clock()

    async def review(request: web.Request) -> web.Response:
        body = await request.json()
        counts[body["kind"]] += 1
        if body["kind"] == "TokenReview":
            good = body["spec"]["token"] == "good"
            user = {"username": "jane", "groups": ["a"]}
            return web.json_response({"status": {"authenticated": good, "user": user}})
        attributes = body["spec"]["resourceAttributes"]
        return web.json_response({"status": {"allowed": attributes["namespace"] == "team-a"}})

    app = web.Application()
    app.router.add_post("/{path:.*}", review)
    server = TestServer(app)
    await server.start_server()
    kube = KubeApi(client.Configuration(host=str(server.make_url("")).rstrip("/")))
    yield TokenReviews(kube, 10, clock), counts, clock
    await kube.close()
    await server.close()


async def test_answers_are_believed_for_some_seconds(
    asked: tuple[TokenReviews, Counter[str], Clock],
) -> None:
    reviews, counts, clock = asked
    for moment in (0, 9, 11):
        clock.now = moment
        assert await reviews.identify("good") == ("jane", ("a",))
        assert await reviews.identify("bad") is None
        assert await reviews.allowed("jane", ("a",), "team-a", READ)
        assert not await reviews.allowed("jane", ("a",), "team-b", READ)
    assert counts == {"TokenReview": 4, "SubjectAccessReview": 4}


async def test_made_up_tokens_do_not_flood_the_api_server(
    asked: tuple[TokenReviews, Counter[str], Clock],
) -> None:
    reviews, counts, _ = asked
    for number in range(int(REVIEW_BURST)):
        await reviews.identify(f"token-{number}")
    with pytest.raises(UnavailableError, match="Too many"):
        await reviews.identify("one-more")
    assert counts["TokenReview"] == REVIEW_BURST


async def test_an_api_server_that_is_away_is_not_a_wrong_token() -> None:
    kube = KubeApi(client.Configuration(host="http://127.0.0.1:9"))
    with pytest.raises(UnavailableError, match="cannot check"):
        await TokenReviews(kube, 10).identify("good")
    await kube.close()

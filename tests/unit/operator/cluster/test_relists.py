"""kopf's requests against a server that says what has expired."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelyard_operator.cluster import relists as module
from modelyard_operator.cluster.relists import Relists

PATH = "/apis/modelyard.dev/v1alpha1/models"
Expires = Callable[[web.Request], bool]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 0)


@asynccontextmanager
async def connected(relists: Relists, expires: Expires) -> AsyncIterator[aiohttp.ClientSession]:
    async def answer(request: web.Request) -> web.Response:
        status = HTTPStatus.GONE if expires(request) else HTTPStatus.OK
        return web.json_response(dict(request.query), status=status)

    application = web.Application()
    application.router.add_get(PATH, answer)
    async with TestServer(application) as server:
        session = aiohttp.ClientSession(server.make_url("/"), middlewares=(relists.pass_on,))
        async with session:
            yield session


def names_a_version(request: web.Request) -> bool:
    return "resourceVersion" in request.query


async def test_a_watch_of_a_version_that_is_gone_begins_with_all_there_is() -> None:
    """Pitfall 2.3."""
    relists = Relists()
    async with connected(relists, names_a_version) as session:
        query = {"watch": "true", "resourceVersion": "7", "labelSelector": "a=b"}
        async with session.get(PATH, params=query) as answer:
            assert answer.status == HTTPStatus.OK
            assert await answer.json() == {"watch": "true", "labelSelector": "a=b"}
    assert relists.missed.is_set(), "what went meanwhile is to be looked for"


async def test_a_watch_that_is_refused_for_nothing_is_a_lost_connection() -> None:
    """kopf tries those again without an end, and gives up on any other."""
    async with connected(Relists(), lambda _: True) as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(PATH, params={"watch": "true", "resourceVersion": "7"})


async def test_an_expired_page_begins_the_list_anew() -> None:
    """kopf lists again after a lost payload."""
    async with connected(Relists(), lambda request: "continue" in request.query) as session:
        with pytest.raises(aiohttp.ClientPayloadError):
            await session.get(PATH, params={"limit": "500", "continue": "token"})


@pytest.mark.parametrize(
    ("queries", "missed"),
    [
        (({"limit": "1"}, {"limit": "1", "continue": "token"}, {"watch": "true"}), False),
        (({"limit": "1"}, {"limit": "1"}), True),
    ],
    ids=["first list", "list anew"],
)
async def test_a_list_anew_may_have_missed_what_went(
    queries: tuple[dict[str, str], ...], *, missed: bool
) -> None:
    """Pitfall 2.4: deletions are in no list."""
    relists = Relists()
    async with connected(relists, lambda _: False) as session:
        for query in queries:
            async with session.get(PATH, params=query) as answer:
                assert answer.status == HTTPStatus.OK
    assert relists.missed.is_set() is missed

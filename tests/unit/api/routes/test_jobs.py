"""A followed build on a real server: a client that goes away leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from modelyard_crds import names
from unit.api import samples
from unit.api.application import running

STREAMS = "modelyard_api_followed_builds"
#: A stream looks for lines once a second; it must not take more than a few looks to end.
SOON = 5


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The address of a server of an application that has been started."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
    task = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task
    listener.close()


async def none_followed() -> None:
    while REGISTRY.get_sample_value(STREAMS):  # noqa: ASYNC110 - a gauge tells nobody
        await asyncio.sleep(0)


async def test_a_client_that_goes_away_frees_its_stream() -> None:
    async with (
        running() as facade,
        serving(facade.app) as url,
        httpx.AsyncClient(base_url=url, headers=facade.client.headers) as client,
    ):
        samples.fill(facade.services.caches, samples.model(), samples.version(1, "BUILDING"))
        path = f"/jobs/{names.job_id('uid-churn', 1)}/logs?follow=true"
        for _ in range(2):
            async with client.stream("GET", path) as answer:
                assert (await anext(answer.aiter_lines())).startswith("retry:")
                assert REGISTRY.get_sample_value(STREAMS) == 1
            await asyncio.wait_for(none_followed(), SOON)

"""The whole application in its middlewares, with objects in its caches and no API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Receive, Send

from modelyard_api.app import create_app, surround
from modelyard_api.services import Services
from modelyard_api.settings import Settings
from modelyard_api.store import Store
from unit.api import samples

SETTINGS = Settings(
    namespace=samples.OWN_NAMESPACE,
    hold_seconds=0.05,
    max_body_bytes=2000,
    max_prediction_bytes=3000,
    max_upload_bytes=5000,
)


class Facade:
    """A running application and a client of it."""

    def __init__(self, services: Services, client: httpx.AsyncClient, app: ASGIApp) -> None:
        self.services = services
        self.app = app
        self.client = client

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, **more)


@asynccontextmanager
async def running(
    settings: Settings = SETTINGS, store: Store | None = None
) -> AsyncIterator[Facade]:
    """The application, started, with a client that has a key."""
    async with samples.services(settings, store) as services:

        @asynccontextmanager
        async def connected(_settings: Settings) -> AsyncIterator[Services]:
            yield services

        app = surround(create_app(settings, connected), settings)
        lifespan: asyncio.Queue[Message] = asyncio.Queue()
        started = asyncio.Event()

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                started.set()

        task = asyncio.create_task(_run(app, lifespan.get, told))
        await lifespan.put({"type": "lifespan.startup"})
        await started.wait()
        key = samples.add_key(services.caches)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers={"x-api-key": key}
        ) as client:
            yield Facade(services, client, app)
        await lifespan.put({"type": "lifespan.shutdown"})
        await task


async def _run(app: ASGIApp, receive: Receive, send: Send) -> None:
    await app({"type": "lifespan"}, receive, send)


def fault(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert error["status"] == answer.status_code
    assert error["request_id"] == answer.headers["x-request-id"]
    assert set(error) == {"code", "message", "status", "details", "suggestions", "request_id"}
    return error

"""Puts the façade together: routes, error answers, lifespan, middlewares.

``create_app`` is the FastAPI application, ``surround`` puts it into its middlewares. ``main``
calls both, and so do tests, with services of their own or, through ``connect``, a resolver of
their own where pods are not reached by their addresses.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from modelyard_api import faults, metrics
from modelyard_api.access import TokenReviews
from modelyard_api.auth import Authenticator
from modelyard_api.build_logs import BuildLogs
from modelyard_api.cache import Caches
from modelyard_api.counts import Counts
from modelyard_api.handlers.api_keys import record_use
from modelyard_api.kube import KubeApi
from modelyard_api.limits import InFlight, RateLimiter
from modelyard_api.manifests import Manifests
from modelyard_api.middleware import BodyLimit, RequestScope
from modelyard_api.openapi import TAGS, install_document
from modelyard_api.proxy import Proxy, Resolver, SliceResolver
from modelyard_api.reads import Reader
from modelyard_api.routes import (
    api_keys,
    datasets,
    deployments,
    health,
    jobs,
    models,
    predictions,
    uploads,
    versions,
)
from modelyard_api.routes.short_cut import ShortCut
from modelyard_api.routing import Routes
from modelyard_api.services import Services
from modelyard_api.settings import Settings
from modelyard_api.store import MountedStore
from modelyard_api.summaries import Summaries
from modelyard_api.writes import Writer

log = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 15.0
MakeResolver = Callable[[Caches], Resolver]
Connect = Callable[[Settings], AbstractAsyncContextManager[Services]]


@asynccontextmanager
async def connect(
    settings: Settings, make_resolver: MakeResolver | None = None
) -> AsyncIterator[Services]:
    """The services, connected to cluster and store."""
    # Long watches must not take the places of reads and writes.
    kube, watches = await KubeApi.connect(settings), await KubeApi.connect(settings)
    caches, proxy = Caches(), Proxy()
    endpoint = settings.presigned_endpoint if settings.presigned_uploads else None
    store = MountedStore(Path(settings.store_mount), endpoint)
    counts = Counts(settings.rate_limit_store)
    reviews = TokenReviews(kube, settings.token_cache_seconds)
    services = Services(
        settings=settings,
        caches=caches,
        reader=Reader(kube),
        writer=Writer(kube),
        store=store,
        logs=BuildLogs(store),
        manifests=Manifests(store),
        authenticator=Authenticator(
            caches.keys, reviews, settings.namespace, settings.served_accounts, _now
        ),
        management_limit=RateLimiter("requests", counts),
        prediction_limit=RateLimiter("predictions", counts),
        in_flight=InFlight(settings.max_in_flight, settings.max_in_flight_bytes),
        proxy=proxy,
        routes=Routes(caches),
        summaries=Summaries(),
        resolver=make_resolver(caches) if make_resolver else SliceResolver(caches.slices),
        draining=asyncio.Event(),
        now=_now,
        random_id=_random_id,
    )
    caches.start(watches, settings.namespace)
    housekeeping = asyncio.create_task(_keep_house(services, store))
    try:
        yield services
    finally:
        housekeeping.cancel()
        with suppress(asyncio.CancelledError):
            await housekeeping
        await record_use(services, services.authenticator.drain_used())
        await caches.stop()
        proxy.close()
        await counts.close()
        await kube.close()
        await watches.close()


def create_app(settings: Settings, connected: Connect = connect) -> FastAPI:
    """The application; it connects when it is started."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with connected(settings) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Modelyard",
        summary="Machine-learning models as Kubernetes objects.",
        version="0.1.0",
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        strict_content_type=False,
    )
    # Fixed paths before parameters: predictions first, since most requests are some;
    # jobs before models, for /models/build-logs.
    for module in (
        predictions,
        jobs,
        models,
        deployments,
        versions,
        datasets,
        uploads,
        api_keys,
        health,
    ):
        app.include_router(module.router)
    faults.install(app)
    install_document(app)
    return app


def surround(app: FastAPI, settings: Settings) -> ASGIApp:
    """What a server runs: the application in its middlewares."""

    def stale_seconds() -> float:
        services: Services | None = getattr(app.state, "services", None)
        return services.caches.stale_seconds if services else 0.0

    return RequestScope(ShortCut(app, BodyLimit(app, settings)), stale_seconds)


async def _keep_house(services: Services, store: MountedStore) -> None:
    """Note when keys were used, follow the store, and tell metrics what nobody counts."""
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        metrics.STALE_SECONDS.set(services.caches.stale_seconds)
        metrics.IN_FLIGHT.set(services.in_flight.total)
        try:
            await record_use(services, services.authenticator.drain_used())
        except Exception:
            log.exception("the use of keys could not be noted")
        try:
            if store.follow():
                log.info("the store's configuration has changed")
        except Exception as error:
            # Its text may hold what is mounted.
            log.warning("the store's new configuration cannot be used: %s", type(error).__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def _random_id() -> str:
    return uuid.uuid4().hex

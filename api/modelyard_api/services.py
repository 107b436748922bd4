"""What handlers reach the world through; made once by ``app``, passed to every handler."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from modelyard_api.auth import Authenticator
from modelyard_api.build_logs import BuildLogs
from modelyard_api.cache import Caches
from modelyard_api.limits import InFlight, RateLimiter
from modelyard_api.manifests import Manifests
from modelyard_api.proxy import Proxy, Resolver
from modelyard_api.reads import Reader
from modelyard_api.routing import Routes
from modelyard_api.settings import Settings
from modelyard_api.store import Store
from modelyard_api.summaries import Summaries
from modelyard_api.writes import Writer


@dataclass(frozen=True)
class Services:
    """The façade's parts."""

    settings: Settings
    caches: Caches
    reader: Reader
    writer: Writer
    store: Store
    logs: BuildLogs
    manifests: Manifests
    authenticator: Authenticator
    management_limit: RateLimiter
    prediction_limit: RateLimiter
    in_flight: InFlight
    proxy: Proxy
    routes: Routes
    summaries: Summaries
    resolver: Resolver
    #: Set when the process is asked to end: streams end themselves, clients come back.
    draining: asyncio.Event
    now: Callable[[], datetime]
    random_id: Callable[[], str]

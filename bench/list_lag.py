"""How long the façade's loop is held while it takes over a list of all models and versions."""

from __future__ import annotations

import asyncio
import time

from kubernetes.aio import client

from modelyard_api.cache.kinds import Caches
from modelyard_api.kube import KubeApi


def list_lag_ms(api_server: int) -> tuple[float, float]:
    """The longest that the loop was held by the first list, and by the same list once more."""
    return asyncio.run(_measure(api_server))


async def _measure(api_server: int) -> tuple[float, float]:
    kube = KubeApi(client.Configuration(host=f"http://127.0.0.1:{api_server}"))
    caches = Caches()
    try:
        return await _longest_turn(kube, caches), await _longest_turn(kube, caches)
    finally:
        await kube.close()


async def _longest_turn(kube: KubeApi, caches: Caches) -> float:
    reflectors = [kind.reflector(kube) for kind in (caches.models, caches.versions)]
    tasks = [asyncio.create_task(reflector.run()) for reflector in reflectors]
    longest, last = 0.0, time.perf_counter()
    while not all(reflector.synced.is_set() for reflector in reflectors):
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return longest * 1e3

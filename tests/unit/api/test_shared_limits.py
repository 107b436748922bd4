"""Two façades that count in one store, a server of Redis's protocol in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from fakeredis import TcpFakeServer

from modelyard_api.cache import Entry
from modelyard_api.settings import Settings, Tier
from unit.api import samples
from unit.api.application import SETTINGS, Facade, running

LIMIT = 4


@pytest.fixture
def store() -> Iterator[TcpFakeServer]:
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def settings(store: TcpFakeServer) -> Settings:
    given = {
        "tiers": {"default": Tier.model_validate({"requestsPerMinute": LIMIT})},
        "rate_limit_store": f"redis://127.0.0.1:{store.server_address[1]}/0",
    }
    return SETTINGS.model_copy(update=given)


async def test_a_key_has_one_limit_at_all_replicas(store: TcpFakeServer) -> None:
    async with running(settings(store)) as one, running(settings(store)) as two:
        key = samples.add_key(one.services.caches)
        for known in one.services.caches.keys.find(
            "account", samples.OWN_NAMESPACE, samples.ACCOUNT
        ):
            two.services.caches.keys.put(
                Entry(samples.OWN_NAMESPACE, known.key_id, known.key_id, 1, known)
            )

        async def ask(facade: Facade) -> tuple[int, str]:
            answer = await facade.send("GET", "/models", headers={"x-api-key": key})
            assert answer.headers["ratelimit-policy"] == f'{LIMIT};w=60;counted-by="all-replicas"'
            return answer.status_code, answer.headers["ratelimit-remaining"]

        assert [await ask(facade) for facade in (one, two, one, two)] == [
            (200, str(LIMIT - 1 - n)) for n in range(LIMIT)
        ]
        assert [await ask(facade) for facade in (one, two)] == [(429, "0"), (429, "0")]

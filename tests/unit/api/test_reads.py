"""A live list, for what an id means that the cache does not know."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, cast

from modelyard_api.cache import Caches
from modelyard_api.cache.reflector import TURN_SIZE
from modelyard_api.reads import Reader
from modelyard_crds import names
from unit.api import samples


class Lists:
    """An API server with 1,000 datasets, one of which cannot be read."""

    async def request(self, *_path: str, **_more: object) -> bytes:
        raw = [samples.dataset(f"d{n}").model_dump_json(by_alias=True) for n in range(1000)]
        return f'{{"items": [{{"kind": "Dataset"}}, {",".join(raw)}]}}'.encode()


async def test_an_unknown_id_leaves_the_loop_its_turns() -> None:
    """Pitfall 2.2: whoever asks for what does not exist must not hold up every other account."""
    kind = Caches().datasets
    sizes = [0]
    wanted = names.dataset_id("uid-d999")
    find = Reader(cast(Any, Lists())).find(kind, "id", samples.ACCOUNT, wanted)
    finding = asyncio.create_task(find)
    while not finding.done():
        await asyncio.sleep(0)
        sizes.append(len(kind.cache))
    assert [found.metadata.name for found in await finding] == ["d999"]
    assert max(after - before for before, after in pairwise(sizes)) == TURN_SIZE

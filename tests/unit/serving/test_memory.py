"""An hour of one row and of ten thousand in turn, in every format: memory stays (pitfall 5.3)."""

from __future__ import annotations

import io
import json
import random
import time

import httpx
import pyarrow as pa
import pytest

from unit.serving.conftest import EXAMPLE

SECONDS = 3600
WARM_UP_SECONDS = 60
GROWTH_MEBI = 50
MOST_ROWS = 10_000


def arrow(rows: int) -> bytes:
    table = pa.table({name: [value] * rows for name, value in EXAMPLE.items()})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def body(media: str, rows: int) -> bytes:
    row = json.dumps(EXAMPLE)
    match media:
        case "application/json":
            return f"[{','.join([row] * rows)}]".encode()
        case "application/x-ndjson":
            return "\n".join([row] * rows).encode()
        case "text/csv":
            cells = ",".join(str(value) for value in EXAMPLE.values())
            return "\n".join([",".join(EXAMPLE), *[cells] * rows]).encode()
        case _:
            return arrow(rows)


MEDIA = (
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.arrow.stream",
)


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 600)
def test_memory_is_what_it_was_after_a_minute(start):
    pod = start("--drain-seconds=0")
    pod.wait_ready()
    source = random.Random(0)  # noqa: S311 - a mix, nothing secret
    began, settled = time.monotonic(), None
    with httpx.Client(base_url=f"http://127.0.0.1:{pod.port}", timeout=120) as client:
        while (passed := time.monotonic() - began) < SECONDS:
            media, rows = source.choice(MEDIA), source.choice([1, 1, 1, 100, MOST_ROWS])
            headers = {"content-type": media}
            answer = client.post("/predictions", content=body(media, rows), headers=headers)
            assert answer.status_code == 200
            if settled is None and passed > WARM_UP_SECONDS:
                settled = pod.rss_mebi()
        assert settled is not None
        assert pod.rss_mebi() - settled < GROWTH_MEBI

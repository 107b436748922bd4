"""The platform's published client, unchanged but for its address, from a file to predictions.

It cannot deploy: the platform's models answer as soon as they are READY. Here deploying is a
decision of its own, so the tests take it over REST.
"""

from __future__ import annotations

import asyncio
import csv
import gc
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from plexe import PlexeAI

from support import rest
from support.durations import LONG, MEDIUM
from support.kubectl import POLL_SECONDS, poll

pytestmark = [
    pytest.mark.cluster,
    # The client leaves the files that it sends, and the connections of batches, to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GOAL = "Predict whether a customer will churn"
ROWS_AT_ONCE = 200
ENDED = {"READY", "ERROR"}


def customers(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of customers; those who use little tend to go."""
    chance = random.Random(seed)  # noqa: S311 - a table, no secret
    return [
        {
            "usage_minutes": round(chance.uniform(0, 500), 1),
            "tenure_months": chance.randrange(1, 72),
            "plan": chance.choice(["basic", "premium"]),
        }
        for _ in range(count)
    ]


def table(path: Path, seed: int) -> Path:
    """A file of customers, and whether they went."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["usage_minutes", "tenure_months", "plan", "churn"])
        for row in customers(300, seed):
            writer.writerow([*row.values(), "left" if row["usage_minutes"] < 150 else "stayed"])
    return path


@pytest.fixture
def published(client: httpx.Client, api_url: str) -> Iterator[PlexeAI]:
    """The published client with the key of the test's own namespace."""
    opened = PlexeAI(api_key=client.headers["x-api-key"])
    opened.base_url = f"{api_url}/v0"
    yield opened
    opened.client.close()
    # Collected here, where the warnings are known, and not in the middle of another test.
    del opened.async_client
    gc.collect()


def deploy(client: httpx.Client, name: str) -> None:
    """Serve the model's newest version, and wait for it."""
    body = {"replicas": 1, "auto_scale": False}
    client.post(f"/models/{name}/deploy", json=body).raise_for_status()
    rest.wait_for(
        client,
        f"/models/{name}",
        lambda seen: seen["deployment_status"] == "DEPLOYED",
        within=MEDIUM,
    )


def test_from_a_file_to_200_predictions_at_once(
    published: PlexeAI, client: httpx.Client, tmp_path: Path
) -> None:
    version = published.build(
        goal=GOAL,
        model_name="churn",
        data_files=table(tmp_path / "customers.csv", 1),
        eval_criteria="accuracy",
    )
    assert version == "v1.0"

    def ended() -> dict[str, Any] | None:
        seen: dict[str, Any] = published.get_status("churn", version)
        return seen if seen["status"] in ENDED else None

    status = poll(ended, LONG)
    assert status is not None
    assert status["status"] == "READY", status
    deploy(client, "churn")

    rows = customers(ROWS_AT_ONCE, 2)
    one = published.infer("churn", version, rows[0])
    assert one["result"]["churn"] in {"left", "stayed"}
    assert one["model_version"] == version
    answers = published.batch_infer("churn", version, rows)
    assert len(answers) == ROWS_AT_ONCE
    assert answers[0]["result"] == one["result"]
    batch = client.post(f"/models/churn/{version}/predictions", json=rows).json()
    assert [answer["result"] for answer in answers] == [item["prediction"] for item in batch]


async def test_from_an_upload_of_two_files_without_blocking(
    published: PlexeAI, client: httpx.Client, tmp_path: Path
) -> None:
    files = [table(tmp_path / f"customers-{seed}.csv", seed) for seed in (3, 4)]
    upload_id = await published.aupload_files(files)
    version = await published.abuild(goal=GOAL, model_name="churn", upload_id=upload_id)

    deadline = time.monotonic() + LONG
    status = await published.aget_status("churn", version)
    while status["status"] not in ENDED and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        status = await published.aget_status("churn", version)
    assert status["status"] == "READY", status
    await asyncio.to_thread(deploy, client, "churn")

    assert (await published.acleanup_upload(upload_id))["status"] == "DELETED"
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await published.acleanup_upload(upload_id)
    rows = customers(20, 5)
    answers = await asyncio.gather(*(published.ainfer("churn", version, row) for row in rows))
    assert {answer["result"]["churn"] for answer in answers} <= {"left", "stayed"}
    await published.async_client.aclose()

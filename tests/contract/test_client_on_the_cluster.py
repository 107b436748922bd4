"""The project's own client against the real façade, in the order of a model's life.

One build serves most of it, so the life is one test; the client with ``await`` lives a short one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

import modelyard
from modelyard import NotFoundError
from modelyard_api.mapping import rest_platform as platform
from support.durations import LONG, MEDIUM
from support.kubectl import poll

pytestmark = pytest.mark.cluster

INTENT = "Predict the price"
#: What a model that has learnt anything may be off, of a price around 200.
NEAR = 60


@pytest.fixture
def key(client: httpx.Client) -> str:
    """A key of the test's own namespace, which the façade knows."""
    return client.headers["x-api-key"]


def price(size: int, colour: str) -> int:
    return size * 3 + (40 if colour == "red" else 0) + size % 7


ROWS = [
    {"size": size, "colour": colour, "price": price(size, colour)}
    for size in range(20, 90)
    for colour in ("red", "blue")
]


def csv_file(folder: Path) -> Path:
    """A table as a file."""
    lines = ["size,colour,price", *(f"{r['size']},{r['colour']},{r['price']}" for r in ROWS)]
    path = folder / "prices.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_life_with_the_client(api_url: str, key: str, tmp_path: Path) -> None:
    shown: list[platform.JobJson] = []
    with modelyard.Client(api_url, key) as client:
        dataset = client.upload(csv_file(tmp_path), description="Prices of flats")
        assert dataset.dataset_id in {found.dataset_id for found in client.datasets()}
        model = client.create_model("prices", INTENT, dataset_id=dataset.dataset_id, tags=["flats"])
        detail = model.wait(within=LONG, on_progress=shown.append)
        assert (detail.status, detail.model_version, detail.tags) == ("READY", "v1.0", ["flats"])
        assert shown[-1].status == "SUCCEEDED"
        assert [job.progress for job in shown] == sorted(job.progress for job in shown)
        assert [found.model_name for found in client.models(status="READY")] == ["prices"]

        described = model.describe()
        assert set(described.input_schema or {}) == {"size", "colour"}
        assert set(described.output_schema or {}) == {"price"}
        assert [target.target for target in model.card().targets] == ["price"]

        started = model.deploy(within=MEDIUM)
        assert [item.status for item in model.deployments()] == ["ACTIVE"]
        row = {"size": 50, "colour": "red"}
        answer = model.predict(row)
        assert answer.model_version == "v1.0"
        assert answer.result["price"] == pytest.approx(price(50, "red"), abs=NEAR)
        assert model.predict_batch([row, {"size": 51, "colour": "blue"}])[0] == answer.result

        (job,) = client.jobs()
        lines = list(client.logs(job.job_id))
        assert lines
        assert {line.job_id for line in lines} == {job.job_id}

        assert model.retrain().new_version == "v2.0"
        assert model.wait(within=LONG).model_version == "v2.0"
        assert [item.version for item in model.versions()] == [2, 1]
        assert model.deploy(version=2, within=MEDIUM).deployment_id == started.deployment_id
        assert model.predict(row).model_version == "v2.0"

        model.undeploy(started.deployment_id)
        assert [item.status for item in model.deployments()] == ["UNDEPLOYING"]
        with pytest.raises(NotFoundError, match="not deployed"):
            model.predict(row)
        again = model.deploy(within=MEDIUM)
        assert again.deployment_id != started.deployment_id
        assert poll(lambda: len(model.deployments()) == 1 or None, MEDIUM), "the first has ended"
        model.delete()
        with pytest.raises(NotFoundError, match="prices"):
            model.get()
        client.delete_dataset(dataset.dataset_id)


def test_a_life_with_await(api_url: str, key: str) -> None:
    async def live() -> None:
        async with modelyard.AsyncClient(api_url, key) as client:
            model = await client.create_model("prices", INTENT, ROWS)
            followed = asyncio.create_task(_lines(client))
            detail = await model.wait(within=LONG)
            assert detail.status == "READY"
            assert await asyncio.wait_for(followed, MEDIUM)
            await model.deploy(within=MEDIUM)
            answer = await model.predict({"size": 50, "colour": "red"})
            assert answer.result["price"] == pytest.approx(price(50, "red"), abs=NEAR)
            await model.delete()
            with pytest.raises(NotFoundError):
                await model.status()

    asyncio.run(live())


async def _lines(client: modelyard.AsyncClient) -> list[str]:
    """The log of the one build, followed from before its beginning to its end."""
    (job,) = [job async for job in client.jobs()]
    return [line.message async for line in client.logs(job.job_id)]


def test_a_build_that_fails_says_why(api_url: str, key: str) -> None:
    flat = [row | {"price": 5} for row in ROWS]
    with modelyard.Client(api_url, key) as client:
        model = client.create_model("flat", INTENT, flat)
        with pytest.raises(modelyard.BuildFailedError, match=r"flat v1\.0: ConstantTarget"):
            model.wait(within=LONG)

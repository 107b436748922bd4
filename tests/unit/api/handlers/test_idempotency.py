"""A key makes a retry answer the first result, and is refused with another request."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import pytest

from modelyard_api.errors import ConflictError
from modelyard_api.handlers import datasets, idempotency, models, uploads, versions
from modelyard_api.handlers.idempotency import REMEMBERED, Token, answered_version, with_answer
from modelyard_api.mapping import datasets as dataset_mapping
from modelyard_api.mapping import models as model_mapping
from modelyard_api.mapping import rest, rest_platform
from modelyard_api.multipart import FormStream
from modelyard_api.services import Services
from modelyard_api.writes import AlreadyExistsError, Writer
from modelyard_crds import Dataset
from unit.api import samples

KEY = "try-1"
URL = "http://test"


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    async with samples.services() as opened:
        yield opened


def token(operation: str, request: object, key: str = KEY) -> Token:
    made = idempotency.token(samples.CALLER, operation, key, request)
    assert made is not None
    return made


def refused() -> Any:
    return pytest.raises(ConflictError, match=f"'{KEY}' has been used for another request")


# Objects


def test_an_object_is_known_by_key_and_request() -> None:
    first = token("create x", {"a": 1, "b": 2})
    assert token("create x", {"b": 2, "a": 1}).made(first.annotations)
    assert not token("create x", {"a": 1, "b": 2}, key="other").made(first.annotations)
    assert not token("create y", {"a": 1, "b": 2}).made(first.annotations)
    assert not first.made({})
    with refused():
        token("create x", {"a": 2}).made(first.annotations)


@pytest.mark.parametrize(
    ("intent", "metric", "same"), [("Why", None, True), ("What", None, False), ("Why", "r2", False)]
)
async def test_a_model(services: Services, intent: str, metric: Any, same: bool) -> None:
    class Taken(Writer):
        async def create(self, *_: Any, **__: Any) -> NoReturn:
            raise AlreadyExistsError("taken")

    body = rest.ModelCreate(intent="Why", dataset_id="usage")
    spec = model_mapping.model_spec("churn", body, "usage")
    annotations = token("create churn", spec).annotations
    samples.fill(services.caches, samples.dataset(), samples.model(annotations=annotations))
    occupied = dataclasses.replace(services, writer=Taken.__new__(Taken))

    async def create() -> rest.BuildStarted:
        body = rest.ModelCreate(intent=intent, dataset_id="usage")
        return await models.create_model(occupied, samples.CALLER, "churn", body, KEY, metric)

    if same:
        assert (await create()).model_name == "churn"
        return
    with refused():
        await create()


async def test_a_dataset(services: Services) -> None:
    body = rest_platform.DatasetCreate(name="Usage", uri="example://iris")
    first = token("dataset", ["Usage", dataset_mapping.dataset_spec(body)])
    plain = samples.dataset()
    meta = plain.metadata.model_copy(update={"annotations": first.annotations})
    made: Dataset = plain.model_copy(update={"metadata": meta})
    samples.fill(services.caches, made)
    again = await datasets.create_dataset(services, samples.CALLER, body, KEY)
    assert again.dataset_name == "usage"
    other = rest_platform.DatasetCreate(name="Usage", uri="example://wine")
    with refused():
        await datasets.create_dataset(services, samples.CALLER, other, KEY)


# Versions


async def test_a_version(services: Services) -> None:
    answered = with_answer({}, token("retrain churn", {"intent": "Why"}), 3)
    samples.fill(services.caches, samples.model(annotations=answered), samples.version())

    async def retrain(goal: str | None) -> rest.RetrainStarted:
        body = rest.Retrain(goal=goal)
        return await versions.retrain(services, samples.CALLER, "churn", body, KEY)

    assert (await retrain("Why")).new_version == "v3.0"
    for goal in ("What", None):
        with refused():
            await retrain(goal)


def test_the_newest_answers_are_remembered() -> None:
    annotations: dict[str, str] = {}
    tokens = [token("retrain churn", {}, key=f"k{number}") for number in range(REMEMBERED + 1)]
    for number, item in enumerate(tokens):
        annotations |= with_answer(annotations, item, number + 1)
    assert answered_version(annotations, tokens[0]) is None
    assert answered_version(annotations, tokens[1]) == 2
    assert answered_version(annotations, tokens[-1]) == REMEMBERED + 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}'])
def test_an_annotation_that_somebody_changed_is_as_none(text: str) -> None:
    name = next(iter(with_answer({}, token("x", {}), 1)))
    assert answered_version({name: text}, token("x", {})) is None


# Uploads


def form(content: bytes, filename: str = "a.csv", name: str = "Usage") -> FormStream:
    head = b"--x\r\nContent-Disposition: form-data; name="
    text = head + b'"name"\r\n\r\n' + name.encode() + b"\r\n"
    file = head + b'"file"; filename="' + filename.encode() + b'"\r\n\r\n' + content + b"\r\n"

    async def stream() -> AsyncIterator[bytes]:
        yield text + file + b"--x--\r\n"

    return FormStream(stream(), "multipart/form-data; boundary=x")


def announced(*filenames: str) -> rest_platform.UploadCreate:
    files = [{"filename": filename} for filename in filenames]
    return rest_platform.UploadCreate.model_validate({"files": files})


async def test_a_form(services: Services) -> None:
    async def send(sent: FormStream) -> object:
        return await uploads.receive_form(services, samples.CALLER, sent, KEY)

    first = await send(form(b"x,y\n1,2\n"))
    assert await send(form(b"x,y\n1,2\n")) == first
    for other in (form(b"x,y\n3,4\n"), form(b"x,y\n1,2\n", "b.csv"), form(b"x,y\n1,2\n", name="B")):
        with refused():
            await send(other)
    with refused():
        await uploads.begin(services, samples.CALLER, announced("a.csv"), URL, KEY)
    assert await send(form(b"x,y\n1,2\n")) == first
    [stored] = [item for item in await services.store.files("") if item.key.endswith(".csv")]
    assert await services.store.get(stored.key) == b"x,y\n1,2\n"


async def test_an_announcement(services: Services) -> None:
    async def begin(*filenames: str) -> object:
        return await uploads.begin(services, samples.CALLER, announced(*filenames), URL, KEY)

    first = await begin("a.csv", "b.csv")
    assert await begin("a.csv", "b.csv") == first
    with refused():
        await begin("a.csv")
    with refused():
        await uploads.receive_form(services, samples.CALLER, form(b"x,y\n1,2\n"), KEY)

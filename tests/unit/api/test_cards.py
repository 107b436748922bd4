"""Model cards by REST: the files of the artifact that tell of the model, and no others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from modelyard_api.manifests import digest_of
from modelyard_crds import ModelVersion
from modelyard_crds.build import manifest_key
from unit.api import samples
from unit.api.application import Facade, fault, running

FILES = {
    "model_card.json": b'{"format": 1}',
    "card.md": b"# churn\n![importance](importance.svg)",
    "importance.svg": b"<svg/>",
    "model.onnx": b"graph",
}


@pytest.fixture
async def facade() -> AsyncIterator[Facade]:
    async with running() as opened:
        yield opened


async def version_with_card(facade: Facade, files: dict[str, bytes]) -> ModelVersion:
    entries = [
        {"name": name, "key": f"files/{name}", "digest": digest_of(content)}
        for name, content in files.items()
    ]
    manifest = json.dumps({"example": {}, "files": entries}).encode()
    artifact = {"uri": "s3://x", "digest": digest_of(manifest), "sizeBytes": 1}
    version = samples.version(artifact=artifact)
    await facade.services.store.put(manifest_key(version.metadata.uid), manifest)
    for name, content in files.items():
        await facade.services.store.put(f"files/{name}", content)
    samples.fill(facade.services.caches, samples.model(), version)
    return version


@pytest.mark.parametrize(
    ("path", "file", "media"),
    [
        ("", "model_card.json", "application/json"),
        ("/card.md", "card.md", "text/markdown; charset=utf-8"),
        ("/importance.svg", "importance.svg", "image/svg+xml"),
    ],
)
async def test_a_card_is_data_text_and_plots(
    facade: Facade, path: str, file: str, media: str
) -> None:
    await version_with_card(facade, FILES)
    answer = await facade.send("GET", f"/models/churn/latest/card{path}")
    assert (answer.status_code, answer.content) == (200, FILES[file])
    assert answer.headers["content-type"] == media


@pytest.mark.parametrize("file", ["model.onnx", "manifest.json", "..%2Fmodel.onnx", "other.svg"])
async def test_other_files_are_not_given_away(facade: Facade, file: str) -> None:
    await version_with_card(facade, FILES)
    answer = await facade.send("GET", f"/models/churn/v1.0/card/{file}")
    assert fault(answer)["code"] == "not_found"
    assert b"graph" not in answer.content


async def test_an_artifact_of_before_there_were_cards_says_what_to_do(facade: Facade) -> None:
    await version_with_card(facade, {"model.onnx": b"graph"})
    answer = fault(await facade.send("GET", "/models/churn/v1.0/card"))
    assert (answer["code"], answer["suggestions"]) == (
        "not_found",
        ["Retrain for a version with a card."],
    )


async def test_a_card_is_there_when_the_version_is_ready(facade: Facade) -> None:
    building = samples.version(phase="BUILDING")
    samples.fill(facade.services.caches, samples.model(), building)
    answer = await facade.send("GET", "/models/churn/v1.0/card")
    assert answer.status_code == 409
    assert "BUILDING" in fault(answer)["message"]


async def test_a_damaged_card_is_not_shown(facade: Facade) -> None:
    await version_with_card(facade, FILES)
    await facade.services.store.put("files/model_card.json", b'{"format": 2}')
    answer = await facade.send("GET", "/models/churn/v1.0/card")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"

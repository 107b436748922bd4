"""What people get wrong: each ends soon as a condition with a reason and a way out, never BUILDING.

The odd files reach the cluster as uploads, as a person would send them.
"""

from __future__ import annotations

import pytest

from support import objects
from support.durations import LONG, MEDIUM
from support.kubectl import Kubectl, condition

pytestmark = pytest.mark.cluster

GOOD = "size,colour,price\n" + "".join(
    f"{n},{'red' if n % 3 else 'blue'},{n * 3 + n % 7}\n" for n in range(60)
)
BAD_FILES = [
    ("blank.csv", b"\n\n", "EmptyFile"),
    ("header-only.csv", b"size,colour,price\n", "NoRows"),
    ("one-row.csv", b"size,colour,price\n1,red,2\n", "TooFewRows"),
    ("one-column.csv", b"price\n1\n2\n3\n4\n", "TooFewColumns"),
    ("no-header.csv", b"5.1,3.5,1.4\n4.9,3.0,1.4\n4.7,3.2,1.3\n4.6,3.1,1.5\n", "NoHeader"),
    ("page.csv", b"<!DOCTYPE html><html><body>Not found</body></html>", "NotTabular"),
]


REFUSED_AT_THE_DOOR = [("empty.csv", b"", 422), ("binary.csv", bytes(range(256)) * 40, 415)]


@pytest.mark.parametrize(("filename", "content", "status"), REFUSED_AT_THE_DOOR)
def test_the_facade_takes_no_file_that_cannot_be_a_table(
    client, filename: str, content: bytes, status: int
) -> None:
    answer = client.post("/datasets", files={"file": (filename, content, "text/csv")})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["suggestions"]


@pytest.mark.parametrize(
    ("filename", "content", "reason"), BAD_FILES, ids=[f[2] + "-" + f[0] for f in BAD_FILES]
)
def test_a_dataset_says_what_is_wrong_with_its_file(
    kubectl: Kubectl, client, filename: str, content: bytes, reason: str
) -> None:
    answer = client.post("/datasets", files={"file": (filename, content, "text/csv")})
    assert answer.status_code in {201, 202}, answer.text
    name = answer.json()["dataset_name"]
    kubectl.apply(objects.model("prices", intent="Predict the price", datasetRef={"name": name}))

    dataset = kubectl.wait_reason("dataset", name, reason, within=MEDIUM)
    assert dataset["status"]["phase"] == "ERROR"
    assert condition(dataset, "Stalled")["status"] == "True"
    message = condition(dataset, "Ready")["message"]
    assert len(message) > 40
    assert "Traceback" not in message

    model = kubectl.wait_reason("model", "prices", "DatasetNotReady", within=MEDIUM)
    assert model["status"]["phase"] == "DRAFT"
    assert message[:40] in condition(model, "Ready")["message"]


def test_a_file_that_is_not_there_and_then_is(kubectl: Kubectl) -> None:
    kubectl.apply(
        objects.dataset("prices", uri="example://no_such_table"),
        objects.model("prices", intent="Which cultivar is it?"),
    )
    dataset = kubectl.wait_reason("dataset", "prices", "SourceNotFound", within=MEDIUM)
    assert "no_such_table" in condition(dataset, "Ready")["message"]
    kubectl.wait_reason("model", "prices", "DatasetNotReady", within=MEDIUM)

    kubectl.apply(objects.dataset("prices", uri="example://wine"))
    kubectl.wait_condition("model", "prices", "Ready", within=LONG)


def upload(client, content: str) -> str:
    answer = client.post("/datasets", files={"file": ("prices.csv", content.encode(), "text/csv")})
    assert answer.status_code in {201, 202}, answer.text
    name: str = answer.json()["dataset_name"]
    return name


def test_an_intent_that_fits_no_column_lists_them_and_recovers(kubectl: Kubectl, client) -> None:
    name = upload(client, GOOD)
    kubectl.apply(objects.model("m", intent="Foretell tomorrow", datasetRef={"name": name}))
    model = kubectl.wait_reason("model", "m", "TargetNotFound", within=MEDIUM)
    assert model["status"]["phase"] == "ERROR"
    message = condition(model, "Ready")["message"]
    for column in ("size", "colour", "price"):
        assert column in message

    kubectl.apply(objects.model("m", intent="Predict the price", datasetRef={"name": name}))
    ready = kubectl.wait_condition("model", "m", "Ready", within=LONG)
    assert ready["status"]["readyVersion"] == 2


BAD_TARGETS = [
    ("constant", "size,price\n" + "".join(f"{n},5\n" for n in range(40)), "ConstantTarget"),
    (
        "lonely-class",
        "size,price\n" + "".join(f"{n},{'low' if n else 'high'}\n" for n in range(40)),
        "TooFewExamples",
    ),
]


@pytest.mark.parametrize(
    ("case", "content", "reason"), BAD_TARGETS, ids=[c[0] for c in BAD_TARGETS]
)
def test_a_target_that_cannot_be_learnt(
    kubectl: Kubectl, client, case: str, content: str, reason: str
) -> None:
    name = upload(client, content)
    kubectl.apply(objects.model("m", intent="Predict the price", datasetRef={"name": name}))
    model = kubectl.wait_reason("model", "m", reason, within=MEDIUM)
    assert model["status"]["phase"] == "ERROR"
    assert "price" in condition(model, "Ready")["message"]
    kubectl.never("model", "m", lambda seen: seen["status"]["phase"] == "BUILDING")


def test_a_model_without_its_dataset_is_a_draft_until_it_comes(kubectl: Kubectl) -> None:
    kubectl.apply(objects.model())
    draft = kubectl.wait_reason("model", "tumours", "DatasetMissing", within=MEDIUM)
    assert draft["status"]["phase"] == "DRAFT"
    kubectl.apply(objects.dataset())
    kubectl.wait_condition("model", "tumours", "Ready", within=LONG)


def test_a_deployment_without_a_version_waits_and_says_for_what(kubectl: Kubectl) -> None:
    kubectl.apply(objects.deployment(version=7))
    kubectl.wait_reason("modeldeployment", "tumours-production", "ModelMissing", within=MEDIUM)
    kubectl.apply(objects.model(paused=True))
    kubectl.wait_reason("modeldeployment", "tumours-production", "VersionMissing", within=MEDIUM)

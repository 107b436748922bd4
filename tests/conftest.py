"""Fixtures of the tests on the real cluster: a namespace each, and evidence on failure."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterator

import httpx
import hypothesis
import pytest

from support.kubectl import Kubectl, namespace_evidence
from support.rest import make_key, open_client

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture
def kubectl(request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own, under the restricted Pod Security Standard."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    client = Kubectl(name)
    client.create(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": RESTRICTED},
        }
    )
    yield client
    report = request.node.stash.get(_REPORT, None)
    if report is not None and report.failed:
        request.node.add_report_section("call", f"namespace {name}", namespace_evidence(name))
    client.run("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="session")
def system() -> Kubectl:
    """kubectl in the namespace of operator, façade and store."""
    return Kubectl(os.environ["MODELYARD_SYSTEM_NAMESPACE"])


@pytest.fixture(scope="session")
def api_url() -> str:
    """Address of the façade."""
    return os.environ["MODELYARD_URL"]


@pytest.fixture(scope="session")
def api_key() -> str:
    """The key that the chart made."""
    return os.environ["MODELYARD_API_KEY"]


@pytest.fixture
def client(kubectl: Kubectl, api_url: str) -> Iterator[httpx.Client]:
    """The façade, with a key for the test's own namespace."""
    with open_client(api_url, make_key(kubectl.namespace)) as opened:
        yield opened


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave each test's report where its fixtures find it."""
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report

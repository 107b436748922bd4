"""Fixtures of the tests on the real cluster: a namespace each, and evidence on failure."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import hypothesis
import pytest

from support.kubectl import Kubectl, namespace_evidence
from support.rest import make_key, open_client

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

OWN_PREFIX = "t-"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture
def kubectl() -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own, under the restricted Pod Security Standard."""
    with _namespace() as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[Kubectl]:
    """kubectl in a namespace of a module's tests: each takes it as the one before has left it."""
    with _namespace() as client:
        yield client


@contextmanager
def _namespace() -> Iterator[Kubectl]:
    client = Kubectl(f"{OWN_PREFIX}{uuid.uuid4().hex[:10]}")
    metadata = {"name": client.namespace, "labels": RESTRICTED}
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield client
    client.run("delete", "namespace", client.namespace, "--wait=false", "--ignore-not-found")


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what a failed test's namespaces hold into its report."""
    report = yield
    if report.when == "call" and report.failed:
        for fixture in item.funcargs.values():
            if isinstance(fixture, Kubectl) and fixture.namespace.startswith(OWN_PREFIX):
                name = fixture.namespace
                report.sections.append((f"namespace {name}", namespace_evidence(name)))
    return report

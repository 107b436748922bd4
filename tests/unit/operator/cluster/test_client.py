"""What the API server answers becomes an error of our own tree, once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from modelyard_crds.reasons import Reason
from modelyard_operator.cluster.client import Api, error_of
from modelyard_operator.cluster.kinds import DEPLOYMENT, LEASE
from modelyard_operator.errors import (
    ConflictError,
    NotFoundError,
    OperatorError,
    RefusedError,
    TryAgainError,
)


def answer(code: int, message: str = "words", **more: Any) -> OperatorError:
    headers = more.pop("headers", {})
    return error_of(code, json.dumps({"message": message, **more}).encode(), headers, "GET /x")


@pytest.mark.parametrize(
    ("code", "type_"),
    [
        (404, NotFoundError),
        (409, ConflictError),
        (400, RefusedError),
        (403, RefusedError),
        (422, RefusedError),
        (413, RefusedError),
        (401, TryAgainError),
        (429, TryAgainError),
        (500, TryAgainError),
        (503, TryAgainError),
    ],
)
def test_codes(code: int, type_: type[OperatorError]) -> None:
    error = answer(code)
    assert type(error) is type_
    assert "words" in str(error)


def test_quota_has_a_reason_of_its_own() -> None:
    error = answer(403, 'jobs.batch "x" is forbidden: exceeded quota: q, requested: 1')
    assert isinstance(error, RefusedError)
    assert error.reason is Reason.QUOTA_EXCEEDED


def test_terminating_namespace_ends_the_matter() -> None:
    error = answer(403, details={"causes": [{"reason": "NamespaceTerminating"}]})
    assert isinstance(error, NotFoundError)


def test_retry_after_is_obeyed() -> None:
    error = answer(429, headers={"Retry-After": "7"})
    assert isinstance(error, TryAgainError)
    assert error.retry_after == 7


def test_answer_that_is_no_json_is_an_error_all_the_same() -> None:
    assert isinstance(error_of(502, b"<html>", {}, "GET /x"), TryAgainError)


async def test_success_that_is_no_json_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's page, or an answer that was cut: no reason for a routine to end."""
    api = Api(Configuration(host="http://127.0.0.1:9"))

    async def page(*_: object) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"<html>"

    monkeypatch.setattr(api, "_send", page)
    with pytest.raises(TryAgainError, match="what answered is no API server"):
        await api.get(LEASE, "ns", "modelyard-operator")
    await api.close()


async def test_an_apply_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pitfall 2.7: the library would send a dict as another kind of patch."""
    api = Api(Configuration(host="http://127.0.0.1:9"))
    sent: list[tuple[Any, ...]] = []

    async def note(*call: Any) -> tuple[int, dict[str, str], bytes]:
        sent.append(call)
        return 200, {}, b"{}"

    monkeypatch.setattr(api, "_send", note)
    manifest = {"metadata": {"namespace": "team-a", "name": "churn"}}
    await api.apply(DEPLOYMENT, manifest, manager="modelyard-operator")
    ((method, path, body, query, content_type),) = sent
    assert (method, path) == ("PATCH", "/apis/apps/v1/namespaces/team-a/deployments/churn")
    assert (body, content_type) == (manifest, "application/apply-patch+yaml")
    assert query == {"fieldManager": "modelyard-operator", "force": "true"}
    await api.close()
